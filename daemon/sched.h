/*
 * The scheduler: who gets the next slot, and when. Pure functions of what the caller read from the
 * store; the daemon's claim and everything that predicts it call the same ones.
 */
#ifndef INGESTD_SCHED_H
#define INGESTD_SCHED_H

#include "ledger.h"
#include "model.h"

/* The first batch in the line of one priority. Key of the whole line: (priority, seq, index). */
struct sched_head {
	bool present;
	int64_t seq;
	int64_t index;
	int64_t ids; /* in this batch */
};

struct sched_view {
	struct ledger ledger;
	struct sched_head heads[PRIORITY_COUNT]; /* HIGH first */
	/* boot_ns: nothing is started before, by somebody's wish; CLOCK_NEVER: until further
	 * notice, LEDGER_NONE: it may be */
	int64_t not_before;
	int64_t
	    next_due; /* boot_ns: when a batch that is not in line gets there; CLOCK_NEVER: none */
};

enum sched_verdict {
	SCHED_IDLE, /* nothing stands in line before `at`, perhaps never */
	SCHED_WAIT, /* something waits, but may not start before `at`, perhaps never */
	SCHED_START, /* start the head of `lane` */
};

struct sched_choice {
	enum sched_verdict verdict;
	int lane; /* index into heads */
	int64_t at; /* SCHED_IDLE, SCHED_WAIT: when to ask again */
};

/*
 * The choice at `now`: strictly by priority, then first come first served, and nothing before its
 * slot. Heads count as of this call: nothing is claimed ahead.
 */
struct sched_choice sched_pick(const struct sched_view *view, int64_t now);

/*
 * Packing: the lane whose head may go into the same slot, which already holds `taken` ids of at
 * most `room`; -1 to stop. The next batch in the order either fits or ends the slot: none is
 * overtaken.
 */
int sched_pack(const struct sched_view *view, int64_t taken, int64_t room);

#endif
