/* The oracle's ends of ingestions, and the notices of them. */
#include "store_mem_state.h"

void mem_end(const struct store_mem *mem, struct state *state, struct ingestion_row *row)
{
	struct ingestion it = whole(state, row);

	if (!ingestion_status_is_final(ingestion_status_of(&it)))
		return;
	row->ingestion.finished_ms = clock_utc_ms(mem->clock);
	if (row->key[0])
		row->expires_ms = now_ms(mem) + mem->settings.key_expiry_ms;
	if (mem->settings.notify)
		row->notice = (struct notice){.is_there = true, .due_ms = now_ms(mem)};
}

void mem_notices_recover(const struct store_mem *mem, struct state *state)
{
	int64_t now = now_ms(mem);

	for (size_t i = 0; i < state->n_ingestions; i++) {
		struct notice *notice = &state->ingestions[i].notice;

		if (notice->due_ms > now)
			notice->due_ms = now;
	}
}

/* The one that is due first, or NULL; of those that are due together, that of the ingestion that
 * was created first. */
static struct ingestion_row *first_notice(const struct state *state)
{
	struct ingestion_row *first = NULL;

	for (size_t i = 0; i < state->n_ingestions; i++) {
		struct ingestion_row *row = &state->ingestions[i];

		if (row->notice.is_there && (!first || row->notice.due_ms < first->notice.due_ms))
			first = row;
	}
	return first;
}

void mem_notice(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct store_notice *answer = &op->notice;
	struct ingestion_row *row = first_notice(state);
	int64_t now = now_ms(mem);

	*answer = (struct store_notice){.next_ms = -1};
	if (row && row->notice.due_ms > now)
		answer->next_ms = row->notice.due_ms - now;
	if (!row || row->notice.due_ms > now)
		return;
	answer->found = true;
	answer->ingestion = whole(state, row);
	answer->attempt = ++row->notice.attempts;
}

void mem_told(struct store_mem *mem, struct state *state, struct store_op *op)
{
	const struct store_told *told = &op->told;
	struct ingestion_row *row = need_uuid(state, &told->uuid, &op->fail);

	if (!row)
		return;
	if (!row->notice.is_there || row->ingestion.version != told->version) {
		/* Of another end: that one is not told. */
		row->notice.due_ms = now_ms(mem);
		fail_set(&op->fail, ERR_NOT_FOUND, NULL);
		return;
	}
	row->notice.due_ms = now_ms(mem) + told->retry_ms;
	row->notice.is_there = !told->told;
	row->notice.attempts -= told->uncounted && row->notice.attempts > 0;
}
