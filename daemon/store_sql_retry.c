/* Trying again, by somebody's wish, what was given up. */
#include "store_sql.h"

#include "util.h"

/* What was given up, and is not any more. */
struct step {
	int64_t batches[BATCH_STATUS_COUNT]; /* with a row; by the status that they had */
	int64_t ids[ID_OUTCOME_COUNT]; /* of all of them, by the outcome that they had */
	int64_t rest; /* batches that never started */
};

static int64_t with_row(const struct step *step)
{
	return step->batches[BATCH_FAILED] + step->batches[BATCH_CANCELLED];
}

/* The first batch of an ingestion that ended like this. */
struct given_up_batch {
	int64_t index;
	int64_t completed, failed, cancelled, unknown; /* ids */
};

/* SQL_ROW, SQL_DONE (there is none) or an error. */
static int find(
    struct sql_store *store, int64_t num, enum batch_status status, struct given_up_batch *batch)
{
	enum sql sql = status == BATCH_FAILED ? SQL_BATCH_FAILED : SQL_BATCH_CANCELLED;
	int code = sql_first(store, sql, "i", num);
	struct sql_row row = sql_row(store, sql);

	if (code != SQL_ROW)
		return code;
	*batch = (struct given_up_batch){sql_number(row, 0), sql_number(row, 1), sql_number(row, 2),
	    sql_number(row, 3), sql_number(row, 4)};
	sql_reset(row);
	return SQL_ROW;
}

/* All but the completed ids are pending again. SQL_DONE or an error. */
static int retry_one(struct sql_store *store, const struct ingestion *it, int64_t num,
    const struct given_up_batch *batch)
{
	int64_t first = batch->index * it->batch_size;
	int64_t n = batch_length(it->counts.ids, it->batch_size, batch->index);
	struct again again = {
	    num, batch->index, it->priority, it->seq, n - batch->completed, AGAIN_NOW};
	int code = sql_first(store, SQL_RESULTS_RETRY, "iii", num, first, first + n);

	if (code == SQL_DONE)
		code = sql_first(store, SQL_BATCH_RETRY, "ii", num, batch->index);
	return code == SQL_DONE ? sql_line_again(store, &again) : code;
}

/* Batches of one status, as far as the step goes. SQL_DONE or an error. */
static int retry_status(struct sql_store *store, const struct ingestion *it, int64_t num,
    enum batch_status status, struct step *step, bool *more)
{
	struct given_up_batch batch;
	int code;

	while ((code = find(store, num, status, &batch)) == SQL_ROW) {
		if (with_row(step) == STORE_CONTROL_STEPS) {
			*more = true;
			return SQL_DONE;
		}
		code = retry_one(store, it, num, &batch);
		if (code != SQL_DONE)
			break;
		step->batches[status]++;
		step->ids[ID_FAILED] += batch.failed;
		step->ids[ID_CANCELLED] += batch.cancelled;
		step->ids[ID_UNKNOWN] += batch.unknown;
	}
	return code;
}

/* What was cancelled before it ever started stands in line as at the beginning. */
static int retry_unstarted(
    struct sql_store *store, const struct ingestion *it, int64_t num, struct step *step)
{
	int64_t ids, when;
	int code = sql_unstarted(store, num, &step->rest, &when);

	if (code != SQL_DONE)
		return code;
	if (step->rest == 0)
		return SQL_DONE;
	ids = it->counts.ids - (it->counts.batches - step->rest) * it->batch_size;
	step->ids[ID_CANCELLED] += ids;
	sql_line_join(store, it->priority, step->rest, ids);
	return SQL_DONE;
}

/* In the lane and in what was read of the ingestion. */
static void count(struct lane_total *lane, struct ingestion *it, const struct step *step)
{
	enum ingestion_status before = ingestion_status_of(it);
	int64_t *by_status = it->counts.by_status,
		cancelled = step->batches[BATCH_CANCELLED] + step->rest;

	lane->batches[BATCH_FAILED] -= step->batches[BATCH_FAILED];
	lane->batches[BATCH_CANCELLED] -= cancelled;
	by_status[BATCH_FAILED] -= step->batches[BATCH_FAILED];
	by_status[BATCH_CANCELLED] -= cancelled;
	by_status[BATCH_RETRYING] += with_row(step);
	by_status[BATCH_YET_TO_START] += step->rest;
	it->cancelled_by[0] = '\0';
	lane->ingestions[before]--;
	lane->ingestions[ingestion_status_of(it)]++;
}

/* The row of the ingestion, which is not final any more. SQL_DONE or an error. */
static int go_on(
    struct sql_store *store, struct ingestion *it, int64_t num, const struct step *step)
{
	bool was_final = ingestion_status_is_final(ingestion_status_of(it));
	int code = sql_first(store, SQL_INGESTION_RETRY, "iiiiiii", step->batches[BATCH_FAILED],
	    step->batches[BATCH_CANCELLED], (int64_t)(step->rest > 0), step->ids[ID_FAILED],
	    step->ids[ID_CANCELLED], step->ids[ID_UNKNOWN], num);

	count(sql_lane(store, it->priority), it, step);
	return code == SQL_DONE && was_final ? sql_ingestion_goes_on(store, num) : code;
}

static int retry_step(
    struct sql_store *store, struct store_retry *retry, struct ingestion *it, int64_t num)
{
	struct step step = {.rest = 0};
	int code = retry_status(store, it, num, BATCH_FAILED, &step, &retry->more);

	if (code == SQL_DONE && retry->cancelled && !retry->more)
		code = retry_status(store, it, num, BATCH_CANCELLED, &step, &retry->more);
	if (code == SQL_DONE && retry->cancelled)
		code = retry_unstarted(store, it, num, &step);
	retry->batches = with_row(&step) + step.rest;
	if (code != SQL_DONE || retry->batches == 0)
		return code;
	return go_on(store, it, num, &step);
}

enum store_result sql_retry(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_retry *retry = &op->retry;
	struct ingestion it;
	int64_t num;
	int code = sql_ingestion_find(store, &retry->uuid, &it, &num, &op->fail);

	if (code != SQL_ROW)
		return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
	retry->batches = 0;
	retry->more = false;
	if (it.stage != STAGE_SEALED) {
		fail_set(&op->fail, ERR_WRONG_STATE,
		    it.stage == STAGE_RECEIVING
			? "the upload is not sealed: nothing of it was tried yet"
			: "the upload was cancelled, or has expired");
		return STORE_DONE;
	}
	if (ingestion_status_of(&it) == INGESTION_CANCELLING) {
		fail_set(&op->fail, ERR_WRONG_STATE, "the ingestion is being cancelled");
		return STORE_DONE;
	}
	code = retry_step(store, retry, &it, num);
	retry->status = ingestion_status_of(&it);
	return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
}
