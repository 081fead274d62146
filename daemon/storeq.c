#include "storeq.h"

#include "log.h"
#include "storeq_turn.h"
#include "util.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

/* What a client that found the queue full is told to wait. */
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000

static const struct fail draining = {.err = ERR_DRAINING, .text = "not done: shutting down"};

/* ---- one turn of the reader ---- */

/* Under the lock. Without threads nobody delivers while the reader works. */
static bool may_read(const struct storeq *queue)
{
	return (queue->reads.first || queue->scans.first) &&
	       (!queue->threads || queue->answered_reads.n < STOREQ_UNDELIVERED_READS);
}

/*
 * Under the lock: takes the next read. A scan may look at thousands of rows, so other reads and
 * scans take turns, however many scans wait.
 */
static struct storeq_op *take_read(struct storeq *queue)
{
	bool scan = queue->scans.first && !(queue->reads.first && queue->scan_was_last);

	queue->scan_was_last = scan;
	return fifo_take(scan ? &queue->scans : &queue->reads);
}

/* The answer of a read that failed. A store that is away comes back, so that is said once. */
static void read_failed(
    struct storeq *queue, struct store_op *op, enum store_result result, const struct fail *why)
{
	bool away = result == STORE_UNDONE && why->err == ERR_BUSY;

	if (!away)
		log_error(log_msg("read failed"), log_str("reason", why->text));
	else if (!queue->reads_fail)
		log_warn(log_msg("the store cannot be read"), log_str("reason", why->text));
	queue->reads_fail |= away;
	store_op_reset(op);
	if (away)
		op->fail = *why;
	else
		fail_set(&op->fail, ERR_INTERNAL, "the store could not be read: %s", why->text);
}

static void read_succeeded(struct storeq *queue)
{
	if (queue->reads_fail)
		log_info(log_msg("the store can be read again"));
	queue->reads_fail = false;
}

/* Called and left with the lock held. False: nothing waited. */
static bool read_turn(struct storeq *queue)
{
	struct store *store = queue->env.reader ? queue->env.reader : queue->env.writer;
	struct storeq_op *op;
	struct fail fail;
	enum store_result result;

	if (!may_read(queue))
		return false;
	op = take_read(queue);
	queue->running++;
	pthread_mutex_unlock(&queue->lock);
	result = store_begin(store, &fail);
	if (result == STORE_DONE) {
		result = store_run(store, &op->op);
		fail = op->op.fail;
		store_rollback(store, &(struct fail){0});
	}
	if (result == STORE_DONE)
		read_succeeded(queue);
	else
		read_failed(queue, &op->op, result, &fail);
	pthread_mutex_lock(&queue->lock);
	queue->running--;
	fifo_put(&queue->answered_reads, op);
	return true;
}

/* ---- threads ---- */

static void serve(struct storeq *queue, pthread_cond_t *wake, bool (*turn)(struct storeq *),
    void (*notify)(void *arg))
{
	pthread_mutex_lock(&queue->lock);
	for (;;) {
		if (turn(queue)) {
			pthread_mutex_unlock(&queue->lock);
			notify(queue->env.arg);
			pthread_mutex_lock(&queue->lock);
		} else if (queue->stopping) {
			break;
		} else {
			pthread_cond_wait(wake, &queue->lock);
		}
	}
	pthread_mutex_unlock(&queue->lock);
}

static void *writer_main(void *arg)
{
	struct storeq *queue = arg;

	serve(queue, &queue->writer_wake, storeq_write_turn, queue->env.notify);
	return NULL;
}

static void *reader_main(void *arg)
{
	struct storeq *queue = arg;

	serve(queue, &queue->reader_wake, read_turn, queue->env.notify_reads);
	return NULL;
}

