/* A change of ingestions, of each that is named, or of all that a filter asks for. */
#ifndef INGESTCTL_CHANGE_H
#define INGESTCTL_CHANGE_H

#include "bulk.h"
#include "cmd.h"
#include "handle.h"

struct change {
	struct wire_request request; /* the method, and what is the same for all */
	struct handle *handles; /* owned */
	size_t n;
	struct bulk bulk;
	bool json;
};

/* Takes --json, the options of bulk.h, and operands. Returns ARGS_GO_ON or an exit status after
 * saying why. */
int change_take(struct change *change, int key, const char *value);

/* Does it, and frees what `change` owns. Returns the exit status after saying what is wrong. */
int change_run(struct change *change, const struct cmd_env *env);

/* Frees what `change` owns. */
void change_free(struct change *change);

#endif
