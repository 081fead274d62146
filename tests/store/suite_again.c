/* Ingestions that are tried again by somebody's wish. */
#include "fixture.h"

#include "util.h"

#include <string.h>

static void what_failed_waits_again(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	struct ingestion now;
	struct batch batch;
	int64_t version;

	finish_ids(fx, claim_next(fx, 1), "cFf", "why");
	finish(fx, claim_next(fx, 4), OUTCOME_COMPLETED, NULL);
	version = version_of(fx, &it.uuid);
	retry(fx, &it.uuid, false, 1);
	now = look_at(fx, &it.uuid);
	assert_status(fx, &it.uuid, INGESTION_TRIGGERED);
	assert_int_equal(now.version, version + 1);
	assert_int_equal(now.finished_ms, 0);
	assert_int_equal(now.counts.ids_failed, 0);
	assert_int_equal(now.counts.ids_completed, 4);
	assert_report(fx, &it.uuid,
	    "1 completed 1, 2 pending 1, 3 pending 1, 4 completed 1, 5 completed 1, 6 completed 1");
	/* The last attempt is what it was until there is another one. */
	assert_batch(fx, &it.uuid, 0, "retrying 1 1 0 (why)");
	batch = batch_of(fx, &it.uuid, 0);
	assert_int_equal(batch.finished_ms, 0);
	assert_int_equal(batch.retry_ms, 0);
	batch_free(&batch);
	finish(fx, claim_ids(fx, "2 3"), OUTCOME_COMPLETED, NULL);
	assert_batch(fx, &it.uuid, 0, "completed 2 3 0");
	assert_report(fx, &it.uuid,
	    "1 completed 1, 2 completed 2, 3 completed 2, 4 completed 1, 5 completed 1, "
	    "6 completed 1");
	assert_status(fx, &it.uuid, INGESTION_COMPLETED);
	assert_true(look_at(fx, &it.uuid).finished_ms == fx->utc_ms);
}

static void attempts_are_refilled(struct fixture *fx)
{
	struct submitted it;
	struct store_op op;

	reopen_with_retry(fx, 2, 0, 0);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	for (int round = 0; round < 3; round++) {
		op = finish_ids(fx, claim_next(fx, 1), "rrr", NULL);
		assert_int_equal(op.finish.status, BATCH_RETRYING);
		fixture_reopen(fx);
		op = finish_ids(fx, claim_next(fx, 1), "rrr", NULL);
		assert_int_equal(op.finish.status, BATCH_FAILED);
		retry(fx, &it.uuid, false, 1);
		fixture_reopen(fx);
	}
	assert_int_equal(claim_next(fx, 1).attempt, 7);
	assert_int_equal(look_at(fx, &it.uuid).counts.attempts, 7);
	assert_int_equal(look_at(fx, &it.uuid).counts.retries, 6);
}

/* As after a first attempt, not as after a fourth one. */
static void delays_begin_anew(struct fixture *fx)
{
	struct submitted it;

	reopen_with_retry(fx, 3, 1000, HOUR_MS);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	pass_ms(fx, try_again(fx, claim_next(fx, 1)));
	pass_ms(fx, try_again(fx, claim_next(fx, 1)));
	finish_ids(fx, claim_next(fx, 1), "rrr", NULL);
	retry(fx, &it.uuid, false, 1);
	assert_in_range(try_again(fx, claim_next(fx, 1)), 500, 1000);
}

static void what_was_cancelled_needs_a_word_more(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 9, 3);
	int64_t version;

	finish_ids(fx, claim_next(fx, 1), "Rcf", "why");
	finish(fx, claim_next(fx, 4), OUTCOME_INTERRUPTED, NULL);
	try_cancel(fx, &it.uuid);
	version = version_of(fx, &it.uuid);
	retry(fx, &it.uuid, false, 0);
	assert_status(fx, &it.uuid, INGESTION_CANCELLED);
	assert_int_equal(version_of(fx, &it.uuid), version);
	assert_string_equal(look_at(fx, &it.uuid).cancelled_by, "uid:1");
	retry(fx, &it.uuid, true, 3);
	assert_status(fx, &it.uuid, INGESTION_TRIGGERED);
	assert_string_equal(look_at(fx, &it.uuid).cancelled_by, "");
	assert_batch(fx, &it.uuid, 0, "retrying 1 1 0 (why)");
	assert_batch(fx, &it.uuid, 1, "retrying 0 0 0");
	assert_batch(fx, &it.uuid, 2, "yet_to_start 0 0 0");
	assert_report(fx, &it.uuid,
	    "1 pending 1, 2 completed 1, 3 pending 1, 4 pending 0, 5 pending 0, 6 pending 0, "
	    "7 pending 0, 8 pending 0, 9 pending 0");
	finish(fx, claim_ids(fx, "1 3"), OUTCOME_COMPLETED, NULL);
	finish(fx, claim_ids(fx, "4 5 6"), OUTCOME_COMPLETED, NULL);
	finish(fx, claim_ids(fx, "7 8 9"), OUTCOME_COMPLETED, NULL);
	assert_status(fx, &it.uuid, INGESTION_COMPLETED);
}

