/* The oracle's uploads, from the first part to the end, which can be one that time brings. */
#include "store_mem_state.h"

#include "util.h"

#include <string.h>

/* ---- append ---- */

/* `more` is what the part adds; not positive: nothing. */
static enum err check_append(const struct store_mem *mem, const struct state *state,
    const struct ingestion *it, int64_t offset, int64_t more)
{
	int64_t all;

	if (it->stage != STAGE_RECEIVING)
		return ERR_WRONG_STATE;
	if (offset > it->counts.ids)
		return ERR_UPLOAD_GAP;
	count_stage(state, STAGE_RECEIVING, &all);
	if (more > 0 && it->counts.ids + more > IDLIST_MAX)
		return ERR_TOO_LARGE;
	if (more > 0 && all + more > mem->settings.max_upload_ids)
		return ERR_LIMITED;
	return ERR_OK;
}

void mem_append(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct store_append *append = &op->append;
	struct ingestion_row *row = need_uuid(state, &append->uuid, &op->fail);
	int64_t more;
	enum err err;

	if (!row)
		return;
	more = append->offset + (int64_t)append->ids->n - row->ingestion.counts.ids;
	err = check_append(mem, state, &row->ingestion, append->offset, more);
	if (err) {
		fail_set(&op->fail, err, NULL);
		return;
	}
	if (more > 0) {
		add_ids(mem, state, row, append->ids->v + append->ids->n - more, (size_t)more);
		row->ingestion.version++;
	}
	row->expires_ms = now_ms(mem) + mem->settings.upload_expiry_ms;
	append->received = row->ingestion.counts.ids;
}

/* ---- seal ---- */

static enum err check_seal(const struct store_mem *mem, const struct state *state,
    const struct ingestion_row *row, const struct store_seal *seal)
{
	const struct ingestion *it = &row->ingestion;
	struct digest digest = digest_of(mem, state, row);
	bool has_digest = it->stage == STAGE_RECEIVING || row->key[0];

	if (it->stage == STAGE_CANCELLED)
		return ERR_WRONG_STATE;
	if (it->counts.ids == 0)
		return ERR_INVALID;
	if (seal->expected >= 0 && seal->expected != it->counts.ids)
		return ERR_UPLOAD_GAP;
	return seal->digest && has_digest && !digest_equal(seal->digest, &digest) ? ERR_CONFLICT
	                                                                          : ERR_OK;
}

void mem_seal(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct store_seal *seal = &op->seal;
	struct ingestion_row *row = need_uuid(state, &seal->uuid, &op->fail);
	enum err err;

	if (!row)
		return;
	err = check_seal(mem, state, row, seal);
	if (err) {
		fail_set(&op->fail, err, NULL);
		return;
	}
	seal->replayed = row->ingestion.stage == STAGE_SEALED;
	if (!seal->replayed) {
		row->ingestion.version++;
		row->expires_ms = CLOCK_NEVER;
		join_line(mem, state, row);
	}
	seal->ids = row->ingestion.counts.ids;
	seal->seq = row->ingestion.seq;
	seal->batches = row->ingestion.counts.batches;
}

/* ---- the end without a seal ---- */

void mem_give_up(const struct store_mem *mem, struct ingestion_row *row)
{
	row->ingestion.stage = STAGE_CANCELLED;
	row->ingestion.finished_ms = clock_utc_ms(mem->clock);
	row->ingestion.version++;
	row->key[0] = '\0';
	/* Its ids are to be removed. */
	row->expires_ms = row->ingestion.counts.ids > 0 ? now_ms(mem) : CLOCK_NEVER;
}

/* The row that is due first, or NULL when nothing is to come. */
static struct ingestion_row *first_due(const struct state *state)
{
	struct ingestion_row *first = NULL;

	for (size_t i = 0; i < state->n_ingestions; i++) {
		struct ingestion_row *row = &state->ingestions[i];

		if (row->expires_ms < (first ? first->expires_ms : CLOCK_NEVER))
			first = row;
	}
	return first;
}

static void settle(
    const struct store_mem *mem, struct ingestion_row *row, struct store_sweep *sweep)
{
	if (row->ingestion.stage == STAGE_RECEIVING) {
		sweep->cancelled =
		    xreallocarray(sweep->cancelled, sweep->n + 1, sizeof(*sweep->cancelled));
		sweep->cancelled[sweep->n++] = row->ingestion.uuid;
		mem_give_up(mem, row);
		return;
	}
	/* The ids of a cancelled one are out of sight already. */
	row->key[0] = '\0';
	row->expires_ms = CLOCK_NEVER;
}

void mem_sweep(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct ingestion_row *row;
	int64_t now = now_ms(mem);
	int steps = STORE_SWEEP_STEPS;

	while ((row = first_due(state)) && row->expires_ms <= now && steps-- > 0)
		settle(mem, row, &op->sweep);
	if (!row)
		op->sweep.next_ms = -1;
	else
		op->sweep.next_ms = row->expires_ms > now ? row->expires_ms - now : 0;
}
