/* Figures: they are what counting would give, at any time. */
#include "fixture.h"

#include "util.h"

#include <string.h>

/* The figures of a lane, in short: batches by status, then ingestions by status. */
struct figures {
	int64_t ids;
	int64_t batches[BATCH_STATUS_COUNT];
	int64_t ingestions[INGESTION_STATUS_COUNT];
};

static void assert_lane(struct fixture *fx, enum priority priority, struct figures expected)
{
	struct store_stats now = stats(fx);
	const struct lane_total *lane = &now.lanes[priority - PRIORITY_HIGH];

	assert_int_equal(lane->ids, expected.ids);
	for (int i = 0; i < BATCH_STATUS_COUNT; i++)
		assert_int_equal(lane->batches[i], expected.batches[i]);
	for (int i = 0; i < INGESTION_STATUS_COUNT; i++)
		assert_int_equal(lane->ingestions[i], expected.ingestions[i]);
}

static void a_new_store_is_all_zeros(struct fixture *fx)
{
	struct store_stats now = stats(fx);

	for (int i = PRIORITY_HIGH; i <= PRIORITY_LOW; i++)
		assert_lane(fx, (enum priority)i, (struct figures){0});
	assert_int_equal(now.uploads, 0);
	assert_int_equal(now.upload_ids, 0);
	assert_true(now.ledger.interval_ns == 5 * SECOND);
	assert_true(now.ledger.last_claim == LEDGER_NONE);
	assert_true(now.ledger.last_start == LEDGER_NONE);
}

static void counts_a_life(struct fixture *fx)
{
	struct store_attempt one, two;

	submit_range(fx, PRIORITY_HIGH, 1, 8, 3);
	assert_lane(fx, PRIORITY_HIGH, (struct figures){8, {3}, {1}});
	one = claim_next(fx, 1);
	assert_lane(fx, PRIORITY_HIGH, (struct figures){5, {2, 1}, {0, 1}});
	two = claim_next(fx, 4);
	assert_lane(fx, PRIORITY_HIGH, (struct figures){2, {1, 2}, {0, 1}});
	finish(fx, one, OUTCOME_COMPLETED, NULL);
	assert_lane(fx, PRIORITY_HIGH, (struct figures){2, {1, 1, 0, 1}, {0, 1}});
	finish(fx, two, OUTCOME_INTERRUPTED, NULL);
	assert_lane(fx, PRIORITY_HIGH, (struct figures){5, {1, 0, 1, 1}, {0, 1}});
	finish(fx, claim_next(fx, 4), OUTCOME_FAILED, "why");
	assert_lane(fx, PRIORITY_HIGH, (struct figures){2, {1, 0, 0, 1, 1}, {0, 1}});
	claim_next(fx, 7);
	fixture_reopen(fx);
	assert_lane(fx, PRIORITY_HIGH, (struct figures){2, {0, 0, 1, 1, 1}, {0, 1}});
	finish(fx, claim_next(fx, 7), OUTCOME_COMPLETED, NULL);
	assert_lane(fx, PRIORITY_HIGH, (struct figures){0, {0, 0, 0, 2, 1}, {0, 0, 0, 1}});
	assert_lane(fx, PRIORITY_LOW, (struct figures){0});
}

static void assert_later(struct fixture *fx, int64_t expected)
{
	assert_int_equal(stats(fx).lanes[0].later, expected);
}

static void counts_what_is_left(struct fixture *fx)
{
	struct store_op op;

	submit_range(fx, PRIORITY_HIGH, 1, 4, 3);
	op = finish_ids(fx, claim_next(fx, 1), "crf", NULL);
	/* Only the fourth id is in line. */
	assert_lane(fx, PRIORITY_HIGH, (struct figures){1, {1, 0, 1}, {0, 1}});
	assert_later(fx, 1);
	fixture_reopen(fx);
	assert_lane(fx, PRIORITY_HIGH, (struct figures){1, {1, 0, 1}, {0, 1}});
	assert_later(fx, 1);
	claim_next(fx, 4);
	assert_lane(fx, PRIORITY_HIGH, (struct figures){0, {0, 1, 1}, {0, 1}});
	assert_later(fx, 1);
	pass_ms(fx, op.finish.due_ms - 5001);
	claim_nothing(fx);
	assert_lane(fx, PRIORITY_HIGH, (struct figures){0, {0, 1, 1}, {0, 1}});
	assert_later(fx, 1);
	pass_ms(fx, 1);
	fx->settings.interval_ns = 500 * SECOND;
	fixture_reopen(fx);
	claim_nothing(fx);
	/* The crashed one, too. */
	assert_lane(fx, PRIORITY_HIGH, (struct figures){2, {0, 0, 2}, {0, 1}});
	assert_later(fx, 0);
	finish(fx, claim_ids(fx, "2"), OUTCOME_COMPLETED, NULL);
	assert_lane(fx, PRIORITY_HIGH, (struct figures){1, {0, 0, 1, 0, 1}, {0, 1}});
	assert_later(fx, 0);
}