static void what_never_began_begins(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);

	try_cancel(fx, &it.uuid);
	retry(fx, &it.uuid, true, 2);
	assert_status(fx, &it.uuid, INGESTION_YET_TO_START);
	fixture_reopen(fx);
	assert_int_equal(fx->found.waiting, 2);
	assert_int_equal(claim_next(fx, 1).attempt, 1);
	/* And can be given up again. */
	cancel(fx, &it.uuid, INGESTION_CANCELLING, 1);
	assert_batch(fx, &it.uuid, 1, "cancelled 0 0 0, 3 cancelled");
}

static void what_is_unknown_waits_again(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_attempt attempt = claim_next(fx, 1);

	try_cancel(fx, &it.uuid);
	finish_ids(fx, attempt, "cui", "stopped");
	retry(fx, &it.uuid, false, 0);
	retry(fx, &it.uuid, true, 1);
	assert_report(fx, &it.uuid, "1 completed 1, 2 pending 1, 3 pending 1");
	assert_int_equal(claim_ids(fx, "2 3").attempt, 2);
}

static void failed_ones_alone(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	int64_t version;

	finish(fx, claim_next(fx, 1), OUTCOME_FAILED, "why");
	try_cancel(fx, &it.uuid);
	assert_status(fx, &it.uuid, INGESTION_CANCELLED);
	retry(fx, &it.uuid, false, 1);
	assert_status(fx, &it.uuid, INGESTION_TRIGGERED);
	assert_batch(fx, &it.uuid, 1, "cancelled 0 0 0, 3 cancelled");
	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	assert_status(fx, &it.uuid, INGESTION_CANCELLED);
	/* The wish was taken back, and now nothing is left to be wished. */
	assert_string_equal(look_at(fx, &it.uuid).cancelled_by, "");
	version = version_of(fx, &it.uuid);
	cancel(fx, &it.uuid, INGESTION_CANCELLED, 0);
	assert_int_equal(version_of(fx, &it.uuid), version);
	assert_string_equal(look_at(fx, &it.uuid).cancelled_by, "");
	retry(fx, &it.uuid, true, 1);
	finish(fx, claim_next(fx, 4), OUTCOME_COMPLETED, NULL);
	assert_status(fx, &it.uuid, INGESTION_COMPLETED);
}

static void while_the_rest_runs(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 9, 3);
	struct store_attempt attempt;

	finish(fx, claim_next(fx, 1), OUTCOME_FAILED, "why");
	attempt = claim_next(fx, 4);
	retry(fx, &it.uuid, true, 1);
	claim_next(fx, 1);
	claim_next(fx, 7);
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_OK);
}

static void nothing_to_do_changes_nothing(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	int64_t version, finished_ms;

	retry(fx, &it.uuid, true, 0);
	assert_int_equal(version_of(fx, &it.uuid), 1);
	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	finish(fx, claim_next(fx, 4), OUTCOME_COMPLETED, NULL);
	version = version_of(fx, &it.uuid);
	finished_ms = fx->utc_ms;
	pass_ms(fx, 1000);
	retry(fx, &it.uuid, true, 0);
	assert_int_equal(version_of(fx, &it.uuid), version);
	assert_true(look_at(fx, &it.uuid).finished_ms == finished_ms);
	assert_status(fx, &it.uuid, INGESTION_COMPLETED);
}

static void the_wrong_state_is_refused(struct fixture *fx)
{
	struct uuid uploaded = open_upload(fx, NO_KEY), nobody = fixture_uuid(fx);
	struct submitted it;

	append(fx, &uploaded, 11, 0, 3);
	assert_int_equal(try_retry(fx, &uploaded, true).fail.err, ERR_WRONG_STATE);
	try_cancel(fx, &uploaded);
	assert_int_equal(try_retry(fx, &uploaded, true).fail.err, ERR_WRONG_STATE);
	assert_int_equal(try_retry(fx, &nobody, true).fail.err, ERR_NOT_FOUND);
	it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	try_cancel(fx, &it.uuid);
	assert_int_equal(try_retry(fx, &it.uuid, true).fail.err, ERR_WRONG_STATE);
	assert_status(fx, &it.uuid, INGESTION_CANCELLING);
}

