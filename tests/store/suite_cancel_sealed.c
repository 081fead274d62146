/* Ingestions that are given up, in every state. */
#include "fixture.h"

#include "util.h"

#include <string.h>

static void what_waits_is_cancelled_at_once(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 4, 3);
	struct report_page all;
	struct ingestion now;
	struct batch batch;
	struct store_op op;

	pass_ms(fx, 5000);
	cancel(fx, &it.uuid, INGESTION_CANCELLED, 0);
	now = look_at(fx, &it.uuid);
	assert_string_equal(now.cancelled_by, "uid:1");
	assert_int_equal(now.version, 2);
	assert_int_equal(now.seq, it.seq);
	assert_int_equal(now.started_ms, 0);
	assert_true(now.finished_ms == fx->utc_ms);
	assert_int_equal(now.counts.by_status[BATCH_CANCELLED], 2);
	assert_int_equal(now.counts.ids_cancelled, 4);
	assert_int_equal(now.counts.attempts, 0);
	assert_batch(fx, &it.uuid, 0, "cancelled 0 0 0, 3 cancelled");
	assert_batch(fx, &it.uuid, 1, "cancelled 0 0 0, 1 cancelled");
	batch = batch_of(fx, &it.uuid, 1);
	assert_int_equal(batch.started_ms, 0);
	assert_true(batch.finished_ms == fx->utc_ms);
	batch_free(&batch);
	assert_report(fx, &it.uuid, "1 cancelled 0, 2 cancelled 0, 3 cancelled 0, 4 cancelled 0");
	all = report_all(fx, &it.uuid, &(struct report_filter){0}, 10);
	assert_int_equal(all.v[3].started_ms, 0);
	assert_true(all.v[3].finished_ms == fx->utc_ms);
	report_page_free(&all);
	op = claim(fx);
	assert_int_equal(op.claim.n, 0);
	assert_true(op.claim.idle);
	assert_true(op.claim.wake == CLOCK_NEVER);
}

static void what_runs_goes_on(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 9, 3);
	struct store_attempt attempt = claim_next(fx, 1);

	cancel(fx, &it.uuid, INGESTION_CANCELLING, 1);
	assert_int_equal(version_of(fx, &it.uuid), 4);
	assert_int_equal(look_at(fx, &it.uuid).finished_ms, 0);
	assert_batch(fx, &it.uuid, 0, "triggered 1 0 0");
	assert_batch(fx, &it.uuid, 1, "cancelled 0 0 0, 3 cancelled");
	claim_nothing(fx);
	pass_ms(fx, 1000);
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_OK);
	assert_batch(fx, &it.uuid, 0, "completed 1 3 0");
	assert_status(fx, &it.uuid, INGESTION_CANCELLED);
	assert_true(look_at(fx, &it.uuid).finished_ms == fx->utc_ms);
}

static void what_completes_all_the_same_is_completed(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_attempt attempt = claim_next(fx, 1);

	cancel(fx, &it.uuid, INGESTION_CANCELLING, 1);
	finish(fx, attempt, OUTCOME_COMPLETED, NULL);
	assert_status(fx, &it.uuid, INGESTION_COMPLETED);
	assert_string_equal(look_at(fx, &it.uuid).cancelled_by, "uid:1");
	assert_int_equal(try_cancel(fx, &it.uuid), ERR_WRONG_STATE);
}

static void what_fails_all_the_same_has_failed(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_attempt attempt = claim_next(fx, 1);

	cancel(fx, &it.uuid, INGESTION_CANCELLING, 1);
	finish_ids(fx, attempt, "cFc", "why");
	assert_batch(fx, &it.uuid, 0, "failed 1 2 1 (why)");
	assert_status(fx, &it.uuid, INGESTION_FAILED);
}

static void what_is_left_of_a_run_is_cancelled(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 5, 5);
	struct store_attempt attempt = claim_next(fx, 1);
	struct store_op op;

	cancel(fx, &it.uuid, INGESTION_CANCELLING, 1);
	op = finish_ids(fx, attempt, "cRfiu", "stopped");
	assert_int_equal(op.finish.status, BATCH_CANCELLED);
	assert_int_equal(op.finish.failed, 1);
	assert_batch(fx, &it.uuid, 0, "cancelled 1 1 1, 2 cancelled, 1 unknown (stopped)");
	assert_report(fx, &it.uuid,
	    "1 completed 1, 2 cancelled 1 (own 1), 3 failed 1 (stopped), "
	    "4 cancelled 1 (stopped), 5 unknown 1 (stopped)");
	assert_status(fx, &it.uuid, INGESTION_CANCELLED);
	assert_int_equal(look_at(fx, &it.uuid).counts.ids_cancelled, 2);
	assert_int_equal(look_at(fx, &it.uuid).counts.ids_unknown, 1);
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_STALE_ATTEMPT);
	claim_nothing(fx);
}

