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

#include "attempt.h"
#include "clock.h"
#include "digest.h"
#include "err.h"
#include "ledger.h"
#include "model.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A client's name for what it submits. In the same hands the same key means the same submission; it
 * is known until settings.key_expiry_ms after the ingestion has ended.
 */
struct store_key {
	const char *principal; /* borrowed; whose it is */
	const char *text; /* borrowed; "" for none */
};

/*
 * A new ingestion, ready to be dispatched. With a known key nothing is added and the answer is that
 * of the first time; but ERR_CONFLICT when the content was another one, ERR_IN_PROGRESS while the
 * key belongs to an upload that is not sealed.
 */
struct store_submit {
	struct uuid uuid; /* in: a new one */
	enum priority priority; /* in */
	const char *label; /* in: borrowed; "" for none */
	int64_t batch_size; /* in: frozen for this ingestion */
	const struct idlist *ids; /* in: borrowed; not empty */
	struct store_key key; /* in */
	struct uuid ingestion; /* out: the new one, or that of the first time */
	int64_t seq; /* out: its submission number */
	int64_t batches; /* out */
	bool replayed; /* out: the key was known */
};

/*
 * Begins an upload, or finds the one that the key names, sealed or not. ERR_CONFLICT when that one
 * has another priority or label; ERR_LIMITED beyond settings.max_uploads.
 */
struct store_open {
	struct uuid uuid; /* in: a new one */
	enum priority priority; /* in */
	const char *label; /* in: borrowed; "" for none */
	int64_t batch_size; /* in */
	struct store_key key; /* in */
	struct uuid ingestion; /* out: the new one, or that of the first time */
	int64_t received; /* out: ids that are there */
	struct digest digest; /* out: of these (digest.h) */
	bool replayed; /* out: the key was known */
	bool sealed; /* out; the next two are set then */
	int64_t seq, batches; /* out */
};

/*
 * Adds ids to an upload. What is there already is skipped, so that a part can be sent twice;
 * ERR_UPLOAD_GAP when ids before `offset` are missing, ERR_WRONG_STATE when it is sealed or
 * cancelled, ERR_TOO_LARGE beyond IDLIST_MAX ids, ERR_LIMITED beyond settings.max_upload_ids,
 * ERR_NOT_FOUND. Puts the expiry off.
 */
struct store_append {
	struct uuid uuid; /* in */
	int64_t offset; /* in: place of the first id in the list */
	const struct idlist *ids; /* in: borrowed; not empty */
	int64_t received; /* out: ids that are there now */
};

/*
 * Ends an upload: it gets its place in the line. A sealed one gives the same answer again.
 * ERR_UPLOAD_GAP when `expected` is not what has arrived, ERR_INVALID when that is nothing,
 * ERR_CONFLICT when the digest is another one, ERR_WRONG_STATE when it is cancelled, ERR_NOT_FOUND.
 * What is sealed has a digest as long as it has a key.
 */
struct store_seal {
	struct uuid uuid; /* in */
	int64_t expected; /* in: how many ids there should be, or -1 */
	const struct digest *digest; /* in: borrowed; that of these ids, or NULL */
	int64_t ids, seq, batches; /* out */
	bool replayed; /* out: it was sealed already */
};

/*
 * Ends an upload without sealing it (store_sweep removes its ids), or gives up what an ingestion
 * has not done yet: batches that wait are cancelled, at most STORE_CONTROL_STEPS of those that were
 * tried before; those that run will be, unless they complete (attempt_verdict). What is cancelled
 * already is left as it is. ERR_WRONG_STATE when it has ended otherwise, ERR_NOT_FOUND.
 */
struct store_cancel {
	struct uuid uuid; /* in */
	const char *who; /* in: borrowed; the principal */
	enum ingestion_status status; /* out */
	int64_t running; /* out: its batches that run; the engine has to be told */
	bool more; /* out: not all has been done; to be run again */
};

/*
 * Tries again what has failed, and with `cancelled` what was cancelled or is unknown: these ids are
 * pending again, in their old places, due now, with all their attempts before them. At most
 * STORE_CONTROL_STEPS batches that have a row. The key lives on until the new end. Nothing of this
 * kind is no error: batches is 0. ERR_WRONG_STATE for an upload, and while it is being cancelled;
 * ERR_NOT_FOUND.
 */
