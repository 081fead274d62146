/* Rows that arrive in a PostgreSQL store. */
#include "store_rows.h"

#include "buf.h"
#include "store_postgres.h"
#include "util.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCHEMA_VERSION 1 /* the one with the columns of SQLITE_STORE_VERSION 1 */
#define OLDEST_SERVER 120000

/* Of pg_advisory_lock: nobody else migrates. */
#define LOCK "1768843109, 0"
#define LOCK_PATIENCE_MS 5000 /* for the session of one that was killed to end */
#define LOCK_STEP_MS 100

/* pg_type.h of the server; they never change. */
enum { OID_BYTEA = 17, OID_BIGINT = 20, OID_TEXT = 25 };

struct rows_target {
	PGconn *pg;
	const char *shown;
	const struct rows_table *table; /* that is copied or read */
	const char *doing; /* for texts */
	PGresult *result; /* whose cells the last row has borrowed */
	struct buf line; /* a row on its way */
	char id[2 * sizeof(struct uuid) + 1]; /* of the source, in hexadecimal */
};

/* ---- failures ---- */

/* The lines of a message of libpq as one. */
static void one_line(char *to, size_t size, const char *from)
{
	size_t len = 0;

	for (; *from && len + 1 < size; from++)
		if (*from != '\n')
			to[len++] = *from == '\t' ? ' ' : *from;
		else if (from[1])
			to[len++] = ' ';
	to[len] = '\0';
}

static enum err failed(struct rows_target *target, const PGresult *result, struct fail *fail)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
	const char *name = target->table ? target->table->name : "";
	const char *gap = target->table ? " " : "";
	char why[200], where[80];

	one_line(why, sizeof(why), text ? text : PQerrorMessage(target->pg));
	one_line(where, sizeof(where), context ? context : "");
	if (PQstatus(target->pg) != CONNECTION_OK || (state && strncmp(state, "57P", 3) == 0))
		return fail_set(fail, ERR_BUSY,
		    "the connection to %.100s was lost while %s%s%s (%s): run it again to go on",
		    target->shown, target->doing, gap, name, why);
	if (state && strcmp(state, "53100") == 0)
		return fail_set(fail, ERR_DISK_LOW,
		    "the disk of %.100s is full while %s%s%s (%s): make room, then run it again to "
		    "go on",
		    target->shown, target->doing, gap, name, why);
	return fail_set(fail, ERR_INTERNAL, "%.100s: %s%s%s failed: %s%s%s", target->shown,
	    target->doing, gap, name, why, *where ? "; " : "", where);
}

/* Takes the result of a command or a query; NULL: *fail is set. */
static PGresult *sound(struct rows_target *target, PGresult *result, struct fail *fail)
{
	ExecStatusType status = PQresultStatus(result);

	fail->err = ERR_OK;
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return result;
	failed(target, result, fail);
	PQclear(result);
	return NULL;
}

static PGresult *ask(struct rows_target *target, const char *sql, struct fail *fail)
{
	return sound(target, PQexec(target->pg, sql), fail);
}

static enum err run(struct rows_target *target, const char *sql, struct fail *fail)
{
	PQclear(ask(target, sql, fail));
	return fail->err;
}

/* ---- connecting ---- */

