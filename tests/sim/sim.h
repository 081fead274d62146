/*
 * The simulation: engine, queue and scheduler on a store, in a world with a clock of its own. Every
 * run is made from a seed. What happens is held against a model that is written down here a second
 * time, in plain code, and shares nothing with what it judges.
 *
 *     clients -> storeq -> spy -> store        world.c, event.c: time, and the run as a whole
 *                  |        |                  client.c: who submits
 *               engine    model                process.c: loop and store thread, crashes
 *                  |                           worker.c: the handler
 *               worker                         spy.c, model_saw.c, model.c: what must be true
 */
#ifndef INGESTD_SIM_H
#define INGESTD_SIM_H

#include "engine.h"
#include "rng.h"
#include "store_mem.h"
#include "storeq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS 1000000LL
#define SECOND 1000000000LL

#define MAX_CLIENTS 24
#define MAX_IDS 24 /* per client */
#define MAX_BATCHES (MAX_CLIENTS * MAX_IDS)
#define MAX_STARTS 2048

/* What can go wrong in a run, and how far. Percentages but for the counts. */
struct profile {
	const char *name;
	int runs; /* by default */
	int slow_commits; /* turns that take up to three intervals */
	int late; /* ticks that come late */
	int crashes, reboots, stops; /* most of them; reboots: percentage of the crashes */
	int full; /* percentage of the time in which the disk is full */
	int unknown; /* commits with an unknown outcome, per mille */
	int away; /* calls at which the store goes away for a while, per mille */
	bool pack;
	bool settle;
	bool failures; /* batches that fail for good */
	bool retries; /* ids that are to be tried again, and mixed endings */
	bool holds; /* endings that ask for a rest */
	int wishes; /* most things that people wish: cancel, retry, bump, pause, rate ... */
	bool cancels; /* each list is cancelled while it runs */
	bool parallel;
	bool script; /* the handler takes run_ns, and has the first attempt at retry_id repeated */
};

/* ---- the model ---- */

enum model_state {
	MODEL_WAITING,
	MODEL_LATER,
	MODEL_CLAIMED,
	MODEL_COMPLETED, /* from here on: final */
	MODEL_FAILED,
	MODEL_CANCELLED,
};

#define ERROR_SIZE 48

struct model_id {
	int64_t id;
	enum id_outcome outcome;
	int64_t attempts; /* once it has an outcome */
	char error[ERROR_SIZE]; /* empty: none */
};

struct model_ingestion {
	struct uuid uuid;
	int64_t number; /* the store's; 0: not known yet */
	int priority;
	int64_t seq;
	int64_t batch_size;
	struct model_id ids[MAX_IDS];
	int64_t n_ids;
	int first_batch;
	int n_batches;
	int64_t version;
	bool cancelling; /* until what runs has ended */
};

struct model_batch {
	int ingestion;
	int64_t index;
	enum model_state state;
	bool claimed; /* ever */
	int priority; /* when it was claimed */
	int64_t attempts;
	int64_t forgiven; /* of these, before somebody wished it to be tried again */
	int slot; /* of the last claim */
	int place; /* in this slot */
	int64_t due_first, due_last; /* MODEL_LATER: boot_ns; due somewhere between these two */
	bool maybe; /* MODEL_LATER: it may have been in line at the last slot, or start */
};

/* What is in the store. */
struct model_state_all {
	struct model_ingestion ingestions[MAX_CLIENTS];
	int n_ingestions;
	struct model_batch batches[MAX_BATCHES];
	int n_batches;
	int slots; /* claimed so far */
	uint64_t last_sent; /* number of the last list that was taken */
	bool start_known; /* of the last slot */
	int64_t last_start;
	bool ready; /* something waits that waits for the settle time */
	int64_t ready_first, ready_last; /* it began somewhere between these two */
	enum pause pause;
	int64_t pause_until_ms; /* UTC; 0: until resume */
	int64_t hold_first, hold_last; /* boot_ns: the rest ends somewhere between these two */
	int64_t rate_ns; /* 0: that of the settings */
};

struct model {
	struct model_state_all now, before; /* before: as the turn began */
	bool in_turn;
	int64_t interval_ns, settle_ns, slot_ids;
	bool pack;
};

/* The interval in force. */
static inline int64_t model_interval(const struct model *model)
{
	return model->now.rate_ns ? model->now.rate_ns : model->interval_ns;
}

