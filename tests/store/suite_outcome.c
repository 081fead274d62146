/* What becomes of each id of a batch, attempt by attempt. */
#include "fixture.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

/* Without delay between the attempts. */
static struct submitted submit_three(struct fixture *fx, int64_t max_attempts)
{
	reopen_with_retry(fx, max_attempts, 0, 0);
	return submit_batch(fx, PRIORITY_LOW, 1);
}

static struct submitted submit_ids(
    struct fixture *fx, const int64_t *ids, size_t n, int64_t batch_size)
{
	struct idlist list = {0};
	struct store_op op = {.verb = STORE_SUBMIT};

	idlist_add(&list, ids, n);
	op.submit = (struct store_submit){.uuid = fixture_uuid(fx),
	    .priority = PRIORITY_LOW,
	    .label = "",
	    .batch_size = batch_size,
	    .ids = &list,
	    .key = NO_KEY};
	do_op(fx, &op);
	idlist_free(&list);
	assert_int_equal(op.fail.err, ERR_OK);
	return (struct submitted){op.submit.ingestion, op.submit.seq, op.submit.batches};
}

static void assert_finish(const struct store_op *op, enum batch_status status, int64_t failed)
{
	assert_int_equal(op->fail.err, ERR_OK);
	assert_int_equal(op->finish.status, status);
	assert_int_equal(op->finish.failed, failed);
}

/* ---- outcomes ---- */

static void mixes(struct fixture *fx)
{
	struct submitted it = submit_three(fx, 5);
	struct store_op op = finish_ids(fx, claim_ids(fx, "1 2 3"), "cfr", "why");

	assert_finish(&op, BATCH_RETRYING, 1);
	assert_batch(fx, &it.uuid, 0, "retrying 1 1 1 (why)");
	assert_report(fx, &it.uuid, "1 completed 1, 2 failed 1 (why), 3 pending 1 (why)");
	assert_status(fx, &it.uuid, INGESTION_TRIGGERED);
	op = finish_ids(fx, claim_ids(fx, "3"), "c", NULL);
	assert_finish(&op, BATCH_FAILED, 1);
	assert_batch(fx, &it.uuid, 0, "failed 2 2 1");
	assert_report(fx, &it.uuid, "1 completed 1, 2 failed 1 (why), 3 completed 2");
	assert_status(fx, &it.uuid, INGESTION_FAILED);
}

static void completes_bit_by_bit(struct fixture *fx)
{
	struct submitted it = submit_three(fx, 5);
	struct store_op op;

	finish_ids(fx, claim_ids(fx, "1 2 3"), "rcr", "one");
	finish_ids(fx, claim_ids(fx, "1 3"), "rc", "two");
	assert_report(fx, &it.uuid, "1 pending 2 (two), 2 completed 1, 3 completed 2");
	op = finish_ids(fx, claim_ids(fx, "1"), "c", "three");
	assert_finish(&op, BATCH_COMPLETED, 0);
	assert_batch(fx, &it.uuid, 0, "completed 3 3 0");
	assert_report(fx, &it.uuid, "1 completed 3, 2 completed 1, 3 completed 2");
	assert_status(fx, &it.uuid, INGESTION_COMPLETED);
}

static void all_in_one_word(struct fixture *fx)
{
	struct submitted it = submit_three(fx, 5);
	struct store_op op;

	finish(fx, claim_ids(fx, "1 2 3"), OUTCOME_RETRY, "why");
	op = try_finish(fx, claim_ids(fx, "1 2 3"), &(struct ending){.outcome = OUTCOME_COMPLETED});
	assert_finish(&op, BATCH_COMPLETED, 0);
	assert_report(fx, &it.uuid, "1 completed 2, 2 completed 2, 3 completed 2");
}

static void results_go_before_the_one_word(struct fixture *fx)
{
	struct submitted it = submit_three(fx, 5);
	struct result results[] = {
	    {OUTCOME_COMPLETED, NULL}, {OUTCOME_FAILED, NULL}, {OUTCOME_COMPLETED, NULL}};
	struct ending ending = {.outcome = OUTCOME_RETRY, .results = results, .n = 3};
	struct store_op op = try_finish(fx, claim_ids(fx, "1 2 3"), &ending);

	assert_finish(&op, BATCH_FAILED, 1);
	assert_report(fx, &it.uuid, "1 completed 1, 2 failed 1, 3 completed 1");
}

