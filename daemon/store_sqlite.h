/* What the files of the SQLite store share; nobody else includes this. */
#ifndef INGESTD_STORE_SQLITE_H
#define INGESTD_STORE_SQLITE_H

#include "store.h"

#include <sqlite3.h>

#define SQLITE_STORE_APPLICATION_ID 0x696e6764 /* "ingd", in the header of the file */
#define SQLITE_STORE_VERSION 1 /* of the schema */

#define INLINE_IDS 64 /* the longest list that stays in the row of its ingestion */
#define CHUNK_IDS 1024
#define CHUNKS_MAX 131072 /* per ingestion; IDLIST_MAX needs 97657 */

/* What sqlite_take_ingestion() reads. */
#define SQLITE_INGESTION                                                                           \
	"SELECT num, uuid, stage, seq, priority, label, batch_size, id_count, batch_count, "       \
	"next_batch, triggered, retrying, completed, failed, version, created_ms, started_ms, "    \
	"finished_ms FROM ingestion"

/* The prepared statements: name and text. Prepared at first use, kept until the store is closed. */
#define SQL_LIST(X)                                                                                \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                \
	X(BEGIN_READ, "BEGIN")                                                                     \
	X(COMMIT, "COMMIT")                                                                        \
	X(ROLLBACK, "ROLLBACK")                                                                    \
	X(LEDGER_READ,                                                                             \
	    "SELECT interval_ns, settle_ns, pack, boot_id, last_claim, last_start, ready_since, "  \
	    "utc_ms, boot_ns, store_ms, next_seq, uploads, upload_ids FROM ledger")                \
	X(LEDGER_WRITE, "UPDATE ledger SET (interval_ns, settle_ns, pack, boot_id, "               \
			"last_claim, last_start, ready_since, utc_ms, boot_ns, store_ms, "         \
			"next_seq, uploads, upload_ids) = "                                        \
			"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                                 \
	X(LANES_READ, "SELECT priority, ids, yet_to_start, triggered, retrying, completed, "       \
		      "failed, i_yet_to_start, i_triggered, i_completed, i_failed, i_receiving, "  \
		      "i_cancelled FROM lane")                                                     \
	X(LANE_WRITE,                                                                              \
	    "UPDATE lane SET (ids, yet_to_start, triggered, retrying, completed, failed, "         \
	    "i_yet_to_start, i_triggered, i_completed, i_failed, i_receiving, i_cancelled) = "     \
	    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE priority = ?")                             \
	X(INGESTION_ADD,                                                                           \
	    "INSERT INTO ingestion (stage, seq, uuid, priority, label, batch_size, id_count, "     \
	    "batch_count, next_batch, triggered, retrying, completed, failed, version, "           \
	    "created_ms, started_ms, finished_ms, principal, key, digest, expires_ms, ids) "       \
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 1, ?, 0, 0, ?, ?, ?, ?, ?)")           \
	X(KEY_FIND, "SELECT num, uuid, stage, seq, priority, label, id_count, batch_count, "       \
		    "digest FROM ingestion WHERE key = ? AND principal = ?")                       \
	X(UPLOAD_READ, "SELECT num, stage, seq, priority, label, id_count, batch_size, "           \
		       "batch_count, digest FROM ingestion WHERE uuid = ?")                        \
	X(UPLOAD_APPEND, "UPDATE ingestion SET id_count = ?, digest = ?, expires_ms = ?, "         \
			 "version = version + ? WHERE num = ?")                                    \
	X(UPLOAD_SEAL, "UPDATE ingestion SET stage = 0, seq = ?, batch_count = ?, "                \
		       "digest = iif(key IS NULL, NULL, ?), ids = ?, expires_ms = NULL, version "  \
		       "= version + 1 WHERE num = ?")                                              \
	X(UPLOAD_GIVE_UP,                                                                          \
	    "UPDATE ingestion SET stage = 2, finished_ms = ?, expires_ms = ?, key = NULL, "        \
	    "principal = NULL, digest = NULL, version = version + 1 WHERE num = ?")                \
	X(EXPIRED, "SELECT num, uuid, stage, id_count, priority, expires_ms FROM ingestion "       \
		   "WHERE expires_ms IS NOT NULL ORDER BY expires_ms LIMIT 1")                     \
	X(EXPIRY_END, "UPDATE ingestion SET expires_ms = NULL WHERE num = ?")                      \
	X(KEY_FORGET, "UPDATE ingestion SET key = NULL, principal = NULL, digest = NULL, "         \
		      "expires_ms = NULL WHERE num = ?")                                           \
	X(CHUNK_ADD, "INSERT INTO chunk (key, ids) VALUES (?, ?) "                                 \
		     "ON CONFLICT (key) DO UPDATE SET ids = excluded.ids")                         \
	X(CHUNKS_REMOVE, "DELETE FROM chunk WHERE key IN "                                         \
			 "(SELECT key FROM chunk WHERE key >= ? AND key < ? LIMIT ?)")             \
	X(CHUNK_READ, "SELECT substr(ids, ?, ?) FROM chunk WHERE key = ?")                         \
	X(INLINE_READ, "SELECT substr(ids, ?, ?) FROM ingestion WHERE num = ?")                    \
	X(HEAD_NEW, "SELECT num, seq, next_batch, id_count, batch_size FROM ingestion "            \
		    "WHERE priority = ? AND next_batch < batch_count ORDER BY seq LIMIT 1")        \
	X(HEAD_REDO, "SELECT r.num, r.seq, r.idx, i.id_count, i.batch_size "                       \
		     "FROM redo r JOIN ingestion i ON i.num = r.num "                              \
		     "WHERE r.priority = ? ORDER BY r.seq, r.idx LIMIT 1")                         \
	X(REDO_ADD, "INSERT INTO redo (priority, seq, idx, num) "                                  \
		    "SELECT priority, seq, ?, num FROM ingestion WHERE num = ?")                   \
	X(REDO_REMOVE, "DELETE FROM redo WHERE priority = ? AND seq = ? AND idx = ?")              \
	X(BATCH_START,                                                                             \
	    "INSERT INTO batch (num, idx, status, attempts, started_ms, finished_ms, error) "      \
	    "VALUES (?, ?, 1, 1, 0, 0, NULL) ON CONFLICT (num, idx) DO UPDATE SET "                \
	    "status = 1, attempts = attempts + 1, started_ms = 0, finished_ms = 0, error = NULL "  \
	    "RETURNING attempts")                                                                  \
	X(BATCH_READ,                                                                              \
	    "SELECT b.status, b.attempts, i.priority, i.id_count, i.batch_size FROM batch b "      \
	    "JOIN ingestion i ON i.num = b.num WHERE b.num = ? AND b.idx = ?")                     \
	X(BATCH_STARTED, "UPDATE batch SET started_ms = ? WHERE num = ? AND idx = ?")              \
	X(BATCH_FINISH,                                                                            \
	    "UPDATE batch SET status = ?, finished_ms = ?, error = ? WHERE num = ? AND idx = ?")   \
	X(BATCHES_RUNNING, "SELECT num, idx FROM batch WHERE status = 1 ORDER BY num, idx")        \
	X(INGESTION_TAKEN,                                                                         \
	    "UPDATE ingestion SET next_batch = next_batch + ?, retrying = retrying - ?, "          \
	    "triggered = triggered + 1, version = version + 1 WHERE num = ? "                      \
	    "RETURNING uuid, label")                                                               \
	X(INGESTION_STARTED, "UPDATE ingestion SET started_ms = CASE started_ms WHEN 0 THEN ? "    \
			     "ELSE started_ms END, "                                               \
			     "version = version + 1 WHERE num = ?")                                \
	X(INGESTION_FINISH,                                                                        \
	    "UPDATE ingestion SET triggered = triggered - 1, retrying = retrying + ?1, "           \
	    "completed = completed + ?2, failed = failed + ?3, version = version + 1, "            \
	    "finished_ms = CASE WHEN completed + failed + ?2 + ?3 = batch_count THEN ?4 ELSE 0 "   \
	    "END, "                                                                                \
	    "expires_ms = CASE WHEN completed + failed + ?2 + ?3 = batch_count AND key IS NOT "    \
	    "NULL THEN ?5 ELSE NULL END "                                                          \
	    "WHERE num = ?6 RETURNING completed + failed = batch_count, failed")                   \
	X(INGESTION_READ, SQLITE_INGESTION " WHERE uuid = ?")                                      \
	X(LIST_NEWEST, SQLITE_INGESTION " WHERE num < ? ORDER BY num DESC LIMIT ?")                \
	X(LIST_SEQ, SQLITE_INGESTION " WHERE seq = ? AND seq > 0")                                 \
	X(LIST_PREFIX, SQLITE_INGESTION                                                            \
	    " WHERE uuid >= ? AND uuid <= ? AND uuid < ? ORDER BY uuid DESC LIMIT ?")              \
	X(BATCHES_READ, "SELECT idx, status, attempts, started_ms, finished_ms, error FROM batch " \
			"WHERE num = ? AND idx >= ? ORDER BY idx LIMIT ?")

