/* Moving an ingestion to the line of another priority. */
#include "store_sql.h"

#include "util.h"

/* All but what waits to be tried again, which counts where it stands. */
static void move_counts(struct lane_total *from, struct lane_total *to, const struct ingestion *it)
{
	enum ingestion_status status = ingestion_status_of(it);
	int64_t ids = sql_ids_unstarted(it);

	for (int i = 0; i < BATCH_STATUS_COUNT; i++)
		if (i != BATCH_RETRYING) {
			from->batches[i] -= it->counts.by_status[i];
			to->batches[i] += it->counts.by_status[i];
		}
	from->ids -= ids;
	to->ids += ids;
	from->ingestions[status]--;
	to->ingestions[status]++;
}

static int move_ingestion(
    struct sql_store *store, const struct ingestion *it, int64_t num, enum priority priority)
{
	if (it->priority == priority)
		return SQL_DONE;
	move_counts(sql_lane(store, it->priority), sql_lane(store, priority), it);
	return sql_first(store, SQL_INGESTION_BUMP, "ii", (int64_t)priority, num);
}

/* From one line to that of bump->priority, as far as the step goes. SQL_DONE or an error. */
static int move_from(struct sql_store *store, struct store_bump *bump, enum priority from,
    const struct ingestion *it, int64_t num, int *steps)
{
	struct again again;
	int code;

	if (from == bump->priority)
		return SQL_DONE;
	while ((code = sql_line_find(store, from, num, it->seq, &again)) == SQL_ROW) {
		if (--*steps < 0) {
			bump->more = true;
			return SQL_DONE;
		}
		code = sql_line_move(store, again, bump->priority);
		if (code != SQL_DONE)
			break;
	}
	return code;
}

static int bump_step(
    struct sql_store *store, struct store_bump *bump, const struct ingestion *it, int64_t num)
{
	int steps = STORE_CONTROL_STEPS;
	int code = move_ingestion(store, it, num, bump->priority);

	bump->more = false;
	if (it->counts.by_status[BATCH_RETRYING] == 0)
		return code;
	for (int i = PRIORITY_HIGH; i <= PRIORITY_LOW && code == SQL_DONE; i++)
		code = move_from(store, bump, (enum priority)i, it, num, &steps);
	return code;
}

enum store_result sql_bump(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct ingestion it;
	int64_t num;
	int code = sql_ingestion_find(store, &op->bump.uuid, &it, &num, &op->fail);
	enum ingestion_status status;

	if (code != SQL_ROW)
		return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
	status = ingestion_status_of(&it);
	if (ingestion_status_is_final(status)) {
		fail_set(&op->fail, ERR_WRONG_STATE, "the ingestion has ended: it is %s",
		    ingestion_status_name(status));
		return STORE_DONE;
	}
	code = bump_step(store, &op->bump, &it, num);
	return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
}
