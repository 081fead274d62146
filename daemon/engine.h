/*
 * The engine: takes slots when they are due, gives their batches to the handler and records what
 * became of them. It asks "when next?" and has no timer of its own; it knows neither libevent nor
 * SQL, and all its time comes from the injected clock.
 *
 * A place is a slot that is running. At most `concurrency` places are taken; the next slot is only
 * claimed when one is free, and only after the starts of the last slot are known.
 *
 * Where several nodes share the store it keeps a slot free for a short time only
 * (store_claim.fire_before). The clock is read just before the slot is fired; when that is too late
 * the whole slot is given back, which costs no attempt, and another one is claimed. A batch whose
 * start or outcome the store refuses as stale belongs to somebody else by now: it is logged, and
 * what still runs of it is ended.
 */
#ifndef INGESTD_ENGINE_H
#define INGESTD_ENGINE_H

#include "clock.h"
#include "handler.h"
#include "stats.h"
#include "storeq.h"

struct engine;

struct engine_env {
	const struct clock *clock;
	struct storeq *queue; /* borrowed */
	struct handler *handler; /* borrowed */
	struct stats *stats; /* borrowed; attempts are counted here */
	int64_t concurrency;
	/* Something has changed: call engine_tick() soon, not from inside this call. */
	void (*wake)(void *arg);
	/* The state of a batch of this ingestion has changed and is committed. May be NULL. */
	void (*changed)(void *arg, const struct uuid *ingestion);
	void *arg;
};

struct engine *engine_new(const struct engine_env *env);

/* Only when engine_is_idle(). */
void engine_free(struct engine *engine);

/*
 * Does what is due at `now` (boot_ns) and returns when to be called again, CLOCK_NEVER for "when
 * wake() says so".
 */
int64_t engine_tick(struct engine *engine, int64_t now);

/* Something was committed that may be ready to start. */
void engine_kick(struct engine *engine);

/* Something was committed that may change when the next slot is: rate, pause, hold. */
void engine_replan(struct engine *engine);

/* Ends the runs of an ingestion that is being cancelled. */
void engine_cancel(struct engine *engine, const struct uuid *ingestion);

/* Takes no further slots; what runs goes on, and so does a slot that has just been taken. */
void engine_stop(struct engine *engine);

/*
 * Ends what runs, with `now` by force; what had no outcome runs again after the next start.
 * Outcomes that the store does not take are given up from now on, with the same consequence. To be
 * called after engine_stop(), and again to press on.
 */
void engine_interrupt(struct engine *engine, bool now);

/*
 * The lease of this node is about to end: takes no slots, gives back the one that is not fired yet,
 * or that comes from a claim under way, and ends what runs, with `now` by force. Outcomes are
 * posted as ever, until the store takes them or refuses them as stale. May be called again, to
 * press on.
 */
void engine_suspend(struct engine *engine, bool now);

/* The lease is there (again): slots are taken. */
void engine_resume(struct engine *engine);

/* How many slots and batches are running. */
void engine_running(const struct engine *engine, int64_t *slots, int64_t *batches);

/* Nothing runs, and what has become of it is on disk. */
bool engine_is_at_rest(const struct engine *engine);

/* Nothing runs and every outcome is recorded. */
bool engine_is_idle(const struct engine *engine);

#endif
