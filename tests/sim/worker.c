#include "sim.h"

#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job *worker_job(struct world *world, int batch, int64_t attempt)
{
	for (struct job *job = world->jobs; job; job = job->next)
		if (job->batch == batch && job->attempt == attempt)
			return job;
	return NULL;
}

/* ---- what must hold when a batch is given to the handler ---- */

static void check_content(struct world *world, const struct run *run, int batch)
{
	const struct model_batch *expected = &world->model.now.batches[batch];
	const struct model_ingestion *owner = &world->model.now.ingestions[expected->ingestion];
	struct uuid batch_id = uuid_batch(&owner->uuid, expected->index);

	require(world, memcmp(&run->batch_id, &batch_id, sizeof(batch_id)) == 0, "batch id");
	require(world, run->priority == (enum priority)owner->priority, "priority of a run");
	require(
	    world, (int64_t)run->ids.n == model_length(&world->model, expected), "ids of a run");
	require(world,
	    memcmp(run->ids.v, owner->ids + expected->index * owner->batch_size,
		run->ids.n * sizeof(*run->ids.v)) == 0,
	    "ids of a run");
}

static void check_attempt(struct world *world, const struct run *run, int batch)
{
	const struct model_batch *expected = &world->model.now.batches[batch];

	require(world, !world->interrupted, "a batch was started after the interruption");
	require(world, !world->model.in_turn && expected->state == MODEL_CLAIMED,
	    "a batch was started that is not claimed");
	require(world, run->attempt == expected->attempts,
	    "attempt %" PRId64 " instead of %" PRId64, run->attempt, expected->attempts);
	require(world, run->attempt > world->given[batch], "an attempt was given twice");
	for (const struct job *job = world->jobs; job; job = job->next)
		require(world, job->batch != batch || job->done, "two attempts run at once");
}

/* At most so many slots run, this one included; and within a slot the order is kept. */
static void check_places(struct world *world, int batch)
{
	const struct model_batch *given = &world->model.now.batches[batch];
	int slots[MAX_BATCHES + 1], n = 0, before = 0;

	slots[n++] = given->slot;
	for (const struct job *job = world->jobs; job; job = job->next) {
		bool known = false;

		before += job->slot == given->slot;
		for (int i = 0; i < n; i++)
			known |= slots[i] == job->slot;
		if (!known && !job->done)
			slots[n++] = job->slot;
	}
	require(world, n <= world->concurrency, "%d slots run at once", n);
	require(world, before == given->place, "order within a slot");
}

static void check_time(struct world *world, int slot)
{
	int64_t earliest = world->not_before;

	if (world->last_start >= 0 && slot != world->last_slot &&
	    world->last_start + world->settings.interval_ns > earliest)
		earliest = world->last_start + world->settings.interval_ns;
	require(world, world->now >= earliest, "a start %" PRId64 " ns too early",
	    earliest - world->now);
}

/* ---- a run ---- */

static void note_start(struct job *job)
{
	struct world *world = job->world;

	check_time(world, job->slot);
	job->started = true;
	job->start = world_boot_ns(world);
	world->last_start = world->now;
	world->last_slot = job->slot;
	require(world, world->n_starts < MAX_STARTS, "too many starts");
	world->starts[world->n_starts++] =
	    (struct start){world->now, job->run->ids.v[0], job->run->ids.n};
}

static void started(struct job *job)
{
	world_trace(job->world, "handler: started batch %d", job->batch);
	note_start(job);
	job->run->events->started(job->run);
}

static void done(struct job *job)
{
	struct world *world = job->world;
	struct run *run = job->run;

	world_trace(world, "handler: done batch %d, outcome %d", job->batch, job->outcome);
	if (!job->started)
		note_start(job);
	job->done = true;
	job->run = NULL;
	run->events->done(run, job->outcome, job->outcome == OUTCOME_FAILED ? job->message : NULL);
}

void worker_event(struct job *job, enum event_kind kind)
{
	if (kind == EVENT_RUN_STARTED)
		started(job);
	else
		done(job);
}

static void draw_outcome(struct world *world, struct job *job)
{
	job->outcome = OUTCOME_COMPLETED;
	if (world->profile->failures && rng_chance(&world->rng, 25)) {
		job->outcome = OUTCOME_FAILED;
		snprintf(job->message, sizeof(job->message), "reason %d.%" PRId64, job->batch,
		    job->attempt);
	}
}

/* When it is really begun, and when it ends: neither, one or both at once. */
static void plan(struct world *world, struct job *job)
{
	int64_t interval = world->settings.interval_ns;
	int64_t duration = rng_range(&world->rng, 0, 2 * interval);
	int64_t delay = 0;

	if (world->profile->script) {
		started(job);
		event_add(world, world->now + world->run_ns, EVENT_RUN_DONE, job);
		return;
	}
	if (rng_chance(&world->rng, 30))
		delay = rng_range(&world->rng, 0, interval);
	if (rng_chance(&world->rng, 20))
		duration = 0;
	if (world->profile->failures && rng_chance(&world->rng, 10)) {
		/* It never begins: done() alone. */
	} else if (delay == 0 && rng_chance(&world->rng, 70)) {
		started(job);
	} else {
		event_add(world, world->now + delay, EVENT_RUN_STARTED, job);
	}
	event_add(world, world->now + delay + duration, EVENT_RUN_DONE, job);
}

static void worker_start(struct handler *handler, struct run *run)
{
	struct world *world = ((struct worker *)handler)->world;
	int batch = model_batch(&world->model, &run->ingestion, run->index);
	struct job *job;

	require(world, batch >= 0, "a batch was started that there is not");
	world_trace(world, "handler: start batch %d, attempt %" PRId64, batch, run->attempt);
	check_attempt(world, run, batch);
	check_content(world, run, batch);
	check_places(world, batch);
	check_time(world, world->model.now.batches[batch].slot);
	world->given[batch] = run->attempt;
	job = xcalloc(1, sizeof(*job));
	*job = (struct job){
	    .world = world,
	    .next = world->jobs,
	    .run = run,
	    .batch = batch,
	    .attempt = run->attempt,
	    .slot = world->model.now.batches[batch].slot,
	};
	world->jobs = job;
	draw_outcome(world, job);
	plan(world, job);
}

static void worker_cancel(struct handler *handler, struct run *run)
{
	struct world *world = ((struct worker *)handler)->world;
	struct job *job = world->jobs;

	while (job && job->run != run)
		job = job->next;
	require(world, job && !job->done, "a run was cancelled that does not run");
	event_forget(world, job);
	job->cancelled = true;
	/* It may have ended by itself in the meantime. */
	if (rng_chance(&world->rng, 80))
		job->outcome = OUTCOME_INTERRUPTED;
	if (!job->started && rng_chance(&world->rng, 50))
		event_add(world, world->now, EVENT_RUN_STARTED, job);
	event_add(world, world->now + rng_range(&world->rng, 0, 100) * MS, EVENT_RUN_DONE, job);
}

static void worker_close(struct handler *handler)
{
	(void)handler;
}

static const struct handler_ops ops = {
    .scheme = "sim",
    .start = worker_start,
    .cancel = worker_cancel,
    .close = worker_close,
};

void worker_init(struct worker *worker, struct world *world)
{
	worker->handler.ops = &ops;
	worker->world = world;
}

void worker_free_jobs(struct world *world)
{
	while (world->jobs) {
		struct job *job = world->jobs;

		world->jobs = job->next;
		free(job);
	}
}
