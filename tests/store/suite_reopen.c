/* What a store knows when it is opened again. */
#include "fixture.h"

#include "util.h"

static void finds_nothing_new(struct fixture *fx)
{
	assert_int_equal(fx->found.waiting, 0);
	assert_int_equal(fx->found.later, 0);
	assert_int_equal(fx->found.interrupted, 0);
}

static void is_the_same_node(struct fixture *fx)
{
	static const struct uuid none;
	struct uuid node = fx->found.node;

	assert_memory_not_equal(&node, &none, sizeof(none));
	submit_batch(fx, PRIORITY_LOW, 1);
	fixture_reopen(fx);
	assert_memory_equal(&fx->found.node, &node, sizeof(node));
	fixture_reboot(fx, SECOND);
	assert_memory_equal(&fx->found.node, &node, sizeof(node));
}

static void finds_what_waits(struct fixture *fx)
{
	submit_range(fx, PRIORITY_LOW, 1, 10, 3);
	submit_range(fx, PRIORITY_HIGH, 1, 2, 3);
	fixture_reopen(fx);
	assert_int_equal(fx->found.waiting, 5);
	assert_int_equal(fx->found.interrupted, 0);
}

static void interrupts_what_ran(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 9, 3);
	struct status_page page;
	int64_t version;

	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	claim_next(fx, 4);
	version = version_of(fx, &it.uuid);
	fixture_reopen(fx);
	assert_int_equal(fx->found.waiting, 2);
	assert_int_equal(fx->found.interrupted, 1);
	page = status_of(fx, &it.uuid);
	assert_int_equal(page.batches[0].status, BATCH_COMPLETED);
	assert_int_equal(page.batches[1].status, BATCH_RETRYING);
	assert_int_equal(page.batches[1].attempts, 1);
	assert_int_equal(page.batches[2].status, BATCH_YET_TO_START);
	assert_int_equal(page.ingestion.counts.by_status[BATCH_RETRYING], 1);
	assert_int_equal(page.ingestion.version, version + 1);
	status_page_free(&page);
}

static void runs_interrupted_ones_again(struct fixture *fx)
{
	struct store_attempt lost;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	lost = claim_next(fx, 1);
	fixture_reopen(fx);
	assert_int_equal(finish(fx, lost, OUTCOME_COMPLETED, NULL), ERR_STALE_ATTEMPT);
	assert_int_equal(claim_next(fx, 1).attempt, 2);
	fixture_reopen(fx);
	assert_int_equal(claim_next(fx, 1).attempt, 3);
	claim_next(fx, 4);
}

static void interrupts_only_once(struct fixture *fx)
{
	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	fixture_reopen(fx);
	fixture_reopen(fx);
	assert_int_equal(fx->found.waiting, 2);
	assert_int_equal(fx->found.interrupted, 0);
}

static void same_boot_resumes_exactly(struct fixture *fx)
{
	int64_t start;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	start = fx->boot_ns;
	fx->boot_ns += 2 * SECOND;
	fixture_reopen(fx);
	assert_true(claim_nothing(fx) == start + 5 * SECOND);
	fx->boot_ns = start;
	claim_next(fx, 1);
}

static void same_boot_forgets_nothing_long_ago(struct fixture *fx)
{
	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	fx->boot_ns += 600 * SECOND;
	fixture_reopen(fx);
	fx->boot_ns -= 5 * SECOND;
	claim_next(fx, 1);
}

static void unknown_start_waits_an_interval(struct fixture *fx)
{
	struct store_op op;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	op = claim(fx);
	store_op_reset(&op);
	fx->boot_ns += 60 * SECOND;
	fixture_reopen(fx);
	if (fx->backend->shared) {
		/* No node may start that late what it has claimed. */
		fx->boot_ns -= 5 * SECOND;
		claim_next(fx, 1);
		return;
	}
	assert_true(claim_nothing(fx) == fx->boot_ns + 5 * SECOND);
	/* The wait itself is durable: it does not start anew. */
	fx->boot_ns += 2 * SECOND;
	fixture_reopen(fx);
	assert_true(claim_nothing(fx) == fx->boot_ns + 3 * SECOND);
}

static void other_boot_waits_an_interval(struct fixture *fx)
{
	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	fixture_reboot(fx, 7 * SECOND);
	assert_true(claim_nothing(fx) == 12 * SECOND);
	fx->boot_ns = 9 * SECOND;
	fixture_reopen(fx);
	assert_true(claim_nothing(fx) == 12 * SECOND);
}

static void other_boot_with_a_later_clock(struct fixture *fx)
{
	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	fixture_reboot(fx, fx->boot_ns + 100 * SECOND);
	assert_true(claim_nothing(fx) == fx->boot_ns + 5 * SECOND);
}

static void future_start_waits_an_interval(struct fixture *fx)
{
	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	fx->boot_ns -= 100 * SECOND;
	fixture_reopen(fx);
	assert_true(claim_nothing(fx) == fx->boot_ns + 5 * SECOND);
}

