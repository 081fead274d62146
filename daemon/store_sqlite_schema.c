/* The schema of the SQLite store and its versions. */
#include "store_sqlite.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

const char sqlite_schema[] =
#include "schema_sqlite.sql.h"
    ;

/* Each entry brings a store from version i to version i + 1, inside one transaction. */
static const char *const migrations[SQLITE_STORE_VERSION] = {sqlite_schema};

static int64_t read_pragma(struct sqlite_store *store, const char *query, int *code)
{
	sqlite3_stmt *statement;
	int64_t value = -1;

	*code = sqlite3_prepare_v2(store->db, query, -1, &statement, NULL);
	if (*code != SQLITE_OK)
		return value;
	*code = sqlite3_step(statement);
	if (*code == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

/* Version of the store; 0 for a file in which nothing is yet. */
static enum err read_version(struct sqlite_store *store, int64_t *version, struct fail *fail)
{
	int code;
	int64_t application = read_pragma(store, "PRAGMA application_id", &code), objects;

	if (code == SQLITE_ROW)
		*version = read_pragma(store, "PRAGMA user_version", &code);
	if (code == SQLITE_ROW)
		objects = read_pragma(store, "SELECT count(*) FROM sqlite_schema", &code);
	if (code != SQLITE_ROW)
		return fail_set(fail, code == SQLITE_NOTADB ? ERR_WRONG_STATE : ERR_INTERNAL,
		    "%s cannot be read as a store: %s", store->path, sqlite3_errmsg(store->db));
	if (application == 0 && *version == 0 && objects == 0)
		return ERR_OK;
	if (application != SQLITE_STORE_APPLICATION_ID || *version < 1)
		return fail_set(fail, ERR_WRONG_STATE,
		    "%s is a database of another program, not a store of ingestd", store->path);
	if (*version > SQLITE_STORE_VERSION)
		return fail_set(fail, ERR_WRONG_STATE,
		    "%s has schema version %lld; this ingestd knows versions up to %d: use a newer "
		    "one",
		    store->path, (long long)*version, SQLITE_STORE_VERSION);
	return ERR_OK;
}

/* What a failed statement of the setting-up means for who starts the daemon. */
static enum err setup_failed(struct sqlite_store *store, const char *what, struct fail *fail)
{
	bool full = (sqlite3_errcode(store->db) & 0xff) == SQLITE_FULL;

	return fail_set(fail, full ? ERR_DISK_LOW : ERR_INTERNAL, "%s: %s failed: %s", store->path,
	    what, sqlite3_errmsg(store->db));
}

/* The pragma answers with the mode in force, which is another one where WAL is not possible. */
static bool switch_to_wal(struct sqlite_store *store)
{
	sqlite3_stmt *statement;
	bool done = false;

	if (sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL) !=
	    SQLITE_OK)
		return false;
	if (sqlite3_step(statement) == SQLITE_ROW)
		done = strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
	/* The header is written when the statement ends. */
	done = sqlite3_step(statement) == SQLITE_DONE && done;
	sqlite3_finalize(statement);
	return done;
}

/* WAL with an fsync per commit, so that what was answered survives a power failure. */
static enum err set_pragmas(struct sqlite_store *store, struct fail *fail)
{
	static const char pragmas[] = "PRAGMA synchronous = FULL;"
				      "PRAGMA wal_autocheckpoint = 1000;"
				      "PRAGMA journal_size_limit = 67108864;"
				      "PRAGMA trusted_schema = OFF;"
				      "PRAGMA cell_size_check = ON";

	if (!switch_to_wal(store))
		return setup_failed(
		    store, "switching to WAL mode, which needs a local disk,", fail);
	if (sqlite3_exec(store->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return setup_failed(store, "setting up", fail);
	return ERR_OK;
}

static enum err migrate(struct sqlite_store *store, int64_t version, struct fail *fail)
{
	char header[128];

	if (version == SQLITE_STORE_VERSION)
		return ERR_OK;
	snprintf(header, sizeof(header), "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    SQLITE_STORE_APPLICATION_ID, SQLITE_STORE_VERSION);
	if (sqlite3_exec(store->db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
		return setup_failed(store, "migrating", fail);
	for (; version < SQLITE_STORE_VERSION; version++)
		if (sqlite3_exec(store->db, migrations[version], NULL, NULL, NULL) != SQLITE_OK)
			return setup_failed(store, "migrating", fail);
	if (sqlite3_exec(store->db, header, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return setup_failed(store, "migrating", fail);
	return ERR_OK;
}

enum err sqlite_schema_verify(struct sqlite_store *store, bool migratable, struct fail *fail)
{
	int64_t version;

	if (read_version(store, &version, fail))
		return fail->err;
	if (!migratable && version != SQLITE_STORE_VERSION)
		return fail_set(fail, ERR_WRONG_STATE, "%s has schema version %lld, not %d",
		    store->path, (long long)version, SQLITE_STORE_VERSION);
	return ERR_OK;
}

enum err sqlite_schema_prepare(struct sqlite_store *store, struct fail *fail)
{
	int64_t version;

	if (read_version(store, &version, fail) || set_pragmas(store, fail) ||
	    migrate(store, version, fail))
		return fail->err;
	sqlite_tidy_on_close(store, true);
	return ERR_OK;
}
