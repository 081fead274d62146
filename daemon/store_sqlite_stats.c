/* What the store knows about itself. */
#include "store_sqlite.h"

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

/* When the first ingestions in line were submitted. SQLITE_DONE or an error. */
static int read_oldest(struct sqlite_store *store, struct lane_total *lanes)
{
	struct head head;
	int code;

	for (int lane = 0; lane < PRIORITY_COUNT; lane++) {
		code = sqlite_line_head(store, (enum priority)(lane + PRIORITY_HIGH), &head);
		if (!sqlite_went_well(code))
			return code;
		lanes[lane].oldest_ms = code == SQLITE_ROW ? head.created_ms : 0;
	}
	return SQLITE_DONE;
}

enum store_result sqlite_stats(struct store *base, struct store_op *op)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	struct store_stats *stats = &op->stats;
	const char *path = sqlite3_db_filename(store->db, "main");
	struct summary summary = {.next_seq = 0};
	struct written written;
	int64_t available = sqlite_disk_free(store);
	int code = sqlite_summary_read(store, &summary, &written);

	if (code == SQLITE_DONE)
		code = read_oldest(store, summary.lanes);
	if (code != SQLITE_DONE)
		return sqlite_failed(store, code, &op->fail);
	memcpy(stats->lanes, summary.lanes, sizeof(stats->lanes));
	stats->uploads = summary.uploads;
	stats->upload_ids = summary.upload_ids;
	stats->notices = summary.notices;
	stats->control = sqlite_control_now(
	    &summary, store->clock, store_time_at(&written.time, clock_boot_ns(store->clock)));
	stats->ledger = summary.ledger;
	stats->bytes = file_bytes(path, "");
	stats->wal_bytes = file_bytes(path, "-wal");
	stats->free_bytes = available > 0 ? available : 0;
	return STORE_DONE;
}
