/* The lines: how an ingestion gets into one, and how a claim takes the first batch out of it. */
#include "store_sqlite.h"

#include "sched.h"
#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int64_t sqlite_waiting(const struct sqlite_store *store)
{
	int64_t batches = 0;

	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		batches += lane_waiting(&store->now.lanes[lane]);
	return batches;
}

/* Before batches join a line: the settle time begins when nothing waited before. */
static void begin_to_wait(struct sqlite_store *store)
{
	if (sqlite_waiting(store) == 0)
		ledger_ready(&store->now.ledger, clock_boot_ns(store->clock));
}

void sqlite_line_join(
    struct sqlite_store *store, enum priority priority, int64_t batches, int64_t ids)
{
	struct lane_total *lane = sqlite_lane(store, priority);

	begin_to_wait(store);
	lane->batches[BATCH_YET_TO_START] += batches;
	lane->ids += ids;
	lane->ingestions[INGESTION_YET_TO_START]++;
}

int sqlite_line_again(
    struct sqlite_store *store, int64_t num, int64_t index, enum priority priority, int64_t ids)
{
	struct lane_total *lane = sqlite_lane(store, priority);

	begin_to_wait(store);
	lane->batches[BATCH_TRIGGERED]--;
	lane->batches[BATCH_RETRYING]++;
	lane->ids += ids;
	return sqlite_first(store, SQL_REDO_ADD, "ii", index, num);
}

/* ---- claim ---- */

/* The first batch of a lane, and whether it stands there again or for the first time. */
struct head {
	int64_t num;
	int64_t seq;
	int64_t index;
	int64_t total; /* ids of the ingestion */
	int64_t batch_size;
	bool again;
};

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
	    .again = sql == SQL_HEAD_REDO};
	sqlite3_reset(row);
	return SQLITE_ROW;
}

static bool is_before(const struct head *a, const struct head *b)
{
	return a->seq != b->seq ? a->seq < b->seq : a->index < b->index;
}

/* SQLITE_ROW: *head is the first of the lane. SQLITE_DONE: the lane is empty, against its counter.
 */
static int lane_head(struct sqlite_store *store, int64_t priority, struct head *head)
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

/* What the scheduler wants to see of one lane. SQLITE_ROW, or an error. */
static int read_lane(
    struct sqlite_store *store, int lane, struct sched_view *view, struct head *head)
{
	int code;

	view->heads[lane] = (struct sched_head){0};
	if (lane_waiting(&store->now.lanes[lane]) == 0)
		return SQLITE_ROW;
	code = lane_head(store, lane + PRIORITY_HIGH, head);
	if (code == SQLITE_ROW)
		view->heads[lane] = (struct sched_head){.present = true,
		    .seq = head->seq,
		    .index = head->index,
		    .ids = batch_length(head->total, head->batch_size, head->index)};
	return code;
}

static int read_view(struct sqlite_store *store, struct sched_view *view, struct head *heads)
{
	int code = SQLITE_ROW;

	view->ledger = store->now.ledger;
	for (int lane = 0; lane < PRIORITY_COUNT && code == SQLITE_ROW; lane++)
		code = read_lane(store, lane, view, &heads[lane]);
	return code;
}

static struct store_claimed *claim_add(struct store_claim *claim)
{
	/* Grows at each power of two. */
	if ((claim->n & (claim->n - 1)) == 0)
		claim->batches = xreallocarray(
		    claim->batches, claim->n ? 2 * claim->n : 1, sizeof(*claim->batches));
	claim->batches[claim->n] = (struct store_claimed){0};
	return &claim->batches[claim->n++];
}

static void leave(struct lane_total *lane, const struct head *head, int64_t ids)
{
	lane->batches[head->again ? BATCH_RETRYING : BATCH_YET_TO_START]--;
	lane->batches[BATCH_TRIGGERED]++;
	lane->ids -= ids;
	if (!head->again && head->index == 0) {
		lane->ingestions[INGESTION_YET_TO_START]--;
		lane->ingestions[INGESTION_TRIGGERED]++;
	}
}