static void large_ones_take_steps(struct fixture *fx)
{
	enum { FAILED = STORE_CONTROL_STEPS + 3, NEVER = 700 };
	struct submitted it = submit_many(fx, 1, FAILED + NEVER, FAILED);
	struct store_op op;

	run_slot(fx, FAILED, OUTCOME_FAILED);
	try_cancel(fx, &it.uuid);
	op = try_retry(fx, &it.uuid, true);
	assert_int_equal(op.retry.batches, STORE_CONTROL_STEPS + NEVER);
	assert_true(op.retry.more);
	assert_int_equal(op.retry.status, INGESTION_TRIGGERED);
	assert_int_equal(batch_status_of(fx, &it.uuid, STORE_CONTROL_STEPS - 1), BATCH_RETRYING);
	assert_int_equal(batch_status_of(fx, &it.uuid, STORE_CONTROL_STEPS), BATCH_FAILED);
	assert_int_equal(batch_status_of(fx, &it.uuid, FAILED), BATCH_YET_TO_START);
	retry(fx, &it.uuid, true, 3);
	assert_int_equal(stats(fx).lanes[2].ids, FAILED + NEVER);
	run_slot(fx, FAILED, OUTCOME_COMPLETED);
}

static void the_place_is_the_old_one(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);

	submit_batch(fx, PRIORITY_LOW, 11);
	finish(fx, claim_next(fx, 1), OUTCOME_FAILED, "why");
	finish(fx, claim_next(fx, 4), OUTCOME_FAILED, "why");
	submit_batch(fx, PRIORITY_HIGH, 21);
	retry(fx, &it.uuid, false, 2);
	assert_int_equal(look_at(fx, &it.uuid).seq, it.seq);
	claim_next(fx, 21);
	claim_next(fx, 1);
	claim_next(fx, 4);
	claim_next(fx, 11);
}

static void the_key_lives_until_the_new_end(struct fixture *fx)
{
	struct store_op op = try_submit(fx, KEY("k"), PRIORITY_LOW, "", 1, 3);
	struct uuid uuid = op.submit.ingestion;

	finish(fx, claim_next(fx, 1), OUTCOME_FAILED, "why");
	pass_ms(fx, 23 * HOUR_MS);
	retry(fx, &uuid, false, 1);
	pass_ms(fx, 48 * HOUR_MS);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	assert_true(try_submit(fx, KEY("k"), PRIORITY_LOW, "", 1, 3).submit.replayed);
	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	assert_int_equal(sweep(fx, NULL, NULL), 24 * HOUR_MS);
	pass_ms(fx, 24 * HOUR_MS);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	assert_false(try_submit(fx, KEY("k"), PRIORITY_LOW, "", 1, 3).submit.replayed);
}

static void an_idle_daemon_settles(struct fixture *fx)
{
	struct submitted it;

	fx->settings.settle_ns = 20 * SECOND;
	fixture_reopen(fx);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	pass_ms(fx, 20000);
	finish(fx, claim_next(fx, 1), OUTCOME_FAILED, "why");
	pass_ms(fx, 60000);
	retry(fx, &it.uuid, false, 1);
	assert_true(claim_nothing(fx) == fx->boot_ns + 20 * SECOND);
	assert_true(stats(fx).ledger.ready_since == fx->boot_ns);
}

static void rollback_retries_nothing(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);

	finish(fx, claim_next(fx, 1), OUTCOME_FAILED, "why");
	turn_begin(fx);
	assert_int_equal(try_retry(fx, &it.uuid, false).fail.err, ERR_OK);
	turn_rollback(fx);
	assert_status(fx, &it.uuid, INGESTION_FAILED);
	assert_batch(fx, &it.uuid, 0, "failed 1 0 3 (why)");
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
}

const struct suite_test suite_again[] = {
    {"what failed waits again", what_failed_waits_again},
    {"retried batches have all their attempts before them", attempts_are_refilled},
    {"delays begin anew with a retry", delays_begin_anew},
    {"what was cancelled is retried when it is asked for", what_was_cancelled_needs_a_word_more},
    {"what was cancelled before it began begins", what_never_began_begins},
    {"what is unknown is retried like what was cancelled", what_is_unknown_waits_again},
    {"failed batches are retried without cancelled ones", failed_ones_alone},
    {"failed batches are retried while others run", while_the_rest_runs},
    {"to retry where nothing failed changes nothing", nothing_to_do_changes_nothing},
    {"what cannot be retried is refused", the_wrong_state_is_refused},
    {"large ingestions are retried in steps", large_ones_take_steps},
    {"retried batches have their old place", the_place_is_the_old_one},
    {"the key of a retried ingestion lives until the new end", the_key_lives_until_the_new_end},
    {"a retry begins the settle time of an idle daemon", an_idle_daemon_settles},
    {"a rolled back turn retries nothing", rollback_retries_nothing},
    {0},
};
