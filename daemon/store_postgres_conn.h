/* What store_postgres_conn.c and store_postgres_driver.c share; nobody else includes this. */
#ifndef INGESTD_STORE_POSTGRES_CONN_H
#define INGESTD_STORE_POSTGRES_CONN_H

#include "store_postgres.h"

/* Most messages on their way: so much of their results stays in the buffers of the sockets. */
#define PG_SENT_MAX 256
#define PG_ARGS_MAX 32

/* One of both lists, as this connection knows it. */
struct pg_statement {
	char *text; /* with $1; NULL: not used yet */
	Oid types[PG_ARGS_MAX];
	int args;
	bool rows; /* it gives rows */
	bool prepared; /* in this session, or on the way to be */
	PGresult *result; /* NULL: none, or all rows were seen */
	int row;
};

/* What was sent and not answered yet. */
struct pg_sent {
	int sql;
	bool prepares; /* else it runs the statement */
};

/* What went wrong first. */
struct pg_failure {
	int sql; /* -1: no statement of the lists */
	char state[6]; /* SQLSTATE */
	char text[256];
	char detail[256];
};

struct pg_conn {
	char *url;
	const struct clock *clock;
	PGconn *pg; /* NULL: lost, or not connected yet */
	char shown[256]; /* host, port and database; "" before the first session */
	bool quiet; /* does not warn of what the database can lose */
	int64_t session;

	int64_t delay_ms; /* after the next failure; 0: everything is well */
	int64_t not_before; /* boot_ns: when it may be tried again */
	bool told; /* that it is lost */
	struct fail why; /* it cannot be had */

	bool failed; /* since the last pg_conn_sync() */
	struct pg_failure failure; /* the last one; kept until there is another */

	struct pg_sent sent[PG_SENT_MAX];
	size_t n_sent;
	struct pg_statement statements[PG_COUNT];
};

/* ---- store_postgres_conn.c ---- */

/*
 * Waits for the results of all that was sent; what a statement gives goes to pg_statement_done().
 * False: something has failed since the last pg_conn_sync().
 */
bool pg_conn_settle(struct pg_conn *conn);

/* Remembers that the session is to answer this; settles before when too much is on its way. */
bool pg_conn_room(struct pg_conn *conn, size_t n);
void pg_conn_sent(struct pg_conn *conn, int sql, bool prepares);

/* Gives the session up; `reason` is that of libpq when it is NULL. */
void pg_conn_lose(struct pg_conn *conn, const char *reason);

/* ---- store_postgres_driver.c ---- */

/* For the log. */
const char *pg_statement_name(int sql);

/* Takes what came; the result is NULL when it failed or was not run at all. */
void pg_statement_done(struct pg_conn *conn, const struct pg_sent *sent, PGresult *result);

/* A new session knows none of the statements. */
void pg_statements_forget(struct pg_conn *conn);
void pg_statements_free(struct pg_conn *conn);

/* The text with $1 for '?' and '?1'; a '?' alone comes after the highest one so far. The caller
 * frees it. */
char *pg_placeholders(const char *text);

#endif
