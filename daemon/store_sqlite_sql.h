/* The statements of the SQLite store that no other store has. */
#ifndef INGESTD_STORE_SQLITE_SQL_H
#define INGESTD_STORE_SQLITE_SQL_H

#include "store_sql_list.h"

#define SQLITE_LIST(X)                                                                             \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                \
	X(BEGIN_READ, "BEGIN")                                                                     \
	X(COMMIT, "COMMIT")                                                                        \
	X(ROLLBACK, "ROLLBACK")                                                                    \
	X(LEDGER_READ,                                                                             \
	    "SELECT interval_ns, settle_ns, pack, boot_id, last_claim, last_start, ready_since, "  \
	    "utc_ms, boot_ns, store_ms, next_seq, uploads, upload_ids, notices, node, next_num "   \
	    "FROM ledger")                                                                         \
	X(LEDGER_WRITE, "UPDATE ledger SET (interval_ns, settle_ns, pack, boot_id, "               \
			"last_claim, last_start, ready_since, utc_ms, boot_ns, store_ms, "         \
			"next_seq, uploads, upload_ids, notices, next_num) = "                     \
			"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                           \
	X(CONTROL_READ, "SELECT pause, pause_until_ms, paused_by, paused_ms, hold_until_ms, "      \
			"rate_ns, rated_by, rated_ms FROM control")                                \
	X(CONTROL_WRITE, "UPDATE control SET (pause, pause_until_ms, paused_by, paused_ms, "       \
			 "hold_until_ms, rate_ns, rated_by, rated_ms) = (?, ?, ?, ?, ?, ?, ?, ?)") \
	X(LANES_READ,                                                                              \
	    "SELECT priority, ids, later, yet_to_start, triggered, retrying, completed, "          \
	    "failed, cancelled, i_yet_to_start, i_triggered, i_completed, i_failed, i_receiving, " \
	    "i_cancelled, i_cancelling FROM lane")                                                 \
	X(LANE_WRITE, "UPDATE lane SET (ids, later, yet_to_start, triggered, retrying, "           \
		      "completed, failed, cancelled, i_yet_to_start, i_triggered, i_completed, "   \
		      "i_failed, i_receiving, i_cancelled, i_cancelling) = "                       \
		      "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE priority = ?")

enum sqlite_sql {
	LITE_FIRST = SQL_COUNT - 1,
#define X(name, text) LITE_##name,
	SQLITE_LIST(X)
#undef X
	    LITE_COUNT /* of both lists */
};

#endif
