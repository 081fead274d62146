/* What the daemon counts about itself; the verb stats shows it. For the loop's thread alone. */
#ifndef INGESTD_STATS_H
#define INGESTD_STATS_H

#include "model.h"

#include <stdint.h>

struct stats {
	int64_t started_ns; /* boot_ns: when this process began to serve */
	int64_t accepted; /* connections that are or were served */
	int64_t refused; /* connections that were one too many */
	int64_t dropped; /* connections that the daemon ended because of what they did */
	int64_t requests;
	int64_t errors; /* replies that refuse */
	int64_t waiting; /* long polls now */

	int64_t attempts; /* that were begun */
	int64_t retries; /* of these: not the first of their batch */
	int64_t interrupted; /* that we stopped */
	int64_t failures[FAILURE_COUNT]; /* attempts that failed, by kind */
	struct durations durations; /* from start to end of the attempts that have ended */
};

/* Bytes of this process that are in memory (proc(5), statm); 0 when the system does not say. */
int64_t stats_rss_bytes(void);

#endif
