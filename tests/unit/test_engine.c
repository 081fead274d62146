/* The engine with a store and a handler that do what the test says, in virtual time. */
#include "engine.h"

#include "unit.h"
#include "util.h"

#define INTERVAL_NS (5 * NS_PER_S)
#define RUNS 16

struct world;

struct fake_store {
	struct store store;
	struct world *world;
	int64_t claims_left; /* so many find something */
	size_t per_claim; /* batches */
	int64_t fire_before;
	enum err refuse_started, refuse_finish; /* ERR_OK: they are taken */
	int claims, starts, finishes;
	enum outcome last_outcome;
	struct store_attempt last_finished;
};

struct fake_handler {
	struct handler handler;
	struct run *runs[RUNS]; /* NULL where one has ended */
	int started, cancels, cancels_now;
};

struct world {
	struct clock clock;
	int64_t now;
	struct fake_store store;
	struct fake_handler handler;
	struct stats stats;
	struct storeq *queue;
	struct engine *engine;
	bool woken;
	int64_t next; /* what the engine said last */
};

/* ---- the store ---- */

static enum store_result fake_turn(struct store *store, struct fail *fail)
{
	(void)store, (void)fail;
	return STORE_DONE;
}

static enum store_result fake_claim(struct store *store, struct store_op *op)
{
	struct fake_store *fake = (struct fake_store *)store;
	struct store_claim *claim = &op->claim;

	fake->claims++;
	claim->interval_ns = INTERVAL_NS;
	if (fake->claims_left == 0)
		return STORE_DONE;
	fake->claims_left--;
	claim->fire_before = fake->fire_before;
	claim->n = fake->per_claim;
	claim->batches = xcalloc(claim->n, sizeof(*claim->batches));
	for (size_t i = 0; i < claim->n; i++) {
		claim->batches[i].attempt =
		    (struct store_attempt){.ingestion = fake->claims, .attempt = 1};
		claim->batches[i].priority = PRIORITY_LOW;
		idlist_push(&claim->batches[i].ids, 1);
	}
	return STORE_DONE;
}

static enum store_result fake_started(struct store *store, struct store_op *op)
{
	struct fake_store *fake = (struct fake_store *)store;

	fake->starts++;
	if (fake->refuse_started)
		fail_set(&op->fail, fake->refuse_started, NULL);
	return STORE_DONE;
}

static enum store_result fake_finish(struct store *store, struct store_op *op)
{
	struct fake_store *fake = (struct fake_store *)store;

	fake->finishes++;
	fake->last_outcome = op->finish.ending->outcome;
	fake->last_finished = op->finish.attempt;
	if (fake->refuse_finish)
		fail_set(&op->fail, fake->refuse_finish, NULL);
	else
		op->finish.status = BATCH_COMPLETED;
	return STORE_DONE;
}

static const struct store_ops store_ops = {
    .begin = fake_turn,
    .commit = fake_turn,
    .rollback = fake_turn,
    .run =
	{[STORE_CLAIM] = fake_claim, [STORE_STARTED] = fake_started, [STORE_FINISH] = fake_finish},
};

/* ---- the handler ---- */

static void fake_start(struct handler *handler, struct run *run)
{
	struct fake_handler *fake = (struct fake_handler *)handler;

	assert_true(fake->started < RUNS);
	fake->runs[fake->started++] = run;
	run->events->started(run);
}

static void end_run(struct fake_handler *fake, int i, enum outcome outcome)
{
	struct run *run = fake->runs[i];

	assert_non_null(run);
	fake->runs[i] = NULL;
	run->events->done(run, &(struct ending){.outcome = outcome});
}

/* Gentle cancels are heard, and that is all; the other ones end the run. */
static void fake_cancel(struct handler *handler, struct run *run, bool now)
{
	struct fake_handler *fake = (struct fake_handler *)handler;

	fake->cancels++;
	fake->cancels_now += now;
	for (int i = 0; now && i < fake->started; i++)
		if (fake->runs[i] == run)
			end_run(fake, i, OUTCOME_INTERRUPTED);
}

