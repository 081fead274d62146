/*
 * The text form of id lists, read piece by piece: whatever the length of a text or of the ranges in
 * it, what is in memory at a time is one piece and the ids that the caller asks for.
 *
 * A text lists ids and ranges FIRST-LAST, separated by white space or commas; '#' starts a comment
 * up to the end of the line.
 */
#ifndef INGESTD_IDTEXT_H
#define INGESTD_IDTEXT_H

#include "err.h"
#include "idlist.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest piece without a separator, in bytes. A range of ids has at most 39; what is longer is
 * refused before its end is seen, so that binary data is not read for long. */
#define IDTEXT_TOKEN_MAX 64

struct idtext {
	const char *where; /* borrowed; what errors call the text: "stdin", "argument 2" */
	bool has_lines; /* errors name the line, too */
	size_t limit; /* the most ids of the list that this text is a part of */
	size_t n; /* ids of that list so far, those of a range in full */
	/* The rest is the module's own. */
	const char *at, *end; /* of the piece that is being read */
	size_t line;
	int64_t next, last; /* what is left of a range; next 0: nothing */
	bool in_comment;
	bool ended; /* the piece is the empty one */
	size_t token_len; /* what the last piece ended with in the midst of a token */
	char token[IDTEXT_TOKEN_MAX + 1];
};

/* Begins a text behind `n` other ids of a list that may hold `limit`. */
void idtext_start(struct idtext *text, const char *where, bool has_lines, size_t n, size_t limit);

/*
 * Gives it the next piece, which is borrowed until idtext_read() has read all of it. Pieces can end
 * anywhere. A piece of no bytes is the end of the text.
 */
void idtext_add(struct idtext *text, const char *piece, size_t len);

/*
 * Appends ids until the list has `max` or the piece is read: less than `max` after the call means
 * that the next piece is wanted. Ranges are checked against the limit before they are expanded, and
 * expanded over as many calls as it takes. Errors, after which there is nothing more to read:
 * ERR_INVALID, ERR_TOO_LARGE.
 */
enum err idtext_read(struct idtext *text, size_t max, struct idlist *ids, struct fail *fail);

/* Whether all of the text was read, provided that idtext_read() wants the next piece. */
bool idtext_ended(const struct idtext *text);

#endif
