/* What a command writes to one of its streams: beginning and end are kept. Pure. */
#ifndef INGESTD_EXEC_OUTPUT_H
#define INGESTD_EXEC_OUTPUT_H

#include "model.h"

#include <stddef.h>
#include <stdint.h>

struct exec_output {
	size_t max; /* bytes that are kept: half of it beginning, half end */
	char *head, *ring; /* owned; NULL until needed */
	size_t head_n;
	int64_t beyond; /* bytes that came behind the head */
};

/* `max` is a bound of the text, but for the line that says how much is left out. */
void exec_output_init(struct exec_output *output, size_t max);

void exec_output_add(struct exec_output *output, const char *data, size_t len);

/* Moves what was kept into *out, as clean UTF-8: other bytes and control characters are '?'. */
void exec_output_take(struct exec_output *output, struct output *out);

/*
 * The last line that is not blank, cleaned and cut to size - 1 bytes; "" when there is none. Does
 * not depend on `max`.
 */
void exec_output_last_line(const struct exec_output *output, char *line, size_t size);

/* Frees the content. */
void exec_output_free(struct exec_output *output);

#endif
