/* The oracle's batches: who is next, and what becomes of it. */
#include "store_mem_state.h"

#include "sched.h"
#include "util.h"

#include <string.h>

/* Internal numbers do not look like seq or an index, so that mixing them up is noticed. */
#define NUMBER_BASE 1000000

/* ---- claim ---- */

static struct sched_view view_of(const struct state *state)
{
	struct sched_view view = {.ledger = state->ledger};

	for (int lane = 0; lane < PRIORITY_COUNT; lane++) {
		const struct batch_row *row = head_of(state, lane);

		if (row)
			view.heads[lane] = (struct sched_head){
			    .present = true,
			    .seq = owner_of(state, row)->seq,
			    .index = row->batch.index,
			    .ids = length_of(state, row),
			};
	}
	return view;
}

static void hand_out(const struct store_mem *mem, const struct state *state,
    const struct batch_row *row, struct store_claim *claim)
{
	const struct ingestion *owner = owner_of(state, row);
	struct store_claimed *to;

	claim->batches = xreallocarray(claim->batches, claim->n + 1, sizeof(*claim->batches));
	to = &claim->batches[claim->n++];
	*to = (struct store_claimed){
	    .attempt = {NUMBER_BASE + (int64_t)row->owner, row->batch.index, row->batch.attempts},
	    .uuid = owner->uuid,
	    .priority = owner->priority,
	};
	strcpy(to->label, owner->label);
	idlist_add(&to->ids, batch_ids(mem, state, row), (size_t)length_of(state, row));
}

/* Takes the head of the lane; returns the number of its ids. */
static int64_t take(struct store_mem *mem, struct state *state, int lane, struct store_claim *claim)
{
	struct batch_row *row = head_of(state, lane);

	row->batch.status = BATCH_TRIGGERED;
	row->batch.attempts++;
	row->batch.started_ms = 0;
	row->batch.finished_ms = 0;
	row->batch.error = NULL;
	owner_of(state, row)->version++;
	hand_out(mem, state, row, claim);
	return length_of(state, row);
}

void mem_claim(struct store_mem *mem, struct state *state, struct store_op *op)
{
	int64_t now = clock_boot_ns(mem->clock), taken = 0;
	struct sched_view view = view_of(state);
	struct sched_choice choice = sched_pick(&view, now);
	int lane = choice.lane;

	op->claim.interval_ns = state->ledger.interval_ns;
	if (choice.verdict != SCHED_START) {
		op->claim.wake = choice.at;
		return;
	}
	while (lane >= 0) {
		taken += take(mem, state, lane, &op->claim);
		view = view_of(state);
		lane = sched_pack(&view, taken, mem->settings.slot_ids);
	}
	ledger_claimed(&state->ledger, now);
	if (waiting(state) == 0)
		ledger_idle(&state->ledger);
}

/* ---- started, finish ---- */

/* The batch, or NULL when there is none or when it was never claimed. */
static struct batch_row *find_batch(const struct state *state, int64_t number, int64_t index)
{
	const struct ingestion_row *owner;
	struct batch_row *row;

	if (number < NUMBER_BASE || number - NUMBER_BASE >= (int64_t)state->n_ingestions)
		return NULL;
	owner = &state->ingestions[number - NUMBER_BASE];
	if (index < 0 || index >= owner->ingestion.counts.batches)
		return NULL;
	row = &state->batches[owner->batches_at + (size_t)index];
	return row->batch.attempts > 0 ? row : NULL;
}

static struct batch_row *find_attempt(
    const struct state *state, const struct store_attempt *attempt, struct fail *fail)
{
	struct batch_row *row = find_batch(state, attempt->ingestion, attempt->index);

	if (!row)
		fail_set(fail, ERR_NOT_FOUND, NULL);
	else if (row->batch.status == BATCH_TRIGGERED && row->batch.attempts == attempt->attempt)
		return row;
	else
		fail_set(fail, ERR_STALE_ATTEMPT, NULL);
	return NULL;
}

void mem_started(struct store_mem *mem, struct state *state, struct store_op *op)
{
	const struct store_started *started = &op->started;
	struct batch_row *row = find_attempt(state, &started->attempt, &op->fail);
	struct ingestion *owner;

	(void)mem;
	/* Even when the attempt is refused: it did start. */
	if (started->slot_start != LEDGER_NONE)
		ledger_started(&state->ledger, started->slot_start);
	if (!row)
		return;
	owner = owner_of(state, row);
	row->batch.started_ms = started->utc_ms;
	if (owner->started_ms == 0)
		owner->started_ms = started->utc_ms;
	owner->version++;
}

static char *keep_error(struct store_mem_disk *disk, const char *text)
{
	if (!text)
		return NULL;
	disk->errors = xreallocarray(disk->errors, disk->n_errors + 1, sizeof(*disk->errors));
	return disk->errors[disk->n_errors++] = xstrdup(text);
}

static bool all_final(const struct state *state, size_t owner)
{
	for (size_t i = 0; i < state->n_batches; i++) {
		const struct batch_row *row = &state->batches[i];

		if (row->owner == owner && row->batch.status != BATCH_COMPLETED &&
		    row->batch.status != BATCH_FAILED)
			return false;
	}
	return true;
}

/* The life of its key begins to run out. */
static void end(const struct store_mem *mem, struct ingestion_row *row)
{
	row->ingestion.finished_ms = clock_utc_ms(mem->clock);
	if (row->key[0])
		row->expires_ms = now_ms(mem) + mem->settings.key_expiry_ms;
}

void mem_finish(struct store_mem *mem, struct state *state, struct store_op *op)
{
	const struct store_finish *finish = &op->finish;
	struct batch_row *row = find_attempt(state, &finish->attempt, &op->fail);

	if (!row)
		return;
	owner_of(state, row)->version++;
	if (finish->outcome == OUTCOME_INTERRUPTED) {
		if (waiting(state) == 0)
			ledger_ready(&state->ledger, clock_boot_ns(mem->clock));
		row->batch.status = BATCH_RETRYING;
		return;
	}
	row->batch.finished_ms = clock_utc_ms(mem->clock);
	row->batch.status = BATCH_COMPLETED;
	if (finish->outcome == OUTCOME_FAILED) {
		row->batch.status = BATCH_FAILED;
		row->batch.error = keep_error(mem->disk, finish->message);
	}
	if (all_final(state, row->owner))
		end(mem, &state->ingestions[row->owner]);
}
