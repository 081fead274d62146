/* The statements of the PostgreSQL store that are not, or not in these words, in store_sql_list.h.
 */
#ifndef INGESTD_STORE_POSTGRES_SQL_H
#define INGESTD_STORE_POSTGRES_SQL_H

#include "store_sql_list.h"

/*
 * Name and text. Parameters are written '?' or '?N', as in the common list. clock_timestamp() and
 * not now(): that is the time when the transaction began, perhaps long before it got the lock.
 */
#define PG_LIST(X)                                                                                 \
	X(BEGIN, "BEGIN")                                                                          \
	X(BEGIN_READ, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")                           \
	X(COMMIT, "COMMIT")                                                                        \
	X(ROLLBACK, "ROLLBACK")                                                                    \
	X(LEDGER_LOCK, "SELECT node FROM ledger FOR UPDATE")                                       \
	X(MOMENT_READ,                                                                             \
	    "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint), turn, "       \
	    "store_ms, interval_ns, settle_ns, pack, last_claim, last_start, ready_since, "        \
	    "next_seq, next_num, uploads, upload_ids, notices, pause, pause_until_ms, paused_by, " \
	    "paused_ms, hold_until_ms, rate_ns, rated_by, rated_ms, array_to_string(lanes, ' ') "  \
	    "FROM moment ORDER BY turn DESC LIMIT 1")                                              \
	X(CLOCK, "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)")         \
	X(MOMENT_ADD,                                                                              \
	    "INSERT INTO moment (turn, store_ms, interval_ns, settle_ns, pack, last_claim, "       \
	    "last_start, ready_since, next_seq, next_num, uploads, upload_ids, notices, pause, "   \
	    "pause_until_ms, paused_by, paused_ms, hold_until_ms, rate_ns, rated_by, rated_ms, "   \
	    "lanes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "       \
	    "CAST(? AS bigint[]))")                                                                \
	X(MOMENT_REMOVE, "DELETE FROM moment WHERE turn = ?")                                      \
	X(INGESTIONS_ADD,                                                                          \
	    "INSERT INTO ingestion (num, stage, seq, uuid, priority, asked_priority, label, "      \
	    "batch_size, id_count, batch_count, next_batch, end_batch, triggered, retrying, "      \
	    "completed, failed, cancelled, ids_completed, ids_failed, ids_cancelled, "             \
	    "ids_unknown, attempts, retries, version, created_ms, started_ms, finished_ms, "       \
	    "cancelled_ms, principal, key, digest, expires_ms, ids) "                              \
	    "SELECT num, stage, seq, uuid, priority, priority, label, batch_size, id_count, "      \
	    "batch_count, 0, batch_count, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, created_ms, "        \
	    "0, 0, 0, principal, key, digest, expires_ms, ids FROM unnest("                        \
	    "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) AS t(stage, seq, "  \
	    "uuid, priority, label, batch_size, id_count, batch_count, created_ms, principal, "    \
	    "key, digest, expires_ms, ids, num)")                                                  \
	X(KEYS_FIND,                                                                               \
	    "SELECT place FROM unnest(?1, ?2) WITH ORDINALITY AS t(k, p, place), LATERAL "         \
	    "(SELECT 1 FROM ingestion WHERE key = k AND principal = p LIMIT 1) AS found")          \
	X(DUE_FIRST, "SELECT due_ms FROM backoff ORDER BY due_ms LIMIT 1")                         \
	X(SIZE, "SELECT CAST(sum(pg_total_relation_size(oid)) AS bigint) FROM pg_class "           \
		"WHERE relnamespace = CAST('ingestd' AS regnamespace) AND relkind = 'r'")          \
	X(SCHEMA_THERE, "SELECT to_regclass('ingestd.meta') IS NOT NULL")                          \
	X(SCHEMA_VERSION, "SELECT version, migrating IS NOT NULL FROM meta")                       \
	X(NAME_LOCK,                                                                               \
	    "SELECT pg_try_advisory_lock(1768843108, hashtext(?)), pg_backend_pid(), "             \
	    "CAST(backend_start AS text) FROM pg_stat_activity WHERE pid = pg_backend_pid()")      \
	X(SESSION_END, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "                   \
		       "WHERE pid = ? AND CAST(backend_start AS text) = ?")                        \
	X(NODE_MINE, "SELECT lease_ms, gone FROM node WHERE num = ?")                              \
	X(NODE_ADD,                                                                                \
	    "INSERT INTO node (uuid, name, version, lease_ms, gone, started_ms, seen_ms, "         \
	    "interval_ns, settle_ns, pack, max_attempts, batch_size, concurrency, guard_ns, "      \
	    "running, attempts, retries, interrupted, failed) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5, " \
	    "?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, 0, 0, 0, 0) RETURNING num")                         \
	X(NODE_RENEW, "UPDATE node SET lease_ms = ?, seen_ms = ?, running = ?, attempts = ?, "     \
		      "retries = ?, interrupted = ?, failed = ? WHERE num = ? AND gone = 0 "       \
		      "RETURNING num")                                                             \
	X(NODE_GONE, "UPDATE node SET gone = 1 WHERE num = ?")                                     \
	X(NODE_LEAVE, "UPDATE node SET gone = 1, lease_ms = ?1, seen_ms = ?1 WHERE num = ?2")      \
	X(NODE_REMOVE, "DELETE FROM node WHERE num = ?")                                           \
	X(NODES_FORGET, "DELETE FROM node WHERE gone = 1 AND seen_ms < ?")                         \
	X(NODE_OF_NAME, "SELECT uuid FROM node WHERE name = ? ORDER BY num DESC LIMIT 1")          \
	X(NODE_LATE, "SELECT num FROM node WHERE gone = 0 AND lease_ms < ? AND num <> ? "          \
		     "ORDER BY num LIMIT 1")                                                       \
	X(NODE_ENDS, "SELECT min(lease_ms) FROM node WHERE gone = 0 AND num <> ?")                 \
	X(NODE_BEFORE, "SELECT num FROM node WHERE name = ? AND num < ? ORDER BY num LIMIT 1")     \
	X(NODES_ALIVE,                                                                             \
	    "SELECT name, interval_ns, settle_ns, pack, max_attempts, guard_ns FROM node "         \
	    "WHERE gone = 0 AND lease_ms >= ? AND name <> ? ORDER BY num")                         \
	X(NODES_READ,                                                                              \
	    "SELECT DISTINCT ON (name) num, uuid, name, version, lease_ms, gone, started_ms, "     \
	    "seen_ms, interval_ns, settle_ns, pack, max_attempts, batch_size, concurrency, "       \
	    "running, attempts, retries, interrupted, failed FROM node "                           \
	    "ORDER BY name, num DESC LIMIT 10000")                                                 \
	X(CANCELLED_HERE,                                                                          \
	    "SELECT DISTINCT i.uuid FROM batch b JOIN ingestion i ON i.num = b.num "               \
	    "WHERE b.status = 1 AND b.owner = ? AND i.cancelled_by IS NOT NULL LIMIT 1000")

