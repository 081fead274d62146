#include "exec_output.h"

#include "buf.h"
#include "utf8.h"
#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RING_MIN 1024 /* enough for the last line, however little is to be kept */

static size_t head_size(const struct exec_output *output)
{
	return output->max / 2;
}

/* Of the end, what is kept to be shown. */
static size_t tail_size(const struct exec_output *output)
{
	return output->max - head_size(output);
}

static size_t ring_size(const struct exec_output *output)
{
	return tail_size(output) > RING_MIN ? tail_size(output) : RING_MIN;
}

static size_t smaller(int64_t a, size_t b)
{
	return a < (int64_t)b ? (size_t)a : b;
}

void exec_output_init(struct exec_output *output, size_t max)
{
	*output = (struct exec_output){.max = max};
}

void exec_output_free(struct exec_output *output)
{
	free(output->head);
	free(output->ring);
	exec_output_init(output, output->max);
}

/* ---- keeping ---- */

static size_t add_head(struct exec_output *output, const char *data, size_t len)
{
	size_t n = smaller((int64_t)len, head_size(output) - output->head_n);

	if (n == 0)
		return 0;
	if (!output->head)
		output->head = xmalloc(head_size(output));
	memcpy(output->head + output->head_n, data, n);
	output->head_n += n;
	return n;
}

static void add_ring(struct exec_output *output, const char *data, size_t len)
{
	size_t size = ring_size(output);

	if (!output->ring)
		output->ring = xmalloc(size);
	if (len > size) {
		output->beyond += (int64_t)(len - size);
		data += len - size;
		len = size;
	}
	while (len > 0) {
		size_t at = (size_t)(output->beyond % (int64_t)size);
		size_t n = len < size - at ? len : size - at;

		memcpy(output->ring + at, data, n);
		output->beyond += (int64_t)n;
		data += n;
		len -= n;
	}
}

void exec_output_add(struct exec_output *output, const char *data, size_t len)
{
	size_t n = add_head(output, data, len);

	if (n < len)
		add_ring(output, data + n, len - n);
}

/* ---- showing ---- */

/* Appends the last n bytes of the ring. */
static void add_end(const struct exec_output *output, size_t n, struct buf *to)
{
	size_t size = ring_size(output);

	for (int64_t from = output->beyond - (int64_t)n; from < output->beyond;) {
		size_t at = (size_t)(from % (int64_t)size);
		size_t piece = smaller(output->beyond - from, size - at);

		buf_add(to, output->ring + at, piece);
		from += (int64_t)piece;
	}
}

/* Length of the text without a character that is cut off at its end. */
static size_t whole_characters(const char *text, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)text[len - back];

		if (c >= 0xc0)
			return utf8_length(text + len - back, back) > 0 ? len : len - back;
		if (c < 0x80)
			break;
	}
	return len;
}

/* Bytes at the beginning that belong to a character which is cut off. */
static size_t broken_start(const char *text, size_t len)
{
	size_t n = 0;

	while (n < 3 && n < len && ((unsigned char)text[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* Newlines and tabs stay, a CR before a newline is dropped. */
static void add_clean(struct buf *to, const char *text, size_t len)
{
	while (len > 0) {
		size_t n = utf8_length(text, len);
		bool keeps = n > 0 && (!utf8_is_control(text, n) || strchr("\n\t", *text)) && *text;
		bool crlf = len > 1 && text[0] == '\r' && text[1] == '\n';

		n = n ? n : 1;
		if (!crlf)
			buf_add(to, keeps ? text : "?", keeps ? n : 1);
		text += n;
		len -= n;
	}
}

static void add_beginning_and_end(const struct exec_output *output, struct buf *text)
{
	size_t head_n = whole_characters(output->head, output->head_n), skip;
	struct buf end = {0};

	add_end(output, tail_size(output), &end);
	skip = broken_start(end.data, end.len);
	add_clean(text, output->head, head_n);
	if (text->len > 0 && text->data[text->len - 1] != '\n')
		buf_add_str(text, "\n");
	buf_printf(text, "[... %" PRId64 " bytes left out ...]\n",
	    (int64_t)output->head_n + output->beyond - (int64_t)(head_n + end.len - skip));
	add_clean(text, end.data + skip, end.len - skip);
	buf_free(&end);
}

static void add_all(const struct exec_output *output, struct buf *text)
{
	struct buf all = {0};

	buf_add(&all, output->head, output->head_n);
	add_end(output, (size_t)output->beyond, &all);
	add_clean(text, all.data, all.len);
	buf_free(&all);
}

void exec_output_take(struct exec_output *output, struct output *out)
{
	struct buf text = {0};

	*out = (struct output){.bytes = (int64_t)output->head_n + output->beyond};
	if (out->bytes > 0 && output->max > 0) {
		if (output->beyond > (int64_t)tail_size(output))
			add_beginning_and_end(output, &text);
		else
			add_all(output, &text);
		out->text = text.data;
	}
	exec_output_free(output);
}

void exec_output_last_line(const struct exec_output *output, char *line, size_t size)
{
	struct buf text = {0};
	size_t start;

	if (output->beyond <= (int64_t)ring_size(output))
		buf_add(&text, output->head, output->head_n);
	add_end(output, smaller(output->beyond, ring_size(output)), &text);
	while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]))
		text.len--; /* NUL is in strchr()'s list, too */
	for (start = text.len; start > 0 && text.data[start - 1] != '\n';)
		start--;
	for (size_t i = start; i < text.len; i++)
		if (text.data[i] == '\0')
			text.data[i] = '?';
	if (text.data)
		text.data[text.len] = '\0';
	utf8_clean(line, size, text.len > 0 ? text.data + start : "");
	buf_free(&text);
}