static void interrupts_some(struct fixture *fx)
{
	struct submitted it = submit_three(fx, 1);
	struct store_op op = finish_ids(fx, claim_ids(fx, "1 2 3"), "cfi", NULL);

	assert_finish(&op, BATCH_RETRYING, 1);
	assert_batch(fx, &it.uuid, 0, "retrying 0 1 1");
	assert_report(fx, &it.uuid, "1 completed 1, 2 failed 1, 3 pending 0");
	/* What was to be tried again is, too, though no attempt would be left. */
	it = submit_batch(fx, PRIORITY_HIGH, 11);
	finish_ids(fx, claim_ids(fx, "11 12 13"), "irc", "stopped");
	assert_report(
	    fx, &it.uuid, "11 pending 0 (stopped), 12 pending 0 (stopped), 13 completed 1");
	claim_ids(fx, "11 12");
}

static void fails_what_cannot_be_tried_again(struct fixture *fx)
{
	struct submitted it = submit_three(fx, 2);
	struct store_op op;

	finish_ids(fx, claim_ids(fx, "1 2 3"), "rrf", "one");
	op = finish_ids(fx, claim_ids(fx, "1 2"), "cr", "two");
	assert_finish(&op, BATCH_FAILED, 2);
	assert_batch(fx, &it.uuid, 0, "failed 2 1 2 (two)");
	assert_report(fx, &it.uuid, "1 completed 2, 2 failed 2 (two), 3 failed 1 (one)");
}

static void an_id_may_come_twice(struct fixture *fx)
{
	static const int64_t ids[] = {7, 7, 8, 7, 8};
	struct submitted it;

	reopen_with_retry(fx, 5, 0, 0);
	it = submit_ids(fx, ids, COUNT_OF(ids), 4);
	finish_ids(fx, claim_ids(fx, "7 7 8 7"), "rcrF", "why");
	assert_report(fx, &it.uuid,
	    "7 pending 1 (why), 7 completed 1, 8 pending 1 (why), 7 failed 1 (own 3), 8 pending 0");
	finish_ids(fx, claim_ids(fx, "7 8"), "fc", NULL);
	claim_ids(fx, "8");
	assert_batch(fx, &it.uuid, 0, "failed 2 2 2");
}

/* Every third one of each kind, in a batch longer than any block of ids. */
static void a_long_batch(struct fixture *fx)
{
	enum { LONG = 3000 };
	static const char letters[] = "cRf";
	char results[LONG + 1] = "";
	struct submitted it;
	struct store_op op;

	reopen_with_retry(fx, 2, 0, 0);
	it = submit_range(fx, PRIORITY_LOW, 1, LONG, LONG);
	for (int i = 0; i < LONG; i++)
		results[i] = letters[i % 3];
	finish_ids(fx, claim_next(fx, 1), results, "why");
	assert_batch(fx, &it.uuid, 0, "retrying 1 1000 1000 (why)");
	fx->boot_ns += fx->settings.interval_ns;
	op = claim(fx);
	assert_int_equal(op.claim.batches[0].ids.n, LONG / 3);
	for (size_t i = 0; i < LONG / 3; i++)
		assert_int_equal(op.claim.batches[0].ids.v[i], 3 * i + 2);
	finish(fx, op.claim.batches[0].attempt, OUTCOME_RETRY, "at last");
	store_op_reset(&op);
	assert_batch(fx, &it.uuid, 0, "failed 2 1000 2000 (at last)");
}

/* ---- errors ---- */

static void errors_of_their_own(struct fixture *fx)
{
	struct submitted it = submit_three(fx, 3);

	finish_ids(fx, claim_ids(fx, "1 2 3"), "RrC", "why");
	assert_batch(fx, &it.uuid, 0, "retrying 1 1 0 (why)");
	assert_report(fx, &it.uuid, "1 pending 1 (own 0), 2 pending 1 (why), 3 completed 1");
	finish_ids(fx, claim_ids(fx, "1 2"), "rF", NULL);
	assert_batch(fx, &it.uuid, 0, "retrying 2 1 1");
	assert_report(fx, &it.uuid, "1 pending 2, 2 failed 2 (own 1), 3 completed 1");
	finish_ids(fx, claim_ids(fx, "1"), "R", NULL);
	assert_batch(fx, &it.uuid, 0, "failed 3 1 2");
	assert_report(fx, &it.uuid, "1 failed 3 (own 0), 2 failed 2 (own 1), 3 completed 1");
}

static void errors_stay_while_it_runs(struct fixture *fx)
{
	struct submitted it = submit_three(fx, 3);
	struct store_attempt attempt;

	finish_ids(fx, claim_ids(fx, "1 2 3"), "Rrc", "why");
	attempt = claim_ids(fx, "1 2");
	assert_batch(fx, &it.uuid, 0, "triggered 2 1 0 (why)");
	assert_report(fx, &it.uuid, "1 pending 2 (own 0), 2 pending 2 (why), 3 completed 1");
	finish(fx, attempt, OUTCOME_INTERRUPTED, NULL);
	assert_batch(fx, &it.uuid, 0, "retrying 1 1 0");
	assert_report(fx, &it.uuid, "1 pending 1, 2 pending 1, 3 completed 1");
}

