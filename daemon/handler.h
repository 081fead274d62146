/*
 * Handlers: what a batch is given to. Asynchronous; everything happens on the thread of the loop.
 */
#ifndef INGESTD_HANDLER_H
#define INGESTD_HANDLER_H

#include "err.h"
#include "model.h"

struct event_base;
struct run;

enum outcome {
	OUTCOME_COMPLETED,
	OUTCOME_FAILED, /* final */
	OUTCOME_INTERRUPTED, /* stopped by us before it ended: the batch will run again */
};

/* What the engine wants to hear about a run. Both may be called from inside handler_start(). */
struct run_events {
	/* The work was really begun; the moment counts for the rate. Exactly once, before done().
	 */
	void (*started)(struct run *run);
	/*
	 * The run has ended. Exactly once, never from inside handler_start(). `message` says why it
	 * failed (NULL otherwise) and is borrowed. Without a started() before it, this moment
	 * counts as start. The run must not be touched afterwards.
	 */
	void (*done)(struct run *run, enum outcome outcome, const char *message);
};

/* One attempt of one batch. Belongs to the engine until done(). */
struct run {
	struct uuid ingestion;
	struct uuid batch_id; /* idempotency key of the batch */
	int64_t index;
	int64_t attempt; /* from 1 */
	enum priority priority;
	char label[LABEL_MAX + 1];
	struct idlist ids;
	const struct run_events *events;
	void *work; /* the handler's own, from start to done */
};

struct handler;

struct handler_ops {
	const char *scheme; /* of --handler SCHEME[:ARGUMENTS] */
	/* Reads the arguments ("" when there are none). With a NULL base it only checks them. */
	enum err (*open)(struct handler **handler, const char *arguments, struct event_base *base,
	    struct fail *fail);
	void (*start)(struct handler *handler, struct run *run);
	/* Ends a started run soon: done() follows, with OUTCOME_INTERRUPTED unless it ended before.
	 */
	void (*cancel)(struct handler *handler, struct run *run);
	void (*close)(struct handler *handler); /* no run is left */
};

/* Every handler begins with this. */
struct handler {
	const struct handler_ops *ops;
};

extern const struct handler_ops handler_simulate;

/*
 * Opens the handler that `spec` names. With a NULL base the spec is only checked and *handler stays
 * NULL. Errors: ERR_INVALID, the text names the value.
 */
enum err handler_open(
    struct handler **handler, const char *spec, struct event_base *base, struct fail *fail);

static inline void handler_start(struct handler *handler, struct run *run)
{
	handler->ops->start(handler, run);
}

static inline void handler_cancel(struct handler *handler, struct run *run)
{
	handler->ops->cancel(handler, run);
}

static inline void handler_close(struct handler *handler)
{
	if (handler)
		handler->ops->close(handler);
}

#endif
