/* What the files of the PostgreSQL store share; nobody else includes this. */
#ifndef INGESTD_STORE_POSTGRES_H
#define INGESTD_STORE_POSTGRES_H

#include "buf.h"
#include "store_postgres_sql.h"
#include "store_sql.h"

#include <libpq-fe.h>

#define POSTGRES_SCHEME "postgresql://"

/* ---- store_postgres_conn.c: one connection, and what its loss means ---- */

/* How long a statement may take, the wait for locks included; then the connection is given up. */
#define PG_ANSWER_MS 10000

/*
 * A connection that comes back after it was lost. Of one thread. It is always in pipeline mode
 * (postgresql.org/docs/15/libpq-pipeline-mode.html); what goes wrong in one statement makes all
 * that follow fail until pg_conn_sync().
 */
struct pg_conn;

/* Makes it, without connecting. `clock` must outlive it. ERR_INVALID for a URL that libpq does not
 * take. */
enum err pg_conn_new(
    struct pg_conn **conn, const char *url, const struct clock *clock, struct fail *fail);
void pg_conn_free(struct pg_conn *conn);

/*
 * Connects where that is needed. After a failure it is tried again after a while, which grows from
 * 100 ms to 5 s, and until then ERR_BUSY comes back at once, with fail->retry_ms. Logs each loss
 * and each return once.
 */
enum err pg_conn_ready(struct pg_conn *conn, struct fail *fail);

/* Another connection to the same database warns of what that can lose: this one does not. */
void pg_conn_hush(struct pg_conn *conn);

/* How often it was connected: another number means another session, without our locks. */
int64_t pg_conn_session(const struct pg_conn *conn);

/* Gives the session up, as if it was lost. */
void pg_conn_drop(struct pg_conn *conn);

bool pg_conn_is_lost(const struct pg_conn *conn);

/*
 * Ends the pipeline: waits for all that was sent. True when everything since the last time went
 * well; else pg_conn_failed() says what did not.
 */
bool pg_conn_sync(struct pg_conn *conn);

/*
 * What the first failure since the last pg_conn_sync() means, by its SQLSTATE
 * (postgresql.org/docs/15/errcodes-appendix.html); fills *fail and logs what people have to know.
 * STORE_UNDONE in all cases: whether a commit was done is for the caller to find out.
 */
enum store_result pg_conn_failed(struct pg_conn *conn, struct fail *fail);

/*
 * Runs SQL that comes in one piece, several statements perhaps, outside of the pipeline and of any
 * transaction. False: *fail says why.
 */
bool pg_conn_exec(struct pg_conn *conn, const char *sql, struct fail *fail);

/* ---- store_postgres_driver.c: statements ---- */

/*
 * The same calls as struct sql_driver has, for statements of both lists. A statement that gives no
 * rows is only sent; its failure comes with the next one that does, or with pg_conn_sync(). The
 * code of any failure is PG_FAILED, and pg_conn_failed() says more.
 */
#define PG_FAILED 1

/*
 * Besides the letters of sql_first() there are I, T and B: an array of numbers, texts or blobs in
 * the binary format (const void *, and int64_t bytes).
 */
int pg_first(struct pg_conn *conn, int sql, const char *types, va_list args);
int pg_send_args(struct pg_conn *conn, int sql, const char *types, va_list args);
int pg_run(struct pg_conn *conn, int sql, const char *types, ...);

/*
 * Sends without waiting, also what gives rows; pg_rows() waits for these then. So several questions
 * take one round trip.
 */
int pg_send(struct pg_conn *conn, int sql, const char *types, ...);
int pg_rows(struct pg_conn *conn, int sql);

int pg_next(struct pg_conn *conn, int sql);
void pg_reset(struct pg_conn *conn, int sql);
void pg_reset_all(struct pg_conn *conn);
bool pg_is_null(const struct pg_conn *conn, int sql, int column);
/* Of bigint, integer and boolean columns; 0 for NULL. */
int64_t pg_number(const struct pg_conn *conn, int sql, int column);
const char *pg_text(const struct pg_conn *conn, int sql, int column);
const void *pg_blob(const struct pg_conn *conn, int sql, int column, size_t *size);

/* ---- store_postgres.c: turns ---- */

/* An ingestd among others that share the store. */
struct membership {
	struct uuid uuid;
	int64_t num; /* of this process; sql.owner */
	int64_t
	    session; /* the one in which we hold our name; the next two name it for the server */
	int64_t backend;
	char backend_start[64];
	int64_t lease_end; /* boot_ns; LEDGER_NONE: there is none */
	int64_t seen_turn; /* the newest turn that a beat has told of */
	int64_t own_turns; /* ours since then */
	bool recovered; /* what an earlier process of our name had is back in line */
};

struct pg_store {
	struct sql_store sql;
	struct pg_conn *conn;
	const struct clock *clock;
	struct membership me;
	struct membership after; /* what `me` is once this turn is committed */
	uint64_t jitter; /* state of a generator */

	/* This turn, once it has the lock; and the last look without it. */
	bool locked;
	bool exact; /* the clock was read without a wait */
	bool lease_over; /* as the others see it */
	int64_t turn; /* the number of the one before */
	struct sql_time time; /* of the database: read after asked_at and before answered_at */
	int64_t asked_at, answered_at; /* boot_ns */
	int64_t time_asked; /* boot_ns: of `time`, whatever was asked since */
	bool leapt; /* that clock was set on, which no turn has considered yet */

	struct pg_group *group; /* ingestions of this turn that are not sent yet */
	struct pg_keys *keys; /* that its submissions have */
	bool ahead[SQL_COUNT]; /* statements that were sent before they are asked for */

