/*
 * The statements of store_sql*.c, in words that SQLite and PostgreSQL understand alike: CASE and
 * not iif() or max(), no index by name, columns of the conflicting row with the name of their
 * table. Where that is not enough, PostgreSQL has its own text (store_postgres_sql.h).
 */
#ifndef INGESTD_STORE_SQL_LIST_H
#define INGESTD_STORE_SQL_LIST_H

/* What sql_take_ingestion() reads. */
#define SELECT_INGESTION                                                                           \
	"SELECT num, uuid, stage, seq, priority, label, batch_size, id_count, batch_count, "       \
	"end_batch - next_batch, triggered, retrying, completed, failed, cancelled, "              \
	"ids_completed, ids_failed, ids_cancelled, ids_unknown, attempts, retries, version, "      \
	"created_ms, started_ms, finished_ms, cancelled_by FROM ingestion"

/* What sql_report() reads of a batch. */
#define SELECT_STORY                                                                               \
	"SELECT idx, status, attempts, started_ms, finished_ms, CASE WHEN renewed = 1 THEN NULL "  \
	"ELSE error END FROM batch"

/* What sql_retry() reads of a batch. */
#define SELECT_GIVEN_UP                                                                            \
	"SELECT idx, ids_completed, ids_failed, ids_cancelled, ids_unknown FROM batch"

