/* What the files of the SQLite store share; nobody else includes this. */
#ifndef INGESTD_STORE_SQLITE_H
#define INGESTD_STORE_SQLITE_H

#include "store.h"
#include "store_sqlite_sql.h"

#include <sqlite3.h>

#define SQLITE_STORE_APPLICATION_ID 0x696e6764 /* "ingd", in the header of the file */
#define SQLITE_STORE_VERSION 1 /* of the schema */

#define INLINE_IDS 64 /* the longest list that stays in the row of its ingestion */
#define CHUNK_IDS 1024
#define CHUNKS_MAX 131072 /* per ingestion; IDLIST_MAX needs 97657 */

/* The rows that every turn needs. Only this process writes them (it holds the lock), so they are
 * kept in memory; they change on disk once per turn, at the commit. */
struct summary {
	struct ledger ledger;
	struct lane_total lanes[PRIORITY_COUNT]; /* HIGH first */
	int64_t next_seq;
	int64_t uploads, upload_ids; /* not sealed */
	int64_t notices;
	struct control control; /* as it was set; without hold_ms */
	int64_t hold_until_ms; /* of the store's time */
};

struct sqlite_store {
	struct store store;
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_COUNT];
	char *path;
	int lock_fd; /* -1 in a reader */
	const struct clock *clock;
	struct store_settings settings;
	struct summary committed; /* as on disk */
	struct summary now; /* with the changes of this turn */
	struct store_time time;
};

/* ---- store_sqlite.c ---- */

extern const struct store_ops store_sqlite_ops, store_sqlite_reader_ops;

/* Opens the connection; neither lock nor schema. Closing it leaves the files as they are. */
enum err sqlite_connect(
    struct sqlite_store **store, const char *path, int flags, struct fail *fail);

/*
 * Binds the arguments and makes the first step: SQLITE_ROW, SQLITE_DONE, or an error. The statement
 * can be stepped further; it is reset when it is used again and at the end of the turn.
 * `types` has a letter per argument: i int64_t, t const char * (NULL is NULL), b const void * and
 * int64_t (a blob and its length; NULL is NULL), o int64_t that is NULL for LEDGER_NONE.
 */
int sqlite_first(struct sqlite_store *store, enum sql sql, const char *types, ...);

/* The statement that sqlite_first() prepared, to read columns from. */
static inline sqlite3_stmt *sqlite_row(struct sqlite_store *store, enum sql sql)
{
	return store->statements[sql];
}

/* True when `code` is SQLITE_DONE or SQLITE_ROW. */
static inline bool sqlite_went_well(int code)
{
	return code == SQLITE_DONE || code == SQLITE_ROW;
}

/* Ends a statement that was to give one row: SQLITE_DONE, or SQLITE_ROW when there are more. */
int sqlite_only(struct sqlite_store *store, enum sql sql);

/*
 * What the code of a failed call means for the turn; fills *fail and logs the cause. SQLITE_DONE,
 * where a row had to be there, is damage like SQLITE_CORRUPT.
 */
enum store_result sqlite_failed(struct sqlite_store *store, int code, struct fail *fail);

/* Whether closing the connection may tidy up: write the WAL into the database and remove it. */
void sqlite_tidy_on_close(struct sqlite_store *store, bool tidy);

/* Which moment the summary was written at, and in whose store. */
struct written {
	struct uuid node;
	bool same_boot;
	int64_t utc_ms;
	struct store_time time;
};

/* Read and write the summary; SQLITE_DONE or an error. */
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

/* ---- store_sqlite_submit.c: new ingestions, and the keys that name them ---- */

enum store_result sqlite_submit(struct store *store, struct store_op *op);

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

/* SQLITE_ROW (found), SQLITE_DONE (a new key, or none at all) or an error. */
int sqlite_key_find(struct sqlite_store *store, const struct store_key *key, struct keyed *keyed);

/* Room is kept free for outcomes: what was accepted must be able to end. */
bool sqlite_is_disk_low(const struct sqlite_store *store, struct fail *fail);

/* Bytes that the disk of the store has free for it; -1 when that is not known. */
int64_t sqlite_disk_free(const struct sqlite_store *store);

/* ---- store_sqlite_upload.c: lists that come in parts ---- */

enum store_result sqlite_open(struct store *store, struct store_op *op);
enum store_result sqlite_append(struct store *store, struct store_op *op);
enum store_result sqlite_seal(struct store *store, struct store_op *op);

/* An upload that is not sealed. */
struct given_up {
	int64_t num;
	enum priority priority;
	int64_t ids;
	const char *who; /* borrowed; wishes it. NULL: nobody, it has expired */
};

