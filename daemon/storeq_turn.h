/* What the parts of the queue share. Only storeq*.c include this. */
#ifndef INGESTD_STOREQ_TURN_H
#define INGESTD_STOREQ_TURN_H

#include "storeq.h"

#include <pthread.h>

struct fifo {
	struct storeq_op *first, *last;
	size_t n;
	size_t bytes;
};

struct storeq {
	struct storeq_env env;
	bool threads;
	pthread_t writer, reader;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t writer_wake, reader_wake;
	struct fifo engine, front, reads, scans; /* waiting */
	struct fifo answered, answered_reads; /* to be delivered */
	size_t gathers; /* how many of `front` are waited for; 0: none */
	size_t together; /* how many of them came together lately */
	size_t running; /* taken by a thread, not answered yet */
	int64_t operations, commits; /* that have succeeded */
	int64_t commit_last_ns, commit_sum_ns, commit_max_ns, committed_at;
	bool scan_was_last; /* of the reads */
	bool reads_fail; /* the reader's own: the store is away, which was logged */
	bool stopping;
	bool broken, broken_told;
	struct fail why; /* once broken */
};

/* ---- storeq_fifo.c ---- */

size_t fifo_bytes_of(const struct storeq_op *op);
void fifo_put(struct fifo *fifo, struct storeq_op *op);
struct storeq_op *fifo_take(struct fifo *fifo);
/* Puts back what was taken last. */
void fifo_untake(struct fifo *fifo, struct storeq_op *op);

/* ---- storeq_turn.c ---- */

/* Why nothing is done any more after an unknown outcome. */
extern const struct fail storeq_not_done;

/* Under the lock: what waits there will not be done. */
void storeq_refuse_waiting(struct storeq *queue, struct fifo *fifo, const struct fail *why);

/*
 * Runs one turn of the writer: takes what waits, runs it, commits, answers. Called and left with
 * the lock held. False: nothing waited.
 */
bool storeq_write_turn(struct storeq *queue);

#endif
