/* What happens to a batch that was claimed: its start, its end, a crash. */
#include "store_sql.h"

#include <inttypes.h>

/* The row of a batch and what of its ingestion goes with it. */
struct batch_row {
	int64_t num, index;
	enum batch_status status;
	int64_t attempts;
	int64_t base; /* attempts before it was last retried by somebody's wish */
	int64_t ids_failed;
	int64_t started_ms;
	struct uuid uuid; /* of the ingestion */
	enum priority priority;
	int64_t seq;
	bool cancelling; /* the ingestion is */
	int64_t owner; /* who claimed it the last time */
	struct span span;
};

/* SQL_ROW, SQL_DONE (no such batch) or an error. */
static int read_batch(struct sql_store *store, int64_t num, int64_t index, struct batch_row *batch)
{
	int code = sql_first(store, SQL_BATCH_READ, "ii", num, index);
	struct sql_row row = sql_row(store, SQL_BATCH_READ);
	int64_t batch_size;

	if (code != SQL_ROW)
		return code;
	*batch = (struct batch_row){.num = num,
	    .index = index,
	    .status = (enum batch_status)(int)sql_number(row, 0),
	    .attempts = sql_number(row, 1),
	    .base = sql_number(row, 2),
	    .ids_failed = sql_number(row, 4),
	    .started_ms = sql_number(row, 5),
	    .priority = (enum priority)(int)sql_number(row, 7),
	    .seq = sql_number(row, 8),
	    .cancelling = (int)sql_number(row, 11) != 0};
	if (!sql_take_blob(row, 6, batch->uuid.bytes, sizeof(batch->uuid.bytes)))
		return SQL_CORRUPT;
	batch_size = sql_number(row, 10);
	batch->span = (struct span){.num = num,
	    .first = index * batch_size,
	    .n = batch_length(sql_number(row, 9), batch_size, index)};
	batch->span.left = batch->span.n - sql_number(row, 3) - batch->ids_failed;
	batch->owner = sql_number(row, 12);
	sql_reset(row);
	return SQL_ROW;
}

/* Reads the batch and checks that this attempt is the running one; op->fail says if it is not. */
static enum store_result read_current(struct sql_store *store, struct store_op *op,
    const struct store_attempt *attempt, struct batch_row *batch)
{
	int code = read_batch(store, attempt->ingestion, attempt->index, batch);

	if (!sql_went_well(code))
		return sql_failed(store, code, &op->fail);
	if (code == SQL_DONE)
		fail_set(&op->fail, ERR_NOT_FOUND, "batch %" PRId64 " has never started",
		    attempt->index);
	else if (batch->attempts != attempt->attempt || batch->status != BATCH_TRIGGERED ||
		 batch->owner != store->owner)
		fail_set(&op->fail, ERR_STALE_ATTEMPT,
		    "attempt %" PRId64 " of batch %" PRId64 " is not the current one",
		    attempt->attempt, attempt->index);
	return STORE_DONE;
}

enum store_result sql_started(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	const struct store_started *started = &op->started;
	struct batch_row batch;
	enum store_result result;
	int code;

	/* The ledger learns the start in any case: it did happen. */
	if (started->slot_start != LEDGER_NONE)
		ledger_started(&store->now.ledger, started->slot_start);
	result = read_current(store, op, &started->attempt, &batch);
	if (result != STORE_DONE || op->fail.err)
		return result;
	code = sql_first(store, SQL_BATCH_STARTED, "iii", started->utc_ms,
	    started->attempt.ingestion, started->attempt.index);
	if (code == SQL_DONE)
		code = sql_first(store, SQL_INGESTION_STARTED, "ii", started->utc_ms,
		    started->attempt.ingestion);
	return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
}

/* ---- the end of an attempt ---- */

/* What it adds to the counters. */
struct sums {
	int64_t ids[ID_OUTCOME_COUNT];
	int64_t attempts, retries; /* taken back */
};

static struct sums sums_of(
    const struct batch_row *batch, const struct tally *tally, const struct verdict *verdict)
{
	struct sums sums = {
	    .attempts = !verdict->counts,
	    .retries = !verdict->counts && batch->attempts > 1,
	};

	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
		sums.ids[verdict_outcome(verdict, (enum outcome)outcome)] += tally->ids[outcome];
	return sums;
}

/* All batches of the ingestion have ended. */
static int end_ingestion(
    struct sql_store *store, const struct batch_row *batch, bool any_failed, bool any_cancelled)
{
	struct lane_total *lane = sql_lane(store, batch->priority);

	lane->ingestions[batch->cancelling ? INGESTION_CANCELLING : INGESTION_TRIGGERED]--;
	lane->ingestions[any_cancelled ? INGESTION_CANCELLED
			 : any_failed  ? INGESTION_FAILED
				       : INGESTION_COMPLETED]++;
	return sql_ingestion_ends(store, batch->num);
}

/* The ingestion loses a triggered batch. */
static int end_in_ingestion(struct sql_store *store, const struct batch_row *batch,
    enum batch_status status, const struct sums *sums)
{
	bool ends, any_failed, any_cancelled;
	int code = sql_first(store, SQL_INGESTION_FINISH, "iiiiiiiiiii",
	    (int64_t)(status == BATCH_RETRYING), (int64_t)(status == BATCH_COMPLETED),
	    (int64_t)(status == BATCH_FAILED), (int64_t)(status == BATCH_CANCELLED),
	    sums->ids[ID_COMPLETED], sums->ids[ID_FAILED], sums->ids[ID_CANCELLED],
	    sums->ids[ID_UNKNOWN], sums->attempts, sums->retries, batch->num);
	struct sql_row row = sql_row(store, SQL_INGESTION_FINISH);

