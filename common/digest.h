/*
 * What a submission consists of, as one hash: whether a key that is used again comes with the same
 * content, and whether what the daemon has of an upload is the beginning of what the client has.
 * How the ids were cut into messages does not matter.
 *
 *     d = SHA-256("ingestd 1\n" PRIORITY "\n" LABEL "\n")
 *     for each 1024 ids, and for what is left at the end:  d = SHA-256(d, ids)
 *
 * with each id as 8 bytes, little-endian. So the digest of a beginning needs no more than the state
 * after the last full block and the ids behind it.
 */
#ifndef INGESTD_DIGEST_H
#define INGESTD_DIGEST_H

#include "model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_BLOCK 1024 /* ids */
#define DIGEST_TEXT_SIZE 65

struct digest {
	uint8_t bytes[32];
};

/* That of a submission without ids; `label` is "" for none. */
struct digest digest_begin(enum priority priority, const char *label);

/* Goes on from a state at the end of a full block; the result is one again if n is a multiple of
 * DIGEST_BLOCK. */
void digest_add(struct digest *digest, const int64_t *ids, size_t n);

bool digest_equal(const struct digest *a, const struct digest *b);

/* Lower-case hexadecimal digits. */
void digest_format(const struct digest *digest, char text[DIGEST_TEXT_SIZE]);
bool digest_parse(const char *text, struct digest *digest);

/* For ids that come in pieces of any size. */
struct digester {
	struct digest blocks; /* of the full blocks */
	int64_t rest[DIGEST_BLOCK];
	size_t n;
};

void digester_begin(struct digester *digester, enum priority priority, const char *label);
void digester_add(struct digester *digester, const int64_t *ids, size_t n);

/* The digest of what was added so far; more can be added after that. */
struct digest digester_value(const struct digester *digester);

#endif
