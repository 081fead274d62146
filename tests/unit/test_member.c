/* A member with a store that answers, or does not, as the test says; in virtual time. */
#include "member.h"

#include "unit.h"
#include "util.h"

#define LEASE_NS (30 * NS_PER_S)
#define BEAT_NS (STORE_BEAT_MS * NS_PER_MS)

struct world;

struct fake_store {
	struct store store;
	struct world *world;
	enum err refuse; /* what beats are refused with; ERR_OK: they are taken */
	bool eternal; /* the lease does not end */
	bool moved;
	bool joined_again;
	int64_t reaped;
	const struct uuid *cancelled;
	int beats, renewals, claims, claims_left, starts, finishes;
	struct store_beat last; /* as it was asked for */
	int64_t last_at, last_renewal_at;
};

struct fake_handler {
	struct handler handler;
	struct run *run; /* NULL: none runs */
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
	struct member *member;
	bool woken; /* the engine or the member */
	bool hangs; /* the store does not answer at all */
	int64_t next; /* what the member said last */
	int moved;
};

/* ---- the store ---- */

static enum store_result fake_turn(struct store *store, struct fail *fail)
{
	(void)store, (void)fail;
	return STORE_DONE;
}

static enum store_result fake_beat(struct store *store, struct store_op *op)
{
	struct fake_store *fake = (struct fake_store *)store;
	struct store_beat *beat = &op->beat;

	fake->beats++;
	fake->last = *beat;
	fake->last_at = fake->world->now;
	if (fake->refuse) {
		fail_set(&op->fail, fake->refuse, NULL);
		return STORE_DONE;
	}
	if (beat->renew) {
		fake->renewals++;
		fake->last_renewal_at = fake->world->now;
		beat->lease_end = fake->eternal ? CLOCK_NEVER : fake->world->now + LEASE_NS;
	}
	beat->moved = fake->moved;
	beat->joined_again = fake->joined_again;
	beat->reaped = fake->reaped;
	if (fake->cancelled) {
		beat->n = 1;
		beat->cancelled = xcalloc(1, sizeof(*beat->cancelled));
		*beat->cancelled = *fake->cancelled;
	}
	return STORE_DONE;
}

static enum store_result fake_claim(struct store *store, struct store_op *op)
{
	struct fake_store *fake = (struct fake_store *)store;
	struct store_claim *claim = &op->claim;

	fake->claims++;
	if (fake->claims_left == 0)
		return STORE_DONE;
	fake->claims_left--;
	claim->n = 1;
	claim->batches = xcalloc(1, sizeof(*claim->batches));
	claim->batches->uuid.bytes[0] = 7;
	claim->batches->attempt.attempt = 1;
	claim->batches->priority = PRIORITY_LOW;
	idlist_push(&claim->batches->ids, 1);
	return STORE_DONE;
}

static enum store_result fake_started(struct store *store, struct store_op *op)
{
	(void)op;
	((struct fake_store *)store)->starts++;
	return STORE_DONE;
}

static enum store_result fake_finish(struct store *store, struct store_op *op)
{
	(void)op;
	((struct fake_store *)store)->finishes++;
	return STORE_DONE;
}

static const struct store_ops store_ops = {
    .begin = fake_turn,
    .commit = fake_turn,
    .rollback = fake_turn,
    .run = {[STORE_BEAT] = fake_beat,
	[STORE_CLAIM] = fake_claim,
	[STORE_STARTED] = fake_started,
	[STORE_FINISH] = fake_finish},
};

/* ---- the handler ---- */

static void fake_start(struct handler *handler, struct run *run)
{
	struct fake_handler *fake = (struct fake_handler *)handler;

	assert_null(fake->run);
	fake->run = run;
	fake->started++;
	run->events->started(run);
}

