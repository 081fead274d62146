/*
 * The contract of a store. Synchronous; one thread calls it (storeq.h), or a test directly.
 *
 * Operations run in turns: begin, any number of operations, then commit or rollback. An operation
 * that returns STORE_DONE has its answer in op->fail, an expected refusal included; that answer
 * counts once the commit has succeeded, and nothing may be said about it before. Operations can be
 * run again after a rollback: they write only results into `op` and change no state of the store's
 * memory that rollback does not restore.
 */
#ifndef INGESTD_STORE_H
#define INGESTD_STORE_H

#include "clock.h"
#include "err.h"
#include "handler.h"
#include "ledger.h"
#include "model.h"

#include <stdbool.h>
#include <stdint.h>

/* A new ingestion, ready to be dispatched. */
struct store_submit {
	struct uuid uuid; /* in: a new one */
	enum priority priority; /* in */
	const char *label; /* in: borrowed; "" for none */
	int64_t batch_size; /* in: frozen for this ingestion */
	const struct idlist *ids; /* in: borrowed; not empty */
	int64_t seq; /* out: its submission number */
	int64_t batches; /* out */
};

/* Names one attempt of one batch. An outcome counts only for the current attempt. */
struct store_attempt {
	int64_t ingestion; /* internal number, not seq */
	int64_t index;
	int64_t attempt;
};

/* A batch that a claim took; it is `triggered` from then on. */
struct store_claimed {
	struct store_attempt attempt;
	struct uuid uuid; /* of the ingestion */
	enum priority priority;
	char label[LABEL_MAX + 1];
	struct idlist ids; /* owned */
};

/*
 * Takes the slot, if one is due and something waits: reads ledger and lane heads, asks
 * sched_pick(), and writes, all inside this operation.
 */
struct store_claim {
	struct store_claimed *batches; /* out, owned: what goes into this slot */
	size_t n; /* out: 0 when there is nothing to start now */
	int64_t
	    wake; /* out, when n is 0: the moment to ask again, CLOCK_NEVER when nothing waits */
	int64_t interval_ns; /* out: in force */
};

/* A handler was given the batch. To be posted at once. */
struct store_started {
	struct store_attempt attempt;
	int64_t utc_ms; /* in: what users see as started_at */
	/* in: set for the last batch of a slot: the latest start in it. LEDGER_NONE for the others.
	 */
	int64_t slot_start;
};

/* A run has ended. Refused with ERR_STALE_ATTEMPT when the attempt is not the current one. */
struct store_finish {
	struct store_attempt attempt;
	enum outcome outcome; /* in */
	const char *message; /* in: borrowed; NULL for none */
};

/* One page of an ingestion's status. Refused with ERR_NOT_FOUND. */
struct store_status {
	struct uuid uuid; /* in */
	int64_t from_batch; /* in */
	struct status_page page; /* out, owned */
};

/* Pages end at this many batches or at about this many bytes of reply, but hold at least one. */
#define STORE_PAGE_BATCHES 1000
#define STORE_PAGE_BYTES (512 * 1024)
/* What a batch takes in a reply without its ids, and what an id takes, at most (but for error
 * texts, which count with their length). */
#define STORE_PAGE_BATCH_BYTES 300
#define STORE_PAGE_ID_BYTES 20

enum store_verb { STORE_SUBMIT, STORE_CLAIM, STORE_STARTED, STORE_FINISH, STORE_STATUS };
#define STORE_VERB_COUNT 5

struct store_op {
	enum store_verb verb;
	union {
		struct store_submit submit;
		struct store_claim claim;
		struct store_started started;
		struct store_finish finish;
		struct store_status status;
	};
	struct fail fail; /* out */
};

/* Whether the operation only reads; such operations run outside of the turns of the writer. */
static inline bool store_op_reads(const struct store_op *op)
{
	return op->verb == STORE_STATUS;
}

/* Frees what the results own, and forgets them: the operation can be run again. */
void store_op_reset(struct store_op *op);

enum store_result {
	STORE_DONE, /* op->fail holds the answer */
	STORE_UNDONE, /* the turn has to be rolled back; known not to be done; *fail says why */
	STORE_UNKNOWN, /* whether it is done is unknown: stop and recover; *fail says why */
};

/* Values that concern every node; the store keeps them. */
struct store_settings {
	int64_t interval_ns;
	int64_t settle_ns;
	bool pack;
	int64_t slot_ids; /* most ids in a slot when packing: the daemon's batch size */
	int64_t min_free_bytes; /* submissions are refused below this much free disk space */
};

struct store;

struct store_ops {
	enum store_result (*begin)(struct store *store, struct fail *fail);
	enum store_result (*run[STORE_VERB_COUNT])(struct store *store, struct store_op *op);
	enum store_result (*commit)(struct store *store, struct fail *fail);
	/* STORE_DONE when it is certain that nothing of the turn remains, else STORE_UNKNOWN. */
	enum store_result (*rollback)(struct store *store, struct fail *fail);
	void (*close)(struct store *store);
};

/* Every store begins with this. */
struct store {
	const struct store_ops *ops;
};

/* What a store found when it was opened. */
struct store_found {
	int64_t waiting; /* batches in line */
	int64_t interrupted; /* batches that were running when the daemon ended; they wait again */
};

#define STORE_SQLITE_SCHEME "sqlite:"

/*
 * Opens the store at `path` for writing, makes it when it is missing, migrates an older one, and
 * recovers: takes the lock, checks header, schema, ledger and counters, puts interrupted batches
 * back into line. `clock` must outlive the store. Errors: ERR_CONFLICT (another daemon has it),
 * ERR_WRONG_STATE (not ours, newer, or damaged), ERR_DISK_LOW, ERR_INTERNAL.
 */
enum err store_sqlite_open(struct store **store, const char *path,
    const struct store_settings *settings, const struct clock *clock, struct store_found *found,
    struct fail *fail);

/* A second connection for reads, for a thread of its own, beside an open store. */
enum err store_sqlite_open_reader(struct store **store, const char *path, struct fail *fail);

/* The version of the SQLite library in use. */
const char *store_sqlite_library(void);

/*
 * The full check of a store that no daemon uses: every page, every row, all counters. True when it
 * is sound; otherwise *fail says what was found first.
 */
bool store_sqlite_check(const char *path, struct fail *fail);

static inline enum store_result store_begin(struct store *store, struct fail *fail)
{
	return store->ops->begin(store, fail);
}

/* Clears earlier results of `op` first. */
enum store_result store_run(struct store *store, struct store_op *op);

static inline enum store_result store_commit(struct store *store, struct fail *fail)
{
	return store->ops->commit(store, fail);
}

static inline enum store_result store_rollback(struct store *store, struct fail *fail)
{
	return store->ops->rollback(store, fail);
}

static inline void store_close(struct store *store)
{
	if (store)
		store->ops->close(store);
}

#endif
