#include "proc.h"

#include "util.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 64
#define CHUNK 4096
/* The system allows a quarter of the stack for arguments and environment, and never more than 6 MiB
 * (execve(2)). */
#define ENVIRON_MAX (6 << 20)
#define FLAG_EXITING 4 /* PF_EXITING of the kernel */
#define DEPTH_MAX 1000 /* of ancestors */

void pids_add(struct pids *pids, pid_t pid)
{
	if (pids->n == pids->cap) {
		pids->cap = pids->cap ? 2 * pids->cap : 16;
		pids->v = xreallocarray(pids->v, pids->cap, sizeof(*pids->v));
	}
	pids->v[pids->n++] = pid;
}

bool pids_have(const struct pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->n; i++)
		if (pids->v[i] == pid)
			return true;
	return false;
}

void pids_free(struct pids *pids)
{
	free(pids->v);
	*pids = (struct pids){0};
}

/* ---- files ---- */

/* Appends a file of up to `max` bytes. */
static bool read_file(const char *path, struct buf *to, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return false;
	while (to->len < max && (n = read(fd, buf_reserve(to, CHUNK), CHUNK)) > 0)
		to->len += (size_t)n;
	close(fd);
	if (to->data)
		to->data[to->len] = '\0';
	return n >= 0;
}

/* Appends the entries of a directory that are numbers. */
static void list_numbers(const char *path, struct pids *pids)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int64_t pid;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (parse_u63(entry->d_name, strlen(entry->d_name), &pid))
			pids_add(pids, (pid_t)pid);
	closedir(dir);
}

/* What of proc(5), stat, is of interest; zeros when the process is gone. */
struct about {
	pid_t parent;
	unsigned flags;
};

static struct about about(pid_t pid)
{
	char path[PATH_SIZE];
	struct buf stat = {0};
	const char *behind_name;
	struct about found = {0};

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_file(path, &stat, CHUNK) && stat.data && (behind_name = strrchr(stat.data, ')')) &&
	    sscanf(behind_name + 1, " %*c %d %*d %*d %*d %*d %u", &found.parent, &found.flags) != 2)
		found = (struct about){0};
	buf_free(&stat);
	return found;
}

bool proc_is_ending(pid_t pid)
{
	return about(pid).flags & FLAG_EXITING;
}

/* ---- processes ---- */

static bool children_of_thread(pid_t thread, struct pids *pids)
{
	char path[PATH_SIZE], *at, *end;
	struct buf text = {0};
	bool read;
	long pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)thread);
	read = read_file(path, &text, SIZE_MAX);
	for (at = text.data; at && (pid = strtol(at, &end, 10)) > 0; at = end)
		pids_add(pids, (pid_t)pid);
	buf_free(&text);
	return read;
}

/* Not every kernel has the files of children. */
static void look_for_children(struct pids *pids)
{
	struct pids all = {0};

	proc_all(&all);
	for (size_t i = 0; i < all.n; i++)
		if (about(all.v[i]).parent == getpid())
			pids_add(pids, all.v[i]);
	pids_free(&all);
}

void proc_children(struct pids *pids)
{
	struct pids threads = {0};
	bool any = false;

	list_numbers("/proc/self/task", &threads);
	for (size_t i = 0; i < threads.n; i++)
		any |= children_of_thread(threads.v[i], pids);
	if (!any)
		look_for_children(pids);
	pids_free(&threads);
}

void proc_all(struct pids *pids)
{
	list_numbers("/proc", pids);
}

void proc_ancestors(pid_t pid, struct pids *pids)
{
	for (int depth = 0; pid > 0 && depth < DEPTH_MAX; depth++) {
		pids_add(pids, pid);
		pid = about(pid).parent;
	}
}

bool proc_is_named(pid_t pid, const char *name)
{
	char path[PATH_SIZE];
	struct buf comm = {0};
	size_t len = strlen(name);
	bool is;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	is = read_file(path, &comm, CHUNK) && comm.len == len + 1 &&
	     memcmp(comm.data, name, len) == 0;
	buf_free(&comm);
	return is;
}

bool proc_environ(pid_t pid, struct buf *entries)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	entries->len = 0;
	return read_file(path, entries, ENVIRON_MAX) && entries->len > 0;
}

const char *proc_env(const struct buf *entries, const char *name)
{
	size_t len = strlen(name);

	for (size_t at = 0; at < entries->len; at += strlen(entries->data + at) + 1)
		if (strncmp(entries->data + at, name, len) == 0 && entries->data[at + len] == '=')
			return entries->data + at + len + 1;
	return NULL;
}

void proc_signal_group(pid_t pid, int number, const struct pids *spared)
{
	pid_t group = getpgid(pid);
	bool spare = group <= 1 || group == getpgrp();

	for (size_t i = 0; spared && !spare && i < spared->n; i++)
		spare = getpgid(spared->v[i]) == group;
	if (!spare)
		kill(-group, number);
	kill(pid, number);
}
