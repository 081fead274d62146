#include "idtext.h"

#include <stdio.h>
#include <string.h>

#define WHERE_MAX 90 /* bytes of the place; the line number and the value must fit behind it */
#define PLACE_SIZE (WHERE_MAX + 32)

static const bool separates[256] = {
    [' '] = true,
    ['\t'] = true,
    ['\r'] = true,
    ['\n'] = true,
    [','] = true,
    ['#'] = true,
};

void idtext_start(struct idtext *text, const char *where, bool has_lines, size_t n, size_t limit)
{
	*text = (struct idtext){
	    .where = where, .has_lines = has_lines, .n = n, .limit = limit, .line = 1};
}

void idtext_add(struct idtext *text, const char *piece, size_t len)
{
	/* The end of the text ends a token as a line break does. */
	text->at = len > 0 ? piece : "\n";
	text->end = text->at + (len > 0 ? len : 1);
	text->ended = len == 0;
}

bool idtext_ended(const struct idtext *text)
{
	return text->ended;
}

static void name_place(const struct idtext *text, char place[PLACE_SIZE])
{
	if (text->has_lines)
		snprintf(place, PLACE_SIZE, "%.*s, line %zu", WHERE_MAX, text->where, text->line);
	else
		snprintf(place, PLACE_SIZE, "%.*s", WHERE_MAX, text->where);
}

/*
 * One token: ID or FIRST-LAST. A '-' at its start or end makes no range but something to refuse as
 * a whole.
 */
static enum err parse_token(
    struct idtext *text, const char *token, size_t len, const char *place, struct fail *fail)
{
	const char *dash = len > 2 ? memchr(token + 1, '-', len - 2) : NULL;
	size_t first_len = dash ? (size_t)(dash - token) : len;
	int64_t first, last;

	if (idlist_read_id(token, first_len, INT64_MAX, place, &first, fail))
		return fail->err;
	last = first;
	if (dash && idlist_read_id(dash + 1, len - first_len - 1, INT64_MAX, place, &last, fail))
		return fail->err;
	if (last < first)
		return fail_set(fail, ERR_INVALID, "%s: range %.*s ends before it begins", place,
		    (int)len, token);
	if ((uint64_t)(last - first) >= text->limit - text->n)
		return fail_set(fail, ERR_TOO_LARGE, "%s: with %.*s the list has more than %zu ids",
		    place, (int)len, token, text->limit);
	text->n += (size_t)(last - first) + 1;
	text->next = first;
	text->last = last;
	return ERR_OK;
}

/* The token that ends here. Its place is only written down when it is needed. */
static enum err take_token(
    struct idtext *text, const char *token, size_t len, struct idlist *ids, struct fail *fail)
{
	char place[PLACE_SIZE];
	int64_t id;

	/* The common case, without a place. */
	if (text->n < text->limit && idlist_parse_id(token, len, &id)) {
		idlist_push(ids, id);
		text->n++;
		return ERR_OK;
	}
	name_place(text, place);
	return parse_token(text, token, len, place, fail);
}

static enum err read_token(struct idtext *text, struct idlist *ids, struct fail *fail)
{
	const char *start = text->at;
	size_t len, kept = text->token_len;

	while (text->at < text->end && !separates[(unsigned char)*text->at])
		text->at++;
	len = (size_t)(text->at - start);
	if (kept == 0 && text->at < text->end)
		return take_token(text, start, len, ids, fail);
	/* It has begun in an earlier piece, or goes on in the next one. */
	if (len > sizeof(text->token) - kept)
		len = sizeof(text->token) - kept;
	memcpy(text->token + kept, start, len);
	text->token_len += len;
	if (text->at == text->end && text->token_len <= IDTEXT_TOKEN_MAX)
		return ERR_OK;
	len = text->token_len;
	text->token_len = 0;
	return take_token(text, text->token, len, ids, fail);
}

static void expand_range(struct idtext *text, size_t max, struct idlist *ids)
{
	while (ids->n < max) {
		idlist_push(ids, text->next);
		if (text->next == text->last) {
			text->next = 0;
			return;
		}
		text->next++;
	}
}

/* What separates tokens; a comment does, too. */
static void skip_separators(struct idtext *text)
{
	for (; text->at < text->end; text->at++) {
		if (*text->at == '\n') {
			text->line++;
			text->in_comment = false;
		} else if (*text->at == '#') {
			text->in_comment = true;
		} else if (!text->in_comment && !separates[(unsigned char)*text->at]) {
			return;
		}
	}
}

enum err idtext_read(struct idtext *text, size_t max, struct idlist *ids, struct fail *fail)
{
	fail->err = ERR_OK;
	while (ids->n < max) {
		if (text->next > 0) {
			expand_range(text, max, ids);
			continue;
		}
		if (text->token_len == 0)
			skip_separators(text);
		if (text->at == text->end)
			break;
		if (read_token(text, ids, fail))
			return fail->err;
	}
	return ERR_OK;
}
