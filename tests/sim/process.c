/* The process under test: the loop around the engine, the thread of the store, life and death. */
#include "sim.h"

#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the loop ---- */

/* Timers fire late now and then. */
static int64_t lateness(struct world *world)
{
	if (!rng_chance(&world->rng, world->profile->late))
		return 0;
	return rng_range(&world->rng, 0, world->settings.interval_ns / 2);
}

static void plan_tick(struct world *world, int64_t at)
{
	for (size_t i = 0; i < world->n_events; i++)
		if (world->events[i].kind == EVENT_TICK && world->events[i].at <= at)
			return;
	event_forget_kind(world, EVENT_TICK);
	event_add(world, at, EVENT_TICK, NULL);
}

static void engine_wakes(void *arg)
{
	struct world *world = arg;

	plan_tick(world, world->now + lateness(world));
}

void process_tick(struct world *world)
{
	int64_t next = engine_tick(world->engine, world_boot_ns(world));

	world_trace(world, "tick: next at %" PRId64 " us", next == CLOCK_NEVER ? -1 : next / 1000);
	if (next == CLOCK_NEVER)
		return;
	next += world->boot_at;
	plan_tick(world, (next > world->now ? next : world->now) + lateness(world));
}

static void queue_notifies(void *arg)
{
	struct world *world = arg;

	if (!event_is_planned(world, EVENT_DELIVER))
		event_add(world, world->now, EVENT_DELIVER, NULL);
}

static void queue_is_broken(void *arg, const struct fail *why)
{
	struct world *world = arg;

	require(world, why->err == ERR_UNKNOWN_OUTCOME, "broken by %s", why->text);
	world->broken = true;
}

/* How long a part of the store's work takes. */
static int64_t store_time(struct world *world)
{
	if (rng_chance(&world->rng, world->profile->slow_commits))
		return rng_range(&world->rng, 0, 3 * world->settings.interval_ns);
	return world->profile->late ? rng_range(&world->rng, 0, 2 * MS) : 0;
}

void process_step(struct world *world)
{
	bool did;

	world->in_step = true;
	did = storeq_step(world->queue);
	world->in_step = false;
	if (!did)
		return;
	world->store_busy = true;
	event_forget_kind(world, EVENT_DELIVER);
	event_add(world, world->now + store_time(world), EVENT_DELIVER, NULL);
}

/* The store's thread begins when something waits. */
void process_pump(struct world *world)
{
	if (!world->store_busy && !storeq_is_idle(world->queue) &&
	    !event_is_planned(world, EVENT_STEP))
		event_add(world, world->now + store_time(world), EVENT_STEP, NULL);
}

/* ---- life and death ---- */

static void next_boot_id(struct world *world)
{
	snprintf(world->clock.boot_id, sizeof(world->clock.boot_id), "boot-%d", ++world->boots);
}

/* A turn that is lost may have taken place, unless somebody would have to give back its claim. */
static enum store_mem_fault away_fault(struct world *world, enum store_mem_point point)
{
	const struct model *model = &world->model;

	if (world->now >= world->away_until &&
	    rng_range(&world->rng, 0, 999) < world->profile->away)
		world->away_until = world->now + rng_range(&world->rng, 0, 4) * SECOND + 1;
	if (world->now >= world->away_until)
		return STORE_MEM_WORKS;
	world->may_lose = true;
	world->kept = point == STORE_MEM_COMMIT && model->now.slots == model->before.slots &&
	              rng_chance(&world->rng, 50);
	return world->kept ? STORE_MEM_AWAY_KEPT : STORE_MEM_AWAY;
}

enum store_mem_fault process_disk_fault(void *arg, enum store_mem_point point)
{
	struct world *world = arg;

	world->kept = false;
	if (point == STORE_MEM_ROLLBACK)
		return STORE_MEM_WORKS;
	if (world->profile->away)
		return away_fault(world, point);
	if (world->now < world->full_until && rng_chance(&world->rng, 80)) {
		world->may_lose = true;
		return STORE_MEM_FULL;
	}
	if (world->now < world->full_until)
		return STORE_MEM_WORKS;
	if (rng_range(&world->rng, 0, 999) < world->profile->full)
		world->full_until = world->now + rng_range(&world->rng, 0, 4) * SECOND;
	if (point != STORE_MEM_COMMIT || rng_range(&world->rng, 0, 999) >= world->profile->unknown)
		return STORE_MEM_WORKS;
	world->kept = rng_chance(&world->rng, 50);
	return world->kept ? STORE_MEM_KEPT : STORE_MEM_LOST;
}

