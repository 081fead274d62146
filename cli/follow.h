/*
 * Follows ingestions until nothing changes any more. A daemon that goes away for a moment is waited
 * for: restarts are normal, and what it has accepted is durable.
 */
#ifndef INGESTCTL_FOLLOW_H
#define INGESTCTL_FOLLOW_H

#include "bar.h"
#include "client.h"
#include "model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct followed {
	struct uuid uuid;
	struct ingestion
	    now; /* as last seen; version 0: not yet. counts.batches may be set ahead. */
	bool final;
};

struct follow {
	struct client *client; /* borrowed, open */
	struct followed *list; /* borrowed */
	size_t n;
	int64_t timeout_ns; /* negative: none */
	bool quiet; /* no notices */
	const char *socket; /* --socket, for the command that the user is told; NULL: not given */
	struct bar bar;
	/*
	 * `one` has a new version, one->now and one->final are set. May be called again for the
	 * same version when it fails. Returns 0, or an exit status with *fail set, as client_call()
	 * does.
	 */
	int (*changed)(struct follow *follow, struct followed *one, struct fail *fail);
	void *arg; /* for `changed` */
};

/*
 * Returns 0 once all are final, or an exit status after saying why it ends before: timed out,
 * interrupted by SIGINT, the daemon gone or refusing. Catches SIGINT from then on.
 */
int follow_run(struct follow *follow);

/* Batches that have ended. */
int64_t follow_done(const struct counts *counts);

#endif
