/*
 * What a handler's other side says of single ids, by the words ok, retry and fail, and what follows
 * from that for the run. Pure.
 */
#ifndef INGESTD_OUTCOMES_H
#define INGESTD_OUTCOMES_H

#include "attempt.h"
#include "idlist.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outcomes {
	const struct idlist *ids; /* of the run; borrowed */
	size_t *order; /* owned; places in the list, by id; NULL until needed */
	struct result *results; /* owned; one per id; NULL: nothing was said so far */
	bool *said; /* owned; of each id: its result counts */
};

void outcomes_init(struct outcomes *outcomes, const struct idlist *ids);

/* What a word of `len` bytes means; false when it is none of the three. */
bool outcomes_word(const char *word, size_t len, enum outcome *outcome);

/*
 * Sets the outcome of an id, in the first place where it stands; the last one counts. `message` may
 * be NULL or empty; it is cleaned and cut to ATTEMPT_ID_ERROR_MAX bytes, and dropped with
 * OUTCOME_COMPLETED. False: the id is not one of the run.
 */
bool outcomes_say(struct outcomes *outcomes, int64_t id, enum outcome outcome, const char *message);

/*
 * What was said of the first place of an id holds for its other places from now on. To be called at
 * the end, since a list may have one id in all places, and there may be a word for each;
 * outcomes_settle() does it.
 */
void outcomes_spread(struct outcomes *outcomes);

/*
 * Moves the results into `ending`, which has outcome, failure and message of the run as a whole:
 * ids of which nothing was said share that. When it was the ids that decided, they become failure
 * and message. Without any word of an id `ending` stays as it is.
 */
void outcomes_settle(struct outcomes *outcomes, struct ending *ending);

/* Frees the content. */
void outcomes_free(struct outcomes *outcomes);

#endif