/* Name and text. Prepared at first use, kept until the store is closed. */
#define SQL_LIST(X)                                                                                \
	X(INGESTION_ADD,                                                                           \
	    "INSERT INTO ingestion (num, stage, seq, uuid, priority, asked_priority, "             \
	    "label, batch_size, id_count, batch_count, next_batch, end_batch, "                    \
	    "triggered, retrying, completed, failed, cancelled, ids_completed, "                   \
	    "ids_failed, ids_cancelled, ids_unknown, attempts, retries, version, "                 \
	    "created_ms, started_ms, finished_ms, cancelled_ms, principal, key, "                  \
	    "digest, expires_ms, ids) VALUES (?15, ?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, "           \
	    "0, ?8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, ?9, 0, 0, 0, ?10, ?11, ?12, "              \
	    "?13, ?14)")                                                                           \
	X(KEY_FIND, "SELECT num, uuid, stage, seq, asked_priority, label, id_count, "              \
		    "batch_count, digest FROM ingestion WHERE key = ? AND principal = ?")          \
	X(UPLOAD_READ, "SELECT num, stage, seq, priority, label, id_count, batch_size, "           \
		       "batch_count, digest FROM ingestion WHERE uuid = ?")                        \
	X(UPLOAD_APPEND,                                                                           \
	    "UPDATE ingestion SET id_count = ?, digest = ?, expires_ms = ?, version = "            \
	    "version + ? WHERE num = ?")                                                           \
	X(UPLOAD_SEAL, "UPDATE ingestion SET stage = 0, seq = ?1, batch_count = ?2, end_batch = "  \
		       "?2, digest = CASE WHEN key IS NULL THEN NULL ELSE ?3 END, ids = ?4, "      \
		       "expires_ms = NULL, version = version + 1 WHERE num = ?5")                  \
	X(UPLOAD_GIVE_UP,                                                                          \
	    "UPDATE ingestion SET stage = 2, finished_ms = ?, cancelled_by = ?, "                  \
	    "expires_ms = ?, key = NULL, principal = NULL, digest = NULL, version = "              \
	    "version + 1 WHERE num = ?")                                                           \
	X(EXPIRED, "SELECT num, uuid, stage, id_count, priority, expires_ms FROM ingestion "       \
		   "WHERE expires_ms IS NOT NULL ORDER BY expires_ms, num LIMIT 1")                \
	X(EXPIRY_END, "UPDATE ingestion SET expires_ms = NULL WHERE num = ?")                      \
	X(KEY_FORGET, "UPDATE ingestion SET key = NULL, principal = NULL, digest = NULL, "         \
		      "expires_ms = NULL WHERE num = ?")                                           \
	X(CHUNK_ADD, "INSERT INTO chunk (key, ids) VALUES (?, ?) ON CONFLICT (key) DO UPDATE "     \
		     "SET ids = excluded.ids")                                                     \
	X(CHUNKS_REMOVE,                                                                           \
	    "DELETE FROM chunk WHERE key IN (SELECT key FROM chunk WHERE key >= ? AND "            \
	    "key < ? LIMIT ?) RETURNING key")                                                      \
	X(CHUNK_READ,                                                                              \
	    "SELECT substr(ids, CAST(? AS int), CAST(? AS int)) FROM chunk WHERE key = ?")         \
	X(INLINE_READ, "SELECT substr(ids, CAST(? AS int), CAST(? AS int)) FROM ingestion WHERE "  \
		       "num = ?")                                                                  \
	X(HEAD_NEW, "SELECT num, seq, next_batch, id_count, batch_size, created_ms, CASE WHEN "    \
		    "batch_size < id_count - next_batch * batch_size THEN batch_size ELSE "        \
		    "id_count - next_batch * batch_size END, 0 FROM ingestion WHERE priority = "   \
		    "? AND next_batch < end_batch ORDER BY seq LIMIT 1")                           \
	X(HEAD_REDO, "SELECT r.num, r.seq, r.idx, i.id_count, i.batch_size, i.created_ms, "        \
		     "r.ids, i.cancelled_by IS NOT NULL FROM redo r JOIN ingestion i ON i.num = "  \
		     "r.num WHERE r.priority = ? ORDER BY r.seq, r.idx LIMIT 1")                   \
	X(REDO_ADD, "INSERT INTO redo (num, idx, priority, seq, ids) VALUES (?, ?, ?, ?, ?)")      \
	X(REDO_REMOVE, "DELETE FROM redo WHERE priority = ? AND seq = ? AND idx = ?")              \
	X(BACKOFF_ADD, "INSERT INTO backoff (num, idx, priority, seq, ids, due_ms) VALUES (?, ?, " \
		       "?, ?, ?, ?)")                                                              \
	X(BACKOFF_FIRST,                                                                           \
	    "SELECT num, idx, priority, seq, ids, due_ms FROM backoff ORDER BY due_ms, "           \
	    "num, idx LIMIT 1")                                                                    \
	X(BACKOFF_REMOVE, "DELETE FROM backoff WHERE due_ms = ? AND num = ? AND idx = ?")          \
	X(REDO_OF, "SELECT num, idx, priority, seq, ids, NULL FROM redo WHERE priority = ? "       \
		   "AND seq = ? ORDER BY idx LIMIT 1")                                             \
	X(BACKOFF_OF, "SELECT num, idx, priority, seq, ids, due_ms FROM backoff WHERE priority = " \
		      "? AND num = ? ORDER BY idx LIMIT 1")                                        \
	X(BATCH_START, "INSERT INTO batch (num, idx, owner, status, attempts, attempts_base, "     \
		       "ids_completed, ids_failed, ids_cancelled, ids_unknown, started_ms, "       \
		       "finished_ms, error, renewed) VALUES (?1, ?2, ?3, 1, 1, 0, 0, 0, 0, 0, 0, " \
		       "0, NULL, 0) ON CONFLICT (num, idx) DO UPDATE SET status = 1, owner = ?3, " \
		       "attempts = batch.attempts + 1, started_ms = 0 RETURNING attempts")         \
	X(BATCH_READ, "SELECT b.status, b.attempts, b.attempts_base, b.ids_completed, "            \
		      "b.ids_failed, b.started_ms, i.uuid, i.priority, i.seq, i.id_count, "        \
		      "i.batch_size, i.cancelled_by IS NOT NULL, b.owner FROM batch b JOIN "       \
		      "ingestion i ON i.num = b.num WHERE b.num = ? AND b.idx = ?")                \
	X(BATCH_STARTED, "UPDATE batch SET started_ms = ? WHERE num = ? AND idx = ?")              \
	X(BATCH_FINISH,                                                                            \
	    "UPDATE batch SET status = ?, attempts = attempts - ?, ids_completed = "               \
	    "ids_completed + ?, ids_failed = ids_failed + ?, ids_cancelled = "                     \
	    "ids_cancelled + ?, ids_unknown = ids_unknown + ?, finished_ms = ?, error "            \
	    "= ?, renewed = 0 WHERE num = ? AND idx = ?")                                          \
	X(BATCH_CANCEL,                                                                            \
	    "UPDATE batch SET status = 5, ids_cancelled = ?, finished_ms = ? WHERE num "           \
	    "= ? AND idx = ?")                                                                     \
	X(BATCH_FAILED, SELECT_GIVEN_UP                                                            \
	    " INDEXED BY batch_given_up WHERE num = ? AND status = 4 ORDER BY idx LIMIT 1")        \
	X(BATCH_CANCELLED, SELECT_GIVEN_UP                                                         \
	    " INDEXED BY batch_cancelled WHERE num = ? AND status = 5 ORDER BY idx LIMIT 1")       \
	X(BATCH_RETRY, "UPDATE batch SET status = 2, attempts_base = attempts, ids_failed = 0, "   \
		       "ids_cancelled = 0, ids_unknown = 0, finished_ms = 0, renewed = 1 WHERE "   \
		       "num = ? AND idx = ?")                                                      \
	X(BATCHES_RUNNING,                                                                         \
	    "SELECT num, idx FROM batch WHERE status = 1 AND owner = ? ORDER BY num, "             \
	    "idx LIMIT 1")                                                                         \
	X(INGESTION_TAKEN,                                                                         \
	    "UPDATE ingestion SET next_batch = next_batch + ?1, retrying = retrying - "            \
	    "?2, triggered = triggered + 1, attempts = attempts + 1, retries = retries "           \
	    "+ ?3, version = version + 1 WHERE num = ?4 RETURNING uuid, label, priority")          \
	X(INGESTION_STARTED,                                                                       \
	    "UPDATE ingestion SET started_ms = CASE started_ms WHEN 0 THEN ? ELSE "                \
	    "started_ms END, version = version + 1 WHERE num = ?")                                 \
	X(INGESTION_FINISH,                                                                        \
	    "UPDATE ingestion SET triggered = triggered - 1, retrying = retrying + ?1, "           \
	    "completed = completed + ?2, failed = failed + ?3, cancelled = cancelled + "           \
	    "?4, ids_completed = ids_completed + ?5, ids_failed = ids_failed + ?6, "               \
	    "ids_cancelled = ids_cancelled + ?7, ids_unknown = ids_unknown + ?8, "                 \
	    "attempts = attempts - ?9, retries = retries - ?10, version = version + 1 "            \
	    "WHERE num = ?11 RETURNING completed + failed + cancelled = batch_count, "             \
	    "failed, cancelled")                                                                   \
	X(INGESTION_END,                                                                           \
	    "UPDATE ingestion SET finished_ms = ?, expires_ms = CASE WHEN key IS NULL "            \
	    "THEN NULL ELSE ? END WHERE num = ?")                                                  \
	X(INGESTION_CANCEL,                                                                        \
	    "UPDATE ingestion SET cancelled_by = ?1, cancelled_ms = CASE WHEN "                    \
	    "next_batch < end_batch THEN ?5 ELSE cancelled_ms END, cancelled = "                   \
	    "cancelled + end_batch - next_batch + ?2, end_batch = next_batch, retrying "           \
	    "= retrying - ?2, ids_cancelled = ids_cancelled + ?3, version = version + "            \
	    "1 WHERE num = ?4")                                                                    \
	X(INGESTIONS_CANCELLING,                                                                   \
	    "SELECT uuid FROM ingestion WHERE cancelled_by IS NOT NULL AND finished_ms "           \
	    "= 0 LIMIT 1")                                                                         \
	X(INGESTION_RETRY,                                                                         \
	    "UPDATE ingestion SET failed = failed - ?1, cancelled = cancelled - ?2 - "             \
	    "CASE WHEN ?3 = 1 THEN batch_count - end_batch ELSE 0 END, cancelled_ms = "            \
	    "CASE WHEN ?3 = 1 THEN 0 ELSE cancelled_ms END, end_batch = CASE WHEN ?3 = "           \
	    "1 THEN batch_count ELSE end_batch END, retrying = retrying + ?1 + ?2, "               \
	    "ids_failed = ids_failed - ?4, ids_cancelled = ids_cancelled - ?5, "                   \
	    "ids_unknown = ids_unknown - ?6, cancelled_by = NULL, finished_ms = 0, "               \
	    "expires_ms = NULL, version = version + 1 WHERE num = ?7")                             \
	X(INGESTION_BUMP,                                                                          \
	    "UPDATE ingestion SET priority = ?, version = version + 1 WHERE num = ?")              \
	X(INGESTION_REST,                                                                          \
	    "SELECT batch_count - end_batch, cancelled_ms FROM ingestion WHERE num = ?")           \
	X(INGESTION_UUID, "SELECT uuid FROM ingestion WHERE num = ?")                              \
	X(NOTICE_ADD, "INSERT INTO notice (num, due_ms, attempts) VALUES (?, ?, 0)")               \
	X(NOTICE_REMOVE, "DELETE FROM notice WHERE num = ? RETURNING num")                         \
	X(NOTICE_FIRST, "SELECT i.uuid, n.due_ms, n.attempts FROM notice n JOIN ingestion i ON "   \
			"i.num = n.num ORDER BY n.due_ms, n.num LIMIT 1")                          \
	X(NOTICE_TRY, "UPDATE notice SET attempts = attempts + 1, due_ms = ? WHERE num = ?")       \
	X(NOTICE_LATER, "UPDATE notice SET due_ms = ?1, attempts = CASE WHEN attempts > ?2 THEN "  \
			"attempts - ?2 ELSE 0 END WHERE num = ?3 RETURNING num")                   \
	X(NOTICES_DUE, "UPDATE notice SET due_ms = ?1 WHERE due_ms > ?1")                          \
	X(RESULT_ADD, "INSERT INTO result (num, pos, outcome, attempts, started_ms, finished_ms, " \
		      "error) VALUES (?, ?, ?, ?, ?, ?, ?)")                                       \
	X(RESULTS_FORGET,                                                                          \
	    "DELETE FROM result WHERE num = ? AND pos >= ? AND pos < ? AND outcome = 0")           \
	X(RESULTS_RETRY,                                                                           \
	    "DELETE FROM result WHERE num = ? AND pos >= ? AND pos < ? AND outcome != 1")          \
	X(RESULTS_FINAL,                                                                           \
	    "SELECT pos FROM result WHERE num = ? AND pos >= ? AND pos < ? AND outcome "           \
	    "> 0 ORDER BY pos")                                                                    \
	X(RESULTS_READ,                                                                            \
	    "SELECT pos, outcome, attempts, started_ms, finished_ms, error FROM result "           \
	    "WHERE num = ? AND pos >= ? AND pos < ? ORDER BY pos")                                 \
	X(OUTPUT_WRITE,                                                                            \
	    "INSERT INTO output (num, idx, out, out_bytes, err, err_bytes) VALUES (?, "            \
	    "?, ?, ?, ?, ?) ON CONFLICT (num, idx) DO UPDATE SET out = excluded.out, "             \
	    "out_bytes = excluded.out_bytes, err = excluded.err, err_bytes = "                     \
	    "excluded.err_bytes")                                                                  \
	X(OUTPUT_REMOVE, "DELETE FROM output WHERE num = ? AND idx = ?")                           \
	X(INGESTION_READ, SELECT_INGESTION " WHERE uuid = ?")                                      \
	X(LIST_NEWEST, SELECT_INGESTION " WHERE num < ? ORDER BY num DESC LIMIT ?")                \
	X(LIST_SEQ, SELECT_INGESTION " WHERE seq = ? AND seq > 0")                                 \
	X(LIST_PREFIX, SELECT_INGESTION                                                            \
	    " WHERE uuid >= ? AND uuid <= ? AND uuid < ? ORDER BY uuid DESC LIMIT ?")              \
	X(BATCHES_READ,                                                                            \
	    "SELECT b.idx, b.status, b.attempts, b.ids_completed, b.ids_failed, "                  \
	    "b.ids_cancelled, b.ids_unknown, b.started_ms, b.finished_ms, b.error, "               \
	    "(SELECT o.due_ms - l.store_ms + l.utc_ms FROM backoff o, ledger l WHERE "             \
	    "o.num = b.num AND o.priority IN (1, 2, 3) AND o.idx = b.idx) FROM batch b "           \
	    "WHERE b.num = ? AND b.idx >= ? ORDER BY b.idx LIMIT ?")                               \
	X(OUTPUTS_READ,                                                                            \
	    "SELECT idx, out, out_bytes, err, err_bytes FROM output WHERE num = ? AND "            \
	    "idx >= ? ORDER BY idx LIMIT ?")                                                       \
	X(STORIES_READ, SELECT_STORY " WHERE num = ? AND idx >= ? ORDER BY idx LIMIT ?")           \
	X(STORIES_FAILED,                                                                          \
	    SELECT_STORY " INDEXED BY batch_failed WHERE num = ? AND idx >= ? AND ids_failed > 0 " \
			 "ORDER BY idx LIMIT ?")

enum sql {
#define X(name, text) SQL_##name,
	SQL_LIST(X)
#undef X
	    SQL_COUNT
};

#endif
