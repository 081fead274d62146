/* Pages of ingestions: newest first, bounded in what they look at. */
#include "store_sql.h"

#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Greater than every UUID, which is shorter. */
static const uint8_t behind_all[17] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static enum err bad_cursor(const struct store_list *list, struct fail *fail)
{
	return fail_set(
	    fail, ERR_INVALID, "cursor \"%s\" comes from no page of this list", list->cursor);
}

/* The statement that goes through the rows. What is bound to it stays as long as it does. */
struct scan {
	enum sql sql;
	int code; /* of its last step */
	struct uuid low, high, last;
};

/* By id: the cursor is the last one that was looked at. */
static enum err start_prefix(
    struct sql_store *store, const struct store_list *list, struct scan *scan, struct fail *fail)
{
	bool goes_on = list->cursor[0];

	if (goes_on && !uuid_parse(list->cursor, &scan->last))
		return bad_cursor(list, fail);
	if (!uuid_prefix(list->filter.id_prefix, &scan->low, &scan->high))
		return fail_set(fail, ERR_INVALID, "\"%s\" is not the beginning of an ingestion id",
		    list->filter.id_prefix);
	scan->code = sql_first(store, SQL_LIST_PREFIX, "bbbi", scan->low.bytes,
	    (int64_t)sizeof(scan->low.bytes), scan->high.bytes, (int64_t)sizeof(scan->high.bytes),
	    goes_on ? scan->last.bytes : behind_all,
	    (int64_t)(goes_on ? sizeof(scan->last.bytes) : sizeof(behind_all)),
	    (int64_t)STORE_LIST_ROWS);
	return ERR_OK;
}

/* By age: the cursor is the internal number of the last one that was looked at. */
static enum err start_newest(
    struct sql_store *store, const struct store_list *list, struct scan *scan, struct fail *fail)
{
	int64_t before = INT64_MAX;

	if (list->cursor[0] && !parse_u63(list->cursor, strlen(list->cursor), &before))
		return bad_cursor(list, fail);
	scan->code = sql_first(store, SQL_LIST_NEWEST, "ii", before, (int64_t)STORE_LIST_ROWS);
	return ERR_OK;
}

/* Makes the first step of the statement that looks through the fewest rows. */
static enum err start(
    struct sql_store *store, const struct store_list *list, struct scan *scan, struct fail *fail)
{
	/* One at most: such a list has no second page. */
	if (list->filter.seq > 0 && list->cursor[0])
		return bad_cursor(list, fail);
	if (list->filter.seq > 0) {
		scan->sql = SQL_LIST_SEQ;
		scan->code = sql_first(store, SQL_LIST_SEQ, "i", list->filter.seq);
		return ERR_OK;
	}
	scan->sql = list->filter.id_prefix[0] ? SQL_LIST_PREFIX : SQL_LIST_NEWEST;
	return scan->sql == SQL_LIST_PREFIX ? start_prefix(store, list, scan, fail)
	                                    : start_newest(store, list, scan, fail);
}

static void write_cursor(
    enum sql sql, int64_t num, const struct ingestion *last, char cursor[LIST_CURSOR_SIZE])
{
	if (sql == SQL_LIST_PREFIX)
		uuid_format(&last->uuid, cursor);
	else
		snprintf(cursor, LIST_CURSOR_SIZE, "%" PRId64, num);
}

enum store_result sql_list(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_list *list = &op->list;
	struct ingestion ingestion = {.seq = 0};
	struct scan scan = {.code = SQL_DONE};
	int64_t num = 0, rows = 0;
	struct sql_row row;

	if (start(store, list, &scan, &op->fail))
		return STORE_DONE;
	row = sql_row(store, scan.sql);
	for (; scan.code == SQL_ROW && (int64_t)list->page.n < list->limit; rows++) {
		num = sql_take_ingestion(row, &ingestion);
		if (list_filter_matches(&list->filter, &ingestion))
			*list_page_add(&list->page) = ingestion;
		scan.code = sql_next(row);
	}
	if (!sql_went_well(scan.code))
		return sql_failed(store, scan.code, &op->fail);
	sql_reset(row);
	/* More rows are there, or the statement has ended because it looked at enough. */
	if (scan.code == SQL_ROW || rows == STORE_LIST_ROWS)
		write_cursor(scan.sql, num, &ingestion, list->page.next);
	return STORE_DONE;
}
