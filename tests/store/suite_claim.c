/* The order in which batches are claimed, and what a claim does to them. */
#include "fixture.h"

#include "util.h"

static void takes_nothing_when_empty(struct fixture *fx)
{
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
}

static void hands_out_the_batch(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_HIGH, 40, 5, 3);
	struct store_op op = claim(fx);
	const struct store_claimed *batch = &op.claim.batches[0];

	assert_int_equal(op.claim.n, 1);
	assert_int_equal(batch->attempt.index, 0);
	assert_int_equal(batch->attempt.attempt, 1);
	assert_memory_equal(&batch->uuid, &it.uuid, sizeof(it.uuid));
	assert_int_equal(batch->priority, PRIORITY_HIGH);
	assert_int_equal(batch->ids.n, 3);
	assert_int_equal(batch->ids.v[2], 42);
	store_op_reset(&op);
}

static void triggers_the_batch(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_HIGH, 40, 5, 3);
	struct store_op op = claim(fx);
	struct status_page page = status_of(fx, &it.uuid);

	assert_int_equal(page.batches[0].status, BATCH_TRIGGERED);
	assert_int_equal(page.batches[0].attempts, 1);
	assert_int_equal(page.batches[0].started_ms, 0);
	assert_int_equal(page.batches[1].status, BATCH_YET_TO_START);
	assert_int_equal(page.ingestion.counts.by_status[BATCH_TRIGGERED], 1);
	assert_int_equal(page.ingestion.counts.by_status[BATCH_YET_TO_START], 1);
	assert_int_equal(page.ingestion.version, 2);
	status_page_free(&page);
	store_op_reset(&op);
}

static void serves_first_come_first(struct fixture *fx)
{
	submit_range(fx, PRIORITY_MEDIUM, 1, 5, 3);
	submit_batch(fx, PRIORITY_MEDIUM, 11);
	claim_next(fx, 1);
	claim_next(fx, 4);
	claim_next(fx, 11);
	fx->boot_ns += fx->settings.interval_ns;
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
}

static void serves_priorities_first(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_LOW, 1);
	submit_batch(fx, PRIORITY_MEDIUM, 11);
	submit_batch(fx, PRIORITY_HIGH, 21);
	submit_batch(fx, PRIORITY_MEDIUM, 31);
	claim_next(fx, 21);
	claim_next(fx, 11);
	claim_next(fx, 31);
	claim_next(fx, 1);
}

static void lets_a_higher_one_overtake(struct fixture *fx)
{
	submit_range(fx, PRIORITY_MEDIUM, 1, 5, 3);
	claim_next(fx, 1);
	submit_range(fx, PRIORITY_HIGH, 6, 4, 3);
	claim_next(fx, 6);
	claim_next(fx, 9);
	claim_next(fx, 4);
}

static void puts_interrupted_ones_first(struct fixture *fx)
{
	struct store_attempt first;

	submit_range(fx, PRIORITY_MEDIUM, 1, 9, 3);
	first = claim_next(fx, 1);
	claim_next(fx, 4);
	assert_int_equal(finish(fx, first, OUTCOME_INTERRUPTED, NULL), ERR_OK);
	assert_int_equal(claim_next(fx, 1).attempt, 1);
	claim_next(fx, 7);
}

static void keeps_the_place_of_interrupted_ones(struct fixture *fx)
{
	struct store_attempt low, second;

	submit_batch(fx, PRIORITY_LOW, 1);
	low = claim_next(fx, 1);
	submit_batch(fx, PRIORITY_MEDIUM, 11);
	submit_batch(fx, PRIORITY_MEDIUM, 21);
	submit_batch(fx, PRIORITY_MEDIUM, 31);
	claim_next(fx, 11);
	second = claim_next(fx, 21);
	finish(fx, low, OUTCOME_INTERRUPTED, NULL);
	finish(fx, second, OUTCOME_INTERRUPTED, NULL);
	claim_next(fx, 21);
	claim_next(fx, 31);
	claim_next(fx, 1);
}

static void orders_several_interrupted_ones(struct fixture *fx)
{
	struct store_attempt a, b, c;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	submit_batch(fx, PRIORITY_LOW, 11);
	a = claim_next(fx, 1);
	b = claim_next(fx, 4);
	c = claim_next(fx, 11);
	finish(fx, c, OUTCOME_INTERRUPTED, NULL);
	finish(fx, b, OUTCOME_INTERRUPTED, NULL);
	finish(fx, a, OUTCOME_INTERRUPTED, NULL);
	claim_next(fx, 1);
	claim_next(fx, 4);
	claim_next(fx, 11);
}

static void forgets_the_last_attempt(struct fixture *fx)
{
	struct submitted it;
	struct store_attempt attempt;
	struct status_page page;
	struct store_op op;

	reopen_with_retry(fx, 5, 0, 0);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	attempt = claim_next(fx, 1);
	finish(fx, attempt, OUTCOME_RETRY, NULL);
	fx->boot_ns += fx->settings.interval_ns;
	op = claim(fx);
	page = status_of(fx, &it.uuid);
	assert_int_equal(page.batches[0].status, BATCH_TRIGGERED);
	assert_int_equal(page.batches[0].attempts, 2);
	assert_int_equal(page.batches[0].started_ms, 0);
	status_page_free(&page);
	store_op_reset(&op);
}

static void survives_a_long_line(struct fixture *fx)
{
	enum { INGESTIONS = 60 };

	for (int i = 0; i < INGESTIONS; i++)
		submit_range(fx, (enum priority)(1 + i % 3), 1000 * (i + 1), 4, 3);
	for (int lane = 0; lane < 3; lane++)
		for (int i = lane; i < INGESTIONS; i += 3) {
			claim_next(fx, 1000 * (i + 1));
			claim_next(fx, 1000 * (i + 1) + 3);
		}
	fx->boot_ns += fx->settings.interval_ns;
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
}

const struct suite_test suite_claim[] = {
    {"an empty store gives nothing and no wake-up", takes_nothing_when_empty},
    {"a claim hands out the first batch", hands_out_the_batch},
    {"a claimed batch is triggered", triggers_the_batch},
    {"within a priority, first come is first served", serves_first_come_first},
    {"priorities go before submission order", serves_priorities_first},
    {"a higher priority overtakes the rest of a lower one", lets_a_higher_one_overtake},
    {"an interrupted batch goes before later ones of its ingestion", puts_interrupted_ones_first},
    {"an interrupted batch keeps its place and its priority", keeps_the_place_of_interrupted_ones},
    {"several interrupted batches keep their order", orders_several_interrupted_ones},
    {"a new attempt has no start yet", forgets_the_last_attempt},
    {"sixty ingestions come in order", survives_a_long_line},
    {0},
};
