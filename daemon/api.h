/*
 * The verbs: what a request means, whichever door it came through. A door decodes a request, starts
 * the call, and writes the reply when it is done.
 */
#ifndef INGESTD_API_H
#define INGESTD_API_H

#include "access.h"
#include "conf.h"
#include "engine.h"
#include "limits.h"
#include "notifier.h"
#include "stats.h"
#include "storeq.h"
#include "sweeper.h"
#include "wire.h"

struct api;
struct event_base;

/* One request on its way. */
struct api_call {
	struct wire_request request; /* in; the door frees it after done() */
	char principal[PRINCIPAL_MAX + 1]; /* in: who asks, as the door knows it */
	unsigned scopes; /* in: what they may do (access.h) */
	struct wire_reply reply; /* out: reply.fail tells success; the door frees it */
	/* Exactly once, possibly from inside api_start(). */
	void (*done)(struct api_call *call);

	/* The api's own, from start to done. */
	void (*hurry)(struct api_call *call); /* NULL: the call does not wait for anything */
	void *work;
};

struct api_env {
	const struct conf *conf; /* borrowed; its reloadable values are read at each call */
	const struct clock *clock;
	struct event_base *base; /* borrowed; for the timers of calls that wait */
	struct storeq *queue; /* borrowed */
	struct engine *engine; /* borrowed; is told of everything that may be ready to start */
	struct sweeper *sweeper; /* borrowed; is told of what may be due */
	struct notifier *notifier; /* borrowed; is told of what may have ended; may be NULL */
	struct limits *limits; /* borrowed */
	struct stats *stats; /* borrowed */
	struct wire_version_reply version; /* what this daemon is made of */
	const char *node; /* borrowed; its id, as text */
	/* takes over the reloadable options; on failure nothing has changed */
	enum err (*reload)(void *arg, struct fail *fail);
	void *reload_arg;
};

struct api *api_new(const struct api_env *env);

/* Only when every call is done. */
void api_free(struct api *api);

/* Starts a call; `call` must stay until done(). */
void api_start(struct api *api, struct api_call *call);

/*
 * The answer of a call that waits for a change is wanted now: it comes soon, with what is known
 * then. Other calls are not touched.
 */
void api_hurry(struct api_call *call);

/* An ingestion has changed: who waits for that is served, and who is to be told of its end is. */
void api_changed(struct api *api, const struct uuid *ingestion);

/* Another node may have changed anything: the same for all of them. */
void api_moved(struct api *api);

/* From now on submissions are refused with ERR_DRAINING. */
void api_drain(struct api *api);
bool api_is_draining(const struct api *api);

/* What a verb needs (enum scope). */
unsigned api_scope(enum wire_method method);

#endif