static void errors_are_any_text(struct fixture *fx)
{
	static const char text[] = "it's \"\xc3\xa4\", 'n';--";
	struct submitted it = submit_three(fx, 1);
	struct result results[] = {{OUTCOME_FAILED, (char[]){"'); DROP"}},
	    {OUTCOME_RETRY, (char[]){""}}, {OUTCOME_FAILED, NULL}};
	char message[sizeof(text)];
	struct ending ending = {.message = strcpy(message, text), .results = results, .n = 3};

	try_finish(fx, claim_ids(fx, "1 2 3"), &ending);
	fixture_reopen(fx);
	assert_batch(fx, &it.uuid, 0, "failed 1 0 3 (it's \"\xc3\xa4\", 'n';--)");
	assert_report(fx, &it.uuid,
	    "1 failed 1 ('); DROP), 2 failed 1 (), 3 failed 1 (it's \"\xc3\xa4\", 'n';--)");
}

/* ---- turns ---- */

static void a_rollback_leaves_no_results(struct fixture *fx)
{
	struct submitted it = submit_three(fx, 5);
	struct store_attempt attempt;

	finish_ids(fx, claim_ids(fx, "1 2 3"), "Rrc", "why");
	attempt = claim_ids(fx, "1 2");
	turn_begin(fx);
	finish_ids(fx, attempt, "fc", "late");
	assert_report(fx, &it.uuid, "1 failed 2 (late), 2 completed 2, 3 completed 1");
	turn_rollback(fx);
	assert_report(fx, &it.uuid, "1 pending 2 (own 0), 2 pending 2 (why), 3 completed 1");
	finish_ids(fx, attempt, "rc", "now");
	claim_ids(fx, "1");
}

static void a_refusal_leaves_no_results(struct fixture *fx)
{
	struct submitted it = submit_three(fx, 5);
	struct store_attempt first = claim_ids(fx, "1 2 3");
	struct store_op op;

	finish_ids(fx, first, "rrr", "why");
	op = finish_ids(fx, first, "ccc", NULL);
	assert_int_equal(op.fail.err, ERR_STALE_ATTEMPT);
	claim_ids(fx, "1 2 3");
	op = finish_ids(fx, first, "fff", NULL);
	assert_int_equal(op.fail.err, ERR_STALE_ATTEMPT);
	assert_report(fx, &it.uuid, "1 pending 2 (why), 2 pending 2 (why), 3 pending 2 (why)");
}

static void results_are_durable(struct fixture *fx)
{
	struct submitted it = submit_three(fx, 5);

	finish_ids(fx, claim_ids(fx, "1 2 3"), "cRf", "why");
	fixture_reboot(fx, SECOND);
	assert_batch(fx, &it.uuid, 0, "retrying 1 1 1 (why)");
	assert_report(fx, &it.uuid, "1 completed 1, 2 pending 1 (own 1), 3 failed 1 (why)");
	claim_ids(fx, "2");
}

/* A handler may have to know whether it gets all of a batch. */
static void a_claim_says_what_is_whole(struct fixture *fx)
{
	static const bool whole[] = {true, true, false, false};
	static const char *const results[] = {"iii", "cir", "ir", "cc"};

	submit_three(fx, 5);
	for (size_t i = 0; i < COUNT_OF(whole); i++) {
		struct store_op op;

		fx->boot_ns += fx->settings.interval_ns;
		op = claim(fx);
		assert_int_equal(op.claim.n, 1);
		assert_int_equal(op.claim.batches[0].whole, whole[i]);
		started(fx, op.claim.batches[0].attempt, fx->boot_ns);
		finish_ids(fx, op.claim.batches[0].attempt, results[i], NULL);
		store_op_reset(&op);
	}
}

const struct suite_test suite_outcome[] = {
    {"a claim says whether it is the whole batch", a_claim_says_what_is_whole},
    {"ids complete, fail, and are tried again", mixes},
    {"a batch may complete bit by bit", completes_bit_by_bit},
    {"one outcome holds for all ids that are left", all_in_one_word},
    {"results go before the outcome of the attempt", results_go_before_the_one_word},
    {"an interruption leaves final what is final", interrupts_some},
    {"after the last attempt fails what was to be tried again", fails_what_cannot_be_tried_again},
    {"an id that comes twice has two outcomes", an_id_may_come_twice},
    {"a long batch has results of all kinds", a_long_batch},
    {"ids may have errors of their own", errors_of_their_own},
    {"errors stay until the next attempt has ended", errors_stay_while_it_runs},
    {"errors may be any text", errors_are_any_text},
    {"a rolled back turn leaves no results", a_rollback_leaves_no_results},
    {"what is stale leaves no results", a_refusal_leaves_no_results},
    {"results are durable", results_are_durable},
    {0},
};
