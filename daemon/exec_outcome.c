#include "exec_outcome.h"

#include <string.h>

void exec_outcomes_init(struct exec_outcomes *outcomes, const struct idlist *ids)
{
	*outcomes = (struct exec_outcomes){.inside = false};
	outcomes_init(&outcomes->of_ids, ids);
}

void exec_outcomes_free(struct exec_outcomes *outcomes)
{
	outcomes_free(&outcomes->of_ids);
	buf_free(&outcomes->line);
}

/* As a string: tabs become blanks, and NUL bytes something that is seen. */
static void copy_message(char copy[EXEC_OUTCOME_LINE_MAX + 1], const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		copy[i] = text[i] == '\t' ? ' ' : text[i] ? text[i] : '?';
	copy[len] = '\0';
}

/* Whether a line can become an outcome, from its first byte: most do not. */
static bool may_be_outcome(char first)
{
	return first >= '1' && first <= '9';
}

/* A line, with or without its end. False: it is an ordinary one. */
static bool read_line(struct exec_outcomes *outcomes, const char *line, size_t len)
{
	char message[EXEC_OUTCOME_LINE_MAX + 1] = "";
	const char *tab, *word, *end;
	enum outcome outcome;
	int64_t id;

	if (len > EXEC_OUTCOME_LINE_MAX || !may_be_outcome(*line))
		return false;
	if (line[len - 1] == '\n')
		len--;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	tab = memchr(line, '\t', len);
	if (!tab || !idlist_parse_id(line, (size_t)(tab - line), &id))
		return false;
	word = tab + 1;
	end = memchr(word, '\t', len - (size_t)(word - line));
	end = end ? end : line + len;
	if (!outcomes_word(word, (size_t)(end - word), &outcome))
		return false;
	if (end < line + len)
		copy_message(message, end + 1, (size_t)(line + len - end - 1));
	return outcomes_say(&outcomes->of_ids, id, outcome, message);
}

/* A piece of a line whose other pieces come with other calls. */
static void add_piece(struct exec_outcomes *outcomes, const char *data, size_t len, bool is_last,
    struct exec_output *rest)
{
	struct buf *line = &outcomes->line;

	buf_add(line, data, len);
	if (!is_last && line->len <= EXEC_OUTCOME_LINE_MAX && may_be_outcome(*line->data))
		return;
	if (!is_last || !read_line(outcomes, line->data, line->len))
		exec_output_add(rest, line->data, line->len);
	outcomes->inside = !is_last;
	line->len = 0;
}

void exec_outcomes_add(
    struct exec_outcomes *outcomes, const char *data, size_t len, struct exec_output *rest)
{
	size_t ordinary = 0; /* from there up to `at`, which has not been passed on */

	for (size_t at = 0, n; at < len; at += n) {
		const char *newline = memchr(data + at, '\n', len - at);

		n = newline ? (size_t)(newline - data) + 1 - at : len - at;
		if (outcomes->inside) {
			outcomes->inside = !newline;
			continue;
		}
		if (newline && outcomes->line.len == 0 && !read_line(outcomes, data + at, n))
			continue;
		exec_output_add(rest, data + ordinary, at - ordinary);
		ordinary = at + n;
		if (!newline || outcomes->line.len > 0)
			add_piece(outcomes, data + at, n, newline, rest);
	}
	exec_output_add(rest, data + ordinary, len - ordinary);
}

void exec_outcomes_end(struct exec_outcomes *outcomes, struct exec_output *rest)
{
	if (outcomes->line.len > 0)
		add_piece(outcomes, "", 0, true, rest);
	outcomes_spread(&outcomes->of_ids);
}