static void an_attempt_that_is_stopped_counts(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_attempt attempt = claim_next(fx, 1);

	cancel(fx, &it.uuid, INGESTION_CANCELLING, 1);
	finish(fx, attempt, OUTCOME_INTERRUPTED, NULL);
	assert_batch(fx, &it.uuid, 0, "cancelled 1 0 0, 3 cancelled");
	assert_int_equal(look_at(fx, &it.uuid).counts.attempts, 1);
}

/* Nobody gives it up. */
static void unknown_is_interrupted_otherwise(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);

	finish_ids(fx, claim_next(fx, 1), "cuu", NULL);
	assert_batch(fx, &it.uuid, 0, "retrying 0 1 0");
	claim_ids(fx, "2 3");
}

static void what_is_to_be_tried_again_keeps_its_story(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	struct report_page all;
	struct batch batch;
	int64_t started_ms;

	finish_ids(fx, claim_next(fx, 1), "cRf", "why");
	started_ms = fx->utc_ms;
	/* In line, after an attempt that does not count. */
	finish(fx, claim_next(fx, 4), OUTCOME_INTERRUPTED, NULL);
	pass_ms(fx, 2000);
	cancel(fx, &it.uuid, INGESTION_CANCELLED, 0);
	assert_batch(fx, &it.uuid, 0, "cancelled 1 1 1, 1 cancelled (why)");
	assert_batch(fx, &it.uuid, 1, "cancelled 0 0 0, 3 cancelled");
	assert_report(fx, &it.uuid,
	    "1 completed 1, 2 cancelled 1 (own 1), 3 failed 1 (why), "
	    "4 cancelled 0, 5 cancelled 0, 6 cancelled 0");
	batch = batch_of(fx, &it.uuid, 0);
	assert_int_equal(batch.retry_ms, 0);
	assert_true(batch.started_ms == started_ms);
	assert_true(batch.finished_ms == fx->utc_ms);
	batch_free(&batch);
	all = report_all(fx, &it.uuid, &(struct report_filter){0}, 10);
	assert_true(all.v[1].started_ms == started_ms);
	assert_true(all.v[1].finished_ms == fx->utc_ms);
	assert_true(all.v[2].finished_ms == started_ms);
	report_page_free(&all);
	assert_int_equal(stats(fx).lanes[2].later, 0);
	pass_ms(fx, HOUR_MS);
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
}

static void twice_is_once(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	struct store_attempt attempt = claim_next(fx, 1);
	int64_t version, finished_ms;
	struct store_op op;

	cancel(fx, &it.uuid, INGESTION_CANCELLING, 1);
	version = version_of(fx, &it.uuid);
	op = try_cancel_by(fx, &it.uuid, "uid:2");
	assert_int_equal(op.cancel.status, INGESTION_CANCELLING);
	assert_int_equal(op.cancel.running, 1);
	assert_int_equal(version_of(fx, &it.uuid), version);
	finish(fx, attempt, OUTCOME_INTERRUPTED, NULL);
	version = version_of(fx, &it.uuid);
	finished_ms = fx->utc_ms;
	pass_ms(fx, 1000);
	op = try_cancel_by(fx, &it.uuid, "uid:2");
	assert_int_equal(op.fail.err, ERR_OK);
	assert_int_equal(op.cancel.status, INGESTION_CANCELLED);
	assert_int_equal(op.cancel.running, 0);
	assert_int_equal(version_of(fx, &it.uuid), version);
	assert_true(look_at(fx, &it.uuid).finished_ms == finished_ms);
	assert_string_equal(look_at(fx, &it.uuid).cancelled_by, "uid:1");
}

