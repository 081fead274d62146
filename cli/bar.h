/* A progress bar: one line on a terminal that is drawn over and over, and removed in the end. */
#ifndef INGESTCTL_BAR_H
#define INGESTCTL_BAR_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct bar {
	FILE *file; /* NULL: there is no bar, all calls do nothing */
	bool drawn;
};

/* One fact behind the bar, with the spaces in front of it. */
struct bar_detail {
	const char *text;
	int keep; /* on a narrow terminal those with smaller numbers go first; BAR_ALWAYS never */
};

#define BAR_ALWAYS 100
#define BAR_DETAILS_MAX 6

struct bar_state {
	int64_t done, total; /* in any unit; total 0: nobody knows, and there is no bar */
	struct bar_detail details[BAR_DETAILS_MAX];
	size_t n;
};

/* Appends a detail; the text is borrowed until the state has been drawn. */
void bar_add(struct bar_state *state, const char *text, int keep);

/* "00:03:25": hours, minutes, seconds. */
#define BAR_TIME_SIZE 32
void bar_format_time(int64_t ms, char text[BAR_TIME_SIZE]);

/* Draws over what was drawn before. */
void bar_draw(struct bar *bar, const struct bar_state *state);

/* Removes the line, if it is there; other text can go to the terminal after that. */
void bar_clear(struct bar *bar);

/* Appends the line for a terminal of `width` columns; it is shorter than that. The narrower, the
 * fewer details. */
void bar_format(const struct bar_state *state, int width, struct buf *out);

#endif
