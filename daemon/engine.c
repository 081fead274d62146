#include "engine.h"

#include "log.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

/* After the store could not do something (a full disk, say): when to try again. */
#define RETRY_NS NS_PER_S
/* After so many slots in a row that were taken too late nobody believes in chance any more. */
#define LATE_MANY 10

/* One attempt of one batch, from the claim until its outcome is on disk. */
struct job {
	struct run run; /* first: the handler hands it back */
	struct slot *slot;
	struct store_attempt attempt;
	bool started, start_recorded, done;
	bool unwanted; /* cancelled before the handler got it */
	int64_t started_at; /* boot_ns */
	struct ending ending; /* once it is done; given to the store */
	struct storeq_op started_op, finish_op;
};

/* What one slot carries: one batch, or several small ones. */
struct slot {
	struct engine *engine;
	struct slot *next;
	struct job *jobs;
	size_t n;
	size_t unstarted; /* jobs whose start is not known */
	size_t running; /* jobs that have not ended; the place is free at 0 */
	size_t writes; /* what is posted and not on disk */
	int64_t last_start;
	int64_t fire_before; /* boot_ns: the store keeps the slot free until then */
};

struct engine {
	struct engine_env env;
	struct slot *slots; /* claimed and not yet recorded */
	struct slot *held; /* claimed, not given to the handler yet; one of `slots` */
	struct storeq_op claim;
	bool claiming;
	bool kicked; /* something was committed while a claim was under way */
	bool stopping;
	bool suspended; /* the lease of this node is about to end */
	bool giving_up; /* ends even without its outcomes on disk */
	int64_t wake_at; /* when to claim; CLOCK_NEVER while that is not known */
	bool idle; /* nothing stood in line at the last claim, so wake_at knows of nothing new */
	int64_t interval_ns; /* in force at the last claim */
	int64_t last_start; /* the last actual start of this process; LEDGER_NONE: none yet */
	struct storeq_op *failed, **failed_end; /* writes to repeat, in order */
	int64_t retry_at;
	bool in_trouble; /* the store did not do something; it was logged */
	int late; /* slots in a row that were given back, since it was too late for them */
};

static void wake(struct engine *engine)
{
	engine->env.wake(engine->env.arg);
}

static void tell_changed(const struct engine *engine, const struct uuid *ingestion)
{
	if (engine->env.changed)
		engine->env.changed(engine->env.arg, ingestion);
}

static int64_t now_ns(const struct engine *engine)
{
	return clock_boot_ns(engine->env.clock);
}

/* ---- log ---- */

#define EXTRA_MAX 4

/* What every line about a run has, and up to EXTRA_MAX fields more. */
static void log_about(
    const struct job *job, enum log_level level, const char *event, const struct log_field *extra)
{
	char ingestion[UUID_TEXT_SIZE], batch[UUID_TEXT_SIZE];
	struct log_field fields[7 + EXTRA_MAX + 1] = {log_msg(event),
	    log_str("ingestion_id", ingestion), log_str("batch_id", batch),
	    log_int("index", job->run.index), log_int("attempt", job->run.attempt),
	    log_str("priority", priority_name(job->run.priority)),
	    log_int("ids", (int64_t)job->run.ids.n)};

	uuid_format(&job->run.ingestion, ingestion);
	uuid_format(&job->run.batch_id, batch);
	memcpy(&fields[7], extra, EXTRA_MAX * sizeof(*extra));
	log_write(level, fields);
}

#define log_run(job, level, event, ...)                                                            \
	log_about(job, level, event, (const struct log_field[EXTRA_MAX]){__VA_ARGS__})

/* ---- writes ---- */

/* Once per trouble: it is tried again every second. */
static void log_trouble(struct engine *engine, const char *what, const struct fail *why)
{
	if (!engine->in_trouble)
		log_warn(log_msg(what), log_str("reason", why->text),
		    log_int("again_every_ms", RETRY_NS / NS_PER_MS));
	engine->in_trouble = true;
}

static void end_trouble(struct engine *engine)
{
	if (engine->in_trouble)
		log_info(log_msg("the store works again"));
	engine->in_trouble = false;
}

