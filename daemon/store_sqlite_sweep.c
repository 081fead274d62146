/* What time makes due: expired uploads and keys, and the ids of uploads that were given up. */
#include "store_sqlite.h"

#include "util.h"

#include <stdlib.h>

/* The row that is due first. */
struct due {
	int64_t num;
	struct uuid uuid;
	enum stage stage;
	int64_t ids;
	enum priority priority;
	int64_t expires_ms;
};

/* SQLITE_ROW, SQLITE_DONE (nothing will ever be due) or an error. */
static int read_due(struct sqlite_store *store, struct due *due)
{
	int code = sqlite_first(store, SQL_EXPIRED, "");
	sqlite3_stmt *row = sqlite_row(store, SQL_EXPIRED);

	if (code != SQLITE_ROW)
		return code;
	*due = (struct due){.num = sqlite3_column_int64(row, 0),
	    .stage = (enum stage)sqlite3_column_int(row, 2),
	    .ids = sqlite3_column_int64(row, 3),
	    .priority = (enum priority)sqlite3_column_int(row, 4),
	    .expires_ms = sqlite3_column_int64(row, 5)};
	if (!sqlite_take_blob(row, 1, due->uuid.bytes, sizeof(due->uuid.bytes)))
		return SQLITE_CORRUPT;
	sqlite3_reset(row);
	return SQLITE_ROW;
}

static int expire_upload(
    struct sqlite_store *store, const struct due *due, struct store_sweep *sweep)
{
	sweep->cancelled = xreallocarray(sweep->cancelled, sweep->n + 1, sizeof(*sweep->cancelled));
	sweep->cancelled[sweep->n++] = due->uuid;
	return sqlite_give_up(store, &(struct given_up){due->num, due->priority, due->ids, NULL});
}

/* Does one step for a row, or several for its chunks. SQLITE_DONE or an error. */
static int settle_row(
    struct sqlite_store *store, const struct due *due, struct store_sweep *sweep, int *steps)
{
	int removed, code;

	--*steps;
	if (due->stage == STAGE_RECEIVING)
		return expire_upload(store, due, sweep);
	if (due->stage == STAGE_SEALED)
		return sqlite_first(store, SQL_KEY_FORGET, "i", due->num);
	code = sqlite_chunks_remove(store, due->num, *steps + 1, &removed);
	if (code != SQLITE_DONE || removed > *steps) {
		*steps = 0;
		return code;
	}
	*steps -= removed;
	return sqlite_first(store, SQL_EXPIRY_END, "i", due->num);
}

enum store_result sqlite_sweep(struct store *base, struct store_op *op)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	struct store_sweep *sweep = &op->sweep;
	int64_t now = sqlite_now_ms(store);
	int steps = STORE_SWEEP_STEPS;
	struct due due;
	int code;

	while ((code = read_due(store, &due)) == SQLITE_ROW) {
		sweep->next_ms = due.expires_ms > now ? due.expires_ms - now : 0;
		if (sweep->next_ms > 0 || steps <= 0)
			return STORE_DONE;
		code = settle_row(store, &due, sweep, &steps);
		if (code != SQLITE_DONE)
			break;
	}
	if (code != SQLITE_DONE)
		return sqlite_failed(store, code, &op->fail);
	sweep->next_ms = -1;
	return STORE_DONE;
}
