/* What happens to a batch that was claimed: its start, its end, its interruption. */
#include "store_sqlite.h"

#include <inttypes.h>

/* The row of a batch and what of its ingestion is needed to put it back into line. */
struct batch_row {
	enum batch_status status;
	int64_t attempts;
	enum priority priority;
	int64_t ids;
};

/* SQLITE_ROW, SQLITE_DONE (no such batch) or an error. */
static int read_batch(
    struct sqlite_store *store, int64_t num, int64_t index, struct batch_row *batch)
{
	int code = sqlite_first(store, SQL_BATCH_READ, "ii", num, index);
	sqlite3_stmt *row = sqlite_row(store, SQL_BATCH_READ);

	if (code != SQLITE_ROW)
		return code;
	*batch = (struct batch_row){.status = (enum batch_status)sqlite3_column_int(row, 0),
	    .attempts = sqlite3_column_int64(row, 1),
	    .priority = (enum priority)sqlite3_column_int(row, 2),
	    .ids = batch_length(sqlite3_column_int64(row, 3), sqlite3_column_int64(row, 4), index)};
	sqlite3_reset(row);
	return SQLITE_ROW;
}

/* Reads the batch and checks that this attempt is the running one; op->fail says if it is not. */
static enum store_result read_current(struct sqlite_store *store, struct store_op *op,
    const struct store_attempt *attempt, struct batch_row *batch)
{
	int code = read_batch(store, attempt->ingestion, attempt->index, batch);

	if (!sqlite_went_well(code))
		return sqlite_failed(store, code, &op->fail);
	if (code == SQLITE_DONE)
		fail_set(&op->fail, ERR_NOT_FOUND, "batch %" PRId64 " has never started",
		    attempt->index);
	else if (batch->attempts != attempt->attempt || batch->status != BATCH_TRIGGERED)
		fail_set(&op->fail, ERR_STALE_ATTEMPT,
		    "attempt %" PRId64 " of batch %" PRId64 " is not the current one",
		    attempt->attempt, attempt->index);
	return STORE_DONE;
}

enum store_result sqlite_started(struct store *base, struct store_op *op)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
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
	code = sqlite_first(store, SQL_BATCH_STARTED, "iii", started->utc_ms,
	    started->attempt.ingestion, started->attempt.index);
	if (code == SQLITE_DONE)
		code = sqlite_first(store, SQL_INGESTION_STARTED, "ii", started->utc_ms,
		    started->attempt.ingestion);
	return code == SQLITE_DONE ? STORE_DONE : sqlite_failed(store, code, &op->fail);
}

/* The ingestion loses a triggered batch. The row of the statement says whether all have ended. */
static int end_in_ingestion(struct sqlite_store *store, int64_t num, enum batch_status status,
    enum priority priority, int64_t now_utc)
{
	struct lane_total *lane = sqlite_lane(store, priority);
	int code =
	    sqlite_first(store, SQL_INGESTION_FINISH, "iiiiii", (int64_t)(status == BATCH_RETRYING),
		(int64_t)(status == BATCH_COMPLETED), (int64_t)(status == BATCH_FAILED), now_utc,
		sqlite_now_ms(store) + store->settings.key_expiry_ms, num);
	sqlite3_stmt *row = sqlite_row(store, SQL_INGESTION_FINISH);

	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
	if (sqlite3_column_int(row, 0)) {
		lane->ingestions[INGESTION_TRIGGERED]--;
		lane->ingestions[sqlite3_column_int64(row, 1) > 0 ? INGESTION_FAILED
								  : INGESTION_COMPLETED]++;
	}
	return sqlite_only(store, SQL_INGESTION_FINISH);
}

/* Moves a triggered batch to `status`. SQLITE_DONE or an error. */
static int end_attempt(struct sqlite_store *store, int64_t num, int64_t index,
    enum batch_status status, enum priority priority, const char *error)
{
	int64_t now = clock_utc_ms(store->clock);
	int code = sqlite_first(store, SQL_BATCH_FINISH, "iitii", (int64_t)status,
	    status == BATCH_RETRYING ? 0 : now, error, num, index);

	if (code != SQLITE_DONE)
		return code;
	return end_in_ingestion(store, num, status, priority, now);
}

/* An attempt has ended for good. */
static int end_batch(struct sqlite_store *store, const struct store_finish *finish,
    enum batch_status status, enum priority priority)
{
	struct lane_total *lane = sqlite_lane(store, priority);

	lane->batches[BATCH_TRIGGERED]--;
	lane->batches[status]++;
	return end_attempt(store, finish->attempt.ingestion, finish->attempt.index, status,
	    priority, finish->ending->message);
}

int sqlite_interrupt(struct sqlite_store *store, int64_t num, int64_t index)
{
	struct batch_row batch;
	int code = read_batch(store, num, index, &batch);

	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
	code = end_attempt(store, num, index, BATCH_RETRYING, batch.priority, NULL);
	return code == SQLITE_DONE ? sqlite_line_again(store, num, index, batch.priority, batch.ids)
	                           : code;
}

enum store_result sqlite_finish(struct store *base, struct store_op *op)
{
	static const enum batch_status outcomes[] = {
	    [OUTCOME_COMPLETED] = BATCH_COMPLETED,
	    [OUTCOME_FAILED] = BATCH_FAILED,
	};
	struct sqlite_store *store = (struct sqlite_store *)base;
	const struct store_finish *finish = &op->finish;
	const struct store_attempt *attempt = &finish->attempt;
	struct batch_row batch;
	enum store_result result = read_current(store, op, attempt, &batch);
	int code;

	if (result != STORE_DONE || op->fail.err)
		return result;
	if (finish->ending->outcome == OUTCOME_INTERRUPTED)
		code = sqlite_interrupt(store, attempt->ingestion, attempt->index);
	else
		code = end_batch(store, finish, outcomes[finish->ending->outcome], batch.priority);
	return code == SQLITE_DONE ? STORE_DONE : sqlite_failed(store, code, &op->fail);
}
