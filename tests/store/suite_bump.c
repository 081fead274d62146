/* Ingestions that are moved to the line of another priority. */
#include "fixture.h"

#include "util.h"

#include <string.h>

static void what_waits_moves(struct fixture *fx)
{
	struct submitted it;

	submit_batch(fx, PRIORITY_LOW, 1);
	submit_batch(fx, PRIORITY_HIGH, 11);
	it = submit_range(fx, PRIORITY_LOW, 21, 6, 3);
	submit_batch(fx, PRIORITY_HIGH, 31);
	bump(fx, &it.uuid, PRIORITY_HIGH);
	assert_int_equal(version_of(fx, &it.uuid), 2);
	assert_int_equal(look_at(fx, &it.uuid).seq, it.seq);
	fixture_reopen(fx);
	assert_int_equal(look_at(fx, &it.uuid).priority, PRIORITY_HIGH);
	claim_next(fx, 11);
	claim_next(fx, 21);
	claim_next(fx, 24);
	claim_next(fx, 31);
	claim_next(fx, 1);
}

static void down_and_up(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_HIGH, 1);

	submit_batch(fx, PRIORITY_MEDIUM, 11);
	bump(fx, &it.uuid, PRIORITY_LOW);
	bump(fx, &it.uuid, PRIORITY_MEDIUM);
	bump(fx, &it.uuid, PRIORITY_LOW);
	assert_int_equal(version_of(fx, &it.uuid), 4);
	claim_next(fx, 11);
	claim_next(fx, 1);
}

static void the_claim_tells_the_new_priority(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_op op;

	bump(fx, &it.uuid, PRIORITY_MEDIUM);
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	assert_int_equal(op.claim.batches[0].priority, PRIORITY_MEDIUM);
	assert_true(op.claim.batches[0].whole);
	store_op_reset(&op);
}

/* What runs comes back in the new line; so does what is not due yet. */
static void what_comes_back_comes_there(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 9, 3);
	struct store_attempt attempt;
	int64_t due_ms;

	submit_batch(fx, PRIORITY_MEDIUM, 11);
	bump(fx, &it.uuid, PRIORITY_HIGH);
	due_ms = try_again(fx, claim_next(fx, 1));
	attempt = claim_next(fx, 4);
	bump(fx, &it.uuid, PRIORITY_LOW);
	finish(fx, attempt, OUTCOME_INTERRUPTED, NULL);
	pass_ms(fx, due_ms);
	claim_next(fx, 11);
	submit_batch(fx, PRIORITY_MEDIUM, 21);
	bump(fx, &it.uuid, PRIORITY_HIGH);
	claim_next(fx, 1);
	claim_next(fx, 4);
	claim_next(fx, 7);
	claim_next(fx, 21);
}

static void lanes_count_it_where_it_is(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 12, 3);
	struct store_stats now;

	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	try_again(fx, claim_next(fx, 4));
	claim_next(fx, 7);
	bump(fx, &it.uuid, PRIORITY_HIGH);
	for (int i = 0; i < 2; i++) {
		now = stats(fx);
		assert_int_equal(now.lanes[0].ids, 3 + 3 * i);
		assert_int_equal(now.lanes[0].batches[BATCH_YET_TO_START], 1);
		assert_int_equal(now.lanes[0].batches[BATCH_TRIGGERED], !i);
		assert_int_equal(now.lanes[0].batches[BATCH_RETRYING], 1 + i);
		assert_int_equal(now.lanes[0].batches[BATCH_COMPLETED], 1);
		assert_int_equal(now.lanes[0].later, 1);
		assert_int_equal(now.lanes[0].ingestions[INGESTION_TRIGGERED], 1);
		assert_true(now.lanes[0].oldest_ms == 1700000000000);
		assert_memory_equal(
		    &now.lanes[2], &(struct lane_total){0}, sizeof(struct lane_total));
		fixture_reopen(fx);
	}
}

static void the_same_priority_is_no_change(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);

	bump(fx, &it.uuid, PRIORITY_LOW);
	assert_int_equal(version_of(fx, &it.uuid), 1);
}

static void what_has_ended_is_refused(struct fixture *fx)
{
	struct submitted done = submit_batch(fx, PRIORITY_LOW, 1),
			 failed = submit_batch(fx, PRIORITY_LOW, 11),
			 cancelled = submit_batch(fx, PRIORITY_LOW, 21);
	struct uuid given_up = open_upload(fx, NO_KEY), nobody = fixture_uuid(fx);

	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	finish(fx, claim_next(fx, 11), OUTCOME_FAILED, NULL);
	try_cancel(fx, &cancelled.uuid);
	try_cancel(fx, &given_up);
	assert_int_equal(try_bump(fx, &done.uuid, PRIORITY_HIGH), ERR_WRONG_STATE);
	assert_int_equal(try_bump(fx, &done.uuid, PRIORITY_LOW), ERR_WRONG_STATE);
	assert_int_equal(try_bump(fx, &failed.uuid, PRIORITY_HIGH), ERR_WRONG_STATE);
	assert_int_equal(try_bump(fx, &cancelled.uuid, PRIORITY_HIGH), ERR_WRONG_STATE);
	assert_int_equal(try_bump(fx, &given_up, PRIORITY_HIGH), ERR_WRONG_STATE);
	assert_int_equal(try_bump(fx, &nobody, PRIORITY_HIGH), ERR_NOT_FOUND);
	assert_int_equal(look_at(fx, &done.uuid).priority, PRIORITY_LOW);
}

