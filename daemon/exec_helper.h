/*
 * What is between the daemon and a command: `ingestd --exec-helper`, which the daemon starts for
 * each run, sets limits and nice value of its own process and becomes the command. From outside
 * they could only be set once the command runs, and posix_spawn(3) cannot do it.
 */
#ifndef INGESTD_EXEC_HELPER_H
#define INGESTD_EXEC_HELPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define EXEC_HELPER_FLAG "--exec-helper"

/* Where the helper says why there is no command, in one write; closed when there is one. */
#define EXEC_HELPER_STATUS_FD 3

/* What it has to do; everything is borrowed. */
struct exec_helper {
	uint64_t nofile; /* soft limit of descriptors (RLIMIT_NOFILE), before `limits` */
	mode_t umask;
	int64_t nice; /* to be added */
	const char *limits; /* exec_limits.h */
	char *path; /* of the program */
	char **words; /* of the command, with the first one as it was given; NULL at the end */
};

/* Fills in limit of descriptors and umask as this process has them. */
void exec_helper_look(struct exec_helper *how);

/* The arguments with which the helper is started. */
char **exec_helper_arguments(const struct exec_helper *how);

void exec_helper_arguments_free(char **argv);

/* Whether these are the arguments of a helper. */
bool exec_helper_is_meant(int argc, char **argv);

/* Becomes the command. When it returns that has failed, with the exit status. */
int exec_helper_main(int argc, char **argv);

#endif
