/*
 * What the stores of SQLite and PostgreSQL have in common: all that is done to the rows. It is
 * written against a few calls, the driver, which knows the library; the statements are in
 * store_sql_list.h, in words that both understand. Nobody includes this but store_sql*,
 * store_sqlite* and store_postgres*.
 */
#ifndef INGESTD_STORE_SQL_H
#define INGESTD_STORE_SQL_H

#include "store.h"
#include "store_sql_list.h"

#include <stdarg.h>

#define INLINE_IDS 64 /* the longest list that stays in the row of its ingestion */
#define CHUNK_IDS 1024
#define CHUNKS_MAX 131072 /* per ingestion; IDLIST_MAX needs 97657 */

/* The rows that every turn needs: read once, at its beginning at the latest, and written once, at
 * its commit. */
struct summary {
	struct ledger ledger; /* its moments are those of sql_time.ns */
	struct lane_total lanes[PRIORITY_COUNT]; /* HIGH first */
	int64_t next_num, next_seq;
	int64_t uploads, upload_ids; /* not sealed */
	int64_t notices;
	struct control control; /* as it was set; without hold_ms */
	int64_t hold_until_ms; /* of the store's time */
};

/* A moment, by the clocks that a store goes by. */
struct sql_time {
	int64_t ns; /* the ledger's: boot_ns, or the time of the database */
	int64_t ms; /* the store's (store.h, store_time) */
	int64_t utc_ms; /* of this machine, for people */
};

struct sql_store;

/* The row that a statement stands at; good until the statement is used again or reset. */
struct sql_row {
	struct sql_store *store;
	enum sql sql;
};

/* What a call comes back with; other values are errors, which sql_failed() understands. */
enum sql_code {
	SQL_CORRUPT = 11, /* the rows contradict each other, or one is missing */
	SQL_ROW = 100,
	SQL_DONE = 101,
};

/* What the two stores do differently. */
struct sql_driver {
	int (*first)(struct sql_store *store, enum sql sql, const char *types, va_list args);
	/* NULL, or see sql_ahead(). */
	void (*ahead)(struct sql_store *store, enum sql sql, const char *types, va_list args);
	int (*next)(struct sql_store *store, enum sql sql);
	void (*reset)(struct sql_store *store, enum sql sql);
	bool (*is_null)(struct sql_row row, int column);
	int64_t (*number)(struct sql_row row, int column);
	const char *(*text)(struct sql_row row, int column);
	const void *(*blob)(struct sql_row row, int column, size_t *size);
	enum store_result (*failed)(struct sql_store *store, int code, struct fail *fail);
	void (*time)(const struct sql_store *store, struct sql_time *time);
	/* Reads the summary as it is on disk, and the moment to see it in. */
	int (*summary)(struct sql_store *store, struct summary *summary, struct sql_time *time);
	/* Bytes that the disk has free for the store; -1 when that is not known. */
	int64_t (*disk_free)(const struct sql_store *store);
	/* Bytes of the store, and of these of its log. */
	void (*size)(struct sql_store *store, int64_t *bytes, int64_t *wal_bytes);
};

/* Every store of SQL begins with this. */
struct sql_store {
	struct store store;
	const struct sql_driver *driver;
	struct store_settings settings;
	char *shown; /* what texts call the store */
	int64_t owner; /* of the batches that are claimed here: number of the node, or 0 */
	int64_t due_shift_ms; /* what turns the due time in SQL_BATCHES_READ into UTC */
	struct summary committed; /* as on disk */
	struct summary now; /* with the changes of this turn */
};

/* ---- store_sql.c: calls of the driver ---- */

/*
 * Runs a statement up to its first row: SQL_ROW, SQL_DONE, or an error. It can be stepped further;
 * it is reset when it is used again and at the end of the turn. A statement that gives no rows may
 * be done later in the turn; its error comes with a later call, then.
 * `types` has a letter per argument: i int64_t, t const char * (NULL is NULL), b const void * and
 * int64_t (a blob and its length; NULL is NULL), o int64_t that is NULL for LEDGER_NONE. Texts and
 * blobs are borrowed until the statement is reset.
 */
int sql_first(struct sql_store *store, enum sql sql, const char *types, ...);

/*
 * sql_first() is going to be called for this once, with the same arguments: it may be run already
 * now, in one round trip with what comes next.
 */
void sql_ahead(struct sql_store *store, enum sql sql, const char *types, ...);

/* The row of the statement that sql_first() or sql_next() came to. */
static inline struct sql_row sql_row(struct sql_store *store, enum sql sql)
{
	return (struct sql_row){store, sql};
}

