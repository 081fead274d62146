#include "idlist.h"

#include "util.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 40 /* bytes of a wrong value that an error shows */
#define WHERE_MAX 90 /* bytes of the place; the line number and the value must fit behind it */

static void reserve(struct idlist *list, size_t more)
{
	size_t need = list->n + more;

	if (need > list->cap) {
		list->cap = need < 2 * list->cap ? 2 * list->cap : need;
		list->v = xreallocarray(list->v, list->cap, sizeof(*list->v));
	}
}

void idlist_push(struct idlist *list, int64_t id)
{
	reserve(list, 1);
	list->v[list->n++] = id;
}

void idlist_add(struct idlist *list, const int64_t *ids, size_t n)
{
	if (n == 0)
		return;
	reserve(list, n);
	memcpy(list->v + list->n, ids, n * sizeof(*ids));
	list->n += n;
}

void idlist_free(struct idlist *list)
{
	free(list->v);
	*list = (struct idlist){0};
}

enum err idlist_read_id(
    const char *text, size_t len, int64_t max_id, const char *where, int64_t *id, struct fail *fail)
{
	if (parse_u63(text, len, id) && *id >= 1 && *id <= max_id)
		return ERR_OK;
	return fail_set(fail, ERR_INVALID, "%s: %.*s%s is not an integer from 1 to %" PRId64, where,
	    (int)(len < SHOWN_MAX ? len : SHOWN_MAX), text, len < SHOWN_MAX ? "" : "...", max_id);
}

/*
 * One token: ID or FIRST-LAST. A '-' at its start or end makes no range but something to refuse as
 * a whole.
 */
static enum err parse_token(struct idlist *list, const char *token, size_t len, size_t limit,
    const char *where, struct fail *fail)
{
	const char *dash = len > 2 ? memchr(token + 1, '-', len - 2) : NULL;
	size_t first_len = dash ? (size_t)(dash - token) : len;
	int64_t first, last;

	if (idlist_read_id(token, first_len, INT64_MAX, where, &first, fail))
		return fail->err;
	last = first;
	if (dash && idlist_read_id(dash + 1, len - first_len - 1, INT64_MAX, where, &last, fail))
		return fail->err;
	if (last < first)
		return fail_set(fail, ERR_INVALID, "%s: range %.*s ends before it begins", where,
		    (int)len, token);
	if ((uint64_t)(last - first) >= limit - list->n)
		return fail_set(fail, ERR_TOO_LARGE, "%s: with %.*s the list has more than %zu ids",
		    where, (int)len, token, limit);
	reserve(list, (size_t)(last - first) + 1);
	for (int64_t id = first;; id++) {
		list->v[list->n++] = id;
		if (id == last)
			return ERR_OK;
	}
}

static size_t skip_comment(const char *text, size_t len)
{
	const char *newline = memchr(text, '\n', len);

	return newline ? (size_t)(newline - text) : len;
}

static size_t token_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && !memchr(" \t\r\n,#", text[n], 6))
		n++;
	return n;
}

enum err idlist_parse_text(struct idlist *list, const char *text, size_t len, size_t limit,
    const char *where, struct fail *fail)
{
	bool lines = len > 0 && memchr(text, '\n', len);
	char place[128];
	size_t line = 1;

	snprintf(place, sizeof(place), "%.*s", WHERE_MAX, where);
	for (size_t i = 0; i < len;) {
		size_t n = token_length(text + i, len - i);

		if (n > 0) {
			if (lines)
				snprintf(
				    place, sizeof(place), "%.*s, line %zu", WHERE_MAX, where, line);
			if (parse_token(list, text + i, n, limit, place, fail))
				return fail->err;
			i += n;
		} else if (text[i] == '#') {
			i += skip_comment(text + i, len - i);
		} else {
			line += text[i++] == '\n';
		}
	}
	return ERR_OK;
}

void idlist_format(const int64_t *ids, size_t n, char separator, struct buf *out)
{
	char digits[24];

	for (size_t i = 0; i < n; i++) {
		char *end = digits + sizeof(digits), *at = end;
		uint64_t rest = (uint64_t)ids[i];

		do
			*--at = (char)('0' + rest % 10);
		while (rest /= 10);
		if (i > 0)
			*--at = separator;
		buf_add(out, at, (size_t)(end - at));
	}
}
