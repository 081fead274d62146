#include "store_mem.h"

#include "sched.h"
#include "util.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Internal numbers do not look like seq or an index, so that mixing them up is noticed. */
#define NUMBER_BASE 1000000

struct ingestion_row {
	struct ingestion ingestion; /* counts.by_status stays empty: it is counted when asked for */
	size_t ids_at; /* in the ids of the disk */
	size_t batches_at;
};

struct batch_row {
	size_t owner; /* index of the ingestion's row */
	struct batch batch; /* `error` belongs to the disk, ids_at and ids_n are not used */
};

/* Everything that can change in a turn. The rows are in order of (seq, index). */
struct state {
	char boot_id[sizeof(((struct clock *)0)->boot_id)];
	struct ledger ledger;
	struct ingestion_row *ingestions;
	size_t n_ingestions;
	size_t cap_ingestions;
	struct batch_row *batches;
	size_t n_batches;
	size_t cap_batches;
	size_t n_ids;
};

struct store_mem_disk {
	struct state committed;
	struct state turn; /* valid inside a turn */
	struct idlist ids; /* only grows; what lies behind the committed n_ids does not count */
	char **errors; /* all texts that ever were, so that rows can point at them */
	size_t n_errors;
	enum store_mem_fault (*fault)(void *arg, enum store_mem_point point);
	void *fault_arg;
};

struct store_mem {
	struct store store;
	struct store_settings settings;
	const struct clock *clock;
	struct store_mem_disk *disk;
	bool reads; /* sees what is committed, and never fails */
	bool in_turn;
	bool broken; /* an outcome was unknown */
};

static struct store_mem *mem_of(struct store *store)
{
	return (struct store_mem *)store;
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

static void state_copy(struct state *to, const struct state *from)
{
	struct state old;

	state_reserve(to, from->n_ingestions, from->n_batches);
	old = *to;
	*to = *from;
	to->ingestions = old.ingestions;
	to->cap_ingestions = old.cap_ingestions;
	to->batches = old.batches;
	to->cap_batches = old.cap_batches;
	if (from->n_ingestions == 0)
		return;
	memcpy(to->ingestions, from->ingestions, from->n_ingestions * sizeof(*to->ingestions));
	memcpy(to->batches, from->batches, from->n_batches * sizeof(*to->batches));
}

static void state_swap(struct state *a, struct state *b)
{
	struct state old = *a;

	*a = *b;
	*b = old;
}

static void state_free(struct state *state)
{
	free(state->ingestions);
	free(state->batches);
}

static bool in_line(const struct batch_row *row)
{
	return row->batch.status == BATCH_YET_TO_START || row->batch.status == BATCH_RETRYING;
}

static struct ingestion *owner_of(const struct state *state, const struct batch_row *row)
{
	return &state->ingestions[row->owner].ingestion;
}

static int64_t length_of(const struct state *state, const struct batch_row *row)
{
	const struct ingestion *owner = owner_of(state, row);

	return batch_length(owner->counts.ids, owner->batch_size, row->batch.index);
}

static int64_t waiting(const struct state *state)
{
	int64_t n = 0;

	for (size_t i = 0; i < state->n_batches; i++)
		n += in_line(&state->batches[i]);
	return n;
}

/* The first in the line of a lane, or NULL. */
static struct batch_row *head_of(const struct state *state, int lane)
{
	for (size_t i = 0; i < state->n_batches; i++) {
		struct batch_row *row = &state->batches[i];

		if (in_line(row) && (int)owner_of(state, row)->priority == lane + PRIORITY_HIGH)
			return row;
	}
	return NULL;
}

/* ---- submit ---- */

static void add_batches(struct state *state, size_t owner, int64_t n)
{
	for (int64_t index = 0; index < n; index++)
		state->batches[state->n_batches++] = (struct batch_row){
		    .owner = owner,
		    .batch = {.index = index, .status = BATCH_YET_TO_START},
		};
}

static void add_ingestion(struct store_mem *mem, struct state *state, struct store_submit *submit)
{
	size_t row = state->n_ingestions++;
	struct ingestion *ingestion = &state->ingestions[row].ingestion;

	*ingestion = (struct ingestion){
	    .uuid = submit->uuid,
	    .seq = submit->seq,
	    .priority = submit->priority,
	    .batch_size = submit->batch_size,
	    .version = 1,
	    .created_ms = clock_utc_ms(mem->clock),
	    .counts = {.ids = (int64_t)submit->ids->n, .batches = submit->batches},
	};
	strcpy(ingestion->label, submit->label);
	state->ingestions[row].ids_at = state->n_ids;
	state->ingestions[row].batches_at = state->n_batches;
	mem->disk->ids.n = state->n_ids;
	idlist_add(&mem->disk->ids, submit->ids->v, submit->ids->n);
	state->n_ids += submit->ids->n;
	add_batches(state, row, submit->batches);
}

static void run_submit(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct store_submit *submit = &op->submit;

	submit->seq = (int64_t)state->n_ingestions + 1;
	submit->batches = batches_of((int64_t)submit->ids->n, submit->batch_size);
	state_reserve(state, state->n_ingestions + 1, state->n_batches + (size_t)submit->batches);
	if (waiting(state) == 0)
		ledger_ready(&state->ledger, clock_boot_ns(mem->clock));
	add_ingestion(mem, state, submit);
}

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
	const struct ingestion_row *owner = &state->ingestions[row->owner];
	size_t first = owner->ids_at + (size_t)(row->batch.index * owner->ingestion.batch_size);
	struct store_claimed *to;

