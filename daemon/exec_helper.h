/*
 * What is between the daemon and a command: `ingestd --exec-helper`, which the daemon starts for
 * each run, sets limits and nice value of its own process and becomes the command. From outside
 * they could only be set once the command runs, and posix_spawn(3) cannot do it.
 */
#ifndef INGESTD_EXEC_HELPER_H
#define INGESTD_EXEC_HELPER_H

#include <stdbool.h>

#define EXEC_HELPER_FLAG "--exec-helper"

/* What follows the flag, then the words of the command, the first one as it was given. */
enum {
	EXEC_HELPER_NOFILE = 2, /* soft limit of descriptors; the daemon has raised its own */
	EXEC_HELPER_NICE,
	EXEC_HELPER_LIMITS,
	EXEC_HELPER_PATH,
	EXEC_HELPER_WORDS
};

/* Where the helper says why there is no command, in one write; closed when there is one. */
#define EXEC_HELPER_STATUS_FD 3

/* Whether these are the arguments of a helper. */
bool exec_helper_is_meant(int argc, char **argv);

/* Becomes the command. When it returns that has failed, with the exit status. */
int exec_helper_main(int argc, char **argv);

#endif
