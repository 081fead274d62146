/* Ends of ingestions, and the notices of them. */
#include "store_sql.h"

#include "util.h"

int sql_ingestion_ends(struct sql_store *store, int64_t num)
{
	int64_t now_ms = sql_now_ms(store);
	int code = sql_first(store, SQL_INGESTION_END, "iii", sql_utc_ms(store),
	    now_ms + store->settings.key_expiry_ms, num);

	if (code != SQL_DONE || !store->settings.notify)
		return code;
	store->now.notices++;
	return sql_first(store, SQL_NOTICE_ADD, "ii", num, now_ms);
}

/* SQL_DONE or an error; *found says whether there was one. */
static int remove_notice(struct sql_store *store, int64_t num, bool *found)
{
	int rows, code = sql_first(store, SQL_NOTICE_REMOVE, "i", num);

	code = sql_count(store, SQL_NOTICE_REMOVE, code, &rows);
	*found = rows > 0;
	if (*found)
		store->now.notices--;
	return code;
}

int sql_ingestion_goes_on(struct sql_store *store, int64_t num)
{
	bool found;

	return remove_notice(store, num, &found);
}

int sql_notices_recover(struct sql_store *store)
{
	return sql_first(store, SQL_NOTICES_DUE, "i", sql_now_ms(store));
}

/* ---- telling ---- */

/* The notice that is due first. */
struct due_notice {
	struct uuid uuid;
	int64_t due_ms;
	int64_t attempts; /* so far */
};

/* SQL_ROW, SQL_DONE (none will ever be) or an error. */
static int read_first(struct sql_store *store, struct due_notice *due)
{
	int code = sql_first(store, SQL_NOTICE_FIRST, "");
	struct sql_row row = sql_row(store, SQL_NOTICE_FIRST);

	if (code != SQL_ROW)
		return code;
	if (!sql_take_blob(row, 0, due->uuid.bytes, sizeof(due->uuid.bytes)))
		return SQL_CORRUPT;
	due->due_ms = sql_number(row, 1);
	due->attempts = sql_number(row, 2);
	sql_reset(row);
	return SQL_ROW;
}

/*
 * It stays due until somebody says how it went; where several nodes ask, it is not given to another
 * one for a while.
 */
static int give_out(struct sql_store *store, struct store_op *op, const struct due_notice *due)
{
	struct store_notice *notice = &op->notice;
	int64_t lease_ms = store->settings.notice_lease_ms, num;
	int code = sql_ingestion_find(store, &due->uuid, &notice->ingestion, &num, &op->fail);

	if (code != SQL_ROW)
		return code == SQL_DONE ? SQL_CORRUPT : code;
	notice->found = true;
	notice->attempt = due->attempts + 1;
	return sql_first(store, SQL_NOTICE_TRY, "ii",
	    lease_ms > 0 ? sql_now_ms(store) + lease_ms : due->due_ms, num);
}

enum store_result sql_notice(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	int64_t now_ms = sql_now_ms(store);
	struct due_notice due;
	int code = read_first(store, &due);

	op->notice = (struct store_notice){.next_ms = -1};
	if (code == SQL_DONE)
		return STORE_DONE;
	if (code == SQL_ROW && due.due_ms > now_ms) {
		op->notice.next_ms = due.due_ms - now_ms;
		return STORE_DONE;
	}
	if (code == SQL_ROW)
		code = give_out(store, op, &due);
	return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
}

/* SQL_DONE or an error; *found says whether there was such a notice. */
static int put_off(
    struct sql_store *store, int64_t num, int64_t retry_ms, bool uncounted, bool *found)
{
	int rows, code = sql_first(store, SQL_NOTICE_LATER, "iii", sql_now_ms(store) + retry_ms,
		      (int64_t)uncounted, num);

	code = sql_count(store, SQL_NOTICE_LATER, code, &rows);
	*found = rows > 0;
	return code;
}

enum store_result sql_told(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	const struct store_told *told = &op->told;
	struct ingestion it;
	bool found = false;
	int64_t num;
	int code = sql_ingestion_find(store, &told->uuid, &it, &num, &op->fail);

	if (code != SQL_ROW)
		return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
	if (it.version != told->version) {
		/* This was of another end: that of now is to be told. */
		code = put_off(store, num, 0, false, &found);
		found = false;
	} else if (told->told) {
		code = remove_notice(store, num, &found);
	} else {
		code = put_off(store, num, told->retry_ms, told->uncounted, &found);
	}
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	if (!found)
		fail_set(&op->fail, ERR_NOT_FOUND, "there is no such notice any more");
	return STORE_DONE;
}
