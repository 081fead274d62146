/* One turn of the writer: what becomes of the operations that share a transaction. */
#include "storeq_turn.h"

#include "log.h"
#include "util.h"

#include <time.h>

struct turn {
	struct storeq_op *ops[STOREQ_TURN_OPS];
	size_t n;
	size_t engine; /* the first so many are the engine's */
};

/* Under the lock: the engine's operations first, then the front doors' up to the limits. */
static void turn_take(struct storeq *queue, struct turn *turn)
{
	size_t bytes = 0;

	turn->n = 0;
	while (queue->engine.first && turn->n < STOREQ_TURN_OPS)
		turn->ops[turn->n++] = fifo_take(&queue->engine);
	turn->engine = turn->n;
	while (queue->front.first && turn->n < STOREQ_TURN_OPS) {
		bytes += fifo_bytes_of(queue->front.first);
		if (turn->n > 0 && bytes > STOREQ_TURN_BYTES)
			break;
		turn->ops[turn->n++] = fifo_take(&queue->front);
	}
	queue->running += turn->n;
}

/* Commits, and takes the time. */
static enum store_result commit(struct storeq *queue, size_t operations, struct fail *fail)
{
	int64_t start = clock_boot_ns(queue->env.clock);
	enum store_result result = store_commit(queue->env.writer, fail);
	int64_t took = clock_boot_ns(queue->env.clock) - start;

	if (result != STORE_DONE)
		return result;
	pthread_mutex_lock(&queue->lock);
	queue->operations += (int64_t)operations;
	queue->commits++;
	queue->commit_last_ns = took;
	queue->committed_at = start + took;
	queue->commit_sum_ns += took;
	if (took > queue->commit_max_ns)
		queue->commit_max_ns = took;
	pthread_mutex_unlock(&queue->lock);
	return result;
}

/* How far a transaction got. */
struct progress {
	bool begun; /* there was one at all */
	size_t ran; /* operations that were run in it; the last one may have failed */
	size_t done; /* those that did not fail */
};

/* Runs the operations in one transaction: all, or fewer when the time of a turn is over. */
static enum store_result run_together(struct storeq *queue, struct storeq_op **ops, size_t n,
    struct progress *progress, struct fail *fail)
{
	int64_t end = clock_boot_ns(queue->env.clock) + STOREQ_TURN_NS;
	enum store_result result = store_begin(queue->env.writer, fail);

	*progress = (struct progress){.begun = result == STORE_DONE};
	for (size_t i = 0; result == STORE_DONE && i < n; i++)
		store_expect(queue->env.writer, &ops[i]->op);
	while (result == STORE_DONE && progress->ran < n) {
		struct store_op *op = &ops[progress->ran]->op;

		if (progress->ran > 0 && clock_boot_ns(queue->env.clock) > end)
			break;
		result = store_run(queue->env.writer, op);
		progress->ran++;
		if (result != STORE_DONE)
			*fail = op->fail;
		else
			progress->done++;
	}
	if (result == STORE_DONE)
		result = commit(queue, progress->done, fail);
	if (result == STORE_UNDONE) {
		struct fail uncertain;

		if (store_rollback(queue->env.writer, &uncertain) != STORE_DONE) {
			*fail = uncertain;
			return STORE_UNKNOWN;
		}
	}
	return result;
}

static void refuse(struct storeq_op **ops, size_t n, const struct fail *why)
{
	for (size_t i = 0; i < n; i++) {
		store_op_reset(&ops[i]->op);
		ops[i]->op.fail = *why;
	}
}

/*
 * After a turn was lost: what came through the front doors may be done or not, which they are told;
 * the engine asks again for its own, since those can be run twice.
 */
static void lose(struct turn *turn, size_t first, size_t n, const struct fail *why)
{
	struct fail again = *why, unknown = *why;

	again.err = ERR_BUSY;
	unknown.err = ERR_UNKNOWN_OUTCOME;
	unknown.retry_ms = 0;
	log_warn(log_msg("a turn was lost, whether it is done is not known"),
	    log_int("operations", (int64_t)n), log_str("reason", why->text));
	for (size_t i = first; i < first + n; i++)
		refuse(&turn->ops[i], 1, i < turn->engine ? &again : &unknown);
}

/*
 * After a turn was rolled back: each operation in a transaction of its own, so that only those fail
 * that cannot be done. Returns how many have an answer; fewer than all after an unknown outcome.
 */
static size_t run_singly(
    struct storeq *queue, struct turn *turn, enum store_result *result, struct fail *fail)
{
	struct storeq_op **ops = turn->ops;
	size_t n = turn->n;

	for (size_t i = 0; i < n; i++) {
		struct progress progress;

		*result = run_together(queue, &ops[i], 1, &progress, fail);
		if (*result == STORE_UNKNOWN)
			return i;
		if (*result == STORE_UNDONE)
			refuse(&ops[i], progress.begun ? 1 : n - i, fail);
		else if (*result == STORE_LOST)
			lose(turn, i, 1, fail);
		if (!progress.begun)
			break;
	}
	*result = STORE_DONE;
	return n;
}

