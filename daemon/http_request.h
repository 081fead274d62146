/*
 * An HTTP/1.x request whose head is complete, and what its lines mean together: where it goes (RFC
 * 9112 section 3), how its body is framed (section 6) and what becomes of the connection (section
 * 9). All that decides where a request ends is decided here and in http_parser.c, and nowhere else.
 */
#ifndef INGESTD_HTTP_REQUEST_H
#define INGESTD_HTTP_REQUEST_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_framing {
	HTTP_NO_BODY, /* neither field is there (RFC 9112 section 6.3) */
	HTTP_LENGTH, /* Content-Length; it may be 0 */
	HTTP_CHUNKED, /* Transfer-Encoding: chunked */
};

/* All pointers are borrowed from the parser; http_parser.h says how long they live. */
struct http_request {
	const char *method; /* any token of at most HTTP_METHOD_MAX bytes; case counts */
	const char *target; /* as it was sent, visible ASCII only */
	/*
	 * The path, decoded once but for "%2F", which stays encoded because it separates nothing.
	 * It starts with '/', or is "*" for OPTIONS. Dots mean nothing. It has no NUL but maybe any
	 * other byte, also such that are not UTF-8.
	 */
	const char *path;
	const char *query; /* behind the '?', its "%XX" checked but not decoded; NULL: none */
	/*
	 * For whom the request is, in lower case without the port: from the target when it is in
	 * absolute form, else from Host. NULL: HTTP/1.0 without Host.
	 */
	const char *host;
	int port; /* 0: none given */
	int minor; /* of HTTP/1.0 or HTTP/1.1 */
	enum http_framing framing;
	uint64_t length; /* of the body, with HTTP_LENGTH */
	bool keep_alive; /* the client wants to go on (RFC 9112 section 9.3) */
	bool expect_continue; /* it waits for a 100 before it sends the body */
	/* name NUL value NUL and so on; use the functions below */
	const char *fields, *fields_end;
};

/* Why a request is refused. `text` is a constant. */
struct http_error {
	int status; /* of the answer; the connection must be closed behind it */
	const char *text; /* one sentence for a user, without a full stop */
};

/*
 * The value of the first header field of this name (case does not count), without the white space
 * around it; NULL: there is none. Authorization, Content-Length, Content-Type, Host,
 * Idempotency-Key, Origin and Transfer-Encoding are there once at most: others are refused.
 */
const char *http_header(const struct http_request *request, const char *name);

/* Whether a list field, in whichever of its lines, has this token: Connection, for example. */
bool http_header_has(const struct http_request *request, const char *name, const char *token);

/*
 * Goes through all header fields, in the order in which they came: *at starts as NULL. Names are in
 * lower case. False: there are no more.
 */
bool http_header_next(
    const struct http_request *request, const char **at, const char **name, const char **value);

/*
 * For http_parser.c. Fills request->*, but for `minor`, which is set, from what `head` holds:
 * method NUL target NUL, then name NUL value NUL for each header field; the characters are checked.
 * Appends to `head`, at most the length of the target and 300 bytes. `body_max`: a longer body is
 * refused. On failure it returns false, and fills *error.
 */
bool http_request_read(
    struct http_request *request, struct buf *head, uint64_t body_max, struct http_error *error);

#endif