static void fake_cancel(struct handler *handler, struct run *run, bool now)
{
	struct fake_handler *fake = (struct fake_handler *)handler;

	assert_ptr_equal(fake->run, run);
	fake->cancels++;
	fake->cancels_now += now;
	if (!now)
		return;
	fake->run = NULL;
	run->events->done(run, &(struct ending){.outcome = OUTCOME_INTERRUPTED});
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

static void on_moved(void *arg)
{
	((struct world *)arg)->moved++;
}

static int setup_lease(void **state, int64_t lease_ns)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->now = 1000 * NS_PER_S;
	world->clock = (struct clock){.boot_ns = boot_ns, .utc_ms = utc_ms, .arg = world};
	world->store = (struct fake_store){.store.ops = &store_ops, .world = world};
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
	world->member = member_new(&(struct member_env){.clock = &world->clock,
	    .queue = world->queue,
	    .engine = world->engine,
	    .stats = &world->stats,
	    .lease_ns = lease_ns,
	    .wake = on_wake,
	    .moved = on_moved,
	    .arg = world});
	*state = world;
	return 0;
}

static int setup(void **state)
{
	return setup_lease(state, LEASE_NS);
}

/* Until nothing happens any more without time passing. */
static void settle(struct world *world)
{
	do {
		world->woken = false;
		world->next = member_tick(world->member, world->now);
		engine_tick(world->engine, world->now);
		while (!world->hangs && storeq_step(world->queue))
			;
		storeq_deliver(world->queue);
	} while (world->woken);
}

static void pass(struct world *world, int64_t ns)
{
	int64_t end = world->now + ns;

	settle(world);
	while (world->next <= end) {
		assert_true(world->next > world->now);
		world->now = world->next;
		settle(world);
	}
	world->now = end;
}

static int teardown(void **state)
{
	struct world *world = *state;

	world->hangs = false;
	engine_stop(world->engine);
	engine_interrupt(world->engine, true);
	settle(world);
	storeq_free(world->queue);
	member_free(world->member);
	assert_true(engine_is_idle(world->engine));
	engine_free(world->engine);
	free(world);
	return 0;
}

/* One batch runs, under a lease that begins now. */
static void run_one(struct world *world)
{
	world->store.claims_left = 1;
	settle(world);
	assert_non_null(world->handler.run);
}

/* ---- signs of life ---- */

/* The lease has not ended by our clock, but by that of the store. */
static void what_runs_is_ended_when_others_had_given_the_node_up(void **state)
{
	struct world *world = *state;

	run_one(world);
	world->store.joined_again = true;
	world->store.claims_left = 1;
	pass(world, BEAT_NS);
	assert_int_equal(world->handler.cancels_now, 1);
	assert_int_equal(world->handler.cancels, 1);
	/* It is alive, and goes on with something else. */
	assert_int_equal(world->handler.started, 2);
}

static void signs_of_life_come_every_second(void **state)
{
	struct world *world = *state;

	pass(world, 20 * BEAT_NS);
	assert_int_equal(world->store.beats, 21);
}

static void the_first_one_renews_and_then_one_after_each_third(void **state)
{
	struct world *world = *state;

	settle(world);
	assert_int_equal(world->store.renewals, 1);
	pass(world, LEASE_NS / 3 - 1);
	assert_int_equal(world->store.renewals, 1);
	pass(world, 1);
	settle(world);
	assert_int_equal(world->store.renewals, 2);
	pass(world, 10 * LEASE_NS);
	assert_int_equal(world->store.renewals, 32);
	assert_int_equal(world->handler.cancels, 0);
}

static void a_short_lease_has_more_of_them(void **state)
{
	struct world *world;

	setup_lease(state, 3 * NS_PER_S);
	world = *state;
	pass(world, 2700 * NS_PER_MS);
	assert_int_equal(world->store.beats, 10);
}

static void there_is_one_at_a_time(void **state)
{
	struct world *world = *state;

	settle(world);
	world->hangs = true;
	pass(world, 2 * LEASE_NS);
	world->hangs = false;
	settle(world);
	/* The one that hung, and the next one that was long due. */
	assert_int_equal(world->store.beats, 3);
}

