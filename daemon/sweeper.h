/*
 * Sees to what time makes due in the store: uploads that were left, keys that have expired. It does
 * a little at a time, between the requests of others.
 */
#ifndef INGESTD_SWEEPER_H
#define INGESTD_SWEEPER_H

#include "storeq.h"

struct event_base;
struct sweeper;

struct sweeper_env {
	struct event_base *base; /* borrowed */
	struct storeq *queue; /* borrowed */
	int64_t expiry_ms; /* the shortest time after which anything new can be due */
	/* An upload has expired; this is committed. */
	void (*changed)(void *arg, const struct uuid *ingestion);
	void *arg;
};

/* Begins soon. */
struct sweeper *sweeper_new(const struct sweeper_env *env);

/* Something may be due now. */
void sweeper_kick(struct sweeper *sweeper);

/* Only when the queue is gone. */
void sweeper_free(struct sweeper *sweeper);

#endif
