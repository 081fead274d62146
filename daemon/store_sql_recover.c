/* What an earlier process has left behind. */
#include "store_sql.h"

int sql_recover_running(struct sql_store *store, int64_t owner, int64_t *interrupted)
{
	int64_t num, index;
	int code;

	while ((code = sql_first(store, SQL_BATCHES_RUNNING, "i", owner)) == SQL_ROW) {
		struct sql_row row = sql_row(store, SQL_BATCHES_RUNNING);

		num = sql_number(row, 0);
		index = sql_number(row, 1);
		sql_reset(row);
		code = sql_crashed(store, num, index);
		if (code != SQL_DONE)
			break;
		++*interrupted;
	}
	return code;
}

int sql_recover_cancelling(struct sql_store *store)
{
	struct uuid uuid;
	int code;

	while ((code = sql_first(store, SQL_INGESTIONS_CANCELLING, "")) == SQL_ROW) {
		struct sql_row row = sql_row(store, SQL_INGESTIONS_CANCELLING);

		if (!sql_take_blob(row, 0, uuid.bytes, sizeof(uuid.bytes)))
			return SQL_CORRUPT;
		sql_reset(row);
		code = sql_cancel_rest(store, &uuid);
		if (code != SQL_DONE)
			break;
	}
	return code;
}
