/*
 * The mailbox in front of the store. One thread owns the writing connection: it takes what waits,
 * runs it in one transaction, commits once, and only then hands the answers back (group commit). A
 * second thread does the reads, so they never wait behind an fsync. The loop never touches the
 * disk.
 *
 * Answers are given on the thread that calls storeq_deliver(), in the order in which they were
 * done.
 *
 * When the store loses a turn (STORE_LOST), operations of the front doors are answered with
 * ERR_UNKNOWN_OUTCOME and those of the engine with ERR_BUSY: these can be posted again. The queue
 * goes on. A store that is away refuses with ERR_BUSY, reads and writes.
 */
#ifndef INGESTD_STOREQ_H
#define INGESTD_STOREQ_H

#include "limits.h"
#include "store.h"

/* Limits of one turn. */
#define STOREQ_TURN_OPS 256
#define STOREQ_TURN_BYTES (1024 * 1024)
#define STOREQ_TURN_NS 5000000

#define STOREQ_DELIVER_NS 2000000

/* What may wait, operations of the front doors and their bytes, where nothing else is said. */
#define STOREQ_MAX_OPS 4096
#define STOREQ_MAX_BYTES (64 * 1024 * 1024)

/* The reader rests while so many answers have not been delivered: pages are large. */
#define STOREQ_UNDELIVERED_READS 16

struct storeq;

/* An operation in the queue. The caller owns it; it must stay until done() is called. */
struct storeq_op {
	struct store_op op;
	void (*done)(struct storeq_op *op); /* exactly once, never from inside storeq_post() */
	void *arg;
	struct storeq_op *next; /* the queue's */
};

struct storeq_env {
	struct store *writer; /* borrowed */
	struct store
	    *reader; /* borrowed; NULL, only without threads: reads go through the writer */
	const struct clock *clock;
	/*
	 * 0, or: after a turn with several operations of front doors the next one waits up to so
	 * long, but not more than half of what a commit takes, until there are as many again. Where
	 * a turn costs much more than one operation, the first of many that come together would
	 * else have one of its own. What comes alone, and the engine, do not wait.
	 */
	int64_t gather_ns;
	struct limits *limits; /* borrowed: max-queued and max-queued-bytes; NULL: STOREQ_MAX_* */
	/* Called on a thread of the queue when answers to writes, or to reads, can be delivered. */
	void (*notify)(void *arg);
	void (*notify_reads)(void *arg);
	/* Called by storeq_deliver(), once, after an unknown outcome: stop the process. */
	void (*broken)(void *arg, const struct fail *why);
	void *arg;
};

/* Makes the queue. With `threads` false nothing runs by itself: storeq_step() does (tests). */
struct storeq *storeq_new(const struct storeq_env *env, bool threads);

/*
 * Puts an operation of a front door into the queue. False when the queue is full, has
 * been broken (ERR_BUSY) or is being freed (ERR_DRAINING): nothing will happen, and op->op.fail
 * says why.
 */
bool storeq_post(struct storeq *queue, struct storeq_op *op);

/* The same for the engine: goes before all others and is always taken. */
void storeq_post_engine(struct storeq *queue, struct storeq_op *op);

/* Calls done() for all writes that have been answered; without threads, for all reads, too. */
void storeq_deliver(struct storeq *queue);

/*
 * Calls done() for reads that have been answered, for about STOREQ_DELIVER_NS: to turn pages into
 * replies takes time, and others want to be served. True when more are left.
 */
bool storeq_deliver_reads(struct storeq *queue);

/* Runs one turn in the calling thread; false when nothing waited. Only without threads. */
bool storeq_step(struct storeq *queue);

/* What the queue has done so far, and what waits. */
struct storeq_figures {
	int64_t queued, queued_bytes; /* operations, of the engine too */
	int64_t operations, commits; /* writes that were committed, and in how many commits */
	int64_t commit_last_ns, commit_mean_ns, commit_max_ns;
	int64_t committed_at; /* boot_ns: the last one; 0: there was none yet */
};

void storeq_figures(struct storeq *queue, struct storeq_figures *figures);

/* Nothing waits, runs or is to be delivered. */
bool storeq_is_idle(struct storeq *queue);

/*
 * Ends the threads after the engine's operations have been done, and frees the queue. What waits
 * from the front doors is refused with ERR_DRAINING. Answers that were not delivered are delivered
 * now. Without threads nothing may wait any more.
 */
void storeq_free(struct storeq *queue);

#endif
