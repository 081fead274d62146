/* What proc(5) says of processes: our children, everybody's environment. */
#ifndef INGESTD_PROC_H
#define INGESTD_PROC_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pids {
	pid_t *v; /* owned */
	size_t n, cap;
};

void pids_add(struct pids *pids, pid_t pid);

bool pids_have(const struct pids *pids, pid_t pid);

/* Frees the content. */
void pids_free(struct pids *pids);

/* Appends the children of this process, those that have ended and were not waited for included. */
void proc_children(struct pids *pids);

/* Appends all processes that can be seen. */
void proc_all(struct pids *pids);

/* Appends the process itself, its parent, and so on. */
void proc_ancestors(pid_t pid, struct pids *pids);

/* Whether it is a process of that name (comm in proc(5)). */
bool proc_is_named(pid_t pid, const char *name);

/*
 * Reads the environment that the process was started with: entries with a NUL behind each. False,
 * and nothing, when it has ended or is not ours to read.
 */
bool proc_environ(pid_t pid, struct buf *entries);

/* The value of that variable in what proc_environ() read, or NULL. */
const char *proc_env(const struct buf *entries, const char *name);

/* Whether the process is about to end, or has ended and was not waited for. */
bool proc_is_ending(pid_t pid);

/*
 * Sends a signal to the process and to its group, unless that is the group of one of `spared`
 * (which may be NULL) or of this process.
 */
void proc_signal_group(pid_t pid, int number, const struct pids *spared);

#endif
