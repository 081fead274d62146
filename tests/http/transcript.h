/*
 * What a request parser made of a stream, as text, so that two runs can be compared and a table can
 * say what is expected. A line for each request:
 *
 *	METHOD PATH[?QUERY] HTTP/1.N host=HOST[:PORT]|no-host none|length=N|chunked keep|close
 *[continue] "BODY"
 *
 * and then "STATUS TEXT" for an error, or "more" when the stream ends within a request; "nothing"
 *when there is nothing. The path is the decoded one; in path and body, what is not visible ASCII or
 *a space stands as \xNN.
 */
#ifndef INGESTD_TRANSCRIPT_H
#define INGESTD_TRANSCRIPT_H

#include "buf.h"
#include "http_parser.h"

struct transcript {
	struct http_parser parser;
	struct buf text; /* see above */
	struct buf fields; /* all header fields, "name: value" */
	size_t used; /* bytes of the stream */
	/* What no parser may do, whatever the input; NULL: it has not. */
	const char *broken;
};

void transcript_init(struct transcript *t, uint64_t body_max);

/*
 * Feeds one piece, from a copy of exactly its size, so that a sanitizer sees reads behind it.
 * False: there was an error, now or before.
 */
bool transcript_feed(struct transcript *t, const char *data, size_t len);

/* The stream is over. */
void transcript_end(struct transcript *t);

void transcript_free(struct transcript *t);

#endif
