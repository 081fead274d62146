/* Cancel, retry and bump of much: a bounded number of rows at a time, sound in between. */
#include "fixture_sqlite.h"

#include "util.h"

#include <string.h>
#include <time.h>

enum { MANY = 3000, DUE = 1000, STEPS = MANY / STORE_CONTROL_STEPS };

/* MANY batches of one id that wait to be tried again, DUE of them in line, and one behind them
 * that has never started. */
static struct submitted many(struct fixture *fx)
{
	struct submitted it;

	fx->settings.interval_ns = 1;
	fx->settings.notify = true;
	fx->settings.retry = (struct retry_policy){2, HOUR_MS, HOUR_MS};
	fixture_reopen(fx);
	it = submit_range(fx, PRIORITY_LOW, 1, MANY + 1, 1);
	turn_begin(fx);
	for (int64_t id = 1; id <= MANY - DUE; id++)
		end_all(fx, claim_next(fx, id), OUTCOME_RETRY, "later", NULL);
	for (int64_t id = MANY - DUE + 1; id <= MANY; id++)
		claim_next(fx, id);
	turn_commit(fx);
	fixture_reopen(fx);
	assert_int_equal(fx->found.interrupted, DUE);
	return it;
}

static struct store_op cancel_once(struct fixture *fx, const struct uuid *uuid)
{
	struct store_op op = {.verb = STORE_CANCEL};

	op.cancel.uuid = *uuid;
	op.cancel.who = "uid:7";
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	return op;
}

static struct store_op retry_once(struct fixture *fx, const struct uuid *uuid)
{
	struct store_op op = {.verb = STORE_RETRY};

	op.retry.uuid = *uuid;
	op.retry.cancelled = true;
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	return op;
}

static struct store_op bump_once(
    struct fixture *fx, const struct uuid *uuid, enum priority priority)
{
	struct store_op op = {.verb = STORE_BUMP};

	op.bump.uuid = *uuid;
	op.bump.priority = priority;
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	return op;
}

/* ---- cancel ---- */

static void cancels_in_steps(struct fixture *fx)
{
	struct submitted it = many(fx);
	struct ingestion now;

	for (int step = 1; step <= STEPS; step++) {
		struct store_op op = cancel_once(fx, &it.uuid);

		assert_int_equal(op.cancel.more, step < STEPS);
		now = look_at(fx, &it.uuid);
		assert_int_equal(
		    now.counts.by_status[BATCH_CANCELLED], 1 + step * STORE_CONTROL_STEPS);
		assert_int_equal(now.counts.ids_cancelled, 1 + step * STORE_CONTROL_STEPS);
		assert_status(
		    fx, &it.uuid, step < STEPS ? INGESTION_CANCELLING : INGESTION_CANCELLED);
		assert_int_equal(stats(fx).notices, step == STEPS);
	}
	assert_string_equal(now.cancelled_by, "uid:7");
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
	assert_sound(fx);
}

/* The next daemon goes on where the last one was told to begin. */
static void a_start_ends_what_was_begun(struct fixture *fx)
{
	struct submitted it = many(fx);

	assert_true(cancel_once(fx, &it.uuid).cancel.more);
	fixture_close(fx);
	assert_int_equal(
	    ask(fx, "SELECT count(*) FROM batch WHERE status = 2"), MANY - STORE_CONTROL_STEPS);
	assert_sound(fx);
	assert_status(fx, &it.uuid, INGESTION_CANCELLED);
	assert_int_equal(stats(fx).notices, 1);
	assert_int_equal(fx->found.waiting + fx->found.later, 0);
	assert_sound(fx);
}

/* Nobody asks for the next step; others get their slot all the same. */
static void a_claim_never_takes_what_is_unwanted(struct fixture *fx)
{
	struct submitted it = many(fx);
	struct store_op op;

	submit_batch(fx, PRIORITY_LOW, 5001);
	assert_true(cancel_once(fx, &it.uuid).cancel.more);
	fx->boot_ns += SECOND;
	op = claim(fx);
	assert_int_equal(op.claim.n, 0);
	assert_int_equal(op.claim.wake, fx->boot_ns);
	claim_next(fx, 5001);
	assert_int_equal(ask(fx, "SELECT count(*) FROM redo"), 0);
	assert_sound(fx);
}

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

/* However many have never started: the work is counted by SQLite, the time only bounded. */
static void cancels_a_million_at_once(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 1000000, 1);
	int64_t start = monotonic_ns();
	struct store_op op;

	turn_begin(fx);
	op = cancel_once(fx, &it.uuid);
	turn_commit(fx);
	assert_true(monotonic_ns() - start < SECOND);
	assert_int_equal(op.cancel.status, INGESTION_CANCELLED);
	assert_false(op.cancel.more);
	assert_int_equal(ask(fx, "SELECT count(*) FROM batch"), 0);
	assert_int_equal(stats(fx).lanes[2].batches[BATCH_CANCELLED], 1000000);
	assert_int_equal(stats(fx).lanes[2].ids, 0);
	op = retry_once(fx, &it.uuid);
	assert_int_equal(op.retry.batches, 1000000);
	assert_int_equal(op.retry.status, INGESTION_YET_TO_START);
	assert_int_equal(stats(fx).lanes[2].ids, 1000000);
	claim_next(fx, 1);
	cancel_once(fx, &it.uuid);
	assert_int_equal(look_at(fx, &it.uuid).counts.ids_cancelled, 999999);
	assert_sound(fx);
}

