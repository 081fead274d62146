/*
 * Tells somebody of the ends of ingestions, by a handler of its own. What is to be told is in the
 * store until it was told, so that each end is told at least once. One at a time; slots and the
 * rate are none of its business.
 */
#ifndef INGESTD_NOTIFIER_H
#define INGESTD_NOTIFIER_H

#include "handler.h"
#include "storeq.h"

struct event_base;
struct notifier;

/* How many runs of its handler there can be. */
#define NOTIFIER_RUNS 1

struct notifier_env {
	struct event_base *base; /* borrowed */
	struct storeq *queue; /* borrowed */
	struct handler *handler; /* borrowed */
	struct retry_policy retry;
	int64_t max_hold_ms; /* longest time for which the other side can ask for a rest */
	/* After notifier_stop(), not from inside: it may be idle now. */
	void (*idle)(void *arg);
	void *arg;
};

/* Does nothing before notifier_start(). */
struct notifier *notifier_new(const struct notifier_env *env);

/* Begins soon with what is due. */
void notifier_start(struct notifier *notifier);

/* Something may have ended. */
void notifier_kick(struct notifier *notifier);

/* Begins nothing further; what runs goes on. */
void notifier_stop(struct notifier *notifier);

/*
 * Ends what runs, with `now` by force; it is told again after the next start. To be called after
 * notifier_stop(), and again to press on.
 */
void notifier_interrupt(struct notifier *notifier, bool now);

/* Nothing runs, and what has become of it is recorded. */
bool notifier_is_idle(const struct notifier *notifier);

/* Only when the queue is gone, and notifier_is_idle() before. */
void notifier_free(struct notifier *notifier);

#endif
