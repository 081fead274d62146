/*
 * What the parts of the oracle share: the rows, and who is who among them. Nothing is kept that can
 * be counted.
 */
#ifndef INGESTD_STORE_MEM_STATE_H
#define INGESTD_STORE_MEM_STATE_H

#include "store_mem.h"

/* That the end of an ingestion is to be told. */
struct notice {
	bool is_there;
	int64_t due_ms; /* in the store's time */
	int64_t attempts; /* how often it was given out */
};

struct ingestion_row {
	struct ingestion ingestion; /* of its counts only `ids` and `batches` are there */
	enum priority asked; /* what was submitted: the key and the digest mean this one */
	size_t batches_at;
	char principal[PRINCIPAL_MAX + 1];
	char key[KEY_MAX + 1]; /* empty: none, or forgotten */
	int64_t expires_ms; /* in the store's time; CLOCK_NEVER: nothing is to come */
	struct notice notice;
};

/* What has become of one id. */
struct story {
	enum id_outcome outcome;
	int64_t attempt, started_ms, finished_ms; /* of its last attempt, once that has ended it */
	const char *error;
};

struct batch_row {
	size_t owner; /* index of the ingestion's row */
	struct batch batch; /* what can be counted or follows from the rest stays empty */
	const struct story *stories; /* of its ids; NULL: no attempt has ended yet */
	int64_t due_ms; /* in the store's time: when it stands in line again; 0: does not apply */
	bool claimed; /* it was, some time */
	int64_t attempts_before; /* it was retried by somebody's wish */
};

/* Everything that can change in a turn. Ingestions are in order of their creation, batches in
 * order of (seq, index). */
struct state {
	char boot_id[sizeof(((struct clock *)0)->boot_id)];
	struct store_time time; /* when this was written: in the store's time, */
	int64_t written_utc_ms; /* and by the wall clock */
	struct ledger ledger;
	struct control control; /* as it was set; hold_ms stays empty */
	int64_t hold_until_ms; /* in the store's time */
	int64_t next_seq;
	struct ingestion_row *ingestions;
	size_t n_ingestions;
	size_t cap_ingestions;
	struct batch_row *batches;
	size_t n_batches;
	size_t cap_batches;
};

struct store_mem_disk {
	struct state committed;
	struct state turn; /* valid inside a turn */
	struct idlist *lists; /* of each ingestion; what lies behind its count does not count */
	size_t n_lists;
	/* All texts and stories that ever were, never changed, so that rows can point at them. */
	void **kept;
	size_t n_kept;
	struct uuid node;
	enum store_mem_fault (*fault)(void *arg, enum store_mem_point point);
	void *fault_arg;
};

struct store_mem {
	struct store store;
	struct store_settings settings;
	const struct clock *clock;
	struct store_time time; /* what it was at some moment of this boot */
	struct store_mem_disk *disk;
	bool reads; /* sees what is committed, and never fails */
	bool in_turn;
	bool broken; /* an outcome was unknown */
};

