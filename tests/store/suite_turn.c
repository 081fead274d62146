/* Turns: all or nothing, and what one operation wrote is seen by the next. */
#include "fixture.h"

#include "util.h"

static void assert_unknown(struct fixture *fx, const struct uuid *uuid)
{
	struct store_op op = {.verb = STORE_STATUS};

	op.status.uuid = *uuid;
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_NOT_FOUND);
}

static void rollback_leaves_no_submission(struct fixture *fx)
{
	struct submitted kept = submit_batch(fx, PRIORITY_LOW, 1), gone;

	turn_begin(fx);
	gone = submit_range(fx, PRIORITY_HIGH, 11, 3000, 3);
	assert_int_equal(gone.seq, 2);
	turn_rollback(fx);
	assert_unknown(fx, &gone.uuid);
	assert_int_equal(submit_batch(fx, PRIORITY_LOW, 21).seq, 2);
	claim_next(fx, 1);
	claim_next(fx, 21);
	fx->boot_ns += fx->settings.interval_ns;
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
	assert_int_equal(version_of(fx, &kept.uuid), 3);
}

static void rollback_leaves_no_claim(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	struct store_op op;

	turn_begin(fx);
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	store_op_reset(&op);
	turn_rollback(fx);
	assert_int_equal(batch_status_of(fx, &it.uuid, 0), BATCH_YET_TO_START);
	assert_int_equal(version_of(fx, &it.uuid), 1);
	/* The slot is still there, too. */
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	assert_int_equal(op.claim.batches[0].attempt.attempt, 1);
	assert_int_equal(op.claim.batches[0].ids.v[0], 1);
	store_op_reset(&op);
}

static void rollback_leaves_no_outcome(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_attempt attempt = claim_next(fx, 1);

	turn_begin(fx);
	assert_int_equal(finish(fx, attempt, OUTCOME_FAILED, "x"), ERR_OK);
	turn_rollback(fx);
	assert_int_equal(batch_status_of(fx, &it.uuid, 0), BATCH_TRIGGERED);
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_OK);
}

static void rollback_leaves_no_start(struct fixture *fx)
{
	struct store_op op;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	op = claim(fx);
	turn_begin(fx);
	assert_int_equal(started(fx, op.claim.batches[0].attempt, fx->boot_ns + SECOND), ERR_OK);
	turn_rollback(fx);
	assert_true(
	    claim_nothing(fx) == (fx->backend->shared ? fx->boot_ns + 5 * SECOND : CLOCK_NEVER));
	store_op_reset(&op);
}

static void rollback_ends_no_idleness(struct fixture *fx)
{
	fx->settings.settle_ns = 2 * SECOND;
	fixture_reopen(fx);
	turn_begin(fx);
	submit_batch(fx, PRIORITY_LOW, 1);
	turn_rollback(fx);
	fx->boot_ns += 10 * SECOND;
	submit_batch(fx, PRIORITY_LOW, 11);
	assert_true(claim_nothing(fx) == fx->boot_ns + 2 * SECOND);
}

/* Submit, claim and settle inside a turn that is dropped, then the same again for good. */
static void do_a_lot(struct fixture *fx, bool commit, int64_t first_seq)
{
	struct store_op op;

	turn_begin(fx);
	assert_int_equal(submit_range(fx, PRIORITY_LOW, 1, 5, 3).seq, first_seq);
	assert_int_equal(submit_range(fx, PRIORITY_HIGH, 11, 100, 3).seq, first_seq + 1);
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	assert_int_equal(op.claim.batches[0].ids.v[0], 11);
	assert_int_equal(started(fx, op.claim.batches[0].attempt, fx->boot_ns), ERR_OK);
	assert_int_equal(
	    finish(fx, op.claim.batches[0].attempt, OUTCOME_INTERRUPTED, NULL), ERR_OK);
	store_op_reset(&op);
	if (commit)
		turn_commit(fx);
	else
		turn_rollback(fx);
}

static void counters_survive_rollback(struct fixture *fx)
{
	do_a_lot(fx, false, 1);
	do_a_lot(fx, false, 1);
	do_a_lot(fx, true, 1);
	fixture_reopen(fx);
	/* 2 batches of the first, 34 of the second, of which one waits again. */
	assert_int_equal(fx->found.waiting, 36);
	assert_int_equal(fx->found.interrupted, 0);
	assert_int_equal(claim_next(fx, 11).attempt, 1);
}

