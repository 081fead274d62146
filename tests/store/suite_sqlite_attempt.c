/* Attempts, ids and reports where SQLite has more to show: its rows and its reader. */
#include "fixture_sqlite.h"

#include "util.h"

#include <string.h>

static void set_retry(struct fixture *fx, int64_t max_attempts, int64_t delay_ms)
{
	fx->settings.retry = (struct retry_policy){max_attempts, delay_ms, delay_ms};
	fixture_reopen(fx);
}

/* ---- rows ---- */

static void plain_batches_have_no_rows(struct fixture *fx)
{
	set_retry(fx, 2, 0);
	submit_range(fx, PRIORITY_LOW, 1, 15, 3);
	end_all(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL, NULL);
	end_all(fx, claim_next(fx, 4), OUTCOME_FAILED, "why", NULL);
	end_all(fx, claim_next(fx, 7), OUTCOME_RETRY, "later", NULL);
	end_all(fx, claim_next(fx, 7), OUTCOME_RETRY, "too often", NULL);
	end_ids(fx, claim_next(fx, 10), "rrr", "later");
	end_ids(fx, claim_next(fx, 10), "ccc", NULL);
	end_all(fx, claim_next(fx, 13), OUTCOME_INTERRUPTED, NULL, NULL);
	assert_int_equal(ask(fx, "SELECT count(*) FROM result"), 0);
	assert_int_equal(ask(fx, "SELECT count(*) FROM output"), 0);
	assert_sound(fx);
}

static void ids_have_rows_as_long_as_they_differ(struct fixture *fx)
{
	set_retry(fx, 9, 0);
	submit_batch(fx, PRIORITY_LOW, 1);
	end_ids(fx, claim_next(fx, 1), "RrR", "some wait");
	assert_int_equal(ask(fx, "SELECT count(*) FROM result WHERE error = 'not yet'"), 2);
	assert_sound(fx);
	end_ids(fx, claim_next(fx, 1), "rcr", "some wait");
	assert_int_equal(ask(fx, "SELECT count(*) FROM result WHERE outcome = 1"), 1);
	assert_int_equal(ask(fx, "SELECT count(*) FROM result"), 1);
	assert_sound(fx);
	/* The message is the one that the attempt has anyway. */
	end_ids(fx, claim_next(fx, 1), "RR", "not yet");
	assert_int_equal(ask(fx, "SELECT count(*) FROM result"), 1);
	end_ids(fx, claim_next(fx, 1), "Rc", "one waits");
	assert_int_equal(ask(fx, "SELECT count(*) FROM result"), 3);
	end_all(fx, claim_next(fx, 1), OUTCOME_COMPLETED, "what of it", NULL);
	assert_int_equal(ask(fx, "SELECT group_concat(pos || outcome || attempts) = '112,214' "
				 "FROM result WHERE error IS NULL"),
	    1);
	assert_int_equal(ask(fx, "SELECT count(*) FROM batch WHERE error IS NULL"), 1);
	assert_sound(fx);
}

static void a_late_failure_tells_the_completed(struct fixture *fx)
{
	struct store_attempt first;

	set_retry(fx, 9, 0);
	submit_batch(fx, PRIORITY_LOW, 1);
	fx->utc_ms = 5000;
	first = claim_next(fx, 1);
	fx->utc_ms = 6000;
	end_ids(fx, first, "frr", "why");
	end_all(fx, claim_next(fx, 2), OUTCOME_COMPLETED, NULL, NULL);
	assert_int_equal(ask(fx, "SELECT status FROM batch"), BATCH_FAILED);
	assert_int_equal(ask(fx, "SELECT count(*) FROM result WHERE outcome = 1"), 2);
	assert_int_equal(ask(fx, "SELECT count(*) FROM result WHERE error = 'why' AND "
				 "attempts = 1 AND started_ms = 5000 AND finished_ms = 6000"),
	    1);
	assert_sound(fx);
}

static void refuses_another_number_of_results(struct fixture *fx)
{
	struct result results[2] = {{.outcome = OUTCOME_COMPLETED}, {.outcome = OUTCOME_COMPLETED}};
	struct ending ending = {.results = results, .n = 2};
	struct store_op op = {.verb = STORE_FINISH};

	submit_batch(fx, PRIORITY_LOW, 1);
	op.finish = (struct store_finish){.attempt = claim_next(fx, 1), .ending = &ending};
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_INVALID);
	assert_int_equal(ask(fx, "SELECT status FROM batch"), BATCH_TRIGGERED);
}

