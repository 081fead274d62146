/* The lines: who stands in them, who will when its time has come, and who is first. */
#include "store_sqlite.h"

#include "util.h"

int64_t sqlite_waiting(const struct sqlite_store *store)
{
	int64_t batches = 0;

	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		batches += lane_waiting(&store->now.lanes[lane]);
	return batches;
}

/* Before batches join a line: the settle time begins when nothing waited before. */
static void begin_to_wait(struct sqlite_store *store, int64_t boot_ns)
{
	if (sqlite_waiting(store) == 0)
		ledger_ready(&store->now.ledger, boot_ns);
}

void sqlite_line_join(
    struct sqlite_store *store, enum priority priority, int64_t batches, int64_t ids)
{
	struct lane_total *lane = sqlite_lane(store, priority);

	begin_to_wait(store, clock_boot_ns(store->clock));
	lane->batches[BATCH_YET_TO_START] += batches;
	lane->ids += ids;
}

void sqlite_line_left(struct sqlite_store *store)
{
	if (sqlite_waiting(store) == 0)
		ledger_idle(&store->now.ledger);
}

/* ---- again ---- */

static int add(struct sqlite_store *store, const struct again *again)
{
	struct lane_total *lane = sqlite_lane(store, again->priority);

	lane->batches[BATCH_RETRYING]++;
	if (again->due_ms == AGAIN_NOW) {
		lane->ids += again->ids;
		return sqlite_first(store, SQL_REDO_ADD, "iiiii", again->num, again->index,
		    (int64_t)again->priority, again->seq, again->ids);
	}
	lane->later++;
	return sqlite_first(store, SQL_BACKOFF_ADD, "iiiiii", again->num, again->index,
	    (int64_t)again->priority, again->seq, again->ids, again->due_ms);
}

int sqlite_line_leave(struct sqlite_store *store, const struct again *again)
{
	struct lane_total *lane = sqlite_lane(store, again->priority);

	lane->batches[BATCH_RETRYING]--;
	if (again->due_ms == AGAIN_NOW) {
		lane->ids -= again->ids;
		return sqlite_first(store, SQL_REDO_REMOVE, "iii", (int64_t)again->priority,
		    again->seq, again->index);
	}
	lane->later--;
	return sqlite_first(
	    store, SQL_BACKOFF_REMOVE, "iii", again->due_ms, again->num, again->index);
}

int sqlite_line_again(struct sqlite_store *store, const struct again *again)
{
	if (again->due_ms == AGAIN_NOW)
		begin_to_wait(store, clock_boot_ns(store->clock));
	return add(store, again);
}

int sqlite_line_move(struct sqlite_store *store, struct again again, enum priority priority)
{
	int code = sqlite_line_leave(store, &again);

	again.priority = priority;
	return code == SQLITE_DONE ? add(store, &again) : code;
}

/* Reads the row of a statement and ends it. SQLITE_ROW or an error. */
static int take_again(sqlite3_stmt *row, struct again *again)
{
	*again = (struct again){.num = sqlite3_column_int64(row, 0),
	    .index = sqlite3_column_int64(row, 1),
	    .priority = (enum priority)sqlite3_column_int(row, 2),
	    .seq = sqlite3_column_int64(row, 3),
	    .ids = sqlite3_column_int64(row, 4),
	    .due_ms = sqlite3_column_type(row, 5) == SQLITE_NULL ? AGAIN_NOW
	                                                         : sqlite3_column_int64(row, 5)};
	sqlite3_reset(row);
	return again->priority < PRIORITY_HIGH || again->priority > PRIORITY_LOW ? SQLITE_CORRUPT
	                                                                         : SQLITE_ROW;
}

int sqlite_line_find(struct sqlite_store *store, enum priority priority, int64_t num, int64_t seq,
    struct again *again)
{
	int code = sqlite_first(store, SQL_REDO_OF, "ii", (int64_t)priority, seq);