static void repeat_later(struct engine *engine, struct storeq_op *op)
{
	log_trouble(engine, "the store did not take an outcome", &op->op.fail);
	op->next = NULL;
	*engine->failed_end = op;
	engine->failed_end = &op->next;
	engine->retry_at = now_ns(engine) + RETRY_NS;
	wake(engine);
}

static void repeat_failed(struct engine *engine)
{
	struct storeq_op *op = engine->failed, *next;

	engine->failed = NULL;
	engine->failed_end = &engine->failed;
	for (; op; op = next) {
		next = op->next;
		storeq_post_engine(engine->env.queue, op);
	}
}

/*
 * Whether a write has been dealt with. What is known not to be done is done again later; an unknown
 * outcome ends the process (storeq_env.broken), so there is nothing left to do for it here.
 */
static bool is_recorded(struct storeq_op *op)
{
	const struct job *job = op->arg;
	struct engine *engine = job->slot->engine;

	switch (op->op.fail.err) {
	case ERR_DISK_LOW:
	case ERR_BUSY:
	case ERR_INTERNAL:
		if (!engine->giving_up) {
			repeat_later(engine, op);
			return false;
		}
		log_error(log_msg("an outcome is lost, the batch runs again after the next start"),
		    log_str("reason", op->op.fail.text));
		return true;
	case ERR_OK:
		end_trouble(engine);
		return true;
	case ERR_UNKNOWN_OUTCOME:
		return true;
	case ERR_STALE_ATTEMPT:
	case ERR_NOT_FOUND:
		/* Among several nodes that is to be expected: the lease had ended. */
		end_trouble(engine);
		log_run(job, LOG_WARN, "the batch is not ours any more",
		    log_str("reason", op->op.fail.text));
		return true;
	default:
		log_error(
		    log_msg("the store refused an outcome"), log_str("reason", op->op.fail.text));
		return true;
	}
}

static void slot_free(struct slot *slot)
{
	for (size_t i = 0; i < slot->n; i++) {
		idlist_free(&slot->jobs[i].run.ids);
		ending_free(&slot->jobs[i].ending);
	}
	free(slot->jobs);
	free(slot);
}

/* Frees the slots that have ended. Only the tick does this: nobody is in the middle of one then. */
static void sweep(struct engine *engine)
{
	struct slot **link = &engine->slots;

	while (*link) {
		struct slot *slot = *link;

		if (slot->running > 0 || slot->writes > 0) {
			link = &slot->next;
			continue;
		}
		*link = slot->next;
		slot_free(slot);
	}
}

static void write_recorded(struct slot *slot)
{
	slot->writes--;
	wake(slot->engine);
}

/* What follows from an attempt that did not complete its batch. */
static void log_verdict(const struct job *job, const struct store_finish *finish)
{
	if (finish->status == BATCH_FAILED)
		log_run(job, LOG_WARN, "batch failed", log_int("failed_ids", finish->failed));
	else if (finish->status == BATCH_CANCELLED)
		log_run(job, LOG_INFO, "batch cancelled", log_int("failed_ids", finish->failed));
	else if (finish->status == BATCH_RETRYING && finish->due_ms > 0)
		log_run(
		    job, LOG_INFO, "batch will be tried again", log_int("in_ms", finish->due_ms));
}

static void finish_recorded(struct storeq_op *op)
{
	struct job *job = op->arg;
	struct engine *engine = job->slot->engine;

	if (!is_recorded(op))
		return;
	if (!op->op.fail.err)
		log_verdict(job, &op->op.finish);
	tell_changed(engine, &job->run.ingestion);
	write_recorded(job->slot);
	/* What is due later may be due before anything that the last claim knew of. */
	if (op->op.finish.status == BATCH_RETRYING)
		engine_kick(engine);
}

static void post_finish(struct job *job)
{
	job->slot->writes++;
	job->finish_op = (struct storeq_op){.done = finish_recorded, .arg = job};
	job->finish_op.op.verb = STORE_FINISH;
	job->finish_op.op.finish =
	    (struct store_finish){.attempt = job->attempt, .ending = &job->ending};
	storeq_post_engine(job->slot->engine->env.queue, &job->finish_op);
}

/* Somebody else has the batch, or had it, since the lease of this node was over. */
static bool is_not_ours(enum err err)
{
	return err == ERR_STALE_ATTEMPT || err == ERR_NOT_FOUND;
}