static const struct handler_ops handler_ops = {.start = fake_start, .cancel = fake_cancel};

/* ---- the world ---- */

static int64_t boot_ns(void *arg)
{
	return ((struct world *)arg)->now;
}

static int64_t utc_ms(void *arg)
{
	return ((struct world *)arg)->now / NS_PER_MS;
}

static void ignore(void *arg)
{
	(void)arg;
}

static void on_broken(void *arg, const struct fail *why)
{
	(void)arg;
	fail_msg("%s", why->text);
}

static void on_wake(void *arg)
{
	((struct world *)arg)->woken = true;
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->now = 1000 * NS_PER_S;
	world->clock = (struct clock){.boot_ns = boot_ns, .utc_ms = utc_ms, .arg = world};
	world->store = (struct fake_store){
	    .store.ops = &store_ops, .world = world, .per_claim = 1, .fire_before = CLOCK_NEVER};
	world->handler.handler.ops = &handler_ops;
	world->queue = storeq_new(&(struct storeq_env){.writer = &world->store.store,
				      .clock = &world->clock,
				      .notify = ignore,
				      .notify_reads = ignore,
				      .broken = on_broken,
				      .arg = world},
	    false);
	world->engine = engine_new(&(struct engine_env){.clock = &world->clock,
	    .queue = world->queue,
	    .handler = &world->handler.handler,
	    .stats = &world->stats,
	    .concurrency = 1,
	    .wake = on_wake,
	    .arg = world});
	*state = world;
	return 0;
}

/* Does what follows without time passing, but for the tick if there is one to come. */
static void answer(struct world *world)
{
	while (storeq_step(world->queue))
		;
	storeq_deliver(world->queue);
}

static void tick(struct world *world)
{
	world->woken = false;
	world->next = engine_tick(world->engine, world->now);
}

/* Until nothing happens any more without time passing. */
static void settle(struct world *world)
{
	do {
		tick(world);
		answer(world);
	} while (world->woken);
}

/* The same, and the time passes for so long. */
static void pass(struct world *world, int64_t ns)
{
	int64_t end = world->now + ns;

	settle(world);
	while (world->next <= end) {
		if (world->next > world->now)
			world->now = world->next;
		settle(world);
	}
	world->now = end;
	settle(world);
}

static int teardown(void **state)
{
	struct world *world = *state;

	world->store.claims_left = 0;
	world->store.refuse_started = world->store.refuse_finish = ERR_OK;
	engine_stop(world->engine);
	engine_interrupt(world->engine, true);
	pass(world, 10 * NS_PER_S);
	assert_true(engine_is_idle(world->engine));
	engine_free(world->engine);
	storeq_free(world->queue);
	free(world);
	return 0;
}

/* A claim that was answered; its slot is to be fired by the next tick. */
static void hold_one(struct world *world)
{
	world->store.claims_left = 1;
	tick(world);
	answer(world);
	assert_int_equal(world->store.claims, 1);
	assert_int_equal(world->handler.started, 0);
}

static void start_one(struct world *world)
{
	world->store.claims_left = 1;
	settle(world);
	assert_int_equal(world->handler.started, 1);
}

/* ---- the time for which a slot is kept ---- */

static void a_slot_is_fired_until_the_end_of_its_time(void **state)
{
	struct world *world = *state;

	world->store.fire_before = world->now + 100;
	hold_one(world);
	world->now += 100;
	settle(world);
	assert_int_equal(world->handler.started, 1);
	assert_int_equal(world->store.starts, 1);
	assert_int_equal(world->store.finishes, 0);
}