	if (code != SQL_ROW)
		return code == SQL_DONE ? SQL_CORRUPT : code;
	ends = (int)sql_number(row, 0) != 0;
	any_failed = sql_number(row, 1) > 0;
	any_cancelled = sql_number(row, 2) > 0;
	code = sql_only(store, SQL_INGESTION_FINISH);
	if (code != SQL_DONE || !ends)
		return code;
	return end_ingestion(store, batch, any_failed, any_cancelled);
}

/* What the handler wrote takes the place of what it wrote before. */
static int keep_output(
    struct sql_store *store, const struct batch_row *batch, const struct ending *ending)
{
	if (!ending->out.text && !ending->err.text)
		return sql_first(store, SQL_OUTPUT_REMOVE, "ii", batch->num, batch->index);
	return sql_first(store, SQL_OUTPUT_WRITE, "iititi", batch->num, batch->index,
	    ending->out.text, ending->out.bytes, ending->err.text, ending->err.bytes);
}

/* The rows of batch, ids, output and ingestion. */
static int write_end(struct sql_store *store, const struct batch_row *batch,
    const struct settling *settling, const struct sums *sums)
{
	enum batch_status status = settling->verdict.status;
	int code = sql_results_settle(store, settling);

	if (code == SQL_DONE)
		code = sql_first(store, SQL_BATCH_FINISH, "iiiiiiitii", (int64_t)status,
		    sums->attempts, sums->ids[ID_COMPLETED], sums->ids[ID_FAILED],
		    sums->ids[ID_CANCELLED], sums->ids[ID_UNKNOWN],
		    status == BATCH_RETRYING ? 0 : settling->now_ms, sql_settled_error(settling),
		    batch->num, batch->index);
	if (code == SQL_DONE)
		code = keep_output(store, batch, settling->ending);
	if (code != SQL_DONE)
		return code;
	return end_in_ingestion(store, batch, status, sums);
}

/* Its place: out of what runs, and into line again if some ids are left. */
static int leave(struct sql_store *store, const struct batch_row *batch, enum batch_status status,
    int64_t left, int64_t delay_ms)
{
	struct lane_total *lane = sql_lane(store, batch->priority);
	struct again again = {batch->num, batch->index, batch->priority, batch->seq, left,
	    delay_ms > 0 ? sql_now_ms(store) + delay_ms : AGAIN_NOW};

	lane->batches[BATCH_TRIGGERED]--;
	if (status == BATCH_RETRYING)
		return sql_line_again(store, &again);
	lane->batches[status]++;
	return SQL_DONE;
}

/* The running attempt has ended; a next one is due after `delay_ms`. */
static int end_attempt(struct sql_store *store, const struct batch_row *batch,
    const struct ending *ending, int64_t delay_ms, struct store_finish *finish)
{
	struct tally tally = ending_tally(ending, (size_t)batch->span.left);
	struct settling settling = {
	    .span = batch->span,
	    .ending = ending,
	    .verdict =
		attempt_verdict(&tally, &(struct situation){.failed = batch->ids_failed,
					    .attempt = batch->attempts - batch->base,
					    .cancelling = batch->cancelling,
					    .max_attempts = store->settings.retry.max_attempts}),
	    .attempt = batch->attempts,
	    .started_ms = batch->started_ms,
	    .now_ms = sql_utc_ms(store),
	};
	struct sums sums = sums_of(batch, &tally, &settling.verdict);
	int code = write_end(store, batch, &settling, &sums);

	finish->status = settling.verdict.status;
	finish->failed = batch->ids_failed + sums.ids[ID_FAILED];
	finish->due_ms = finish->status == BATCH_RETRYING && settling.verdict.counts ? delay_ms : 0;
	if (code != SQL_DONE)
		return code;
	return leave(store, batch, finish->status, sums.ids[ID_PENDING], finish->due_ms);
}

int sql_crashed(struct sql_store *store, int64_t num, int64_t index)
{
	char message[] = ATTEMPT_CRASHED;
	struct ending ending = {.outcome = OUTCOME_RETRY, .message = message};
	struct store_finish finish;
	struct batch_row batch;
	int code = read_batch(store, num, index, &batch);

	if (code != SQL_ROW)
		return code == SQL_DONE ? SQL_CORRUPT : code;
	if (batch.cancelling)
		ending.outcome = OUTCOME_UNKNOWN;
	return end_attempt(store, &batch, &ending, 0, &finish);
}

enum store_result sql_finish(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_finish *finish = &op->finish;
	const struct ending *ending = finish->ending;
	struct batch_row batch;
	enum store_result result = read_current(store, op, &finish->attempt, &batch);
	int code;

	if (result != STORE_DONE || op->fail.err)
		return result;
	if (ending->results && ending->n != (size_t)batch.span.left) {
		fail_set(&op->fail, ERR_INVALID,
		    "the attempt was given %" PRId64 " ids, but has %zu results", batch.span.left,
		    ending->n);
		return STORE_DONE;
	}
	code = end_attempt(store, &batch, ending,
	    retry_delay_ms(
		&store->settings.retry, &batch.uuid, batch.index, batch.attempts - batch.base),
	    finish);
	sql_control_hold(store, ending->hold_ms);
	return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
}