static void they_carry_the_figures_of_the_node(void **state)
{
	struct world *world = *state;

	world->stats = (struct stats){.attempts = 9, .retries = 3, .interrupted = 2};
	world->stats.failures[FAILURE_COUNT - 1] = 4;
	world->stats.failures[0] = 1;
	run_one(world);
	pass(world, BEAT_NS);
	assert_int_equal(world->store.last.figures.running, 1);
	assert_int_equal(world->store.last.figures.attempts, 10);
	assert_int_equal(world->store.last.figures.retries, 3);
	assert_int_equal(world->store.last.figures.interrupted, 2);
	assert_int_equal(world->store.last.figures.failed, 5);
}

static void that_the_handlers_have_recovered_is_told_at_once_and_until_it_is_heard(void **state)
{
	struct world *world = *state;

	pass(world, 3 * BEAT_NS);
	assert_false(world->store.last.recovered);
	world->now += BEAT_NS / 2;
	world->store.refuse = ERR_BUSY;
	member_recovered(world->member);
	assert_true(world->woken);
	settle(world);
	assert_int_equal(world->store.last_at, world->now);
	assert_true(world->store.last.recovered);
	assert_true(world->store.last.renew);
	world->store.refuse = ERR_OK;
	pass(world, BEAT_NS);
	assert_true(world->store.last.recovered);
	pass(world, BEAT_NS);
	assert_false(world->store.last.recovered);
}

static void recovered_while_one_is_under_way_goes_with_the_next(void **state)
{
	struct world *world = *state;

	world->next = member_tick(world->member, world->now);
	member_recovered(world->member);
	settle(world);
	assert_int_equal(world->store.beats, 2);
	assert_true(world->store.last.recovered);
}

/* ---- what others do ---- */

static void what_has_moved_is_looked_for(void **state)
{
	struct world *world = *state;

	settle(world);
	assert_int_equal(world->moved, 0);
	assert_int_equal(world->store.claims, 1);
	pass(world, BEAT_NS);
	assert_int_equal(world->store.claims, 1);
	world->store.moved = true;
	pass(world, BEAT_NS);
	assert_int_equal(world->moved, 1);
	assert_int_equal(world->store.claims, 2);
}

static void batches_of_a_node_that_has_gone_are_looked_for(void **state)
{
	struct world *world = *state;

	settle(world);
	world->store.reaped = 2;
	pass(world, BEAT_NS);
	assert_int_equal(world->moved, 1);
	assert_int_equal(world->store.claims, 2);
}

static void what_is_cancelled_elsewhere_is_ended_here(void **state)
{
	struct world *world = *state;
	struct uuid other = {.bytes = {8}}, this = {.bytes = {7}};

	run_one(world);
	world->store.cancelled = &other;
	pass(world, BEAT_NS);
	assert_int_equal(world->handler.cancels, 0);
	world->store.cancelled = &this;
	pass(world, BEAT_NS);
	assert_int_equal(world->handler.cancels, 1);
	assert_int_equal(world->handler.cancels_now, 0);
}

/* ---- the lease ---- */

static void nothing_is_claimed_before_the_first_lease(void **state)
{
	struct world *world = *state;

	world->store.claims_left = 1;
	world->store.refuse = ERR_BUSY;
	pass(world, 10 * BEAT_NS);
	assert_int_equal(world->store.claims, 0);
	assert_true(world->store.last.renew);
	world->store.refuse = ERR_OK;
	pass(world, BEAT_NS);
	assert_int_equal(world->store.claims, 1);
	assert_non_null(world->handler.run);
}

/* The store refuses from the start of a lease on, or says nothing any more. */
static void assert_ended_in_time(struct world *world)
{
	int64_t end = world->now + LEASE_NS;

	pass(world, LEASE_NS * 2 / 3 - 1);
	assert_int_equal(world->handler.cancels, 0);
	pass(world, 1);
	settle(world);
	assert_int_equal(world->handler.cancels, 1);
	assert_int_equal(world->handler.cancels_now, 0);
	pass(world, LEASE_NS / 6 - 1);
	assert_int_equal(world->handler.cancels_now, 0);
	pass(world, 1);
	settle(world);
	assert_int_equal(world->handler.cancels_now, 1);
	assert_null(world->handler.run);
	assert_true(world->now < end);
}

