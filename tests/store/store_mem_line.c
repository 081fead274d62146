/* The oracle's line: what is due again, and who is next. */
#include "store_mem_state.h"

#include "sched.h"
#include "util.h"

#include <string.h>

/* ---- what is due ---- */

/* Whether x comes before y among those that are not in line. */
static bool is_due_before(const struct batch_row *x, const struct batch_row *y)
{
	if (x->due_ms != y->due_ms)
		return x->due_ms < y->due_ms;
	if (x->owner != y->owner)
		return x->owner < y->owner;
	return x->batch.index < y->batch.index;
}

static struct batch_row *first_due(const struct state *state)
{
	struct batch_row *first = NULL;

	for (size_t i = 0; i < state->n_batches; i++) {
		struct batch_row *row = &state->batches[i];

		if (row->due_ms > 0 && (!first || is_due_before(row, first)))
			first = row;
	}
	return first;
}

/* Puts what is due at boot_ns back into line; returns whether more is. */
static bool stand_in_line(const struct store_mem *mem, struct state *state, int64_t boot_ns)
{
	int64_t now = store_time_at(&mem->time, boot_ns);
	int steps = STORE_DUE_STEPS;
	struct batch_row *row;

	while ((row = first_due(state)) && row->due_ms <= now && steps-- > 0) {
		if (waiting(state) == 0)
			ledger_ready(&state->ledger, boot_ns_of(mem, boot_ns, row->due_ms));
		row->due_ms = 0;
	}
	return row && row->due_ms <= now;
}

/* ---- claim ---- */

static struct sched_view view_of(
    const struct store_mem *mem, const struct state *state, int64_t boot_ns)
{
	const struct batch_row *due = first_due(state);
	struct sched_view view = {.ledger = state->ledger,
	    .not_before = control_not_before(mem, state, boot_ns),
	    .next_due = due ? boot_ns_of(mem, boot_ns, due->due_ms) : CLOCK_NEVER};

	for (int lane = 0; lane < PRIORITY_COUNT; lane++) {
		const struct batch_row *row = head_of(state, lane);

		if (row)
			view.heads[lane] = (struct sched_head){
			    .present = true,
			    .seq = owner_of(state, row)->seq,
			    .index = row->batch.index,
			    .ids = count_ids(state, row, ID_PENDING),
			};
	}
	return view;
}

static void hand_out(const struct store_mem *mem, const struct state *state,
    const struct batch_row *row, struct store_claim *claim)
{
	const struct ingestion *owner = owner_of(state, row);
	const int64_t *ids = batch_ids(mem, state, row);
	struct store_claimed *to;

	claim->batches = xreallocarray(claim->batches, claim->n + 1, sizeof(*claim->batches));
	to = &claim->batches[claim->n++];
	*to = (struct store_claimed){
	    .attempt = {NUMBER_BASE + (int64_t)row->owner, row->batch.index, row->batch.attempts},
	    .uuid = owner->uuid,
	    .priority = owner->priority,
	};
	strcpy(to->label, owner->label);
	for (int64_t i = 0; i < length_of(state, row); i++)
		if (story_of(row, i).outcome == ID_PENDING)
			idlist_push(&to->ids, ids[i]);
	to->whole = (int64_t)to->ids.n == length_of(state, row);
}

/* Takes the head of the lane; returns the number of its ids. */
static int64_t take(struct store_mem *mem, struct state *state, int lane, struct store_claim *claim)
{
	struct batch_row *row = head_of(state, lane);

	row->batch.status = BATCH_TRIGGERED;
	row->batch.attempts++;
	row->claimed = true;
	row->batch.started_ms = 0;
	owner_of(state, row)->version++;
	hand_out(mem, state, row, claim);
	return count_ids(state, row, ID_PENDING);
}

void mem_claim(struct store_mem *mem, struct state *state, struct store_op *op)
{
	int64_t now = clock_boot_ns(mem->clock), taken = 0;
	bool more = stand_in_line(mem, state, now);
	struct sched_view view = view_of(mem, state, now);
	struct sched_choice choice = sched_pick(&view, now);
	int lane = choice.lane;

	op->claim.interval_ns = state->ledger.interval_ns;
	op->claim.idle = choice.verdict == SCHED_IDLE;
	if (choice.verdict != SCHED_START) {
		op->claim.wake = more ? now : choice.at;
		return;
	}
	while (lane >= 0) {
		taken += take(mem, state, lane, &op->claim);
		view = view_of(mem, state, now);
		lane = sched_pack(&view, taken, mem->settings.slot_ids);
	}
	ledger_claimed(&state->ledger, now);
	if (waiting(state) == 0)
		ledger_idle(&state->ledger);
}
