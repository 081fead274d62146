/* Connection, statements, turns and errors of the SQLite store. */
#include "store_sqlite.h"

#include "log.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 2000 /* for foreign tools that hold a lock on the file for a moment */

static const char *const texts[SQL_COUNT] = {
#define X(name, text) [SQL_##name] = text,
    SQL_LIST(X)
#undef X
};

/* ---- statements ---- */

static int prepare(struct sqlite_store *store, enum sql sql)
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
		const void *blob;
		int64_t number;

		switch (*types) {
		case 'i':
			code = sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
			break;
		case 'o':
			number = va_arg(args, int64_t);
			code = number == LEDGER_NONE ? sqlite3_bind_null(statement, i)
			                             : sqlite3_bind_int64(statement, i, number);
			break;
		case 't':
			code = sqlite3_bind_text(
			    statement, i, va_arg(args, const char *), -1, SQLITE_STATIC);
			break;
		case 'b':
			blob = va_arg(args, const void *);
			number = va_arg(args, int64_t);
			code = sqlite3_bind_blob64(
			    statement, i, blob, (sqlite3_uint64)number, SQLITE_STATIC);
			break;
		default:
			abort();
		}
	}
	return code;
}

int sqlite_first(struct sqlite_store *store, enum sql sql, const char *types, ...)
{
	va_list args;
	int code = prepare(store, sql);

	if (code != SQLITE_OK)
		return code;
	va_start(args, types);
	code = bind(store->statements[sql], types, args);
	va_end(args);
	if (code != SQLITE_OK)
		return code;
	code = sqlite3_step(store->statements[sql]);
	/* A statement without a row is reset at once: it must not hold the transaction open. */
	if (code == SQLITE_DONE)
		sqlite3_reset(store->statements[sql]);
	return code;
}

int sqlite_only(struct sqlite_store *store, enum sql sql)
{
	int code = sqlite3_step(sqlite_row(store, sql));

	sqlite3_reset(sqlite_row(store, sql));
	return code;
}

bool sqlite_take_blob(sqlite3_stmt *row, int column, void *to, size_t size)
{
	const void *blob = sqlite3_column_blob(row, column);

	if (!blob || sqlite3_column_bytes(row, column) != (int)size)
		return false;
	memcpy(to, blob, size);
	return true;
}

static void reset_all(struct sqlite_store *store)
{
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_reset(store->statements[i]);
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

enum store_result sqlite_failed(struct sqlite_store *store, int code, struct fail *fail)
{
	const char *text = sqlite3_errstr(code);

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
		    "it is unknown whether this was done: the store failed (%s, code %d)", text,
		    code);
		log_error(log_msg("store failed"), log_str("store", store->path),
		    log_str("reason", text), log_int("code", code),
		    log_int("errno", sqlite3_system_errno(store->db)));
		return STORE_UNKNOWN;
	default:
		fail_set(fail, ERR_INTERNAL, "the store refused: %s (code %d)", text, code);
		log_error(log_msg("store refused a statement"), log_str("store", store->path),
		    log_str("reason", text), log_int("code", code));
		return STORE_UNDONE;
	}
}

/* ---- the summary rows ---- */

static int64_t column_or_none(sqlite3_stmt *row, int column)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL ? LEDGER_NONE
	                                                       : sqlite3_column_int64(row, column);
}

static int read_ledger(struct sqlite_store *store, struct summary *summary, struct written *written)
{
	struct ledger *ledger = &summary->ledger;
	int code = sqlite_first(store, SQL_LEDGER_READ, "");
	sqlite3_stmt *row = sqlite_row(store, SQL_LEDGER_READ);

	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
	ledger->interval_ns = sqlite3_column_int64(row, 0);
	ledger->settle_ns = sqlite3_column_int64(row, 1);
	ledger->pack = sqlite3_column_int64(row, 2) != 0;
	written->same_boot = store->clock && strcmp((const char *)sqlite3_column_text(row, 3),
						 store->clock->boot_id) == 0;
	ledger->last_claim = column_or_none(row, 4);
	ledger->last_start = column_or_none(row, 5);
	ledger->ready_since = column_or_none(row, 6);
	written->utc_ms = sqlite3_column_int64(row, 7);
	written->time.boot_ns = sqlite3_column_int64(row, 8);
	written->time.ms = sqlite3_column_int64(row, 9);
	summary->next_seq = sqlite3_column_int64(row, 10);
	summary->uploads = sqlite3_column_int64(row, 11);
	summary->upload_ids = sqlite3_column_int64(row, 12);
	summary->notices = sqlite3_column_int64(row, 13);
	if (!sqlite_take_blob(row, 14, written->node.bytes, sizeof(written->node.bytes)))
		return SQLITE_CORRUPT;
	sqlite3_reset(row);
	return SQLITE_DONE;
}