/* Notices are of no interest: "schema does not exist, skipping". */
static void ignore(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

/* What comes before the URL gives way to it; what comes behind does not. */
static PGconn *dial(const char *url)
{
	static const char *const keys[] = {"fallback_application_name", "connect_timeout",
	    "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
	    "target_session_attrs", "dbname", "client_encoding", NULL};
	const char *const values[] = {
	    "ingestd migrate", "10", "10", "5", "3", "30000", "read-write", url, "UTF8", NULL};

	return PQconnectdbParams(keys, values, 1);
}

/* The messages about URLs quote them, passwords included. */
static enum err check_url(const char *url, struct fail *fail)
{
	char *error = NULL;
	PQconninfoOption *options = PQconninfoParse(url, &error);

	fail->err = ERR_OK;
	if (!options)
		fail_set(fail, ERR_INVALID, "not a URL of PostgreSQL: %.*s",
		    (int)strcspn(error ? error : "", "\"\n"), error ? error : "");
	PQconninfoFree(options);
	PQfreemem(error);
	return fail->err;
}

static enum err check_server(struct rows_target *target, struct fail *fail)
{
	const char *encoding = PQparameterStatus(target->pg, "server_encoding");

	if (PQserverVersion(target->pg) < OLDEST_SERVER)
		return fail_set(fail, ERR_WRONG_STATE,
		    "%.160s is PostgreSQL %s; 12 is the oldest that is supported", target->shown,
		    PQparameterStatus(target->pg, "server_version"));
	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return fail_set(fail, ERR_WRONG_STATE, "%.160s is encoded in %s; it has to be UTF8",
		    target->shown, encoding ? encoding : "an unknown way");
	return ERR_OK;
}

enum err rows_target_open(
    struct rows_target **result, const char *url, const char *shown, struct fail *fail)
{
	struct rows_target *target = xcalloc(1, sizeof(*target));
	char why[300];

	*result = target;
	target->shown = shown;
	target->doing = "preparing";
	if (check_url(url, fail))
		return fail->err;
	target->pg = dial(url);
	if (PQstatus(target->pg) != CONNECTION_OK) {
		one_line(why, sizeof(why), PQerrorMessage(target->pg));
		return fail_set(fail, ERR_BUSY, "cannot connect to %.160s: %s", shown, why);
	}
	PQsetNoticeReceiver(target->pg, ignore, NULL);
	if (check_server(target, fail))
		return fail->err;
	/* The tables are read in the order of their keys, in which they were written: a sort would
	 * only fill the server's disk. */
	return run(target,
	    "SET search_path = ingestd; SET statement_timeout = 0; SET enable_sort = off;"
	    "SET idle_in_transaction_session_timeout = 0",
	    fail);
}

void rows_target_close(struct rows_target *target)
{
	if (!target)
		return;
	PQclear(target->result);
	PQfinish(target->pg);
	buf_free(&target->line);
	free(target);
}

/* ---- whose store it is ---- */

static bool try_lock(struct rows_target *target, struct fail *fail)
{
	PGresult *result = ask(target, "SELECT pg_try_advisory_lock(" LOCK ")", fail);
	bool locked = result && *PQgetvalue(result, 0, 0) == 't';

	PQclear(result);
	return locked;
}

/* For as long as the session lasts. */
static enum err be_alone(struct rows_target *target, struct fail *fail)
{
	for (int ms = 0; ms <= LOCK_PATIENCE_MS; ms += LOCK_STEP_MS) {
		if (ms > 0)
			nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_MS * NS_PER_MS}, NULL);
		if (try_lock(target, fail) || fail->err)
			return fail->err;
	}
	return fail_set(
	    fail, ERR_CONFLICT, "another migration into %.160s is running", target->shown);
}

static bool has_tables(struct rows_target *target, struct fail *fail)
{
	PGresult *result = ask(target, "SELECT to_regclass('ingestd.meta') IS NOT NULL", fail);
	bool there = result && *PQgetvalue(result, 0, 0) == 't';

	PQclear(result);
	return there;
}

/* A node may do it at the same time: what counts is that it is there. */
static enum err make_tables(struct rows_target *target, struct fail *fail)
{
	struct fail ignored;

	if (has_tables(target, fail) || fail->err)
		return fail->err;
	target->doing = "making the tables";
	if (run(target, pg_schema, fail)) {
		run(target, "ROLLBACK", &ignored);
		if (has_tables(target, &ignored))
			fail->err = ERR_OK;
	}
	/* The script has a path of its own, for its transaction only. */
	return fail->err;
}

static enum err refuse_used(struct rows_target *target, struct fail *fail)
{
	return fail_set(fail, ERR_CONFLICT,
	    "the store at %.160s is in use: rows are copied into a new one only", target->shown);
}

/* Whether rows may be added, by the one row that says what there is; *marked: they were before. */
static enum err judge(
    struct rows_target *target, const PGresult *found, bool *marked, struct fail *fail)
{
	bool used = *PQgetvalue(found, 0, 2) == 't', rows = *PQgetvalue(found, 0, 3) == 't';

