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
	struct model_id *left[MAX_IDS];
	size_t n = model_left(&world->model, expected, left);

	require(world, memcmp(&run->batch_id, &batch_id, sizeof(batch_id)) == 0, "batch id");
	require(world, run->priority == (enum priority)expected->priority, "priority of a run");
	require(world, run->ids.n == n, "number of ids of a run");
	for (size_t i = 0; i < n; i++)
		require(world, run->ids.v[i] == left[i]->id, "ids of a run");
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
	/* Those that were cancelled before their turn are not here. */
	require(world, before == given->place || (world->profile->wishes && before < given->place),
	    "order within a slot");
}

static void check_time(struct world *world, int slot)
{
	int64_t earliest = world->not_before;

	if (world->last_start >= 0 && slot != world->last_slot &&
	    world->last_start + world->interval_ns > earliest)
		earliest = world->last_start + world->interval_ns;
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

void worker_message(const struct job *job, char text[ERROR_SIZE])
{
	snprintf(text, ERROR_SIZE, "reason %d.%" PRId64, job->batch, job->attempt);
}

void worker_id_message(const struct job *job, size_t i, char text[ERROR_SIZE])
{
	snprintf(text, ERROR_SIZE, "reason %d.%" PRId64 " of %zu", job->batch, job->attempt, i);
}

/* Every third id has nothing of its own to say. */
static void add_results(const struct job *job, struct ending *ending)
{
	char text[ERROR_SIZE];

	ending->n = job->n;
	ending->results = xcalloc(job->n, sizeof(*ending->results));
	for (size_t i = 0; i < job->n; i++) {
		ending->results[i].outcome = job->outcomes[i];
		worker_id_message(job, i, text);
		if (job->outcomes[i] != OUTCOME_COMPLETED && i % 3 != 2)
			ending->results[i].message = xstrdup(text);
	}
}

static struct ending ending_of(const struct job *job)
{
	struct ending ending = {.outcome = job->outcomes[0]};
	char text[ERROR_SIZE];

	if (job->mixed)
		add_results(job, &ending);
	worker_message(job, text);
	if (job->mixed ||
	    (job->outcomes[0] != OUTCOME_COMPLETED && job->outcomes[0] != OUTCOME_INTERRUPTED))
		ending.message = xstrdup(text);
	ending.hold_ms = job->hold_ms;
	return ending;
}

static void done(struct job *job)
{
	struct world *world = job->world;
	struct run *run = job->run;
	struct ending ending = ending_of(job);

	world_trace(world, "handler: done batch %d, outcome %d%s", job->batch, job->outcomes[0],
	    job->mixed ? " and others" : "");
	if (!job->started)
		note_start(job);
	job->done = true;
	job->run = NULL;
	run->events->done(run, &ending);
}

void worker_event(struct job *job, enum event_kind kind)
{
	if (kind == EVENT_RUN_STARTED)
		started(job);
	else
		done(job);
}

static void set_outcomes(struct job *job, enum outcome outcome)
{
	for (size_t i = 0; i < job->n; i++)
		job->outcomes[i] = outcome;
}

static void draw_outcomes(struct world *world, struct job *job)
{
	const struct profile *profile = world->profile;

	set_outcomes(job, OUTCOME_COMPLETED);
	job->mixed = profile->script;
	for (size_t i = 0; profile->script && i < job->n; i++)
		if (job->run->ids.v[i] == world->retry_id && job->attempt == 1)
			job->outcomes[i] = OUTCOME_RETRY;
	if (profile->failures && rng_chance(&world->rng, 25))
		set_outcomes(job, OUTCOME_FAILED);
	if (!profile->retries || rng_chance(&world->rng, 30))
		return;
	set_outcomes(job, OUTCOME_RETRY);
	job->mixed = rng_chance(&world->rng, 60);
	for (size_t i = 0; job->mixed && i < job->n; i++)
		job->outcomes[i] =
		    (enum outcome)rng_range(&world->rng, OUTCOME_COMPLETED, OUTCOME_FAILED);
	if (!profile->holds || !rng_chance(&world->rng, 10))
		return;
	set_outcomes(job, OUTCOME_INTERRUPTED);
	job->mixed = false;
	job->hold_ms = rng_range(&world->rng, 1, 10 * world->settings.interval_ns / MS);
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
	    .n = run->ids.n,
	};
	world->jobs = job;
	draw_outcomes(world, job);
	plan(world, job);
}

static void worker_cancel(struct handler *handler, struct run *run, bool now)
{
	struct world *world = ((struct worker *)handler)->world;
	struct job *job = world->jobs;

	while (job && job->run != run)
		job = job->next;
	(void)now;
	require(world, job && !job->done, "a run was cancelled that does not run");
	event_forget(world, job);
	job->cancelled = true;
	/* It may have ended by itself in the meantime, or some of its ids have. */
	if (rng_chance(&world->rng, 60)) {
		set_outcomes(
		    job, rng_chance(&world->rng, 50) ? OUTCOME_INTERRUPTED : OUTCOME_UNKNOWN);
		job->mixed = false;
	} else if (job->mixed && rng_chance(&world->rng, 50)) {
		job->outcomes[rng_range(&world->rng, 0, (int64_t)job->n - 1)] = OUTCOME_INTERRUPTED;
	}
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