static void unused_ledger_waits_for_nothing(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_LOW, 1);
	fixture_reboot(fx, 7 * SECOND);
	fx->boot_ns -= 5 * SECOND;
	claim_next(fx, 1);
}

static void backlog_does_not_settle(struct fixture *fx)
{
	fx->settings.settle_ns = 2 * SECOND;
	fixture_reopen(fx);
	submit_batch(fx, PRIORITY_LOW, 1);
	fixture_reopen(fx);
	fx->boot_ns -= 5 * SECOND;
	claim_next(fx, 1);
}

static void empty_line_settles_after_open(struct fixture *fx)
{
	fx->settings.settle_ns = 2 * SECOND;
	fixture_reopen(fx);
	fx->boot_ns += 60 * SECOND;
	submit_batch(fx, PRIORITY_LOW, 1);
	assert_true(claim_nothing(fx) == fx->boot_ns + 2 * SECOND);
}

static void new_rate_counts_from_the_last_start(struct fixture *fx)
{
	int64_t start;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	start = fx->boot_ns;
	fx->settings.interval_ns = 60 * SECOND;
	fixture_reopen(fx);
	assert_true(claim_nothing(fx) == start + 60 * SECOND);
	fx->settings.interval_ns = SECOND;
	fixture_reopen(fx);
	assert_true(claim_nothing(fx) == start + SECOND);
}

static void new_batch_size_moves_no_borders(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 12, 5);
	struct status_page page;

	fx->settings.slot_ids = 2;
	fixture_reopen(fx);
	claim_next(fx, 1);
	claim_next(fx, 6);
	page = status_of(fx, &it.uuid);
	assert_int_equal(page.ingestion.batch_size, 5);
	assert_int_equal(page.ingestion.counts.batches, 3);
	status_page_free(&page);
}

static void outcomes_are_durable(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	struct status_page before, after;

	finish(fx, claim_next(fx, 1), OUTCOME_FAILED, "why");
	finish(fx, claim_next(fx, 4), OUTCOME_COMPLETED, NULL);
	before = status_of(fx, &it.uuid);
	fixture_reboot(fx, SECOND);
	fx->utc_ms += 3600000;
	assert_int_equal(fx->found.waiting, 0);
	after = status_of(fx, &it.uuid);
	assert_memory_equal(
	    &before.ingestion.counts, &after.ingestion.counts, sizeof(struct counts));
	assert_true(before.ingestion.finished_ms == after.ingestion.finished_ms);
	assert_true(before.ingestion.version == after.ingestion.version);
	assert_string_equal(after.batches[0].error, "why");
	assert_int_equal(after.batches[1].status, BATCH_COMPLETED);
	status_page_free(&before);
	status_page_free(&after);
}

/* ---- crashes count ---- */

static void a_crash_is_an_attempt(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);

	finish_ids(fx, claim_next(fx, 1), "cii", NULL);
	claim_ids(fx, "2 3");
	fixture_reopen(fx);
	assert_int_equal(fx->found.interrupted, 1);
	assert_int_equal(fx->found.waiting, 1);
	assert_int_equal(fx->found.later, 0);
	assert_batch(fx, &it.uuid, 0, "retrying 1 1 0 (" ATTEMPT_CRASHED ")");
	assert_report(fx, &it.uuid,
	    "1 completed 1, 2 pending 1 (" ATTEMPT_CRASHED "), 3 pending 1 (" ATTEMPT_CRASHED ")");
	/* Without any delay. */
	assert_int_equal(claim_ids(fx, "2 3").attempt, 2);
	assert_batch(fx, &it.uuid, 0, "triggered 2 1 0 (" ATTEMPT_CRASHED ")");
}

static void a_crash_may_be_the_last_attempt(struct fixture *fx)
{
	struct submitted it;

	reopen_with_retry(fx, 2, 0, 0);
	it = submit_range(fx, PRIORITY_LOW, 1, 4, 3);
	finish_ids(fx, claim_next(fx, 1), "crr", NULL);
	claim_ids(fx, "2 3");
	fx->utc_ms += 8000;
	fixture_reopen(fx);
	assert_int_equal(fx->found.interrupted, 1);
	assert_int_equal(fx->found.waiting, 1);
	assert_batch(fx, &it.uuid, 0, "failed 2 1 2 (" ATTEMPT_CRASHED ")");
	assert_int_equal(look_at(fx, &it.uuid).finished_ms, 0);
	claim_ids(fx, "4");
	fixture_reopen(fx);
	claim_ids(fx, "4");
	fx->utc_ms += 9000;
	fixture_reopen(fx);
	assert_int_equal(fx->found.waiting, 0);
	assert_report(fx, &it.uuid,
	    "1 completed 1, 2 failed 2 (" ATTEMPT_CRASHED "), 3 failed 2 (" ATTEMPT_CRASHED
	    "), 4 failed 2 (" ATTEMPT_CRASHED ")");
	assert_status(fx, &it.uuid, INGESTION_FAILED);
	assert_true(look_at(fx, &it.uuid).finished_ms == fx->utc_ms);
	fx->boot_ns += 1000 * SECOND;
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
}

