/* A progress bar: one line on a terminal that is drawn over and over, and removed in the end. */
#ifndef INGESTCTL_BAR_H
#define INGESTCTL_BAR_H

#include "buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct bar {
	FILE *file; /* NULL: there is no bar, all calls do nothing */
	bool drawn;
};

struct bar_state {
	int64_t done, total; /* batches; total > 0 */
	const char *status;
	const char *priority; /* NULL: none to show */
	int64_t elapsed_ms;
};

/* Draws over what was drawn before. */
void bar_draw(struct bar *bar, const struct bar_state *state);

/* Removes the line, if it is there; other text can go to the terminal after that. */
void bar_clear(struct bar *bar);

/* Appends the line for a terminal of `width` columns; it is shorter than that. The narrower, the
 * fewer details. */
void bar_format(const struct bar_state *state, int width, struct buf *out);

#endif
