/* The ledger of a PostgreSQL store, as it is read and written by every turn. */
#include "store_postgres.h"

#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The numbers of a lane, in their order on disk (schema_postgres.sql, view lane). */
#define LANE_NUMBERS 15

static const enum batch_status lane_batches[] = {BATCH_YET_TO_START, BATCH_TRIGGERED,
    BATCH_RETRYING, BATCH_COMPLETED, BATCH_FAILED, BATCH_CANCELLED};
static const enum ingestion_status lane_ingestions[] = {INGESTION_YET_TO_START, INGESTION_TRIGGERED,
    INGESTION_COMPLETED, INGESTION_FAILED, INGESTION_RECEIVING, INGESTION_CANCELLED,
    INGESTION_CANCELLING};

/* ---- reading ---- */

static bool take_lanes(const char *text, struct lane_total *lanes)
{
	int64_t v[PRIORITY_COUNT * LANE_NUMBERS], *at = v;

	for (size_t i = 0; i < COUNT_OF(v); i++) {
		char *end;

		v[i] = strtoll(text, &end, 10);
		if (end == text)
			return false;
		text = end;
	}
	for (int lane = 0; lane < PRIORITY_COUNT; lane++) {
		lanes[lane] = (struct lane_total){.ids = *at++};
		lanes[lane].later = *at++;
		for (size_t i = 0; i < COUNT_OF(lane_batches); i++)
			lanes[lane].batches[lane_batches[i]] = *at++;
		for (size_t i = 0; i < COUNT_OF(lane_ingestions); i++)
			lanes[lane].ingestions[lane_ingestions[i]] = *at++;
	}
	return true;
}

static int64_t number_or_none(struct pg_conn *conn, int column)
{
	return pg_is_null(conn, PG_MOMENT_READ, column) ? LEDGER_NONE
	                                                : pg_number(conn, PG_MOMENT_READ, column);
}

static struct stamp take_stamp(struct pg_conn *conn, int column)
{
	struct stamp stamp = {.at_ms = pg_number(conn, PG_MOMENT_READ, column + 1)};

	snprintf(stamp.who, sizeof(stamp.who), "%s", pg_text(conn, PG_MOMENT_READ, column));
	return stamp;
}

struct sql_time pg_time_of(int64_t us, int64_t written_ms)
{
	int64_t ms = us / 1000;

	return (struct sql_time){.ns = us * 1000, .ms = ms > written_ms ? ms : written_ms};
}

bool pg_summary_take(
    struct pg_conn *conn, struct summary *summary, struct sql_time *time, int64_t *turn)
{
	const int sql = PG_MOMENT_READ;

	memset(summary, 0, sizeof(*summary)); /* it is compared as bytes */
	*time = pg_time_of(pg_number(conn, sql, 0), pg_number(conn, sql, 2));
	*turn = pg_number(conn, sql, 1);
	summary->ledger.interval_ns = pg_number(conn, sql, 3);
	summary->ledger.settle_ns = pg_number(conn, sql, 4);
	summary->ledger.pack = pg_number(conn, sql, 5) != 0;
	summary->ledger.last_claim = number_or_none(conn, 6);
	summary->ledger.last_start = number_or_none(conn, 7);
	summary->ledger.ready_since = number_or_none(conn, 8);
	summary->next_seq = pg_number(conn, sql, 9);
	summary->next_num = pg_number(conn, sql, 10);
	summary->uploads = pg_number(conn, sql, 11);
	summary->upload_ids = pg_number(conn, sql, 12);
	summary->notices = pg_number(conn, sql, 13);
	summary->control.pause = (enum pause)pg_number(conn, sql, 14);
	summary->control.pause_until_ms = pg_number(conn, sql, 15);
	summary->control.paused = take_stamp(conn, 16);
	summary->hold_until_ms = pg_number(conn, sql, 18);
	summary->control.rate_ns = pg_number(conn, sql, 19);
	summary->control.rated = take_stamp(conn, 20);
	return take_lanes(pg_text(conn, sql, 22), summary->lanes);
}

/* ---- writing ---- */

static void put_lane(struct buf *text, const struct lane_total *lane)
{
	buf_printf(text, "%" PRId64 ",%" PRId64, lane->ids, lane->later);
	for (size_t i = 0; i < COUNT_OF(lane_batches); i++)
		buf_printf(text, ",%" PRId64, lane->batches[lane_batches[i]]);
	for (size_t i = 0; i < COUNT_OF(lane_ingestions); i++)
		buf_printf(text, ",%" PRId64, lane->ingestions[lane_ingestions[i]]);
}

/* The lanes as PostgreSQL writes an array. The caller frees it. */
static char *lanes_text(const struct lane_total *lanes)
{
	struct buf text = {0};

	for (int lane = 0; lane < PRIORITY_COUNT; lane++) {
		buf_add_str(&text, lane == 0 ? "{" : ",");
		put_lane(&text, &lanes[lane]);
	}
	buf_add_str(&text, "}");
	return text.data;
}

int pg_summary_write(struct pg_store *store)
{
	const struct summary *now = &store->sql.now;
	const struct ledger *ledger = &now->ledger;
	const struct control *control = &now->control;
	char *lanes = lanes_text(now->lanes);
	int code = pg_run(store->conn, PG_MOMENT_ADD,
	    "iiiiiooo"
	    "iiiii"
	    "iiti"
	    "iiti"
	    "t",
	    store->turn + 1, store->time.ms, ledger->interval_ns, ledger->settle_ns,
	    (int64_t)ledger->pack, ledger->last_claim, ledger->last_start, ledger->ready_since,
	    now->next_seq, now->next_num, now->uploads, now->upload_ids, now->notices,
	    (int64_t)control->pause, control->pause_until_ms, control->paused.who,
	    control->paused.at_ms, now->hold_until_ms, control->rate_ns, control->rated.who,
	    control->rated.at_ms, lanes);

	free(lanes);
	return code == SQL_DONE ? pg_run(store->conn, PG_MOMENT_REMOVE, "i", store->turn) : code;
}
