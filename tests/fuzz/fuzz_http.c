#include "fuzz.h"

#include "http_fields.h"
#include "transcript.h"
#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fault(const char *what)
{
	fprintf(stderr, "fuzz_http: %s\n", what);
	abort();
}

static void want(bool ok, const char *what)
{
	if (!ok)
		fault(what);
}

/* ---- what must hold for each request ---- */

/* What was taken for a head is one for the strictest reader: one empty line, at its end, all CRLF.
 */
static void check_raw_head(const char *head, size_t len)
{
	while (len >= 2 && memcmp(head, "\r\n", 2) == 0)
		head += 2, len -= 2;
	want(len >= 4 && len <= HTTP_HEAD_MAX, "size of a head");
	want((char *)memmem(head, len, "\r\n\r\n", 4) == head + len - 4, "where a head ends");
	for (size_t i = 0; i < len; i++) {
		want(head[i] != '\0', "a NUL in a head");
		want((head[i] == '\r') == (i + 1 < len && head[i + 1] == '\n'), "a bare CR or LF");
	}
}

static void check_value(const char *value)
{
	char key[KEY_MAX + 1], *copy = xstrdup(value);
	const char *at = copy, *element, *end = copy + strlen(copy);
	struct http_media media;
	size_t len;

	while (http_list_next(&at, &element, &len))
		want(element >= copy && len <= (size_t)(end - element), "element of a list");
	http_media_read(copy, &media);
	want(!http_key_read(copy, key) || key_is_valid(key), "an invalid key");
	http_etags_have(copy, "W/\"7\"");
	http_etags_have("\"7\"", copy);
	http_accepts_html(copy);
	free(copy);
}

static void check_query(const char *query)
{
	struct http_pair pair;

	while (http_query_next(&query, &pair) == HTTP_FOUND)
		want(pair.name[0] != '\0' && strlen(pair.value) < sizeof(pair.value), "a pair");
}

/* The least that says the same; never longer than what came. */
static void write_head(const struct http_request *r, struct buf *out, struct buf *fields)
{
	const char *at = NULL, *name, *value;

	buf_printf(out, "%s %s HTTP/1.%d\r\n", r->method, r->target, r->minor);
	while (http_header_next(r, &at, &name, &value)) {
		buf_printf(out, "%s:%s\r\n", name, value);
		buf_printf(fields, "%s\n%s\n", name, value);
	}
	buf_add_str(fields, "");
	buf_add_str(out, "\r\n");
}

/* Written down anew and read again, it is the same request. */
static void check_round_trip(const struct http_request *r, uint64_t body_max)
{
	struct buf text = {0}, fields = {0}, text2 = {0}, fields2 = {0};
	struct http_parser p;
	size_t used;

	http_parser_init(&p, body_max);
	write_head(r, &text, &fields);
	want(http_parser_feed(&p, text.data, text.len, &used) == HTTP_HEAD, "refused again");
	want(used == text.len, "used of a head");
	write_head(&p.request, &text2, &fields2);
	want(strcmp(text.data, text2.data) == 0, "another text");
	want(strcmp(fields.data, fields2.data) == 0, "other fields");
	want(strcmp(r->path, p.request.path) == 0, "another path");
	want(!r->host == !p.request.host, "a host or none");
	want(!r->host || strcmp(r->host, p.request.host) == 0, "another host");
	want(r->port == p.request.port, "another port");
	want(r->framing == p.request.framing && r->length == p.request.length, "another framing");
	want(r->keep_alive == p.request.keep_alive, "another end");
	want(r->expect_continue == p.request.expect_continue, "another expectation");
	http_parser_free(&p);
	buf_free(&text);
	buf_free(&fields);
	buf_free(&text2);
	buf_free(&fields2);
}

static void check_request(const struct http_request *r, uint64_t body_max)
{
	const char *at = NULL, *name, *value;
	size_t n = 0;

	want(*r->method != '\0' && strlen(r->method) <= HTTP_METHOD_MAX, "a method");
	want(*r->path == '/' || strcmp(r->path, "*") == 0, "a path");
	want(r->host || r->minor == 0, "HTTP/1.1 without a host");
	want(r->length <= body_max, "a length over the limit");
	want(r->framing != HTTP_CHUNKED || r->minor == 1, "chunked in HTTP/1.0");
	want(!http_header(r, "content-length") || !http_header(r, "transfer-encoding"), "both");
	while (http_header_next(r, &at, &name, &value)) {
		n++;
		want(*name != '\0', "no name");
		want(!http_is(*value, HTTP_SPACE), "space in front of a value");
		want(!*value || !http_is(value[strlen(value) - 1], HTTP_SPACE), "space behind");
		check_value(value);
	}
	want(n <= HTTP_FIELDS_MAX, "too many fields");
	if (r->query)
		check_query(r->query);
	check_value(r->target);
	check_round_trip(r, body_max);
}

static void check_requests(const char *data, size_t len, uint64_t body_max)
{
	struct http_parser p;
	enum http_event event;
	size_t at = 0, head = 0, used;

	http_parser_init(&p, body_max);
	do {
		event = http_parser_feed(&p, data + at, len - at, &used);
		at += used;
		if (event == HTTP_END)
			head = at;
		if (event == HTTP_HEAD) {
			check_raw_head(data + head, at - head);
			check_request(&p.request, body_max);
		}
	} while (event != HTTP_MORE && event != HTTP_ERROR);
	want(event != HTTP_ERROR || (p.error.status >= 400 && p.error.status <= 505), "a status");
	http_parser_free(&p);
}

/* ---- the same result in any pieces ---- */

static size_t next_piece(uint32_t *state, size_t left)
{
	uint32_t largest = *state & 1 ? 3 : 40;
	size_t n;

	*state = *state * 1664525u + 1013904223u;
	n = *state >> 16 & 0xffff;
	n %= largest;
	return n < left ? n : left;
}

static void compare(const char *data, size_t len, uint64_t body_max, uint32_t seed)
{
	struct transcript whole, cut;
	size_t n;

	transcript_init(&whole, body_max);
	transcript_init(&cut, body_max);
	transcript_feed(&whole, data, len);
	transcript_end(&whole);
	for (size_t at = 0; at < len; at += n) {
		n = seed == 0 ? 1 : next_piece(&seed, len - at);
		if (!transcript_feed(&cut, data + at, n))
			break;
	}
	transcript_end(&cut);
	want(!whole.broken, whole.broken);
	want(!cut.broken, cut.broken);
	want(strcmp(whole.text.data, cut.text.data) == 0, "other requests in pieces");
	want(strcmp(whole.fields.data, cut.fields.data) == 0, "other fields in pieces");
	want(whole.used == cut.used, "another place of the error in pieces");
	transcript_free(&whole);
	transcript_free(&cut);
}

int fuzz_http(const uint8_t *data, size_t size)
{
	uint64_t body_max;
	char *stream;

	if (size < 2)
		return 0;
	body_max = (uint64_t)1 << data[1] % 24;
	stream = xmalloc(size - 1);
	memcpy(stream, data + 2, size - 2);
	check_requests(stream, size - 2, body_max);
	compare(stream, size - 2, body_max, data[0]);
	free(stream);
	return 0;
}
