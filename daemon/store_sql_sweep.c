/* What time makes due: expired uploads and keys, and the ids of uploads that were given up. */
#include "store_sql.h"

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

/* SQL_ROW, SQL_DONE (nothing will ever be due) or an error. */
static int read_due(struct sql_store *store, struct due *due)
{
	int code = sql_first(store, SQL_EXPIRED, "");
	struct sql_row row = sql_row(store, SQL_EXPIRED);

	if (code != SQL_ROW)
		return code;
	*due = (struct due){.num = sql_number(row, 0),
	    .stage = (enum stage)(int)sql_number(row, 2),
	    .ids = sql_number(row, 3),
	    .priority = (enum priority)(int)sql_number(row, 4),
	    .expires_ms = sql_number(row, 5)};
	if (!sql_take_blob(row, 1, due->uuid.bytes, sizeof(due->uuid.bytes)))
		return SQL_CORRUPT;
	sql_reset(row);
	return SQL_ROW;
}

static int expire_upload(struct sql_store *store, const struct due *due, struct store_sweep *sweep)
{
	sweep->cancelled = xreallocarray(sweep->cancelled, sweep->n + 1, sizeof(*sweep->cancelled));
	sweep->cancelled[sweep->n++] = due->uuid;
	return sql_give_up(store, &(struct given_up){due->num, due->priority, due->ids, NULL});
}

/* Does one step for a row, or several for its chunks. SQL_DONE or an error. */
static int settle_row(
    struct sql_store *store, const struct due *due, struct store_sweep *sweep, int *steps)
{
	int removed, code;

	--*steps;
	if (due->stage == STAGE_RECEIVING)
		return expire_upload(store, due, sweep);
	if (due->stage == STAGE_SEALED)
		return sql_first(store, SQL_KEY_FORGET, "i", due->num);
	code = sql_chunks_remove(store, due->num, *steps + 1, &removed);
	if (code != SQL_DONE || removed > *steps) {
		*steps = 0;
		return code;
	}
	*steps -= removed;
	return sql_first(store, SQL_EXPIRY_END, "i", due->num);
}

enum store_result sql_sweep(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_sweep *sweep = &op->sweep;
	int64_t now = sql_now_ms(store);
	int steps = STORE_SWEEP_STEPS;
	struct due due;
	int code;

	while ((code = read_due(store, &due)) == SQL_ROW) {
		sweep->next_ms = due.expires_ms > now ? due.expires_ms - now : 0;
		if (sweep->next_ms > 0 || steps <= 0)
			return STORE_DONE;
		code = settle_row(store, &due, sweep, &steps);
		if (code != SQL_DONE)
			break;
	}
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	sweep->next_ms = -1;
	return STORE_DONE;
}
