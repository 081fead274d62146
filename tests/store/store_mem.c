/* The oracle as a store: its disk, its turns, and what opening it means. */
#include "store_mem.h"

#include "store_mem_state.h"
#include "util.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct store_mem *mem_of(struct store *store)
{
	return (struct store_mem *)store;
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
	*kept = fault == STORE_MEM_KEPT || fault == STORE_MEM_AWAY_KEPT;
	if (fault == STORE_MEM_AWAY || fault == STORE_MEM_AWAY_KEPT) {
		fail_set(fail, ERR_BUSY, NULL);
		return point == STORE_MEM_COMMIT ? STORE_LOST : STORE_UNDONE;
	}
	if (fault != STORE_MEM_WORKS)
		mem->broken = true;
	if (!mem->broken)
		return STORE_DONE;
	fail_set(fail, ERR_UNKNOWN_OUTCOME, NULL);
	return STORE_UNKNOWN;
}

static enum store_result begin(struct store *store, struct fail *fail)
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

static enum store_result run_submit(struct store *store, struct store_op *op)
{
	return run(store, op, mem_submit);
}

static enum store_result run_open(struct store *store, struct store_op *op)
{
	return run(store, op, mem_open);
}

static enum store_result run_append(struct store *store, struct store_op *op)
{
	return run(store, op, mem_append);
}

static enum store_result run_seal(struct store *store, struct store_op *op)
{
	return run(store, op, mem_seal);
}

static enum store_result run_cancel(struct store *store, struct store_op *op)
{
	return run(store, op, mem_cancel);
}

static enum store_result run_retry(struct store *store, struct store_op *op)
{
	return run(store, op, mem_retry);
}

static enum store_result run_bump(struct store *store, struct store_op *op)
{
	return run(store, op, mem_bump);
}

static enum store_result run_control(struct store *store, struct store_op *op)
{
	return run(store, op, mem_control);
}

static enum store_result run_notice(struct store *store, struct store_op *op)
{
	return run(store, op, mem_notice);
}

static enum store_result run_told(struct store *store, struct store_op *op)
{
	return run(store, op, mem_told);
}

static enum store_result run_sweep(struct store *store, struct store_op *op)
{
	return run(store, op, mem_sweep);
}

static enum store_result run_claim(struct store *store, struct store_op *op)
{
	return run(store, op, mem_claim);
}

static enum store_result run_started(struct store *store, struct store_op *op)
{
	return run(store, op, mem_started);
}

static enum store_result run_finish(struct store *store, struct store_op *op)
{
	return run(store, op, mem_finish);
}

static enum store_result run_status(struct store *store, struct store_op *op)
{
	return run(store, op, mem_status);
}

static enum store_result run_report(struct store *store, struct store_op *op)
{
	return run(store, op, mem_report);
}

static enum store_result run_list(struct store *store, struct store_op *op)
{
	return run(store, op, mem_list);
}

static enum store_result run_stats(struct store *store, struct store_op *op)
{
	return run(store, op, mem_stats);
}

/* Every turn leaves the time behind. */
static void write_time(struct store_mem *mem, struct state *state)
{
	int64_t boot_ns = clock_boot_ns(mem->clock);

	state->time = (struct store_time){store_time_at(&mem->time, boot_ns), boot_ns};
	state->written_utc_ms = clock_utc_ms(mem->clock);
}

static enum store_result commit(struct store *store, struct fail *fail)
{
	struct store_mem *mem = mem_of(store);
	bool kept;
	enum store_result result = ask_disk(mem, STORE_MEM_COMMIT, &kept, fail);

	assert(mem->in_turn);
	if (!mem->reads)
		write_time(mem, &mem->disk->turn);
	if (result == STORE_DONE || kept) {
		state_swap(&mem->disk->turn, &mem->disk->committed);
		mem->in_turn = false;
	}
	if (result == STORE_LOST)
		mem->in_turn = false;
	return result;
}

