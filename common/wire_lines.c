/* The lines of the wire format; the messages in them are in wire.c. */
#include "wire.h"

#include <string.h>

#define KEPT_BYTES (64 * 1024)

void wire_lines_add(struct wire_lines *lines, const char *data, size_t len)
{
	/* A connection that once had a long line does not keep the memory for it. */
	if (lines->start == lines->in.len && lines->in.cap > KEPT_BYTES)
		wire_lines_free(lines);
	if (lines->start > 0) {
		memmove(
		    lines->in.data, lines->in.data + lines->start, lines->in.len - lines->start);
		lines->in.len -= lines->start;
		lines->scanned -= lines->start;
		lines->start = 0;
	}
	buf_add(&lines->in, data, len);
}

static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

/* Takes the line that ends at `end`, an offset; `skip` bytes follow it. False: it is blank. */
static bool take(struct wire_lines *lines, size_t end, size_t skip, const char **line, size_t *len)
{
	*line = lines->in.data + lines->start;
	*len = end - lines->start;
	lines->start = lines->scanned = end + skip;
	return !is_blank(*line, *len);
}

enum wire_lines_result wire_lines_next(struct wire_lines *lines, const char **line, size_t *len)
{
	while (lines->scanned < lines->in.len) {
		const char *data = lines->in.data;
		const char *newline =
		    memchr(data + lines->scanned, '\n', lines->in.len - lines->scanned);
		size_t end = newline ? (size_t)(newline - data) : lines->in.len;

		lines->scanned = end;
		if (end - lines->start > lines->max)
			return WIRE_TOO_LONG;
		if (!newline)
			return WIRE_MORE;
		if (take(lines, end, 1, line, len))
			return WIRE_LINE;
	}
	return WIRE_MORE;
}

enum wire_lines_result wire_lines_rest(struct wire_lines *lines, const char **line, size_t *len)
{
	if (lines->start == lines->in.len)
		return WIRE_MORE;
	return take(lines, lines->in.len, 0, line, len) ? WIRE_LINE : WIRE_MORE;
}

void wire_lines_free(struct wire_lines *lines)
{
	buf_free(&lines->in);
	lines->start = lines->scanned = 0;
}
