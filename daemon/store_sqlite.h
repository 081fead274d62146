/* What the files of the SQLite store share; nobody else includes this. */
#ifndef INGESTD_STORE_SQLITE_H
#define INGESTD_STORE_SQLITE_H

#include "store_sql.h"
#include "store_sqlite_sql.h"

#include <sqlite3.h>

#define SQLITE_STORE_APPLICATION_ID 0x696e6764 /* "ingd", in the header of the file */
#define SQLITE_STORE_VERSION 1 /* of the schema */

struct sqlite_store {
	struct sql_store sql;
	sqlite3 *db;
	sqlite3_stmt *statements[LITE_COUNT]; /* of both lists */
	char *path;
	int lock_fd; /* -1 in a reader */
	const struct clock *clock;
	struct store_time time;
};

_Static_assert((int)SQL_CORRUPT == SQLITE_CORRUPT && (int)SQL_ROW == SQLITE_ROW &&
		   (int)SQL_DONE == SQLITE_DONE,
    "the codes of store_sql.h are those of SQLite");

/* ---- store_sqlite.c ---- */

extern const struct store_ops store_sqlite_ops, store_sqlite_reader_ops;

/* Opens the connection; neither lock nor schema. Closing it leaves the files as they are. */
enum err sqlite_connect(
    struct sqlite_store **store, const char *path, int flags, struct fail *fail);

/* Whether closing the connection may tidy up: write the WAL into the database and remove it. */
void sqlite_tidy_on_close(struct sqlite_store *store, bool tidy);

/* ---- store_sqlite_driver.c: statements and errors ---- */

extern const struct sql_driver sqlite_driver;

/* Ends all statements. */
void sqlite_reset_all(struct sqlite_store *store);

/* ---- store_sqlite_summary.c: the rows that every turn needs ---- */

/* Which moment the summary was written at, and in whose store. */
struct written {
	struct uuid node;
	bool same_boot;
	int64_t utc_ms;
	struct store_time time;
};

/* Read and write the summary; SQL_DONE or an error. */
int sqlite_summary_read(
    struct sqlite_store *store, struct summary *summary, struct written *written);
int sqlite_summary_write(struct sqlite_store *store);

/* ---- store_sqlite_schema.c ---- */

/* What a new store consists of. */
extern const char sqlite_schema[];

/*
 * Refuses what is not ours or newer; with `migratable` false also what is older or has no schema
 * yet. Changes nothing.
 */
enum err sqlite_schema_verify(struct sqlite_store *store, bool migratable, struct fail *fail);

/* Makes or migrates the schema of a store that was verified. */
enum err sqlite_schema_prepare(struct sqlite_store *store, struct fail *fail);

/* ---- store_sqlite_open.c ---- */

/*
 * SQLite itself would let two daemons write to one file; this lock does not. It stands beside the
 * file itself, wherever links lead there.
 */
enum err sqlite_lock(struct sqlite_store *store, struct fail *fail);

#endif
