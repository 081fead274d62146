/* The claim: what goes into a slot. */
#include "store_sqlite.h"

#include "sched.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

/*
 * What the scheduler wants to see of one lane. SQLITE_ROW, or an error; SQLITE_DONE is one: the
 * lane is empty, against its counter.
 */
static int read_lane(
    struct sqlite_store *store, int lane, struct sched_view *view, struct head *head)
{
	int code;

	view->heads[lane] = (struct sched_head){0};
	if (lane_waiting(&store->now.lanes[lane]) == 0)
		return SQLITE_ROW;
	code = sqlite_line_head(store, (enum priority)(lane + PRIORITY_HIGH), head);
	if (code == SQLITE_ROW && !head->cancelling)
		view->heads[lane] = (struct sched_head){
		    .present = true, .seq = head->seq, .index = head->index, .ids = head->ids};
	return code;
}

/* The lines, once what has become due stands in them. SQLITE_ROW or an error. */
static int read_view(
    struct sqlite_store *store, int64_t now, struct sched_view *view, struct head *heads)
{
	int code = sqlite_line_due(store, now, &view->next_due);

	if (code != SQLITE_DONE)
		return code;
	view->ledger = store->now.ledger;
	view->not_before = sqlite_control_not_before(store, now);
	code = SQLITE_ROW;
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

/* `lane` is that of its ingestion. */
static void trigger(struct lane_total *lane, const struct head *head)
{
	lane->batches[BATCH_TRIGGERED]++;
	if (head->again)
		return;
	lane->batches[BATCH_YET_TO_START]--;
	lane->ids -= head->ids;
	if (head->index == 0) {
		lane->ingestions[INGESTION_YET_TO_START]--;
		lane->ingestions[INGESTION_TRIGGERED]++;
	}
}

/* The row of the ingestion: one batch more is triggered. Fills in what the handler is told. */
static int take_ingestion(
    struct sqlite_store *store, const struct head *head, struct store_claimed *claimed)
{
	int code = sqlite_first(store, SQL_INGESTION_TAKEN, "iiii", (int64_t)!head->again,
	    (int64_t)head->again, (int64_t)(claimed->attempt.attempt > 1), head->num);
	sqlite3_stmt *row = sqlite_row(store, SQL_INGESTION_TAKEN);
	const char *label;

	if (code != SQLITE_ROW)
		return code;
	label = (const char *)sqlite3_column_text(row, 1);
	if (!sqlite_take_blob(row, 0, claimed->uuid.bytes, sizeof(claimed->uuid.bytes)) ||
	    strlen(label) > LABEL_MAX)
		return SQLITE_CORRUPT;
	strcpy(claimed->label, label);
	claimed->priority = (enum priority)sqlite3_column_int(row, 2);
	if (claimed->priority < PRIORITY_HIGH || claimed->priority > PRIORITY_LOW)
		return SQLITE_CORRUPT;
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
	struct span span = {head->num, head->index * head->batch_size,
	    batch_length(head->total, head->batch_size, head->index), head->ids};
	/* It stands there with the priority that its ingestion had, which may be another one now.
	 */
	struct again again = {head->num, head->index, (enum priority)(lane + PRIORITY_HIGH),
	    head->seq, head->ids, AGAIN_NOW};
	int code = start_batch(store, head, &claimed->attempt);

	claimed->whole = span.left == span.n;
	if (code == SQLITE_DONE)
		code = take_ingestion(store, head, claimed);
	if (code == SQLITE_DONE && head->again)
		code = sqlite_line_leave(store, &again);
	if (code == SQLITE_DONE)
		code = sqlite_ids_left(store, &span, head->total, &claimed->ids);
	if (code == SQLITE_DONE)
		trigger(sqlite_lane(store, claimed->priority), head);
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

/* The first head of an ingestion that is being cancelled, or NULL. */
static const struct head *find_unwanted(const struct sqlite_store *store, const struct head *heads)
{
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		if (lane_waiting(&store->now.lanes[lane]) > 0 && heads[lane].cancelling)
			return &heads[lane];
	return NULL;
}

static int cancel_rest(struct sqlite_store *store, int64_t num)
{
	struct uuid uuid;
	int code = sqlite_first(store, SQL_INGESTION_UUID, "i", num);
	sqlite3_stmt *row = sqlite_row(store, SQL_INGESTION_UUID);

	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
	if (!sqlite_take_blob(row, 0, uuid.bytes, sizeof(uuid.bytes)))
		return SQLITE_CORRUPT;
	sqlite3_reset(row);
	return sqlite_cancel_rest(store, &uuid);
}

enum store_result sqlite_claim(struct store *base, struct store_op *op)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	struct store_claim *claim = &op->claim;
	struct head heads[PRIORITY_COUNT] = {{0}};
	const struct head *unwanted;
	struct sched_view view;
	struct sched_choice choice;
	int64_t now = clock_boot_ns(store->clock);
	int code = read_view(store, now, &view, heads);

	if (code != SQLITE_ROW)
		return sqlite_failed(store, code, &op->fail);
	claim->interval_ns = store->now.ledger.interval_ns;
	unwanted = find_unwanted(store, heads);
	if (unwanted) {
		/* Its batches go first, a step at a time. */
		claim->wake = now;
		code = cancel_rest(store, unwanted->num);
		return code == SQLITE_DONE ? STORE_DONE : sqlite_failed(store, code, &op->fail);
	}
	choice = sched_pick(&view, now);
	/* More may be due than one claim puts into line, and it may go first. */
	claim->wake = view.next_due <= now ? now : choice.at;
	claim->idle = choice.verdict == SCHED_IDLE;
	if (choice.verdict != SCHED_START)
		return STORE_DONE;
	code = fill_slot(store, choice.lane, &view, heads, claim);
	if (code != SQLITE_ROW)
		return sqlite_failed(store, code, &op->fail);
	ledger_claimed(&store->now.ledger, now);
	sqlite_line_left(store);
	return STORE_DONE;
}