/*
 * What has become of a turn: ops[0, done) have their answers, ops[done, unknown) have an unknown
 * outcome, the rest was not run.
 */
struct turn_end {
	size_t done, unknown;
	struct fail why; /* ERR_OK: nothing is unknown */
};

static struct turn_end turn_run(struct storeq *queue, struct turn *turn)
{
	struct turn_end end = {.why.err = ERR_OK};
	struct progress progress;
	struct fail fail;
	enum store_result result = run_together(queue, turn->ops, turn->n, &progress, &fail);

	end.done = progress.done;
	end.unknown = progress.ran;
	if (result == STORE_UNKNOWN) {
		end.done = 0;
	} else if (result == STORE_LOST) {
		lose(turn, 0, progress.done, &fail);
	} else if (result == STORE_UNDONE && !progress.begun) {
		/* Each operation by itself would find the same. */
		refuse(turn->ops, turn->n, &fail);
		end.done = turn->n;
	} else if (result == STORE_UNDONE) {
		log_debug(log_msg("turn rolled back, its operations run one by one"),
		    log_int("operations", (int64_t)turn->n), log_str("reason", fail.text));
		end.done = run_singly(queue, turn, &result, &fail);
		end.unknown = end.done + 1;
	}
	if (result == STORE_UNKNOWN) {
		end.why = fail;
		end.why.err = ERR_UNKNOWN_OUTCOME;
	}
	return end;
}

const struct fail storeq_not_done = {
    .err = ERR_BUSY, .text = "not done: the store has failed and is being restarted"};

void storeq_refuse_waiting(struct storeq *queue, struct fifo *fifo, const struct fail *why)
{
	while (fifo->first) {
		struct storeq_op *op = fifo_take(fifo);

		op->op.fail = *why;
		fifo_put(&queue->answered, op);
	}
}

/* Under the lock: the engine hears of the unknown outcome, so that it does not try again. */
static void turn_break(struct storeq *queue, struct turn *turn, const struct turn_end *end)
{
	refuse(turn->ops + end->done, end->unknown - end->done, &end->why);
	for (size_t i = end->unknown; i < turn->n; i++)
		refuse(turn->ops + i, 1, i < turn->engine ? &end->why : &storeq_not_done);
	for (size_t i = end->done; i < turn->n; i++)
		fifo_put(&queue->answered, turn->ops[i]);
	queue->broken = true;
	queue->why = end->why;
	storeq_refuse_waiting(queue, &queue->engine, &end->why);
	storeq_refuse_waiting(queue, &queue->front, &storeq_not_done);
}

/* Under the lock. */
static void turn_answer(struct storeq *queue, struct turn *turn, const struct turn_end *end)
{
	queue->running -= turn->n;
	for (size_t i = 0; i < end->done; i++)
		fifo_put(&queue->answered, turn->ops[i]);
	if (end->why.err) {
		turn_break(queue, turn, end);
		return;
	}
	/* The turn's time was over: the rest goes back to where it was. */
	for (size_t i = turn->n; i > end->done; i--)
		fifo_untake(i > turn->engine ? &queue->front : &queue->engine, turn->ops[i - 1]);
}

static int64_t min_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Under the lock: those who have got their answers together are likely to come together again. */
static void gather(struct storeq *queue)
{
	int64_t wait_ns = min_of(queue->env.gather_ns, queue->commit_last_ns / 2);
	struct timespec end;

	if (!queue->threads || wait_ns == 0 || queue->together < 2 || !queue->front.first)
		return;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += wait_ns;
	end.tv_sec += end.tv_nsec / NS_PER_S;
	end.tv_nsec %= NS_PER_S;
	queue->gathers = queue->together;
	while (queue->front.n < queue->gathers && !queue->engine.first && !queue->stopping)
		if (pthread_cond_clockwait(
			&queue->writer_wake, &queue->lock, CLOCK_MONOTONIC, &end) != 0)
			break;
	queue->gathers = 0;
}

/* A turn with fewer does not count at once: the rest may only be late. */
static void remember(struct storeq *queue, size_t front)
{
	size_t less = queue->together * 3 / 4;

	queue->together = front > less ? front : less;
}

bool storeq_write_turn(struct storeq *queue)
{
	struct turn turn;
	struct turn_end end;

	gather(queue);
	turn_take(queue, &turn);
	if (turn.n == 0)
		return false;
	remember(queue, turn.n - turn.engine);
	pthread_mutex_unlock(&queue->lock);
	end = turn_run(queue, &turn);
	pthread_mutex_lock(&queue->lock);
	turn_answer(queue, &turn, &end);
	return true;
}