/* Goes on to the next row: SQL_ROW, SQL_DONE or an error. */
static inline int sql_next(struct sql_row row)
{
	return row.store->driver->next(row.store, row.sql);
}

/* Ends a statement before its last row. */
static inline void sql_reset(struct sql_row row)
{
	row.store->driver->reset(row.store, row.sql);
}

/* Ends a statement that was to give one row: SQL_DONE, or SQL_ROW when there are more. */
int sql_only(struct sql_store *store, enum sql sql);

/*
 * Ends a statement that gives a row for each that it changes, of which sql_first() has returned
 * `code`. SQL_DONE or an error.
 */
int sql_count(struct sql_store *store, enum sql sql, int code, int *rows);

static inline bool sql_is_null(struct sql_row row, int column)
{
	return row.store->driver->is_null(row, column);
}

/* 0 for NULL. */
static inline int64_t sql_number(struct sql_row row, int column)
{
	return row.store->driver->number(row, column);
}

/* NULL for NULL; borrowed, as long as the row is good. So is the next one. */
static inline const char *sql_text(struct sql_row row, int column)
{
	return row.store->driver->text(row, column);
}

static inline const void *sql_blob(struct sql_row row, int column, size_t *size)
{
	return row.store->driver->blob(row, column, size);
}

/* Copies the blob in the column; false when it has another size. */
bool sql_take_blob(struct sql_row row, int column, void *to, size_t size);

/* True when `code` is SQL_DONE or SQL_ROW. */
static inline bool sql_went_well(int code)
{
	return code == SQL_DONE || code == SQL_ROW;
}

/*
 * What the code of a failed call means for the turn; fills *fail and logs the cause. SQL_DONE,
 * where a row had to be there, is damage like SQL_CORRUPT.
 */
static inline enum store_result sql_failed(struct sql_store *store, int code, struct fail *fail)
{
	return store->driver->failed(store, code, fail);
}

static inline struct sql_time sql_time(const struct sql_store *store)
{
	struct sql_time time;

	store->driver->time(store, &time);
	return time;
}

static inline int64_t sql_now_ns(const struct sql_store *store)
{
	return sql_time(store).ns;
}

static inline int64_t sql_now_ms(const struct sql_store *store)
{
	return sql_time(store).ms;
}

static inline int64_t sql_utc_ms(const struct sql_store *store)
{
	return sql_time(store).utc_ms;
}

/* The statements that change or read rows, for the vtables of the stores. */
#define SQL_WRITES                                                                                 \
	[STORE_SUBMIT] = sql_submit, [STORE_OPEN] = sql_open, [STORE_APPEND] = sql_append,         \
	[STORE_SEAL] = sql_seal, [STORE_CANCEL] = sql_cancel, [STORE_RETRY] = sql_retry,           \
	[STORE_BUMP] = sql_bump, [STORE_CONTROL] = sql_control, [STORE_NOTICE] = sql_notice,       \
	[STORE_TOLD] = sql_told, [STORE_SWEEP] = sql_sweep, [STORE_FINISH] = sql_finish
#define SQL_READS [STORE_STATUS] = sql_status, [STORE_REPORT] = sql_report, [STORE_LIST] = sql_list

/* ---- store_sql_recover.c: what an earlier process has left behind ---- */

/* Batches that a node has claimed get back into line. SQL_DONE or an error. */
int sql_recover_running(struct sql_store *store, int64_t owner, int64_t *interrupted);

/* What was being cancelled goes on to its end. SQL_DONE or an error. */
int sql_recover_cancelling(struct sql_store *store);

/* ---- store_sql_submit.c: new ingestions, and the keys that name them ---- */

enum store_result sql_submit(struct store *store, struct store_op *op);

/* The ingestion that a key names. */
struct keyed {
	int64_t num;
	struct uuid uuid;
	enum stage stage;
	int64_t seq;
	enum priority priority;
	char label[LABEL_MAX + 1];
	int64_t ids, batches;
	struct digest digest; /* while receiving: of the full chunks */
};

/* SQL_ROW (found), SQL_DONE (a new key, or none at all) or an error. */
int sql_key_find(struct sql_store *store, const struct store_key *key, struct keyed *keyed);

/* Room is kept free for outcomes: what was accepted must be able to end. */
bool sql_is_disk_low(const struct sql_store *store, struct fail *fail);

/* ---- store_sql_upload.c: lists that come in parts ---- */