	claim->batches = xreallocarray(claim->batches, claim->n + 1, sizeof(*claim->batches));
	to = &claim->batches[claim->n++];
	*to = (struct store_claimed){
	    .attempt = {NUMBER_BASE + (int64_t)row->owner, row->batch.index, row->batch.attempts},
	    .uuid = owner->ingestion.uuid,
	    .priority = owner->ingestion.priority,
	};
	strcpy(to->label, owner->ingestion.label);
	idlist_add(&to->ids, mem->disk->ids.v + first, (size_t)length_of(state, row));
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

static void run_claim(struct store_mem *mem, struct state *state, struct store_op *op)
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

static void run_started(struct store_mem *mem, struct state *state, struct store_op *op)
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

static void run_finish(struct store_mem *mem, struct state *state, struct store_op *op)
{
	const struct store_finish *finish = &op->finish;
	struct batch_row *row = find_attempt(state, &finish->attempt, &op->fail);
	int64_t now_ms = clock_utc_ms(mem->clock);

	if (!row)
		return;
	owner_of(state, row)->version++;
	if (finish->outcome == OUTCOME_INTERRUPTED) {
		if (waiting(state) == 0)
			ledger_ready(&state->ledger, clock_boot_ns(mem->clock));
		row->batch.status = BATCH_RETRYING;
		return;
	}
	row->batch.finished_ms = now_ms;
	row->batch.status = BATCH_COMPLETED;
	if (finish->outcome == OUTCOME_FAILED) {
		row->batch.status = BATCH_FAILED;
		row->batch.error = keep_error(mem->disk, finish->message);
	}
	if (all_final(state, row->owner))
		owner_of(state, row)->finished_ms = now_ms;
}

/* ---- status ---- */

static const struct ingestion_row *find_uuid(const struct state *state, const struct uuid *uuid)
{
	for (size_t i = 0; i < state->n_ingestions; i++)
		if (memcmp(&state->ingestions[i].ingestion.uuid, uuid, sizeof(*uuid)) == 0)
			return &state->ingestions[i];
	return NULL;
}

static int64_t page_bytes(const struct state *state, const struct batch_row *row)
{
	size_t text = row->batch.error ? strlen(row->batch.error) : 0;

	return STORE_PAGE_BATCH_BYTES + length_of(state, row) * STORE_PAGE_ID_BYTES + (int64_t)text;
}

static void add_to_page(const struct store_mem_disk *disk, const struct state *state,
    const struct batch_row *row, struct status_page *page)
{
	const struct ingestion_row *owner = &state->ingestions[row->owner];
	size_t first = owner->ids_at + (size_t)(row->batch.index * owner->ingestion.batch_size);
	struct batch *to = status_page_add(page);

	*to = row->batch;
	to->error = row->batch.error ? xstrdup(row->batch.error) : NULL;
	to->ids_at = page->ids.n;
	to->ids_n = (size_t)length_of(state, row);
	idlist_add(&page->ids, disk->ids.v + first, to->ids_n);
}

static void run_status(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct status_page *page = &op->status.page;
	const struct ingestion_row *owner = find_uuid(state, &op->status.uuid);
	const struct batch_row *rows;
	int64_t bytes = 0, batches;

	if (!owner) {
		fail_set(&op->fail, ERR_NOT_FOUND, NULL);
		return;
	}
	rows = &state->batches[owner->batches_at];
	batches = owner->ingestion.counts.batches;
	page->ingestion = owner->ingestion;
	for (int64_t i = 0; i < batches; i++)
		page->ingestion.counts.by_status[rows[i].batch.status]++;
	page->next_batch = -1;
	for (int64_t i = op->status.from_batch; i < batches; i++) {
		bytes += page_bytes(state, &rows[i]);
		if (page->n == STORE_PAGE_BATCHES || (page->n > 0 && bytes > STORE_PAGE_BYTES)) {
			page->next_batch = i;
			return;
		}
		add_to_page(mem->disk, state, &rows[i], page);
	}
}

/* ---- turns ---- */

/* What the disk says at this point; *kept: whether a commit of unknown outcome took place. */
static enum store_result ask_disk(
    struct store_mem *mem, enum store_mem_point point, bool *kept, struct fail *fail)
{
	struct store_mem_disk *disk = mem->disk;
	enum store_mem_fault fault = STORE_MEM_WORKS;