/* The batch goes over the borders of chunks. */
static void gives_out_what_is_left(struct fixture *fx)
{
	enum { SIZE = 2500 };
	char outcomes[SIZE + 1] = "";
	struct store_op op;

	set_retry(fx, 9, 0);
	submit_range(fx, PRIORITY_LOW, 1, 2 * SIZE, SIZE);
	claim_next(fx, 1);
	for (int i = 0; i < SIZE; i++)
		outcomes[i] = "crf"[i % 3];
	end_ids(fx, claim_next(fx, SIZE + 1), outcomes, "some");
	assert_int_equal(stats(fx).lanes[2].ids, SIZE / 3);
	assert_sound(fx);
	end_all(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL, NULL);
	fx->boot_ns += 5 * SECOND;
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	assert_int_equal(op.claim.batches[0].ids.n, SIZE / 3);
	for (int i = 0; i < SIZE / 3; i++)
		assert_int_equal(op.claim.batches[0].ids.v[i], SIZE + 2 + 3 * i);
	store_op_reset(&op);
}

/* ---- output ---- */

static void keeps_the_last_output(struct fixture *fx)
{
	set_retry(fx, 9, 0);
	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	end_all(fx, claim_next(fx, 1), OUTCOME_RETRY, NULL, "first");
	end_all(fx, claim_next(fx, 1), OUTCOME_RETRY, NULL, "second");
	end_all(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL, "third");
	assert_int_equal(
	    ask(fx, "SELECT out = 'third' AND out_bytes = 50 AND err IS NULL FROM output"), 1);
	end_all(fx, claim_next(fx, 4), OUTCOME_RETRY, NULL, "again");
	assert_int_equal(ask(fx, "SELECT count(*) FROM output"), 2);
	end_all(fx, claim_next(fx, 4), OUTCOME_COMPLETED, NULL, NULL);
	assert_int_equal(ask(fx, "SELECT count(*) FROM output"), 1);
	assert_sound(fx);
}

static struct store_op look_with(struct fixture *fx, const struct uuid *uuid, bool output)
{
	struct store_op op = {.verb = STORE_STATUS};

	op.status.uuid = *uuid;
	op.status.limit = STORE_PAGE_BATCHES;
	op.status.output = output;
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	return op;
}

static void output_ends_a_page(struct fixture *fx)
{
	static char text[STORE_PAGE_BYTES];
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 9, 3);
	struct store_op op;

	memset(text, 'x', sizeof(text) - 1);
	end_all(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL, NULL);
	end_all(fx, claim_next(fx, 4), OUTCOME_COMPLETED, NULL, text);
	op = look_with(fx, &it.uuid, true);
	assert_int_equal(op.status.page.n, 2);
	assert_int_equal(op.status.page.next_batch, 2);
	assert_null(op.status.page.batches[0].out.text);
	assert_string_equal(op.status.page.batches[1].out.text, text);
	store_op_reset(&op);
	op = look_with(fx, &it.uuid, false);
	assert_int_equal(op.status.page.n, 3);
	assert_null(op.status.page.batches[1].out.text);
	store_op_reset(&op);
}

/* ---- backoff ---- */

static void backoff_survives(struct fixture *fx)
{
	struct submitted it;
	struct store_op op;
	int64_t wake;

	set_retry(fx, 9, 60000);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	assert_int_equal(end_all(fx, claim_next(fx, 1), OUTCOME_RETRY, "later", NULL).due_ms,
	    retry_delay_ms(&fx->settings.retry, &it.uuid, 0, 1));
	wake = claim_nothing(fx);
	assert_sound(fx);
	assert_int_equal(fx->found.later, 1);
	assert_int_equal(fx->found.waiting, 0);
	assert_int_equal(fx->found.interrupted, 0);
	assert_int_equal(claim_nothing(fx), wake);
	op = look_with(fx, &it.uuid, false);
	assert_int_equal(
	    op.status.page.batches[0].retry_ms, fx->utc_ms + (wake - fx->boot_ns) / MS);
	store_op_reset(&op);
	/* Another boot: what is left of the wait goes on by the wall clock. */
	fx->utc_ms += 20000;
	fixture_reboot(fx, 10 * SECOND);
	assert_int_equal(claim_nothing(fx), 10 * SECOND + wake - 1005 * SECOND - 20 * SECOND);
}

