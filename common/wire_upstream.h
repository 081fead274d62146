/*
 * JSON between the handler http and the server behind it: what a batch is sent as, and what the
 * server may say of its ids.
 */
#ifndef INGESTD_WIRE_UPSTREAM_H
#define INGESTD_WIRE_UPSTREAM_H

#include "json.h"
#include "model.h"

/* What a server is told of a batch. All of it is borrowed. */
struct wire_batch {
	const struct uuid *ingestion, *batch;
	const struct idlist *ids;
	enum priority priority;
	const char *label; /* "" for none */
};

/* Appends {"ingestion_id":...,"batch_id":...,"ids":[...],"priority":...[,"label":...]}. */
void wire_write_batch(const struct wire_batch *batch, struct buf *out);

/* What a server says of one id. */
struct wire_said {
	int64_t id;
	const char *status;
	const char *message; /* or NULL */
};

/* What a server has answered; the texts belong to the document. */
struct wire_answer {
	struct json_doc doc; /* owned */
	const char *detail; /* of a problem document (RFC 9457), or NULL */
	bool has_results;
	struct wire_said *v; /* owned; the elements of "results" */
	size_t n;
};

/*
 * Reads {"results":[{"id":...,"status":...[,"message":...]},...],"detail":...}, in which other
 * members are ignored and none must be there. Errors: ERR_PARSE_ERROR, it is not JSON; ERR_INVALID,
 * "results" is something else, and the text says what; `detail` is there all the same. Free with
 * wire_answer_free() in any case. `text` must outlive the answer.
 */
enum err wire_read_answer(
    const char *text, size_t len, struct wire_answer *answer, struct fail *fail);

void wire_answer_free(struct wire_answer *answer);

#endif
