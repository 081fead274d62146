/*
 * What a command says of single ids: lines `ID<TAB>ok|retry|fail[<TAB>MESSAGE]` among what it
 * writes to stdout. Pure: bytes in, in any pieces.
 */
#ifndef INGESTD_EXEC_OUTCOME_H
#define INGESTD_EXEC_OUTCOME_H

#include "buf.h"
#include "exec_output.h"
#include "outcomes.h"

/* A longer line is none of these. */
#define EXEC_OUTCOME_LINE_MAX 4096 /* bytes, with the newline */

struct exec_outcomes {
	struct outcomes of_ids;
	struct buf line; /* the beginning of a line, while it may become an outcome */
	bool inside; /* an ordinary line, of which more follows */
};

void exec_outcomes_init(struct exec_outcomes *outcomes, const struct idlist *ids);

/*
 * Takes the next bytes. Lines of ids in the list count, the last one of each id, and for all places
 * where it stands. What is anything else is added to `rest`.
 */
void exec_outcomes_add(
    struct exec_outcomes *outcomes, const char *data, size_t len, struct exec_output *rest);

/* Nothing follows: the last line needs no newline. */
void exec_outcomes_end(struct exec_outcomes *outcomes, struct exec_output *rest);

/* Frees the content. */
void exec_outcomes_free(struct exec_outcomes *outcomes);

#endif
