/* What ingestctl writes: data on stdout, talk on stderr. */
#ifndef INGESTCTL_OUT_H
#define INGESTCTL_OUT_H

#include "buf.h"
#include "util.h"

#include <stdbool.h>
#include <stdio.h>

/* Writes "ingestctl: TEXT" as one line on stderr. What a terminal must not see is replaced. */
void out_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, and returns `status`, so that a function can `return out_fail(...)`. */
int out_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes the buffer to stdout at once and empties it: readers of a pipe get whole lines in time. */
void out_data(struct buf *data);

/* Writes the end of what is buffered for stdout. False, with errno set: something could not be
 * written, now or before. */
bool out_flush(void);

/* The last act of the program: `status`, or another one when stdout has not taken everything. */
int out_finish(int status);

/* Whether lines on `file` can be drawn over: a terminal, and not a dumb one. */
bool out_is_live(FILE *file);

/* Whether colours are wanted on `file`: a live terminal and no NO_COLOR (no-color.org). */
bool out_has_colours(FILE *file);

#define OUT_RED "\033[31m"
#define OUT_GREEN "\033[32m"

/* Prints `text` on stdout in `width` columns, in this colour (an escape sequence, or "" for none)
 * if colours are wanted there. */
void out_coloured(const char *text, int width, const char *colour);

/* A span of time with no more digits than matter: 3d4h, 4h12m, 12m5s, 15s, 0.3s. Returns `text`. */
const char *out_span(int64_t ns, char text[DURATION_TEXT_SIZE]);

/* Columns of the terminal behind `file`; 80 when it does not tell. */
int out_width(FILE *file);

#endif
