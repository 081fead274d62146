/* The oracle's ingestions as people wish them: cancelled, tried again, moved to another line. */
#include "store_mem_state.h"

#include "util.h"

#include <string.h>

static enum ingestion_status status_of_row(
    const struct state *state, const struct ingestion_row *row)
{
	struct ingestion it = whole(state, row);

	return ingestion_status_of(&it);
}

static void refuse(struct store_op *op)
{
	fail_set(&op->fail, ERR_WRONG_STATE, NULL);
}

/* ---- all batches of a kind ---- */

struct steps {
	int64_t batches; /* that were changed */
	bool more; /* some are left */
};

/*
 * Changes those batches that are of the kind: all of them that were never claimed, the first
 * STORE_CONTROL_STEPS of the others.
 */
static struct steps for_each(struct store_mem *mem, struct state *state,
    const struct ingestion_row *row, bool (*is_kind)(const struct batch_row *batch),
    void (*change)(struct store_mem *mem, const struct state *state, struct batch_row *batch))
{
	struct steps steps = {0};
	int64_t claimed = 0;

	for (int64_t i = 0; i < row->ingestion.counts.batches; i++) {
		struct batch_row *batch = batch_at(state, row, i);

		if (!is_kind(batch))
			continue;
		claimed += batch->claimed;
		if (batch->claimed && claimed > STORE_CONTROL_STEPS) {
			steps.more = true;
			continue;
		}
		change(mem, state, batch);
		steps.batches++;
	}
	return steps;
}

static struct story *copy_stories(
    struct store_mem *mem, const struct state *state, const struct batch_row *batch)
{
	int64_t length = length_of(state, batch);
	struct story *stories = disk_keep(mem->disk, xcalloc((size_t)length, sizeof(*stories)));

	for (int64_t i = 0; i < length; i++)
		stories[i] = story_of(batch, i);
	return stories;
}

/* ---- cancel ---- */

static bool waits(const struct batch_row *batch)
{
	return batch->batch.status == BATCH_YET_TO_START || batch->batch.status == BATCH_RETRYING;
}

static void cancel_batch(struct store_mem *mem, const struct state *state, struct batch_row *batch)
{
	struct story *stories = copy_stories(mem, state, batch);

	batch->batch.status = BATCH_CANCELLED;
	batch->batch.finished_ms = clock_utc_ms(mem->clock);
	batch->due_ms = 0;
	for (int64_t i = 0; i < length_of(state, batch); i++)
		if (stories[i].outcome == ID_PENDING)
			stories[i] = (struct story){ID_CANCELLED, batch->batch.attempts,
			    batch->batch.started_ms, batch->batch.finished_ms, stories[i].error};
	batch->stories = stories;
}

static void cancel_sealed(
    struct store_mem *mem, struct state *state, struct ingestion_row *row, struct store_op *op)
{
	struct steps steps = for_each(mem, state, row, waits, cancel_batch);
	struct ingestion *it = &row->ingestion;
	bool first = !it->cancelled_by[0];

	if (first)
		strcpy(it->cancelled_by, op->cancel.who);
	if (first || steps.batches > 0) {
		it->version++;
		mem_end(mem, state, row);
	}
	if (waiting(state) == 0)
		ledger_idle(&state->ledger);
	op->cancel.more = steps.more;
}

static void cancel_upload(
    const struct store_mem *mem, struct ingestion_row *row, const struct store_op *op)
{
	mem_give_up(mem, row);
	strcpy(row->ingestion.cancelled_by, op->cancel.who);
}

void mem_cancel(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct ingestion_row *row = need_uuid(state, &op->cancel.uuid, &op->fail);
	enum ingestion_status status;

	if (!row)
		return;
	status = status_of_row(state, row);
	if (status == INGESTION_COMPLETED || status == INGESTION_FAILED) {
		refuse(op);
		return;
	}
	op->cancel.more = false;
	if (status == INGESTION_RECEIVING)
		cancel_upload(mem, row, op);
	else if (status != INGESTION_CANCELLED)
		cancel_sealed(mem, state, row, op);
	op->cancel.status = status_of_row(state, row);
	op->cancel.running = counts_of(state, row).by_status[BATCH_TRIGGERED];
}

/* ---- retry ---- */

static bool has_failed(const struct batch_row *batch)
{
	return batch->batch.status == BATCH_FAILED;
}

static bool is_not_done(const struct batch_row *batch)
{
	return has_failed(batch) || batch->batch.status == BATCH_CANCELLED;
}

/* Ids that were completed stay so. */
static void retry_batch(struct store_mem *mem, const struct state *state, struct batch_row *batch)
{
	struct story *stories = copy_stories(mem, state, batch);

	for (int64_t i = 0; i < length_of(state, batch); i++)
		if (stories[i].outcome != ID_COMPLETED)
			stories[i] = (struct story){.outcome = ID_PENDING};
	batch->stories = stories;
	batch->batch.status = batch->claimed ? BATCH_RETRYING : BATCH_YET_TO_START;
	batch->batch.finished_ms = 0;
	batch->attempts_before = batch->batch.attempts;
}

/* It lives again. */
static void revive(struct ingestion_row *row)
{
	row->ingestion.version++;
	row->ingestion.finished_ms = 0;
	row->ingestion.cancelled_by[0] = '\0';
	row->expires_ms = CLOCK_NEVER;
	row->notice = (struct notice){0};
}

void mem_retry(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct store_retry *retry = &op->retry;
	struct ingestion_row *row = need_uuid(state, &retry->uuid, &op->fail);
	bool idle = waiting(state) == 0;
	struct steps steps;

	if (!row)
		return;
	if (row->ingestion.stage != STAGE_SEALED ||
	    status_of_row(state, row) == INGESTION_CANCELLING) {
		refuse(op);
		return;
	}
	steps = for_each(mem, state, row, retry->cancelled ? is_not_done : has_failed, retry_batch);
	if (steps.batches > 0)
		revive(row);
	if (idle && waiting(state) > 0)
		ledger_ready(&state->ledger, clock_boot_ns(mem->clock));
	retry->batches = steps.batches;
	retry->more = steps.more;
	retry->status = status_of_row(state, row);
}

/* ---- bump ---- */

/* The line is in order of (priority, seq, index), so there is nothing else to move. */
void mem_bump(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct ingestion_row *row = need_uuid(state, &op->bump.uuid, &op->fail);

	(void)mem;
	if (!row)
		return;
	if (ingestion_status_is_final(status_of_row(state, row))) {
		refuse(op);
		return;
	}
	op->bump.more = false;
	if (row->ingestion.priority == op->bump.priority)
		return;
	row->ingestion.priority = op->bump.priority;
	row->ingestion.version++;
}