struct store_retry {
	struct uuid uuid; /* in */
	bool cancelled; /* in */
	enum ingestion_status status; /* out */
	int64_t batches; /* out: how many wait again, of this step */
	bool more; /* out: not all has been done; to be run again */
};

/*
 * Moves what waits to the line of another priority, at the place of its number; what runs stays
 * where it is and comes back there. At most STORE_CONTROL_STEPS batches that were tried before.
 * ERR_WRONG_STATE when it has ended, ERR_NOT_FOUND. An upload gets the priority for its seal.
 */
struct store_bump {
	struct uuid uuid; /* in */
	enum priority priority; /* in */
	bool more; /* out: not all has been done; to be run again */
};

#define STORE_CONTROL_STEPS 500

/* Sets what concerns all ingestions; see struct control. Every call is a committed change. */
enum store_control_verb {
	STORE_PAUSE, /* until_ms: UTC, 0: until resume */
	STORE_DRAIN,
	STORE_RESUME, /* with clear_hold also from a hold */
	STORE_RATE, /* interval_ns; 0: that of the settings again */
};

struct store_control {
	enum store_control_verb verb; /* in */
	const char *who; /* in: borrowed; the principal */
	int64_t until_ms; /* in */
	bool clear_hold; /* in */
	int64_t interval_ns; /* in */
	struct control now; /* out */
};

/*
 * What is to be told to others: that an ingestion has reached its final state. There is one notice
 * per such end from the commit that brings it on, if settings.notify is set, until it is told.
 * STORE_NOTICE gives the one that is due first; it stays until STORE_TOLD, so after a crash it is
 * told again.
 */
struct store_notice {
	bool found; /* out: one is due */
	struct ingestion ingestion; /* out */
	int64_t
	    attempt; /* out: how often it was tried, as far as that counts, this time included */
	int64_t next_ms; /* out, if none is due: milliseconds until one is; -1: there is none */
};

/* How it went. ERR_NOT_FOUND when there is no such notice any more. */
struct store_told {
	struct uuid uuid; /* in */
	int64_t version; /* in: of the ingestion, as the notice had it */
	bool told; /* in: done, or given up; else it is due again after retry_ms */
	int64_t retry_ms; /* in */
	bool uncounted; /* in: not told, and store_notice.attempt does not grow by that */
};

/*
 * Does a little of what time has made due: uploads that have expired are cancelled, ids of
 * cancelled ones removed, keys that have expired forgotten. Bounded by STORE_SWEEP_STEPS rows.
 */
struct store_sweep {
	struct uuid *cancelled; /* out, owned: uploads that were cancelled now */
	size_t n;
	int64_t next_ms; /* out: milliseconds until more is due, 0: now; -1: nothing is to come */
};

#define STORE_SWEEP_STEPS 64

/*
 * Sign of life of a node that shares its store with others; to be run about every
 * STORE_BEAT_MS. With `renew` its lease begins anew and its figures are written. Batches of nodes
 * whose lease has ended get back into line, as after a crash. Of a store that nobody shares nothing
 * comes back.
 */
struct store_beat {
	bool renew; /* in */
	/* in: nothing runs any more that an earlier process of the same name has left behind: the
	 * batches of that one get back into line, too */
	bool recovered;
	struct node_figures figures; /* in */
	/* out: boot_ns: the lease ends then, counted from before it was renewed; CLOCK_NEVER: there
	 * is none */
	int64_t lease_end;
	struct uuid *cancelled; /* out, owned: being cancelled, with batches that run here */
	size_t n;
	int64_t reaped; /* out: batches that got back into line */
	/* out: the others had given this node up, so what was started here before is not ours */
	bool joined_again;
	bool moved; /* out: something was committed since the last beat, by whomever */
	int64_t
	    next_end; /* out: boot_ns: a lease of another node ends; CLOCK_NEVER: there is none */
};

#define STORE_BEAT_MS 1000

/* The nodes that share the store, those that were there in the last STORE_GONE_MS included, by
 * name; none of a store that nobody shares. */
struct store_nodes {
	struct node_list list; /* out, owned */
};