	*marked = !PQgetisnull(found, 0, 1);
	if (strtoll(PQgetvalue(found, 0, 0), NULL, 10) != SCHEMA_VERSION)
		return fail_set(fail, ERR_WRONG_STATE,
		    "the tables of ingestd at %.160s have version %s, and this ingestd knows "
		    "version %d",
		    target->shown, PQgetvalue(found, 0, 0), SCHEMA_VERSION);
	if (used || (rows && !*marked))
		return refuse_used(target, fail);
	if (*marked && strcmp(PQgetvalue(found, 0, 1), target->id) != 0)
		return fail_set(fail, ERR_CONFLICT,
		    "rows of another store, not of this one, are being copied into %.160s",
		    target->shown);
	return ERR_OK;
}

/* In a transaction that has locked the ledger: no daemon joins meanwhile. */
static enum err look(struct rows_target *target, bool *marked, struct fail *fail)
{
	static const char question[] =
	    "SELECT version, encode(migrating, 'hex'),"
	    " coalesce((SELECT max(turn) FROM moment), 0) <> 1 OR EXISTS (SELECT FROM node"
	    "  WHERE gone = 0 AND lease_ms > extract(epoch FROM clock_timestamp()) * 1000),"
	    " EXISTS (SELECT FROM ingestion) FROM meta";
	PGresult *found;

	if (run(target, "SELECT node FROM ledger FOR UPDATE", fail))
		return fail->err;
	found = ask(target, question, fail);
	if (!found)
		return fail->err;
	if (PQntuples(found) == 1)
		judge(target, found, marked, fail);
	else
		fail_set(fail, ERR_WRONG_STATE, "the store at %.160s is damaged: meta is empty",
		    target->shown);
	PQclear(found);
	return fail->err;
}

enum err rows_target_claim(struct rows_target *target, const struct uuid *id, struct fail *fail)
{
	char mark[128];
	bool marked;

	for (size_t i = 0; i < sizeof(id->bytes); i++)
		snprintf(target->id + 2 * i, 3, "%02x", id->bytes[i]);
	snprintf(mark, sizeof(mark), "UPDATE meta SET migrating = '\\x%s'", target->id);
	if (be_alone(target, fail) || make_tables(target, fail))
		return fail->err;
	target->doing = "preparing";
	if (run(target, "BEGIN", fail) || look(target, &marked, fail) ||
	    (!marked && run(target, mark, fail)))
		return fail->err;
	return run(target, "COMMIT", fail);
}

/* ---- adding rows ---- */

/* "a, b, c" */
static void put_names(struct buf *sql, const struct row_names *names, int n)
{
	for (int i = 0; i < n; i++)
		buf_printf(sql, "%s%s", i == 0 ? "" : ", ", names->names[i]);
}

enum err rows_target_last(struct rows_target *target, const struct rows_table *table,
    const struct row_names *names, int64_t last[ROWS_KEYS], bool *any, struct fail *fail)
{
	struct buf sql = {0};
	PGresult *result;

	target->table = table;
	target->doing = "looking at";
	buf_add_str(&sql, "SELECT ");
	put_names(&sql, names, table->keys);
	buf_printf(&sql, " FROM %s ORDER BY ", table->name);
	for (int i = 0; i < table->keys; i++)
		buf_printf(&sql, "%s%d DESC", i == 0 ? "" : ", ", i + 1);
	buf_add_str(&sql, " LIMIT 1");
	result = ask(target, sql.data, fail);
	*any = result && PQntuples(result) == 1;
	for (int i = 0; *any && i < table->keys; i++)
		last[i] = strtoll(PQgetvalue(result, 0, i), NULL, 10);
	PQclear(result);
	buf_free(&sql);
	return fail->err;
}

/*
 * COPY in its binary format: numbers and bytes go as they are, and nothing has to be escaped; those
 * of bigint, text and bytea have been the same since there is such a format. (sql-copy.html)
 */
static const char copy_header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
#define COPY_HEADER_SIZE 19