static enum store_result rollback(struct store *store, struct fail *fail)
{
	struct store_mem *mem = mem_of(store);
	bool kept;
	enum store_result result = ask_disk(mem, STORE_MEM_ROLLBACK, &kept, fail);

	mem->in_turn = false;
	return result;
}

static void close_store(struct store *store)
{
	free(mem_of(store));
}

static const struct store_ops ops = {
    .begin = begin,
    .run =
	{
	    [STORE_SUBMIT] = run_submit,
	    [STORE_OPEN] = run_open,
	    [STORE_APPEND] = run_append,
	    [STORE_SEAL] = run_seal,
	    [STORE_CANCEL] = run_cancel,
	    [STORE_RETRY] = run_retry,
	    [STORE_BUMP] = run_bump,
	    [STORE_CONTROL] = run_control,
	    [STORE_NOTICE] = run_notice,
	    [STORE_TOLD] = run_told,
	    [STORE_SWEEP] = run_sweep,
	    [STORE_BEAT] = store_unshared,
	    [STORE_CLAIM] = run_claim,
	    [STORE_STARTED] = run_started,
	    [STORE_FINISH] = run_finish,
	    [STORE_STATUS] = run_status,
	    [STORE_REPORT] = run_report,
	    [STORE_LIST] = run_list,
	    [STORE_STATS] = run_stats,
	    [STORE_NODES] = store_unshared,
	},
    .commit = commit,
    .rollback = rollback,
    .close = close_store,
};

/* ---- open ---- */

static void recover_times(struct store_mem *mem, struct state *state)
{
	const struct store_settings *settings = &mem->settings;
	int64_t boot_ns = clock_boot_ns(mem->clock);
	bool same_boot = strcmp(state->boot_id, mem->clock->boot_id) == 0;

	strcpy(state->boot_id, mem->clock->boot_id);
	control_set_interval(mem, state);
	state->ledger.settle_ns = settings->settle_ns;
	state->ledger.pack = settings->pack;
	ledger_recover(&state->ledger, same_boot, boot_ns);
	mem->time = state->time;
	store_time_recover(
	    &mem->time, same_boot, state->written_utc_ms, boot_ns, clock_utc_ms(mem->clock));
	write_time(mem, state);
}

static void recover(struct store_mem *mem, struct state *state, struct store_found *found)
{
	*found = (struct store_found){.node = mem->disk->node};
	for (size_t i = 0; i < state->n_batches; i++) {
		struct batch_row *row = &state->batches[i];

		if (row->batch.status == BATCH_TRIGGERED) {
			mem_crash(mem, state, row);
			found->interrupted++;
		}
		found->later += row->due_ms > 0;
	}
	mem_notices_recover(mem, state);
	found->waiting = waiting(state);
}

struct store_mem_disk *store_mem_disk_new(void)
{
	static uint8_t disks;
	struct store_mem_disk *disk = xcalloc(1, sizeof(*disk));

	disk->node = (struct uuid){{[6] = 0x70, [8] = 0x80, [15] = ++disks}};
	disk->committed.ledger = LEDGER_NEW;
	disk->committed.next_seq = 1;
	return disk;
}

void store_mem_disk_free(struct store_mem_disk *disk)
{
	for (size_t i = 0; i < disk->n_kept; i++)
		free(disk->kept[i]);
	free(disk->kept);
	for (size_t i = 0; i < disk->n_lists; i++)
		idlist_free(&disk->lists[i]);
	free(disk->lists);
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
	recover_times(mem, &disk->committed);
	recover(mem, &disk->committed, found);
	return &mem->store;
}

struct store *store_mem_open_reader(const struct clock *clock, struct store_mem_disk *disk)
{
	struct store_mem *mem = xcalloc(1, sizeof(*mem));

	mem->store.ops = &ops;
	mem->clock = clock;
	mem->disk = disk;
	mem->time = disk->committed.time;
	mem->reads = true;
	return &mem->store;
}