static void a_claim_moves_a_thousand(struct fixture *fx)
{
	enum { MORE = 5, ALL = STORE_DUE_STEPS + MORE };

	fx->settings.interval_ns = 1;
	set_retry(fx, 9, 1000);
	submit_range(fx, PRIORITY_LOW, 1, ALL, 1);
	for (int64_t id = 1; id <= ALL; id++)
		end_all(fx, claim_next(fx, id), OUTCOME_RETRY, NULL, NULL);
	assert_int_equal(stats(fx).lanes[2].later, ALL);
	fx->settings.interval_ns = 3600 * SECOND;
	fixture_reopen(fx);
	pass_ms(fx, 1000);
	assert_int_equal(claim_nothing(fx), fx->boot_ns);
	assert_int_equal(ask(fx, "SELECT count(*) FROM backoff"), MORE);
	assert_int_equal(stats(fx).lanes[2].ids, STORE_DUE_STEPS);
	assert_true(claim_nothing(fx) > fx->boot_ns);
	assert_int_equal(ask(fx, "SELECT count(*) FROM backoff"), 0);
	assert_int_equal(stats(fx).lanes[2].ids, ALL);
	assert_sound(fx);
}

/* The settle time begins when a batch is due, not when somebody sees it. */
static void settles_from_the_moment_it_is_due(struct fixture *fx)
{
	struct store_op op;
	int64_t due;

	fx->settings.interval_ns = fx->settings.settle_ns = SECOND / 10;
	set_retry(fx, 9, 60000);
	submit_batch(fx, PRIORITY_LOW, 1);
	fx->boot_ns += SECOND;
	end_all(fx, claim_next(fx, 1), OUTCOME_RETRY, NULL, NULL);
	op = claim(fx);
	assert_true(op.claim.idle);
	due = op.claim.wake;
	assert_int_equal(stats(fx).lanes[2].oldest_ms, 0);
	fx->boot_ns = due + 20 * MS;
	op = claim(fx);
	assert_false(op.claim.idle);
	assert_int_equal(op.claim.wake, due + SECOND / 10);
	assert_int_equal(stats(fx).lanes[2].oldest_ms, fx->utc_ms);
}

static void a_rollback_takes_nothing_out_of_backoff(struct fixture *fx)
{
	struct store_op op;

	set_retry(fx, 9, 1000);
	submit_batch(fx, PRIORITY_LOW, 1);
	end_all(fx, claim_next(fx, 1), OUTCOME_RETRY, NULL, NULL);
	pass_ms(fx, 10000);
	turn_begin(fx);
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	store_op_reset(&op);
	turn_rollback(fx);
	assert_int_equal(stats(fx).lanes[2].later, 1);
	assert_sound(fx);
	claim_next(fx, 1);
}

/* ---- crashes ---- */

static void a_crash_uses_up_an_attempt(struct fixture *fx)
{
	struct submitted it;
	struct status_page page;

	set_retry(fx, 2, 60000);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	claim_next(fx, 1);
	fixture_reopen(fx);
	assert_int_equal(fx->found.interrupted, 1);
	assert_int_equal(fx->found.waiting, 1);
	assert_int_equal(fx->found.later, 0);
	assert_sound(fx);
	assert_int_equal(claim_next(fx, 1).attempt, 2);
	fixture_reopen(fx);
	assert_int_equal(fx->found.interrupted, 1);
	assert_int_equal(fx->found.waiting, 0);
	page = status_of(fx, &it.uuid);
	assert_int_equal(page.batches[0].status, BATCH_FAILED);
	assert_int_equal(page.batches[0].ids_failed, 3);
	assert_string_equal(page.batches[0].error, ATTEMPT_CRASHED);
	assert_int_equal(page.ingestion.counts.attempts, 2);
	assert_int_equal(page.ingestion.counts.retries, 1);
	assert_int_equal(ingestion_status_of(&page.ingestion), INGESTION_FAILED);
	status_page_free(&page);
	assert_int_equal(ask(fx, "SELECT count(*) FROM result"), 0);
	assert_sound(fx);
}

static void a_store_has_an_id(struct fixture *fx)
{
	static const struct uuid none;
	struct uuid node = fx->found.node;

	assert_memory_not_equal(&node, &none, sizeof(node));
	fixture_reopen(fx);
	assert_memory_equal(&node, &fx->found.node, sizeof(node));
	fixture_close(fx);
	strcat(fx->path, "2");
	fixture_open(fx);
	assert_memory_not_equal(&node, &fx->found.node, sizeof(node));
}

/* ---- reports ---- */

static struct store_op report(
    struct fixture *fx, const struct uuid *uuid, struct report_filter filter, int64_t from)
{
	struct store_op op = {.verb = STORE_REPORT};

	op.report.uuid = *uuid;
	op.report.filter = filter;
	op.report.from = from;
	op.report.limit = 2;
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	return op;
}

static void assert_page(struct store_op op, int64_t next, size_t n, int64_t first)
{
	assert_int_equal(op.report.page.next, next);
	assert_int_equal(op.report.page.n, n);
	if (n > 0)
		assert_int_equal(op.report.page.v[0].position, first);
	store_op_reset(&op);
}

