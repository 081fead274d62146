#include "json.h"

#include "utf8.h"
#include "util.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* State of the lexical pass. Functions return false after they have set *fail. */
struct lexer {
	const char *start, *at, *end;
	const char *copied; /* up to here the text is in `out` */
	/* The text for cJSON: each "ids" array replaced by [NUMBER OF ITS SPAN], numbers that are
	 * the value of an inner "id" put between quotes. */
	struct buf out;
	struct json_doc *doc;
	int64_t max_id;
	size_t values;
	int depth;
	bool in_ids; /* inside an "ids" array, where all else is skipped */
	struct fail *fail;
};

static bool lex_value(struct lexer *lx);

static bool bad(struct lexer *lx, const char *what)
{
	fail_set(lx->fail, ERR_PARSE_ERROR, "not valid JSON at byte %zu: %s",
	    (size_t)(lx->at - lx->start), what);
	return false;
}

static void skip_space(struct lexer *lx)
{
	while (lx->at < lx->end &&
	       (*lx->at == ' ' || *lx->at == '\t' || *lx->at == '\n' || *lx->at == '\r'))
		lx->at++;
}

static char peek(const struct lexer *lx)
{
	return lx->at < lx->end ? *lx->at : '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The four hex digits of a \u escape; -1 when they are not. */
static int hex4(const struct lexer *lx, const char *at)
{
	int value = 0;

	if (lx->end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		const char *hex = "0123456789abcdef", *digit = strchr(hex, at[i] | 0x20);

		if (!digit || !(is_digit(at[i]) || (at[i] | 0x20) >= 'a'))
			return -1;
		value = value << 4 | (int)(digit - hex);
	}
	return value;
}

/* Behind "\u". Surrogates must come in pairs (RFC 8259 section 8.2 leaves them open; we do not). */
static bool lex_unicode_escape(struct lexer *lx)
{
	int unit = hex4(lx, lx->at), low;

	if (unit < 0)
		return bad(lx, "\\u needs four hexadecimal digits");
	if (unit == 0)
		return bad(lx, "\\u0000 in a string");
	lx->at += 4;
	if (unit < 0xd800 || unit > 0xdfff)
		return true;
	low = lx->end - lx->at > 2 && lx->at[0] == '\\' && lx->at[1] == 'u' ? hex4(lx, lx->at + 2)
	                                                                    : -1;
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return bad(lx, "half of a surrogate pair");
	lx->at += 6;
	return true;
}

static bool lex_escape(struct lexer *lx)
{
	char c;

	lx->at++;
	c = peek(lx);
	if (c == '\0' || !strchr("\"\\/bfnrtu", c))
		return bad(lx, "unknown escape");
	lx->at++;
	return c == 'u' ? lex_unicode_escape(lx) : true;
}

static bool lex_string(struct lexer *lx)
{
	lx->at++;
	for (;;) {
		size_t length;

		if (lx->at == lx->end)
			return bad(lx, "the string does not end");
		if (*lx->at == '"') {
			lx->at++;
			return true;
		}
		if (*lx->at == '\\') {
			if (!lex_escape(lx))
				return false;
			continue;
		}
		length = utf8_length(lx->at, (size_t)(lx->end - lx->at));
		if (length == 0)
			return bad(lx, "invalid UTF-8");
		if ((unsigned char)*lx->at < 0x20)
			return bad(lx, "control character in a string");
		lx->at += length;
	}
}

static bool lex_digits(struct lexer *lx)
{
	if (!is_digit(peek(lx)))
		return bad(lx, "a digit is missing");
	while (is_digit(peek(lx)))
		lx->at++;
	return true;
}

static bool lex_number_token(struct lexer *lx)
{
	if (peek(lx) == '-')
		lx->at++;
	if (peek(lx) == '0' && lx->at + 1 < lx->end && is_digit(lx->at[1]))
		return bad(lx, "a number with a leading zero");
	if (!lex_digits(lx))
		return false;
	if (peek(lx) == '.') {
		lx->at++;
		if (!lex_digits(lx))
			return false;
	}
	if (peek(lx) == 'e' || peek(lx) == 'E') {
		lx->at++;
		if (peek(lx) == '+' || peek(lx) == '-')
			lx->at++;
		return lex_digits(lx);
	}
	return true;
}

static bool lex_number(struct lexer *lx)
{
	const char *token = lx->at;

	if (!lex_number_token(lx))
		return false;
	/* cJSON reads no longer ones. */
	if (!lx->in_ids && lx->at - token > JSON_MAX_NUMBER) {
		lx->at = token;
		return bad(lx, "a number of more than 63 characters");
	}
	return true;
}

static bool lex_word(struct lexer *lx)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		size_t length = strlen(words[i]);

		if ((size_t)(lx->end - lx->at) >= length && memcmp(lx->at, words[i], length) == 0) {
			lx->at += length;
			return true;
		}
	}
	return bad(lx, lx->at == lx->end ? "the text ends too early" : "a value is missing");
}