static void a_slot_that_is_too_late_is_given_back(void **state)
{
	struct world *world = *state;

	world->store.fire_before = world->now + 100;
	hold_one(world);
	world->now += 101;
	settle(world);
	assert_int_equal(world->handler.started, 0);
	assert_int_equal(world->store.starts, 0);
	assert_int_equal(world->store.finishes, 1);
	assert_int_equal(world->store.last_outcome, OUTCOME_INTERRUPTED);
	assert_int_equal(world->store.last_finished.ingestion, 1);
	assert_int_equal(world->stats.attempts, 0);
}

static void all_batches_of_the_slot_are_given_back(void **state)
{
	struct world *world = *state;

	world->store.fire_before = world->now + 100;
	world->store.per_claim = 3;
	hold_one(world);
	world->now += 101;
	settle(world);
	assert_int_equal(world->handler.started, 0);
	assert_int_equal(world->store.finishes, 3);
}

static void after_giving_back_it_claims_again(void **state)
{
	struct world *world = *state;

	world->store.fire_before = world->now + 100;
	hold_one(world);
	world->store.claims_left = 1;
	world->store.fire_before = CLOCK_NEVER;
	world->now += 101;
	settle(world);
	assert_int_equal(world->store.claims, 2);
	assert_int_equal(world->handler.started, 1);
}

/* The tick was told another time: the clock is what counts. */
static void the_clock_is_read_just_before_the_start(void **state)
{
	struct world *world = *state;
	int64_t before = world->now;

	world->store.fire_before = world->now + 100;
	hold_one(world);
	world->now += 101;
	engine_tick(world->engine, before);
	assert_int_equal(world->handler.started, 0);
}

static void what_would_have_to_wait_too_long_is_given_back_at_once(void **state)
{
	struct world *world = *state;
	int64_t began = world->now;

	start_one(world);
	end_run(&world->handler, 0, OUTCOME_COMPLETED);
	settle(world);
	/* Its own last start forbids another one before the interval is over. */
	world->store.claims_left = 1;
	world->store.fire_before = began + INTERVAL_NS - 1;
	engine_replan(world->engine);
	settle(world);
	assert_int_equal(world->now, began);
	assert_int_equal(world->handler.started, 1);
	assert_int_equal(world->store.finishes, 2);
	assert_int_equal(world->store.last_outcome, OUTCOME_INTERRUPTED);
}

static void what_has_to_wait_and_is_kept_free_long_enough_is_waited_for(void **state)
{
	struct world *world = *state;
	int64_t began = world->now;

	start_one(world);
	end_run(&world->handler, 0, OUTCOME_COMPLETED);
	settle(world);
	world->store.claims_left = 1;
	world->store.fire_before = began + INTERVAL_NS;
	engine_replan(world->engine);
	settle(world);
	assert_int_equal(world->handler.started, 1);
	assert_int_equal(world->next, began + INTERVAL_NS);
	pass(world, INTERVAL_NS);
	assert_int_equal(world->handler.started, 2);
	assert_int_equal(world->store.finishes, 1);
}

/* ---- the lease ---- */

static void while_suspended_nothing_is_claimed(void **state)
{
	struct world *world = *state;

	engine_suspend(world->engine, false);
	world->store.claims_left = 1;
	engine_replan(world->engine);
	engine_kick(world->engine);
	pass(world, 60 * NS_PER_S);
	assert_int_equal(world->store.claims, 0);
	engine_resume(world->engine);
	settle(world);
	assert_int_equal(world->handler.started, 1);
}

static void a_held_slot_is_given_back(void **state)
{
	struct world *world = *state;

	hold_one(world);
	engine_suspend(world->engine, false);
	settle(world);
	assert_int_equal(world->handler.started, 0);
	assert_int_equal(world->store.finishes, 1);
	assert_int_equal(world->store.last_outcome, OUTCOME_INTERRUPTED);
}