/* From one batch with failed ids to the next, whatever lies between. */
static void a_report_of_failures_jumps(struct fixture *fx)
{
	enum { N = 3 * STORE_REPORT_IDS };
	const struct report_filter failed = {.failed = true};
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, N, N / 3);

	set_retry(fx, 9, 60000);
	assert_page(report(fx, &it.uuid, failed, 0), -1, 0, 0);
	end_all(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL, NULL);
	end_all(fx, claim_next(fx, N / 3 + 1), OUTCOME_COMPLETED, NULL, NULL);
	end_all(fx, claim_next(fx, 2 * N / 3 + 1), OUTCOME_FAILED, "why", NULL);
	assert_page(report(fx, &it.uuid, failed, 0), 2 * N / 3 + 2, 2, 2 * N / 3);
	assert_page(report(fx, &it.uuid, failed, N - 3), N - 1, 2, N - 3);
	assert_page(report(fx, &it.uuid, failed, N - 2), -1, 2, N - 2);
	assert_page(report(fx, &it.uuid, failed, N), -1, 0, 0);
}

static void a_report_of_one_id_looks_at_a_bounded_number(struct fixture *fx)
{
	enum { N = 2 * STORE_REPORT_IDS + 10 };
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, N, 7);
	const struct report_filter last = {.id = N}, first = {.id = 1};

	assert_page(report(fx, &it.uuid, last, 0), STORE_REPORT_IDS, 0, 0);
	assert_page(report(fx, &it.uuid, last, STORE_REPORT_IDS), 2 * STORE_REPORT_IDS, 0, 0);
	assert_page(report(fx, &it.uuid, last, 2 * STORE_REPORT_IDS), -1, 1, N - 1);
	assert_page(report(fx, &it.uuid, first, 0), STORE_REPORT_IDS, 1, 0);
}

static void a_reader_reports(struct fixture *fx)
{
	struct store *reader;
	struct store_op op = {.verb = STORE_REPORT};
	struct fail fail;

	set_retry(fx, 9, 0);
	op.report.uuid = submit_batch(fx, PRIORITY_LOW, 1).uuid;
	op.report.limit = 9;
	end_ids(fx, claim_next(fx, 1), "cRf", "why");
	assert_int_equal(store_sqlite_open_reader(&reader, fx->path, &fx->clock, &fail), ERR_OK);
	assert_int_equal(store_begin(reader, &fail), STORE_DONE);
	assert_int_equal(store_run(reader, &op), STORE_DONE);
	assert_int_equal(op.report.page.n, 3);
	assert_int_equal(op.report.page.v[0].outcome, ID_COMPLETED);
	assert_null(op.report.page.v[0].error);
	assert_int_equal(op.report.page.v[1].outcome, ID_PENDING);
	assert_string_equal(op.report.page.v[1].error, "not yet");
	assert_int_equal(op.report.page.v[1].attempts, 1);
	assert_int_equal(op.report.page.v[1].finished_ms, 0);
	assert_int_equal(op.report.page.v[2].outcome, ID_FAILED);
	assert_string_equal(op.report.page.v[2].error, "why");
	assert_int_equal(op.report.page.v[2].finished_ms, fx->utc_ms);
	store_rollback(reader, &fail);
	store_op_reset(&op);
	store_close(reader);
}

const struct suite_test suite_sqlite_attempt[] = {
    {"plain batches have no rows for their ids", plain_batches_have_no_rows},
    {"ids have rows as long as they differ", ids_have_rows_as_long_as_they_differ},
    {"ids completed in a failed batch have rows", a_late_failure_tells_the_completed},
    {"another number of results than ids is refused", refuses_another_number_of_results},
    {"what is left of a batch is given out", gives_out_what_is_left},
    {"the last output is kept", keeps_the_last_output},
    {"output ends a page, where asked for", output_ends_a_page},
    {"who waits for its time does so over restarts", backoff_survives},
    {"a claim puts a thousand into line", a_claim_moves_a_thousand},
    {"the settle time begins when a batch is due", settles_from_the_moment_it_is_due},
    {"a rollback takes nothing out of backoff", a_rollback_takes_nothing_out_of_backoff},
    {"a crash uses up an attempt", a_crash_uses_up_an_attempt},
    {"a store has an id of its own", a_store_has_an_id},
    {"a report of failures jumps to them", a_report_of_failures_jumps},
    {"a report of one id looks at so many", a_report_of_one_id_looks_at_a_bounded_number},
    {"a reader reports", a_reader_reports},
    {0},
};
