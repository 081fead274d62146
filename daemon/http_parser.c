#include "http_parser.h"

#include "http_fields.h"

#include <stdint.h>
#include <string.h>

/*
 * States stand for "the next byte is". Most are named after the line or the part of it they read;
 * an _LF state wants the LF behind a CR, and nothing else.
 */
enum state {
	START, /* of a request */
	START_LF,
	METHOD,
	TARGET,
	VERSION,
	LINE_LF,
	FIELD, /* the first of a field line, or the CR of the empty line */
	NAME,
	SPACE, /* in front of a value */
	VALUE,
	FIELD_LF,
	BLOCK_LF, /* the end of header or trailer fields */
	SIZE, /* of a chunk */
	EXTENSION,
	SIZE_LF,
	DATA, /* of the body, or of a chunk */
	DATA_CR, /* behind a chunk */
	DATA_LF,
	COMPLETE, /* HTTP_END is due */
	DONE, /* HTTP_END was told */
	FAILED,
};

#define NO_LIMIT SIZE_MAX

/*
 * What a state does: it takes a run of bytes of one class at once, then one other byte in step().
 * Where nothing is stored `keep` is false.
 */
struct action {
	unsigned char run; /* class of characters; 0: each byte goes to step() */
	bool keep, lower; /* append to the head, in lower case */
	bool block; /* part of the head or the trailer section: parser->left counts it */
	size_t max; /* bytes of the run, and what to say to a longer one */
	struct http_error too_long;
	enum http_event (*step)(struct http_parser *p, char c);
};

static enum http_event refuse(struct http_parser *p, int status, const char *text)
{
	p->state = FAILED;
	p->error = (struct http_error){status, text};
	return HTTP_ERROR;
}

/* A byte that cannot be there; `text` says what should be, unless it is of the notorious ones. */
static enum http_event misplaced(struct http_parser *p, char c, const char *text)
{
	return refuse(p, 400,
	    c == '\n'   ? "a bare LF; lines end in CRLF"
	    : c == '\r' ? "a bare CR, or a line that ends too early"
	    : c == '\0' ? "a NUL byte"
			: text);
}

static enum http_event go(struct http_parser *p, enum state state)
{
	p->state = state;
	p->element = 0;
	return HTTP_MORE;
}

static void keep(struct http_parser *p, const char *text, size_t len)
{
	if (!p->trailers)
		buf_add(&p->head, text, len);
}

static void keep_char(struct http_parser *p, char c)
{
	keep(p, &c, 1);
	p->element++;
}

static void keep_lower(struct http_parser *p, const char *text, size_t len)
{
	size_t at = p->head.len;

	keep(p, text, len);
	for (; at < p->head.len; at++)
		if (p->head.data[at] >= 'A' && p->head.data[at] <= 'Z')
			p->head.data[at] |= 0x20;
}

static void end_string(struct http_parser *p)
{
	keep(p, "", 1);
}

/* ---- the request line: RFC 9112 section 3 ---- */

/* Some clients send an empty line too many behind a body (section 2.2). */
static enum http_event step_start(struct http_parser *p, char c)
{
	if (c == '\r') {
		if (++p->lines > HTTP_BLANK_MAX)
			return refuse(p, 400, "too many empty lines in front of a request");
		return go(p, START_LF);
	}
	if (!http_is(c, HTTP_TOKEN))
		return misplaced(p, c, "a request starts with a method");
	p->lines = 0;
	p->left = HTTP_HEAD_MAX - 1;
	go(p, METHOD);
	keep_char(p, c);
	return HTTP_MORE;
}

static enum http_event step_method(struct http_parser *p, char c)
{
	if (c != ' ')
		return misplaced(p, c, "the method must be a token with one space behind it");
	end_string(p);
	/*
	 * 501 and not 405: CONNECT wants a tunnel, not a resource, so there is nothing that could
	 * allow other methods (RFC 9110 section 9.3.6). At once: its target has a form of its own.
	 */
	if (strcmp(p->head.data, "CONNECT") == 0)
		return refuse(p, 501, "CONNECT: this is not a proxy");
	return go(p, TARGET);
}

static enum http_event step_target(struct http_parser *p, char c)
{
	if (c != ' ')
		return misplaced(p, c,
		    c == '#' ? "the target has a fragment"
			     : "the target has a character that must be encoded");
	if (p->element == 0)
		return refuse(p, 400, "the target is missing, or has two spaces before it");
	end_string(p);
	return go(p, VERSION);
}

static enum http_event step_version(struct http_parser *p, char c)
{
	static const char pattern[] = "HTTP/d.d";
	size_t at = p->element++;
	bool digit = c >= '0' && c <= '9';

	if (at < strlen(pattern)) {
		if (pattern[at] == 'd' ? !digit : c != pattern[at])
			return misplaced(p, c, "the version must be HTTP/1.1 or HTTP/1.0");
		if (at == strlen("HTTP/") && c != '1')
			p->request.minor = -1;
		else if (at == strlen("HTTP/1.") && p->request.minor >= 0)
			p->request.minor = c <= '1' ? c - '0' : -1;
		return HTTP_MORE;
	}
	if (c != '\r')
		return misplaced(p, c, "the version must be HTTP/1.1 or HTTP/1.0");
	if (p->request.minor < 0)
		return refuse(p, 505, "the version must be HTTP/1.1 or HTTP/1.0");
	return go(p, LINE_LF);
}

