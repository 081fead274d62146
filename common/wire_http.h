/*
 * The bodies of HTTP: what is there beyond the messages of the socket (wire.h). A body that HTTP
 * and the socket share is the result of the method.
 */
#ifndef INGESTD_WIRE_HTTP_H
#define INGESTD_WIRE_HTTP_H

#include "wire.h"

/*
 * Reads the body of POST /ingest: ids, priority, label. Other members are ignored, since old
 * clients send some. On failure nothing needs to be freed.
 */
enum err wire_http_read_ingest(
    const char *text, size_t len, int64_t max_id, struct wire_submit *submit, struct fail *fail);

/* Appends the body of its answer. */
void wire_http_write_ingest(const struct uuid *ingestion, struct buf *out);

/*
 * Reads a body that is the params of the method: an object, or nothing for an empty one. A method
 * about one ingestion has its id from the path, else `ingestion` is NULL. Unknown members are
 * refused. On failure nothing needs to be freed.
 */
enum err wire_http_read_params(enum wire_method method, const struct uuid *ingestion,
    const char *text, size_t len, struct wire_request *request, struct fail *fail);

/*
 * Appends the result of status, report or list with `next`, a link to the next page, instead of the
 * place to go on; NULL: there is none.
 */
void wire_http_write_page(
    enum wire_method method, const struct wire_reply *reply, const char *next, struct buf *out);

/* What a problem document (RFC 9457) says. */
struct wire_problem {
	int status;
	const char *title; /* of the status */
	const char *code; /* name of the error */
	const char *text;
	const char *instance; /* id of the request */
	int64_t retry_ms; /* 0: none */
};

/* Appends a problem document; it also has `error` and `detail`, as clients of old expect them. */
void wire_http_write_problem(const struct wire_problem *problem, struct buf *out);

#endif