#define STORE_GONE_MS (24 * 3600 * 1000LL)

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
	struct idlist ids; /* owned: those without a final outcome, in the order of the list */
	bool whole; /* these are all ids of the batch */
};

/*
 * Takes the slot, if one is due and something waits: puts what has become due again back into line
 * (STORE_DUE_STEPS batches at most, the rest in the next claim), reads ledger and lane heads, asks
 * sched_pick(), and writes, all inside this operation. That a batch gets back into line is no
 * change that `version` counts: a status has said when it would. Where nothing stood in line, the
 * settle time begins when the first of them was due.
 */
struct store_claim {
	struct store_claimed *batches; /* out, owned: what goes into this slot */
	size_t n; /* out: 0 when there is nothing to start now */
	/* out, when n is 0: the moment to ask again: now when more is due than STORE_DUE_STEPS,
	 * CLOCK_NEVER when it is not known; in a pause until a time of UTC no later than
	 * STORE_PAUSE_LOOK_MS from now, since somebody may set the clock meanwhile */
	int64_t wake;
	bool idle; /* out: nothing stands in line; what gets there before `wake` has to be told */
	int64_t interval_ns; /* out: in force */
	/* out: boot_ns. Where several nodes share the store the slot is kept free for so long only:
	 * what has not been given to the handler by then has to be given back. Else CLOCK_NEVER. */
	int64_t fire_before;
};

#define STORE_DUE_STEPS 1000
#define STORE_PAUSE_LOOK_MS 60000

/* A handler was given the batch. To be posted at once. */
struct store_started {
	struct store_attempt attempt;
	int64_t utc_ms; /* in: what users see as started_at */
	/* in: set for the last batch of a slot: the latest start in it. LEDGER_NONE for the others.
	 * It may be told again when another slot has been claimed since (STORE_LOST): then it is of
	 * no interest any more. */
	int64_t slot_start;
};

/*
 * A run has ended. What follows is attempt_verdict(): ids that were completed or have failed are
 * never given out again; the others are tried again as one batch, at once or after the policy's
 * delay, or have failed when no attempt is left. An attempt that does not count gives its number
 * back, but not the time of its start. Refused with ERR_STALE_ATTEMPT when the attempt is not the
 * current one. With ending->hold_ms nothing is started for so long, settings.max_hold_ms at most.
 *
 * The error of an id is its own message, else that of the attempt; one that was completed has none.
 * The error of the batch is the message of the attempt, NULL when there is none or when the batch
 * is completed. Error and output of an attempt stay until the next one has ended.
 */
struct store_finish {
	struct store_attempt attempt;
	const struct ending *ending; /* in: borrowed; results, if any, in the order of the claim */
	enum batch_status status; /* out: of the batch now */
	int64_t due_ms; /* out: BATCH_RETRYING: milliseconds until it stands in line again */
	int64_t failed; /* out: how many of its ids have failed by now */
};

/* One page of an ingestion's status. Refused with ERR_NOT_FOUND. */
struct store_status {
	struct uuid uuid; /* in */
	int64_t from_batch; /* in */
	int64_t limit; /* in: most batches on the page, at most STORE_PAGE_BATCHES; 0: none */
	bool output; /* in: with what the handler wrote */
	struct status_page page; /* out, owned; without batches next_batch is -1 */
};

/*
 * What has become of the ids of an ingestion, in the order of the list. It looks at no more than
 * STORE_REPORT_IDS of them, so the page may be empty and yet not the last one; it ends at `limit`
 * entries or at about STORE_PAGE_BYTES. ERR_NOT_FOUND. An upload has no entries.
 */
struct store_report {
	struct uuid uuid; /* in */
	struct report_filter filter; /* in */
	int64_t from; /* in: position of the first id to look at */
	int64_t limit; /* in: at least 1 */
	struct report_page page; /* out, owned */
};

#define STORE_REPORT_IDS 65536
/* What an entry takes in a reply without its error, at most. */
#define STORE_REPORT_ENTRY_BYTES 220

/*
 * A page of the ingestions that the filter asks for, newest first; with an id_prefix, and no seq,
 * in descending order of their ids, which is the same but within a millisecond. It looks at no more
 * than STORE_LIST_ROWS of them, so it may be empty and yet not the last one. ERR_INVALID for a
 * cursor that no page has given.
 */