static void claims_what_the_same_turn_submitted(struct fixture *fx)
{
	struct store_op op;

	turn_begin(fx);
	submit_range(fx, PRIORITY_LOW, 1, 100, 3);
	submit_batch(fx, PRIORITY_HIGH, 1001);
	op = claim(fx);
	turn_commit(fx);
	assert_int_equal(op.claim.n, 1);
	assert_int_equal(op.claim.batches[0].ids.v[0], 1001);
	assert_int_equal(started(fx, op.claim.batches[0].attempt, fx->boot_ns), ERR_OK);
	store_op_reset(&op);
	claim_next(fx, 1);
}

static void shows_what_the_same_turn_did(struct fixture *fx)
{
	struct submitted it;
	struct store_op op;

	turn_begin(fx);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	op = claim(fx);
	assert_int_equal(batch_status_of(fx, &it.uuid, 0), BATCH_TRIGGERED);
	turn_commit(fx);
	assert_int_equal(op.claim.n, 1);
	store_op_reset(&op);
}

static void a_refusal_does_not_undo_the_turn(struct fixture *fx)
{
	struct submitted it;
	struct store_attempt attempt;

	submit_batch(fx, PRIORITY_LOW, 1);
	attempt = claim_next(fx, 1);
	turn_begin(fx);
	it = submit_batch(fx, PRIORITY_LOW, 11);
	attempt.attempt = 9;
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_STALE_ATTEMPT);
	turn_commit(fx);
	assert_int_equal(version_of(fx, &it.uuid), 1);
}

static void an_open_turn_is_lost_by_close(struct fixture *fx)
{
	struct submitted it;

	submit_batch(fx, PRIORITY_LOW, 1);
	turn_begin(fx);
	it = submit_batch(fx, PRIORITY_LOW, 11);
	fx->in_turn = false;
	fixture_reopen(fx);
	assert_unknown(fx, &it.uuid);
	assert_int_equal(fx->found.waiting, 1);
}

static void many_submissions_in_a_turn(struct fixture *fx)
{
	turn_begin(fx);
	for (int i = 1; i <= 200; i++)
		assert_int_equal(submit_range(fx, PRIORITY_MEDIUM, i, 1, 3).seq, i);
	turn_commit(fx);
	for (int i = 1; i <= 5; i++)
		claim_next(fx, i);
	fixture_reopen(fx);
	assert_int_equal(fx->found.waiting, 200);
	assert_int_equal(fx->found.interrupted, 5);
}

/* One that writes nothing, as most of them do. */
static void a_sign_of_life_forgets_nothing(struct fixture *fx)
{
	struct store_op claimed, beat = {.verb = STORE_BEAT};
	struct store_stats after;

	submit_batch(fx, PRIORITY_LOW, 1);
	turn_begin(fx);
	submit_batch(fx, PRIORITY_LOW, 11);
	claimed = claim(fx);
	do_op(fx, &beat);
	turn_commit(fx);
	assert_int_equal(claimed.claim.n, 1);
	after = stats(fx);
	assert_int_equal(after.lanes[2].batches[BATCH_YET_TO_START], 1);
	assert_int_equal(after.lanes[2].batches[BATCH_TRIGGERED], 1);
	assert_int_equal(
	    finish(fx, claimed.claim.batches[0].attempt, OUTCOME_COMPLETED, NULL), ERR_OK);
	store_op_reset(&claimed);
	store_op_reset(&beat);
}

const struct suite_test suite_turn[] = {
    {"a rolled back turn leaves no submission", rollback_leaves_no_submission},
    {"a rolled back turn leaves no claim", rollback_leaves_no_claim},
    {"a rolled back turn leaves no outcome", rollback_leaves_no_outcome},
    {"a rolled back turn leaves no start", rollback_leaves_no_start},
    {"a rolled back turn does not end idleness", rollback_ends_no_idleness},
    {"counters are right after rolled back turns", counters_survive_rollback},
    {"a claim sees what was submitted in the same turn", claims_what_the_same_turn_submitted},
    {"a status sees what was done in the same turn", shows_what_the_same_turn_did},
    {"a refused operation does not undo its turn", a_refusal_does_not_undo_the_turn},
    {"closing loses an open turn", an_open_turn_is_lost_by_close},
    {"two hundred submissions in one turn", many_submissions_in_a_turn},
    {"a sign of life forgets nothing of its turn", a_sign_of_life_forgets_nothing},
    {0},
};