/* ---- the world ---- */

enum client_state { CLIENT_UNSENT, CLIENT_SENT, CLIENT_ACCEPTED };

/* Someone who submits one list. */
struct client {
	struct world *world;
	enum client_state state;
	uint64_t sent; /* lists are numbered as they are sent */
	enum priority priority;
	char label[16];
	int64_t batch_size;
	struct idlist ids;
	struct storeq_op op;
};

/* One run of the handler. */
struct job {
	struct world *world;
	struct job *next;
	struct run *run;
	int batch; /* in the model */
	int64_t attempt;
	int slot;
	bool started, cancelled, done;
	int64_t start; /* boot_ns */
	size_t n; /* ids of the run */
	bool mixed; /* each has a result of its own; else all that of the first */
	enum outcome outcomes[MAX_IDS];
	int64_t hold_ms;
};

/* What the handler says of the run, and of its i-th id. */
void worker_message(const struct job *job, char text[ERROR_SIZE]);
void worker_id_message(const struct job *job, size_t i, char text[ERROR_SIZE]);

struct worker {
	struct handler handler;
	struct world *world;
};

enum event_kind {
	EVENT_TICK,
	EVENT_STEP,
	EVENT_DELIVER,
	EVENT_RUN_STARTED,
	EVENT_RUN_DONE,
	EVENT_INTERRUPT,
	EVENT_LAST_OF_PROCESS = EVENT_INTERRUPT, /* those above die with the process */
	EVENT_SUBMIT,
	EVENT_LOOK,
	EVENT_WISH,
	EVENT_CANCEL,
	EVENT_LAST_WISH,
	EVENT_BOOT,
};

struct event {
	int64_t at; /* in the time of the world */
	uint64_t number; /* those of the same time come in this order */
	enum event_kind kind;
	void *arg;
};

/* One start, as the handler saw it. */
struct start {
	int64_t at; /* in the time of the world */
	int64_t first_id;
	size_t ids;
};

struct world {
	const struct profile *profile;
	int64_t seed;
	struct rng rng;
	bool sqlite;
	char dir[64];

	int64_t now; /* ns since the beginning; never jumps */
	int64_t boot_at; /* when boot_ns was 0 */
	int64_t utc_offset; /* ms */
	int boots;
	struct clock clock;
	bool in_step;
	struct event *events;
	size_t n_events, cap_events;
	uint64_t event_number;

	struct store_settings settings;
	int64_t concurrency;
	int64_t run_ns;
	int64_t retry_id;
	struct client clients[MAX_CLIENTS];
	int n_clients;
	int crashes_left, stops_left;
	int cancels; /* that were heard while something of the list ran or had ended */
	struct wish *all_wishes;
	bool unheard; /* the last wish: it is repeated by the next process */
	int64_t full_until, away_until;
	bool kept; /* the commit of unknown outcome took place */

	/* The process. */
	bool up, stopping, interrupted, broken, store_busy;
	bool may_lose; /* the disk was full, or away: the engine may have to give up outcomes */
	bool may_claim; /* a claim may be under way after the stop */
	struct store_mem_disk *disk;
	struct store *store, *reader;
	struct storeq *queue;
	struct engine *engine;
	struct stats stats;
	struct worker worker;
	struct job *jobs; /* of this process, running or not */

	struct model model;
	int64_t given[MAX_BATCHES]; /* last attempt that was given to the handler */
	int64_t interval_ns; /* in force at the claim of the last slot */
	int64_t last_start; /* in the time of the world; -1: none yet */
	int last_slot; /* of the last start */
	int64_t not_before; /* no start before, after a boot */
	struct start starts[MAX_STARTS];
	int n_starts;
};

/* Ends the test and says where, unless `condition` holds. */
#define require(world, condition, ...)                                                             \
	do {                                                                                       \
		if (!(condition))                                                                  \
			world_fail(world, __FILE__, __LINE__, __VA_ARGS__);                        \
	} while (0)

void world_fail(const struct world *world, const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 4, 5)));

