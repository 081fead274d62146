#include "sim.h"

#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_EVENTS_OF_A_RUN 50000

void world_fail(const struct world *world, const char *file, int line, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_error("%s:%d: %s\n", file, line, text);
	print_error("%s, SIM_SEED=%" PRId64 ", at %lld ms%s\n", world->profile->name, world->seed,
	    world->now / MS, world->sqlite ? ", on SQLite" : "");
	fail();
	abort();
}

void world_trace(const struct world *world, const char *format, ...)
{
	static int enabled = -1;
	char text[300];
	va_list args;

	if (enabled < 0)
		enabled = getenv("SIM_TRACE") != NULL;
	if (!enabled)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "%12" PRId64 " us  %s\n", world->now / 1000, text);
}

/* ---- time ---- */

/* While the store works, time passes: any two readings can differ. */
static int64_t read_boot_ns(void *arg)
{
	struct world *world = arg;

	if (world->in_step && !world->profile->script && rng_chance(&world->rng, 20))
		world->now += rng_range(&world->rng, 0, 3 * MS);
	return world_boot_ns(world);
}

static int64_t read_utc_ms(void *arg)
{
	struct world *world = arg;

	return world->now / MS + world->utc_offset;
}

/* ---- runs ---- */

static void handle(struct world *world, const struct event *event)
{
	switch (event->kind) {
	case EVENT_TICK:
		process_tick(world);
		break;
	case EVENT_STEP:
		process_step(world);
		break;
	case EVENT_DELIVER:
		world->store_busy = false;
		storeq_deliver(world->queue);
		break;
	case EVENT_RUN_STARTED:
	case EVENT_RUN_DONE:
		worker_event(event->arg, event->kind);
		break;
	case EVENT_INTERRUPT:
		process_interrupt(world);
		break;
	case EVENT_SUBMIT:
		client_submit(event->arg);
		break;
	case EVENT_LOOK:
		client_looks(world);
		break;
	case EVENT_WISH:
		wish_random(world);
		break;
	case EVENT_CANCEL:
		wish_cancel(world, event->arg);
		break;
	case EVENT_LAST_WISH:
		wish_resume(world);
		break;
	case EVENT_BOOT:
		process_boot(world);
		break;
	}
}

/* What may happen after any event. */
static void fate(struct world *world)
{
	if (!world->up)
		return;
	if (world->broken || (world->crashes_left > 0 && rng_chance(&world->rng, 2))) {
		world->crashes_left -= !world->broken;
		process_crash(world);
		return;
	}
	if (!world->stopping && world->stops_left > 0 && rng_chance(&world->rng, 1)) {
		world->stops_left--;
		process_stop(world);
	}
	if (world->stopping && !world->store_busy && engine_is_idle(world->engine) &&
	    storeq_is_idle(world->queue)) {
		process_leave(world);
		return;
	}
	process_pump(world);
}

static void check_end(struct world *world)
{
	struct store_op op = {.verb = STORE_STATUS};
	struct fail fail;

	require(world, world->up && engine_is_idle(world->engine), "nothing happens any more");
	require(world, storeq_is_idle(world->queue), "the queue is stuck");
	for (int i = 0; i < world->n_clients; i++) {
		require(
		    world, world->clients[i].state == CLIENT_ACCEPTED, "a client has no answer");
		op.status.uuid = world->clients[i].op.op.submit.uuid;
		op.status.limit = STORE_PAGE_BATCHES;
		require(world, store_begin(world->store, &fail) == STORE_DONE, "begin");
		require(world, store_run(world->store, &op) == STORE_DONE && !op.fail.err, "lost");
		store_rollback(world->store, &fail);
		require(world,
		    ingestion_status_is_final(counts_status(&op.status.page.ingestion.counts)),
		    "an ingestion did not end");
		require(world, op.status.page.ingestion.finished_ms != 0, "it ended at no time");
		store_op_reset(&op);
	}
	require(
	    world, world->model.now.n_ingestions >= world->n_clients, "an ingestion is missing");
	require(world, model_count(&world->model, MODEL_WAITING) == 0, "a batch still waits");
	require(world, model_count(&world->model, MODEL_LATER) == 0, "a batch is still due");
	require(world, model_count(&world->model, MODEL_CLAIMED) == 0, "a batch still runs");
}

void world_run(struct world *world)
{
	int n = 0;

	process_boot(world);
	while (world->n_events > 0) {
		struct event event = event_next(world);

		require(world, ++n < MAX_EVENTS_OF_A_RUN, "too much happens");
		if (event.at > world->now)
			world->now = event.at;
		handle(world, &event);
		fate(world);
		if (world->profile->late && rng_chance(&world->rng, 1))
			world->utc_offset += rng_range(&world->rng, -3600000, 3600000);
	}
	/* The end is no time for accidents. */
	world->full_until = world->away_until = 0;
	if (world->disk)
		store_mem_disk_faults(world->disk, NULL, NULL);
	check_end(world);
}

