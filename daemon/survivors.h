/*
 * Processes of runs that an earlier daemon of this node did not end, because it was killed itself.
 * They are ended before their batches run again.
 */
#ifndef INGESTD_SURVIVORS_H
#define INGESTD_SURVIVORS_H

#include <event2/event.h>
#include <stdint.h>

struct survivors;

/*
 * Ends all processes with this node in their environment but for ourselves, our ancestors, and what
 * runs below another daemon: first TERM, after the grace time KILL. done() is called when none is
 * left, never from inside. Free with survivors_free() any time but inside done().
 */
struct survivors *survivors_end(struct event_base *base, const char *node, int64_t grace_ns,
    void (*done)(void *arg), void *arg);

void survivors_free(struct survivors *survivors);

#endif