	*kept = false;
	if (disk->fault && !mem->broken && !mem->reads)
		fault = disk->fault(disk->fault_arg, point);
	if (fault == STORE_MEM_FULL) {
		fail_set(fail, ERR_DISK_LOW, NULL);
		return STORE_UNDONE;
	}
	*kept = fault == STORE_MEM_KEPT;
	if (fault != STORE_MEM_WORKS)
		mem->broken = true;
	if (!mem->broken)
		return STORE_DONE;
	fail_set(fail, ERR_UNKNOWN_OUTCOME, NULL);
	return STORE_UNKNOWN;
}

static enum store_result mem_begin(struct store *store, struct fail *fail)
{
	struct store_mem *mem = mem_of(store);
	bool kept;
	enum store_result result = ask_disk(mem, STORE_MEM_BEGIN, &kept, fail);

	if (result != STORE_DONE)
		return result;
	assert(!mem->in_turn);
	if (!mem->reads)
		state_copy(&mem->disk->turn, &mem->disk->committed);
	mem->in_turn = true;
	return STORE_DONE;
}

static enum store_result run(struct store *store, struct store_op *op,
    void (*verb)(struct store_mem *mem, struct state *state, struct store_op *op))
{
	struct store_mem *mem = mem_of(store);
	bool kept;
	enum store_result result = ask_disk(mem, STORE_MEM_RUN, &kept, &op->fail);

	if (result != STORE_DONE)
		return result;
	assert(mem->in_turn && (!mem->reads || store_op_reads(op)));
	verb(mem, mem->reads ? &mem->disk->committed : &mem->disk->turn, op);
	return STORE_DONE;
}

static enum store_result mem_submit(struct store *store, struct store_op *op)
{
	return run(store, op, run_submit);
}

static enum store_result mem_claim(struct store *store, struct store_op *op)
{
	return run(store, op, run_claim);
}

static enum store_result mem_started(struct store *store, struct store_op *op)
{
	return run(store, op, run_started);
}

static enum store_result mem_finish(struct store *store, struct store_op *op)
{
	return run(store, op, run_finish);
}

static enum store_result mem_status(struct store *store, struct store_op *op)
{
	return run(store, op, run_status);
}

static enum store_result mem_commit(struct store *store, struct fail *fail)
{
	struct store_mem *mem = mem_of(store);
	bool kept;
	enum store_result result = ask_disk(mem, STORE_MEM_COMMIT, &kept, fail);

