/* SQLite as a driver of store_sql.h: statements, columns, errors, clocks. */
#include "store_sqlite.h"

#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static const char *const texts[LITE_COUNT] = {
#define X(name, text) [SQL_##name] = text,
    SQL_LIST(X)
#undef X
#define X(name, text) [LITE_##name] = text,
	SQLITE_LIST(X)
#undef X
};

/* ---- statements ---- */

static int prepare(struct sqlite_store *store, int sql)
{
	if (store->statements[sql]) {
		sqlite3_reset(store->statements[sql]);
		return SQLITE_OK;
	}
	return sqlite3_prepare_v3(
	    store->db, texts[sql], -1, SQLITE_PREPARE_PERSISTENT, &store->statements[sql], NULL);
}

/* Arguments are borrowed until the statement is reset: that is what SQLITE_STATIC says. */
static int bind(sqlite3_stmt *statement, const char *types, va_list args)
{
	int code = SQLITE_OK;

	for (int i = 1; *types && code == SQLITE_OK; i++, types++) {
		const void *bytes;
		int64_t value;

		switch (*types) {
		case 'i':
			code = sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
			break;
		case 'o':
			value = va_arg(args, int64_t);
			code = value == LEDGER_NONE ? sqlite3_bind_null(statement, i)
			                            : sqlite3_bind_int64(statement, i, value);
			break;
		case 't':
			code = sqlite3_bind_text(
			    statement, i, va_arg(args, const char *), -1, SQLITE_STATIC);
			break;
		case 'b':
			bytes = va_arg(args, const void *);
			value = va_arg(args, int64_t);
			code = sqlite3_bind_blob64(
			    statement, i, bytes, (sqlite3_uint64)value, SQLITE_STATIC);
			break;
		default:
			abort();
		}
	}
	return code;
}

static int first(struct sql_store *base, enum sql sql, const char *types, va_list args)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	int code = prepare(store, sql);

	if (code != SQLITE_OK)
		return code;
	code = bind(store->statements[sql], types, args);
	if (code != SQLITE_OK)
		return code;
	code = sqlite3_step(store->statements[sql]);
	/* A statement without a row is reset at once: it must not hold the transaction open. */
	if (code == SQLITE_DONE)
		sqlite3_reset(store->statements[sql]);
	return code;
}

static sqlite3_stmt *statement_of(const struct sql_store *store, enum sql sql)
{
	return ((const struct sqlite_store *)store)->statements[sql];
}

static int next(struct sql_store *store, enum sql sql)
{
	return sqlite3_step(statement_of(store, sql));
}

static void reset(struct sql_store *store, enum sql sql)
{
	sqlite3_reset(statement_of(store, sql));
}

void sqlite_reset_all(struct sqlite_store *store)
{
	for (int i = 0; i < LITE_COUNT; i++)
		sqlite3_reset(store->statements[i]);
}

/* ---- columns ---- */

static bool is_null(struct sql_row row, int column)
{
	return sqlite3_column_type(statement_of(row.store, row.sql), column) == SQLITE_NULL;
}

static int64_t number(struct sql_row row, int column)
{
	return sqlite3_column_int64(statement_of(row.store, row.sql), column);
}

static const char *text(struct sql_row row, int column)
{
	return (const char *)sqlite3_column_text(statement_of(row.store, row.sql), column);
}

static const void *blob(struct sql_row row, int column, size_t *size)
{
	sqlite3_stmt *statement = statement_of(row.store, row.sql);
	const void *bytes = sqlite3_column_blob(statement, column);

	*size = (size_t)sqlite3_column_bytes(statement, column);
	return bytes;
}

/* ---- errors ---- */

/*
 * A full disk where SQLite had to make the WAL or its index bigger arrives as an I/O error; nothing
 * of the transaction is on disk then.
 */
static bool is_disk_full(int code, int system_error)
{
	return (code & 0xff) == SQLITE_FULL ||
	       (system_error == ENOSPC &&
		   (code == SQLITE_IOERR_SHMSIZE || code == SQLITE_IOERR_SHMMAP ||
		       code == SQLITE_IOERR_SHMOPEN || code == SQLITE_IOERR_WRITE));
}

static enum store_result failed(struct sql_store *base, int code, struct fail *fail)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	const char *reason = sqlite3_errstr(code);

	if (is_disk_full(code, sqlite3_system_errno(store->db))) {
		fail_set(fail, ERR_DISK_LOW, "the disk of %s is full", store->path);
		return STORE_UNDONE;
	}
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		fail_set(fail, ERR_BUSY, "another program holds a lock on %s", store->path);
		return STORE_UNDONE;
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_DONE:
	case SQLITE_ROW:
		/* No further fsync, which might seem to succeed: recovery shall find what is there.
		 */
		sqlite_tidy_on_close(store, false);
		fail_set(fail, ERR_UNKNOWN_OUTCOME,
		    "it is unknown whether this was done: the store failed (%s, code %d)", reason,
		    code);
		log_error(log_msg("store failed"), log_str("store", store->path),
		    log_str("reason", reason), log_int("code", code),
		    log_int("errno", sqlite3_system_errno(store->db)));
		return STORE_UNKNOWN;
	default:
		fail_set(fail, ERR_INTERNAL, "the store refused: %s (code %d)", reason, code);
		log_error(log_msg("store refused a statement"), log_str("store", store->path),
		    log_str("reason", reason), log_int("code", code));
		return STORE_UNDONE;
	}
}

/* ---- what is around it ---- */

static void now(const struct sql_store *base, struct sql_time *time)
{
	const struct sqlite_store *store = (const struct sqlite_store *)base;
	int64_t boot_ns = clock_boot_ns(store->clock);

	*time = (struct sql_time){.ns = boot_ns,
	    .ms = store_time_at(&store->time, boot_ns),
	    .utc_ms = clock_utc_ms(store->clock)};
}

static int summary(struct sql_store *base, struct summary *found, struct sql_time *time)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	struct written written;
	int code = sqlite_summary_read(store, found, &written);

	now(base, time);
	if (code == SQLITE_DONE)
		time->ms = store_time_at(&written.time, time->ns);
	return code;
}

static int64_t disk_free(const struct sql_store *base)
{
	const struct sqlite_store *store = (const struct sqlite_store *)base;
	struct statvfs disk;

	return statvfs(store->path, &disk) == 0 ? (int64_t)(disk.f_bavail * disk.f_frsize) : -1;
}

static int64_t file_bytes(const char *path, const char *suffix)
{
	char name[4096];
	struct stat file;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return stat(name, &file) == 0 ? (int64_t)file.st_size : 0;
}

static void size(struct sql_store *base, int64_t *bytes, int64_t *wal_bytes)
{
	const char *path = sqlite3_db_filename(((struct sqlite_store *)base)->db, "main");

	*bytes = file_bytes(path, "");
	*wal_bytes = file_bytes(path, "-wal");
}

const struct sql_driver sqlite_driver = {
    .first = first,
    .next = next,
    .reset = reset,
    .is_null = is_null,
    .number = number,
    .text = text,
    .blob = blob,
    .failed = failed,
    .time = now,
    .summary = summary,
    .disk_free = disk_free,
    .size = size,
};
