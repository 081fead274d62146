/*
 * What stands in the fields and targets of HTTP requests: characters, lists, media types, entity
 * tags, hosts, queries, keys. Pure functions over text that http_parser.h let through: it is
 * NUL-terminated, and has no control characters but tabs. They allocate nothing and look at each
 * byte once. Sections are those of RFC 9110 (semantics) unless another RFC is named.
 */
#ifndef INGESTD_HTTP_FIELDS_H
#define INGESTD_HTTP_FIELDS_H

#include "model.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Classes of characters, as bits of http_chars[]. */
#define HTTP_TOKEN 1 /* tchar, section 5.6.2 */
#define HTTP_TARGET 2 /* of a request target; see http_fields.c */
#define HTTP_FIELD 4 /* of a field value, section 5.5: all but control characters, and the tab */
#define HTTP_SPACE 8 /* OWS, section 5.6.3 */

extern const unsigned char http_chars[256];

static inline bool http_is(char c, unsigned class)
{
	return http_chars[(unsigned char)c] & class;
}

/* The value of a hexadecimal digit of either case; -1: it is none. */
int http_hex(char c);

/* Whether `text` of `len` bytes is `word`; case does not count, for ASCII and whatever the locale.
 */
bool http_equal(const char *text, size_t len, const char *word);

/*
 * The next element of a comma-separated list (section 5.6.1) without the white space around it;
 * commas in quoted strings do not separate; one that does not end goes to the end. *at starts as
 * the value and moves on; it is NULL behind the last element. False: there is none left. Empty
 * elements come out too, with *len 0.
 */
bool http_list_next(const char **at, const char **element, size_t *len);

/* Whether one element of the list is this token; case does not count. As in Connection: close, te
 */
bool http_list_has(const char *list, const char *token);

enum http_found {
	HTTP_MISSING,
	HTTP_FOUND,
	HTTP_BAD, /* not as the grammar wants it, or too long for where it should go */
};

#define HTTP_MEDIA_TYPE_SIZE 80

struct http_media {
	char type[HTTP_MEDIA_TYPE_SIZE]; /* "application/json", in lower case */
};

/*
 * Reads a media type, as in Content-Type (section 8.3.1). False: it or one of its parameters is not
 * as the grammar wants it, or the type is longer than 79 bytes.
 */
bool http_media_read(const char *value, struct http_media *media);

/*
 * Whether a list of entity tags, the value of If-None-Match (section 13.1.2), has this one (`"7"`
 * or `W/"7"`) by the weak comparison of section 8.8.3.2; "*" has every one. What stands behind an
 * error in the list does not count: the answer is sent in full then, which is never wrong.
 */
bool http_etags_have(const char *list, const char *etag);

/*
 * Whether an Accept field (section 12.5.1) names text/html itself: browsers do, programs that take
 * anything do not. Weights do not count.
 */
bool http_accepts_html(const char *accept);

#define HTTP_HOST_MAX 255 /* bytes of a host without its port; that of names in the DNS */

/*
 * Reads uri-host [ ":" port ] (section 7.2; RFC 3986 section 3.2.2). The host goes in lower case
 * into name[HTTP_HOST_MAX + 1], an IPv6 address with its brackets; *port is 0 when there is none.
 * Stricter than the grammar: a host has letters, digits, '.', '-' and '_' only, as those in the DNS
 * have, or is an IPv6 address that inet_pton(3) reads. False: it is not that, or it is empty.
 */
bool http_host_read(const char *text, size_t len, char *name, int *port);

enum http_decoding {
	HTTP_DECODE_PATH, /* "%2F" stays as it is: it is no separator (RFC 3986 section 2.2) */
	HTTP_DECODE_FORM, /* "+" is a space (application/x-www-form-urlencoded, WHATWG URL) */
};

/*
 * Decodes the "%XX" of `len` bytes, once, into `to`, which gets a NUL behind; it needs at most
 * len + 1 bytes, and may be NULL to measure. Returns the length, or -1: a '%' without two
 * hexadecimal digits, or "%00". The result may be anything, UTF-8 or not.
 */
ssize_t http_decode(const char *from, size_t len, enum http_decoding how, char *to);

#define HTTP_QUERY_NAME_SIZE 64
#define HTTP_QUERY_VALUE_SIZE 1024

/* One name=value of a query, decoded; both are valid UTF-8 without control characters. */
struct http_pair {
	char name[HTTP_QUERY_NAME_SIZE];
	char value[HTTP_QUERY_VALUE_SIZE]; /* empty also when there is no '=' */
};

/*
 * The next pair of a query: name=value joined by '&', decoded as forms and all client
 * libraries write it. Empty pieces (a&&b) are skipped. *at starts as the query, or NULL, and moves
 * on. HTTP_MISSING: there is none left; HTTP_BAD: wrong encoding, not UTF-8, a control character,
 * no name, or too long.
 */
enum http_found http_query_next(const char **at, struct http_pair *pair);

/*
 * The value of one parameter into value[size]. HTTP_BAD: any pair of the query is, the parameter is
 * there twice, or its value does not fit. `query` may be NULL.
 */
enum http_found http_query_get(const char *query, const char *name, char *value, size_t size);

/*
 * Whether this is a traceparent field (W3C Trace Context, section 3.2): version, trace id, parent
 * id and flags in lower-case hexadecimal digits; the ids are not zero, the version is not ff.
 */
bool http_is_traceparent(const char *value);

#define HTTP_TRACEPARENT_SIZE 56

/*
 * Reads an Idempotency-Key: a quoted string as the draft wants it (a String of RFC 9651 section
 * 3.3.3), or bare, as many clients send it. A key is 1 to KEY_MAX visible ASCII characters; a bare
 * one has no '"', '\', ',' or ';', so that two fields that a proxy joined are no key. Nothing may
 * follow it.
 */
bool http_key_read(const char *value, char key[KEY_MAX + 1]);

#endif
