/* A look into a store that may be in use, from outside of the daemon. */
#include "store_sqlite.h"

#include "util.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 1000

/* The path as a URI (RFC 3986), with the parameters that follow. */
static char *uri_of(const char *path, const char *parameters)
{
	struct buf uri = {0};

	buf_add_str(&uri, "file:");
	for (; *path; path++)
		if (isalnum((unsigned char)*path) || strchr("/-._~", *path))
			buf_add(&uri, path, 1);
		else
			buf_printf(&uri, "%%%02X", (unsigned char)*path);
	buf_add_str(&uri, parameters);
	return uri.data;
}

/*
 * Without a log (WAL) beside it the store is at rest, and the file says it all: then nothing is
 * locked, and no file is made beside it.
 */
static sqlite3 *open_to_look(const char *path)
{
	char *log = xasprintf("%s-wal", path);
	char *uri = uri_of(path, access(log, F_OK) == 0 ? "" : "?immutable=1");
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) != SQLITE_OK) {
		sqlite3_close(db);
		db = NULL;
	}
	free(uri);
	free(log);
	return db;
}

bool store_sqlite_rate(const char *path, int64_t *interval_ns)
{
	sqlite3 *db = open_to_look(path);
	sqlite3_stmt *statement = NULL;

	*interval_ns = 0;
	if (!db)
		return false;
	sqlite3_busy_timeout(db, PATIENCE_MS);
	/* An older store, or something else, does not have the table. */
	if (sqlite3_prepare_v2(db, "SELECT rate_ns FROM control", -1, &statement, NULL) ==
		SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		*interval_ns = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return *interval_ns > 0;
}
