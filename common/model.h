/*
 * The things that users talk about: ingestions and batches, their priorities and states. The store
 * fills these structs, the wire codec prints and reads them, the client shows them.
 */
#ifndef INGESTD_MODEL_H
#define INGESTD_MODEL_H

#include "idlist.h"
#include "uuid.h"

#include <stdbool.h>
#include <stdint.h>

/* In order of precedence: a smaller one goes first. */
enum priority { PRIORITY_HIGH = 1, PRIORITY_MEDIUM = 2, PRIORITY_LOW = 3 };
#define PRIORITY_COUNT 3

/*
 * yet_to_start --claim--> triggered --no id is left to try--> completed | failed
 *                          |    ^
 *         some ids are left|    | claim, once it is due
 *                          v    |
 *                         retrying: stands in line again, or is not due yet
 */
enum batch_status {
	BATCH_YET_TO_START,
	BATCH_TRIGGERED,
	BATCH_RETRYING,
	BATCH_COMPLETED,
	BATCH_FAILED,
	BATCH_CANCELLED, /* some of its ids were given up by somebody's wish */
};
#define BATCH_STATUS_COUNT 6

enum ingestion_status {
	INGESTION_YET_TO_START,
	INGESTION_TRIGGERED,
	INGESTION_COMPLETED,
	INGESTION_FAILED,
	INGESTION_RECEIVING,
	INGESTION_CANCELLED,
	INGESTION_CANCELLING, /* to be cancelled; some of its batches still run */
};
#define INGESTION_STATUS_COUNT 7

/*
 * A list that comes in one message is sealed from the beginning.
 *
 * receiving --seal--> sealed
 *     |
 *     +--cancel, expiry--> cancelled: it never had a place in the line, and its ids are removed
 */
enum stage { STAGE_SEALED, STAGE_RECEIVING, STAGE_CANCELLED };

/* What has become of one id. */
enum id_outcome {
	ID_PENDING,
	ID_COMPLETED,
	ID_FAILED,
	ID_CANCELLED, /* given up before it was done */
	ID_UNKNOWN, /* given up while it was being done: nobody knows how far that went */
};
#define ID_OUTCOME_COUNT 5

/* Why an attempt did not complete its batch. */
enum failure {
	FAILURE_NONE,
	FAILURE_IDS, /* the handler said so of single ids */
	FAILURE_TRY_AGAIN, /* the handler said so of the batch */
	FAILURE_EXIT, /* a command ended with another exit status */
	FAILURE_SIGNAL, /* a command was ended by a signal */
	FAILURE_TIMEOUT,
	FAILURE_START, /* it could not even be started */
	FAILURE_NETWORK, /* no answer, or no whole one, came from the other side */
	FAILURE_STATUS, /* the other side answered with a status that says no */
	FAILURE_REPLY, /* its answer cannot be understood, or is too long */
};
#define FAILURE_COUNT 10

#define LABEL_MAX 128 /* bytes */
#define KEY_MAX 255 /* bytes, visible ASCII */
#define PRINCIPAL_MAX 80 /* bytes; who submits, such as "uid:1000" */

/* What one ingestion consists of, right now. */
struct counts {
	int64_t ids; /* of an upload: those that have arrived */
	int64_t batches; /* of an upload: 0 until it is sealed */
	int64_t by_status[BATCH_STATUS_COUNT]; /* batches; adds up to `batches` */
	int64_t ids_completed, ids_failed, ids_cancelled, ids_unknown; /* the rest is pending */
	int64_t attempts; /* of all batches */
	int64_t retries; /* of these: not the first of their batch */
};

struct ingestion {
	struct uuid uuid;
	enum stage stage;
	int64_t seq; /* submission number: the place in the line of its priority; 0: not sealed */
	enum priority priority;
	char label[LABEL_MAX + 1]; /* empty: none */
	int64_t batch_size;
	int64_t version; /* grows with every change */
	int64_t created_ms; /* UTC; so are the other two */
	int64_t started_ms; /* 0: not yet */
	int64_t finished_ms; /* 0: not yet */
	char cancelled_by[PRINCIPAL_MAX + 1]; /* who wished it; empty: nobody, or it was retried */
	struct counts counts;
};