enum store_result sql_open(struct store *store, struct store_op *op);
enum store_result sql_append(struct store *store, struct store_op *op);
enum store_result sql_seal(struct store *store, struct store_op *op);

/* An upload that is not sealed. */
struct given_up {
	int64_t num;
	enum priority priority;
	int64_t ids;
	const char *who; /* borrowed; wishes it. NULL: nobody, it has expired */
};

/* Ends it without sealing it. SQL_DONE or an error. */
int sql_give_up(struct sql_store *store, const struct given_up *upload);

/* ---- store_sql_cancel.c ---- */

enum store_result sql_cancel(struct store *store, struct store_op *op);

/* Goes on with what is being cancelled, by one step. SQL_DONE or an error. */
int sql_cancel_rest(struct sql_store *store, const struct uuid *uuid);

/* ---- store_sql_retry.c ---- */

enum store_result sql_retry(struct store *store, struct store_op *op);

/* ---- store_sql_bump.c ---- */

enum store_result sql_bump(struct store *store, struct store_op *op);

/* ---- store_sql_control.c: what is said about starting batches at all ---- */

enum store_result sql_control(struct store *store, struct store_op *op);

/* What is in force at this moment. */
struct control sql_control_now(const struct summary *summary, const struct sql_time *time);

/* Brings the interval in force. */
void sql_control_apply(struct sql_store *store);

/* Nothing is started for so long. */
void sql_control_hold(struct sql_store *store, int64_t hold_ms);

/* When something may be started, or this is to be asked again; see sched.h. */
int64_t sql_control_not_before(const struct sql_store *store);

/* ---- store_sql_notice.c: ends of ingestions, and who is to be told ---- */

enum store_result sql_notice(struct store *store, struct store_op *op);
enum store_result sql_told(struct store *store, struct store_op *op);

/* All batches of an ingestion have ended, or they have not any more. SQL_DONE or an error. */
int sql_ingestion_ends(struct sql_store *store, int64_t num);
int sql_ingestion_goes_on(struct sql_store *store, int64_t num);

/* With a new daemon all of them are due. SQL_DONE or an error. */
int sql_notices_recover(struct sql_store *store);

/* ---- store_sql_sweep.c: what time makes due ---- */

enum store_result sql_sweep(struct store *store, struct store_op *op);

/* ---- store_sql_line.c: who waits, and how batches enter the lines ---- */

/* Batches that never started, of one ingestion, join the line of its priority. */
void sql_line_join(struct sql_store *store, enum priority priority, int64_t batches, int64_t ids);

/* A batch that is to be tried again. */
struct again {
	int64_t num, index;
	enum priority priority; /* of the line */
	int64_t seq;
	int64_t ids; /* left */
	int64_t due_ms; /* AGAIN_NOW: it stands in line */
};

#define AGAIN_NOW LEDGER_NONE

/* A batch goes back into its line, after a while or at once. SQL_DONE or an error. */
int sql_line_again(struct sql_store *store, const struct again *again);

/*
 * The first batch of an ingestion that stands in this line, or will, again. SQL_ROW, SQL_DONE
 * (none does) or an error.
 */
int sql_line_find(
    struct sql_store *store, enum priority priority, int64_t num, int64_t seq, struct again *again);

/* It does no longer. SQL_DONE or an error. */
int sql_line_leave(struct sql_store *store, const struct again *again);

/* It does in the line of another priority. SQL_DONE or an error. */
int sql_line_move(struct sql_store *store, struct again again, enum priority priority);

/* Nothing may stand in line any more. */
void sql_line_left(struct sql_store *store);

/* The moment `ms` after `now` in nanoseconds; CLOCK_NEVER when that is further than time goes. */
int64_t sql_after(int64_t now, int64_t ms);

/*
 * Puts what is due now into line, STORE_DUE_STEPS batches at most. *next_due is the ledger's time
 * when more will be, not after now if more is; CLOCK_NEVER if nothing waits for its time. SQL_DONE
 * or an error.
 */
int sql_line_due(struct sql_store *store, int64_t *next_due);

/* The first batch of a line, and whether it stands there again or for the first time. */
struct head {
	int64_t num;
	int64_t seq;
	int64_t index;
	int64_t total; /* ids of the ingestion */
	int64_t batch_size;
	int64_t created_ms; /* of the ingestion */
	int64_t ids; /* of the batch, left to be tried */
	bool again;
	bool cancelling; /* it must not be started */
};

/*
 * The head of a line, of which the counters say what can be there. SQL_ROW, SQL_DONE (the line is
 * empty) or an error.
 */