/* Ends it without sealing it. SQLITE_DONE or an error. */
int sqlite_give_up(struct sqlite_store *store, const struct given_up *upload);

/* ---- store_sqlite_cancel.c ---- */

enum store_result sqlite_cancel(struct store *store, struct store_op *op);

/* Goes on with what is being cancelled, by one step. SQLITE_DONE or an error. */
int sqlite_cancel_rest(struct sqlite_store *store, const struct uuid *uuid);

/* ---- store_sqlite_retry.c ---- */

enum store_result sqlite_retry(struct store *store, struct store_op *op);

/* ---- store_sqlite_bump.c ---- */

enum store_result sqlite_bump(struct store *store, struct store_op *op);

/* ---- store_sqlite_control.c: what is said about starting batches at all ---- */

enum store_result sqlite_control(struct store *store, struct store_op *op);

/* What is in force at the store's time `now_ms`. */
struct control sqlite_control_now(
    const struct summary *summary, const struct clock *clock, int64_t now_ms);

/* Brings the interval in force. */
void sqlite_control_apply(struct sqlite_store *store);

/* Nothing is started for so long. */
void sqlite_control_hold(struct sqlite_store *store, int64_t hold_ms);

/* When something may be started, or this is to be asked again, at the boot time `now`; see
 * sched.h. */
int64_t sqlite_control_not_before(const struct sqlite_store *store, int64_t now);

/* ---- store_sqlite_notice.c: ends of ingestions, and who is to be told ---- */

enum store_result sqlite_notice(struct store *store, struct store_op *op);
enum store_result sqlite_told(struct store *store, struct store_op *op);

/* All batches of an ingestion have ended, or they have not any more. SQLITE_DONE or an error. */
int sqlite_ingestion_ends(struct sqlite_store *store, int64_t num);
int sqlite_ingestion_goes_on(struct sqlite_store *store, int64_t num);

/* With a new daemon all of them are due. SQLITE_DONE or an error. */
int sqlite_notices_recover(struct sqlite_store *store);

/* ---- store_sqlite_sweep.c: what time makes due ---- */

enum store_result sqlite_sweep(struct store *store, struct store_op *op);

/* ---- store_sqlite_line.c: who waits, and how batches enter the lines ---- */

/* Batches that never started, of one ingestion, join the line of its priority. */
void sqlite_line_join(
    struct sqlite_store *store, enum priority priority, int64_t batches, int64_t ids);

/* A batch that is to be tried again. */
struct again {
	int64_t num, index;
	enum priority priority; /* of the line */
	int64_t seq;
	int64_t ids; /* left */
	int64_t due_ms; /* AGAIN_NOW: it stands in line */
};

#define AGAIN_NOW LEDGER_NONE

/* A batch goes back into its line, after a while or at once. SQLITE_DONE or an error. */
int sqlite_line_again(struct sqlite_store *store, const struct again *again);

/*
 * The first batch of an ingestion that stands in this line, or will, again. SQLITE_ROW, SQLITE_DONE
 * (none does) or an error.
 */
int sqlite_line_find(struct sqlite_store *store, enum priority priority, int64_t num, int64_t seq,
    struct again *again);

/* It does no longer. SQLITE_DONE or an error. */
int sqlite_line_leave(struct sqlite_store *store, const struct again *again);

/* It does in the line of another priority. SQLITE_DONE or an error. */
int sqlite_line_move(struct sqlite_store *store, struct again again, enum priority priority);

/* Nothing may stand in line any more. */
void sqlite_line_left(struct sqlite_store *store);

/* The boot time `ms` from `now` on; CLOCK_NEVER when that is further than time goes. */
int64_t sqlite_boot_after(int64_t now, int64_t ms);

/*
 * Puts what is due at the boot time `now` into line, STORE_DUE_STEPS batches at most. *next_due is
 * the boot time when more will be, not after `now` if more is; CLOCK_NEVER if nothing waits for its
 * time. SQLITE_DONE or an error.
 */
int sqlite_line_due(struct sqlite_store *store, int64_t now, int64_t *next_due);

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

/* SQLITE_ROW, SQLITE_DONE (the line is empty) or an error. */
int sqlite_line_head(struct sqlite_store *store, enum priority priority, struct head *head);

/* Number of batches in all lines. */
int64_t sqlite_waiting(const struct sqlite_store *store);

/* ---- store_sqlite_claim.c ---- */

enum store_result sqlite_claim(struct store *store, struct store_op *op);

/* ---- what several need ---- */

static inline struct lane_total *sqlite_lane(struct sqlite_store *store, enum priority priority)
{
	return &store->now.lanes[priority - PRIORITY_HIGH];
}

