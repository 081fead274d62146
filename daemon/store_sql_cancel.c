/*
 * Giving up what has not been done yet. What never started is cancelled as a whole, without a row;
 * what was tried before, some batches at a time; what runs when it ends (store_sql_attempt.c).
 */
#include "store_sql.h"

#include "util.h"

#include <stdio.h>

/* Batches that wait to be tried again and are not any more, and their ids. */
struct step {
	int64_t batches, ids;
};

static int cancel_one(struct sql_store *store, const struct again *again)
{
	int code = sql_line_leave(store, again);

	if (code != SQL_DONE)
		return code;
	return sql_first(store, SQL_BATCH_CANCEL, "iiii", again->ids, sql_utc_ms(store), again->num,
	    again->index);
}

/* Of one line, as far as the step goes. SQL_DONE or an error. */
static int cancel_in_line(
    struct sql_store *store, enum priority priority, int64_t num, int64_t seq, struct step *step)
{
	struct again again;
	int code = SQL_DONE;

	while (step->batches < STORE_CONTROL_STEPS && code == SQL_DONE) {
		code = sql_line_find(store, priority, num, seq, &again);
		if (code != SQL_ROW)
			return code;
		code = cancel_one(store, &again);
		step->batches++;
		step->ids += again.ids;
	}
	return code;
}

/* A bump may have left them in any line. */
static int cancel_waiting(struct sql_store *store, int64_t num, int64_t seq, struct step *step)
{
	int code = SQL_DONE;

	*step = (struct step){0};
	for (int i = PRIORITY_HIGH; i <= PRIORITY_LOW && code == SQL_DONE; i++)
		code = cancel_in_line(store, (enum priority)i, num, seq, step);
	return code;
}

/* Nothing of it stands in line for the first time any more. */
static void cancel_unstarted(
    struct lane_total *lane, const struct ingestion *it, const struct step *step)
{
	lane->batches[BATCH_CANCELLED] += it->counts.by_status[BATCH_YET_TO_START] + step->batches;
	lane->batches[BATCH_YET_TO_START] -= it->counts.by_status[BATCH_YET_TO_START];
	lane->ids -= sql_ids_unstarted(it);
}

/* The same in what was read of the ingestion. */
static void take_back(struct counts *counts, const struct step *step)
{
	counts->by_status[BATCH_CANCELLED] += counts->by_status[BATCH_YET_TO_START] + step->batches;
	counts->by_status[BATCH_YET_TO_START] = 0;
	counts->by_status[BATCH_RETRYING] -= step->batches;
}

/*
 * A step, the first one or a later one, of an ingestion that is not final; `it` is brought up to
 * date. SQL_DONE or an error.
 */
static int cancel_step(
    struct sql_store *store, struct ingestion *it, int64_t num, const char *who, bool *changed)
{
	struct lane_total *lane = sql_lane(store, it->priority);
	enum ingestion_status before = ingestion_status_of(it), after;
	int64_t ids = sql_ids_unstarted(it);
	struct step step;
	int code = cancel_waiting(store, num, it->seq, &step);

	*changed = before != INGESTION_CANCELLING || step.batches > 0;
	if (code != SQL_DONE || !*changed)
		return code;
	code = sql_first(store, SQL_INGESTION_CANCEL, "tiiii", who, step.batches, ids + step.ids,
	    num, sql_utc_ms(store));
	cancel_unstarted(lane, it, &step);
	sql_line_left(store);
	take_back(&it->counts, &step);
	if (before != INGESTION_CANCELLING)
		snprintf(it->cancelled_by, sizeof(it->cancelled_by), "%s", who);
	after = ingestion_status_of(it);
	lane->ingestions[before]--;
	lane->ingestions[after]++;
	if (code != SQL_DONE || after == INGESTION_CANCELLING)
		return code;
	return sql_ingestion_ends(store, num);
}

int sql_cancel_rest(struct sql_store *store, const struct uuid *uuid)
{
	struct ingestion it;
	struct fail fail;
	bool changed;
	int64_t num;
	int code = sql_ingestion_find(store, uuid, &it, &num, &fail);

	if (code == SQL_ROW)
		code = cancel_step(store, &it, num, it.cancelled_by, &changed);
	else if (code == SQL_DONE)
		return SQL_CORRUPT;
	return code == SQL_DONE && !changed ? SQL_CORRUPT : code;
}

static int cancel_sealed(
    struct sql_store *store, struct store_op *op, struct ingestion *it, int64_t num)
{
	enum ingestion_status status = ingestion_status_of(it);
	bool changed;

	if (status == INGESTION_COMPLETED || status == INGESTION_FAILED) {
		fail_set(&op->fail, ERR_WRONG_STATE, "the ingestion has ended: it is %s",
		    ingestion_status_name(status));
		return SQL_DONE;
	}
	if (status == INGESTION_CANCELLED)
		return SQL_DONE;
	return cancel_step(store, it, num,
	    status == INGESTION_CANCELLING ? it->cancelled_by : op->cancel.who, &changed);
}

enum store_result sql_cancel(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_cancel *cancel = &op->cancel;
	const int64_t *by_status;
	struct ingestion it;
	int64_t num;
	int code = sql_ingestion_find(store, &cancel->uuid, &it, &num, &op->fail);

	if (code != SQL_ROW)
		return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
	by_status = it.counts.by_status;
	code = SQL_DONE;
	if (it.stage == STAGE_SEALED)
		code = cancel_sealed(store, op, &it, num);
	else if (it.stage == STAGE_RECEIVING)
		code = sql_give_up(
		    store, &(struct given_up){num, it.priority, it.counts.ids, cancel->who});
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	cancel->status = it.stage == STAGE_SEALED ? ingestion_status_of(&it) : INGESTION_CANCELLED;
	cancel->running = by_status[BATCH_TRIGGERED];
	cancel->more = cancel->status == INGESTION_CANCELLING && by_status[BATCH_RETRYING] > 0;
	return STORE_DONE;
}
