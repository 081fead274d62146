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
 * yet_to_start --claim--> triggered --outcome--> completed | failed
 *                          |    ^
 *              interrupted |    | claim
 *                          v    |
 *                         retrying
 */
enum batch_status {
	BATCH_YET_TO_START,
	BATCH_TRIGGERED,
	BATCH_RETRYING,
	BATCH_COMPLETED,
	BATCH_FAILED,
};
#define BATCH_STATUS_COUNT 5

enum ingestion_status {
	INGESTION_YET_TO_START,
	INGESTION_TRIGGERED,
	INGESTION_COMPLETED,
	INGESTION_FAILED,
	INGESTION_RECEIVING,
	INGESTION_CANCELLED,
};
#define INGESTION_STATUS_COUNT 6

/*
 * A list that comes in one message is sealed from the beginning.
 *
 * receiving --seal--> sealed
 *     |
 *     +--cancel, expiry--> cancelled: it never had a place in the line, and its ids are removed
 */
enum stage { STAGE_SEALED, STAGE_RECEIVING, STAGE_CANCELLED };

#define LABEL_MAX 128 /* bytes */
#define KEY_MAX 255 /* bytes, visible ASCII */
#define PRINCIPAL_MAX 80 /* bytes; who submits, such as "uid:1000" */

/* What one ingestion consists of, right now. */
struct counts {
	int64_t ids; /* of an upload: those that have arrived */
	int64_t batches; /* of an upload: 0 until it is sealed */
	int64_t by_status[BATCH_STATUS_COUNT]; /* batches; adds up to `batches` */
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
	struct counts counts;
};

struct batch {
	int64_t index;
	enum batch_status status;
	int64_t attempts; /* starts so far */
	int64_t started_ms; /* of the last attempt; 0: not yet */
	int64_t finished_ms; /* 0: not yet */
	char *error; /* owned; why the last attempt failed, or NULL */
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

/* What `list` looks for; all that is given must hold. */
struct list_filter {
	bool has_status, has_priority;
	enum ingestion_status status;
	enum priority priority;
	char label[LABEL_MAX + 1]; /* exactly this one; empty: any */
	char id_prefix[UUID_TEXT_SIZE]; /* beginning of the id's text, lower case; empty: any */
	int64_t seq; /* 0: any */
};

#define LIST_CURSOR_SIZE 40

/* Ingestions, newest first. */
struct list_page {
	struct ingestion *v; /* owned */
	size_t n;
	char next[LIST_CURSOR_SIZE]; /* where to go on; empty: nothing follows */
};

/* What stands in the lane of one priority, and what has become of all that ever did. */
struct lane_total {
	int64_t ids; /* in batches that wait: not started yet, or to be run again */
	int64_t batches[BATCH_STATUS_COUNT];
	int64_t ingestions[INGESTION_STATUS_COUNT];
};

/* "HIGH", "MEDIUM", "LOW". */
const char *priority_name(enum priority priority);

/* Exactly one of the names above, upper case; false for anything else. */
bool priority_by_name(const char *name, enum priority *priority);

const char *batch_status_name(enum batch_status status);
bool batch_status_by_name(const char *name, enum batch_status *status);

const char *ingestion_status_name(enum ingestion_status status);
bool ingestion_status_by_name(const char *name, enum ingestion_status *status);

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