/* Statements of the common list in other words: name there, and text. */
#define PG_OWN_LIST(X)                                                                             \
	X(BATCHES_READ,                                                                            \
	    "SELECT b.idx, b.status, b.attempts, b.ids_completed, b.ids_failed, "                  \
	    "b.ids_cancelled, b.ids_unknown, b.started_ms, b.finished_ms, b.error, "               \
	    "(SELECT o.due_ms FROM backoff o WHERE o.num = b.num AND o.priority IN (1, 2, 3) "     \
	    "AND o.idx = b.idx) FROM batch b WHERE b.num = ? AND b.idx >= ? ORDER BY b.idx "       \
	    "LIMIT ?")                                                                             \
	X(INGESTIONS_CANCELLING, "SELECT uuid FROM ingestion WHERE cancelled_by IS NOT NULL "      \
				 "AND finished_ms = 0 AND retrying > 0 LIMIT 1")                   \
	X(BATCH_FAILED, SELECT_GIVEN_UP " WHERE num = ? AND status = 4 ORDER BY idx LIMIT 1")      \
	X(BATCH_CANCELLED, SELECT_GIVEN_UP " WHERE num = ? AND status = 5 ORDER BY idx LIMIT 1")   \
	X(STORIES_FAILED,                                                                          \
	    SELECT_STORY " WHERE num = ? AND idx >= ? AND ids_failed > 0 ORDER BY idx LIMIT ?")

enum pg_sql {
	PG_FIRST = SQL_COUNT - 1,
#define X(name, text) PG_##name,
	PG_LIST(X)
#undef X
	    PG_COUNT /* of both lists */
};

#endif
