/*
 * What users call an ingestion: its UUID, the beginning of that, or its number. The daemon's
 * methods take UUIDs only, so the others are looked up in its list.
 */
#ifndef INGESTCTL_HANDLE_H
#define INGESTCTL_HANDLE_H

#include "client.h"
#include "uuid.h"

#include <stdbool.h>
#include <stdint.h>

#define HANDLE_PREFIX_MIN 4 /* digits */

struct handle {
	bool known; /* uuid is set */
	struct uuid uuid;
	int64_t seq; /* 0: it is no number */
	char prefix[UUID_TEXT_SIZE]; /* lower case; empty: it is none */
};

/* Reads the text of an operand. Returns ARGS_GO_ON, or an exit status after saying why. */
int handle_parse(const char *text, struct handle *handle);

/*
 * Finds the UUID. Returns 0, or an exit status with *fail set: EXITS_NOT_FOUND, EXITS_USAGE when
 * several ingestions begin like that, or as client_call().
 */
int handle_find(struct client *client, struct handle *handle, struct fail *fail);

#endif
