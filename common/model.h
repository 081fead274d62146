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
};
#define INGESTION_STATUS_COUNT 4

#define LABEL_MAX 128 /* bytes */

/* What one ingestion consists of, right now. */
struct counts {
	int64_t ids;
	int64_t batches;
	int64_t by_status[BATCH_STATUS_COUNT]; /* batches; adds up to `batches` */
};

struct ingestion {
	struct uuid uuid;
	int64_t seq; /* submission number: the place in the line of its priority */
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

/* "HIGH", "MEDIUM", "LOW". */
const char *priority_name(enum priority priority);

/* Exactly one of the names above, upper case; false for anything else. */
bool priority_by_name(const char *name, enum priority *priority);

const char *batch_status_name(enum batch_status status);
bool batch_status_by_name(const char *name, enum batch_status *status);

const char *ingestion_status_name(enum ingestion_status status);

/* The status that follows from the counts. */
enum ingestion_status counts_status(const struct counts *counts);

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

#endif