	if (code == SQLITE_ROW)
		return take_again(sqlite_row(store, SQL_REDO_OF), again);
	if (code == SQLITE_DONE)
		code = sqlite_first(store, SQL_BACKOFF_OF, "ii", (int64_t)priority, num);
	return code == SQLITE_ROW ? take_again(sqlite_row(store, SQL_BACKOFF_OF), again) : code;
}

/* The one that is due first. SQLITE_ROW, SQLITE_DONE (nobody waits for its time) or an error. */
static int read_due(struct sqlite_store *store, struct again *again)
{
	int code = sqlite_first(store, SQL_BACKOFF_FIRST, "");

	return code == SQLITE_ROW ? take_again(sqlite_row(store, SQL_BACKOFF_FIRST), again) : code;
}

/* Puts one into its line, at the moment when it became due. SQLITE_DONE or an error. */
static int become_due(struct sqlite_store *store, struct again again, int64_t boot_ns)
{
	int code = sqlite_line_leave(store, &again);

	begin_to_wait(store, boot_ns);
	again.due_ms = AGAIN_NOW;
	return code == SQLITE_DONE ? add(store, &again) : code;
}

int64_t sqlite_boot_after(int64_t now, int64_t ms)
{
	int64_t ns;

	return __builtin_mul_overflow(ms, NS_PER_MS, &ns) || __builtin_add_overflow(now, ns, &ns)
	           ? CLOCK_NEVER
	           : ns;
}

static bool anybody_later(const struct sqlite_store *store)
{
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		if (store->now.lanes[lane].later > 0)
			return true;
	return false;
}

int sqlite_line_due(struct sqlite_store *store, int64_t now, int64_t *next_due)
{
	int64_t now_ms = store_time_at(&store->time, now);
	struct again again;
	int code = SQLITE_DONE;

	*next_due = CLOCK_NEVER;
	if (!anybody_later(store))
		return SQLITE_DONE;
	for (int steps = STORE_DUE_STEPS;; steps--) {
		code = read_due(store, &again);
		if (code != SQLITE_ROW)
			return code;
		*next_due = sqlite_boot_after(now, again.due_ms - now_ms);
		if (again.due_ms > now_ms || steps == 0)
			return SQLITE_DONE;
		code = become_due(store, again, *next_due);
		if (code != SQLITE_DONE)
			return code;
		*next_due = CLOCK_NEVER;
	}
}

/* ---- heads ---- */

/* SQLITE_ROW, SQLITE_DONE (nobody) or an error. */
static int read_head(struct sqlite_store *store, enum sql sql, int64_t priority, struct head *head)
{
	int code = sqlite_first(store, sql, "i", priority);
	sqlite3_stmt *row = sqlite_row(store, sql);

	if (code != SQLITE_ROW)
		return code;
	*head = (struct head){.num = sqlite3_column_int64(row, 0),
	    .seq = sqlite3_column_int64(row, 1),
	    .index = sqlite3_column_int64(row, 2),
	    .total = sqlite3_column_int64(row, 3),
	    .batch_size = sqlite3_column_int64(row, 4),
	    .created_ms = sqlite3_column_int64(row, 5),
	    .ids = sqlite3_column_int64(row, 6),
	    .again = sql == SQL_HEAD_REDO,
	    .cancelling = sqlite3_column_int(row, 7) != 0};
	sqlite3_reset(row);
	return SQLITE_ROW;
}

static bool is_before(const struct head *a, const struct head *b)
{
	return a->seq != b->seq ? a->seq < b->seq : a->index < b->index;
}

int sqlite_line_head(struct sqlite_store *store, enum priority priority, struct head *head)
{
	struct head first, again;
	int first_code = read_head(store, SQL_HEAD_NEW, priority, &first);
	int again_code = read_head(store, SQL_HEAD_REDO, priority, &again);

	if (!sqlite_went_well(first_code))
		return first_code;
	if (!sqlite_went_well(again_code))
		return again_code;
	if (again_code == SQLITE_ROW && (first_code != SQLITE_ROW || is_before(&again, &first)))
		*head = again;
	else if (first_code == SQLITE_ROW)
		*head = first;
	else
		return SQLITE_DONE;
	return SQLITE_ROW;
}
