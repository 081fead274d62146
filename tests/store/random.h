/* Random operations on two stores: what the parts of it share. */
#ifndef INGESTD_TEST_RANDOM_H
#define INGESTD_TEST_RANDOM_H

#include "fixture.h"
#include "rng.h"

#define ATTEMPTS_KEPT 64
#define UPLOADS_KEPT 8
#define NOTICES_KEPT 4

/* One attempt as each of the stores names it. */
struct pair {
	struct uuid uuid;
	struct store_attempt a, b;
};

struct both {
	struct fixture *fx[2]; /* oracle, the other store */
	bool shared; /* the other one is of that kind */
	struct rng rng;
	bool quiet; /* little is submitted, so that the line gets empty */
	struct pair attempts[ATTEMPTS_KEPT]; /* the last ones, current or not */
	size_t n_attempts;
	struct uuid uploads[UPLOADS_KEPT]; /* the last ones, rolled back or not */
	size_t n_uploads;
	struct store_notice notices[NOTICES_KEPT]; /* the last ones, told or not */
	size_t n_notices;
	struct uuid uuids[4096]; /* all that was ever made, rolled back or not */
	size_t n_uuids;
	struct idlist ids;
	char label[LABEL_MAX + 1];
	char key[20];
};

/* ---- random_same.c: the answers must be equal ---- */

/* Ends the test when they are not: that of the oracle, that of the other store. */
void same(const char *what, int64_t a, int64_t b);
void same_answers(struct both *both, struct store_op *a, struct store_op *b);
/* Without the cursor, which is each store's own. */
void same_lists(const struct list_page *a, const struct list_page *b);
/* All pages; where one ends is each store's own business. */
void same_reports(const struct report_page *a, const struct report_page *b);

/* ---- random_attempt.c: what becomes of batches ---- */

void random_claim(struct both *both);
void random_started(struct both *both);
void random_finish(struct both *both);

/* ---- random_wish.c: what people wish, and what they are told ---- */

void random_cancel(struct both *both);
void random_retry(struct both *both);
void random_bump(struct both *both);
void random_control(struct both *both);
void random_notice(struct both *both);
void random_told(struct both *both);

/* ---- random_look.c: what is told ---- */

void compare_status(struct both *both, const struct uuid *uuid, int64_t from_batch, int64_t limit);
void compare_report(
    struct both *both, const struct uuid *uuid, const struct report_filter *filter, int64_t limit);
void compare_lists(struct both *both, const struct list_filter *filter, int64_t limit);
void compare_stats(struct both *both);
void random_status(struct both *both);
void random_report(struct both *both);
void random_list(struct both *both);

/* ---- random_ops.c: operations of all kinds ---- */

/* Runs it on both and compares. */
void run_both(struct both *both, struct store_op *a, struct store_op *b);

/* A whole list, without a key. */
void random_whole(struct both *both);
/* Any operation. */
void random_op(struct both *both);

/* One of the last uploads; sometimes anything else. */
struct uuid random_upload(struct both *both);
/* Any that was ever made, rolled back or not. */
struct uuid any_uuid(struct both *both);

#endif