struct store_list {
	struct list_filter filter; /* in */
	int64_t limit; /* in: at least 1 */
	char cursor[LIST_CURSOR_SIZE]; /* in: where the last page ended, or "" */
	struct list_page page; /* out, owned */
};

#define STORE_LIST_ROWS 10000

/* What the store knows about itself, in one consistent look; of a turn, only once it is committed.
 */
struct store_stats {
	struct lane_total lanes[PRIORITY_COUNT]; /* out; HIGH first */
	int64_t uploads, upload_ids; /* out: not sealed */
	int64_t notices; /* out: not told yet */
	struct control control; /* out */
	struct ledger ledger; /* out */
	int64_t bytes, wal_bytes; /* out: of its files */
	int64_t free_bytes; /* out: on their disk; -1: not known */
};

/* Pages end at this many batches or at about this many bytes of reply, but hold at least one. */
#define STORE_PAGE_BATCHES 1000
#define STORE_PAGE_BYTES (512 * 1024)
/* What a batch takes in a reply without its ids, and what an id takes, at most (but for error
 * texts and output, which count with their length). */
#define STORE_PAGE_BATCH_BYTES 400
#define STORE_PAGE_ID_BYTES 20

enum store_verb {
	STORE_SUBMIT,
	STORE_OPEN,
	STORE_APPEND,
	STORE_SEAL,
	STORE_CANCEL,
	STORE_RETRY,
	STORE_BUMP,
	STORE_CONTROL,
	STORE_NOTICE,
	STORE_TOLD,
	STORE_SWEEP,
	STORE_BEAT,
	STORE_CLAIM,
	STORE_STARTED,
	STORE_FINISH,
	STORE_STATUS, /* from here on: reads */
	STORE_REPORT,
	STORE_LIST,
	STORE_STATS,
	STORE_NODES,
};
#define STORE_VERB_COUNT 20

struct store_op {
	enum store_verb verb;
	union {
		struct store_submit submit;
		struct store_open open;
		struct store_append append;
		struct store_seal seal;
		struct store_cancel cancel;
		struct store_retry retry;
		struct store_bump bump;
		struct store_control control;
		struct store_notice notice;
		struct store_told told;
		struct store_sweep sweep;
		struct store_beat beat;
		struct store_claim claim;
		struct store_started started;
		struct store_finish finish;
		struct store_status status;
		struct store_report report;
		struct store_list list;
		struct store_stats stats;
		struct store_nodes nodes;
	};
	struct fail fail; /* out */
};

/* Whether the operation only reads; such operations run outside of the turns of the writer. */
static inline bool store_op_reads(const struct store_op *op)
{
	return op->verb >= STORE_STATUS;
}

/* Frees what the results own, and forgets them: the operation can be run again. */
void store_op_reset(struct store_op *op);

enum store_result {
	STORE_DONE, /* op->fail holds the answer */
	STORE_UNDONE, /* the turn has to be rolled back; known not to be done; *fail says why */
	STORE_UNKNOWN, /* whether it is done is unknown: stop and recover; *fail says why */
	/*
	 * From commit only: whether the turn is done is unknown, since the database went away, but
	 * nothing has to be recovered: when it is back, what a claim of the turn may have taken is
	 * given back by the store itself, and STARTED, FINISH and BEAT can be run again. Needs no
	 * rollback. *fail says why.
	 */
	STORE_LOST,
};

/* Values that concern every node; the store keeps them. */
struct store_settings {
	int64_t interval_ns;
	int64_t settle_ns;
	bool pack;
	int64_t slot_ids; /* most ids in a slot when packing: the daemon's batch size */
	int64_t min_free_bytes; /* submissions are refused below this much free disk space */
	int64_t key_expiry_ms; /* after the end of the ingestion */
	int64_t upload_expiry_ms; /* after the last ids have arrived */
	int64_t max_uploads; /* not sealed, at a time */
	int64_t max_upload_ids; /* in these together */
	struct retry_policy retry;
	int64_t max_hold_ms;
	bool notify; /* ends of ingestions are told to somebody */