/* The operations. A refusal is in op->fail, and has changed nothing (but see mem_told). */
void mem_submit(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_open(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_append(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_seal(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_cancel(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_retry(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_bump(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_control(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_notice(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_told(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_sweep(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_claim(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_started(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_finish(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_status(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_report(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_list(struct store_mem *mem, struct state *state, struct store_op *op);
void mem_stats(struct store_mem *mem, struct state *state, struct store_op *op);

/* The daemon has ended while this batch ran. */
void mem_crash(struct store_mem *mem, struct state *state, struct batch_row *row);

/* An upload ends without a seal. */
void mem_give_up(const struct store_mem *mem, struct ingestion_row *row);

/* A sealed one, if all of its batches are final: the life of its key begins to run out, and its end
 * is to be told. */
void mem_end(const struct store_mem *mem, struct state *state, struct ingestion_row *row);

/* All notices are due. */
void mem_notices_recover(const struct store_mem *mem, struct state *state);

/* ---- control ---- */

/* As it is now. */
struct control control_of(const struct store_mem *mem, const struct state *state);

/* The interval in force is that of the settings, unless another one was set. */
void control_set_interval(const struct store_mem *mem, struct state *state);

/* The other side wants nothing for so long. */
void control_hold(const struct store_mem *mem, struct state *state, int64_t ms);

/* Nothing is started before: boot_ns, LEDGER_NONE, CLOCK_NEVER. */
int64_t control_not_before(const struct store_mem *mem, const struct state *state, int64_t boot_ns);

/* ---- the disk ---- */

/* Takes a block of the heap; returns it. */
void *disk_keep(struct store_mem_disk *disk, void *block);

/* ---- states ---- */

void state_copy(struct state *to, const struct state *from);
void state_swap(struct state *a, struct state *b);
void state_free(struct state *state);

/* ---- ingestions ---- */

/* What a new ingestion is known by. */
struct new_ingestion {
	const struct uuid *uuid;
	enum stage stage;
	enum priority priority;
	const char *label;
	int64_t batch_size;
	const struct store_key *key;
};

/* Adds a row; its list of ids is empty. */
struct ingestion_row *state_add(
    struct store_mem *mem, struct state *state, const struct new_ingestion *it);

/* NULL: not there. */
struct ingestion_row *find_uuid(const struct state *state, const struct uuid *uuid);
/* The same, and says so in *fail. */
struct ingestion_row *need_uuid(
    const struct state *state, const struct uuid *uuid, struct fail *fail);
struct ingestion_row *find_key(const struct state *state, const struct store_key *key);

/* Appends to the list of an ingestion. */
void add_ids(struct store_mem *mem, struct state *state, struct ingestion_row *row,
    const int64_t *ids, size_t n);

/* The ids of an ingestion: as many as its count says. */
const int64_t *ids_of(
    const struct store_mem *mem, const struct state *state, const struct ingestion_row *row);

/* That of what has arrived. */
struct digest digest_of(
    const struct store_mem *mem, const struct state *state, const struct ingestion_row *row);

/* It has all of its ids: gives it the next place in its line. */
void join_line(struct store_mem *mem, struct state *state, struct ingestion_row *row);

/* An ingestion of this stage: how many there are, and their ids. */
int64_t count_stage(const struct state *state, enum stage stage, int64_t *ids);

/* All of the counts. */
struct counts counts_of(const struct state *state, const struct ingestion_row *row);

/* As users see it, with all of the counts. */
struct ingestion whole(const struct state *state, const struct ingestion_row *row);

int64_t now_ms(const struct store_mem *mem);

/* The moment `ms` of the store's time, seen from boot_ns. */
int64_t boot_ns_of(const struct store_mem *mem, int64_t boot_ns, int64_t ms);

/* ---- batches ---- */

/* Internal numbers do not look like seq or an index, so that mixing them up is noticed. */
#define NUMBER_BASE 1000000

/* The batch with this index of an ingestion. */
struct batch_row *batch_at(
    const struct state *state, const struct ingestion_row *row, int64_t index);

struct ingestion *owner_of(const struct state *state, const struct batch_row *row);
int64_t length_of(const struct state *state, const struct batch_row *row);

/* Its ids; length_of() many. */
const int64_t *batch_ids(
    const struct store_mem *mem, const struct state *state, const struct batch_row *row);

/* What has become of its i-th id. */
struct story story_of(const struct batch_row *row, int64_t i);

/* How many of its ids have this outcome. */
int64_t count_ids(const struct state *state, const struct batch_row *row, enum id_outcome outcome);

bool in_line(const struct batch_row *row);

/* Batches in all lines. */
int64_t waiting(const struct state *state);

/* The first in the line of a lane, or NULL. */
struct batch_row *head_of(const struct state *state, int lane);

#endif