static void take_stamp(sqlite3_stmt *row, int column, struct stamp *stamp)
{
	snprintf(stamp->who, sizeof(stamp->who), "%s", sqlite3_column_text(row, column));
	stamp->at_ms = sqlite3_column_int64(row, column + 1);
}

static int read_control(struct sqlite_store *store, struct summary *summary)
{
	struct control *control = &summary->control;
	int code = sqlite_first(store, SQL_CONTROL_READ, "");
	sqlite3_stmt *row = sqlite_row(store, SQL_CONTROL_READ);

	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
	control->pause = (enum pause)sqlite3_column_int(row, 0);
	control->pause_until_ms = sqlite3_column_int64(row, 1);
	take_stamp(row, 2, &control->paused);
	summary->hold_until_ms = sqlite3_column_int64(row, 4);
	control->rate_ns = sqlite3_column_int64(row, 5);
	take_stamp(row, 6, &control->rated);
	sqlite3_reset(row);
	return SQLITE_DONE;
}

/* The statuses in the order of their columns. */
static const enum ingestion_status lane_ingestions[] = {INGESTION_YET_TO_START, INGESTION_TRIGGERED,
    INGESTION_COMPLETED, INGESTION_FAILED, INGESTION_RECEIVING, INGESTION_CANCELLED,
    INGESTION_CANCELLING};
static const enum batch_status lane_batches[] = {BATCH_YET_TO_START, BATCH_TRIGGERED,
    BATCH_RETRYING, BATCH_COMPLETED, BATCH_FAILED, BATCH_CANCELLED};

static void take_lane(sqlite3_stmt *row, struct lane_total *lane)
{
	int column = 1;

	lane->ids = sqlite3_column_int64(row, column++);
	lane->later = sqlite3_column_int64(row, column++);
	for (size_t i = 0; i < COUNT_OF(lane_batches); i++)
		lane->batches[lane_batches[i]] = sqlite3_column_int64(row, column++);
	for (size_t i = 0; i < COUNT_OF(lane_ingestions); i++)
		lane->ingestions[lane_ingestions[i]] = sqlite3_column_int64(row, column++);
}

int sqlite_summary_read(
    struct sqlite_store *store, struct summary *summary, struct written *written)
{
	int code = read_ledger(store, summary, written);

	if (code == SQLITE_DONE)
		code = read_control(store, summary);
	if (code != SQLITE_DONE)
		return code;
	for (code = sqlite_first(store, SQL_LANES_READ, ""); code == SQLITE_ROW;
	     code = sqlite3_step(sqlite_row(store, SQL_LANES_READ))) {
		sqlite3_stmt *row = sqlite_row(store, SQL_LANES_READ);
		int64_t priority = sqlite3_column_int64(row, 0);

		if (priority >= PRIORITY_HIGH && priority <= PRIORITY_LOW)
			take_lane(row, &summary->lanes[priority - PRIORITY_HIGH]);
	}
	return code;
}

static int write_lane(struct sqlite_store *store, const struct lane_total *lane, int64_t priority)
{
	const int64_t *b = lane->batches, *i = lane->ingestions;

	return sqlite_first(store, SQL_LANE_WRITE, "iiiiiiiiiiiiiiii", lane->ids, lane->later,
	    b[BATCH_YET_TO_START], b[BATCH_TRIGGERED], b[BATCH_RETRYING], b[BATCH_COMPLETED],
	    b[BATCH_FAILED], b[BATCH_CANCELLED], i[INGESTION_YET_TO_START], i[INGESTION_TRIGGERED],
	    i[INGESTION_COMPLETED], i[INGESTION_FAILED], i[INGESTION_RECEIVING],
	    i[INGESTION_CANCELLED], i[INGESTION_CANCELLING], priority);
}

static int write_control(struct sqlite_store *store)
{
	const struct summary *now = &store->now;
	const struct control *control = &now->control;

	if (memcmp(control, &store->committed.control, sizeof(*control)) == 0 &&
	    now->hold_until_ms == store->committed.hold_until_ms)
		return SQLITE_DONE;
	return sqlite_first(store, SQL_CONTROL_WRITE, "iitiiiti", (int64_t)control->pause,
	    control->pause_until_ms, control->paused.who, control->paused.at_ms, now->hold_until_ms,
	    control->rate_ns, control->rated.who, control->rated.at_ms);
}

