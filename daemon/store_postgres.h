/* What the files of the PostgreSQL store share; nobody else includes this. */
#ifndef INGESTD_STORE_POSTGRES_H
#define INGESTD_STORE_POSTGRES_H

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

int pg_first(struct pg_conn *conn, int sql, const char *types, va_list args);
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

#endif
