/* The options that say which ingestions: those of list and of commands that change many. */
#ifndef INGESTCTL_SELECT_H
#define INGESTCTL_SELECT_H

#include "args.h"
#include "model.h"

#include <stdint.h>

/* Rows for a table of options. */
#define SELECT_OPTS                                                                                \
	{ARGS_STATUS, "status", "S", "only those with this status",                                \
	    "yet_to_start triggered completed failed receiving cancelled cancelling"},             \
	    {'p', "priority", "P", "only those of this priority: HIGH, MEDIUM or LOW",             \
		"HIGH MEDIUM LOW"},                                                                \
	    {'l', "label", "TEXT", "only those with exactly this label", NULL},                    \
	{                                                                                          \
		ARGS_OLDER, "older-than", "D", "only those submitted so long ago, such as 2h",     \
		    NULL                                                                           \
	}

/* The result that means: the option is none of these. */
#define SELECT_OTHER (-2)

/*
 * Takes one of them into the filter, or into *older_than_ms. Returns ARGS_GO_ON, SELECT_OTHER, or
 * an exit status after saying why.
 */
int select_take(struct list_filter *filter, int64_t *older_than_ms, int key, const char *value);

#endif
