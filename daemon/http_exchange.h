/*
 * One request and its answer, between the connection (http.c) and what the routes do (http_*.c).
 * Only http*.c include this.
 */
#ifndef INGESTD_HTTP_EXCHANGE_H
#define INGESTD_HTTP_EXCHANGE_H

#include "access.h"
#include "api.h"
#include "http_reply.h"

struct http_exchange;

struct http_route {
	const char *method;
	const char *path; /* "{id}" stands for one segment, and nothing else does */
	unsigned scope; /* what the client needs */
	/* Health paths answer whatever the fields Host and Origin say. */
	bool is_health;
	bool has_body;
	/* Begins; ends with http_answer(), at once or later. */
	void (*start)(struct http_exchange *exchange);
	/* The call that start() began has succeeded: fills in the reply. NULL: it begins none. */
	void (*finish)(struct http_exchange *exchange);
};

#define HTTP_FIELD_MAX 256 /* bytes of a header field or path segment that a route looks at */

struct http_exchange {
	struct api_call call; /* first */
	struct api *api;
	const struct conf *conf;
	const struct http_route *route;
	char id[HTTP_FIELD_MAX]; /* what stands for {id}; empty when it is longer */
	const char *query; /* as it was sent, without '?'; borrowed; "" for none */
	const char *body; /* borrowed */
	size_t body_len;
	char request_id[65];
	char if_none_match[HTTP_FIELD_MAX]; /* header fields, "" for none */
	char key[KEY_MAX + 1];
	bool wants_html;
	struct http_reply reply;
	/* The connection's part: sends the reply. */
	void (*answer)(struct http_exchange *exchange);
	/*
	 * A reply takes so many bytes, in place of those of the last call. False: there is no room,
	 * *fail says so.
	 */
	bool (*hold)(struct http_exchange *exchange, int64_t bytes, struct fail *fail);
};

/* All routes; the last one has no method. */
extern const struct http_route http_routes[];

/*
 * The route for a path, and what stands for {id}. NULL: *status is 404, or 405 and `allow` has the
 * methods that there are. HEAD finds the route of GET.
 */
const struct http_route *http_route_find(
    const char *method, const char *path, char id[HTTP_FIELD_MAX], char allow[64], int *status);

/* The methods of a path, for the field Allow; false: there is no such path. */
bool http_route_methods(const char *path, char allow[64]);

/* Sends the reply. */
void http_answer(struct http_exchange *exchange);

/* Makes the reply a problem document and sends it. */
void http_refuse(struct http_exchange *exchange, int status, const struct fail *fail);

/* The same with the status that belongs to the error. */
void http_refuse_fail(struct http_exchange *exchange, const struct fail *fail);

/* Fills in a problem document, for those who have no exchange yet. */
void http_problem(
    struct http_reply *reply, int status, const struct fail *fail, const char *request_id);

/* Starts the call in exchange->call; the route's finish() is called, or an error is answered. */
void http_call(struct http_exchange *exchange, enum wire_method method);

/* Reads what stands for {id}; false: it is no ingestion's, and that was the answer. */
bool http_read_ingestion(struct http_exchange *exchange, struct uuid *ingestion);

/* What the routes do. */
void http_ingest(struct http_exchange *exchange);
void http_ingest_done(struct http_exchange *exchange);
void http_status(struct http_exchange *exchange);
void http_status_done(struct http_exchange *exchange);
void http_report(struct http_exchange *exchange);
void http_report_done(struct http_exchange *exchange);
void http_list(struct http_exchange *exchange);
void http_list_done(struct http_exchange *exchange);
void http_stats(struct http_exchange *exchange);
void http_stats_done(struct http_exchange *exchange);
void http_metrics_done(struct http_exchange *exchange);
void http_nodes(struct http_exchange *exchange);
void http_nodes_done(struct http_exchange *exchange);
void http_cancel(struct http_exchange *exchange);
void http_retry(struct http_exchange *exchange);
void http_bump(struct http_exchange *exchange);
void http_bulk(struct http_exchange *exchange);
void http_pause(struct http_exchange *exchange);
void http_resume(struct http_exchange *exchange);
void http_start_drain(struct http_exchange *exchange);
void http_rate(struct http_exchange *exchange);
void http_reset_rate(struct http_exchange *exchange);
void http_start_reload(struct http_exchange *exchange);
void http_control_done(struct http_exchange *exchange);
void http_ready(struct http_exchange *exchange);
void http_ready_done(struct http_exchange *exchange);
void http_health(struct http_exchange *exchange);
void http_index(struct http_exchange *exchange);
void http_openapi(struct http_exchange *exchange);
void http_docs(struct http_exchange *exchange);

#endif