/* Nothing waits in it, but it has not ended. */
static void what_is_being_cancelled_moves(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	struct store_attempt attempt = claim_next(fx, 1);

	cancel(fx, &it.uuid, INGESTION_CANCELLING, 1);
	bump(fx, &it.uuid, PRIORITY_HIGH);
	finish(fx, attempt, OUTCOME_INTERRUPTED, NULL);
	assert_int_equal(stats(fx).lanes[0].batches[BATCH_CANCELLED], 2);
	assert_int_equal(stats(fx).lanes[0].ingestions[INGESTION_CANCELLED], 1);
}

static void what_is_retried_comes_to_the_new_line(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);

	submit_batch(fx, PRIORITY_MEDIUM, 11);
	bump(fx, &it.uuid, PRIORITY_HIGH);
	finish(fx, claim_next(fx, 1), OUTCOME_FAILED, NULL);
	finish(fx, claim_next(fx, 4), OUTCOME_COMPLETED, NULL);
	retry(fx, &it.uuid, false, 1);
	claim_next(fx, 1);
	claim_next(fx, 11);
}

static void an_upload_gets_it_for_its_seal(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	append(fx, &uuid, 1, 0, 3);
	submit_batch(fx, PRIORITY_MEDIUM, 11);
	bump(fx, &uuid, PRIORITY_HIGH);
	assert_int_equal(version_of(fx, &uuid), 3);
	assert_int_equal(stats(fx).lanes[0].ingestions[INGESTION_RECEIVING], 1);
	assert_int_equal(stats(fx).lanes[2].ingestions[INGESTION_RECEIVING], 0);
	append(fx, &uuid, 1, 3, 3);
	seal(fx, &uuid);
	claim_next(fx, 1);
	claim_next(fx, 4);
	claim_next(fx, 11);
}

/* Who submits the same once more means the same, whatever has become of it. */
static void keys_mean_what_was_submitted(struct fixture *fx)
{
	struct store_op op = try_submit(fx, KEY("whole"), PRIORITY_LOW, "", 1, 3);
	struct uuid uuid = open_upload(fx, KEY("parts"));
	struct digest digest;

	bump(fx, &op.submit.ingestion, PRIORITY_HIGH);
	assert_true(try_submit(fx, KEY("whole"), PRIORITY_LOW, "", 1, 3).submit.replayed);
	assert_int_equal(
	    try_submit(fx, KEY("whole"), PRIORITY_HIGH, "", 1, 3).fail.err, ERR_CONFLICT);
	append(fx, &uuid, 11, 0, 3);
	digest = try_open(fx, KEY("parts"), PRIORITY_LOW, "").open.digest;
	bump(fx, &uuid, PRIORITY_HIGH);
	fixture_reopen(fx);
	op = try_open(fx, KEY("parts"), PRIORITY_LOW, "");
	assert_int_equal(op.fail.err, ERR_OK);
	assert_true(digest_equal(&op.open.digest, &digest));
	assert_int_equal(try_open(fx, KEY("parts"), PRIORITY_HIGH, "").fail.err, ERR_CONFLICT);
	op = (struct store_op){.verb = STORE_SEAL};
	op.seal = (struct store_seal){.uuid = uuid, .expected = 3, .digest = &digest};
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	assert_int_equal(look_at(fx, &uuid).priority, PRIORITY_HIGH);
}

static void rollback_moves_nothing(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_stats before = stats(fx), after;

	submit_batch(fx, PRIORITY_MEDIUM, 11);
	before = stats(fx);
	turn_begin(fx);
	assert_int_equal(try_bump(fx, &it.uuid, PRIORITY_HIGH), ERR_OK);
	turn_rollback(fx);
	after = stats(fx);
	assert_memory_equal(before.lanes, after.lanes, sizeof(before.lanes));
	claim_next(fx, 11);
	claim_next(fx, 1);
}

static void large_ones_move_as_a_whole(struct fixture *fx)
{
	enum { CLAIMED = 2 * STORE_CONTROL_STEPS + 3, NEVER = 20 };
	struct submitted it = submit_many(fx, 1, CLAIMED + NEVER, CLAIMED);

	bump(fx, &it.uuid, PRIORITY_HIGH);
	assert_int_equal(stats(fx).lanes[0].ids, CLAIMED + NEVER);
	assert_int_equal(stats(fx).lanes[0].batches[BATCH_RETRYING], CLAIMED);
	assert_int_equal(stats(fx).lanes[2].ids, 0);
	run_slot(fx, CLAIMED, OUTCOME_COMPLETED);
	run_slot(fx, NEVER, OUTCOME_COMPLETED);
	assert_status(fx, &it.uuid, INGESTION_COMPLETED);
}

const struct suite_test suite_bump[] = {
    {"what waits moves to its place in the other line", what_waits_moves},
    {"ingestions can be moved down and up", down_and_up},
    {"a claim tells the new priority", the_claim_tells_the_new_priority},
    {"what comes back comes to the new line", what_comes_back_comes_there},
    {"figures count an ingestion in its new lane", lanes_count_it_where_it_is},
    {"the same priority is no change", the_same_priority_is_no_change},
    {"what has ended cannot be moved", what_has_ended_is_refused},
    {"what is being cancelled can be moved", what_is_being_cancelled_moves},
    {"what is retried comes to the new line", what_is_retried_comes_to_the_new_line},
    {"an upload gets the new priority for its seal", an_upload_gets_it_for_its_seal},
    {"keys and digests mean the priority that was submitted", keys_mean_what_was_submitted},
    {"a rolled back turn moves nothing", rollback_moves_nothing},
    {"large ingestions move as a whole", large_ones_move_as_a_whole},
    {0},
};
