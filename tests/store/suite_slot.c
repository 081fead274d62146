/* When a claim gets a slot, and what fits into one. */
#include "fixture.h"

#include "util.h"

static void first_slot_is_at_once(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_LOW, 1);
	fx->boot_ns -= fx->settings.interval_ns;
	claim_next(fx, 1);
}

static void keeps_the_distance(struct fixture *fx)
{
	int64_t start = fx->boot_ns + 5 * SECOND;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	assert_true(fx->boot_ns == start);
	fx->boot_ns = start + 5 * SECOND - 1;
	assert_moment(fx, claim_nothing(fx), start + 5 * SECOND);
	fx->boot_ns -= 5 * SECOND - 1;
	claim_next(fx, 4);
}

static void counts_from_the_actual_start(struct fixture *fx)
{
	struct store_op op;
	int64_t start = fx->boot_ns + 3 * SECOND;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	op = claim(fx);
	assert_int_equal(started(fx, op.claim.batches[0].attempt, start), ERR_OK);
	store_op_reset(&op);
	fx->boot_ns += 5 * SECOND;
	assert_true(claim_nothing(fx) == start + 5 * SECOND);
}

/* The node that has the slot may be gone: in time others go on. Its start counts all the same. */
static void waits_for_others_in_vain(struct fixture *fx)
{
	int64_t slot = fx->boot_ns;
	struct store_op op, next;

	submit_range(fx, PRIORITY_LOW, 1, 9, 3);
	op = claim(fx);
	fx->boot_ns += 2 * SECOND;
	assert_true(claim_nothing(fx) == slot + 5 * SECOND);
	fx->boot_ns = slot + 5 * SECOND;
	next = claim(fx);
	assert_int_equal(next.claim.n, 1);
	assert_int_equal(next.claim.batches[0].ids.v[0], 4);
	assert_int_equal(started(fx, op.claim.batches[0].attempt, slot + SECOND), ERR_OK);
	assert_true(claim_nothing(fx) == slot + 10 * SECOND);
	store_op_reset(&op);
	store_op_reset(&next);
}

static void waits_for_the_start(struct fixture *fx)
{
	struct store_op op;

	if (fx->backend->shared) {
		waits_for_others_in_vain(fx);
		return;
	}
	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	op = claim(fx);
	fx->boot_ns += 500 * SECOND;
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
	/* Not the last batch of its slot. */
	assert_int_equal(started(fx, op.claim.batches[0].attempt, LEDGER_NONE), ERR_OK);
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
	assert_int_equal(started(fx, op.claim.batches[0].attempt, fx->boot_ns), ERR_OK);
	store_op_reset(&op);
	claim_next(fx, 4);
}

static void idle_time_earns_nothing(struct fixture *fx)
{
	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	fx->boot_ns += 500 * SECOND;
	claim_next(fx, 4);
	submit_batch(fx, PRIORITY_LOW, 11);
	assert_true(claim_nothing(fx) == fx->boot_ns + 5 * SECOND);
}

static void refused_start_counts(struct fixture *fx)
{
	struct store_op op;
	struct store_attempt attempt;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	op = claim(fx);
	attempt = op.claim.batches[0].attempt;
	store_op_reset(&op);
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_OK);
	assert_true(
	    claim_nothing(fx) == (fx->backend->shared ? fx->boot_ns + 5 * SECOND : CLOCK_NEVER));
	fx->boot_ns += SECOND;
	assert_int_equal(started(fx, attempt, fx->boot_ns), ERR_STALE_ATTEMPT);
	assert_true(claim_nothing(fx) == fx->boot_ns + 5 * SECOND);
}

/* ---- settle ---- */

static void with_settings(struct fixture *fx, int64_t settle_ns, bool pack)
{
	fx->settings.settle_ns = settle_ns;
	fx->settings.pack = pack;
	fixture_reopen(fx);
}

static void settles_after_idleness(struct fixture *fx)
{
	int64_t ready;

	with_settings(fx, 2 * SECOND, false);
	ready = fx->boot_ns;
	submit_batch(fx, PRIORITY_LOW, 1);
	assert_true(claim_nothing(fx) == ready + 2 * SECOND);
	fx->boot_ns = ready + 2 * SECOND - 1;
	submit_batch(fx, PRIORITY_HIGH, 11);
	assert_moment(fx, claim_nothing(fx), ready + 2 * SECOND);
	fx->boot_ns = ready + 2 * SECOND - 5 * SECOND;
	claim_next(fx, 11);
}

static void settles_again_after_the_last_batch(struct fixture *fx)
{
	int64_t ready;

	with_settings(fx, 2 * SECOND, false);
	submit_batch(fx, PRIORITY_LOW, 1);
	claim_next(fx, 1);
	ready = fx->boot_ns += 4 * SECOND;
	submit_batch(fx, PRIORITY_LOW, 11);
	assert_true(claim_nothing(fx) == ready + 2 * SECOND);
}

static void slot_may_be_later_than_settled(struct fixture *fx)
{
	int64_t start;

	with_settings(fx, 2 * SECOND, false);
	submit_batch(fx, PRIORITY_LOW, 1);
	claim_next(fx, 1);
	start = fx->boot_ns;
	fx->boot_ns += SECOND;
	submit_batch(fx, PRIORITY_LOW, 11);
	assert_true(claim_nothing(fx) == start + 5 * SECOND);
}

static void settles_for_interrupted_ones(struct fixture *fx)
{
	struct store_attempt attempt;

	with_settings(fx, 2 * SECOND, false);
	submit_batch(fx, PRIORITY_LOW, 1);
	attempt = claim_next(fx, 1);
	fx->boot_ns += 10 * SECOND;
	assert_int_equal(finish(fx, attempt, OUTCOME_INTERRUPTED, NULL), ERR_OK);
	assert_true(claim_nothing(fx) == fx->boot_ns + 2 * SECOND);
}

