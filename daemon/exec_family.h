/*
 * The runs of this process, of all its handlers together: a process has one set of children, so who
 * looks for strays among them has to know every run.
 */
#ifndef INGESTD_EXEC_FAMILY_H
#define INGESTD_EXEC_FAMILY_H

#include "uuid.h"

#include <event2/event.h>
#include <sys/types.h>

#define EXEC_ATTEMPT_SIZE 24

/* A run. */
struct exec_member {
	pid_t leader; /* of its process group, somebody else waits for it; 0: there is none */
	char id[UUID_TEXT_SIZE], attempt[EXEC_ATTEMPT_SIZE]; /* as the environment has them */
	struct exec_member *next, **link; /* the family's */
};

struct exec_family;

/*
 * The family of this process; the first call makes it, and looks for strays whenever a child ends.
 * `node` is the text of the id of this node, borrowed.
 */
struct exec_family *exec_family_join(struct event_base *base, const char *node);

/* With the last one the family ends, after the strays. */
void exec_family_leave(struct exec_family *family);

/* The member belongs to the caller. */
void exec_family_add(struct exec_family *family, struct exec_member *member);
void exec_family_remove(struct exec_member *member);

/* Ends what runs that are over have left behind; see strays_end(). */
size_t exec_family_end_strays(struct exec_family *family);

#endif
