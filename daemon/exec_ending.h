/* What follows from the end of a command, and from what it said, for its ids. Pure. */
#ifndef INGESTD_EXEC_ENDING_H
#define INGESTD_EXEC_ENDING_H

#include "exec_outcome.h"

/* Who made it end. */
enum exec_cause { EXEC_ENDED, EXEC_TIMED_OUT, EXEC_CANCELLED };

struct exec_end {
	enum exec_cause cause;
	bool signaled;
	int status; /* of the exit, or the number of the signal */
	int64_t timeout_ns; /* that was in force */
	const char *last_line; /* of stderr; "" for none */
};

/*
 * Fills in outcome, failure, message and results, which it takes from `outcomes`. A line of an id
 * always beats the end of the command.
 */
void exec_ending(struct ending *ending, struct exec_outcomes *outcomes, const struct exec_end *end);

#endif
