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

/* Details that can be left out when the terminal is narrow. */
enum { UNIT = 1, STATUS = 2, PRIORITY = 4, ELAPSED = 8 };

/* In the order in which they are tried. */
static const int shapes[] = {
    UNIT | STATUS | PRIORITY | ELAPSED,
    STATUS | PRIORITY | ELAPSED,
    STATUS | ELAPSED,
    STATUS,
    0,
};

static void format_details(const struct bar_state *state, int shape, struct buf *out)
{
	int64_t seconds = state->elapsed_ms / 1000;

	buf_printf(out, "%3d%%  %" PRId64 "/%" PRId64 "%s", (int)(state->done * 100 / state->total),
	    state->done, state->total, shape & UNIT ? " batches" : "");
	if (shape & STATUS)
		buf_printf(out, "  %s", state->status);
	if (shape & PRIORITY && state->priority)
		buf_printf(out, "  %s", state->priority);
	if (shape & ELAPSED)
		buf_printf(out, "  %02" PRId64 ":%02d:%02d", seconds / 3600,
		    (int)(seconds / 60 % 60), (int)(seconds % 60));
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

void bar_format(const struct bar_state *state, int width, struct buf *out)
{
	struct buf details = {0};
	int columns = 0;

	width = width > MARGIN ? width - MARGIN : 0;
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		details.len = 0;
		format_details(state, shapes[i], &details);
		columns = width - (int)strlen("[] ") - (int)details.len;
		if (columns >= BAR_MIN)
			break;
	}
	if (columns >= BAR_MIN)
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