static void what_has_ended_is_refused(struct fixture *fx)
{
	struct submitted done = submit_batch(fx, PRIORITY_LOW, 1),
			 failed = submit_batch(fx, PRIORITY_LOW, 11);
	struct uuid nobody = fixture_uuid(fx);

	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	finish(fx, claim_next(fx, 11), OUTCOME_FAILED, "why");
	assert_int_equal(try_cancel(fx, &done.uuid), ERR_WRONG_STATE);
	assert_int_equal(try_cancel(fx, &failed.uuid), ERR_WRONG_STATE);
	assert_int_equal(try_cancel(fx, &nobody), ERR_NOT_FOUND);
	assert_string_equal(look_at(fx, &done.uuid).cancelled_by, "");
	assert_status(fx, &done.uuid, INGESTION_COMPLETED);
	assert_status(fx, &failed.uuid, INGESTION_FAILED);
}

static void a_crash_leaves_it_unknown(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);

	finish_ids(fx, claim_next(fx, 1), "cii", NULL);
	claim_ids(fx, "2 3");
	cancel(fx, &it.uuid, INGESTION_CANCELLING, 1);
	pass_ms(fx, 1000);
	fixture_reopen(fx);
	assert_int_equal(fx->found.interrupted, 1);
	assert_int_equal(fx->found.waiting, 0);
	assert_status(fx, &it.uuid, INGESTION_CANCELLED);
	assert_true(look_at(fx, &it.uuid).finished_ms == fx->utc_ms);
	assert_batch(fx, &it.uuid, 0, "cancelled 1 1 0, 2 unknown (" ATTEMPT_CRASHED ")");
	assert_report(fx, &it.uuid,
	    "1 completed 1, 2 unknown 1 (" ATTEMPT_CRASHED "), 3 unknown 1 (" ATTEMPT_CRASHED
	    "), 4 cancelled 0, 5 cancelled 0, 6 cancelled 0");
}

static void the_wish_survives(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);

	try_cancel(fx, &it.uuid);
	fixture_reopen(fx);
	assert_status(fx, &it.uuid, INGESTION_CANCELLED);
	assert_string_equal(look_at(fx, &it.uuid).cancelled_by, "uid:1");
	assert_int_equal(fx->found.waiting, 0);
	assert_batch(fx, &it.uuid, 1, "cancelled 0 0 0, 3 cancelled");
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
}

static void large_ones_take_steps(struct fixture *fx)
{
	enum { CLAIMED = STORE_CONTROL_STEPS + 3, NEVER = 700 };
	struct submitted it = submit_many(fx, 1, CLAIMED + NEVER, CLAIMED);
	int64_t version = version_of(fx, &it.uuid);
	struct store_op op = try_cancel_by(fx, &it.uuid, "uid:1");
	struct counts counts = look_at(fx, &it.uuid).counts;

	assert_int_equal(op.cancel.status, INGESTION_CANCELLING);
	assert_int_equal(op.cancel.running, 0);
	assert_true(op.cancel.more);
	assert_int_equal(counts.by_status[BATCH_CANCELLED], STORE_CONTROL_STEPS + NEVER);
	assert_int_equal(counts.by_status[BATCH_RETRYING], 3);
	assert_int_equal(batch_status_of(fx, &it.uuid, STORE_CONTROL_STEPS - 1), BATCH_CANCELLED);
	assert_int_equal(batch_status_of(fx, &it.uuid, STORE_CONTROL_STEPS), BATCH_RETRYING);
	assert_int_equal(batch_status_of(fx, &it.uuid, CLAIMED), BATCH_CANCELLED);
	assert_int_equal(version_of(fx, &it.uuid), version + 1);
	op = try_cancel_by(fx, &it.uuid, "uid:2");
	assert_int_equal(op.cancel.status, INGESTION_CANCELLED);
	assert_false(op.cancel.more);
	assert_int_equal(version_of(fx, &it.uuid), version + 2);
	assert_string_equal(look_at(fx, &it.uuid).cancelled_by, "uid:1");
	assert_int_equal(look_at(fx, &it.uuid).counts.ids_cancelled, CLAIMED + NEVER);
	claim_nothing(fx);
}

/* The border itself: nothing is left. */
static void a_full_step_may_be_the_last(struct fixture *fx)
{
	struct submitted it = submit_many(fx, 1, STORE_CONTROL_STEPS, STORE_CONTROL_STEPS);

	cancel(fx, &it.uuid, INGESTION_CANCELLED, 0);
}

