#include "exec_outcome.h"

#include "utf8.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

void exec_outcomes_init(struct exec_outcomes *outcomes, const struct idlist *ids)
{
	*outcomes = (struct exec_outcomes){.ids = ids};
}

void exec_outcomes_free(struct exec_outcomes *outcomes)
{
	for (size_t i = 0; outcomes->results && i < outcomes->ids->n; i++)
		free(outcomes->results[i].message);
	free(outcomes->results);
	free(outcomes->said);
	free(outcomes->order);
	buf_free(&outcomes->line);
	exec_outcomes_init(outcomes, outcomes->ids);
}

/* ---- the list ---- */

/* By id, then by place. */
static int compare_places(const void *a, const void *b, void *arg)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	const int64_t *v = ((const struct idlist *)arg)->v;

	return v[x] != v[y] ? (v[x] > v[y]) - (v[x] < v[y]) : (x > y) - (x < y);
}

static void make_order(struct exec_outcomes *outcomes)
{
	size_t n = outcomes->ids->n;

	outcomes->order = xcalloc(n, sizeof(*outcomes->order));
	for (size_t i = 0; i < n; i++)
		outcomes->order[i] = i;
	qsort_r(outcomes->order, n, sizeof(*outcomes->order), compare_places,
	    (void *)(uintptr_t)outcomes->ids);
}

/* The first place in the order with this id, or one with a larger one. */
static size_t find_id(struct exec_outcomes *outcomes, int64_t id)
{
	size_t low = 0, high = outcomes->ids->n;

	if (!outcomes->order)
		make_order(outcomes);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (outcomes->ids->v[outcomes->order[middle]] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void say(
    struct exec_outcomes *outcomes, size_t place, enum outcome outcome, const char *message)
{
	struct result *result = &outcomes->results[place];

	free(result->message);
	result->outcome = outcome;
	result->message = message && *message ? xstrdup(message) : NULL;
	outcomes->said[place] = true;
}

/*
 * What was said of the first place of an id holds for the others, too. Only at the end: a list may
 * have one id in all places, and there may be a line for each.
 */
static void say_of_all_places(struct exec_outcomes *outcomes)
{
	const int64_t *v = outcomes->ids->v;
	const size_t *order = outcomes->order;

	for (size_t i = 1; outcomes->results && i < outcomes->ids->n; i++) {
		const struct result *result = &outcomes->results[order[i - 1]];

		if (v[order[i]] == v[order[i - 1]] && outcomes->said[order[i - 1]])
			say(outcomes, order[i], result->outcome, result->message);
	}
}

/* False when the id is not in the list. */
static bool say_of_id(
    struct exec_outcomes *outcomes, int64_t id, enum outcome outcome, const char *message)
{
	const struct idlist *ids = outcomes->ids;
	size_t first = find_id(outcomes, id);

	if (first == ids->n || ids->v[outcomes->order[first]] != id)
		return false;
	if (!outcomes->results) {
		outcomes->results = xcalloc(ids->n, sizeof(*outcomes->results));
		outcomes->said = xcalloc(ids->n, sizeof(*outcomes->said));
	}
	say(outcomes, outcomes->order[first], outcome, message);
	return true;
}

/* ---- lines ---- */

static bool outcome_by_word(const char *word, size_t len, enum outcome *outcome)
{
	static const struct {
		const char *word;
		enum outcome outcome;
	} words[] = {{"ok", OUTCOME_COMPLETED}, {"retry", OUTCOME_RETRY}, {"fail", OUTCOME_FAILED}};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strlen(words[i].word) == len && memcmp(words[i].word, word, len) == 0) {
			*outcome = words[i].outcome;
			return true;
		}
	return false;
}

static void clean_message(char message[ATTEMPT_ID_ERROR_MAX + 1], const char *text, size_t len)
{
	char copy[EXEC_OUTCOME_LINE_MAX + 1];

	for (size_t i = 0; i < len; i++)
		copy[i] = text[i] == '\t' ? ' ' : text[i] ? text[i] : '?';
	copy[len] = '\0';
	utf8_clean(message, ATTEMPT_ID_ERROR_MAX + 1, copy);
}

/* Whether a line can become an outcome, from its first byte: most do not. */
static bool may_be_outcome(char first)
{
	return first >= '1' && first <= '9';
}

/* A line, with or without its end. False: it is an ordinary one. */
static bool read_line(struct exec_outcomes *outcomes, const char *line, size_t len)
{
	char message[ATTEMPT_ID_ERROR_MAX + 1] = "";
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
	if (!outcome_by_word(word, (size_t)(end - word), &outcome))
		return false;
	/* Nothing needs an explanation when all is well. */
	if (end < line + len && outcome != OUTCOME_COMPLETED)
		clean_message(message, end + 1, (size_t)(line + len - end - 1));
	return say_of_id(outcomes, id, outcome, message);
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
	say_of_all_places(outcomes);
}
