/* A list of ids as a packed vector of int64, and its text form. An id is an integer 1 .. 2^63-1. */
#ifndef INGESTD_IDLIST_H
#define INGESTD_IDLIST_H

#include "buf.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most ids that one ingestion can have. */
#define IDLIST_MAX 100000000

struct idlist {
	int64_t *v; /* owned */
	size_t n;
	size_t cap;
};

void idlist_push(struct idlist *list, int64_t id);

/* Appends n ids. */
void idlist_add(struct idlist *list, const int64_t *ids, size_t n);

/* Frees the content; the list is empty and can be used again. */
void idlist_free(struct idlist *list);

/* Reads one id from `len` bytes of text; false when they are anything else. */
bool idlist_parse_id(const char *text, size_t len, int64_t *id);

/*
 * Reads one id from `len` bytes of text that should be decimal digits. On failure *fail is
 * ERR_INVALID with a text that shows the value, names the range 1..max_id and starts with `where`,
 * for example: ids[2]: "1.5" is not an integer from 1 to 1000000007.
 */
enum err idlist_read_id(const char *text, size_t len, int64_t max_id, const char *where,
    int64_t *id, struct fail *fail);

/*
 * Appends what a text lists that is in memory as a whole; idtext.h says what texts look like.
 * `where` (such as "argument 2") starts the text of an error; a text of several lines adds the
 * number of the line. Ranges are checked against `limit`, the most ids that the list may hold,
 * before they are expanded. Errors: ERR_INVALID, ERR_TOO_LARGE.
 */
enum err idlist_parse_text(struct idlist *list, const char *text, size_t len, size_t limit,
    const char *where, struct fail *fail);

/* Appends the ids as decimal numbers with `separator` between them. */
void idlist_format(const int64_t *ids, size_t n, char separator, struct buf *out);

#endif