/* After an element or a member: ',' (more follow) or `close` (*done). */
static bool lex_separator(struct lexer *lx, char close, bool *done)
{
	skip_space(lx);
	if (peek(lx) != ',' && peek(lx) != close)
		return bad(lx, lx->at == lx->end ? "the text ends too early"
			       : close == ']'    ? "expected ',' or ']'"
						 : "expected ',' or '}'");
	*done = *lx->at++ == close;
	skip_space(lx);
	return true;
}

/* Behind an opening bracket: whether the closing one follows at once; it is consumed then. */
static bool lex_is_empty(struct lexer *lx, char close)
{
	lx->at++;
	skip_space(lx);
	if (peek(lx) != close)
		return false;
	lx->at++;
	return true;
}

static bool lex_array(struct lexer *lx)
{
	bool done = lex_is_empty(lx, ']');

	while (!done)
		if (!lex_value(lx) || !lex_separator(lx, ']', &done))
			return false;
	return true;
}

/* One element of an "ids" array. What is valid JSON but no id goes to doc->ids_fail. */
static bool lex_id(struct lexer *lx, size_t index)
{
	const char *token = lx->at;
	size_t len, quoted;
	char where[32];
	int64_t id;

	if (!lex_value(lx))
		return false;
	lx->values--;
	if (lx->doc->ids_fail.err)
		return true;
	len = (size_t)(lx->at - token);
	quoted = *token == '"';
	if (parse_u63(token + quoted, len - 2 * quoted, &id) && id >= 1 && id <= lx->max_id) {
		idlist_push(&lx->doc->ids, id);
		return true;
	}
	snprintf(where, sizeof(where), "ids[%zu]", index);
	idlist_read_id(token, len, lx->max_id, where, &id, &lx->doc->ids_fail);
	return true;
}

static bool lex_ids(struct lexer *lx)
{
	struct json_doc *doc = lx->doc;
	struct json_span span = {.at = doc->ids.n};
	bool done;

	if (++lx->depth > JSON_MAX_DEPTH)
		return bad(lx, "nested deeper than 32 levels");
	lx->in_ids = true;
	buf_add(&lx->out, lx->copied, (size_t)(lx->at - lx->copied));
	buf_printf(&lx->out, "[%zu]", doc->n_spans);
	done = lex_is_empty(lx, ']');
	for (size_t i = 0; !done; i++)
		if (!lex_id(lx, i) || !lex_separator(lx, ']', &done))
			return false;
	lx->in_ids = false;
	lx->depth--;
	lx->copied = lx->at;
	span.n = doc->ids.n - span.at;
	doc->spans = xreallocarray(doc->spans, doc->n_spans + 1, sizeof(span));
	doc->spans[doc->n_spans++] = span;
	return true;
}

/* A number as the value of an inner "id": cJSON keeps all digits of a string. */
static bool lex_inner_id(struct lexer *lx)
{
	const char *token = lx->at;

	lx->values++;
	if (!lex_number(lx))
		return false;
	buf_add(&lx->out, lx->copied, (size_t)(token - lx->copied));
	buf_printf(&lx->out, "\"%.*s\"", (int)(lx->at - token), token);
	lx->copied = lx->at;
	return true;
}

static bool is_name(const char *token, size_t len, const char *name)
{
	return len == strlen(name) && memcmp(token, name, len) == 0;
}

static bool lex_member(struct lexer *lx)
{
	const char *name = lx->at, *value;
	size_t len;

	if (peek(lx) != '"')
		return bad(lx, "expected a member name");
	if (!lex_string(lx))
		return false;
	len = (size_t)(lx->at - name);
	skip_space(lx);
	if (peek(lx) != ':')
		return bad(lx, "expected ':'");
	lx->at++;
	skip_space(lx);
	value = lx->at;
	if (is_name(name, len, "\"ids\"") && peek(lx) == '[' && !lx->in_ids) {
		lx->values++;
		return lex_ids(lx);
	}
	if (is_name(name, len, "\"id\"") && lx->depth > 1 && !lx->in_ids && is_digit(peek(lx)))
		return lex_inner_id(lx);
	if (!lex_value(lx))
		return false;
	if (lx->depth == 1 && is_name(name, len, "\"id\"")) {
		lx->doc->id = value;
		lx->doc->id_len = (size_t)(lx->at - value);
	}
	return true;
}

static bool lex_object(struct lexer *lx)
{
	bool done = lex_is_empty(lx, '}');

	for (int members = 0; !done; members++) {
		if (members == JSON_MAX_MEMBERS)
			return bad(lx, "an object with more than 64 members");
		if (!lex_member(lx) || !lex_separator(lx, '}', &done))
			return false;
	}
	return true;
}

static bool lex_value(struct lexer *lx)
{
	bool ok;

	if (++lx->values > JSON_MAX_VALUES)
		return bad(lx, "more than 65536 values");
	switch (peek(lx)) {
	case '{':
	case '[':
		if (++lx->depth > JSON_MAX_DEPTH)
			return bad(lx, "nested deeper than 32 levels");
		ok = *lx->at == '{' ? lex_object(lx) : lex_array(lx);
		lx->depth--;
		return ok;
	case '"':
		return lex_string(lx);
	default:
		return peek(lx) == '-' || is_digit(peek(lx)) ? lex_number(lx) : lex_word(lx);
	}
}

