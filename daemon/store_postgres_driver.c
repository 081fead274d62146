/* Statements of the PostgreSQL store: their texts, arguments and rows. */
#include "store_postgres_conn.h"

#include "util.h"

#include <endian.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Types, as catalog/pg_type.dat numbers them; they never change. */
enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_BYTEA_ARRAY = 1001,
	OID_TEXT_ARRAY = 1009,
	OID_INT8_ARRAY = 1016,
};

static const char *const texts[PG_COUNT] = {
#define X(name, text) [SQL_##name] = text,
    SQL_LIST(X)
#undef X
#define X(name, text) [PG_##name] = text,
	PG_LIST(X)
#undef X
};

/* Where the common text is not for us. */
static const char *const own_texts[SQL_COUNT + 1] = {
#define X(name, text) [SQL_##name] = text,
    PG_OWN_LIST(X)
#undef X
	[SQL_COUNT] = NULL,
};

static const char *const names[PG_COUNT] = {
#define X(name, text) [SQL_##name] = #name,
    SQL_LIST(X)
#undef X
#define X(name, text) [PG_##name] = #name,
	PG_LIST(X)
#undef X
};

const char *pg_statement_name(int sql)
{
	return sql < 0 ? "" : names[sql];
}

/* ---- texts ---- */

char *pg_placeholders(const char *text)
{
	/* A '?' becomes at most "$99". */
	char *result = xmalloc(3 * strlen(text) + 1), *end = result;
	int highest = 0;

	while (*text) {
		int number = 0;

		if (*text != '?') {
			*end++ = *text++;
			continue;
		}
		for (text++; *text >= '0' && *text <= '9'; text++)
			number = 10 * number + (*text - '0');
		if (number == 0)
			number = highest + 1;
		if (number > highest)
			highest = number;
		if (number > PG_ARGS_MAX)
			abort();
		end += sprintf(end, "$%d", number);
	}
	*end = '\0';
	return result;
}

static bool gives_rows(const char *text)
{
	return strncmp(text, "SELECT", 6) == 0 || strncmp(text, "WITH", 4) == 0 ||
	       strstr(text, " RETURNING ");
}

static struct pg_statement *statement_of(struct pg_conn *conn, int sql)
{
	struct pg_statement *statement = &conn->statements[sql];

	if (!statement->text) {
		const char *own = sql < SQL_COUNT ? own_texts[sql] : NULL;

		statement->text = pg_placeholders(own ? own : texts[sql]);
		statement->rows = gives_rows(statement->text);
		statement->args = -1;
	}
	return statement;
}

/* ---- arguments ---- */

struct arguments {
	int n;
	Oid types[PG_ARGS_MAX];
	const char *values[PG_ARGS_MAX];
	int lengths[PG_ARGS_MAX];
	int formats[PG_ARGS_MAX];
	uint64_t numbers[PG_ARGS_MAX]; /* big-endian; what some of the values are */
};

/* What all arguments and results are sent in. */
#define BINARY 1

static void add(struct arguments *args, Oid type, const void *value, size_t length)
{
	if (args->n == PG_ARGS_MAX || length > INT_MAX)
		abort();
	args->types[args->n] = type;
	args->values[args->n] = value;
	args->lengths[args->n] = (int)length;
	args->formats[args->n] = BINARY;
	args->n++;
}

static void add_number(struct arguments *args, int64_t value, bool null)
{
	uint64_t *number = &args->numbers[args->n < PG_ARGS_MAX ? args->n : 0];

	*number = htobe64((uint64_t)value);
	add(args, OID_INT8, null ? NULL : number, sizeof(*number));
}

/* Types of arguments that come as they are sent. */
static Oid type_of(char letter)
{
	switch (letter) {
	case 'b':
		return OID_BYTEA;
	case 'I':
		return OID_INT8_ARRAY;
	case 'T':
		return OID_TEXT_ARRAY;
	case 'B':
		return OID_BYTEA_ARRAY;
	default:
		abort();
	}
}

/* The arguments are borrowed only while they are sent: libpq copies them. */
static void collect(struct arguments *args, const char *types, va_list list)
{
	const void *value;
	int64_t number;

	for (args->n = 0; *types; types++) {
		switch (*types) {
		case 'i':
			add_number(args, va_arg(list, int64_t), false);
			break;
		case 'o':
			number = va_arg(list, int64_t);
			add_number(args, number, number == LEDGER_NONE);
			break;
		case 't':
			value = va_arg(list, const char *);
			add(args, OID_TEXT, value, value ? strlen(value) : 0);
			break;
		default:
			value = va_arg(list, const void *);
			add(args, type_of(*types), value, (size_t)va_arg(list, int64_t));
		}
	}
}

/* The types belong to what is prepared: they are the same at each use. */
static void check_types(struct pg_statement *statement, const struct arguments *args)
{
	size_t size = (size_t)args->n * sizeof(args->types[0]);

	if (statement->args == -1) {
		statement->args = args->n;
		memcpy(statement->types, args->types, size);
	}
	if (statement->args != args->n || memcmp(statement->types, args->types, size) != 0)
		abort();
}

/* ---- sending ---- */

