/* Pages of ingestions: newest first, bounded in what they look at. */
#include "store_sqlite.h"

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

/* By id: the cursor is the last one that was looked at. */
static enum err start_prefix(
    struct sqlite_store *store, const struct store_list *list, int *code, struct fail *fail)
{
	struct uuid low, high, last;
	bool goes_on = list->cursor[0];

	if (goes_on && !uuid_parse(list->cursor, &last))
		return bad_cursor(list, fail);
	if (!uuid_prefix(list->filter.id_prefix, &low, &high))
		return fail_set(fail, ERR_INVALID, "\"%s\" is not the beginning of an ingestion id",
		    list->filter.id_prefix);
	*code = sqlite_first(store, SQL_LIST_PREFIX, "bbbi", low.bytes, (int64_t)sizeof(low.bytes),
	    high.bytes, (int64_t)sizeof(high.bytes), goes_on ? last.bytes : behind_all,
	    (int64_t)(goes_on ? sizeof(last.bytes) : sizeof(behind_all)), (int64_t)STORE_LIST_ROWS);
	return ERR_OK;
}

/* By age: the cursor is the internal number of the last one that was looked at. */
static enum err start_newest(
    struct sqlite_store *store, const struct store_list *list, int *code, struct fail *fail)
{
	int64_t before = INT64_MAX;

	if (list->cursor[0] && !parse_u63(list->cursor, strlen(list->cursor), &before))
		return bad_cursor(list, fail);
	*code = sqlite_first(store, SQL_LIST_NEWEST, "ii", before, (int64_t)STORE_LIST_ROWS);
	return ERR_OK;
}

/* Makes the first step of the statement that looks through the fewest rows. */
static enum err start(struct sqlite_store *store, const struct store_list *list, enum sql *sql,
    int *code, struct fail *fail)
{
	if (list->filter.seq > 0) {
		*sql = SQL_LIST_SEQ;
		*code = sqlite_first(store, SQL_LIST_SEQ, "i", list->filter.seq);
		return ERR_OK;
	}
	*sql = list->filter.id_prefix[0] ? SQL_LIST_PREFIX : SQL_LIST_NEWEST;
	return *sql == SQL_LIST_PREFIX ? start_prefix(store, list, code, fail)
	                               : start_newest(store, list, code, fail);
}

static void write_cursor(
    enum sql sql, int64_t num, const struct ingestion *last, char cursor[LIST_CURSOR_SIZE])
{
	if (sql == SQL_LIST_PREFIX)
		uuid_format(&last->uuid, cursor);
	else
		snprintf(cursor, LIST_CURSOR_SIZE, "%" PRId64, num);
}

enum store_result sqlite_list(struct store *base, struct store_op *op)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	struct store_list *list = &op->list;
	struct ingestion ingestion = {.seq = 0};
	int64_t num = 0, rows = 0;
	enum sql sql;
	int code = SQLITE_DONE;

	if (start(store, list, &sql, &code, &op->fail))
		return STORE_DONE;
	for (; code == SQLITE_ROW && (int64_t)list->page.n < list->limit; rows++) {
		num = sqlite_take_ingestion(sqlite_row(store, sql), &ingestion);
		if (list_filter_matches(&list->filter, &ingestion))
			*list_page_add(&list->page) = ingestion;
		code = sqlite3_step(sqlite_row(store, sql));
	}
	if (!sqlite_went_well(code))
		return sqlite_failed(store, code, &op->fail);
	sqlite3_reset(sqlite_row(store, sql));
	/* More rows are there, or the statement has ended because it looked at enough. */
	if (code == SQLITE_ROW || rows == STORE_LIST_ROWS)
		write_cursor(sql, num, &ingestion, list->page.next);
	return STORE_DONE;
}
