/*
 * What is sent back: status line, header fields, body. Pure: it writes text (RFC 9112 sections 4
 * and 6).
 */
#ifndef INGESTD_HTTP_REPLY_H
#define INGESTD_HTTP_REPLY_H

#include "buf.h"

#include <stdbool.h>
#include <stdint.h>

struct http_reply {
	int status;
	const char *type; /* media type of the body; NULL: there is no body */
	struct buf fields; /* further header fields, each line with its CRLF; owned */
	struct buf body; /* owned */
};

/* How the reply travels. */
struct http_delivery {
	bool head; /* answers HEAD: all but the body is sent */
	bool close; /* the connection ends with it */
	int64_t utc_ms; /* for the field Date */
};

/* The reason phrase of a status that this daemon sends. */
const char *http_reason(int status);

/* Adds a header field; `value` has no control characters. */
void http_reply_field(struct http_reply *reply, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends the reply as it goes over the wire. */
void http_reply_write(
    const struct http_reply *reply, const struct http_delivery *delivery, struct buf *out);

void http_reply_free(struct http_reply *reply);

#endif