static bool prepare(struct pg_conn *conn, int sql, const char *name)
{
	struct pg_statement *statement = &conn->statements[sql];

	if (statement->prepared)
		return true;
	if (!PQsendPrepare(conn->pg, name, statement->text, statement->args, statement->types))
		return false;
	statement->prepared = true;
	pg_conn_sent(conn, sql, true);
	return true;
}

int pg_send_args(struct pg_conn *conn, int sql, const char *types, va_list list)
{
	struct pg_statement *statement = statement_of(conn, sql);
	struct arguments args;
	char name[16];

	pg_reset(conn, sql);
	if (!pg_conn_room(conn, 2))
		return PG_FAILED;
	collect(&args, types, list);
	check_types(statement, &args);
	snprintf(name, sizeof(name), "s%d", sql);
	if (!prepare(conn, sql, name) || !PQsendQueryPrepared(conn->pg, name, args.n, args.values,
					     args.lengths, args.formats, BINARY)) {
		pg_conn_lose(conn, NULL);
		return PG_FAILED;
	}
	pg_conn_sent(conn, sql, false);
	return SQL_DONE;
}

int pg_first(struct pg_conn *conn, int sql, const char *types, va_list args)
{
	int code = pg_send_args(conn, sql, types, args);

	return code == SQL_DONE && conn->statements[sql].rows ? pg_rows(conn, sql) : code;
}

int pg_run(struct pg_conn *conn, int sql, const char *types, ...)
{
	va_list args;
	int code;

	va_start(args, types);
	code = pg_first(conn, sql, types, args);
	va_end(args);
	return code;
}

int pg_send(struct pg_conn *conn, int sql, const char *types, ...)
{
	va_list args;
	int code;

	va_start(args, types);
	code = pg_send_args(conn, sql, types, args);
	va_end(args);
	return code;
}

/* ---- results ---- */

void pg_statement_done(struct pg_conn *conn, const struct pg_sent *sent, PGresult *result)
{
	struct pg_statement *statement = &conn->statements[sent->sql];

	if (sent->prepares && !result)
		statement->prepared = false;
	if (sent->prepares || !statement->rows || !result) {
		PQclear(result);
		return;
	}
	pg_reset(conn, sent->sql);
	statement->result = result;
	statement->row = -1;
}

int pg_rows(struct pg_conn *conn, int sql)
{
	if (!pg_conn_settle(conn))
		return PG_FAILED;
	if (!conn->statements[sql].rows)
		return SQL_DONE;
	if (!conn->statements[sql].result)
		abort(); /* nobody has asked */
	return pg_next(conn, sql);
}

int pg_next(struct pg_conn *conn, int sql)
{
	struct pg_statement *statement = &conn->statements[sql];

	if (statement->result && ++statement->row < PQntuples(statement->result))
		return SQL_ROW;
	pg_reset(conn, sql);
	return SQL_DONE;
}

void pg_reset(struct pg_conn *conn, int sql)
{
	PQclear(conn->statements[sql].result);
	conn->statements[sql].result = NULL;
}

void pg_reset_all(struct pg_conn *conn)
{
	for (int i = 0; i < PG_COUNT; i++)
		pg_reset(conn, i);
}

bool pg_is_null(const struct pg_conn *conn, int sql, int column)
{
	const struct pg_statement *statement = &conn->statements[sql];

	return PQgetisnull(statement->result, statement->row, column);
}

int64_t pg_number(const struct pg_conn *conn, int sql, int column)
{
	const struct pg_statement *statement = &conn->statements[sql];
	const char *value = PQgetvalue(statement->result, statement->row, column);
	uint64_t eight;
	uint32_t four;
	uint16_t two;

	if (pg_is_null(conn, sql, column))
		return 0;
	switch (PQftype(statement->result, column)) {
	case OID_INT8:
		memcpy(&eight, value, sizeof(eight));
		return (int64_t)be64toh(eight);
	case OID_INT4:
		memcpy(&four, value, sizeof(four));
		return (int32_t)be32toh(four);
	case OID_INT2:
		memcpy(&two, value, sizeof(two));
		return (int16_t)be16toh(two);
	case OID_BOOL:
		return *value != 0;
	default: /* sum() of bigint, for example, is numeric: the statement has to cast it */
		abort();
	}
}

const char *pg_text(const struct pg_conn *conn, int sql, int column)
{
	const struct pg_statement *statement = &conn->statements[sql];

	/* libpq ends all values with a NUL. */
	return pg_is_null(conn, sql, column)
	           ? NULL
	           : PQgetvalue(statement->result, statement->row, column);
}

const void *pg_blob(const struct pg_conn *conn, int sql, int column, size_t *size)
{
	const struct pg_statement *statement = &conn->statements[sql];

	*size = (size_t)PQgetlength(statement->result, statement->row, column);
	return pg_text(conn, sql, column);
}

/* ---- life ---- */

void pg_statements_forget(struct pg_conn *conn)
{
	for (int i = 0; i < PG_COUNT; i++)
		conn->statements[i].prepared = false;
}

void pg_statements_free(struct pg_conn *conn)
{
	pg_reset_all(conn);
	for (int i = 0; i < PG_COUNT; i++)
		free(conn->statements[i].text);
}
