/* A call of the handler http: its key, body and header. Pure. */
#ifndef INGESTD_UPSTREAM_REQUEST_H
#define INGESTD_UPSTREAM_REQUEST_H

#include "buf.h"
#include "handler.h"
#include "upstream_credentials.h"
#include "uuid.h"

struct curl_slist; /* curl/curl.h */

struct upstream_request {
	char key[UUID_TEXT_SIZE];
	struct buf body; /* JSON */
	struct curl_slist *headers; /* owned; all but those that the library makes */
};

/*
 * The key of a run: that of its batch while it has all ids, else one of the batch and the ids; so
 * one key always stands for the same body. A notice has one of its ingestion and the document,
 * since what is tried again has another end.
 */
struct uuid upstream_request_key(const struct run *run);

/* Free with upstream_request_free(). */
void upstream_request_make(struct upstream_request *request, const struct run *run,
    const struct upstream_credentials *credentials, int64_t utc_s);

void upstream_request_free(struct upstream_request *request);

#endif
