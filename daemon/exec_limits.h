/* Limits of commands (setrlimit(2)) as text: NAME=VALUE,... */
#ifndef INGESTD_EXEC_LIMITS_H
#define INGESTD_EXEC_LIMITS_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXEC_LIMIT_COUNT 8

struct exec_limits {
	struct {
		bool given;
		int64_t value;
	} v[EXEC_LIMIT_COUNT]; /* in the order of the table */
};

/*
 * Reads the names as, core, data, fsize, stack with a size (k, m, g), cpu with seconds, nofile and
 * nproc with a number. "" is none. Errors: ERR_INVALID; the text names what is wrong.
 */
enum err exec_limits_read(struct exec_limits *limits, const char *text, struct fail *fail);

/*
 * Sets soft and hard limits of this process. False: one of them could not be set, *name says which
 * and errno why.
 */
bool exec_limits_apply(const struct exec_limits *limits, const char **name);

#endif