static void started_recorded(struct storeq_op *op)
{
	struct job *job = op->arg;
	struct engine *engine = job->slot->engine;

	if (!is_recorded(op))
		return;
	tell_changed(engine, &job->run.ingestion);
	/* Without its start an outcome is not worth recording: the batch runs again. */
	job->start_recorded = !op->op.fail.err;
	if (job->start_recorded && job->done)
		post_finish(job);
	else if (is_not_ours(op->op.fail.err) && !job->done)
		handler_cancel(engine->env.handler, &job->run, false);
	write_recorded(job->slot);
	/* A claim that came before the repetition of this write could not know when to wake up. */
	engine_kick(engine);
}

static void post_started(struct job *job)
{
	struct slot *slot = job->slot;

	slot->writes++;
	job->started_op = (struct storeq_op){.done = started_recorded, .arg = job};
	job->started_op.op.verb = STORE_STARTED;
	job->started_op.op.started = (struct store_started){.attempt = job->attempt,
	    .utc_ms = clock_utc_ms(slot->engine->env.clock),
	    .slot_start = slot->unstarted == 0 ? slot->last_start : LEDGER_NONE};
	storeq_post_engine(slot->engine->env.queue, &job->started_op);
}

/* ---- events of a run ---- */

static void on_started(struct run *run)
{
	struct job *job = (struct job *)run;
	struct slot *slot = job->slot;
	int64_t now = now_ns(slot->engine);

	job->started = true;
	job->started_at = now;
	slot->engine->env.stats->attempts++;
	slot->engine->env.stats->retries += job->run.attempt > 1;
	slot->last_start = slot->engine->last_start = now;
	slot->unstarted--;
	post_started(job);
	log_run(job, LOG_INFO, "batch started", log_int("boottime_ns", now));
	if (slot->unstarted == 0)
		wake(slot->engine);
}

/* Counts an attempt that has ended and tells of it. */
static void account(const struct job *job)
{
	struct engine *engine = job->slot->engine;
	struct stats *stats = engine->env.stats;
	struct tally tally = ending_tally(&job->ending, job->run.ids.n);
	int64_t duration_ns = now_ns(engine) - job->started_at;
	struct log_field duration = log_int("duration_ms", duration_ns / NS_PER_MS);

	durations_add(&stats->durations, duration_ns / 1000);
	if (tally.ids[OUTCOME_INTERRUPTED] + tally.ids[OUTCOME_UNKNOWN] > 0) {
		stats->interrupted++;
		log_run(job, LOG_INFO, "batch interrupted", duration);
	} else if (tally.ids[OUTCOME_COMPLETED] == (int64_t)job->run.ids.n) {
		log_run(job, LOG_INFO, "batch completed", duration);
	} else {
		stats->failures[job->ending.failure]++;
		log_run(job, LOG_INFO, "attempt failed", duration,
		    log_int("completed_ids", tally.ids[OUTCOME_COMPLETED]),
		    log_int("failed_ids", tally.ids[OUTCOME_FAILED]),
		    log_str("reason", job->ending.message ? job->ending.message : ""));
	}
}

static void on_done(struct run *run, struct ending *ending)
{
	struct job *job = (struct job *)run;

	if (!job->started)
		on_started(run);
	job->done = true;
	job->ending = *ending;
	*ending = (struct ending){0};
	account(job);
	job->slot->running--;
	/* The outcome follows the start: when the start has to be repeated, it waits. */
	if (job->start_recorded)
		post_finish(job);
	wake(job->slot->engine);
}

static const struct run_events run_events = {.started = on_started, .done = on_done};

/* ---- slots ---- */

static void job_init(struct job *job, struct slot *slot, struct store_claimed *claimed)
{
	*job = (struct job){.slot = slot, .attempt = claimed->attempt};
	job->run = (struct run){.ingestion = claimed->uuid,
	    .batch_id = uuid_batch(&claimed->uuid, claimed->attempt.index),
	    .index = claimed->attempt.index,
	    .attempt = claimed->attempt.attempt,
	    .priority = claimed->priority,
	    .ids = claimed->ids,
	    .whole = claimed->whole,
	    .events = &run_events};
	strcpy(job->run.label, claimed->label);
	claimed->ids = (struct idlist){0}; /* ours now */
}

static struct slot *slot_new(struct engine *engine, struct store_claim *claim)
{
	struct slot *slot = xcalloc(1, sizeof(*slot));

