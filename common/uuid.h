/* UUIDs of RFC 9562: version 7 for ingestions, version 5 for batches. */
#ifndef INGESTD_UUID_H
#define INGESTD_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UUID_TEXT_SIZE 37

struct uuid {
	uint8_t bytes[16];
};

/* A new version 7 UUID: utc_ms first, so that later ones sort behind earlier ones, then random bits
 * from getrandom(2). */
struct uuid uuid_v7(int64_t utc_ms);

/* Version 5 (SHA-1): the same for the same name space and name, always and everywhere. */
struct uuid uuid_v5(const struct uuid *space, const char *name, size_t len);

/* The id of a batch: version 5 with the ingestion id as name space and the decimal index as name.
 * Never stored; anyone can compute it again. */
struct uuid uuid_batch(const struct uuid *ingestion, int64_t index);

/* Lower-case text form. */
void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_SIZE]);

/* Reads the 36-character text form; either case. False when it is anything else. */
bool uuid_parse(const char *text, struct uuid *uuid);

/*
 * The range of all UUIDs whose text form begins with `prefix`, in lower case. False: there are
 * none.
 */
bool uuid_prefix(const char *prefix, struct uuid *low, struct uuid *high);

#endif