static void its_key_lives_on_for_a_while(struct fixture *fx)
{
	struct store_op op = try_submit(fx, KEY("k"), PRIORITY_LOW, "", 1, 3);
	struct uuid uuid = op.submit.ingestion;

	cancel(fx, &uuid, INGESTION_CANCELLED, 0);
	assert_int_equal(sweep(fx, NULL, NULL), 24 * HOUR_MS);
	assert_true(try_submit(fx, KEY("k"), PRIORITY_LOW, "", 1, 3).submit.replayed);
	pass_ms(fx, 24 * HOUR_MS);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	assert_false(try_submit(fx, KEY("k"), PRIORITY_LOW, "", 1, 3).submit.replayed);
}

static void lanes_count_it(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 9, 3);
	struct store_attempt attempt = claim_next(fx, 1);
	struct lane_total lane;

	submit_batch(fx, PRIORITY_LOW, 21);
	cancel(fx, &it.uuid, INGESTION_CANCELLING, 1);
	lane = stats(fx).lanes[2];
	assert_int_equal(lane.ids, 3);
	assert_int_equal(lane.batches[BATCH_YET_TO_START], 1);
	assert_int_equal(lane.batches[BATCH_TRIGGERED], 1);
	assert_int_equal(lane.batches[BATCH_CANCELLED], 2);
	assert_int_equal(lane.ingestions[INGESTION_CANCELLING], 1);
	assert_int_equal(lane.ingestions[INGESTION_YET_TO_START], 1);
	finish(fx, attempt, OUTCOME_RETRY, NULL);
	lane = stats(fx).lanes[2];
	assert_int_equal(lane.batches[BATCH_CANCELLED], 3);
	assert_int_equal(lane.ingestions[INGESTION_CANCELLING], 0);
	assert_int_equal(lane.ingestions[INGESTION_CANCELLED], 1);
	claim_next(fx, 21);
}

/* What comes next settles anew. */
static void the_line_gets_empty(struct fixture *fx)
{
	struct submitted it;

	fx->settings.settle_ns = 2 * SECOND;
	fixture_reopen(fx);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	pass_ms(fx, 1000);
	try_cancel(fx, &it.uuid);
	assert_true(stats(fx).ledger.ready_since == LEDGER_NONE);
	pass_ms(fx, 10000);
	submit_batch(fx, PRIORITY_LOW, 1);
	assert_true(claim_nothing(fx) == fx->boot_ns + 2 * SECOND);
}

static void rollback_cancels_nothing(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	int64_t version;

	finish_ids(fx, claim_next(fx, 1), "cii", NULL);
	version = version_of(fx, &it.uuid);
	turn_begin(fx);
	assert_int_equal(try_cancel(fx, &it.uuid), ERR_OK);
	turn_rollback(fx);
	assert_status(fx, &it.uuid, INGESTION_TRIGGERED);
	assert_int_equal(version_of(fx, &it.uuid), version);
	assert_string_equal(look_at(fx, &it.uuid).cancelled_by, "");
	claim_ids(fx, "2 3");
	claim_ids(fx, "4 5 6");
}

const struct suite_test suite_cancel_sealed[] = {
    {"what waits is cancelled at once", what_waits_is_cancelled_at_once},
    {"what runs goes on, and the rest is cancelled", what_runs_goes_on},
    {"what completes all the same is completed", what_completes_all_the_same_is_completed},
    {"what fails all the same has failed", what_fails_all_the_same_has_failed},
    {"what is left of a run is cancelled or unknown", what_is_left_of_a_run_is_cancelled},
    {"an attempt that is stopped by a cancel counts", an_attempt_that_is_stopped_counts},
    {"unknown is interrupted where nobody cancels", unknown_is_interrupted_otherwise},
    {"what is cancelled between attempts keeps its story",
	what_is_to_be_tried_again_keeps_its_story},
    {"to cancel an ingestion twice is to cancel it once", twice_is_once},
    {"what has ended cannot be cancelled", what_has_ended_is_refused},
    {"a crash while cancelling leaves ids unknown", a_crash_leaves_it_unknown},
    {"a cancelled ingestion stays so over a restart", the_wish_survives},
    {"large ingestions are cancelled in steps", large_ones_take_steps},
    {"a full step may be the last one", a_full_step_may_be_the_last},
    {"the key of a cancelled ingestion lives on for its time", its_key_lives_on_for_a_while},
    {"figures count what is cancelled", lanes_count_it},
    {"a cancel can empty the line", the_line_gets_empty},
    {"a rolled back turn cancels nothing", rollback_cancels_nothing},
    {0},
};
