/*
 * What can come out of one attempt of one batch, and what follows from it. Pure.
 */
#ifndef INGESTD_ATTEMPT_H
#define INGESTD_ATTEMPT_H

#include "model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the handler says of an id, or of a batch. */
enum outcome {
	OUTCOME_COMPLETED,
	OUTCOME_RETRY, /* not done; to be tried again while attempts are left */
	OUTCOME_FAILED, /* not done, and trying again is no use */
	OUTCOME_INTERRUPTED, /* stopped by us, or not wanted now: to be run again, and the attempt
	                        does not count */
	OUTCOME_UNKNOWN, /* the same, but nobody knows how far it was done */
};
#define OUTCOME_COUNT 5

/* Longest texts that are kept, in bytes without the NUL; longer ones are cut (utf8_clean). */
#define ATTEMPT_ERROR_MAX 511 /* why an attempt failed */
#define ATTEMPT_ID_ERROR_MAX 255 /* what the handler says of one id */

/* Of one id. */
struct result {
	enum outcome outcome;
	char *message; /* owned; NULL: none of its own, that of the attempt holds */
};

/* How an attempt ended. */
struct ending {
	enum outcome outcome; /* of all ids, unless `results` is there */
	enum failure failure; /* what kind, FAILURE_NONE if nothing is wrong */
	char *message; /* owned; why it failed, or NULL */
	struct result *results; /* owned; one per id of the run, in their order; NULL: see above */
	size_t n; /* of the results */
	struct output out, err; /* what the handler wrote */
	int64_t hold_ms; /* the other side wants nothing for so long; 0: it did not say so */
};

/* Frees the content, and forgets it. */
void ending_free(struct ending *ending);

/* The outcome of the i-th id of the run, and the message of its own, or NULL. */
enum outcome ending_outcome(const struct ending *ending, size_t i);
const char *ending_message(const struct ending *ending, size_t i);

/* How many of a run's ids came out how. */
struct tally {
	int64_t ids[OUTCOME_COUNT];
};

struct tally ending_tally(const struct ending *ending, size_t ids);

/* What is known of the batch when an attempt has ended. */
struct situation {
	int64_t failed; /* ids that had failed before */
	int64_t attempt; /* how many attempts it has had, this one included, since it was submitted
	                    or last retried by somebody's wish */
	int64_t max_attempts;
	bool cancelling; /* somebody wishes it to be given up */
};

/* What becomes of the batch. */
struct verdict {
	enum batch_status status; /* BATCH_RETRYING or one of the final ones */
	bool counts; /* as an attempt; if not, the batch is due at once, and its number is used
	              * again */
	enum id_outcome retry; /* what OUTCOME_RETRY means: pending, failed or cancelled */
	enum id_outcome interrupted; /* OUTCOME_INTERRUPTED: pending or cancelled */
	enum id_outcome unknown; /* OUTCOME_UNKNOWN: pending or unknown */
};

/*
 * A batch is final when no id is left to try: cancelled when one was cancelled or is unknown, else
 * failed when one failed, else completed. What was recorded wins: a batch that is to be cancelled
 * and completes all the same is completed. An attempt that ends a batch counts.
 */
struct verdict attempt_verdict(const struct tally *tally, const struct situation *situation);

/* The outcome that an id has now; ID_PENDING when it is to be tried again. */
enum id_outcome verdict_outcome(const struct verdict *verdict, enum outcome outcome);

/* When to try again. */
struct retry_policy {
	int64_t max_attempts; /* at least 1 */
	int64_t base_ms, max_ms;
};

/*
 * How long after the end of this attempt the next one is due: base_ms, doubled with each attempt,
 * at most max_ms, of which a share from a half to the whole is taken. The share is a hash of the
 * arguments, so that batches which failed together do not come back together and yet everybody who
 * asks gets the same answer.
 */
int64_t retry_delay_ms(const struct retry_policy *policy, const struct uuid *ingestion,
    int64_t index, int64_t attempt);

/* The error of an attempt that was running when the daemon ended without a word. */
#define ATTEMPT_CRASHED "interrupted: ingestd ended while it ran"

#endif