static void start_threads(struct storeq *queue)
{
	sigset_t all, before;

	/* Signals are for the loop's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&queue->writer, NULL, writer_main, queue) != 0 ||
	    pthread_create(&queue->reader, NULL, reader_main, queue) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct storeq *storeq_new(const struct storeq_env *env, bool threads)
{
	struct storeq *queue = xcalloc(1, sizeof(*queue));

	queue->env = *env;
	queue->threads = threads;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->writer_wake, NULL);
	pthread_cond_init(&queue->reader_wake, NULL);
	if (threads)
		start_threads(queue);
	return queue;
}

static void stop_threads(struct storeq *queue)
{
	pthread_mutex_lock(&queue->lock);
	storeq_refuse_waiting(queue, &queue->front, &draining);
	storeq_refuse_waiting(queue, &queue->reads, &draining);
	storeq_refuse_waiting(queue, &queue->scans, &draining);
	queue->stopping = true;
	pthread_cond_signal(&queue->writer_wake);
	pthread_cond_signal(&queue->reader_wake);
	pthread_mutex_unlock(&queue->lock);
	pthread_join(queue->writer, NULL);
	pthread_join(queue->reader, NULL);
}

void storeq_free(struct storeq *queue)
{
	if (queue->threads)
		stop_threads(queue);
	storeq_deliver(queue);
	while (storeq_deliver_reads(queue))
		;
	pthread_cond_destroy(&queue->reader_wake);
	pthread_cond_destroy(&queue->writer_wake);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

/* ---- the loop's side ---- */

static int64_t limit_of(const struct storeq *queue, enum limit which)
{
	if (queue->env.limits)
		return limits_value(queue->env.limits, which);
	return which == LIMIT_QUEUED ? STOREQ_MAX_OPS : STOREQ_MAX_BYTES;
}

static bool hits(const struct storeq *queue, enum limit which)
{
	if (queue->env.limits)
		limits_hit(queue->env.limits, which);
	return true;
}

static struct fifo *fifo_of(struct storeq *queue, const struct store_op *op)
{
	bool scans = op->verb == STORE_LIST || op->verb == STORE_REPORT;

	if (!store_op_reads(op))
		return &queue->front;
	return scans ? &queue->scans : &queue->reads;
}

/* When the queue will have done about half of what waits there, by the pace of the commits so far.
 */
static int64_t retry_ms(const struct storeq *queue, const struct fifo *fifo)
{
	int64_t per_commit = queue->commits > 0 ? queue->operations / queue->commits + 1 : 1;
	int64_t commit_ns = queue->commits > 0 ? queue->commit_sum_ns / queue->commits : 0;
	int64_t ms = (int64_t)fifo->n / 2 / per_commit * commit_ns / NS_PER_MS;

	if (ms < RETRY_MIN_MS)
		return RETRY_MIN_MS;
	return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

/* Under the lock: whether the operation may not wait there. */
static bool is_full(const struct storeq *queue, const struct fifo *fifo, struct storeq_op *op)
{
	int64_t most = limit_of(queue, LIMIT_QUEUED);
	int64_t most_bytes = limit_of(queue, LIMIT_QUEUED_BYTES);
	size_t bytes = fifo->bytes + fifo_bytes_of(op);

	if (queue->broken || queue->stopping) {
		op->op.fail = queue->broken ? storeq_not_done : draining;
		return true;
	}
	if ((int64_t)fifo->n >= most) {
		fail_set(&op->op.fail, ERR_BUSY,
		    "%zu requests wait for the store already, and max-queued is %" PRId64, fifo->n,
		    most);
		op->op.fail.retry_ms = retry_ms(queue, fifo);
		return hits(queue, LIMIT_QUEUED);
	}
	/* One is always taken, however large. */
	if (fifo->n > 0 && (int64_t)bytes > most_bytes) {
		fail_set(&op->op.fail, ERR_BUSY,
		    "%zu bytes would wait for the store, and max-queued-bytes is %" PRId64, bytes,
		    most_bytes);
		op->op.fail.retry_ms = retry_ms(queue, fifo);
		return hits(queue, LIMIT_QUEUED_BYTES);
	}
	return false;
}

bool storeq_post(struct storeq *queue, struct storeq_op *op)
{
	bool reads = store_op_reads(&op->op);
	struct fifo *fifo = fifo_of(queue, &op->op);
	bool taken;

	pthread_mutex_lock(&queue->lock);
	taken = !is_full(queue, fifo, op);
	if (taken) {
		fifo_put(fifo, op);
		if (reads || queue->front.n >= queue->gathers)
			pthread_cond_signal(reads ? &queue->reader_wake : &queue->writer_wake);
	}
	pthread_mutex_unlock(&queue->lock);
	return taken;
}

void storeq_post_engine(struct storeq *queue, struct storeq_op *op)
{
	bool broken;

	pthread_mutex_lock(&queue->lock);
	broken = queue->broken;
	if (broken) {
		op->op.fail = queue->why;
		fifo_put(&queue->answered, op);
	} else {
		fifo_put(&queue->engine, op);
		pthread_cond_signal(&queue->writer_wake);
	}
	pthread_mutex_unlock(&queue->lock);
	if (broken)
		queue->env.notify(queue->env.arg);
}

static struct storeq_op *take_all(struct storeq *queue, struct fifo *fifo)
{
	struct storeq_op *first;

	pthread_mutex_lock(&queue->lock);
	first = fifo->first;
	*fifo = (struct fifo){0};
	pthread_mutex_unlock(&queue->lock);
	return first;
}

static void tell_if_broken(struct storeq *queue)
{
	bool tell;

	pthread_mutex_lock(&queue->lock);
	tell = queue->broken && !queue->broken_told;
	queue->broken_told |= tell;
	pthread_mutex_unlock(&queue->lock);
	if (tell)
		queue->env.broken(queue->env.arg, &queue->why);
}

void storeq_deliver(struct storeq *queue)
{
	struct storeq_op *op = take_all(queue, &queue->answered);

	while (op) {
		struct storeq_op *next = op->next; /* done() may free the operation */

		op->done(op);
		op = next;
	}
	tell_if_broken(queue);
	while (!queue->threads && storeq_deliver_reads(queue))
		;
}

bool storeq_deliver_reads(struct storeq *queue)
{
	int64_t end = clock_boot_ns(queue->env.clock) + STOREQ_DELIVER_NS;

	do {
		struct storeq_op *op = NULL;

		pthread_mutex_lock(&queue->lock);
		if (queue->answered_reads.first)
			op = fifo_take(&queue->answered_reads);
		/* The reader may have rested. */
		if (op && queue->answered_reads.n == STOREQ_UNDELIVERED_READS - 1)
			pthread_cond_signal(&queue->reader_wake);
		pthread_mutex_unlock(&queue->lock);
		if (!op)
			return false;
		op->done(op);
	} while (clock_boot_ns(queue->env.clock) < end);
	return true;
}

bool storeq_step(struct storeq *queue)
{
	bool wrote, read;

	pthread_mutex_lock(&queue->lock);
	wrote = storeq_write_turn(queue);
	read = read_turn(queue);
	pthread_mutex_unlock(&queue->lock);
	return wrote || read;
}

void storeq_figures(struct storeq *queue, struct storeq_figures *figures)
{
	pthread_mutex_lock(&queue->lock);
	*figures = (struct storeq_figures){
	    .queued = (int64_t)(queue->engine.n + queue->front.n + queue->reads.n + queue->scans.n),
	    .queued_bytes = (int64_t)(queue->engine.bytes + queue->front.bytes +
				      queue->reads.bytes + queue->scans.bytes),
	    .operations = queue->operations,
	    .commits = queue->commits,
	    .commit_last_ns = queue->commit_last_ns,
	    .commit_mean_ns = queue->commits > 0 ? queue->commit_sum_ns / queue->commits : 0,
	    .commit_max_ns = queue->commit_max_ns,
	    .committed_at = queue->committed_at};
	pthread_mutex_unlock(&queue->lock);
}

bool storeq_is_idle(struct storeq *queue)
{
	bool idle;

	pthread_mutex_lock(&queue->lock);
	idle = !queue->engine.first && !queue->front.first && !queue->reads.first &&
	       !queue->scans.first && !queue->answered.first && !queue->answered_reads.first &&
	       queue->running == 0;
	pthread_mutex_unlock(&queue->lock);
	return idle;
}
