/* Connection and turns of the SQLite store. */
#include "store_sqlite.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 2000 /* for foreign tools that hold a lock on the file for a moment */

#define first(store, which, ...) sql_first(&(store)->sql, (enum sql)(which), __VA_ARGS__)

/* ---- turns ---- */

static enum store_result begin(struct store *base, struct fail *fail)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	int code;

	store->sql.now = store->sql.committed;
	code = first(store, LITE_BEGIN, "");
	return code == SQLITE_DONE ? STORE_DONE : sql_failed(&store->sql, code, fail);
}

static enum store_result commit(struct store *base, struct fail *fail)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	int code;

	sqlite_reset_all(store);
	code = sqlite_summary_write(store);
	if (code == SQLITE_DONE)
		code = first(store, LITE_COMMIT, "");
	if (code != SQLITE_DONE)
		return sql_failed(&store->sql, code, fail);
	store->sql.committed = store->sql.now;
	return STORE_DONE;
}

static enum store_result rollback(struct store *base, struct fail *fail)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	sqlite_reset_all(store);
	store->sql.now = store->sql.committed;
	/* After some errors SQLite has rolled back by itself (sqlite.org/lang_transaction.html). */
	if (!sqlite3_get_autocommit(store->db))
		first(store, LITE_ROLLBACK, "");
	if (sqlite3_get_autocommit(store->db))
		return STORE_DONE;
	fail_set(fail, ERR_UNKNOWN_OUTCOME, "it is unknown whether this was done: %s",
	    sqlite3_errmsg(store->db));
	return STORE_UNKNOWN;
}

static enum store_result begin_read(struct store *base, struct fail *fail)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	int code = first(store, LITE_BEGIN_READ, "");

	return code == SQLITE_DONE ? STORE_DONE : sql_failed(&store->sql, code, fail);
}

/* ---- life ---- */

void sqlite_tidy_on_close(struct sqlite_store *store, bool tidy)
{
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !tidy, NULL);
}

/* Why a file cannot be opened. SQLite tries several ways and keeps the error of the last one. */
static const char *why_not(const char *path, int flags)
{
	bool write = flags & SQLITE_OPEN_READWRITE, create = flags & SQLITE_OPEN_CREATE;
	int fd = open(path, (write ? O_RDWR : O_RDONLY) | (create ? O_CREAT : 0) | O_CLOEXEC, 0600);

	if (fd < 0)
		return strerror(errno);
	close(fd);
	return "SQLite does not say why";
}

enum err sqlite_connect(
    struct sqlite_store **result, const char *path, int flags, struct fail *fail)
{
	struct sqlite_store *store = xcalloc(1, sizeof(*store));

	store->sql.driver = &sqlite_driver;
	store->sql.shown = xstrdup(path);
	store->path = xstrdup(path);
	store->lock_fd = -1;
	*result = store;
	/* One thread at a time uses a connection, so SQLite needs no mutexes of its own. */
	if (sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return fail_set(
		    fail, ERR_INTERNAL, "cannot open the store %s: %s", path, why_not(path, flags));
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
	sqlite_tidy_on_close(store, false);
	return ERR_OK;
}

static void close_store(struct store *base)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	for (int i = 0; i < LITE_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	/* The lock goes last: whoever gets it finds the file at rest. */
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free(store->path);
	free(store->sql.shown);
	free(store);
}

const struct store_ops store_sqlite_ops = {
    .begin = begin,
    .run =
	{
	    SQL_WRITES,
	    [STORE_BEAT] = store_unshared,
	    [STORE_CLAIM] = sql_claim,
	    [STORE_STARTED] = sql_started,
	    SQL_READS,
	    [STORE_STATS] = sql_stats,
	    [STORE_NODES] = store_unshared,
	},
    .commit = commit,
    .rollback = rollback,
    .close = close_store,
};

const struct store_ops store_sqlite_reader_ops = {
    .begin = begin_read,
    .run =
	{
	    SQL_READS,
	    [STORE_STATS] = sql_stats,
	    [STORE_NODES] = store_unshared,
	},
    .rollback = rollback,
    .close = close_store,
};
