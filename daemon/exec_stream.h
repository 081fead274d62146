/* Reads what a command writes to one of its streams, in turns with everything else. */
#ifndef INGESTD_EXEC_STREAM_H
#define INGESTD_EXEC_STREAM_H

#include "exec_outcome.h"

#include <event2/event.h>

struct exec_stream {
	int fd; /* owned; -1 once it is closed */
	struct event *readable;
	struct exec_output output; /* what was read */
	struct exec_outcomes
	    *outcomes; /* borrowed; lines of ids go there; NULL: they are not looked for */
};

/* Takes the descriptor, which must not block, and keeps up to `max` bytes of what comes. */
void exec_stream_open(struct exec_stream *stream, struct event_base *base, int fd, size_t max,
    struct exec_outcomes *outcomes);

/* The command has ended: reads what the pipe holds, whoever else may hold its other end. */
void exec_stream_drain(struct exec_stream *stream);

#endif
