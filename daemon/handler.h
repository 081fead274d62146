/*
 * Handlers: what a batch is given to. Asynchronous; everything happens on the thread of the loop.
 */
#ifndef INGESTD_HANDLER_H
#define INGESTD_HANDLER_H

#include "attempt.h"
#include "clock.h"
#include "conf.h"
#include "err.h"
#include "model.h"
#include "stats.h"

struct event_base;
struct run;

/* What the engine wants to hear about a run. Both may be called from inside handler_start(). */
struct run_events {
	/* The work was really begun; the moment counts for the rate. Exactly once, before done().
	 */
	void (*started)(struct run *run);
	/*
	 * The run has ended. Exactly once, never from inside handler_start(). Takes the content of
	 * `ending`; its results, if there are any, are as many as the ids of the run. Without a
	 * started() before it, this moment counts as start. The run must not be touched afterwards.
	 */
	void (*done)(struct run *run, struct ending *ending);
};

/* One attempt of one batch. Belongs to the engine until done(). */
struct run {
	struct uuid ingestion;
	struct uuid batch_id; /* idempotency key of the batch */
	int64_t index;
	int64_t attempt; /* from 1 */
	enum priority priority;
	char label[LABEL_MAX + 1];
	struct idlist ids; /* of the batch, those without a final outcome */
	bool whole; /* these are all ids of the batch */
	/*
	 * NULL for a batch. Else the run is a notice: it has no ids, and this JSON document is what
	 * the other side is to be given instead of them. Borrowed, there until done().
	 */
	const char *notice;
	const struct run_events *events;
	void *work; /* the handler's own, from start to done */
};

/* What a handler works with; all of it is borrowed and outlives the handler. */
struct handler_env {
	const char *spec; /* SCHEME[:ARGUMENTS] */
	struct event_base *base; /* NULL: only to check the specification and the options */
	const struct conf *conf; /* its options; those that can be reloaded are read at each run */
	const struct clock *clock; /* there before the first run */
	const char *node; /* text of the id of this node; there before the first run */
	struct stats *stats;
};

struct handler;

struct handler_ops {
	const char *scheme;
	int64_t descriptors; /* that a run takes while it runs */
	/* Reads the arguments ("" when there are none). Without a base it only checks them. */
	enum err (*open)(struct handler **handler, const char *arguments,
	    const struct handler_env *env, struct fail *fail);
	/*
	 * Ends what runs of an earlier process may have left behind, of all handlers of this
	 * scheme; nothing is started before done(), which is called once and never from inside.
	 * NULL: nothing can be left.
	 */
	void (*recover)(struct handler *handler, void (*done)(void *arg), void *arg);
	void (*start)(struct handler *handler, struct run *run);
	/*
	 * Ends a started run soon, with `now` at once, if need be by force: done() follows, with
	 * OUTCOME_INTERRUPTED, or OUTCOME_UNKNOWN, for the ids that had no outcome before. May be
	 * called again, to press on. done() may be called from inside.
	 */
	void (*cancel)(struct handler *handler, struct run *run, bool now);
	/*
	 * Takes over what its options name again; on failure nothing has changed. NULL: nothing to
	 * do.
	 */
	enum err (*reload)(struct handler *handler, struct fail *fail);
	void (*close)(struct handler *handler); /* no run is left */
};

/* Every handler begins with this. */
struct handler {
	const struct handler_ops *ops;
};

extern const struct handler_ops handler_simulate, handler_exec, handler_http;

/*
 * Opens the handler that env->spec names. Without a base that is only checked and *handler stays
 * NULL. Errors: ERR_INVALID, the text names the value.
 */
enum err handler_open(struct handler **handler, const struct handler_env *env, struct fail *fail);

/* False: there is nothing to wait for, and done() is not called. */
static inline bool handler_recover(struct handler *handler, void (*done)(void *arg), void *arg)
{
	if (handler->ops->recover)
		handler->ops->recover(handler, done, arg);
	return handler->ops->recover != NULL;
}

static inline void handler_start(struct handler *handler, struct run *run)
{
	handler->ops->start(handler, run);
}

static inline void handler_cancel(struct handler *handler, struct run *run, bool now)
{
	handler->ops->cancel(handler, run, now);
}

static inline enum err handler_reload(struct handler *handler, struct fail *fail)
{
	return handler->ops->reload ? handler->ops->reload(handler, fail) : ERR_OK;
}

static inline void handler_close(struct handler *handler)
{
	if (handler)
		handler->ops->close(handler);
}

#endif