int sqlite_summary_write(struct sqlite_store *store)
{
	const struct summary *now = &store->now;
	const struct ledger *ledger = &now->ledger;
	int64_t boot_ns = clock_boot_ns(store->clock);
	int code = SQLITE_DONE;

	if (memcmp(now, &store->committed, sizeof(*now)) == 0)
		return code;
	for (int i = 0; i < PRIORITY_COUNT && code == SQLITE_DONE; i++)
		if (memcmp(&now->lanes[i], &store->committed.lanes[i], sizeof(now->lanes[i])) != 0)
			code = write_lane(store, &now->lanes[i], (int64_t)i + PRIORITY_HIGH);
	if (code == SQLITE_DONE)
		code = write_control(store);
	if (code != SQLITE_DONE)
		return code;
	return sqlite_first(store, SQL_LEDGER_WRITE, "iiitoooiiiiiii", ledger->interval_ns,
	    ledger->settle_ns, (int64_t)ledger->pack, store->clock->boot_id, ledger->last_claim,
	    ledger->last_start, ledger->ready_since, clock_utc_ms(store->clock), boot_ns,
	    store_time_at(&store->time, boot_ns), now->next_seq, now->uploads, now->upload_ids,
	    now->notices);
}

/* ---- turns ---- */

static enum store_result begin(struct store *base, struct fail *fail)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	int code;

	store->now = store->committed;
	code = sqlite_first(store, SQL_BEGIN, "");
	return code == SQLITE_DONE ? STORE_DONE : sqlite_failed(store, code, fail);
}

static enum store_result commit(struct store *base, struct fail *fail)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	int code;

	reset_all(store);
	code = sqlite_summary_write(store);
	if (code == SQLITE_DONE)
		code = sqlite_first(store, SQL_COMMIT, "");
	if (code != SQLITE_DONE)
		return sqlite_failed(store, code, fail);
	store->committed = store->now;
	return STORE_DONE;
}

static enum store_result rollback(struct store *base, struct fail *fail)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	reset_all(store);
	store->now = store->committed;
	/* After some errors SQLite has rolled back by itself (sqlite.org/lang_transaction.html). */
	if (!sqlite3_get_autocommit(store->db))
		sqlite_first(store, SQL_ROLLBACK, "");
	if (sqlite3_get_autocommit(store->db))
		return STORE_DONE;
	fail_set(fail, ERR_UNKNOWN_OUTCOME, "it is unknown whether this was done: %s",
	    sqlite3_errmsg(store->db));
	return STORE_UNKNOWN;
}

static enum store_result begin_read(struct store *base, struct fail *fail)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	int code = sqlite_first(store, SQL_BEGIN_READ, "");

	return code == SQLITE_DONE ? STORE_DONE : sqlite_failed(store, code, fail);
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

	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	/* The lock goes last: whoever gets it finds the file at rest. */
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free(store->path);
	free(store);
}

const struct store_ops store_sqlite_ops = {
    .begin = begin,
    .run =
	{
	    [STORE_SUBMIT] = sqlite_submit,
	    [STORE_OPEN] = sqlite_open,
	    [STORE_APPEND] = sqlite_append,
	    [STORE_SEAL] = sqlite_seal,
	    [STORE_CANCEL] = sqlite_cancel,
	    [STORE_RETRY] = sqlite_retry,
	    [STORE_BUMP] = sqlite_bump,
	    [STORE_CONTROL] = sqlite_control,
	    [STORE_NOTICE] = sqlite_notice,
	    [STORE_TOLD] = sqlite_told,
	    [STORE_SWEEP] = sqlite_sweep,
	    [STORE_BEAT] = store_unshared,
	    [STORE_CLAIM] = sqlite_claim,
	    [STORE_STARTED] = sqlite_started,
	    [STORE_FINISH] = sqlite_finish,
	    [STORE_STATUS] = sqlite_status,
	    [STORE_REPORT] = sqlite_report,
	    [STORE_LIST] = sqlite_list,
	    [STORE_STATS] = sqlite_stats,
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
	    [STORE_STATUS] = sqlite_status,
	    [STORE_REPORT] = sqlite_report,
	    [STORE_LIST] = sqlite_list,
	    [STORE_STATS] = sqlite_stats,
	    [STORE_NODES] = store_unshared,
	},
    .rollback = rollback,
    .close = close_store,
};