static void a_claim_that_is_answered_while_suspended_is_given_back(void **state)
{
	struct world *world = *state;

	world->store.claims_left = 1;
	tick(world);
	engine_suspend(world->engine, false);
	settle(world);
	assert_int_equal(world->store.claims, 1);
	assert_int_equal(world->handler.started, 0);
	assert_int_equal(world->store.finishes, 1);
	assert_int_equal(world->store.last_outcome, OUTCOME_INTERRUPTED);
	assert_true(engine_is_at_rest(world->engine));
}

static void what_runs_is_ended_and_then_by_force(void **state)
{
	struct world *world = *state;

	start_one(world);
	engine_suspend(world->engine, false);
	assert_int_equal(world->handler.cancels, 1);
	assert_int_equal(world->handler.cancels_now, 0);
	engine_suspend(world->engine, true);
	assert_int_equal(world->handler.cancels_now, 1);
	settle(world);
	assert_int_equal(world->store.finishes, 1);
	assert_true(engine_is_idle(world->engine));
}

static void outcomes_are_repeated_while_suspended(void **state)
{
	struct world *world = *state;

	start_one(world);
	world->store.refuse_finish = ERR_BUSY;
	engine_suspend(world->engine, true);
	pass(world, 5 * NS_PER_S);
	assert_in_range(world->store.finishes, 5, 6);
	assert_false(engine_is_idle(world->engine));
	world->store.refuse_finish = ERR_STALE_ATTEMPT;
	pass(world, NS_PER_S);
	assert_true(engine_is_idle(world->engine));
	assert_int_equal(world->store.claims, 1);
}

static void a_resume_without_need_changes_nothing(void **state)
{
	struct world *world = *state;

	settle(world);
	assert_int_equal(world->store.claims, 1);
	engine_resume(world->engine);
	assert_false(world->woken);
	settle(world);
	assert_int_equal(world->store.claims, 1);
}

/* ---- what is not ours any more ---- */

static void a_stale_start_ends_the_run_and_has_no_outcome(void **state)
{
	struct world *world = *state;

	world->store.refuse_started = ERR_STALE_ATTEMPT;
	start_one(world);
	assert_int_equal(world->handler.cancels, 1);
	end_run(&world->handler, 0, OUTCOME_INTERRUPTED);
	settle(world);
	assert_int_equal(world->store.starts, 1);
	assert_int_equal(world->store.finishes, 0);
	assert_true(engine_is_idle(world->engine));
}

static void the_start_of_a_run_that_has_ended_may_be_stale(void **state)
{
	struct world *world = *state;

	world->store.refuse_started = ERR_NOT_FOUND;
	world->store.claims_left = 1;
	tick(world);
	answer(world);
	tick(world);
	end_run(&world->handler, 0, OUTCOME_COMPLETED);
	settle(world);
	assert_int_equal(world->handler.cancels, 0);
	assert_int_equal(world->store.finishes, 0);
	assert_true(engine_is_idle(world->engine));
}

static void a_stale_outcome_is_not_repeated(void **state)
{
	struct world *world = *state;

	start_one(world);
	world->store.refuse_finish = ERR_STALE_ATTEMPT;
	end_run(&world->handler, 0, OUTCOME_COMPLETED);
	pass(world, 10 * NS_PER_S);
	assert_int_equal(world->store.finishes, 1);
	assert_true(engine_is_idle(world->engine));
}

static void a_place_is_free_after_a_stale_start(void **state)
{
	struct world *world = *state;

	world->store.refuse_started = ERR_STALE_ATTEMPT;
	start_one(world);
	world->store.refuse_started = ERR_OK;
	world->store.claims_left = 1;
	end_run(&world->handler, 0, OUTCOME_INTERRUPTED);
	pass(world, INTERVAL_NS);
	assert_int_equal(world->handler.started, 2);
}

/* ---- a store that is away ---- */

