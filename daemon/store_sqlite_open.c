/* Opening the SQLite store: lock, bounded check, recovery. */
#include "store_sqlite.h"

#include "lock.h"
#include "util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define first(store, which, ...) sql_first(&(store)->sql, (enum sql)(which), __VA_ARGS__)

enum err sqlite_lock(struct sqlite_store *store, struct fail *fail)
{
	const char *path = sqlite3_db_filename(store->db, "main");
	char name[4096];

	if (snprintf(name, sizeof(name), "%s.lock", path) >= (int)sizeof(name))
		return fail_set(
		    fail, ERR_INVALID, "the path of the store is too long: %.60s...", path);
	store->lock_fd = lock_take(name);
	if (store->lock_fd >= 0)
		return ERR_OK;
	if (errno == EWOULDBLOCK)
		return fail_set(fail, ERR_CONFLICT, "another daemon uses the store %s", path);
	return fail_set(fail, ERR_INTERNAL, "cannot take the lock %s: %s", name, strerror(errno));
}

/* Turns the failure of a turn into the failure of opening. */
static enum err open_failed(struct sqlite_store *store, int code, struct fail *fail)
{
	if (sql_failed(&store->sql, code, fail) != STORE_UNKNOWN)
		return fail->err;
	if ((code & 0xff) == SQLITE_IOERR)
		return fail_set(fail, ERR_INTERNAL, "the store %s cannot be read or written: %s",
		    store->path, sqlite3_errstr(code));
	return fail_set(fail, ERR_WRONG_STATE, "the store %s is damaged: %s", store->path,
	    sqlite3_errstr(code));
}

/* ---- recovery ---- */

/*
 * The bounded check: ledger and lanes are there, each lane's counter agrees with its line, and the
 * next submission number is a new one.
 */
static enum err check_summary(struct sqlite_store *store, struct fail *fail)
{
	static const char query[] =
	    "SELECT (SELECT count(*) FROM ledger) = 1 AND (SELECT count(*) FROM control) = 1 AND "
	    "(SELECT count(*) FROM lane) = 3 AND "
	    "(SELECT next_seq FROM ledger) > "
	    "coalesce((SELECT max(seq) FROM ingestion WHERE seq > 0), 0) AND "
	    "(SELECT next_num FROM ledger) > coalesce((SELECT max(num) FROM ingestion), 0) AND "
	    "((SELECT sum(later) FROM lane) > 0) = EXISTS (SELECT 1 FROM backoff) AND "
	    "NOT EXISTS (SELECT 1 FROM lane l WHERE "
	    "(l.yet_to_start + l.retrying - l.later > 0) != ("
	    "EXISTS (SELECT 1 FROM ingestion i WHERE i.priority = l.priority"
	    " AND i.next_batch < i.end_batch) OR "
	    "EXISTS (SELECT 1 FROM redo r WHERE r.priority = l.priority)))";
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(store->db, query, -1, &statement, NULL);
	bool sound = false;

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		sound = sqlite3_column_int64(statement, 0) == 1;
	sqlite3_finalize(statement);
	if (code != SQLITE_ROW)
		return open_failed(store, code, fail);
	if (sound)
		return ERR_OK;
	return fail_set(fail, ERR_WRONG_STATE,
	    "the store %s is damaged: ledger, lanes and lines do not agree (ingestd --check says "
	    "more)",
	    store->path);
}

static enum err recover(struct sqlite_store *store, struct store_found *found, struct fail *fail)
{
	struct ledger *ledger = &store->sql.now.ledger;
	struct written written = {.same_boot = false};
	int64_t boot_ns = clock_boot_ns(store->clock);
	int code = first(store, LITE_BEGIN, "");

	if (code == SQLITE_DONE)
		code = sqlite_summary_read(store, &store->sql.now, &written);
	store->time = written.time;
	store_time_recover(
	    &store->time, written.same_boot, written.utc_ms, boot_ns, clock_utc_ms(store->clock));
	if (code == SQLITE_DONE)
		code = sql_recover_running(&store->sql, store->sql.owner, &found->interrupted);
	if (code == SQLITE_DONE)
		code = sql_recover_cancelling(&store->sql);
	if (code == SQLITE_DONE)
		code = sql_notices_recover(&store->sql);
	if (code != SQLITE_DONE)
		return open_failed(store, code, fail);
	ledger_recover(ledger, written.same_boot, boot_ns);
	sql_control_apply(&store->sql);
	ledger->settle_ns = store->sql.settings.settle_ns;
	ledger->pack = store->sql.settings.pack;
	found->node = written.node;
	found->waiting = sql_waiting(&store->sql);
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		found->later += store->sql.now.lanes[lane].later;
	/* Like nothing that can be: all of it is written. */
	memset(&store->sql.committed, 0xff, sizeof(store->sql.committed));
	code = sqlite_summary_write(store);
	if (code == SQLITE_DONE)
		code = first(store, LITE_COMMIT, "");
	if (code != SQLITE_DONE)
		return open_failed(store, code, fail);
	store->sql.committed = store->sql.now;
	return ERR_OK;
}

enum err store_sqlite_open(struct store **result, const char *path,
    const struct store_settings *settings, const struct clock *clock, struct store_found *found,
    struct fail *fail)
{
	struct sqlite_store *store;

	*found = (struct store_found){0};
	fail->err = ERR_OK;
	if (sqlite_connect(&store, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, fail))
		goto failed;
	store->sql.store.ops = &store_sqlite_ops;
	store->clock = clock;
	store->sql.settings = *settings;
	/* What is not ours is not touched: no lock file beside it, and no checkpoint at the end. */
	if (sqlite_schema_verify(store, true, fail) || sqlite_lock(store, fail) ||
	    sqlite_schema_prepare(store, fail) || check_summary(store, fail) ||
	    recover(store, found, fail))
		goto failed;
	*result = &store->sql.store;
	return ERR_OK;
failed:
	store_sqlite_ops.close(&store->sql.store);
	return fail->err;
}

enum err store_sqlite_open_reader(
    struct store **result, const char *path, const struct clock *clock, struct fail *fail)
{
	struct sqlite_store *store;

	if (sqlite_connect(&store, path, SQLITE_OPEN_READONLY, fail)) {
		store_sqlite_ops.close(&store->sql.store);
		return fail->err;
	}
	store->sql.store.ops = &store_sqlite_reader_ops;
	store->clock = clock;
	*result = &store->sql.store;
	return ERR_OK;
}

const char *store_sqlite_library(void)
{
	return sqlite3_libversion();
}

/* SQLite takes ":memory:" and "file:..." for something else than paths. */
static enum err check_url(const char *where, struct fail *fail)
{
	fail->err = ERR_OK;
	if (*where == '\0' || *where == ':' || strncmp(where, "file:", 5) == 0)
		return fail_set(fail, ERR_INVALID,
		    "\"" STORE_SQLITE_SCHEME "%.80s\" is not " STORE_SQLITE_SCHEME "PATH", where);
	return ERR_OK;
}

const struct store_kind store_sqlite = {
    .scheme = STORE_SQLITE_SCHEME,
    .check_url = check_url,
    .open = store_sqlite_open,
    .open_reader = store_sqlite_open_reader,
    .rate = store_sqlite_rate,
    .check = store_sqlite_check,
    .schema = sqlite_schema,
};