/* How many ids stand in line for the first time. */
static inline int64_t sqlite_ids_unstarted(const struct ingestion *it)
{
	int64_t batches = it->counts.by_status[BATCH_YET_TO_START];

	return batches > 0 ? it->counts.ids - (it->counts.batches - batches) * it->batch_size : 0;
}

/* The store's time, now. */
static inline int64_t sqlite_now_ms(const struct sqlite_store *store)
{
	return store_time_at(&store->time, clock_boot_ns(store->clock));
}

/* ---- store_sqlite_attempt.c ---- */

enum store_result sqlite_started(struct store *store, struct store_op *op);
enum store_result sqlite_finish(struct store *store, struct store_op *op);

/*
 * The running attempt of a batch has ended with the daemon. SQLITE_DONE or an error. A batch that
 * is to be tried again is due at once.
 */
int sqlite_crashed(struct sqlite_store *store, int64_t num, int64_t index);

/* ---- store_sqlite_result.c: ids whose story is not that of their batch ---- */

/* A batch in the list of its ingestion. */
struct span {
	int64_t num;
	int64_t first, n; /* the places of its ids */
	int64_t left; /* how many of these have no final outcome */
};

/* Those places, in order; appended to `places`. SQLITE_DONE or an error. */
int sqlite_places_left(struct sqlite_store *store, const struct span *span, struct idlist *places);

/* Appends the ids in those places. SQLITE_DONE or an error. */
int sqlite_ids_left(
    struct sqlite_store *store, const struct span *span, int64_t total, struct idlist *ids);

/* What is known of an id without a row, by the status of its batch. */
extern const enum id_outcome sqlite_outcome_of[BATCH_STATUS_COUNT];

/* The end of an attempt, as the rows of its ids need it. */
struct settling {
	struct span span; /* before the end */
	const struct ending *ending;
	struct verdict verdict;
	int64_t attempt, started_ms, now_ms;
};

/* Why the attempt failed, as the row of the batch is going to say it. */
const char *sqlite_settled_error(const struct settling *settling);

/* Writes rows for the ids that need one now, and removes the others. SQLITE_DONE or an error. */
int sqlite_results_settle(struct sqlite_store *store, const struct settling *settling);

/* ---- store_sqlite_report.c ---- */

enum store_result sqlite_report(struct store *store, struct store_op *op);

/* ---- store_sqlite_ids.c ---- */

/* Writes ids as chunks from the one with this number on; all but the last are full. SQLITE_DONE or
 * an error. */
int sqlite_chunks_write(
    struct sqlite_store *store, int64_t num, int64_t chunk, const int64_t *ids, size_t n);

/* Removes at most `most` chunks and counts them. SQLITE_DONE or an error. */
int sqlite_chunks_remove(struct sqlite_store *store, int64_t num, int most, int *removed);

/* Appends n ids of one chunk, from this place in the list on. SQLITE_DONE or an error. */
int sqlite_chunk_read(
    struct sqlite_store *store, int64_t num, int64_t first, int64_t n, struct idlist *ids);

/* Appends the ids [first, first + n) of a list of `total` ids. SQLITE_DONE or an error. */
int sqlite_ids_read(struct sqlite_store *store, int64_t num, int64_t total, int64_t first,
    int64_t n, struct idlist *ids);

/* n ids as they are on disk: 8 bytes each, little-endian. The caller frees it. */
void *sqlite_ids_pack(const int64_t *ids, size_t n);

/* ---- store_sqlite_status.c ---- */

enum store_result sqlite_status(struct store *store, struct store_op *op);

/* SQLITE_ROW (found), SQLITE_DONE (not found, op->fail says so) or an error. */
int sqlite_ingestion_find(struct sqlite_store *store, const struct uuid *uuid,
    struct ingestion *ingestion, int64_t *num, struct fail *fail);

/* The batches that were cancelled before they ever started, and when. SQLITE_DONE or an error. */
int sqlite_unstarted(struct sqlite_store *store, int64_t num, int64_t *batches, int64_t *when_ms);

/* A row of SQLITE_INGESTION; returns its number. */
int64_t sqlite_take_ingestion(sqlite3_stmt *row, struct ingestion *ingestion);

/* ---- store_sqlite_list.c ---- */

enum store_result sqlite_list(struct store *store, struct store_op *op);

/* ---- store_sqlite_stats.c ---- */

enum store_result sqlite_stats(struct store *store, struct store_op *op);

/* Copies the blob in the column; false when it has another size. */
bool sqlite_take_blob(sqlite3_stmt *row, int column, void *to, size_t size);

#endif