/* What a handler wrote: all of it, or beginning and end with a line between that says so. */
struct output {
	char *text; /* owned; clean UTF-8; NULL: nothing */
	int64_t bytes; /* how much it really was */
};

struct batch {
	int64_t index;
	enum batch_status status;
	int64_t attempts; /* so far; those that do not count are left out */
	int64_t ids_completed, ids_failed, ids_cancelled, ids_unknown; /* the rest is pending */
	int64_t started_ms; /* of the last attempt; 0: not yet */
	int64_t finished_ms; /* 0: not yet */
	int64_t retry_ms; /* UTC: when it will stand in line again; 0: it does, or never will */
	char *error; /* owned; why the last attempt that ended failed, or NULL */
	struct output out, err; /* of that attempt; only where asked for */
	size_t ids_at; /* its ids in the page's list */
	size_t ids_n;
};

/* An ingestion and some of its batches, in order of their index. */
struct status_page {
	struct ingestion ingestion;
	struct batch *batches; /* owned */
	size_t n;
	struct idlist ids;
	int64_t next_batch; /* the index to go on from, or -1: nothing follows */
};

/* What `report` says of one id of the list. */
struct report_entry {
	int64_t position; /* in the list, from 0 */
	int64_t id;
	int64_t batch; /* index */
	enum id_outcome outcome;
	int64_t attempts; /* in which it was given to the handler, as the batch counts them */
	int64_t started_ms; /* UTC, of the last of these; 0: not yet */
	int64_t finished_ms; /* UTC, of the outcome; 0: it is pending */
	char *error; /* owned; why it failed the last time, or NULL */
};

/* What `report` looks for; all that is given must hold. */
struct report_filter {
	bool failed; /* only ids that have failed */
	int64_t id; /* only this one; 0: any */
};

/* Ids in the order of the list. */
struct report_page {
	struct report_entry *v; /* owned */
	size_t n;
	int64_t next; /* the position to go on from, or -1: nothing follows */
};

/* What `list` looks for; all that is given must hold. */
struct list_filter {
	bool has_status, has_priority;
	enum ingestion_status status;
	enum priority priority;
	char label[LABEL_MAX + 1]; /* exactly this one; empty: any */
	char id_prefix[UUID_TEXT_SIZE]; /* beginning of the id's text, lower case; empty: any */
	int64_t seq; /* 0: any */
	int64_t before_ms; /* submitted before this moment, UTC; 0: any */
};

#define LIST_CURSOR_SIZE 40

/* Ingestions, newest first. */
struct list_page {
	struct ingestion *v; /* owned */
	size_t n;
	char next[LIST_CURSOR_SIZE]; /* where to go on; empty: nothing follows */
};

/* Who has set something, and when. */
struct stamp {
	char who[PRINCIPAL_MAX + 1];
	int64_t at_ms; /* UTC */
};

/* What people, or the other side, have said about starting batches at all. */
enum pause { PAUSE_NONE, PAUSE_PAUSED, PAUSE_DRAINING };
struct control {
	enum pause pause; /* nothing is started; PAUSE_DRAINING: to get everything to an end */
	int64_t pause_until_ms; /* UTC: it ends by itself; 0: it does not */
	struct stamp paused; /* of the last pause, drain or resume */
	int64_t hold_ms; /* milliseconds from now in which the other side wants nothing; 0: none */
	int64_t rate_ns; /* interval that was set instead of the option's; 0: none */
	struct stamp rated;
};

/* "none", "paused", "draining". */
const char *pause_name(enum pause pause);
bool pause_by_name(const char *name, enum pause *pause);

/* What stands in the lane of one priority, and what has become of all that ever did. */
struct lane_total {
	int64_t ids; /* that wait in line: in batches not started yet, or to be tried again now */
	int64_t batches[BATCH_STATUS_COUNT];
	int64_t later; /* of the retrying ones: not due yet, so that they do not stand in line */
	int64_t ingestions[INGESTION_STATUS_COUNT];
	int64_t oldest_ms; /* UTC: when the first ingestion in line was submitted; 0: none */
};