enum err rows_target_put_begin(struct rows_target *target, const struct rows_table *table,
    const struct row_names *names, struct fail *fail)
{
	struct buf sql = {0};
	PGresult *result;

	fail->err = ERR_OK;
	target->table = table;
	target->doing = "copying into";
	buf_printf(&sql, "COPY %s (", table->name);
	put_names(&sql, names, names->n);
	buf_add_str(&sql, ") FROM STDIN (FORMAT binary)");
	result = PQexec(target->pg, sql.data);
	buf_free(&sql);
	if (PQresultStatus(result) != PGRES_COPY_IN ||
	    PQputCopyData(target->pg, copy_header, COPY_HEADER_SIZE) != 1)
		failed(target, result, fail);
	PQclear(result);
	return fail->err;
}

static void put_int32(struct buf *line, int32_t value)
{
	uint32_t big = htobe32((uint32_t)value);

	buf_add(line, &big, sizeof(big));
}

static void put_cell(struct buf *line, const struct cell *cell)
{
	uint64_t big = htobe64((uint64_t)cell->number);

	switch (cell->kind) {
	case CELL_NULL:
		put_int32(line, -1);
		break;
	case CELL_NUMBER:
		put_int32(line, sizeof(big));
		buf_add(line, &big, sizeof(big));
		break;
	case CELL_TEXT:
	case CELL_BLOB:
		put_int32(line, (int32_t)cell->len);
		if (cell->len > 0)
			buf_add(line, cell->data, cell->len);
		break;
	}
}

enum err rows_target_put(struct rows_target *target, const struct row *row, struct fail *fail)
{
	uint16_t n = htobe16((uint16_t)row->n);

	fail->err = ERR_OK;
	target->line.len = 0;
	buf_add(&target->line, &n, sizeof(n));
	for (int i = 0; i < row->n; i++)
		put_cell(&target->line, &row->cells[i]);
	if (PQputCopyData(target->pg, target->line.data, (int)target->line.len) != 1)
		return failed(target, NULL, fail);
	return ERR_OK;
}

enum err rows_target_put_end(struct rows_target *target, struct fail *fail)
{
	static const char trailer[] = "\377\377";
	PGresult *result;

	fail->err = ERR_OK;
	if (PQputCopyData(target->pg, trailer, 2) != 1 || PQputCopyEnd(target->pg, NULL) != 1)
		return failed(target, NULL, fail);
	while ((result = PQgetResult(target->pg))) {
		if (PQresultStatus(result) != PGRES_COMMAND_OK && !fail->err)
			failed(target, result, fail);
		PQclear(result);
		if (PQstatus(target->pg) != CONNECTION_OK)
			break;
	}
	return fail->err;
}

/* ---- reading them back ---- */

enum err rows_target_begin(struct rows_target *target, const struct rows_table *table,
    const struct row_names *names, struct fail *fail)
{
	struct buf sql = {0};
	int sent;

	fail->err = ERR_OK;
	target->table = table;
	target->doing = "reading";
	buf_add_str(&sql, "SELECT ");
	for (int i = 0; i < names->n; i++) {
		bool cast = table->array && strcmp(names->names[i], table->array) == 0;

		buf_printf(
		    &sql, "%s%s%s", i == 0 ? "" : ", ", names->names[i], cast ? "::text" : "");
	}
	buf_printf(&sql, " FROM %s", table->name);
	for (int i = 0; i < table->keys; i++)
		buf_printf(&sql, "%s%d", i == 0 ? " ORDER BY " : ", ", i + 1);
	sent = PQsendQueryParams(target->pg, sql.data, 0, NULL, NULL, NULL, NULL, 1);
	buf_free(&sql);
	/* Else all rows would be in memory at once. */
	if (sent != 1 || PQsetSingleRowMode(target->pg) != 1)
		failed(target, NULL, fail);
	return fail->err;
}

static struct cell cell_of(const PGresult *result, int column)
{
	struct cell cell = {.kind = CELL_BLOB, .data = PQgetvalue(result, 0, column)};
	uint64_t big;

