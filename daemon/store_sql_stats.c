/* What the store knows about itself. */
#include "store_sql.h"

#include <string.h>

/* When the first ingestions in line were submitted. SQL_DONE or an error. */
static int read_oldest(struct sql_store *store, struct lane_total *lanes)
{
	struct head head;
	int code;

	for (int lane = 0; lane < PRIORITY_COUNT; lane++) {
		code = sql_line_head(
		    store, (enum priority)(lane + PRIORITY_HIGH), &lanes[lane], &head);
		if (!sql_went_well(code))
			return code;
		lanes[lane].oldest_ms = code == SQL_ROW ? head.created_ms : 0;
	}
	return SQL_DONE;
}

enum store_result sql_stats(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_stats *stats = &op->stats;
	struct summary summary = {.next_seq = 0};
	struct sql_time time;
	int code = store->driver->summary(store, &summary, &time);

	if (code == SQL_DONE)
		code = read_oldest(store, summary.lanes);
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	memcpy(stats->lanes, summary.lanes, sizeof(stats->lanes));
	stats->uploads = summary.uploads;
	stats->upload_ids = summary.upload_ids;
	stats->notices = summary.notices;
	stats->control = sql_control_now(&summary, &time);
	stats->ledger = summary.ledger;
	store->driver->size(store, &stats->bytes, &stats->wal_bytes);
	stats->free_bytes = store->driver->disk_free(store);
	return STORE_DONE;
}
