#include "store_mem_state.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

/* ---- the disk ---- */

void *disk_keep(struct store_mem_disk *disk, void *block)
{
	disk->kept = xreallocarray(disk->kept, disk->n_kept + 1, sizeof(*disk->kept));
	return disk->kept[disk->n_kept++] = block;
}

/* ---- states ---- */

static void state_reserve(struct state *state, size_t ingestions, size_t batches)
{
	if (state->cap_ingestions < ingestions) {
		state->cap_ingestions = 2 * ingestions;
		state->ingestions = xreallocarray(
		    state->ingestions, state->cap_ingestions, sizeof(*state->ingestions));
	}
	if (state->cap_batches < batches) {
		state->cap_batches = 2 * batches;
		state->batches =
		    xreallocarray(state->batches, state->cap_batches, sizeof(*state->batches));
	}
}

void state_copy(struct state *to, const struct state *from)
{
	struct state old;

	state_reserve(to, from->n_ingestions, from->n_batches);
	old = *to;
	*to = *from;
	to->ingestions = old.ingestions;
	to->cap_ingestions = old.cap_ingestions;
	to->batches = old.batches;
	to->cap_batches = old.cap_batches;
	if (from->n_ingestions > 0)
		memcpy(
		    to->ingestions, from->ingestions, from->n_ingestions * sizeof(*to->ingestions));
	if (from->n_batches > 0)
		memcpy(to->batches, from->batches, from->n_batches * sizeof(*to->batches));
}

void state_swap(struct state *a, struct state *b)
{
	struct state old = *a;

	*a = *b;
	*b = old;
}

void state_free(struct state *state)
{
	free(state->ingestions);
	free(state->batches);
}

/* ---- ingestions ---- */

static size_t index_of(const struct state *state, const struct ingestion_row *row)
{
	return (size_t)(row - state->ingestions);
}

static struct idlist *list_of(struct store_mem_disk *disk, size_t index)
{
	if (index >= disk->n_lists) {
		disk->lists = xreallocarray(disk->lists, index + 1, sizeof(*disk->lists));
		memset(disk->lists + disk->n_lists, 0,
		    (index + 1 - disk->n_lists) * sizeof(*disk->lists));
		disk->n_lists = index + 1;
	}
	return &disk->lists[index];
}

struct ingestion_row *state_add(
    struct store_mem *mem, struct state *state, const struct new_ingestion *it)
{
	struct ingestion_row *row;

	state_reserve(state, state->n_ingestions + 1, state->n_batches);
	row = &state->ingestions[state->n_ingestions++];
	*row = (struct ingestion_row){
	    .ingestion = {.uuid = *it->uuid,
		.stage = it->stage,
		.priority = it->priority,
		.batch_size = it->batch_size,
		.version = 1,
		.created_ms = clock_utc_ms(mem->clock)},
	    .asked = it->priority,
	    .expires_ms = CLOCK_NEVER,
	};
	strcpy(row->ingestion.label, it->label);
	strcpy(row->key, it->key->text);
	if (*it->key->text)
		strcpy(row->principal, it->key->principal);
	return row;
}

struct ingestion_row *find_uuid(const struct state *state, const struct uuid *uuid)
{
	for (size_t i = 0; i < state->n_ingestions; i++)
		if (memcmp(&state->ingestions[i].ingestion.uuid, uuid, sizeof(*uuid)) == 0)
			return &state->ingestions[i];
	return NULL;
}

struct ingestion_row *need_uuid(
    const struct state *state, const struct uuid *uuid, struct fail *fail)
{
	struct ingestion_row *row = find_uuid(state, uuid);

	if (!row)
		fail_set(fail, ERR_NOT_FOUND, NULL);
	return row;
}

struct ingestion_row *find_key(const struct state *state, const struct store_key *key)
{
	for (size_t i = 0; *key->text && i < state->n_ingestions; i++)
		if (strcmp(state->ingestions[i].key, key->text) == 0 &&
		    strcmp(state->ingestions[i].principal, key->principal) == 0)
			return &state->ingestions[i];
	return NULL;
}

void add_ids(struct store_mem *mem, struct state *state, struct ingestion_row *row,
    const int64_t *ids, size_t n)
{
	struct idlist *list = list_of(mem->disk, index_of(state, row));

	/* Turns that left nothing may have left ids. */
	list->n = (size_t)row->ingestion.counts.ids;
	idlist_add(list, ids, n);
	row->ingestion.counts.ids += (int64_t)n;
}