static void what_the_store_does_not_take_is_repeated_every_second(void **state)
{
	struct world *world = *state;

	world->store.refuse_started = ERR_BUSY;
	start_one(world);
	pass(world, 10 * NS_PER_S);
	assert_in_range(world->store.starts, 10, 11);
	assert_int_equal(world->store.claims, 1);
	world->store.refuse_started = ERR_OK;
	pass(world, NS_PER_S);
	assert_int_equal(world->handler.cancels, 0);
	end_run(&world->handler, 0, OUTCOME_COMPLETED);
	settle(world);
	assert_int_equal(world->store.last_outcome, OUTCOME_COMPLETED);
}

/* What is repeated may have been done: then the slot holds the attempt that it gives back. */
static void a_slot_that_was_claimed_behind_a_lost_write_is_given_back(void **state)
{
	struct world *world = *state;

	world->store.fire_before = world->now + 100;
	hold_one(world);
	world->now += 101;
	world->store.claims_left = 1;
	world->store.fire_before = world->now + 10 * NS_PER_S;
	world->store.refuse_finish = ERR_BUSY;
	tick(world);
	answer(world);
	assert_int_equal(world->store.claims, 2);
	world->store.refuse_finish = ERR_OK;
	pass(world, 2 * NS_PER_S);
	assert_int_equal(world->handler.started, 0);
	/* The first one twice. */
	assert_int_equal(world->store.finishes, 3);
	assert_int_equal(world->store.last_outcome, OUTCOME_INTERRUPTED);
}

static void the_end_does_not_wait_for_a_store_that_is_away(void **state)
{
	struct world *world = *state;

	start_one(world);
	world->store.refuse_started = world->store.refuse_finish = ERR_BUSY;
	engine_stop(world->engine);
	end_run(&world->handler, 0, OUTCOME_COMPLETED);
	pass(world, 10 * NS_PER_S);
	assert_false(engine_is_idle(world->engine));
	engine_interrupt(world->engine, false);
	settle(world);
	assert_true(engine_is_idle(world->engine));
}

static void a_suspended_engine_can_end_too(void **state)
{
	struct world *world = *state;

	start_one(world);
	world->store.refuse_finish = ERR_BUSY;
	engine_suspend(world->engine, true);
	engine_stop(world->engine);
	settle(world);
	assert_false(engine_is_idle(world->engine));
	engine_interrupt(world->engine, true);
	settle(world);
	assert_true(engine_is_idle(world->engine));
}

#define E_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    E_TEST(a_slot_is_fired_until_the_end_of_its_time),
	    E_TEST(a_slot_that_is_too_late_is_given_back),
	    E_TEST(all_batches_of_the_slot_are_given_back),
	    E_TEST(after_giving_back_it_claims_again),
	    E_TEST(the_clock_is_read_just_before_the_start),
	    E_TEST(what_would_have_to_wait_too_long_is_given_back_at_once),
	    E_TEST(what_has_to_wait_and_is_kept_free_long_enough_is_waited_for),
	    E_TEST(while_suspended_nothing_is_claimed),
	    E_TEST(a_held_slot_is_given_back),
	    E_TEST(a_claim_that_is_answered_while_suspended_is_given_back),
	    E_TEST(what_runs_is_ended_and_then_by_force),
	    E_TEST(outcomes_are_repeated_while_suspended),
	    E_TEST(a_resume_without_need_changes_nothing),
	    E_TEST(a_stale_start_ends_the_run_and_has_no_outcome),
	    E_TEST(the_start_of_a_run_that_has_ended_may_be_stale),
	    E_TEST(a_stale_outcome_is_not_repeated),
	    E_TEST(a_place_is_free_after_a_stale_start),
	    E_TEST(what_the_store_does_not_take_is_repeated_every_second),
	    E_TEST(a_slot_that_was_claimed_behind_a_lost_write_is_given_back),
	    E_TEST(the_end_does_not_wait_for_a_store_that_is_away),
	    E_TEST(a_suspended_engine_can_end_too),
	};

	return RUN(tests);
}
