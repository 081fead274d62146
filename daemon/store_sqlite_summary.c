/* The rows that every turn needs: ledger, control and lanes. */
#include "store_sqlite.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

#define first(store, which, ...) sql_first(&(store)->sql, (enum sql)(which), __VA_ARGS__)
#define row_of(store, which) sql_row(&(store)->sql, (enum sql)(which))

static int64_t column_or_none(struct sql_row row, int column)
{
	return sql_is_null(row, column) ? LEDGER_NONE : sql_number(row, column);
}

static int read_ledger(struct sqlite_store *store, struct summary *summary, struct written *written)
{
	struct ledger *ledger = &summary->ledger;
	int code = first(store, LITE_LEDGER_READ, "");
	struct sql_row row = row_of(store, LITE_LEDGER_READ);

	if (code != SQL_ROW)
		return code == SQL_DONE ? SQL_CORRUPT : code;
	ledger->interval_ns = sql_number(row, 0);
	ledger->settle_ns = sql_number(row, 1);
	ledger->pack = sql_number(row, 2) != 0;
	written->same_boot = store->clock && strcmp(sql_text(row, 3), store->clock->boot_id) == 0;
	ledger->last_claim = column_or_none(row, 4);
	ledger->last_start = column_or_none(row, 5);
	ledger->ready_since = column_or_none(row, 6);
	written->utc_ms = sql_number(row, 7);
	written->time.boot_ns = sql_number(row, 8);
	written->time.ms = sql_number(row, 9);
	summary->next_seq = sql_number(row, 10);
	summary->uploads = sql_number(row, 11);
	summary->upload_ids = sql_number(row, 12);
	summary->notices = sql_number(row, 13);
	if (!sql_take_blob(row, 14, written->node.bytes, sizeof(written->node.bytes)))
		return SQL_CORRUPT;
	summary->next_num = sql_number(row, 15);
	sql_reset(row);
	return SQL_DONE;
}

static void take_stamp(struct sql_row row, int column, struct stamp *stamp)
{
	snprintf(stamp->who, sizeof(stamp->who), "%s", sql_text(row, column));
	stamp->at_ms = sql_number(row, column + 1);
}

static int read_control(struct sqlite_store *store, struct summary *summary)
{
	struct control *control = &summary->control;
	int code = first(store, LITE_CONTROL_READ, "");
	struct sql_row row = row_of(store, LITE_CONTROL_READ);

	if (code != SQL_ROW)
		return code == SQL_DONE ? SQL_CORRUPT : code;
	control->pause = (enum pause)(int)sql_number(row, 0);
	control->pause_until_ms = sql_number(row, 1);
	take_stamp(row, 2, &control->paused);
	summary->hold_until_ms = sql_number(row, 4);
	control->rate_ns = sql_number(row, 5);
	take_stamp(row, 6, &control->rated);
	sql_reset(row);
	return SQL_DONE;
}

/* The statuses in the order of their columns. */
static const enum ingestion_status lane_ingestions[] = {INGESTION_YET_TO_START, INGESTION_TRIGGERED,
    INGESTION_COMPLETED, INGESTION_FAILED, INGESTION_RECEIVING, INGESTION_CANCELLED,
    INGESTION_CANCELLING};
static const enum batch_status lane_batches[] = {BATCH_YET_TO_START, BATCH_TRIGGERED,
    BATCH_RETRYING, BATCH_COMPLETED, BATCH_FAILED, BATCH_CANCELLED};

static void take_lane(struct sql_row row, struct lane_total *lane)
{
	int column = 1;

	lane->ids = sql_number(row, column++);
	lane->later = sql_number(row, column++);
	for (size_t i = 0; i < COUNT_OF(lane_batches); i++)
		lane->batches[lane_batches[i]] = sql_number(row, column++);
	for (size_t i = 0; i < COUNT_OF(lane_ingestions); i++)
		lane->ingestions[lane_ingestions[i]] = sql_number(row, column++);
}

int sqlite_summary_read(
    struct sqlite_store *store, struct summary *summary, struct written *written)
{
	int code = read_ledger(store, summary, written);

	if (code == SQL_DONE)
		code = read_control(store, summary);
	if (code != SQL_DONE)
		return code;
	for (code = first(store, LITE_LANES_READ, ""); code == SQL_ROW;
	     code = sql_next(row_of(store, LITE_LANES_READ))) {
		struct sql_row row = row_of(store, LITE_LANES_READ);
		int64_t priority = sql_number(row, 0);

		if (priority >= PRIORITY_HIGH && priority <= PRIORITY_LOW)
			take_lane(row, &summary->lanes[priority - PRIORITY_HIGH]);
	}
	return code;
}

static int write_lane(struct sqlite_store *store, const struct lane_total *lane, int64_t priority)
{
	const int64_t *b = lane->batches, *i = lane->ingestions;

	return first(store, LITE_LANE_WRITE, "iiiiiiiiiiiiiiii", lane->ids, lane->later,
	    b[BATCH_YET_TO_START], b[BATCH_TRIGGERED], b[BATCH_RETRYING], b[BATCH_COMPLETED],
	    b[BATCH_FAILED], b[BATCH_CANCELLED], i[INGESTION_YET_TO_START], i[INGESTION_TRIGGERED],
	    i[INGESTION_COMPLETED], i[INGESTION_FAILED], i[INGESTION_RECEIVING],
	    i[INGESTION_CANCELLED], i[INGESTION_CANCELLING], priority);
}

static int write_control(struct sqlite_store *store)
{
	const struct summary *now = &store->sql.now;
	const struct control *control = &now->control;

	if (memcmp(control, &store->sql.committed.control, sizeof(*control)) == 0 &&
	    now->hold_until_ms == store->sql.committed.hold_until_ms)
		return SQL_DONE;
	return first(store, LITE_CONTROL_WRITE, "iitiiiti", (int64_t)control->pause,
	    control->pause_until_ms, control->paused.who, control->paused.at_ms, now->hold_until_ms,
	    control->rate_ns, control->rated.who, control->rated.at_ms);
}

int sqlite_summary_write(struct sqlite_store *store)
{
	const struct summary *now = &store->sql.now;
	const struct ledger *ledger = &now->ledger;
	int64_t boot_ns = clock_boot_ns(store->clock);
	int code = SQL_DONE;

	if (memcmp(now, &store->sql.committed, sizeof(*now)) == 0)
		return code;
	for (int i = 0; i < PRIORITY_COUNT && code == SQL_DONE; i++)
		if (memcmp(&now->lanes[i], &store->sql.committed.lanes[i], sizeof(now->lanes[i])) !=
		    0)
			code = write_lane(store, &now->lanes[i], (int64_t)i + PRIORITY_HIGH);
	if (code == SQL_DONE)
		code = write_control(store);
	if (code != SQL_DONE)
		return code;
	return first(store, LITE_LEDGER_WRITE, "iiitoooiiiiiiii", ledger->interval_ns,
	    ledger->settle_ns, (int64_t)ledger->pack, store->clock->boot_id, ledger->last_claim,
	    ledger->last_start, ledger->ready_since, clock_utc_ms(store->clock), boot_ns,
	    store_time_at(&store->time, boot_ns), now->next_seq, now->uploads, now->upload_ids,
	    now->notices, now->next_num);
}
