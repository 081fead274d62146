/* The notifier with a store and a handler that do what the test says. */
#include "notifier.h"

#include "unit.h"
#include "util.h"

#include <event2/event.h>
#include <time.h>
#include <unistd.h>

#define NOTICES 4
#define MAX_ATTEMPTS 3
#define BASE_MS 40
#define MAX_HOLD_MS 5000

struct world;

/* One that the store has; the version is its place, from 1. */
struct notice {
	bool there;
	int64_t attempts;
	int64_t later_ms; /* when it is due; 0: now */
	int told, put_off; /* how often */
	int uncounted; /* of these times */
	int64_t retry_ms; /* of the last time it was put off */
};

struct fake_store {
	struct store store;
	struct world *world;
	struct notice notices[NOTICES];
	int looks, fail_looks, fail_told; /* so many fail */
	enum err why_told;
	void (*during_look)(struct world *world);
};

struct fake_handler {
	struct handler handler;
	struct world *world;
	struct run *run; /* NULL: none runs */
	char *notice;
	int runs, cancels, cancels_now;
};

struct world {
	struct event_base *base;
	struct clock clock;
	struct fake_store store;
	struct fake_handler handler;
	struct storeq *queue;
	struct notifier *notifier;
	int idle;
};

/* ---- the store ---- */

static enum store_result fake_turn(struct store *store, struct fail *fail)
{
	(void)store, (void)fail;
	return STORE_DONE;
}

static void describe(struct ingestion *ingestion, size_t i)
{
	*ingestion = (struct ingestion){.priority = PRIORITY_LOW,
	    .label = "nightly",
	    .seq = 7,
	    .version = (int64_t)i + 1,
	    .batch_size = 3,
	    .created_ms = 1000,
	    .finished_ms = 2000};
	ingestion->uuid.bytes[0] = (uint8_t)(i + 1);
	ingestion->counts.ids = ingestion->counts.ids_completed = 2;
	ingestion->counts.batches = ingestion->counts.by_status[BATCH_COMPLETED] = 1;
}

static enum store_result fake_notice(struct store *store, struct store_op *op)
{
	struct fake_store *fake = (struct fake_store *)store;

	fake->looks++;
	if (fake->during_look)
		fake->during_look(fake->world);
	if (fake->fail_looks > 0) {
		fake->fail_looks--;
		fail_set(&op->fail, ERR_DISK_LOW, "no room");
		return STORE_DONE;
	}
	op->notice.next_ms = -1;
	for (size_t i = 0; i < NOTICES && !op->notice.found; i++) {
		struct notice *notice = &fake->notices[i];

		if (notice->there && notice->later_ms == 0) {
			op->notice.found = true;
			op->notice.attempt = ++notice->attempts;
			describe(&op->notice.ingestion, i);
		} else if (notice->there) {
			op->notice.next_ms = notice->later_ms;
			notice->later_ms = 0; /* it is asked for again when that is over */
		}
	}
	return STORE_DONE;
}

static enum store_result fake_told(struct store *store, struct store_op *op)
{
	struct fake_store *fake = (struct fake_store *)store;
	struct notice *notice = &fake->notices[op->told.version - 1];

	assert_int_equal(op->told.uuid.bytes[0], op->told.version);
	if (fake->fail_told > 0) {
		fake->fail_told--;
		fail_set(&op->fail, fake->why_told, "not now");
		return STORE_DONE;
	}
	notice->there = !op->told.told;
	notice->told += op->told.told;
	notice->put_off += !op->told.told;
	notice->uncounted += op->told.uncounted;
	notice->retry_ms = op->told.retry_ms;
	notice->attempts -= op->told.uncounted;
	notice->later_ms = op->told.told ? 0 : op->told.retry_ms;
	return STORE_DONE;
}

static void fake_close(struct store *store)
{
	(void)store;
}

static const struct store_ops store_ops = {
    .begin = fake_turn,
    .commit = fake_turn,
    .rollback = fake_turn,
    .run = {[STORE_NOTICE] = fake_notice, [STORE_TOLD] = fake_told},
    .close = fake_close,
};

/* ---- the handler ---- */

static void fake_start(struct handler *handler, struct run *run)
{
	struct fake_handler *fake = (struct fake_handler *)handler;

	assert_null(fake->run); /* one at a time */
	assert_int_equal(run->ids.n, 0);
	fake->run = run;
	fake->runs++;
	free(fake->notice);
	fake->notice = xstrdup(run->notice);
	run->events->started(run);
}

