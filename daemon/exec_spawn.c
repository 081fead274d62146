#include "exec_spawn.h"

#include "exec_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

enum { STDIN, STDOUT, STDERR, STATUS, ENDS }; /* as the child numbers them */
_Static_assert(STATUS == EXEC_HELPER_STATUS_FD, "the helper knows where to write");

static int open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int exec_spawn_check(void)
{
	int fd = open_pidfd(getpid());

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* ---- stdin ---- */

static bool write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return false;
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* A file in memory that does not change any more: nobody has to feed a pipe. */
static int input_file(const struct buf *input)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("input", flags | MFD_NOEXEC_SEAL), why;
	bool written;

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create("input", flags);
	if (fd < 0)
		return -1;
	written = write_all(fd, input->data, input->len) && lseek(fd, 0, SEEK_SET) == 0 &&
	          fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) == 0;
	why = errno;
	if (written)
		return fd;
	close(fd);
	errno = why;
	return -1;
}

/* ---- descriptors ---- */

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* The child's end blocks as programs expect it, ours does not. */
static bool open_pipe(int *ours, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	*ours = ends[0];
	*theirs = ends[1];
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

/* Opens both ends of everything. */
static bool open_ends(int ours[ENDS], int theirs[ENDS], const struct buf *input)
{
	theirs[STDIN] = input_file(input);
	if (theirs[STDIN] < 0)
		return false;
	for (int i = STDOUT; i < ENDS; i++)
		if (!open_pipe(&ours[i], &theirs[i]))
			return false;
	return true;
}

/* ---- the process ---- */

static int set_up(
    posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, const int theirs[ENDS])
{
	sigset_t none, all;
	int error = 0;

	sigemptyset(&none);
	sigfillset(&all);
	/* None of them is below 3 (main.c), so none is overwritten before it is copied. */
	for (int i = 0; i < ENDS && !error; i++)
		error = posix_spawn_file_actions_adddup2(actions, theirs[i], i);
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(actions, ENDS);
	posix_spawnattr_setflags(
	    attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	return error;
}

static int spawn(pid_t *pid, char *const argv[], char *const env[], const int theirs[ENDS])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	error = set_up(&actions, &attributes, theirs);
	if (!error)
		error = posix_spawn(pid, "/proc/self/exe", &actions, &attributes, argv, env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* While it is not waited for, the number is nobody else's. */
static int give_up(pid_t pid, int error)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return error;
}

int exec_spawn(
    struct exec_child *child, char *const argv[], char *const env[], const struct buf *input)
{
	int ours[ENDS] = {-1, -1, -1, -1}, theirs[ENDS] = {-1, -1, -1, -1}, pidfd = -1;
	int error = open_ends(ours, theirs, input) ? 0 : errno;
	pid_t pid;

	if (!error)
		error = spawn(&pid, argv, env, theirs);
	close_all(theirs, ENDS);
	if (!error && (pidfd = open_pidfd(pid)) < 0)
		error = give_up(pid, errno);
	if (error) {
		close_all(ours, ENDS);
		return error;
	}
	*child = (struct exec_child){.pid = pid,
	    .pidfd = pidfd,
	    .out = ours[STDOUT],
	    .err = ours[STDERR],
	    .status = ours[STATUS]};
	return 0;
}
