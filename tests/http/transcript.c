#include "transcript.h"

#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void add_escaped(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] >= ' ' && text[i] <= '~')
			buf_add(out, text + i, 1);
		else
			buf_printf(out, "\\x%02x", (unsigned char)text[i]);
}

static void check(struct transcript *t, bool ok, const char *what)
{
	if (!ok && !t->broken)
		t->broken = what;
}

static void add_head(struct transcript *t)
{
	const struct http_request *r = &t->parser.request;
	const char *at = NULL, *name, *value;

	buf_printf(&t->text, "%s ", r->method);
	add_escaped(&t->text, r->path, strlen(r->path));
	if (r->query)
		buf_printf(&t->text, "?%s", r->query);
	buf_printf(&t->text, " HTTP/1.%d ", r->minor);
	buf_printf(&t->text, r->host ? "host=%s" : "no-host", r->host);
	if (r->port)
		buf_printf(&t->text, ":%d", r->port);
	if (r->framing == HTTP_LENGTH)
		buf_printf(&t->text, " length=%" PRIu64, r->length);
	else
		buf_add_str(&t->text, r->framing == HTTP_CHUNKED ? " chunked" : " none");
	buf_add_str(&t->text, r->keep_alive ? " keep" : " close");
	buf_add_str(&t->text, r->expect_continue ? " continue \"" : " \"");
	while (http_header_next(r, &at, &name, &value))
		buf_printf(&t->fields, "%s: %s\n", name, value);
}

static void check_end(struct transcript *t)
{
	const struct http_parser *p = &t->parser;

	check(t, p->request.method != NULL, "the request is gone at its end");
	check(t, p->received <= p->body_max, "a body longer than allowed");
	if (p->request.framing != HTTP_CHUNKED)
		check(t, p->received == p->request.length, "another length than announced");
}

static void add_event(
    struct transcript *t, enum http_event event, const char *data, size_t len, size_t used)
{
	const struct http_parser *p = &t->parser;

	switch (event) {
	case HTTP_MORE:
		check(t, used == len, "input is left");
		break;
	case HTTP_HEAD:
		add_head(t);
		break;
	case HTTP_BODY:
		check(t, p->piece_len > 0 && p->piece_len <= used, "an impossible piece");
		check(t, p->piece + p->piece_len == data + used, "a piece from elsewhere");
		add_escaped(&t->text, p->piece, p->piece_len);
		break;
	case HTTP_END:
		check_end(t);
		buf_add_str(&t->text, "\"\n");
		break;
	case HTTP_ERROR:
		check(t, http_parser_stage(p) == HTTP_BROKEN, "not broken after an error");
		if (t->text.len > 0 && t->text.data[t->text.len - 1] != '\n')
			buf_add_str(&t->text, "\"\n");
		buf_printf(&t->text, "%d %s\n", p->error.status, p->error.text);
		break;
	}
}

void transcript_init(struct transcript *t, uint64_t body_max)
{
	*t = (struct transcript){0};
	http_parser_init(&t->parser, body_max);
	buf_add_str(&t->text, "");
	buf_add_str(&t->fields, "");
}

bool transcript_feed(struct transcript *t, const char *data, size_t len)
{
	char *copy = xmalloc(len > 0 ? len : 1);
	const char *at = copy;
	enum http_event event;

	if (len > 0)
		memcpy(copy, data, len);
	if (http_parser_stage(&t->parser) == HTTP_BROKEN) {
		free(copy);
		return false;
	}
	do {
		size_t used;

		event = http_parser_feed(&t->parser, at, len, &used);
		check(t, used <= len, "more used than there was");
		if (t->broken)
			break;
		add_event(t, event, at, len, used);
		check(
		    t, t->parser.head.len <= HTTP_HEAD_MAX + HTTP_TARGET_MAX + 300, "memory grows");
		t->used += used;
		at += used;
		len -= used;
	} while (event != HTTP_MORE && event != HTTP_ERROR && !t->broken);
	free(copy);
	return event != HTTP_ERROR && !t->broken;
}

void transcript_end(struct transcript *t)
{
	enum http_stage stage = http_parser_stage(&t->parser);

	if (t->text.len > 0 && t->text.data[t->text.len - 1] != '\n')
		buf_add_str(&t->text, "\"\n");
	if (stage == HTTP_IN_HEAD || stage == HTTP_IN_BODY)
		buf_add_str(&t->text, "more\n");
	if (t->text.len == 0)
		buf_add_str(&t->text, "nothing\n");
}

void transcript_free(struct transcript *t)
{
	http_parser_free(&t->parser);
	buf_free(&t->text);
	buf_free(&t->fields);
}
