/* A change of all ingestions that a filter asks for: counted first, asked about, done in steps. */
#ifndef INGESTCTL_BULK_H
#define INGESTCTL_BULK_H

#include "select.h"
#include "wire.h"

#include <stdbool.h>

struct bulk {
	struct wire_bulk request;
	bool wanted; /* one of the options below was given */
	bool yes, json;
};

/* Rows for a table of options. */
#define BULK_OPTS                                                                                  \
	SELECT_OPTS, {ARGS_DRY_RUN, "dry-run", NULL, "only count them", NULL},                     \
	{                                                                                          \
		'y', "yes", NULL, "do not ask first", NULL                                         \
	}

/* Takes one of them. Returns ARGS_GO_ON, SELECT_OTHER, or an exit status after saying why. */
int bulk_take(struct bulk *bulk, int key, const char *value);

/* Whether this can begin at all: something is selected, and somebody can be asked or need not.
 * Returns ARGS_GO_ON or an exit status after saying why. */
int bulk_check(const struct bulk *bulk);

/* Does it. Returns the exit status after saying what is wrong. */
int bulk_run(const struct bulk *bulk, const char *socket);

#endif
