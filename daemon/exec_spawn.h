/* Starts a command: pipes, what it finds on stdin, posix_spawn(3). */
#ifndef INGESTD_EXEC_SPAWN_H
#define INGESTD_EXEC_SPAWN_H

#include "buf.h"

#include <sys/types.h>

/* Descriptors that a running command costs. */
#define EXEC_SPAWN_DESCRIPTORS 4

struct exec_child {
	pid_t pid; /* leader of a process group of its own */
	int pidfd; /* readable when it has ended */
	int out, err; /* what it writes; not blocking */
	int status; /* what the helper has to say (exec_helper.h); not blocking */
};

/*
 * Starts this program as the helper `argv` (exec_helper.h) with `input` as stdin, no signal blocked
 * or ignored, and no other descriptors. Returns 0 or an errno; then there is no
 * child, and *child is as it was.
 */
int exec_spawn(
    struct exec_child *child, char *const argv[], char *const env[], const struct buf *input);

/* Whether the system has what is needed, else an errno. */
int exec_spawn_check(void);

#endif
