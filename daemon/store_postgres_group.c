/*
 * Several rows in one statement. New ingestions of a turn are collected, column by column, and
 * added before the next statement that is something else. A column is an array in the binary format
 * of PostgreSQL (src/include/utils/array.h): number of dimensions, whether there are NULLs, the
 * type of the elements; length and lower bound; then for each element its length, -1 for NULL, and
 * its bytes.
 */
#include "store_postgres.h"

#include "buf.h"
#include "util.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_ROWS 256

/* The types of the columns, as SQL_INGESTION_ADD is called; one array each. */
static const char column_types[] = "iibitiiiittbobi";
#define COLUMNS (sizeof(column_types) - 1)

struct pg_group {
	struct buf columns[COLUMNS]; /* the elements */
	int64_t rows;
};

struct array_head {
	uint32_t dimensions, nulls, type, length, lower_bound;
};

/* Types of elements (pg_type.dat). */
static uint32_t element_type(char letter)
{
	return letter == 't' ? 25 : letter == 'b' ? 17 : 20;
}

struct pg_group *pg_group_new(void)
{
	return xcalloc(1, sizeof(struct pg_group));
}

void pg_group_clear(struct pg_group *group)
{
	for (size_t i = 0; i < COLUMNS; i++)
		group->columns[i].len = 0;
	group->rows = 0;
}

void pg_group_free(struct pg_group *group)
{
	for (size_t i = 0; i < COLUMNS; i++)
		buf_free(&group->columns[i]);
	free(group);
}

static void put(struct buf *column, const void *bytes, size_t n)
{
	uint32_t length = htonl(bytes ? (uint32_t)n : UINT32_MAX);

	buf_add(column, &length, sizeof(length));
	if (bytes)
		buf_add(column, bytes, n);
}

static void put_number(struct buf *column, int64_t number, bool is_null)
{
	uint64_t bytes = htobe64((uint64_t)number);

	put(column, is_null ? NULL : &bytes, sizeof(bytes));
}

/* Begins with room for the head of the array. */
static void begin(struct pg_group *group)
{
	static const struct array_head none;

	for (size_t i = 0; i < COLUMNS; i++)
		buf_add(&group->columns[i], &none, sizeof(none));
}

static void put_next(struct buf *column, char type, va_list *args)
{
	const void *bytes;
	int64_t number;

	switch (type) {
	case 't':
		bytes = va_arg(*args, const char *);
		put(column, bytes, bytes ? strlen(bytes) : 0);
		break;
	case 'b':
		bytes = va_arg(*args, const void *);
		number = va_arg(*args, int64_t);
		put(column, bytes, (size_t)number);
		break;
	default:
		number = va_arg(*args, int64_t);
		put_number(column, number, type == 'o' && number == LEDGER_NONE);
	}
}

int pg_group_add(struct pg_group *group, struct pg_conn *conn, const char *types, va_list args)
{
	va_list copy;

	if (group->rows == 0)
		begin(group);
	va_copy(copy, args);
	/* A number that cannot be NULL here may be so there: the column is the same. */
	for (size_t i = 0; i < COLUMNS; i++)
		put_next(&group->columns[i], types[i], &copy);
	va_end(copy);
	group->rows++;
	return group->rows < GROUP_ROWS ? SQL_DONE : pg_group_flush(group, conn);
}

static void finish_column(struct pg_group *group, size_t i)
{
	struct array_head head = {.dimensions = htonl(1),
	    .nulls = htonl(1),
	    .type = htonl(element_type(column_types[i])),
	    .length = htonl((uint32_t)group->rows),
	    .lower_bound = htonl(1)};

	memcpy(group->columns[i].data, &head, sizeof(head));
}

int pg_group_flush(struct pg_group *group, struct pg_conn *conn)
{
	struct buf *c = group->columns;
	int code;

	if (group->rows == 0)
		return SQL_DONE;
	for (size_t i = 0; i < COLUMNS; i++)
		finish_column(group, i);
#define COLUMN(i) c[i].data, (int64_t)c[i].len
	code = pg_run(conn, PG_INGESTIONS_ADD, "IIBITIIIITTBIBI", COLUMN(0), COLUMN(1), COLUMN(2),
	    COLUMN(3), COLUMN(4), COLUMN(5), COLUMN(6), COLUMN(7), COLUMN(8), COLUMN(9), COLUMN(10),
	    COLUMN(11), COLUMN(12), COLUMN(13), COLUMN(14));
#undef COLUMN
	pg_group_clear(group);
	return code;
}