const int64_t *ids_of(
    const struct store_mem *mem, const struct state *state, const struct ingestion_row *row)
{
	return list_of(mem->disk, index_of(state, row))->v;
}

void join_line(struct store_mem *mem, struct state *state, struct ingestion_row *row)
{
	struct ingestion *it = &row->ingestion;

	if (waiting(state) == 0)
		ledger_ready(&state->ledger, clock_boot_ns(mem->clock));
	it->stage = STAGE_SEALED;
	it->seq = state->next_seq++;
	it->counts.batches = batches_of(it->counts.ids, it->batch_size);
	row->batches_at = state->n_batches;
	state_reserve(state, 0, state->n_batches + (size_t)it->counts.batches);
	for (int64_t index = 0; index < it->counts.batches; index++)
		state->batches[state->n_batches++] = (struct batch_row){
		    .owner = index_of(state, row),
		    .batch = {.index = index, .status = BATCH_YET_TO_START},
		};
}

int64_t count_stage(const struct state *state, enum stage stage, int64_t *ids)
{
	int64_t n = 0;

	*ids = 0;
	for (size_t i = 0; i < state->n_ingestions; i++)
		if (state->ingestions[i].ingestion.stage == stage) {
			n++;
			*ids += state->ingestions[i].ingestion.counts.ids;
		}
	return n;
}

struct counts counts_of(const struct state *state, const struct ingestion_row *row)
{
	struct counts counts = row->ingestion.counts;

	for (int64_t i = 0; i < counts.batches; i++) {
		const struct batch_row *batch = batch_at(state, row, i);

		counts.by_status[batch->batch.status]++;
		counts.ids_completed += count_ids(state, batch, ID_COMPLETED);
		counts.ids_failed += count_ids(state, batch, ID_FAILED);
		counts.ids_cancelled += count_ids(state, batch, ID_CANCELLED);
		counts.ids_unknown += count_ids(state, batch, ID_UNKNOWN);
		counts.attempts += batch->batch.attempts;
		counts.retries += batch->batch.attempts > 1 ? batch->batch.attempts - 1 : 0;
	}
	return counts;
}

struct ingestion whole(const struct state *state, const struct ingestion_row *row)
{
	struct ingestion ingestion = row->ingestion;

	ingestion.counts = counts_of(state, row);
	return ingestion;
}

int64_t now_ms(const struct store_mem *mem)
{
	return store_time_at(&mem->time, clock_boot_ns(mem->clock));
}

int64_t boot_ns_of(const struct store_mem *mem, int64_t boot_ns, int64_t ms)
{
	return boot_ns + (ms - store_time_at(&mem->time, boot_ns)) * NS_PER_MS;
}

/* ---- batches ---- */

struct batch_row *batch_at(
    const struct state *state, const struct ingestion_row *row, int64_t index)
{
	return &state->batches[row->batches_at + (size_t)index];
}

struct story story_of(const struct batch_row *row, int64_t i)
{
	return row->stories ? row->stories[i] : (struct story){.outcome = ID_PENDING};
}

int64_t count_ids(const struct state *state, const struct batch_row *row, enum id_outcome outcome)
{
	int64_t length = length_of(state, row), n = 0;

	for (int64_t i = 0; i < length; i++)
		n += story_of(row, i).outcome == outcome;
	return n;
}

bool in_line(const struct batch_row *row)
{
	return row->batch.status == BATCH_YET_TO_START ||
	       (row->batch.status == BATCH_RETRYING && row->due_ms == 0);
}

struct ingestion *owner_of(const struct state *state, const struct batch_row *row)
{
	return &state->ingestions[row->owner].ingestion;
}

int64_t length_of(const struct state *state, const struct batch_row *row)
{
	const struct ingestion *owner = owner_of(state, row);

	return batch_length(owner->counts.ids, owner->batch_size, row->batch.index);
}

int64_t waiting(const struct state *state)
{
	int64_t n = 0;

	for (size_t i = 0; i < state->n_batches; i++)
		n += in_line(&state->batches[i]);
	return n;
}

struct batch_row *head_of(const struct state *state, int lane)
{
	for (size_t i = 0; i < state->n_batches; i++) {
		struct batch_row *row = &state->batches[i];

		if (in_line(row) && (int)owner_of(state, row)->priority == lane + PRIORITY_HIGH)
			return row;
	}
	return NULL;
}

const int64_t *batch_ids(
    const struct store_mem *mem, const struct state *state, const struct batch_row *row)
{
	const struct ingestion_row *owner = &state->ingestions[row->owner];

	return ids_of(mem, state, owner) + row->batch.index * owner->ingestion.batch_size;
}