static void counts_ids_and_attempts(struct fixture *fx)
{
	struct submitted it;
	struct counts counts;

	reopen_with_retry(fx, 5, 0, 0);
	it = submit_range(fx, PRIORITY_LOW, 1, 10, 3);
	finish_ids(fx, claim_next(fx, 1), "crf", NULL);
	counts = look_at(fx, &it.uuid).counts;
	assert_int_equal(counts.ids_completed, 1);
	assert_int_equal(counts.ids_failed, 1);
	assert_int_equal(counts.attempts, 1);
	assert_int_equal(counts.retries, 0);
	finish_ids(fx, claim_ids(fx, "2"), "r", NULL);
	finish_ids(fx, claim_ids(fx, "2"), "c", NULL);
	finish_ids(fx, claim_ids(fx, "4 5 6"), "iii", NULL);
	claim_ids(fx, "4 5 6");
	fixture_reopen(fx);
	claim_ids(fx, "4 5 6");
	counts = look_at(fx, &it.uuid).counts;
	assert_int_equal(counts.ids, 10);
	assert_int_equal(counts.ids_completed, 2);
	assert_int_equal(counts.ids_failed, 1);
	/* Three of the first batch, a crashed one and one that runs of the second. */
	assert_int_equal(counts.attempts, 5);
	assert_int_equal(counts.retries, 3);
}

static int64_t oldest_of(struct fixture *fx, enum priority priority)
{
	return stats(fx).lanes[priority - PRIORITY_HIGH].oldest_ms;
}

static void knows_the_oldest(struct fixture *fx)
{
	struct store_attempt attempt;
	struct uuid early;

	assert_int_equal(oldest_of(fx, PRIORITY_LOW), 0);
	fx->utc_ms = 1000;
	early = open_upload(fx, NO_KEY);
	append(fx, &early, 21, 0, 3);
	fx->utc_ms = 2000;
	submit_batch(fx, PRIORITY_LOW, 1);
	fx->utc_ms = 3000;
	submit_batch(fx, PRIORITY_LOW, 11);
	assert_int_equal(oldest_of(fx, PRIORITY_LOW), 2000);
	assert_int_equal(oldest_of(fx, PRIORITY_HIGH), 0);
	attempt = claim_next(fx, 1);
	assert_int_equal(oldest_of(fx, PRIORITY_LOW), 3000);
	try_again(fx, attempt);
	assert_int_equal(oldest_of(fx, PRIORITY_LOW), 3000);
	seal(fx, &early);
	assert_int_equal(oldest_of(fx, PRIORITY_LOW), 3000);
	claim_next(fx, 11);
	/* It was created first, but has the last place. */
	assert_int_equal(oldest_of(fx, PRIORITY_LOW), 1000);
	pass_ms(fx, 120000);
	claim_next(fx, 1);
	assert_int_equal(oldest_of(fx, PRIORITY_LOW), 1000);
	claim_next(fx, 21);
	assert_int_equal(oldest_of(fx, PRIORITY_LOW), 0);
	fixture_reopen(fx);
	assert_int_equal(oldest_of(fx, PRIORITY_LOW), 2000);
}

static void counts_success_and_failure(struct fixture *fx)
{
	for (int i = 0; i < 3; i++) {
		submit_batch(fx, PRIORITY_MEDIUM, 1);
		finish(fx, claim_next(fx, 1), i == 0 ? OUTCOME_FAILED : OUTCOME_COMPLETED, NULL);
	}
	submit_batch(fx, PRIORITY_LOW, 1);
	assert_lane(fx, PRIORITY_MEDIUM, (struct figures){0, {0, 0, 0, 2, 1}, {0, 0, 2, 1}});
	assert_lane(fx, PRIORITY_LOW, (struct figures){3, {1}, {1}});
	fixture_reboot(fx, SECOND);
	assert_lane(fx, PRIORITY_MEDIUM, (struct figures){0, {0, 0, 0, 2, 1}, {0, 0, 2, 1}});
	assert_lane(fx, PRIORITY_LOW, (struct figures){3, {1}, {1}});
}