/* The row of the ingestion: one batch more is triggered. Fills in what the handler is told. */
static int take_ingestion(
    struct sqlite_store *store, const struct head *head, struct store_claimed *claimed)
{
	int code = sqlite_first(store, SQL_INGESTION_TAKEN, "iii", (int64_t)!head->again,
	    (int64_t)head->again, head->num);
	sqlite3_stmt *row = sqlite_row(store, SQL_INGESTION_TAKEN);
	const void *uuid;
	const char *label;

	if (code != SQLITE_ROW)
		return code;
	uuid = sqlite3_column_blob(row, 0);
	label = (const char *)sqlite3_column_text(row, 1);
	if (sqlite3_column_bytes(row, 0) != sizeof(claimed->uuid.bytes) ||
	    strlen(label) > LABEL_MAX)
		return SQLITE_CORRUPT;
	memcpy(claimed->uuid.bytes, uuid, sizeof(claimed->uuid.bytes));
	strcpy(claimed->label, label);
	return sqlite_only(store, SQL_INGESTION_TAKEN);
}

static int start_batch(
    struct sqlite_store *store, const struct head *head, struct store_attempt *attempt)
{
	int code = sqlite_first(store, SQL_BATCH_START, "ii", head->num, head->index);

	if (code != SQLITE_ROW)
		return code;
	*attempt = (struct store_attempt){.ingestion = head->num,
	    .index = head->index,
	    .attempt = sqlite3_column_int64(sqlite_row(store, SQL_BATCH_START), 0)};
	return sqlite_only(store, SQL_BATCH_START);
}

/* Takes the head out of its line. SQLITE_DONE or an error. */
static int take(
    struct sqlite_store *store, int lane, const struct head *head, struct store_claim *claim)
{
	struct store_claimed *claimed = claim_add(claim);
	int64_t ids = batch_length(head->total, head->batch_size, head->index);
	int code = start_batch(store, head, &claimed->attempt);

	claimed->priority = (enum priority)(lane + PRIORITY_HIGH);
	if (code == SQLITE_DONE)
		code = take_ingestion(store, head, claimed);
	if (code == SQLITE_DONE && head->again)
		code = sqlite_first(store, SQL_REDO_REMOVE, "iii", (int64_t)claimed->priority,
		    head->seq, head->index);
	if (code == SQLITE_DONE)
		code = sqlite_ids_read(store, head->num, head->total,
		    head->index * head->batch_size, ids, &claimed->ids);
	leave(&store->now.lanes[lane], head, ids);
	return code;
}

/* Fills the slot, beginning with the head of `lane`. SQLITE_ROW or an error. */
static int fill_slot(struct sqlite_store *store, int lane, struct sched_view *view,
    struct head *heads, struct store_claim *claim)
{
	int64_t taken = 0;

	while (lane >= 0) {
		int code = take(store, lane, &heads[lane], claim);

		taken += view->heads[lane].ids;
		if (code == SQLITE_DONE)
			code = read_lane(store, lane, view, &heads[lane]);
		if (code != SQLITE_ROW)
			return code;
		lane = sched_pack(view, taken, store->settings.slot_ids);
	}
	return SQLITE_ROW;
}

enum store_result sqlite_claim(struct store *base, struct store_op *op)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	struct head heads[PRIORITY_COUNT];
	struct sched_view view;
	struct sched_choice choice;
	int64_t now = clock_boot_ns(store->clock);
	int code = read_view(store, &view, heads);

	if (code != SQLITE_ROW)
		return sqlite_failed(store, code, &op->fail);
	op->claim.interval_ns = store->now.ledger.interval_ns;
	choice = sched_pick(&view, now);
	op->claim.wake = choice.at;
	if (choice.verdict != SCHED_START)
		return STORE_DONE;
	code = fill_slot(store, choice.lane, &view, heads, &op->claim);
	if (code != SQLITE_ROW)
		return sqlite_failed(store, code, &op->fail);
	ledger_claimed(&store->now.ledger, now);
	if (sqlite_waiting(store) == 0)
		ledger_idle(&store->now.ledger);
	return STORE_DONE;
}