	/* Of a store that several nodes share. */
	const char *node_name; /* borrowed; of this node: no other one alive has it */
	const char *version; /* borrowed; of this program */
	int64_t slot_guard_ns; /* how much later than its slot a batch may be started */
	int64_t lease_ms;
	int64_t poll_ns; /* how long what other nodes have done may go unnoticed; 0: for ever */
	int64_t notice_lease_ms; /* how long a notice that was given out is not given out again */
	int64_t concurrency; /* of this node; like slot_ids to be seen by others */
};

/*
 * The time of expiries and retries: milliseconds that never go back, not over restarts, and not
 * when somebody sets the clock: it was `ms` at `boot_ns`.
 */
struct store_time {
	int64_t ms;
	int64_t boot_ns;
};

/* The store's time at `boot_ns` of the same boot. */
int64_t store_time_at(const struct store_time *time, int64_t boot_ns);

/*
 * Goes on, at start-up, from what was written at `written_utc_ms`: by the boot clock within one
 * boot, else by what the wall clock says, unless that went back.
 */
void store_time_recover(struct store_time *time, bool same_boot, int64_t written_utc_ms,
    int64_t boot_ns, int64_t utc_ms);

struct store;
struct store_op;

/* STORE_BEAT and STORE_NODES of a store that nobody shares: there is nothing to do or to say. */
enum store_result store_unshared(struct store *store, struct store_op *op);

struct store_ops {
	enum store_result (*begin)(struct store *store, struct fail *fail);
	/* NULL, or see store_expect(). */
	void (*expect)(struct store *store, const struct store_op *op);
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
	struct uuid node; /* the store's own id; made with it */
	int64_t waiting; /* batches in line */
	int64_t later; /* batches to be tried again that are not due yet */
	/*
	 * Batches that were running when the daemon ended. Their attempt counts and has failed with
	 * ATTEMPT_CRASHED; they are due now, or have failed when that was the last one.
	 */
	int64_t interrupted;
};

/*
 * A kind of store. `where` is what follows the scheme (SQLite) or the whole URL (PostgreSQL);
 * texts show it without a password.
 */
struct store_kind {
	const char *scheme; /* "sqlite:" */
	const char *alias; /* another one, or NULL */
	bool shared; /* by several nodes: it needs STORE_BEAT */
	/* ERR_INVALID for a URL that cannot be one. Does not touch the store. */
	enum err (*check_url)(const char *where, struct fail *fail);
	/* Opens for writing, and for reads on a thread of its own; see store_sqlite_open(). */
	enum err (*open)(struct store **store, const char *where,
	    const struct store_settings *settings, const struct clock *clock,
	    struct store_found *found, struct fail *fail);
	enum err (*open_reader)(
	    struct store **store, const char *where, const struct clock *clock, struct fail *fail);
	/* The interval that was set by STORE_RATE, without opening the store; false: none. */
	bool (*rate)(const char *where, int64_t *interval_ns);
	/* The full check; true when the store is sound, else *fail says what was found first. */
	bool (*check)(const char *where, struct fail *fail);
	/* Makes the schema, or migrates it; NULL: opening does that. */
	enum err (*init)(const char *where, struct fail *fail);
	const char *schema; /* what a new one consists of, in SQL */
};

extern const struct store_kind store_sqlite, store_postgres;

/* The kind of the URL, and where that store is; NULL: there is none of that scheme. */
const struct store_kind *store_kind_of(const char *url, const char **where);

/* The URL without its password, for people. The caller frees it. */
char *store_shown(const char *url);

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

/* A second connection for reads, for a thread of its own, beside an open store. `clock` must
 * outlive it. */
enum err store_sqlite_open_reader(
    struct store **store, const char *path, const struct clock *clock, struct fail *fail);

/*
 * The interval that was set by STORE_RATE in the store at `path`, whoever may be using it; nothing
 * is changed. False: none was set, or there is no such store.
 */
bool store_sqlite_rate(const char *path, int64_t *interval_ns);

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

/*
 * The operation is likely to be run in the turn that has begun: what it has to know can be looked
 * up together with what others do. It is borrowed until the turn ends; it need not be run.
 */
static inline void store_expect(struct store *store, const struct store_op *op)
{
	if (store->ops->expect)
		store->ops->expect(store, op);
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