static void counts_uploads(struct fixture *fx)
{
	struct uuid a = open_upload(fx, NO_KEY), b = open_upload(fx, NO_KEY),
		    c = open_upload(fx, NO_KEY);

	append(fx, &a, 1, 0, 2000);
	append(fx, &b, 1, 0, 10);
	append(fx, &b, 1, 5, 10);
	assert_int_equal(stats(fx).uploads, 3);
	assert_int_equal(stats(fx).upload_ids, 2015);
	assert_lane(fx, PRIORITY_LOW, (struct figures){.ingestions = {[INGESTION_RECEIVING] = 3}});
	seal(fx, &b);
	assert_int_equal(stats(fx).uploads, 2);
	assert_int_equal(stats(fx).upload_ids, 2000);
	assert_lane(fx, PRIORITY_LOW,
	    (struct figures){15, {5}, {[INGESTION_YET_TO_START] = 1, [INGESTION_RECEIVING] = 2}});
	try_cancel(fx, &a);
	pass_ms(fx, HOUR_MS);
	sweep(fx, NULL, NULL);
	assert_int_equal(look_at(fx, &c).stage, STAGE_CANCELLED);
	fixture_reopen(fx);
	assert_int_equal(stats(fx).uploads, 0);
	assert_int_equal(stats(fx).upload_ids, 0);
	assert_lane(fx, PRIORITY_LOW,
	    (struct figures){15, {5}, {[INGESTION_YET_TO_START] = 1, [INGESTION_CANCELLED] = 2}});
}

static void shows_the_ledger(struct fixture *fx)
{
	struct ledger ledger;
	struct store_op op;

	fx->settings.settle_ns = 2 * SECOND;
	fx->settings.pack = true;
	fixture_reopen(fx);
	submit_batch(fx, PRIORITY_LOW, 1);
	ledger = stats(fx).ledger;
	assert_true(ledger.settle_ns == 2 * SECOND);
	assert_true(ledger.pack);
	assert_true(ledger.ready_since == fx->boot_ns);
	fx->boot_ns += 2 * SECOND;
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	ledger = stats(fx).ledger;
	assert_true(ledger.last_claim == fx->boot_ns);
	/* Until it is known: the latest that is possible. */
	assert_true(ledger.last_start == (fx->backend->shared ? fx->boot_ns : LEDGER_NONE));
	started(fx, op.claim.batches[0].attempt, fx->boot_ns + 7000);
	store_op_reset(&op);
	ledger = stats(fx).ledger;
	assert_true(ledger.last_start == fx->boot_ns + 7000);
}

static void rollback_counts_nothing(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	struct store_stats before, after;

	append(fx, &uuid, 1, 0, 10);
	submit_batch(fx, PRIORITY_LOW, 1);
	before = stats(fx);
	turn_begin(fx);
	submit_batch(fx, PRIORITY_HIGH, 1);
	seal(fx, &uuid);
	open_upload(fx, NO_KEY);
	claim_next(fx, 1);
	turn_rollback(fx);
	after = stats(fx);
	assert_memory_equal(before.lanes, after.lanes, sizeof(before.lanes));
	assert_int_equal(after.uploads, 1);
	assert_int_equal(after.upload_ids, 10);
	assert_true(after.ledger.last_claim == before.ledger.last_claim);
}

const struct suite_test suite_stats[] = {
    {"the figures of a new store are zeros", a_new_store_is_all_zeros},
    {"an ingestion is counted all its life", counts_a_life},
    {"figures tell what is left of a batch, and what is not due", counts_what_is_left},
    {"ids and attempts are counted", counts_ids_and_attempts},
    {"figures know since when the first in line waits", knows_the_oldest},
    {"figures tell success from failure, over reboots", counts_success_and_failure},
    {"uploads are counted", counts_uploads},
    {"figures show the ledger", shows_the_ledger},
    {"a rolled back turn is not counted", rollback_counts_nothing},
    {0},
};