	slot->engine = engine;
	slot->n = slot->unstarted = slot->running = claim->n;
	slot->fire_before = claim->fire_before;
	slot->jobs = xcalloc(claim->n, sizeof(*slot->jobs));
	for (size_t i = 0; i < claim->n; i++)
		job_init(&slot->jobs[i], slot, &claim->batches[i]);
	for (size_t i = 0; i < claim->n; i++)
		tell_changed(engine, &slot->jobs[i].run.ingestion);
	slot->next = engine->slots;
	engine->slots = slot;
	return slot;
}

static int64_t not_before(const struct engine *engine)
{
	return engine->last_start == LEDGER_NONE ? LEDGER_NONE
	                                         : engine->last_start + engine->interval_ns;
}

static void slot_fire(struct slot *slot)
{
	struct engine *engine = slot->engine;

	engine->held = NULL;
	engine->late = 0;
	for (size_t i = 0; i < slot->n; i++) {
		struct job *job = &slot->jobs[i];

		/* The slot stays spent: this moment is its start. */
		if (job->unwanted)
			on_done(&job->run, &(struct ending){.outcome = OUTCOME_INTERRUPTED});
		else
			handler_start(engine->env.handler, &job->run);
	}
}

/*
 * Gives the slot back that was taken and will not be fired; it stays spent. Its start is never
 * recorded, so the ledger waits a full interval after the next start of the daemon.
 */
static void give_back_held(struct engine *engine)
{
	struct slot *slot = engine->held;

	engine->held = NULL;
	if (!slot)
		return;
	slot->unstarted = slot->running = 0;
	for (size_t i = 0; i < slot->n; i++) {
		slot->jobs[i].done = true;
		slot->jobs[i].ending.outcome = OUTCOME_INTERRUPTED;
		post_finish(&slot->jobs[i]);
	}
}

/*
 * A write that is to be repeated may be done already, which the store could not tell. Where it gave
 * a batch back, this slot may hold the same attempt of it: the repetition would be taken for its
 * end.
 */
static bool is_doubtful(const struct engine *engine)
{
	return engine->failed && engine->held->fire_before != CLOCK_NEVER;
}

/*
 * How much later than the store keeps the slot free it would be fired, at the earliest; not more
 * than 0 if that is in time.
 */
static int64_t lateness(const struct slot *slot, int64_t now)
{
	int64_t earliest = not_before(slot->engine);

	if (slot->fire_before == CLOCK_NEVER)
		return 0;
	return (now > earliest ? now : earliest) - slot->fire_before;
}

static void give_back_late(struct engine *engine, int64_t late_ns)
{
	const struct slot *slot = engine->held;

	if (engine->late < LATE_MANY && ++engine->late == LATE_MANY)
		log_warn(log_msg("nothing is started: the store takes longer than --slot-guard"),
		    log_int("slots", engine->late), log_int("late_us", late_ns / 1000));
	for (size_t i = 0; i < slot->n; i++)
		log_run(&slot->jobs[i], LOG_INFO, "too late for its slot, given back",
		    log_int("late_us", late_ns / 1000));
	give_back_held(engine);
}

static void claim_done(struct storeq_op *op)
{
	struct engine *engine = op->arg;
	struct store_claim *claim = &op->op.claim;

	engine->claiming = false;
	if (op->op.fail.err) {
		if (op->op.fail.err != ERR_UNKNOWN_OUTCOME)
			log_trouble(engine, "no batch could be claimed", &op->op.fail);
		engine->wake_at = now_ns(engine) + RETRY_NS;
	} else if (claim->n == 0) {
		engine->wake_at = engine->kicked ? LEDGER_NONE : claim->wake;
		engine->idle = claim->idle;
	} else {
		engine->interval_ns = claim->interval_ns;
		engine->wake_at = LEDGER_NONE; /* ask again as soon as that is allowed */
		engine->held = slot_new(engine, claim);
		if (engine->giving_up || engine->suspended || is_doubtful(engine))
			give_back_held(engine);
	}
	if (!op->op.fail.err && !engine->failed)
		end_trouble(engine);
	engine->kicked = false;
	store_op_reset(&op->op);
	wake(engine);
}