	/* The last slot that was taken here, by the two clocks, and what went into it. */
	int64_t slot_ns, slot_boot_ns;
	struct store_attempt *slot;
	size_t n_slot;

	/*
	 * What this turn has claimed, and what a turn had claimed that was lost (STORE_LOST): it is
	 * given back at the next opportunity, if it was claimed at all.
	 */
	struct store_attempt *taken;
	size_t n_taken, n_lost;
};

extern const struct store_ops store_postgres_ops, store_postgres_reader_ops;

/* Makes a store without a connection. ERR_INVALID for the URL. */
enum err pg_store_new(
    struct pg_store **store, const char *url, const struct clock *clock, struct fail *fail);

/*
 * Begins the transaction, locks the ledger, and reads it and the clock. Nothing the second time in
 * a turn. The clock was read when the lock was got, which may be long after asked_at.
 */
enum store_result pg_lock(struct pg_store *store, struct fail *fail);

/* Reads the clock again, without that wait; once in a turn. In a turn that has the lock. */
enum store_result pg_read_clock(struct pg_store *store, struct fail *fail);

/* Reads the ledger and the clock without locking anything: what comes next may be another story. */
enum store_result pg_look(struct pg_store *store, struct fail *fail);

/* The local time at which it is `ns` on the database's clock, or a little later. */
int64_t pg_local(const struct pg_store *store, int64_t ns);

/* When to look again for what others have done; not all nodes at the same time. */
int64_t pg_poll_at(struct pg_store *store);

/* ---- store_postgres_summary.c: the ledger ---- */

/* The database's time, and the store's, which does not go back when somebody sets the clock. */
struct sql_time pg_time_of(int64_t us, int64_t written_ms);

/* Takes the row of PG_MOMENT_READ. False: it is damaged. */
bool pg_summary_take(
    struct pg_conn *conn, struct summary *summary, struct sql_time *time, int64_t *turn);

/* Sends the ledger of this turn. */
int pg_summary_write(struct pg_store *store);

/* ---- store_postgres_group.c: several rows in one statement ---- */

struct pg_group;

struct pg_group *pg_group_new(void);
void pg_group_free(struct pg_group *group);
void pg_group_clear(struct pg_group *group);

/* Takes a row for SQL_INGESTION_ADD, which is sent later. SQL_DONE or an error. */
int pg_group_add(struct pg_group *group, struct pg_conn *conn, const char *types, va_list args);

/* Sends what was taken. SQL_DONE or an error. */
int pg_group_flush(struct pg_group *group, struct pg_conn *conn);

/* ---- store_postgres_keys.c: the keys of a turn ---- */

struct pg_keys;

struct pg_keys *pg_keys_new(void);
void pg_keys_free(struct pg_keys *keys);
void pg_keys_clear(struct pg_keys *keys);

/* One that is likely to be asked for; borrowed until pg_keys_clear(). "" is nothing. */
void pg_keys_expect(struct pg_keys *keys, const struct store_key *key);

/* Sends the question for all of them, and takes the answer. SQL_DONE or an error. */
void pg_keys_send(struct pg_keys *keys, struct pg_conn *conn);
int pg_keys_take(struct pg_keys *keys, struct pg_conn *conn);

/* Whether the key is known not to be there; the second time for one key it is not known. */
bool pg_keys_absent(struct pg_keys *keys, const char *text, const char *principal);

/* ---- store_postgres_array.c: arrays as arguments ---- */

/* Begins an array in an empty buffer, or in place of what was there; adds elements, NULL for NULL;
 * and ends it: their type is 'i', 't' or 'b', and there are n of them. */
void pg_array_begin(struct buf *array);
void pg_array_put(struct buf *array, const void *bytes, size_t n);
void pg_array_put_number(struct buf *array, int64_t number, bool is_null);
void pg_array_end(struct buf *array, char type, int64_t n);

/* ---- store_postgres_claim.c: slots ---- */

enum store_result pg_claim(struct store *store, struct store_op *op);
enum store_result pg_started(struct store *store, struct store_op *op);

/* ---- store_postgres_node.c: who shares the store ---- */

/*
 * The process joins, or is refused: ERR_CONFLICT when its name is taken, or others are alive with
 * other values. Alone its values come in force. In a turn.
 */
enum err pg_join(struct pg_store *store, bool *alone, struct fail *fail);

/*
 * Holds the name in a session that has it not yet; outside of a turn. ERR_CONFLICT when another one
 * still does after `patience_ms`: a process that was killed loses its session only when the server
 * notices.
 */
enum err pg_hold_name(struct pg_store *store, int64_t patience_ms, struct fail *fail);

/* Says good-bye, if that is possible. */
void pg_leave(struct pg_store *store);

enum store_result pg_beat(struct store *store, struct store_op *op);
enum store_result pg_nodes(struct store *store, struct store_op *op);

/* ---- store_postgres_check.c ---- */

/* The full check (store.h, store_kind). */
bool pg_check(const char *where, struct fail *fail);

/* ---- store_postgres_schema.c ---- */

extern const char pg_schema[];

/*
 * Makes the tables where there are none, and with `migrate` brings older ones up to date.
 * ERR_WRONG_STATE when they are of another version, or when a migration from another store has not
 * ended.
 */
enum err pg_schema_prepare(struct pg_conn *conn, bool migrate, struct fail *fail);

/* The same where they have to be there; for a turn that has locked the ledger, like a migration. */
enum err pg_schema_verify(struct pg_conn *conn, struct fail *fail);

#endif