/* Says what happens, when SIM_TRACE is set. */
void world_trace(const struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline int64_t world_boot_ns(const struct world *world)
{
	return world->now - world->boot_at;
}

/* A world at rest: rate 1/5s, batches of 3, nothing goes wrong. */
struct world *world_new(const struct profile *profile, int64_t seed, bool sqlite);

/* Draws everything that the profile leaves open. */
void world_randomize(struct world *world);

/* Someone submits these ids at this time. */
struct client *world_client(
    struct world *world, int64_t at, enum priority priority, const int64_t *ids, size_t n);

/* Until nothing happens any more; then everything must have ended. */
void world_run(struct world *world);

void world_free(struct world *world);

/* The part of world_free() that outlives the process. */
void world_remove_files(struct world *world);

/* ---- event.c ---- */

void event_add(struct world *world, int64_t at, enum event_kind kind, void *arg);
struct event event_next(struct world *world);
bool event_is_planned(const struct world *world, enum event_kind kind);
void event_forget(struct world *world, const void *arg);
void event_forget_kind(struct world *world, enum event_kind kind);
void event_forget_process(struct world *world);

/* ---- process.c ---- */

void process_boot(struct world *world);
void process_tick(struct world *world);
/* One turn of the store's thread. */
void process_step(struct world *world);
/* Lets the thread of the store begin when something waits. */
void process_pump(struct world *world);
void process_crash(struct world *world);
void process_stop(struct world *world);
void process_interrupt(struct world *world);
/* The end of an orderly stop. */
void process_leave(struct world *world);
enum store_mem_fault process_disk_fault(void *arg, enum store_mem_point point);

/* ---- client.c ---- */

void client_random(struct world *world, int64_t horizon);
void client_submit(struct client *client);
/* Someone asks for a status. */
void client_looks(struct world *world);
/* After a crash: those without an answer look whether their list is there, and send it again if it
 * is not. */
void clients_look(struct world *world);

/* ---- wish.c ---- */

/* Somebody wishes something. */
void wish_random(struct world *world);
/* Somebody does not want the rest of a list any more. */
void wish_cancel(struct world *world, const struct client *client);
/* Everything may go on. */
void wish_resume(struct world *world);

void wishes_free(struct world *world);

/* ---- worker.c ---- */

void worker_init(struct worker *worker, struct world *world);
void worker_event(struct job *job, enum event_kind kind);
void worker_free_jobs(struct world *world);
/* The job of the running or last attempt of a batch in this process, or NULL. */
struct job *worker_job(struct world *world, int batch, int64_t attempt);

/* ---- spy.c ---- */

/* A store that tells the model what `inner` did. Owns it. `reads`: it is not the writer. */
struct store *spy_new(struct world *world, struct store *inner, bool reads);

/* ---- model.c ---- */

void model_open(struct world *world, bool same_boot, const struct store_found *found);
void model_begin(struct model *model);
void model_commit(struct model *model);
void model_rollback(struct model *model);
/* Whether an ingestion has ended. */
bool model_is_final(const struct model *model, const struct model_ingestion *ingestion);
/* Whether somebody's wish keeps the next slot back: for certain, or perhaps, at some moment between
 * the two. */
bool model_is_kept_back(const struct world *world, int64_t first, int64_t last);
bool model_may_be_kept_back(const struct world *world, int64_t first, int64_t last);
/* The store has done `op` between `first` and `last` (boot_ns): checks the answer. */
void model_saw(struct world *world, const struct store_op *op, int64_t first, int64_t last);
void model_check_page(struct world *world, const struct status_page *page);
void model_check_report(struct world *world, const struct store_report *report);

int model_find(const struct model *model, const struct uuid *uuid); /* -1: not there */
int model_batch(const struct model *model, const struct uuid *uuid, int64_t index);
/* The batch that must be next; -1: none stands in line for certain. */
int model_next(const struct model *model);
bool model_goes_before(const struct model *model, int a, int b);
/* Whether a batch that is not in line may have become due by `last`. */
bool model_may_be_due(const struct model_batch *batch, int64_t last);
/* What is due for certain stands in line again. */
void model_line_up(struct model *model, int64_t now);
/* The moment of the next slot, if the settle time began at `ready`. */
int64_t model_slot_at(const struct model *model, int64_t ready);
/* Something is going to wait; if nothing else does, the settle time begins. */
void model_becomes_ready(struct model *model, int64_t first, int64_t last);
int64_t model_length(const struct model *model, const struct model_batch *batch);
/* Its ids without an outcome: as many as are returned. */
size_t model_left(
    struct model *model, const struct model_batch *batch, struct model_id *left[MAX_IDS]);
int model_count(const struct model *model, enum model_state state);

#endif
