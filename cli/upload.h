/*
 * Brings a list of ids to the daemon: in one message when it fits, else as an upload, part by part,
 * in memory that does not depend on its length. The key that each submission carries makes it safe
 * to try again when an answer has been lost, in this process or in a later one.
 */
#ifndef INGESTCTL_UPLOAD_H
#define INGESTCTL_UPLOAD_H

#include "bar.h"
#include "client.h"
#include "digest.h"
#include "input.h"
#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct upload {
	/* Set by the caller: */
	struct client *client; /* borrowed, not open */
	struct input *input; /* borrowed, open, at the first id */
	const char *socket; /* --socket or NULL */
	enum priority priority;
	const char *label; /* "" for none */
	const char *key;
	bool key_is_given; /* by the user: the same command has the same key */
	bool has_content; /* the next two are known: all ids were read once already */
	int64_t content_n;
	struct digest content;
	bool quiet;
	struct bar bar;
	/* The rest is the module's own. */
	struct idlist ids; /* read from the input, and not known to have arrived */
	bool ended; /* the input has no more behind these */
	size_t sent; /* how many of them are in a message without an answer so far */
	struct uuid ingestion;
	bool opened; /* the daemon has answered once, so it knows the ingestion */
	bool overtaken; /* somebody else has sealed it; the rest is only read, to be compared */
	int64_t arrived; /* ids in front of those above */
	int64_t skipped; /* as many of them had arrived before this process began */
	struct digester digester; /* of what has arrived */
	int64_t begun; /* boot_ns of the first part */
	int64_t failing_since; /* 0: all is well */
};

/*
 * Returns 0 with the daemon's answer in *result, or an exit status after saying why. Usage errors
 * of short lists come before the daemon is asked. From the first request on SIGINT is caught.
 */
int upload_run(struct upload *upload, struct wire_submit_reply *result);

void upload_free(struct upload *upload);

#endif