static void fake_cancel(struct handler *handler, struct run *run, bool now)
{
	struct fake_handler *fake = (struct fake_handler *)handler;

	assert_ptr_equal(fake->run, run);
	fake->cancels++;
	fake->cancels_now += now;
}

static const struct handler_ops handler_ops = {.start = fake_start, .cancel = fake_cancel};

static void end_run(struct world *world, struct ending ending)
{
	struct run *run = world->handler.run;

	assert_non_null(run);
	world->handler.run = NULL;
	run->events->done(run, &ending);
}

static void end_as(struct world *world, enum outcome outcome)
{
	end_run(world, (struct ending){.outcome = outcome, .message = xstrdup("because")});
}

/* ---- the world ---- */

static int64_t boot_ns(void *arg)
{
	struct timespec now;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
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

static void on_idle(void *arg)
{
	((struct world *)arg)->idle++;
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->base = event_base_new();
	world->clock = (struct clock){.boot_ns = boot_ns};
	world->store = (struct fake_store){.store.ops = &store_ops, .world = world};
	world->handler = (struct fake_handler){.handler.ops = &handler_ops, .world = world};
	world->queue = storeq_new(&(struct storeq_env){.writer = &world->store.store,
				      .clock = &world->clock,
				      .notify = ignore,
				      .notify_reads = ignore,
				      .broken = on_broken,
				      .arg = world},
	    false);
	world->notifier = notifier_new(&(struct notifier_env){.base = world->base,
	    .queue = world->queue,
	    .handler = &world->handler.handler,
	    .retry = {.max_attempts = MAX_ATTEMPTS, .base_ms = BASE_MS, .max_ms = 10 * BASE_MS},
	    .max_hold_ms = MAX_HOLD_MS,
	    .idle = on_idle,
	    .arg = world});
	*state = world;
	return 0;
}

static void drain(struct world *world)
{
	while (storeq_step(world->queue))
		;
	storeq_deliver(world->queue);
}

static int teardown(void **state)
{
	struct world *world = *state;

	drain(world);
	storeq_free(world->queue);
	notifier_free(world->notifier);
	event_base_free(world->base);
	free(world->handler.notice);
	free(world);
	return 0;
}

/* Lets time pass until that holds, or for so many milliseconds; whether it holds. */
static bool until(struct world *world, bool (*holds)(const struct world *world), int64_t ms)
{
	int64_t end = boot_ns(NULL) + ms * NS_PER_MS;

	for (;;) {
		drain(world);
		if (holds && holds(world))
			return true;
		if (boot_ns(NULL) > end)
			return false;
		event_base_loop(world->base, EVLOOP_NONBLOCK);
		usleep(500);
	}
}

static bool runs(const struct world *world)
{
	return world->handler.run;
}

static bool rests(const struct world *world)
{
	return !world->handler.run && notifier_is_idle(world->notifier);
}

static void await_run(struct world *world)
{
	if (!until(world, runs, 10000))
		fail_msg("nothing is told");
}

static void assert_nothing_runs(struct world *world, int64_t ms)
{
	if (until(world, runs, ms))
		fail_msg("something is told");
}

static void add(struct world *world, size_t i)
{
	world->store.notices[i] = (struct notice){.there = true};
}

static void start_with(struct world *world, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(world, i);
	notifier_start(world->notifier);
	if (n > 0)
		await_run(world);
}

/* ---- telling ---- */

static void what_is_due_is_told(void **state)
{
	struct world *world = *state;
	const struct run *run;

	start_with(world, 1);
	run = world->handler.run;
	assert_int_equal(run->attempt, 1);
	assert_int_equal(run->ingestion.bytes[0], 1);
	assert_int_equal(run->priority, PRIORITY_LOW);
	assert_string_equal(run->label, "nightly");
	assert_contains(world->handler.notice,
	    "{\"ingestion_id\":\"01000000-0000-0000-0000-000000000000\",\"status\":\"completed\","
	    "\"priority\":\"LOW\",\"label\":\"nightly\",\"seq\":7,\"version\":1,");
	assert_contains(world->handler.notice, "\"counts\":{\"ids\":2,\"batches\":1,");
	assert_null(strchr(world->handler.notice, '\n'));
	end_as(world, OUTCOME_COMPLETED);
	assert_true(until(world, rests, 10000));
	assert_int_equal(world->store.notices[0].told, 1);
	assert_nothing_runs(world, 50);
}

static void one_follows_the_other(void **state)
{
	struct world *world = *state;

	start_with(world, 3);
	for (int i = 0; i < 3; i++) {
		await_run(world);
		assert_int_equal(world->handler.run->ingestion.bytes[0], i + 1);
		end_as(world, OUTCOME_COMPLETED);
	}
	assert_true(until(world, rests, 10000));
	for (int i = 0; i < 3; i++)
		assert_int_equal(world->store.notices[i].told, 1);
	assert_int_equal(world->handler.runs, 3);
}

static void nothing_is_told_before_the_start(void **state)
{
	struct world *world = *state;

	add(world, 0);
	notifier_kick(world->notifier);
	assert_nothing_runs(world, 60);
	notifier_start(world->notifier);
	await_run(world);
	end_as(world, OUTCOME_COMPLETED);
}

static void a_kick_finds_what_is_new(void **state)
{
	struct world *world = *state;

	start_with(world, 0);
	assert_nothing_runs(world, 60);
	assert_int_equal(world->store.looks, 1);
	add(world, 0);
	assert_nothing_runs(world, 60);
	for (int i = 0; i < 100; i++)
		notifier_kick(world->notifier);
	await_run(world);
	assert_int_equal(world->store.looks, 2);
	end_as(world, OUTCOME_COMPLETED);
}

/* Behind the look of the store, before its answer. */
static void kick_meanwhile(struct world *world)
{
	world->store.during_look = NULL;
	notifier_kick(world->notifier);
}

static void a_kick_while_it_looks_is_not_lost(void **state)
{
	struct world *world = *state;

	world->store.during_look = kick_meanwhile;
	start_with(world, 0);
	until(world, NULL, 10);
	add(world, 0);
	await_run(world);
	end_as(world, OUTCOME_COMPLETED);
}

/* ---- failures ---- */

static void a_failure_is_tried_again_later(void **state)
{
	struct world *world = *state;
	struct notice *notice = &world->store.notices[0];
	struct uuid uuid = {.bytes = {1}};
	struct retry_policy policy = {MAX_ATTEMPTS, BASE_MS, 10 * BASE_MS};

	start_with(world, 1);
	for (int attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
		int64_t delay = retry_delay_ms(&policy, &uuid, 0, attempt);

		assert_int_equal(world->handler.run->attempt, attempt);
		end_as(world, OUTCOME_RETRY);
		assert_nothing_runs(world, delay - 5);
		assert_int_equal(notice->put_off, attempt);
		assert_int_equal(notice->retry_ms, delay);
		await_run(world);
	}
	end_as(world, OUTCOME_COMPLETED);
	assert_true(until(world, rests, 10000));
	assert_int_equal(notice->told, 1);
	assert_int_equal(notice->uncounted, 0);
}

static void after_the_last_attempt_it_is_given_up(void **state)
{
	struct world *world = *state;

	start_with(world, 1);
	for (int attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
		await_run(world);
		end_as(world, OUTCOME_RETRY);
		assert_true(until(world, rests, 10000));
	}
	assert_int_equal(world->store.notices[0].put_off, MAX_ATTEMPTS - 1);
	assert_int_equal(world->store.notices[0].told, 1);
	assert_nothing_runs(world, 60);
}

static void what_is_no_use_is_given_up_at_once(void **state)
{
	struct world *world = *state;

	start_with(world, 1);
	end_as(world, OUTCOME_FAILED);
	assert_true(until(world, rests, 10000));
	assert_int_equal(world->store.notices[0].told, 1);
}

static void who_asks_for_a_rest_gets_it_up_to_the_limit(void **state)
{
	struct world *world = *state;
	struct notice *notice = &world->store.notices[0];

	start_with(world, 1);
	end_run(world, (struct ending){.outcome = OUTCOME_INTERRUPTED, .hold_ms = 30});
	await_run(world);
	assert_int_equal(notice->retry_ms, 30);
	/* As with a batch, it has cost no attempt. */
	assert_int_equal(world->handler.run->attempt, 1);
	/* No attempt is the last one of these. */
	notice->attempts = MAX_ATTEMPTS + 5;
	assert_int_equal(notice->uncounted, 1);
	end_run(world, (struct ending){.outcome = OUTCOME_INTERRUPTED, .hold_ms = 1000000});
	assert_nothing_runs(world, 50);
	assert_int_equal(notice->told, 0);
	assert_int_equal(notice->retry_ms, MAX_HOLD_MS);
}

/* ---- the store in trouble ---- */

static void a_look_that_fails_is_repeated(void **state)
{
	struct world *world = *state;

	world->store.fail_looks = 1;
	start_with(world, 1);
	assert_int_equal(world->store.looks, 2);
	end_as(world, OUTCOME_COMPLETED);
}

static void what_was_told_is_recorded_when_that_is_possible(void **state)
{
	struct world *world = *state;

	world->store.fail_told = 1;
	world->store.why_told = ERR_DISK_LOW;
	start_with(world, 1);
	end_as(world, OUTCOME_COMPLETED);
	assert_nothing_runs(world, 50);
	assert_false(notifier_is_idle(world->notifier));
	notifier_kick(world->notifier);
	assert_true(until(world, rests, 10000));
	assert_int_equal(world->store.notices[0].told, 1);
	assert_int_equal(world->handler.runs, 1);
}

static void one_that_is_gone_is_done(void **state)
{
	struct world *world = *state;

	world->store.fail_told = 1;
	world->store.why_told = ERR_NOT_FOUND;
	start_with(world, 1);
	world->store.notices[0].there = false;
	end_as(world, OUTCOME_COMPLETED);
	assert_true(until(world, rests, 900));
}

/* ---- the end ---- */

static void what_runs_at_the_end_is_waited_for(void **state)
{
	struct world *world = *state;

	start_with(world, 2);
	notifier_stop(world->notifier);
	assert_false(notifier_is_idle(world->notifier));
	end_as(world, OUTCOME_COMPLETED);
	assert_false(notifier_is_idle(world->notifier));
	assert_int_equal(world->idle, 0);
	assert_true(until(world, rests, 10000));
	assert_int_equal(world->idle, 1);
	assert_int_equal(world->store.notices[0].told, 1);
	notifier_kick(world->notifier);
	assert_nothing_runs(world, 60);
}

static void what_is_interrupted_is_told_again(void **state)
{
	struct world *world = *state;
	struct notice *notice = &world->store.notices[0];

	start_with(world, 1);
	notifier_stop(world->notifier);
	notifier_interrupt(world->notifier, false);
	notifier_interrupt(world->notifier, true);
	assert_int_equal(world->handler.cancels, 2);
	assert_int_equal(world->handler.cancels_now, 1);
	world->handler.run->attempt = MAX_ATTEMPTS;
	end_as(world, OUTCOME_INTERRUPTED);
	assert_true(until(world, rests, 10000));
	assert_int_equal(notice->put_off, 1);
	assert_int_equal(notice->uncounted, 1);
	assert_int_equal(notice->retry_ms, 0);
	assert_true(notice->there);
}

static void the_end_does_not_wait_for_a_store_in_trouble(void **state)
{
	struct world *world = *state;

	world->store.fail_told = 1000000;
	world->store.why_told = ERR_DISK_LOW;
	start_with(world, 1);
	end_as(world, OUTCOME_COMPLETED);
	until(world, NULL, 10);
	notifier_stop(world->notifier);
	assert_false(notifier_is_idle(world->notifier));
	notifier_interrupt(world->notifier, false);
	assert_true(notifier_is_idle(world->notifier));
	assert_int_equal(world->idle, 1);
}

/* Between the question and its answer. */
static void stop_meanwhile(struct world *world)
{
	notifier_stop(world->notifier);
}

static void what_is_found_after_the_stop_waits(void **state)
{
	struct world *world = *state;

	world->store.during_look = stop_meanwhile;
	add(world, 0);
	notifier_start(world->notifier);
	assert_nothing_runs(world, 60);
	assert_int_equal(world->store.looks, 1);
	assert_true(notifier_is_idle(world->notifier));
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RUN_TEST(what_is_due_is_told),
	    RUN_TEST(one_follows_the_other),
	    RUN_TEST(nothing_is_told_before_the_start),
	    RUN_TEST(a_kick_finds_what_is_new),
	    RUN_TEST(a_kick_while_it_looks_is_not_lost),
	    RUN_TEST(a_failure_is_tried_again_later),
	    RUN_TEST(after_the_last_attempt_it_is_given_up),
	    RUN_TEST(what_is_no_use_is_given_up_at_once),
	    RUN_TEST(who_asks_for_a_rest_gets_it_up_to_the_limit),
	    RUN_TEST(a_look_that_fails_is_repeated),
	    RUN_TEST(what_was_told_is_recorded_when_that_is_possible),
	    RUN_TEST(one_that_is_gone_is_done),
	    RUN_TEST(what_runs_at_the_end_is_waited_for),
	    RUN_TEST(what_is_interrupted_is_told_again),
	    RUN_TEST(the_end_does_not_wait_for_a_store_in_trouble),
	    RUN_TEST(what_is_found_after_the_stop_waits),
	};

	return RUN(tests);
}
