/* The full check of a store at rest. */
#include "store_sqlite.h"

#include "util.h"

#define LEDGER "ledger"

static const char *const checks[] = {
    "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check != 'ok'",

    "SELECT 'the row of the ledger, of control or of a lane is missing' WHERE"
    " (SELECT count(*) FROM ledger) != 1 OR (SELECT count(*) FROM control) != 1 OR"
    " (SELECT count(*) FROM lane) != 3",

#include "store_sql_checks.h"
};

static bool check_passes(struct sqlite_store *store, const char *query, struct fail *fail)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(store->db, query, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		fail_set(fail, ERR_WRONG_STATE, "%s: %s", store->path,
		    sqlite3_column_text(statement, 0));
	else if (code != SQLITE_DONE)
		fail_set(fail, ERR_WRONG_STATE, "%s: %s", store->path, sqlite3_errmsg(store->db));
	sqlite3_finalize(statement);
	return code == SQLITE_DONE;
}

bool store_sqlite_check(const char *path, struct fail *fail)
{
	struct sqlite_store *store;
	bool sound = !sqlite_connect(&store, path, SQLITE_OPEN_READWRITE, fail) &&
	             !sqlite_lock(store, fail) && !sqlite_schema_verify(store, false, fail);

	for (size_t i = 0; sound && i < COUNT_OF(checks); i++)
		sound = check_passes(store, checks[i], fail);
	store_sqlite_ops.close(&store->sql.store);
	return sound;
}
