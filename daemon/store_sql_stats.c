/* What the store knows about itself. */
#include "store_sql.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int64_t file_bytes(const char *path, const char *suffix)
{
	char name[4096];
	struct stat file;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return stat(name, &file) == 0 ? (int64_t)file.st_size : 0;
}

/* When the first ingestions in line were submitted. SQL_DONE or an error. */
static int read_oldest(struct sql_store *store, struct lane_total *lanes)
{
	struct head head;
	int code;

	for (int lane = 0; lane < PRIORITY_COUNT; lane++) {
		code = sql_line_head(store, (enum priority)(lane + PRIORITY_HIGH), &head);
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
	const char *path = sqlite3_db_filename(store->db, "main");
	struct summary summary = {.next_seq = 0};
	struct written written;
	int64_t available = sql_disk_free(store);
	int code = sql_summary_read(store, &summary, &written);

	if (code == SQL_DONE)
		code = read_oldest(store, summary.lanes);
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	memcpy(stats->lanes, summary.lanes, sizeof(stats->lanes));
	stats->uploads = summary.uploads;
	stats->upload_ids = summary.upload_ids;
	stats->notices = summary.notices;
	stats->control = sql_control_now(
	    &summary, store->clock, store_time_at(&written.time, sql_now_ns(store)));
	stats->ledger = summary.ledger;
	stats->bytes = file_bytes(path, "");
	stats->wal_bytes = file_bytes(path, "-wal");
	stats->free_bytes = available > 0 ? available : 0;
	return STORE_DONE;
}