static void a_crash_begins_the_end_of_a_key(struct fixture *fx)
{
	struct store_op first;

	reopen_with_retry(fx, 1, 0, 0);
	first = try_submit(fx, KEY("k"), PRIORITY_LOW, "", 1, 3);
	claim_next(fx, 1);
	fixture_reopen(fx);
	assert_true(try_submit(fx, KEY("k"), PRIORITY_LOW, "", 1, 3).submit.replayed);
	assert_true(sweep(fx, NULL, NULL) == fx->settings.key_expiry_ms);
	pass_ms(fx, fx->settings.key_expiry_ms);
	sweep(fx, NULL, NULL);
	assert_true(try_submit(fx, KEY("k"), PRIORITY_LOW, "", 1, 3).submit.seq > first.submit.seq);
}

/* ---- what is not due ---- */

static void stays_away_as_long_as_before(struct fixture *fx)
{
	struct store_attempt attempt;
	int64_t due;

	submit_batch(fx, PRIORITY_LOW, 1);
	attempt = claim_next(fx, 1);
	due = fx->boot_ns + try_again(fx, attempt) * MS;
	pass_ms(fx, 2000);
	/* In one boot the wall clock does not matter. */
	fx->utc_ms += 1000 * HOUR_MS;
	fixture_reopen(fx);
	assert_int_equal(fx->found.later, 1);
	assert_int_equal(fx->found.waiting, 0);
	assert_int_equal(fx->found.interrupted, 0);
	fx->boot_ns += 10 * SECOND;
	fx->utc_ms -= 2000 * HOUR_MS;
	fixture_reopen(fx);
	assert_true(claim_nothing(fx) == due);
	fx->boot_ns = due - fx->settings.interval_ns;
	assert_int_equal(claim_next(fx, 1).attempt, 2);
}

static void is_due_by_the_wall_clock_in_another_boot(struct fixture *fx)
{
	struct store_attempt attempt;
	int64_t delay_ms;

	submit_batch(fx, PRIORITY_LOW, 1);
	attempt = claim_next(fx, 1);
	delay_ms = try_again(fx, attempt);
	fx->utc_ms += 10000;
	fixture_reboot(fx, 7 * SECOND);
	assert_true(claim_nothing(fx) == 7 * SECOND + (delay_ms - 10000) * MS);
	/* A clock that went back does not make it later than it was. */
	fx->utc_ms -= 1000 * HOUR_MS;
	fixture_reboot(fx, 3 * SECOND);
	assert_true(claim_nothing(fx) == 3 * SECOND + (delay_ms - 10000) * MS);
	fx->utc_ms += delay_ms - 10000;
	fixture_reboot(fx, 7 * SECOND);
	assert_int_equal(claim_next(fx, 1).attempt, 2);
}

/* What became due while nobody was there has settled. */
static void became_due_meanwhile(struct fixture *fx)
{
	struct store_op op;

	fx->settings.settle_ns = 2 * SECOND;
	fixture_reopen(fx);
	submit_batch(fx, PRIORITY_LOW, 1);
	try_again(fx, claim_next(fx, 1));
	pass_ms(fx, 200000);
	fixture_reopen(fx);
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	store_op_reset(&op);
}

const struct suite_test suite_reopen[] = {
    {"a new store is empty", finds_nothing_new},
    {"a store is the same node forever", is_the_same_node},
    {"open counts what waits", finds_what_waits},
    {"open puts what ran back into line", interrupts_what_ran},
    {"what was interrupted runs again, with a new attempt", runs_interrupted_ones_again},
    {"what waits again is not interrupted twice", interrupts_only_once},
    {"in the same boot the spacing goes on exactly", same_boot_resumes_exactly},
    {"in the same boot a start long ago does not matter", same_boot_forgets_nothing_long_ago},
    {"after a claim without start, open waits an interval", unknown_start_waits_an_interval},
    {"in another boot, open waits an interval", other_boot_waits_an_interval},
    {"in another boot with a later clock, too", other_boot_with_a_later_clock},
    {"after a start in the future, open waits an interval", future_start_waits_an_interval},
    {"a store that never claimed waits for nothing", unused_ledger_waits_for_nothing},
    {"a backlog found by open does not settle", backlog_does_not_settle},
    {"what comes after open to an empty line settles", empty_line_settles_after_open},
    {"a new rate counts from the last start", new_rate_counts_from_the_last_start},
    {"a new batch size moves no borders", new_batch_size_moves_no_borders},
    {"outcomes are durable", outcomes_are_durable},
    {"a crash is an attempt, and the next one is due at once", a_crash_is_an_attempt},
    {"a crash may be the last attempt", a_crash_may_be_the_last_attempt},
    {"a crash may end an ingestion and the life of its key", a_crash_begins_the_end_of_a_key},
    {"in the same boot a batch is due when it was", stays_away_as_long_as_before},
    {"in another boot the wall clock tells", is_due_by_the_wall_clock_in_another_boot},
    {"what became due meanwhile has settled", became_due_meanwhile},
    {0},
};