/* ---- field lines: RFC 9112 section 5 ---- */

static enum http_event step_field(struct http_parser *p, char c)
{
	if (c == '\r')
		return go(p, BLOCK_LF);
	/* Section 5.2, and section 2.2 for the first line. */
	if (http_is(c, HTTP_SPACE))
		return refuse(p, 400, "a header line that starts with white space");
	if (!http_is(c, HTTP_TOKEN))
		return misplaced(p, c, "the name of a header field must be a token");
	if (++p->lines > HTTP_FIELDS_MAX)
		return refuse(p, 431, "more than 100 header fields");
	go(p, NAME);
	keep_lower(p, &c, 1);
	return HTTP_MORE;
}

static enum http_event step_name(struct http_parser *p, char c)
{
	/* Section 5.1. */
	if (http_is(c, HTTP_SPACE))
		return refuse(
		    p, 400, "white space between the name of a header field and its colon");
	if (c != ':')
		return misplaced(p, c, "the name of a header field must be a token");
	end_string(p);
	return go(p, SPACE);
}

static enum http_event step_space(struct http_parser *p, char c)
{
	if (c == '\r') {
		end_string(p);
		return go(p, FIELD_LF);
	}
	if (!http_is(c, HTTP_FIELD))
		return misplaced(p, c, "a control character in a header field");
	go(p, VALUE);
	keep_char(p, c);
	return HTTP_MORE;
}

static enum http_event step_value(struct http_parser *p, char c)
{
	if (c != '\r')
		return misplaced(p, c, "a control character in a header field");
	/* It starts with another character than white space. */
	while (!p->trailers && http_is(p->head.data[p->head.len - 1], HTTP_SPACE))
		p->head.len--;
	end_string(p);
	return go(p, FIELD_LF);
}

static enum http_event end_head(struct http_parser *p)
{
	struct http_request *request = &p->request;

	if (!http_request_read(request, &p->head, p->body_max, &p->error))
		return refuse(p, p->error.status, p->error.text);
	p->body_left = request->length;
	go(p, request->framing == HTTP_CHUNKED ? SIZE : request->length > 0 ? DATA : COMPLETE);
	return HTTP_HEAD;
}

static enum http_event step_block_lf(struct http_parser *p, char c)
{
	if (c != '\n')
		return refuse(p, 400, "a bare CR");
	return p->trailers ? go(p, COMPLETE) : end_head(p);
}

/* ---- chunks: RFC 9112 section 7.1 ---- */

static enum http_event step_size(struct http_parser *p, char c)
{
	int digit = http_hex(c);

	if (digit >= 0) {
		if (++p->element > HTTP_SIZE_MAX)
			return refuse(p, 400, "the size of a chunk has too many digits");
		p->body_left = p->body_left << 4 | (uint64_t)digit;
		if (p->body_left > p->body_max - p->received)
			return refuse(p, 413, "the body is longer than allowed");
		return HTTP_MORE;
	}
	/* No white space either: nobody may send it, and readers differ in what they make of it. */
	if (p->element == 0 || (c != '\r' && c != ';'))
		return misplaced(p, c, "the size of a chunk must be hexadecimal digits");
	return go(p, c == '\r' ? SIZE_LF : EXTENSION);
}

/*
 * Section 7.1.1: a recipient must ignore extensions that it does not know, and should limit them.
 * They hold no line breaks, not even in quotes, so there is no doubt where they end.
 */
static enum http_event step_extension(struct http_parser *p, char c)
{
	if (c == '\r')
		return go(p, SIZE_LF);
	if (!http_is(c, HTTP_FIELD))
		return misplaced(p, c, "a control character in a chunk extension");
	if (++p->extension > HTTP_EXTENSION_MAX)
		return refuse(p, 400, "too many chunk extensions");
	return HTTP_MORE;
}

static enum http_event step_size_lf(struct http_parser *p, char c)
{
	if (c != '\n')
		return refuse(p, 400, "a bare CR");
	if (p->body_left > 0)
		return go(p, DATA);
	p->trailers = true;
	p->left = HTTP_TRAILER_MAX;
	p->lines = 0;
	return go(p, FIELD);
}

static enum http_event step_data_cr(struct http_parser *p, char c)
{
	if (c != '\r')
		return refuse(p, 400, "a chunk that is longer than its size");
	return go(p, DATA_LF);
}

/* ---- all states ---- */

static enum http_event step_lf(struct http_parser *p, char c)
{
	static const enum state next[] = {
	    [START_LF] = START, [LINE_LF] = FIELD, [FIELD_LF] = FIELD, [DATA_LF] = SIZE};

	if (c != '\n')
		return refuse(p, 400, "a bare CR");
	return go(p, next[p->state]);
}