	assert(mem->in_turn);
	if (result == STORE_DONE || kept) {
		state_swap(&mem->disk->turn, &mem->disk->committed);
		mem->in_turn = false;
	}
	return result;
}

static enum store_result mem_rollback(struct store *store, struct fail *fail)
{
	struct store_mem *mem = mem_of(store);
	bool kept;
	enum store_result result = ask_disk(mem, STORE_MEM_ROLLBACK, &kept, fail);

	mem->in_turn = false;
	return result;
}

static void mem_close(struct store *store)
{
	free(mem_of(store));
}

static const struct store_ops ops = {
    .begin = mem_begin,
    .run =
	{
	    [STORE_SUBMIT] = mem_submit,
	    [STORE_CLAIM] = mem_claim,
	    [STORE_STARTED] = mem_started,
	    [STORE_FINISH] = mem_finish,
	    [STORE_STATUS] = mem_status,
	},
    .commit = mem_commit,
    .rollback = mem_rollback,
    .close = mem_close,
};

/* ---- open ---- */

static void recover(struct state *state, const struct store_settings *settings,
    const struct clock *clock, struct store_found *found)
{
	bool same_boot = strcmp(state->boot_id, clock->boot_id) == 0;

	strcpy(state->boot_id, clock->boot_id);
	state->ledger.interval_ns = settings->interval_ns;
	state->ledger.settle_ns = settings->settle_ns;
	state->ledger.pack = settings->pack;
	ledger_recover(&state->ledger, same_boot, clock_boot_ns(clock));
	*found = (struct store_found){0};
	for (size_t i = 0; i < state->n_batches; i++) {
		struct batch_row *row = &state->batches[i];

		if (row->batch.status == BATCH_TRIGGERED) {
			row->batch.status = BATCH_RETRYING;
			owner_of(state, row)->version++;
			found->interrupted++;
		}
	}
	found->waiting = waiting(state);
}

struct store_mem_disk *store_mem_disk_new(void)
{
	struct store_mem_disk *disk = xcalloc(1, sizeof(*disk));

	disk->committed.ledger = LEDGER_NEW;
	return disk;
}

void store_mem_disk_free(struct store_mem_disk *disk)
{
	for (size_t i = 0; i < disk->n_errors; i++)
		free(disk->errors[i]);
	free(disk->errors);
	idlist_free(&disk->ids);
	state_free(&disk->committed);
	state_free(&disk->turn);
	free(disk);
}

void store_mem_disk_faults(struct store_mem_disk *disk,
    enum store_mem_fault (*fault)(void *arg, enum store_mem_point point), void *arg)
{
	disk->fault = fault;
	disk->fault_arg = arg;
}

struct store *store_mem_open(const struct store_settings *settings, const struct clock *clock,
    struct store_mem_disk *disk, struct store_found *found)
{
	struct store_mem *mem = xcalloc(1, sizeof(*mem));

	mem->store.ops = &ops;
	mem->settings = *settings;
	mem->clock = clock;
	mem->disk = disk;
	recover(&disk->committed, settings, clock, found);
	return &mem->store;
}

struct store *store_mem_open_reader(const struct clock *clock, struct store_mem_disk *disk)
{
	struct store_mem *mem = xcalloc(1, sizeof(*mem));

	mem->store.ops = &ops;
	mem->clock = clock;
	mem->disk = disk;
	mem->reads = true;
	return &mem->store;
}