enum sql {
#define X(name, text) SQL_##name,
	SQL_LIST(X)
#undef X
	    SQL_COUNT
};

/* The rows that every turn needs. Only this process writes them (it holds the lock), so they are
 * kept in memory; they change on disk once per turn, at the commit. */
struct summary {
	struct ledger ledger;
	struct lane_total lanes[PRIORITY_COUNT]; /* HIGH first */
	int64_t next_seq;
	int64_t uploads, upload_ids; /* not sealed */
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

/* Which moment the summary was written at. */
struct written {
	bool same_boot;
	int64_t utc_ms;
	struct store_time time;
};

/* Reads and writes the summary; SQLITE_DONE or an error. */
int sqlite_summary_read(
    struct sqlite_store *store, struct summary *summary, struct written *written);
int sqlite_summary_write(struct sqlite_store *store);

/* ---- store_sqlite_schema.c ---- */

/*
 * Refuses what is not ours or newer; with `migratable` false also what is older or has no schema
 * yet. Changes nothing.
 */
enum err sqlite_schema_verify(struct sqlite_store *store, bool migratable, struct fail *fail);

/* Makes or migrates the schema of a store that was verified. */
enum err sqlite_schema_prepare(struct sqlite_store *store, struct fail *fail);

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
enum store_result sqlite_cancel(struct store *store, struct store_op *op);

/* Ends an upload without sealing it. SQLITE_DONE or an error. */
int sqlite_give_up(struct sqlite_store *store, int64_t num, enum priority priority, int64_t ids);

/* ---- store_sqlite_sweep.c: what time makes due ---- */

enum store_result sqlite_sweep(struct store *store, struct store_op *op);

/* ---- store_sqlite_line.c: who waits, and how batches enter and leave the lines ---- */

enum store_result sqlite_claim(struct store *store, struct store_op *op);

/* A whole ingestion joins the line of its priority. */
void sqlite_line_join(
    struct sqlite_store *store, enum priority priority, int64_t batches, int64_t ids);

/* Puts a triggered batch back into the line of its priority. SQLITE_DONE or an error. */
int sqlite_line_again(
    struct sqlite_store *store, int64_t num, int64_t index, enum priority priority, int64_t ids);

/* Number of batches in all lines. */
int64_t sqlite_waiting(const struct sqlite_store *store);

static inline struct lane_total *sqlite_lane(struct sqlite_store *store, enum priority priority)
{
	return &store->now.lanes[priority - PRIORITY_HIGH];
}

/* The store's time, now. */
static inline int64_t sqlite_now_ms(const struct sqlite_store *store)
{
	return store_time_at(&store->time, clock_boot_ns(store->clock));
}

/* ---- store_sqlite_attempt.c ---- */

enum store_result sqlite_started(struct store *store, struct store_op *op);
enum store_result sqlite_finish(struct store *store, struct store_op *op);

/* A batch whose attempt has ended without outcome runs again. SQLITE_DONE or an error. */
int sqlite_interrupt(struct sqlite_store *store, int64_t num, int64_t index);

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

/* A row of SQLITE_INGESTION; returns its number. */
int64_t sqlite_take_ingestion(sqlite3_stmt *row, struct ingestion *ingestion);

/* ---- store_sqlite_list.c ---- */

enum store_result sqlite_list(struct store *store, struct store_op *op);

/* ---- store_sqlite_stats.c ---- */

enum store_result sqlite_stats(struct store *store, struct store_op *op);

/* Copies the blob in the column; false when it has another size. */
bool sqlite_take_blob(sqlite3_stmt *row, int column, void *to, size_t size);

#endif
