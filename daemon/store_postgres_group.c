/*
 * Several rows in one statement. New ingestions of a turn are collected, column by column, and
 * added before the next statement that is something else.
 */
#include "store_postgres.h"

#include "util.h"

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

static void put_next(struct buf *column, char type, va_list *args)
{
	const void *bytes;
	int64_t number;

	switch (type) {
	case 't':
		bytes = va_arg(*args, const char *);
		pg_array_put(column, bytes, bytes ? strlen(bytes) : 0);
		break;
	case 'b':
		bytes = va_arg(*args, const void *);
		number = va_arg(*args, int64_t);
		pg_array_put(column, bytes, (size_t)number);
		break;
	default:
		number = va_arg(*args, int64_t);
		pg_array_put_number(column, number, type == 'o' && number == LEDGER_NONE);
	}
}

int pg_group_add(struct pg_group *group, struct pg_conn *conn, const char *types, va_list args)
{
	va_list copy;

	for (size_t i = 0; i < COLUMNS && group->rows == 0; i++)
		pg_array_begin(&group->columns[i]);
	va_copy(copy, args);
	/* A number that cannot be NULL here may be so there: the column is the same. */
	for (size_t i = 0; i < COLUMNS; i++)
		put_next(&group->columns[i], types[i], &copy);
	va_end(copy);
	group->rows++;
	return group->rows < GROUP_ROWS ? SQL_DONE : pg_group_flush(group, conn);
}

int pg_group_flush(struct pg_group *group, struct pg_conn *conn)
{
	struct buf *c = group->columns;
	int code;

	if (group->rows == 0)
		return SQL_DONE;
	for (size_t i = 0; i < COLUMNS; i++)
		pg_array_end(&c[i], column_types[i], group->rows);
#define COLUMN(i) c[i].data, (int64_t)c[i].len
	code = pg_run(conn, PG_INGESTIONS_ADD, "IIBITIIIITTBIBI", COLUMN(0), COLUMN(1), COLUMN(2),
	    COLUMN(3), COLUMN(4), COLUMN(5), COLUMN(6), COLUMN(7), COLUMN(8), COLUMN(9), COLUMN(10),
	    COLUMN(11), COLUMN(12), COLUMN(13), COLUMN(14));
#undef COLUMN
	pg_group_clear(group);
	return code;
}