#define NODE_NAME_MAX 128 /* bytes */
#define NODE_VERSION_MAX 31

/* What a node has done since it was started. */
struct node_figures {
	int64_t running; /* batches, now */
	int64_t attempts, retries; /* begun */
	int64_t interrupted, failed; /* attempts */
};

/* One ingestd among those that share a store. */
struct node {
	struct uuid uuid; /* stays the same when a node of the same name is started again */
	char name[NODE_NAME_MAX + 1];
	char version[NODE_VERSION_MAX + 1];
	bool asked; /* the one that answers */
	bool alive; /* its lease has not ended */
	int64_t started_ms, seen_ms; /* UTC */
	int64_t lease_ms; /* until its lease ends; 0: it has ended */
	/* How it was started. */
	int64_t interval_ns, settle_ns;
	bool pack;
	int64_t max_attempts, batch_size, concurrency;
	struct node_figures figures; /* as of seen_ms */
};

struct node_list {
	struct node *v; /* owned */
	size_t n;
};

void node_list_free(struct node_list *list);

/* How many are alive; *sum: what these are running, and what all of them have done. */
int64_t node_list_sum(const struct node_list *list, struct node_figures *sum);

/* How long things took. */
#define DURATION_BUCKETS 16
struct durations {
	int64_t
	    counts[DURATION_BUCKETS]; /* up to the bound of the same index and above the last one */
	int64_t sum_us;
};

/* The bounds of the buckets, ascending; the last one is INT64_MAX. */
extern const int64_t duration_bounds_ms[DURATION_BUCKETS];

void durations_add(struct durations *durations, int64_t us);

/* How many were added. */
int64_t durations_count(const struct durations *durations);

/* "HIGH", "MEDIUM", "LOW". */
const char *priority_name(enum priority priority);

/* Exactly one of the names above, upper case; false for anything else. */
bool priority_by_name(const char *name, enum priority *priority);

const char *batch_status_name(enum batch_status status);
bool batch_status_by_name(const char *name, enum batch_status *status);

const char *ingestion_status_name(enum ingestion_status status);
bool ingestion_status_by_name(const char *name, enum ingestion_status *status);

const char *id_outcome_name(enum id_outcome outcome);
bool id_outcome_by_name(const char *name, enum id_outcome *outcome);

/* "ids", "try_again", ...; FAILURE_NONE has none. */
const char *failure_name(enum failure failure);

/* The status that follows from the counts of a sealed ingestion. */
enum ingestion_status counts_status(const struct counts *counts);

/* The status of any ingestion. */
enum ingestion_status ingestion_status_of(const struct ingestion *ingestion);

/* Whether nothing will change any more. */
bool ingestion_status_is_final(enum ingestion_status status);

/* Number of batches that n ids make. */
int64_t batches_of(int64_t ids, int64_t batch_size);

/* Number of ids in the batch with this index. */
int64_t batch_length(int64_t ids, int64_t batch_size, int64_t index);

/* Appends an empty batch and returns it; valid until the next one is added. */
struct batch *status_page_add(struct status_page *page);

/* Frees the content. */
void status_page_free(struct status_page *page);

/* Appends an empty entry and returns it; valid until the next one is added. */
struct report_entry *report_page_add(struct report_page *page);

/* Frees the content. */
void report_page_free(struct report_page *page);

/* Appends an ingestion; valid until the next one is added. */
struct ingestion *list_page_add(struct list_page *page);

/* Frees the content. */
void list_page_free(struct list_page *page);

/* Whether an ingestion is one that the filter asks for. */
bool list_filter_matches(const struct list_filter *filter, const struct ingestion *ingestion);

/* A key: 1 to KEY_MAX bytes, all of them visible ASCII. */
bool key_is_valid(const char *text);

/* Batches of the lane that stand in line. */
int64_t lane_waiting(const struct lane_total *lane);

#endif
