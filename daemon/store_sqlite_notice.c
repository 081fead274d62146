/* Ends of ingestions, and the notices of them. */
#include "store_sqlite.h"

#include "util.h"

int sqlite_ingestion_ends(struct sqlite_store *store, int64_t num)
{
	int64_t now_ms = sqlite_now_ms(store);
	int code = sqlite_first(store, SQL_INGESTION_END, "iii", clock_utc_ms(store->clock),
	    now_ms + store->settings.key_expiry_ms, num);

	if (code != SQLITE_DONE || !store->settings.notify)
		return code;
	store->now.notices++;
	return sqlite_first(store, SQL_NOTICE_ADD, "ii", num, now_ms);
}

/* SQLITE_DONE or an error; *found says whether there was one. */
static int remove_notice(struct sqlite_store *store, int64_t num, bool *found)
{
	int code = sqlite_first(store, SQL_NOTICE_REMOVE, "i", num);

	*found = code == SQLITE_DONE && sqlite3_changes(store->db) > 0;
	if (*found)
		store->now.notices--;
	return code;
}

int sqlite_ingestion_goes_on(struct sqlite_store *store, int64_t num)
{
	bool found;

	return remove_notice(store, num, &found);
}

int sqlite_notices_recover(struct sqlite_store *store)
{
	return sqlite_first(store, SQL_NOTICES_DUE, "i", sqlite_now_ms(store));
}

/* ---- telling ---- */

/* The notice that is due first. */
struct due_notice {
	struct uuid uuid;
	int64_t due_ms;
	int64_t attempts; /* so far */
};

/* SQLITE_ROW, SQLITE_DONE (none will ever be) or an error. */
static int read_first(struct sqlite_store *store, struct due_notice *due)
{
	int code = sqlite_first(store, SQL_NOTICE_FIRST, "");
	sqlite3_stmt *row = sqlite_row(store, SQL_NOTICE_FIRST);

	if (code != SQLITE_ROW)
		return code;
	if (!sqlite_take_blob(row, 0, due->uuid.bytes, sizeof(due->uuid.bytes)))
		return SQLITE_CORRUPT;
	due->due_ms = sqlite3_column_int64(row, 1);
	due->attempts = sqlite3_column_int64(row, 2);
	sqlite3_reset(row);
	return SQLITE_ROW;
}

/* It stays due until somebody says how it went. */
static int give_out(struct sqlite_store *store, struct store_op *op, const struct due_notice *due)
{
	struct store_notice *notice = &op->notice;
	int64_t num;
	int code = sqlite_ingestion_find(store, &due->uuid, &notice->ingestion, &num, &op->fail);

	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
	notice->found = true;
	notice->attempt = due->attempts + 1;
	return sqlite_first(store, SQL_NOTICE_TRY, "i", num);
}

enum store_result sqlite_notice(struct store *base, struct store_op *op)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	int64_t now_ms = sqlite_now_ms(store);
	struct due_notice due;
	int code = read_first(store, &due);

	op->notice = (struct store_notice){.next_ms = -1};
	if (code == SQLITE_DONE)
		return STORE_DONE;
	if (code == SQLITE_ROW && due.due_ms > now_ms) {
		op->notice.next_ms = due.due_ms - now_ms;
		return STORE_DONE;
	}
	if (code == SQLITE_ROW)
		code = give_out(store, op, &due);
	return code == SQLITE_DONE ? STORE_DONE : sqlite_failed(store, code, &op->fail);
}

/* SQLITE_DONE or an error; *found says whether there was such a notice. */
static int put_off(
    struct sqlite_store *store, int64_t num, int64_t retry_ms, bool uncounted, bool *found)
{
	int code = sqlite_first(store, SQL_NOTICE_LATER, "iii", sqlite_now_ms(store) + retry_ms,
	    (int64_t)uncounted, num);

	*found = code == SQLITE_DONE && sqlite3_changes(store->db) > 0;
	return code;
}

enum store_result sqlite_told(struct store *base, struct store_op *op)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	const struct store_told *told = &op->told;
	struct ingestion it;
	bool found = false;
	int64_t num;
	int code = sqlite_ingestion_find(store, &told->uuid, &it, &num, &op->fail);

	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? STORE_DONE : sqlite_failed(store, code, &op->fail);
	if (it.version != told->version) {
		/* This was of another end: that of now is to be told. */
		code = put_off(store, num, 0, false, &found);
		found = false;
	} else if (told->told) {
		code = remove_notice(store, num, &found);
	} else {
		code = put_off(store, num, told->retry_ms, told->uncounted, &found);
	}
	if (code != SQLITE_DONE)
		return sqlite_failed(store, code, &op->fail);
	if (!found)
		fail_set(&op->fail, ERR_NOT_FOUND, "there is no such notice any more");
	return STORE_DONE;
}