/* ---- worlds ---- */

struct world *world_new(const struct profile *profile, int64_t seed, bool sqlite)
{
	const char *tmp = getenv("TMPDIR");
	struct world *world = xcalloc(1, sizeof(*world));

	world->profile = profile;
	world->seed = seed;
	world->rng.state = (uint64_t)seed;
	world->sqlite = sqlite;
	world->now = 1000 * SECOND;
	world->utc_offset = 1700000000000;
	world->clock = (struct clock){.boot_ns = read_boot_ns, .utc_ms = read_utc_ms, .arg = world};
	world->settings = (struct store_settings){.interval_ns = 5 * SECOND,
	    .slot_ids = 3,
	    .retry = {.max_attempts = 5, .base_ms = 10000, .max_ms = 3600000},
	    .max_hold_ms = 20000};
	world->concurrency = 1;
	world->last_start = -1;
	world->model.now.hold_first = world->model.now.hold_last = INT64_MIN;
	worker_init(&world->worker, world);
	if (sqlite) {
		snprintf(
		    world->dir, sizeof(world->dir), "%s/ingestd-sim-XXXXXX", tmp ? tmp : "/tmp");
		require(world, mkdtemp(world->dir) != NULL, "no directory");
	} else {
		world->disk = store_mem_disk_new();
		store_mem_disk_faults(world->disk, process_disk_fault, world);
	}
	return world;
}

void world_remove_files(struct world *world)
{
	static const char *const names[] = {"sim.db", "sim.db-wal", "sim.db-shm", "sim.db.lock"};
	char path[100];

	for (size_t i = 0; world->sqlite && i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", world->dir, names[i]);
		unlink(path);
	}
	if (world->sqlite)
		rmdir(world->dir);
}

void world_free(struct world *world)
{
	storeq_free(world->queue);
	engine_free(world->engine);
	store_close(world->reader);
	store_close(world->store);
	worker_free_jobs(world);
	wishes_free(world);
	for (int i = 0; i < world->n_clients; i++)
		idlist_free(&world->clients[i].ids);
	if (world->disk)
		store_mem_disk_free(world->disk);
	world_remove_files(world);
	free(world->events);
	free(world);
}

static void draw_policy(struct world *world)
{
	int64_t interval_ms = world->settings.interval_ns / MS;
	struct retry_policy *policy = &world->settings.retry;

	policy->max_attempts = rng_range(&world->rng, 1, 5);
	policy->base_ms = rng_range(&world->rng, 1, 4 * interval_ms);
	policy->max_ms = rng_range(&world->rng, 1, 16 * interval_ms);
}

void world_randomize(struct world *world)
{
	static const int64_t intervals[] = {1 * MS, 50 * MS, 1 * SECOND, 5 * SECOND};
	const struct profile *profile = world->profile;
	int64_t n = rng_range(&world->rng, 1, 12), horizon;

	world->settings.interval_ns = intervals[rng_range(&world->rng, 0, COUNT_OF(intervals) - 1)];
	world->settings.slot_ids = rng_range(&world->rng, 1, 5);
	world->settings.pack = profile->pack && rng_chance(&world->rng, 75);
	if (profile->settle)
		world->settings.settle_ns =
		    rng_range(&world->rng, 0, 2 * world->settings.interval_ns);
	if (profile->retries)
		draw_policy(world);
	if (profile->parallel)
		world->concurrency = rng_range(&world->rng, 1, 3);
	world->crashes_left = profile->crashes;
	world->stops_left = profile->stops;
	horizon = rng_chance(&world->rng, 30) ? 0 : n * 3 * world->settings.interval_ns;
	while (n-- > 0)
		client_random(world, horizon);
	for (int i = 0; i < 5; i++)
		event_add(world, world->now + rng_range(&world->rng, 0, horizon + SECOND),
		    EVENT_LOOK, NULL);
	for (int64_t i = rng_range(&world->rng, 0, profile->wishes); i > 0; i--)
		event_add(world,
		    world->now +
			rng_range(&world->rng, 0, horizon + 20 * world->settings.interval_ns),
		    EVENT_WISH, NULL);
	/* A batch runs for up to two intervals: the cancel falls between a start and an end. */
	for (int i = 0; profile->cancels && i < world->n_clients; i++)
		for (int64_t k = rng_range(&world->rng, 1, 3); k > 0; k--)
			event_add(world,
			    world->now + rng_range(&world->rng, 0,
					     horizon + 12 * world->settings.interval_ns),
			    EVENT_CANCEL, &world->clients[i]);
	if (profile->wishes > 0)
		event_add(world, world->now + horizon + 30 * world->settings.interval_ns,
		    EVENT_LAST_WISH, NULL);
}
