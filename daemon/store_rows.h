/*
 * Rows on their way from a store of one kind into another: what store_migrate.c knows of SQLite,
 * from which they come, and of PostgreSQL, where they go. Synchronous, of one thread. Whatever
 * fails fills *fail: ERR_CONFLICT and ERR_WRONG_STATE when a store is refused, ERR_BUSY when the
 * connection is lost, ERR_DISK_LOW, ERR_INTERNAL.
 */
#ifndef INGESTD_STORE_ROWS_H
#define INGESTD_STORE_ROWS_H

#include "err.h"
#include "uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROWS_COLUMNS 48 /* most columns of a table */
#define ROWS_KEYS 3 /* most columns of a key */

enum cell_kind { CELL_NULL, CELL_NUMBER, CELL_TEXT, CELL_BLOB };

struct cell {
	enum cell_kind kind;
	int64_t number;
	const void *data; /* of a text or blob; borrowed until the next row */
	size_t len;
};

struct row {
	int n;
	struct cell cells[ROWS_COLUMNS];
};

/* Columns are those of SQLite; the other store has the same. */
struct row_names {
	int n;
	const char *names[ROWS_COLUMNS]; /* borrowed until another table is begun */
};

struct rows_table {
	const char *name;
	int keys; /* how many columns are its key: the first ones, all of them numbers */
	const char *store_time; /* a column in the store's own time, which gets UTC; NULL: none */
	const char *array; /* a column that is a text on the way and an array there; NULL: none */
};

/* ---- store_sqlite_rows.c: where they come from ---- */

struct rows_source;

/*
 * Takes the lock of the store at `path`, so that no daemon runs on it, and looks at it as it is
 * then. To be closed also when that fails.
 */
enum err rows_source_open(struct rows_source **source, const char *path, struct fail *fail);
void rows_source_close(struct rows_source *source);

/* The store's own id. */
struct uuid rows_source_id(const struct rows_source *source);

/* Whether a batch was ever claimed. */
bool rows_source_claimed(const struct rows_source *source);

/*
 * Begins to read a table in the order of its key: the rows behind `after`, all of them if that is
 * NULL. "moment" is what ledger, control and lanes say together: one row.
 */
enum err rows_source_begin(struct rows_source *source, const struct rows_table *table,
    const int64_t *after, struct row_names *names, struct fail *fail);

/* False: there is none any more, or *fail is set. */
bool rows_source_next(struct rows_source *source, struct row *row, struct fail *fail);

/* ---- store_postgres_rows.c: where they go ---- */

struct rows_target;

/* Connects. To be closed also when that fails. `shown` is the URL without its password; both are
 * borrowed. */
enum err rows_target_open(
    struct rows_target **target, const char *url, const char *shown, struct fail *fail);
void rows_target_close(struct rows_target *target);

/*
 * Makes the tables where there are none, and marks the store as the copy of store `id`, which keeps
 * daemons away. ERR_CONFLICT when it is in use already, or marked as that of another one.
 */
enum err rows_target_claim(struct rows_target *target, const struct uuid *id, struct fail *fail);

/* The greatest key that is there; *any is false when there is none. */
enum err rows_target_last(struct rows_target *target, const struct rows_table *table,
    const struct row_names *names, int64_t last[ROWS_KEYS], bool *any, struct fail *fail);

/* Adds rows: all of them when the end comes back with ERR_OK, else none. */
enum err rows_target_put_begin(struct rows_target *target, const struct rows_table *table,
    const struct row_names *names, struct fail *fail);
enum err rows_target_put(struct rows_target *target, const struct row *row, struct fail *fail);
enum err rows_target_put_end(struct rows_target *target, struct fail *fail);

/* Reads a table as rows_source_begin() and rows_source_next() do. */
enum err rows_target_begin(struct rows_target *target, const struct rows_table *table,
    const struct row_names *names, struct fail *fail);
bool rows_target_next(struct rows_target *target, struct row *row, struct fail *fail);

/* Has the database learn how many rows there are, for its plans. */
enum err rows_target_analyze(
    struct rows_target *target, const struct rows_table *table, struct fail *fail);

/*
 * Writes the ledger, so that the first slot comes a full interval from now, if there ever was one.
 * It can be read back; it counts, and the mark is gone, with the commit.
 */
enum err rows_target_write_moment(struct rows_target *target, const struct row_names *names,
    const struct row *row, bool claimed, struct fail *fail);
enum err rows_target_commit(struct rows_target *target, struct fail *fail);

#endif
