#include "bar.h"

#include "out.h"
#include "util.h"

#include <inttypes.h>
#include <string.h>

#define BAR_MIN 8 /* columns between the brackets; less tells nothing */
#define BAR_MAX 50
/* Columns that stay free: the terminal echoes "^C" there, and after the last one it may begin a new
 * line, which could not be drawn over. */
#define MARGIN 3

void bar_add(struct bar_state *state, const char *text, int keep)
{
	if (state->n < BAR_DETAILS_MAX)
		state->details[state->n++] = (struct bar_detail){text, keep};
}

void bar_format_time(int64_t ms, char text[BAR_TIME_SIZE])
{
	int64_t seconds = ms / 1000;

	snprintf(text, BAR_TIME_SIZE, "%02" PRId64 ":%02d:%02d", seconds / 3600,
	    (int)(seconds / 60 % 60), (int)(seconds % 60));
}

/* The details whose `keep` is not below the given one. */
static void format_details(const struct bar_state *state, int keep, struct buf *out)
{
	if (state->total > 0)
		buf_printf(out, "%3d%%", (int)(state->done * 100 / state->total));
	for (size_t i = 0; i < state->n; i++) {
		const char *text = state->details[i].text;

		if (state->details[i].keep >= keep)
			buf_add_str(out, out->len > 0 ? text : text + strspn(text, " "));
	}
}

/* The smallest `keep` above this one that a detail has; BAR_ALWAYS when there is none. */
static int next_keep(const struct bar_state *state, int keep)
{
	int next = BAR_ALWAYS;

	for (size_t i = 0; i < state->n; i++)
		if (state->details[i].keep > keep && state->details[i].keep < next)
			next = state->details[i].keep;
	return next;
}

static void format_bar(const struct bar_state *state, int columns, struct buf *out)
{
	int full = (int)(state->done * columns / state->total);

	buf_add_str(out, "[");
	memset(buf_reserve(out, (size_t)columns), '-', (size_t)columns);
	memset(out->data + out->len, '#', (size_t)full);
	out->len += (size_t)columns;
	buf_add_str(out, "] ");
}

/* Columns that are left for the bar, or for nothing when there is none. */
static int columns_left(const struct bar_state *state, int width, const struct buf *details)
{
	int frame = state->total > 0 ? (int)strlen("[] ") : 0;

	return width - frame - (int)details->len;
}

void bar_format(const struct bar_state *state, int width, struct buf *out)
{
	int columns, min = state->total > 0 ? BAR_MIN : 0;
	struct buf details = {0};

	width = width > MARGIN ? width - MARGIN : 0;
	for (int keep = 0;; keep = next_keep(state, keep)) {
		details.len = 0;
		format_details(state, keep, &details);
		columns = columns_left(state, width, &details);
		if (columns >= min || keep == BAR_ALWAYS)
			break;
	}
	if (columns >= min && state->total > 0)
		format_bar(state, columns < BAR_MAX ? columns : BAR_MAX, out);
	else if (details.len > (size_t)width)
		details.len = (size_t)width;
	buf_add(out, details.data, details.len);
	buf_free(&details);
}

void bar_draw(struct bar *bar, const struct bar_state *state)
{
	struct buf line = {0};

	if (!bar->file)
		return;
	bar_format(state, out_width(bar->file), &line);
	fprintf(bar->file, "\r%s\033[K", line.data);
	fflush(bar->file);
	bar->drawn = true;
	buf_free(&line);
}

void bar_clear(struct bar *bar)
{
	if (!bar->drawn)
		return;
	fputs("\r\033[K", bar->file);
	fflush(bar->file);
	bar->drawn = false;
}
