/*
 * The requests in a stream of bytes: strict HTTP/1.1 and 1.0 (RFC 9112), as a server reads it. It
 *is fed pieces of any size and gives the same requests and the same errors however the stream is
 *cut. No byte is looked at twice but those of a complete head; memory is bounded by the limits
 *below.
 *
 * What a proxy in front of us could read in another way than we is refused, whatever the RFC lets a
 * server put up with: lines end in CRLF, nothing is folded, sizes are digits. After an error nobody
 * knows where the next request starts, so nothing more is read.
 *
 *	do {
 *		event = http_parser_feed(&parser, data, len, &used);
 *		data += used, len -= used;
 *		act on the event
 *	} while (event != HTTP_MORE && event != HTTP_ERROR && event != HTTP_END);
 *
 * and once the request is answered the same again with what is left, be it nothing.
 */
#ifndef INGESTD_HTTP_PARSER_H
#define INGESTD_HTTP_PARSER_H

#include "buf.h"
#include "http_request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_METHOD_MAX 32 /* bytes; a longer one is 501 (RFC 9112 section 3) */
#define HTTP_TARGET_MAX 8192 /* bytes; 414; at least 8000 (RFC 9112 section 3) */
#define HTTP_HEAD_MAX 16384 /* bytes up to the empty line and with it; 431 (RFC 6585 section 5) */
#define HTTP_FIELDS_MAX 100 /* header fields; 431; trailer fields likewise */
#define HTTP_TRAILER_MAX 4096 /* bytes of the trailer section; 431 */
#define HTTP_BLANK_MAX 4 /* empty lines in front of a request (RFC 9112 section 2.2); 400 */
#define HTTP_SIZE_MAX 16 /* hexadecimal digits of a chunk's size; 400 */
#define HTTP_EXTENSION_MAX 1024 /* bytes of chunk extensions in one request; 400 */

enum http_event {
	HTTP_MORE, /* all input is used, nothing has happened */
	HTTP_HEAD, /* parser->request is complete; the body follows */
	HTTP_BODY, /* a piece of the body: parser->piece */
	HTTP_END, /* the request is complete; the next one may follow */
	HTTP_ERROR, /* parser->error; answer and close */
};

/* Where the parser is in the stream: which deadline applies, and whether an end of input is one. */
enum http_stage {
	HTTP_IDLE, /* between requests: nothing of the next one is there, but maybe empty lines */
	HTTP_IN_HEAD,
	HTTP_IN_BODY, /* up to HTTP_END, trailers included */
	HTTP_BROKEN, /* after HTTP_ERROR */
};

struct http_parser {
	/* For the caller to read. */
	/*
	 * From HTTP_HEAD to the call behind HTTP_END. After HTTP_ERROR the method and the target
	 * are still there if the head had arrived, else NULL.
	 */
	struct http_request request;
	struct http_error error; /* from HTTP_ERROR on */
	const char *piece; /* with HTTP_BODY, in the input */
	size_t piece_len; /* bytes, at least 1 */
	uint64_t received; /* bytes of the body so far */

	/* The parser's own. */
	uint64_t body_max;
	unsigned state; /* see http_parser.c */
	struct buf head; /* what http_request_read() wants, as far as it has arrived */
	size_t left; /* bytes that the head or the trailer section may still have */
	size_t
	    element; /* bytes so far of the method, the target, the version, the digits of a size */
	unsigned lines; /* field lines, or empty lines in front of a request */
	unsigned extension; /* bytes of chunk extensions */
	uint64_t body_left; /* bytes of the body, or of the chunk */
	bool trailers; /* what is read are trailer fields: checked and dropped */
};

/*
 * Makes a parser for a new connection; it owns nothing yet. Bodies of more than `body_max` bytes
 * are 413 as soon as that is known.
 */
void http_parser_init(struct http_parser *parser, uint64_t body_max);

/*
 * Goes on until something happens. *used is how many of the `len` bytes were used: they are not to
 * be fed again; with HTTP_ERROR they end in front of the byte that was wrong, or with the head that
 * was. Events may come with len 0, since a request without a body ends with its head; so call until
 * HTTP_MORE. After HTTP_END the next call, whatever its input, invalidates parser->request: hold
 * the input back until the request is answered. After HTTP_ERROR only HTTP_ERROR comes.
 */
enum http_event http_parser_feed(
    struct http_parser *parser, const char *data, size_t len, size_t *used);

enum http_stage http_parser_stage(const struct http_parser *parser);

/*
 * Frees the memory; parser->request is invalid then. Between requests the parser can go on, so that
 * an idle connection need not keep the memory of a large head.
 */
void http_parser_free(struct http_parser *parser);

#endif
