/*
 * A node among those that share a store: it gives signs of life, keeps its lease, and lets the
 * engine run only while it has one. From the answers it learns what others have done.
 *
 * Like the engine it asks "when next?" and has no timer of its own. The engine is suspended from
 * the start, until the first lease is there, and again before a lease ends that cannot be renewed:
 * at two thirds of it what runs is ended, at five sixths by force. That goes by the clock alone,
 * whether or not the store answers.
 */
#ifndef INGESTD_MEMBER_H
#define INGESTD_MEMBER_H

#include "engine.h"
#include "stats.h"
#include "storeq.h"

struct member;

struct member_env {
	const struct clock *clock;
	struct storeq *queue; /* borrowed */
	struct engine *engine; /* borrowed */
	const struct stats *stats; /* borrowed */
	int64_t lease_ns;
	/* Call member_tick() soon, not from inside this call. */
	void (*wake)(void *arg);
	/* Something was committed, perhaps by another node: whatever is waited for may be there. */
	void (*moved)(void *arg);
	void *arg;
};

/* Begins with the first tick. */
struct member *member_new(const struct member_env *env);

/*
 * Does what is due at `now` (boot_ns) and returns when to be called again. To be called no later
 * than STORE_BEAT_MS after the last time, since timers may stand still while the machine sleeps.
 */
int64_t member_tick(struct member *member, int64_t now);

/* Nothing runs any more that an earlier process of this node has left behind. */
void member_recovered(struct member *member);

/* Only when the queue is gone. */
void member_free(struct member *member);

#endif
