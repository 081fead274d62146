/* The claim: what goes into a slot. */
#include "store_sql.h"

#include "sched.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

/*
 * What the scheduler wants to see of one lane. SQL_ROW, or an error; SQL_DONE is one: the
 * lane is empty, against its counter.
 */
static int read_lane(struct sql_store *store, int lane, struct sched_view *view, struct head *head)
{
	const struct lane_total *total = &store->now.lanes[lane];
	int code;

	view->heads[lane] = (struct sched_head){0};
	if (lane_waiting(total) == 0)
		return SQL_ROW;
	code = sql_line_head(store, (enum priority)(lane + PRIORITY_HIGH), total, head);
	if (code == SQL_ROW && !head->cancelling)
		view->heads[lane] = (struct sched_head){
		    .present = true, .seq = head->seq, .index = head->index, .ids = head->ids};
	return code;
}

/* The lines, once what has become due stands in them. SQL_ROW or an error. */
static int read_view(struct sql_store *store, struct sched_view *view, struct head *heads)
{
	int code = sql_line_due(store, &view->next_due);

	if (code != SQL_DONE)
		return code;
	view->ledger = store->now.ledger;
	view->not_before = sql_control_not_before(store);
	code = SQL_ROW;
	for (int lane = 0; lane < PRIORITY_COUNT && code == SQL_ROW; lane++)
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
    struct sql_store *store, const struct head *head, struct store_claimed *claimed)
{
	int code = sql_first(store, SQL_INGESTION_TAKEN, "iiii", (int64_t)!head->again,
	    (int64_t)head->again, (int64_t)(claimed->attempt.attempt > 1), head->num);
	struct sql_row row = sql_row(store, SQL_INGESTION_TAKEN);
	const char *label;

	if (code != SQL_ROW)
		return code;
	label = sql_text(row, 1);
	if (!sql_take_blob(row, 0, claimed->uuid.bytes, sizeof(claimed->uuid.bytes)) ||
	    strlen(label) > LABEL_MAX)
		return SQL_CORRUPT;
	strcpy(claimed->label, label);
	claimed->priority = (enum priority)(int)sql_number(row, 2);
	if (claimed->priority < PRIORITY_HIGH || claimed->priority > PRIORITY_LOW)
		return SQL_CORRUPT;
	return sql_only(store, SQL_INGESTION_TAKEN);
}

static int start_batch(
    struct sql_store *store, const struct head *head, struct store_attempt *attempt)
{
	int code = sql_first(store, SQL_BATCH_START, "iii", head->num, head->index, store->owner);

	if (code != SQL_ROW)
		return code;
	*attempt = (struct store_attempt){.ingestion = head->num,
	    .index = head->index,
	    .attempt = sql_number(sql_row(store, SQL_BATCH_START), 0)};
	return sql_only(store, SQL_BATCH_START);
}

/* Takes the head out of its line. SQL_DONE or an error. */
static int take(
    struct sql_store *store, int lane, const struct head *head, struct store_claim *claim)
{
	struct store_claimed *claimed = claim_add(claim);
	struct span span = {head->num, head->index * head->batch_size,
	    batch_length(head->total, head->batch_size, head->index), head->ids};
	/* It stands there with the priority that its ingestion had, which may be another one now.
	 */
	struct again again = {head->num, head->index, (enum priority)(lane + PRIORITY_HIGH),
	    head->seq, head->ids, AGAIN_NOW};
	int code;

	if (!head->again)
		sql_ahead(store, SQL_INGESTION_TAKEN, "iiii", (int64_t)1, (int64_t)0, (int64_t)0,
		    head->num);
	code = start_batch(store, head, &claimed->attempt);
	claimed->whole = span.left == span.n;
	if (code == SQL_DONE)
		code = take_ingestion(store, head, claimed);
	if (code == SQL_DONE && head->again)
		code = sql_line_leave(store, &again);
	if (code == SQL_DONE)
		code = sql_ids_left(store, &span, head->total, &claimed->ids);
	if (code == SQL_DONE)
		trigger(sql_lane(store, claimed->priority), head);
	return code;
}

/* Fills the slot, beginning with the head of `lane`. SQL_ROW or an error. */
static int fill_slot(struct sql_store *store, int lane, struct sched_view *view, struct head *heads,
    struct store_claim *claim)
{
	int64_t taken = 0;

	while (lane >= 0) {
		int code = take(store, lane, &heads[lane], claim);

		taken += view->heads[lane].ids;
		if (code == SQL_DONE && !view->ledger.pack)
			return SQL_ROW;
		if (code == SQL_DONE)
			code = read_lane(store, lane, view, &heads[lane]);
		if (code != SQL_ROW)
			return code;
		lane = sched_pack(view, taken, store->settings.slot_ids);
	}
	return SQL_ROW;
}

/* The first head of an ingestion that is being cancelled, or NULL. */
static const struct head *find_unwanted(const struct sql_store *store, const struct head *heads)
{
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		if (lane_waiting(&store->now.lanes[lane]) > 0 && heads[lane].cancelling)
			return &heads[lane];
	return NULL;
}

static int cancel_rest(struct sql_store *store, int64_t num)
{
	struct uuid uuid;
	int code = sql_first(store, SQL_INGESTION_UUID, "i", num);
	struct sql_row row = sql_row(store, SQL_INGESTION_UUID);

	if (code != SQL_ROW)
		return code == SQL_DONE ? SQL_CORRUPT : code;
	if (!sql_take_blob(row, 0, uuid.bytes, sizeof(uuid.bytes)))
		return SQL_CORRUPT;
	sql_reset(row);
	return sql_cancel_rest(store, &uuid);
}

enum store_result sql_claim(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_claim *claim = &op->claim;
	struct head heads[PRIORITY_COUNT] = {{0}};
	const struct head *unwanted;
	struct sched_view view;
	struct sched_choice choice;
	int64_t now = sql_now_ns(store);
	int code = read_view(store, &view, heads);

	if (code != SQL_ROW)
		return sql_failed(store, code, &op->fail);
	claim->interval_ns = store->now.ledger.interval_ns;
	unwanted = find_unwanted(store, heads);
	if (unwanted) {
		/* Its batches go first, a step at a time. */
		claim->wake = now;
		code = cancel_rest(store, unwanted->num);
		return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
	}
	choice = sched_pick(&view, now);
	/* More may be due than one claim puts into line, and it may go first. */
	claim->wake = view.next_due <= now ? now : choice.at;
	claim->idle = choice.verdict == SCHED_IDLE;
	if (choice.verdict != SCHED_START)
		return STORE_DONE;
	code = fill_slot(store, choice.lane, &view, heads, claim);
	if (code != SQL_ROW)
		return sql_failed(store, code, &op->fail);
	ledger_claimed(&store->now.ledger, now);
	sql_line_left(store);
	return STORE_DONE;
}