	if (PQgetisnull(result, 0, column))
		return (struct cell){.kind = CELL_NULL};
	cell.len = (size_t)PQgetlength(result, 0, column);
	if (PQftype(result, column) == OID_TEXT)
		cell.kind = CELL_TEXT;
	if (PQftype(result, column) != OID_BIGINT || cell.len != sizeof(big))
		return cell;
	memcpy(&big, cell.data, sizeof(big));
	return (struct cell){.kind = CELL_NUMBER, .number = (int64_t)be64toh(big)};
}

/* The end, or a failure. */
static void end_reading(struct rows_target *target, struct fail *fail)
{
	for (; target->result; target->result = PQgetResult(target->pg)) {
		if (PQresultStatus(target->result) != PGRES_TUPLES_OK && !fail->err)
			failed(target, target->result, fail);
		PQclear(target->result);
	}
}

bool rows_target_next(struct rows_target *target, struct row *row, struct fail *fail)
{
	fail->err = ERR_OK;
	PQclear(target->result);
	target->result = PQgetResult(target->pg);
	if (PQresultStatus(target->result) != PGRES_SINGLE_TUPLE) {
		if (!target->result)
			failed(target, NULL, fail);
		end_reading(target, fail);
		return false;
	}
	row->n = PQnfields(target->result);
	if (row->n > ROWS_COLUMNS)
		abort();
	for (int i = 0; i < row->n; i++)
		row->cells[i] = cell_of(target->result, i);
	return true;
}

/* ---- the end ---- */

enum err rows_target_analyze(
    struct rows_target *target, const struct rows_table *table, struct fail *fail)
{
	char sql[64];

	target->table = table;
	target->doing = "analyzing";
	snprintf(sql, sizeof(sql), "ANALYZE %s", table->name);
	return run(target, sql, fail);
}

/* As the server reads a value of whatever type. The caller frees it. */
static char *text_of(const struct cell *cell)
{
	if (cell->kind == CELL_NULL)
		return NULL;
	if (cell->kind == CELL_NUMBER)
		return xasprintf("%" PRId64, cell->number);
	return xasprintf("%.*s", (int)cell->len, (const char *)cell->data);
}

/* Both clocks of the row are one look at the database's. */
static char *moment_insert(const struct row_names *names, bool claimed)
{
	const char *last = claimed ? "us * 1000" : "NULL";
	struct buf sql = {0};

	buf_add_str(
	    &sql, "INSERT INTO moment (turn, store_ms, last_claim, last_start, ready_since, ");
	put_names(&sql, names, names->n);
	buf_printf(&sql, ") SELECT 2, us / 1000, %s, %s, NULL", last, last);
	for (int i = 0; i < names->n; i++)
		buf_printf(&sql, ", $%d", i + 1);
	buf_add_str(&sql, " FROM (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS"
			  " bigint) AS us) AS now");
	return sql.data;
}

static enum err insert_moment(struct rows_target *target, const struct row_names *names,
    const struct row *row, bool claimed, struct fail *fail)
{
	char *values[ROWS_COLUMNS], *sql = moment_insert(names, claimed);

	for (int i = 0; i < row->n; i++)
		values[i] = text_of(&row->cells[i]);
	PQclear(sound(target,
	    PQexecParams(target->pg, sql, row->n, NULL, (const char *const *)values, NULL, NULL, 0),
	    fail));
	for (int i = 0; i < row->n; i++)
		free(values[i]);
	free(sql);
	return fail->err;
}

enum err rows_target_write_moment(struct rows_target *target, const struct row_names *names,
    const struct row *row, bool claimed, struct fail *fail)
{
	bool marked = false;

	target->table = NULL;
	target->doing = "writing the ledger";
	if (run(target, "BEGIN", fail) || look(target, &marked, fail))
		return fail->err;
	if (!marked)
		return refuse_used(target, fail);
	if (run(target, "DELETE FROM moment", fail))
		return fail->err;
	return insert_moment(target, names, row, claimed, fail);
}

enum err rows_target_commit(struct rows_target *target, struct fail *fail)
{
	target->table = NULL;
	target->doing = "finishing";
	if (run(target, "UPDATE meta SET migrating = NULL", fail))
		return fail->err;
	return run(target, "COMMIT", fail);
}