static void post_claim(struct engine *engine)
{
	engine->claiming = true;
	engine->claim = (struct storeq_op){.done = claim_done, .arg = engine};
	engine->claim.op.verb = STORE_CLAIM;
	storeq_post_engine(engine->env.queue, &engine->claim);
}

/* Whether a further slot may be claimed: a place is free and the start of each slot is known. */
static bool may_claim(const struct engine *engine)
{
	int64_t places = engine->env.concurrency;

	if (engine->claiming || engine->stopping || engine->suspended || engine->failed)
		return false;
	for (const struct slot *slot = engine->slots; slot; slot = slot->next) {
		if (slot->unstarted > 0)
			return false;
		places -= slot->running > 0;
	}
	return places > 0;
}

/* ---- the engine ---- */

struct engine *engine_new(const struct engine_env *env)
{
	struct engine *engine = xcalloc(1, sizeof(*engine));

	engine->env = *env;
	engine->wake_at = LEDGER_NONE;
	engine->last_start = LEDGER_NONE;
	engine->failed_end = &engine->failed;
	return engine;
}

void engine_free(struct engine *engine)
{
	free(engine);
}

int64_t engine_tick(struct engine *engine, int64_t now)
{
	int64_t late_ns;

	sweep(engine);
	if (engine->failed && now >= engine->retry_at)
		repeat_failed(engine);
	if (engine->failed)
		return engine->retry_at;
	if (engine->held) {
		/* A claim is never early; but this is where the promise is kept. */
		now = now_ns(engine);
		late_ns = lateness(engine->held, now);
		if (late_ns > 0)
			give_back_late(engine, late_ns);
		else if (now < not_before(engine))
			return not_before(engine);
		else
			slot_fire(engine->held);
	}
	if (!may_claim(engine))
		return CLOCK_NEVER;
	if (now < engine->wake_at)
		return engine->wake_at;
	post_claim(engine);
	return CLOCK_NEVER;
}

void engine_kick(struct engine *engine)
{
	engine->kicked = engine->claiming;
	if (engine->idle || engine->wake_at == CLOCK_NEVER) {
		engine->idle = false;
		engine->wake_at = LEDGER_NONE;
		wake(engine);
	}
}

void engine_replan(struct engine *engine)
{
	engine->kicked = engine->claiming;
	engine->wake_at = LEDGER_NONE;
	wake(engine);
}

void engine_cancel(struct engine *engine, const struct uuid *ingestion)
{
	for (struct slot *slot = engine->slots; slot; slot = slot->next)
		for (size_t i = 0; i < slot->n; i++) {
			struct job *job = &slot->jobs[i];

			if (job->done ||
			    memcmp(&job->run.ingestion, ingestion, sizeof(*ingestion)) != 0)
				continue;
			if (slot == engine->held)
				job->unwanted = true;
			else
				handler_cancel(engine->env.handler, &job->run, false);
		}
}

void engine_stop(struct engine *engine)
{
	engine->stopping = true;
}

static void end_runs(struct engine *engine, bool now)
{
	give_back_held(engine);
	for (struct slot *slot = engine->slots; slot; slot = slot->next)
		for (size_t i = 0; i < slot->n; i++)
			if (!slot->jobs[i].done)
				handler_cancel(engine->env.handler, &slot->jobs[i].run, now);
}

void engine_interrupt(struct engine *engine, bool now)
{
	engine->giving_up = true;
	end_runs(engine, now);
	repeat_failed(engine);
}

void engine_suspend(struct engine *engine, bool now)
{
	engine->suspended = true;
	end_runs(engine, now);
}

void engine_resume(struct engine *engine)
{
	if (!engine->suspended)
		return;
	engine->suspended = false;
	engine_replan(engine);
}

void engine_running(const struct engine *engine, int64_t *slots, int64_t *batches)
{
	*slots = *batches = 0;
	for (const struct slot *slot = engine->slots; slot; slot = slot->next) {
		*slots += slot->running > 0;
		*batches += (int64_t)slot->running;
	}
}

bool engine_is_at_rest(const struct engine *engine)
{
	for (const struct slot *slot = engine->slots; slot; slot = slot->next)
		if (slot->running > 0 || slot->writes > 0)
			return false;
	return true;
}

bool engine_is_idle(const struct engine *engine)
{
	return !engine->slots && !engine->claiming;
}