static void does_not_settle_while_busy(struct fixture *fx)
{
	int64_t start;

	with_settings(fx, 2 * SECOND, false);
	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	start = fx->boot_ns;
	fx->boot_ns += 4 * SECOND;
	submit_batch(fx, PRIORITY_LOW, 11);
	assert_true(claim_nothing(fx) == start + 5 * SECOND);
}

/* ---- pack ---- */

/* Claims after an interval, expects batches that begin with these ids (0 ends the list), and starts
 * them. */
static void expect_slot(struct fixture *fx, const int64_t *first_ids)
{
	struct store_op op;

	fx->boot_ns += fx->settings.interval_ns;
	op = claim(fx);
	for (size_t i = 0; i < op.claim.n; i++) {
		bool last = i + 1 == op.claim.n;

		assert_true(op.claim.batches[i].ids.v[0] == first_ids[i]);
		assert_int_equal(
		    started(fx, op.claim.batches[i].attempt, last ? fx->boot_ns : LEDGER_NONE),
		    ERR_OK);
	}
	assert_true(first_ids[op.claim.n] == 0);
	store_op_reset(&op);
}

#define expect_slot(fx, ...) expect_slot(fx, (const int64_t[]){__VA_ARGS__, 0})

static void packs_small_batches(struct fixture *fx)
{
	with_settings(fx, 0, true);
	submit_range(fx, PRIORITY_MEDIUM, 1, 5, 3);
	expect_slot(fx, 1);
	submit_range(fx, PRIORITY_HIGH, 6, 4, 3);
	expect_slot(fx, 6);
	expect_slot(fx, 9, 4);
	fx->boot_ns += fx->settings.interval_ns;
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
}

static void does_not_pack_unless_told(struct fixture *fx)
{
	for (int i = 1; i <= 3; i++)
		submit_range(fx, PRIORITY_LOW, i, 1, 3);
	expect_slot(fx, 1);
	expect_slot(fx, 2);
	expect_slot(fx, 3);
}

static void packs_up_to_the_slot(struct fixture *fx)
{
	with_settings(fx, 0, true);
	for (int i = 1; i <= 7; i++)
		submit_range(fx, PRIORITY_LOW, i, 1, 3);
	expect_slot(fx, 1, 2, 3);
	expect_slot(fx, 4, 5, 6);
	expect_slot(fx, 7);
}

static void never_overtakes_while_packing(struct fixture *fx)
{
	with_settings(fx, 0, true);
	submit_range(fx, PRIORITY_HIGH, 1, 1, 3);
	submit_range(fx, PRIORITY_HIGH, 11, 3, 3);
	submit_range(fx, PRIORITY_LOW, 21, 1, 3);
	expect_slot(fx, 1);
	expect_slot(fx, 11);
	expect_slot(fx, 21);
}

static void packs_batches_of_one_ingestion(struct fixture *fx)
{
	struct submitted it;

	fx->settings.slot_ids = 4;
	with_settings(fx, 0, true);
	it = submit_range(fx, PRIORITY_LOW, 1, 5, 2);
	expect_slot(fx, 1, 3);
	/* Two claimed, two started. */
	assert_int_equal(version_of(fx, &it.uuid), 5);
	expect_slot(fx, 5);
}

static void takes_a_batch_beyond_the_slot_alone(struct fixture *fx)
{
	with_settings(fx, 0, true);
	submit_range(fx, PRIORITY_LOW, 1, 5, 5);
	submit_range(fx, PRIORITY_LOW, 11, 1, 3);
	expect_slot(fx, 1);
	expect_slot(fx, 11);
}

static void packs_interrupted_ones(struct fixture *fx)
{
	struct store_attempt attempt;

	with_settings(fx, 0, true);
	submit_range(fx, PRIORITY_LOW, 1, 1, 3);
	attempt = claim_next(fx, 1);
	submit_range(fx, PRIORITY_LOW, 11, 2, 3);
	finish(fx, attempt, OUTCOME_INTERRUPTED, NULL);
	expect_slot(fx, 1, 11);
}

const struct suite_test suite_slot[] = {
    {"the first slot of a new store is at once", first_slot_is_at_once},
    {"the next slot comes an interval behind the start", keeps_the_distance},
    {"the distance counts from the actual start", counts_from_the_actual_start},
    {"no slot before the start of the last one is known", waits_for_the_start},
    {"idle time earns nothing", idle_time_earns_nothing},
    {"a start counts for the ledger even when its attempt is over", refused_start_counts},
    {"after idleness the first slot waits for the settle time", settles_after_idleness},
    {"an empty line settles anew", settles_again_after_the_last_batch},
    {"settling never shortens the interval", slot_may_be_later_than_settled},
    {"an interrupted batch ends idleness", settles_for_interrupted_ones},
    {"a line that was not empty does not settle", does_not_settle_while_busy},
    {"pack: small batches share a slot", packs_small_batches},
    {"pack: only when switched on", does_not_pack_unless_told},
    {"pack: a slot holds no more ids than a batch", packs_up_to_the_slot},
    {"pack: a batch that does not fit ends the slot", never_overtakes_while_packing},
    {"pack: batches of one ingestion share a slot", packs_batches_of_one_ingestion},
    {"pack: a batch bigger than a slot goes alone", takes_a_batch_beyond_the_slot_alone},
    {"pack: an interrupted batch shares a slot", packs_interrupted_ones},
    {0},
};
