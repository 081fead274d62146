/*
 * Processes that a command has started and that are not part of its group any more, and so outlive
 * it. The daemon is their reaper (PR_SET_CHILD_SUBREAPER in prctl(2)): they become its children
 * when their parents end.
 */
#ifndef INGESTD_STRAYS_H
#define INGESTD_STRAYS_H

#include "proc.h"

struct strays_view {
	const char *node; /* id of this node, as text */
	const struct pids *leaders; /* children that somebody else waits for; sorted */
	/* Whether that attempt of that batch, or of the notice of that ingestion, runs. */
	bool (*runs)(void *arg, const char *id, const char *attempt);
	void *arg;
};

/*
 * Looks through the children: takes note of those that have ended, and kills those that belong to a
 * run which is over, with their groups. Returns how many are just ending, by that or by
 * themselves: they, and then their children, come back with the next SIGCHLD. Who has cleared its
 * environment is left alone.
 */
size_t strays_end(const struct strays_view *view);

#endif