static void a_rollback_cancels_nothing(struct fixture *fx)
{
	struct submitted it = many(fx);

	turn_begin(fx);
	cancel_once(fx, &it.uuid);
	turn_rollback(fx);
	assert_int_equal(stats(fx).lanes[2].batches[BATCH_CANCELLED], 0);
	assert_status(fx, &it.uuid, INGESTION_TRIGGERED);
	assert_sound(fx);
}

/* ---- retry ---- */

static void retries_in_steps(struct fixture *fx)
{
	struct submitted it = many(fx);
	int64_t batches = 0;

	while (cancel_once(fx, &it.uuid).cancel.more)
		;
	for (int step = 1; step <= STEPS; step++) {
		struct store_op op = retry_once(fx, &it.uuid);

		batches += op.retry.batches;
		assert_int_equal(op.retry.more, step < STEPS);
		assert_int_equal(op.retry.status, INGESTION_TRIGGERED);
		assert_int_equal(stats(fx).lanes[2].ids, batches);
		if (step == STEPS / 2)
			assert_sound(fx);
	}
	assert_int_equal(batches, MANY + 1);
	assert_int_equal(stats(fx).notices, 0);
	assert_int_equal(retry_once(fx, &it.uuid).retry.batches, 0);
	assert_sound(fx);
	/* All attempts are before them again, with new numbers. */
	assert_int_equal(claim_next(fx, 1).attempt, 2);
	assert_int_equal(ask(fx, "SELECT attempts_base FROM batch WHERE idx = 0"), 1);
}

/* ---- bump ---- */

/* Each one counts, and is found, in the lane where it stands. */
static void bumps_in_steps(struct fixture *fx)
{
	struct submitted it = many(fx);

	for (int step = 1; step <= STEPS; step++) {
		struct store_op op = bump_once(fx, &it.uuid, PRIORITY_HIGH);
		struct store_stats now = stats(fx);

		assert_int_equal(op.bump.more, step < STEPS);
		assert_int_equal(now.lanes[0].batches[BATCH_RETRYING], step * STORE_CONTROL_STEPS);
		assert_int_equal(
		    now.lanes[2].batches[BATCH_RETRYING], MANY - step * STORE_CONTROL_STEPS);
		assert_int_equal(now.lanes[0].batches[BATCH_YET_TO_START], 1);
		assert_int_equal(now.lanes[0].ingestions[INGESTION_TRIGGERED], 1);
		assert_int_equal(now.lanes[2].ingestions[INGESTION_TRIGGERED], 0);
		assert_sound(fx);
	}
	claim_next(fx, MANY - DUE + 1);
}

/* What was not moved is claimed from its old lane, and comes back to the new one. */
static void a_bump_that_stops_halfway_loses_nothing(struct fixture *fx)
{
	struct submitted it = many(fx);
	struct store_attempt attempt;

	assert_true(bump_once(fx, &it.uuid, PRIORITY_MEDIUM).bump.more);
	for (int i = 0; i < STORE_CONTROL_STEPS; i++)
		claim_next(fx, MANY - DUE + 1 + i);
	claim_next(fx, MANY + 1);
	assert_int_equal(stats(fx).lanes[1].batches[BATCH_TRIGGERED], STORE_CONTROL_STEPS + 1);
	attempt = claim_next(fx, MANY - DUE + STORE_CONTROL_STEPS + 1);
	assert_int_equal(stats(fx).lanes[2].batches[BATCH_TRIGGERED], 0);
	end_all(fx, attempt, OUTCOME_INTERRUPTED, NULL, NULL);
	assert_int_equal(ask(fx, "SELECT count(*) FROM redo WHERE priority = 2"), 1);
	assert_sound(fx);
	cancel_once(fx, &it.uuid);
	assert_sound(fx);
	assert_status(fx, &it.uuid, INGESTION_CANCELLED);
	assert_int_equal(stats(fx).lanes[2].batches[BATCH_RETRYING], 0);
}

const struct suite_test suite_sqlite_control[] = {
    {"much is cancelled in steps", cancels_in_steps},
    {"a start ends a cancel that was begun", a_start_ends_what_was_begun},
    {"a claim never takes what is unwanted", a_claim_never_takes_what_is_unwanted},
    {"a million that never started are cancelled at once", cancels_a_million_at_once},
    {"a rollback cancels nothing", a_rollback_cancels_nothing},
    {"much is retried in steps", retries_in_steps},
    {"much is bumped in steps", bumps_in_steps},
    {"a bump that stops halfway loses nothing", a_bump_that_stops_halfway_loses_nothing},
    {0},
};
