/* Whether the options fit together, and with the machine: what one value alone cannot tell. */
#ifndef INGESTD_CONF_CHECK_H
#define INGESTD_CONF_CHECK_H

#include "conf.h"

#include <sys/types.h>

/* What some options stand for. */
struct conf_found {
	const struct store_kind *store_kind;
	const char *store_where; /* for it; within conf->store */
	gid_t socket_gid; /* (gid_t)-1: none */
};

/*
 * Checks all that the action needs, and can be checked without doing it: the store's URL, groups,
 * addresses, tokens, rules, both handlers with their files. Errors: ERR_INVALID, with a text that
 * names the value and where it comes from, or what a file is refused with.
 */
enum err conf_check(
    const struct conf *conf, enum conf_action action, struct conf_found *found, struct fail *fail);

#endif
