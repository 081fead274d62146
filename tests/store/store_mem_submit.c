/* The oracle's new ingestions: whole lists and uploads, and the keys that name them. */
#include "store_mem_state.h"

#include <string.h>

/* ---- submit ---- */

static bool is_same(const struct store_mem *mem, const struct state *state,
    const struct ingestion_row *row, const struct store_submit *submit)
{
	return row->asked == submit->priority && strcmp(row->ingestion.label, submit->label) == 0 &&
	       row->ingestion.counts.ids == (int64_t)submit->ids->n &&
	       memcmp(ids_of(mem, state, row), submit->ids->v,
		   submit->ids->n * sizeof(*submit->ids->v)) == 0;
}

static void answer_submit(
    struct store_submit *submit, const struct ingestion_row *row, bool replayed)
{
	submit->ingestion = row->ingestion.uuid;
	submit->seq = row->ingestion.seq;
	submit->batches = row->ingestion.counts.batches;
	submit->replayed = replayed;
}

void mem_submit(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct store_submit *submit = &op->submit;
	struct ingestion_row *row = find_key(state, &submit->key);

	if (row && row->ingestion.stage == STAGE_RECEIVING) {
		fail_set(&op->fail, ERR_IN_PROGRESS, NULL);
		return;
	}
	if (row) {
		if (is_same(mem, state, row, submit))
			answer_submit(submit, row, true);
		else
			fail_set(&op->fail, ERR_CONFLICT, NULL);
		return;
	}
	row = state_add(mem, state,
	    &(struct new_ingestion){&submit->uuid, STAGE_SEALED, submit->priority, submit->label,
		submit->batch_size, &submit->key});
	add_ids(mem, state, row, submit->ids->v, submit->ids->n);
	join_line(mem, state, row);
	answer_submit(submit, row, false);
}

/* ---- open ---- */

struct digest digest_of(
    const struct store_mem *mem, const struct state *state, const struct ingestion_row *row)
{
	struct digester digester;

	digester_begin(&digester, row->asked, row->ingestion.label);
	digester_add(&digester, ids_of(mem, state, row), (size_t)row->ingestion.counts.ids);
	return digester_value(&digester);
}

static void answer_open(const struct store_mem *mem, const struct state *state,
    struct store_open *open, const struct ingestion_row *row, bool replayed)
{
	open->ingestion = row->ingestion.uuid;
	open->received = row->ingestion.counts.ids;
	open->digest = digest_of(mem, state, row);
	open->replayed = replayed;
	open->sealed = row->ingestion.stage == STAGE_SEALED;
	open->seq = row->ingestion.seq;
	open->batches = row->ingestion.counts.batches;
}

void mem_open(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct store_open *open = &op->open;
	struct ingestion_row *row = find_key(state, &open->key);
	int64_t ids;

	if (row &&
	    (row->asked != open->priority || strcmp(row->ingestion.label, open->label) != 0)) {
		fail_set(&op->fail, ERR_CONFLICT, NULL);
		return;
	}
	if (row) {
		answer_open(mem, state, open, row, true);
		return;
	}
	if (count_stage(state, STAGE_RECEIVING, &ids) >= mem->settings.max_uploads) {
		fail_set(&op->fail, ERR_LIMITED, NULL);
		return;
	}
	row = state_add(mem, state,
	    &(struct new_ingestion){&open->uuid, STAGE_RECEIVING, open->priority, open->label,
		open->batch_size, &open->key});
	row->expires_ms = now_ms(mem) + mem->settings.upload_expiry_ms;
	answer_open(mem, state, open, row, false);
}