static const struct action actions[] = {
    [START] = {.step = step_start},
    [START_LF] = {.step = step_lf},
    [METHOD] = {.run = HTTP_TOKEN,
	.keep = true,
	.block = true,
	.max = HTTP_METHOD_MAX,
	.too_long = {501, "the method is longer than any known here"},
	.step = step_method},
    [TARGET] = {.run = HTTP_TARGET,
	.keep = true,
	.block = true,
	.max = HTTP_TARGET_MAX,
	.too_long = {414, "the target is longer than 8192 bytes"},
	.step = step_target},
    [VERSION] = {.block = true, .step = step_version},
    [LINE_LF] = {.block = true, .step = step_lf},
    [FIELD] = {.block = true, .step = step_field},
    [NAME] = {.run = HTTP_TOKEN,
	.keep = true,
	.lower = true,
	.block = true,
	.max = NO_LIMIT,
	.step = step_name},
    [SPACE] = {.run = HTTP_SPACE, .block = true, .max = NO_LIMIT, .step = step_space},
    [VALUE] = {.run = HTTP_FIELD, .keep = true, .block = true, .max = NO_LIMIT, .step = step_value},
    [FIELD_LF] = {.block = true, .step = step_lf},
    [BLOCK_LF] = {.block = true, .step = step_block_lf},
    [SIZE] = {.step = step_size},
    [EXTENSION] = {.step = step_extension},
    [SIZE_LF] = {.step = step_size_lf},
    [DATA_CR] = {.step = step_data_cr},
    [DATA_LF] = {.step = step_lf},
};

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Takes the bytes of the state's class that come first, as far as the limits go. */
static size_t take_run(
    struct http_parser *p, const struct action *action, const char *data, size_t len)
{
	size_t n = 0, max = min(len, min(p->left, action->max - p->element));

	while (n < max && http_is(data[n], action->run))
		n++;
	if (action->keep)
		(action->lower ? keep_lower : keep)(p, data, n);
	p->element += n;
	p->left -= n;
	return n;
}

static enum http_event take_byte(struct http_parser *p, const struct action *action, char c)
{
	if (action->block) {
		if (p->left == 0)
			return refuse(p, 431,
			    p->trailers ? "the trailer section is longer than 4096 bytes"
					: "the head is longer than 16384 bytes");
		p->left--;
	}
	if (action->run && http_is(c, action->run))
		return refuse(p, action->too_long.status, action->too_long.text);
	return action->step(p, c);
}

/* A piece of the body that is as long as can be. */
static enum http_event take_data(struct http_parser *p, const char *data, size_t len, size_t *used)
{
	size_t n = p->body_left < len ? (size_t)p->body_left : len;

	p->piece = data;
	p->piece_len = *used = n;
	p->received += n;
	p->body_left -= n;
	if (p->body_left == 0)
		go(p, p->request.framing == HTTP_CHUNKED ? DATA_CR : COMPLETE);
	return HTTP_BODY;
}

static enum http_event take_lines(struct http_parser *p, const char *data, size_t len, size_t *used)
{
	size_t at = 0;
	enum http_event event = HTTP_MORE;

	while (at < len && event == HTTP_MORE && p->state != DATA && p->state != COMPLETE) {
		const struct action *action = &actions[p->state];

		if (action->run)
			at += take_run(p, action, data + at, len - at);
		if (at == len)
			break;
		event = take_byte(p, action, data[at]);
		if (event != HTTP_ERROR)
			at++;
	}
	*used = at;
	return event;
}

/* What is left of the request before does not concern the next one. */
static void begin(struct http_parser *p)
{
	if (p->head.cap > 2048)
		buf_free(&p->head);
	p->head.len = 0;
	p->request = (struct http_request){0};
	p->received = p->body_left = 0;
	p->extension = p->lines = 0;
	p->trailers = false;
	go(p, START);
}

void http_parser_init(struct http_parser *p, uint64_t body_max)
{
	*p = (struct http_parser){.body_max = body_max};
	begin(p);
}

enum http_event http_parser_feed(struct http_parser *p, const char *data, size_t len, size_t *used)
{
	enum http_event event = HTTP_MORE;

	*used = 0;
	if (p->state == FAILED)
		return HTTP_ERROR;
	if (p->state == DONE)
		begin(p);
	if (p->state != DATA && p->state != COMPLETE)
		event = take_lines(p, data, len, used);
	if (event == HTTP_MORE && p->state == COMPLETE) {
		p->state = DONE;
		return HTTP_END;
	}
	if (event == HTTP_MORE && p->state == DATA && *used < len) {
		size_t lines = *used;

		event = take_data(p, data + lines, len - lines, used);
		*used += lines;
	}
	return event;
}

enum http_stage http_parser_stage(const struct http_parser *p)
{
	switch (p->state) {
	case START:
	case START_LF:
	case DONE:
		return HTTP_IDLE;
	case FAILED:
		return HTTP_BROKEN;
	default:
		return p->request.method ? HTTP_IN_BODY : HTTP_IN_HEAD;
	}
}

void http_parser_free(struct http_parser *p)
{
	buf_free(&p->head);
	if (p->state == DONE)
		begin(p);
}
