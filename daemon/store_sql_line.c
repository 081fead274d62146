/* The lines: who stands in them, who will when its time has come, and who is first. */
#include "store_sql.h"

#include "util.h"

int64_t sql_waiting(const struct sql_store *store)
{
	int64_t batches = 0;

	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		batches += lane_waiting(&store->now.lanes[lane]);
	return batches;
}

/* Before batches join a line: the settle time begins when nothing waited before. */
static void begin_to_wait(struct sql_store *store, int64_t at_ns)
{
	if (sql_waiting(store) == 0)
		ledger_ready(&store->now.ledger, at_ns);
}

void sql_line_join(struct sql_store *store, enum priority priority, int64_t batches, int64_t ids)
{
	struct lane_total *lane = sql_lane(store, priority);

	begin_to_wait(store, sql_now_ns(store));
	lane->batches[BATCH_YET_TO_START] += batches;
	lane->ids += ids;
}

void sql_line_left(struct sql_store *store)
{
	if (sql_waiting(store) == 0)
		ledger_idle(&store->now.ledger);
}

/* ---- again ---- */

static int add(struct sql_store *store, const struct again *again)
{
	struct lane_total *lane = sql_lane(store, again->priority);

	lane->batches[BATCH_RETRYING]++;
	if (again->due_ms == AGAIN_NOW) {
		lane->ids += again->ids;
		return sql_first(store, SQL_REDO_ADD, "iiiii", again->num, again->index,
		    (int64_t)again->priority, again->seq, again->ids);
	}
	lane->later++;
	return sql_first(store, SQL_BACKOFF_ADD, "iiiiii", again->num, again->index,
	    (int64_t)again->priority, again->seq, again->ids, again->due_ms);
}

int sql_line_leave(struct sql_store *store, const struct again *again)
{
	struct lane_total *lane = sql_lane(store, again->priority);

	lane->batches[BATCH_RETRYING]--;
	if (again->due_ms == AGAIN_NOW) {
		lane->ids -= again->ids;
		return sql_first(store, SQL_REDO_REMOVE, "iii", (int64_t)again->priority,
		    again->seq, again->index);
	}
	lane->later--;
	return sql_first(store, SQL_BACKOFF_REMOVE, "iii", again->due_ms, again->num, again->index);
}

int sql_line_again(struct sql_store *store, const struct again *again)
{
	if (again->due_ms == AGAIN_NOW)
		begin_to_wait(store, sql_now_ns(store));
	return add(store, again);
}

int sql_line_move(struct sql_store *store, struct again again, enum priority priority)
{
	int code = sql_line_leave(store, &again);

	again.priority = priority;
	return code == SQL_DONE ? add(store, &again) : code;
}

/* Reads the row of a statement and ends it. SQL_ROW or an error. */
static int take_again(struct sql_row row, struct again *again)
{
	*again = (struct again){.num = sql_number(row, 0),
	    .index = sql_number(row, 1),
	    .priority = (enum priority)(int)sql_number(row, 2),
	    .seq = sql_number(row, 3),
	    .ids = sql_number(row, 4),
	    .due_ms = sql_is_null(row, 5) ? AGAIN_NOW : sql_number(row, 5)};
	sql_reset(row);
	return again->priority < PRIORITY_HIGH || again->priority > PRIORITY_LOW ? SQL_CORRUPT
	                                                                         : SQL_ROW;
}

int sql_line_find(
    struct sql_store *store, enum priority priority, int64_t num, int64_t seq, struct again *again)
{
	int code = sql_first(store, SQL_REDO_OF, "ii", (int64_t)priority, seq);

	if (code == SQL_ROW)
		return take_again(sql_row(store, SQL_REDO_OF), again);
	if (code == SQL_DONE)
		code = sql_first(store, SQL_BACKOFF_OF, "ii", (int64_t)priority, num);
	return code == SQL_ROW ? take_again(sql_row(store, SQL_BACKOFF_OF), again) : code;
}

/* The one that is due first. SQL_ROW, SQL_DONE (nobody waits for its time) or an error. */
static int read_due(struct sql_store *store, struct again *again)
{
	int code = sql_first(store, SQL_BACKOFF_FIRST, "");

	return code == SQL_ROW ? take_again(sql_row(store, SQL_BACKOFF_FIRST), again) : code;
}

/* Puts one into its line, at the moment when it became due. SQL_DONE or an error. */
static int become_due(struct sql_store *store, struct again again, int64_t at_ns)
{
	int code = sql_line_leave(store, &again);

	begin_to_wait(store, at_ns);
	again.due_ms = AGAIN_NOW;
	return code == SQL_DONE ? add(store, &again) : code;
}

int64_t sql_after(int64_t now, int64_t ms)
{
	int64_t ns;

	return __builtin_mul_overflow(ms, NS_PER_MS, &ns) || __builtin_add_overflow(now, ns, &ns)
	           ? CLOCK_NEVER
	           : ns;
}

static bool anybody_later(const struct sql_store *store)
{
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		if (store->now.lanes[lane].later > 0)
			return true;
	return false;
}

int sql_line_due(struct sql_store *store, int64_t *next_due)
{
	struct sql_time now = sql_time(store);
	struct again again;
	int code = SQL_DONE;

	*next_due = CLOCK_NEVER;
	if (!anybody_later(store))
		return SQL_DONE;
	for (int steps = STORE_DUE_STEPS;; steps--) {
		code = read_due(store, &again);
		if (code != SQL_ROW)
			return code;
		*next_due = sql_after(now.ns, again.due_ms - now.ms);
		if (again.due_ms > now.ms || steps == 0)
			return SQL_DONE;
		code = become_due(store, again, *next_due);
		if (code != SQL_DONE)
			return code;
		*next_due = CLOCK_NEVER;
	}
}

/* ---- heads ---- */

/* SQL_ROW, SQL_DONE (nobody) or an error. */
static int read_head(struct sql_store *store, enum sql sql, int64_t priority, struct head *head)
{
	int code = sql_first(store, sql, "i", priority);
	struct sql_row row = sql_row(store, sql);

	if (code != SQL_ROW)
		return code;
	*head = (struct head){.num = sql_number(row, 0),
	    .seq = sql_number(row, 1),
	    .index = sql_number(row, 2),
	    .total = sql_number(row, 3),
	    .batch_size = sql_number(row, 4),
	    .created_ms = sql_number(row, 5),
	    .ids = sql_number(row, 6),
	    .again = sql == SQL_HEAD_REDO,
	    .cancelling = (int)sql_number(row, 7) != 0};
	sql_reset(row);
	return SQL_ROW;
}

static bool is_before(const struct head *a, const struct head *b)
{
	return a->seq != b->seq ? a->seq < b->seq : a->index < b->index;
}

int sql_line_head(struct sql_store *store, enum priority priority, const struct lane_total *lane,
    struct head *head)
{
	struct head first, again;
	int first_code = SQL_DONE, again_code = SQL_DONE;

	/* A question is not asked where the answer is known: it may be a round trip. */
	if (lane->batches[BATCH_YET_TO_START] > 0)
		first_code = read_head(store, SQL_HEAD_NEW, priority, &first);
	if (lane->batches[BATCH_RETRYING] > lane->later)
		again_code = read_head(store, SQL_HEAD_REDO, priority, &again);
	if (!sql_went_well(first_code))
		return first_code;
	if (!sql_went_well(again_code))
		return again_code;
	if (again_code == SQL_ROW && (first_code != SQL_ROW || is_before(&again, &first)))
		*head = again;
	else if (first_code == SQL_ROW)
		*head = first;
	else
		return SQL_DONE;
	return SQL_ROW;
}