static bool lex_text(struct lexer *lx)
{
	skip_space(lx);
	if (!lex_value(lx))
		return false;
	skip_space(lx);
	if (lx->at < lx->end)
		return bad(lx, "more behind the value");
	buf_add(&lx->out, lx->copied, (size_t)(lx->end - lx->copied));
	return true;
}

static bool ids_escaped(struct fail *fail)
{
	fail_set(fail, ERR_PARSE_ERROR, "the name \"ids\" must be written without escapes");
	return false;
}

/* Whether an array holds what lex_ids() has put in the place of its span number `index`. */
static bool is_span(const cJSON *array, size_t index)
{
	const cJSON *number = array->child;

	return cJSON_IsNumber(number) && !number->next && number->valuedouble == (double)index;
}

/*
 * Duplicate names, which differ in escapes at most, and names "ids" that lex_member() did not see
 * because of escapes. Counts the "ids" arrays on the way.
 */
static bool check_names(const cJSON *value, size_t *ids, struct fail *fail)
{
	const cJSON *member, *other;

	cJSON_ArrayForEach(member, value)
	{
		if (cJSON_IsObject(value)) {
			for (other = value->child; other != member; other = other->next)
				if (strcmp(other->string, member->string) == 0) {
					fail_set(fail, ERR_PARSE_ERROR,
					    "duplicate member \"%.64s\"", member->string);
					return false;
				}
			if (cJSON_IsArray(member) && strcmp(member->string, "ids") == 0) {
				if (!is_span(member, (*ids)++))
					return ids_escaped(fail);
				continue;
			}
		}
		if (!check_names(member, ids, fail))
			return false;
	}
	return true;
}

static bool build(struct lexer *lx)
{
	size_t ids = 0;

	/* The pass let only valid JSON through, so NULL can only mean that memory is out. */
	lx->doc->root = cJSON_ParseWithLengthOpts(lx->out.data, lx->out.len + 1, NULL, 1);
	if (!lx->doc->root)
		return bad(lx, "refused by cJSON");
	if (!check_names(lx->doc->root, &ids, lx->fail))
		return false;
	return ids == lx->doc->n_spans || ids_escaped(lx->fail);
}

enum err json_parse(
    const char *text, size_t len, int64_t max_id, struct json_doc *doc, struct fail *fail)
{
	struct lexer lx = {.start = text,
	    .at = text,
	    .end = text + len,
	    .copied = text,
	    .doc = doc,
	    .max_id = max_id,
	    .fail = fail};
	bool ok;

	*doc = (struct json_doc){0};
	fail->err = ERR_OK;
	ok = lex_text(&lx) && build(&lx);
	buf_free(&lx.out);
	if (!ok)
		json_free(doc);
	return fail->err;
}

void json_free(struct json_doc *doc)
{
	cJSON_Delete(doc->root);
	idlist_free(&doc->ids);
	free(doc->spans);
	*doc = (struct json_doc){0};
}

const cJSON *json_get(const cJSON *object, const char *name)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

bool json_get_ids(const struct json_doc *doc, const cJSON *array, const int64_t **ids, size_t *n)
{
	struct json_span span;

	if (!cJSON_IsArray(array))
		return false;
	span = doc->spans[(size_t)array->child->valuedouble];
	*ids = span.n > 0 ? doc->ids.v + span.at : NULL;
	*n = span.n;
	return true;
}

bool json_get_id(const cJSON *item, int64_t *id)
{
	const char *text = json_get_str(item);

	return text && idlist_parse_id(text, strlen(text), id);
}

const char *json_get_str(const cJSON *item)
{
	return cJSON_IsString(item) ? item->valuestring : NULL;
}

bool json_get_int(const cJSON *item, int64_t min, int64_t max, int64_t *value)
{
	double number;

	if (!cJSON_IsNumber(item))
		return false;
	number = item->valuedouble;
	if (!(fabs(number) <= (double)JSON_MAX_EXACT) || floor(number) != number)
		return false;
	*value = (int64_t)number;
	return *value >= min && *value <= max;
}

enum err json_only(
    const cJSON *object, const char *const *names, const char *what, struct fail *fail)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, object)
	{
		const char *const *name = names;

		while (*name && strcmp(*name, member->string) != 0)
			name++;
		if (!*name)
			return fail_set(fail, ERR_INVALID, "unknown member \"%.64s\" in %s",
			    member->string, what);
	}
	return ERR_OK;
}

void json_add_int(cJSON *object, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	cJSON_AddRawToObject(object, name, text);
}

void json_add_ids(cJSON *object, const char *name, const int64_t *ids, size_t n)
{
	struct buf text = {0};

	buf_add(&text, "[", 1);
	idlist_format(ids, n, ',', &text);
	buf_add(&text, "]", 1);
	cJSON_AddRawToObject(object, name, text.data);
	buf_free(&text);
}

void json_print(const cJSON *item, struct buf *out)
{
	char *text = cJSON_PrintUnformatted(item);

	if (!text)
		abort();
	buf_add_str(out, text);
	cJSON_free(text);
}
