/*
 * The ledger: when the last batch was claimed and when it really started. The next slot is derived
 * from it with the interval in force, so a new rate applies from the last start. Pure: no clock, no
 * storage. All times are boot_ns (clock.h).
 */
#ifndef INGESTD_LEDGER_H
#define INGESTD_LEDGER_H

#include "clock.h"

#include <stdbool.h>
#include <stdint.h>

#define LEDGER_NONE INT64_MIN /* no such moment */

struct ledger {
	int64_t interval_ns; /* shortest distance between two starts */
	int64_t settle_ns; /* wait of a daemon that was idle before its first slot */
	bool pack; /* a slot may carry several small batches */
	int64_t last_claim; /* LEDGER_NONE: there never was one */
	int64_t last_start; /* LEDGER_NONE: not known (yet) */
	int64_t
	    ready_since; /* when something became ready after nothing was; LEDGER_NONE: no wait */
};

/* A ledger that has seen nothing. */
#define LEDGER_NEW                                                                                 \
	((struct ledger){                                                                          \
	    .last_claim = LEDGER_NONE, .last_start = LEDGER_NONE, .ready_since = LEDGER_NONE})

/*
 * The earliest moment for the next claim: an interval behind the last start, and the settle time
 * behind the end of idleness. CLOCK_NEVER while the last claim's start is not known.
 */
int64_t ledger_next_slot(const struct ledger *ledger);

/* A slot was claimed now: no further one before its start is known. */
void ledger_claimed(struct ledger *ledger, int64_t now);

/*
 * The claim's handler was given its batch at `start`. A start before the claim is of an earlier
 * one, told once more: it says nothing of the last.
 */
void ledger_started(struct ledger *ledger, int64_t start);

/*
 * The line was empty and is not any more. Not to be called for a backlog that is found at start-up.
 */
void ledger_ready(struct ledger *ledger, int64_t now);

/* The line is empty. */
void ledger_idle(struct ledger *ledger);

/*
 * A ledger read from disk, at start-up. Within the same boot a known start stays as it is, so the
 * spacing goes on exactly. In a new boot, or after a claim whose start is not on disk, or with a
 * start in the future, one full interval is waited from now: as if a batch had started now.
 */
void ledger_recover(struct ledger *ledger, bool same_boot, int64_t now);

#endif
