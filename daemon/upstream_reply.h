/* The answer to a call of the handler http, and what follows from it for the ids. Pure. */
#ifndef INGESTD_UPSTREAM_REPLY_H
#define INGESTD_UPSTREAM_REPLY_H

#include "attempt.h"
#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct upstream_reply {
	int64_t max; /* bytes of the body that are accepted */
	struct buf body;
	bool too_long;
	bool has_rest; /* the other side asks for one */
	int64_t rest_ms; /* from when that was read */
};

void upstream_reply_init(struct upstream_reply *reply, int64_t max);

/* Takes one line of the header, the status line included, with its end. */
void upstream_reply_header(
    struct upstream_reply *reply, const char *line, size_t len, int64_t utc_ms);

/* Takes the next bytes of the body. False: it is longer than is accepted. */
bool upstream_reply_body(struct upstream_reply *reply, const char *data, size_t len);

/* Says what the answer with this status means for the ids; fills in all but the outputs. */
void upstream_reply_judge(const struct upstream_reply *reply, long status, const struct idlist *ids,
    struct ending *ending);

/* Beginning and end of the body, as far as it was read. */
void upstream_reply_output(const struct upstream_reply *reply, struct output *output);

/* Frees the content. */
void upstream_reply_free(struct upstream_reply *reply);

#endif