static void what_runs_is_ended_before_the_lease_ends(void **state)
{
	struct world *world = *state;

	run_one(world);
	world->store.refuse = ERR_BUSY;
	assert_ended_in_time(world);
}

static void what_runs_is_ended_though_a_sign_of_life_hangs(void **state)
{
	struct world *world = *state;

	run_one(world);
	world->hangs = true;
	assert_ended_in_time(world);
	world->hangs = false;
	settle(world);
	assert_int_equal(world->store.finishes, 1);
}

/* Timers stood still meanwhile. */
static void a_machine_that_slept_over_the_lease_ends_all_at_once(void **state)
{
	struct world *world = *state;

	run_one(world);
	world->hangs = true;
	world->now += 10 * LEASE_NS;
	settle(world);
	assert_int_equal(world->handler.cancels_now, 1);
}

static void after_a_new_lease_it_goes_on(void **state)
{
	struct world *world = *state;
	int claims;

	run_one(world);
	world->store.refuse = ERR_BUSY;
	pass(world, 3 * LEASE_NS);
	claims = world->store.claims;
	world->store.claims_left = 1;
	pass(world, LEASE_NS);
	assert_int_equal(world->store.claims, claims);
	world->store.refuse = ERR_OK;
	pass(world, BEAT_NS);
	assert_non_null(world->handler.run);
	assert_int_equal(world->handler.started, 2);
}

static void a_renewal_in_time_leaves_what_runs_alone(void **state)
{
	struct world *world = *state;

	run_one(world);
	world->store.refuse = ERR_BUSY;
	pass(world, LEASE_NS * 2 / 3 - 2 * BEAT_NS);
	world->store.refuse = ERR_OK;
	pass(world, LEASE_NS);
	assert_int_equal(world->handler.cancels, 0);
}

/* It counts from when it was asked for, so it may be over before it is heard of. */
static void a_lease_that_comes_too_late_is_none(void **state)
{
	struct world *world = *state;

	world->store.claims_left = 1;
	world->next = member_tick(world->member, world->now);
	assert_true(storeq_step(world->queue));
	world->now += LEASE_NS;
	storeq_deliver(world->queue);
	engine_tick(world->engine, world->now);
	assert_int_equal(world->store.claims, 0);
	assert_false(storeq_step(world->queue));
	settle(world);
	assert_non_null(world->handler.run);
}

static void a_lease_without_end_needs_no_renewal_in_time(void **state)
{
	struct world *world = *state;

	world->store.eternal = true;
	run_one(world);
	world->store.refuse = ERR_BUSY;
	pass(world, 10 * LEASE_NS);
	assert_int_equal(world->handler.cancels, 0);
}

#define M_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    M_TEST(what_runs_is_ended_when_others_had_given_the_node_up),
	    M_TEST(signs_of_life_come_every_second),
	    M_TEST(the_first_one_renews_and_then_one_after_each_third),
	    cmocka_unit_test_teardown(a_short_lease_has_more_of_them, teardown),
	    M_TEST(there_is_one_at_a_time),
	    M_TEST(they_carry_the_figures_of_the_node),
	    M_TEST(that_the_handlers_have_recovered_is_told_at_once_and_until_it_is_heard),
	    M_TEST(recovered_while_one_is_under_way_goes_with_the_next),
	    M_TEST(what_has_moved_is_looked_for),
	    M_TEST(batches_of_a_node_that_has_gone_are_looked_for),
	    M_TEST(what_is_cancelled_elsewhere_is_ended_here),
	    M_TEST(nothing_is_claimed_before_the_first_lease),
	    M_TEST(what_runs_is_ended_before_the_lease_ends),
	    M_TEST(what_runs_is_ended_though_a_sign_of_life_hangs),
	    M_TEST(a_machine_that_slept_over_the_lease_ends_all_at_once),
	    M_TEST(after_a_new_lease_it_goes_on),
	    M_TEST(a_renewal_in_time_leaves_what_runs_alone),
	    M_TEST(a_lease_that_comes_too_late_is_none),
	    M_TEST(a_lease_without_end_needs_no_renewal_in_time),
	};

	return RUN(tests);
}