int sql_line_head(struct sql_store *store, enum priority priority, const struct lane_total *lane,
    struct head *head);

/* Number of batches in all lines. */
int64_t sql_waiting(const struct sql_store *store);

/* ---- store_sql_claim.c ---- */

enum store_result sql_claim(struct store *store, struct store_op *op);

/* ---- what several need ---- */

static inline struct lane_total *sql_lane(struct sql_store *store, enum priority priority)
{
	return &store->now.lanes[priority - PRIORITY_HIGH];
}

/* How many ids stand in line for the first time. */
static inline int64_t sql_ids_unstarted(const struct ingestion *it)
{
	int64_t batches = it->counts.by_status[BATCH_YET_TO_START];

	return batches > 0 ? it->counts.ids - (it->counts.batches - batches) * it->batch_size : 0;
}

/* ---- store_sql_attempt.c ---- */

enum store_result sql_started(struct store *store, struct store_op *op);
enum store_result sql_finish(struct store *store, struct store_op *op);

/*
 * The running attempt of a batch has ended with the daemon. SQL_DONE or an error. A batch that
 * is to be tried again is due at once.
 */
int sql_crashed(struct sql_store *store, int64_t num, int64_t index);

/* ---- store_sql_result.c: ids whose story is not that of their batch ---- */

/* A batch in the list of its ingestion. */
struct span {
	int64_t num;
	int64_t first, n; /* the places of its ids */
	int64_t left; /* how many of these have no final outcome */
};

/* Those places, in order; appended to `places`. SQL_DONE or an error. */
int sql_places_left(struct sql_store *store, const struct span *span, struct idlist *places);

/* Appends the ids in those places. SQL_DONE or an error. */
int sql_ids_left(
    struct sql_store *store, const struct span *span, int64_t total, struct idlist *ids);

/* What is known of an id without a row, by the status of its batch. */
extern const enum id_outcome sql_outcome_of[BATCH_STATUS_COUNT];

/* The end of an attempt, as the rows of its ids need it. */
struct settling {
	struct span span; /* before the end */
	const struct ending *ending;
	struct verdict verdict;
	int64_t attempt, started_ms, now_ms;
};

/* Why the attempt failed, as the row of the batch is going to say it. */
const char *sql_settled_error(const struct settling *settling);

/* Writes rows for the ids that need one now, and removes the others. SQL_DONE or an error. */
int sql_results_settle(struct sql_store *store, const struct settling *settling);

/* ---- store_sql_report.c ---- */

enum store_result sql_report(struct store *store, struct store_op *op);

/* ---- store_sql_ids.c ---- */

/* Writes ids as chunks from the one with this number on; all but the last are full. SQL_DONE or
 * an error. */
int sql_chunks_write(
    struct sql_store *store, int64_t num, int64_t chunk, const int64_t *ids, size_t n);

/* Removes at most `most` chunks and counts them. SQL_DONE or an error. */
int sql_chunks_remove(struct sql_store *store, int64_t num, int most, int *removed);

/* Appends n ids of one chunk, from this place in the list on. SQL_DONE or an error. */
int sql_chunk_read(
    struct sql_store *store, int64_t num, int64_t first, int64_t n, struct idlist *ids);

/* Appends the ids [first, first + n) of a list of `total` ids. SQL_DONE or an error. */
int sql_ids_read(struct sql_store *store, int64_t num, int64_t total, int64_t first, int64_t n,
    struct idlist *ids);

/* n ids as they are on disk: 8 bytes each, little-endian. The caller frees it. */
void *sql_ids_pack(const int64_t *ids, size_t n);

/* ---- store_sql_status.c ---- */

enum store_result sql_status(struct store *store, struct store_op *op);

/* SQL_ROW (found), SQL_DONE (not found, op->fail says so) or an error. */
int sql_ingestion_find(struct sql_store *store, const struct uuid *uuid,
    struct ingestion *ingestion, int64_t *num, struct fail *fail);

/* The batches that were cancelled before they ever started, and when. SQL_DONE or an error. */
int sql_unstarted(struct sql_store *store, int64_t num, int64_t *batches, int64_t *when_ms);

/* A row of SELECT_INGESTION; returns its number. */
int64_t sql_take_ingestion(struct sql_row row, struct ingestion *ingestion);

/* ---- store_sql_list.c ---- */

enum store_result sql_list(struct store *store, struct store_op *op);

/* ---- store_sql_stats.c ---- */

enum store_result sql_stats(struct store *store, struct store_op *op);

#endif