/* Opens writer and reader. */
static void open_stores(struct world *world, struct store_found *found)
{
	char path[100];
	struct fail fail;

	if (!world->sqlite) {
		world->store = store_mem_open(&world->settings, &world->clock, world->disk, found);
		world->reader = store_mem_open_reader(&world->clock, world->disk);
		return;
	}
	snprintf(path, sizeof(path), "%s/sim.db", world->dir);
	if (store_sqlite_open(&world->store, path, &world->settings, &world->clock, found, &fail) ||
	    store_sqlite_open_reader(&world->reader, path, &world->clock, &fail))
		world_fail(world, __FILE__, __LINE__, "open: %s", fail.text);
}

void process_boot(struct world *world)
{
	bool same_boot = !(world->boots == 0 || rng_chance(&world->rng, world->profile->reboots));
	struct store_found found;

	if (!same_boot) {
		next_boot_id(world);
		world->boot_at = world->now - rng_range(&world->rng, 1, 100) * MS;
	}
	if (world->boots > 1 && rng_chance(&world->rng, 30))
		world->settings.interval_ns += world->settings.interval_ns / 3;
	world_trace(world, "boot: %s boot", same_boot ? "same" : "new");
	open_stores(world, &found);
	if (!same_boot && world->model.now.slots > 0)
		world->not_before =
		    world->now + (world->model.now.rate_ns ? world->model.now.rate_ns
							   : world->settings.interval_ns);
	model_open(world, same_boot, &found);
	world->store = spy_new(world, world->store, false);
	world->reader = spy_new(world, world->reader, true);
	world->up = true;
	world->stopping = world->interrupted = world->broken = world->store_busy = false;
	world->may_lose = false;
	world->queue = storeq_new(&(struct storeq_env){.writer = world->store,
				      .reader = world->reader,
				      .clock = &world->clock,
				      .notify = queue_notifies,
				      .broken = queue_is_broken,
				      .arg = world},
	    false);
	world->engine = engine_new(&(struct engine_env){.clock = &world->clock,
	    .queue = world->queue,
	    .handler = &world->worker.handler,
	    .stats = &world->stats,
	    .concurrency = world->concurrency,
	    .wake = engine_wakes,
	    .arg = world});
	plan_tick(world, world->now);
	if (world->unheard)
		event_add(world, world->now + MS, EVENT_LAST_WISH, NULL);
}

/* What a killed process leaves in memory is not freed; it must not look like a leak either. */
struct grave {
	struct grave *next;
	struct engine *engine;
	struct storeq *queue;
};
static struct grave *graves;

static void end_process(struct world *world)
{
	store_close(world->reader);
	store_close(world->store);
	world->up = false;
	event_forget_process(world);
	worker_free_jobs(world);
	event_add(world, world->now + store_time(world), EVENT_BOOT, NULL);
}

void process_crash(struct world *world)
{
	struct grave *grave = xmalloc(sizeof(*grave));

	world_trace(world, "crash");
	*grave = (struct grave){graves, world->engine, world->queue};
	graves = grave;
	end_process(world);
	clients_look(world);
}

void process_stop(struct world *world)
{
	world_trace(world, "stop");
	world->stopping = true;
	world->may_claim = world->store_busy || !storeq_is_idle(world->queue);
	engine_stop(world->engine);
	plan_tick(world, world->now);
	event_add(world, world->now + rng_range(&world->rng, 0, 2 * world->settings.interval_ns),
	    EVENT_INTERRUPT, NULL);
}

void process_interrupt(struct world *world)
{
	world_trace(world, "interrupt");
	world->interrupted = true;
	engine_interrupt(world->engine, rng_chance(&world->rng, 50));
	for (const struct job *job = world->jobs; job; job = job->next)
		require(world, job->cancelled || job->done, "a run was not interrupted");
}

void process_leave(struct world *world)
{
	world_trace(world, "leave");
	storeq_free(world->queue);
	engine_free(world->engine);
	end_process(world);
	require(world, world->may_lose || model_count(&world->model, MODEL_CLAIMED) == 0,
	    "stopped in order, but an outcome is missing");
}
