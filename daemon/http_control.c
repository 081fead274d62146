/* The routes of control: bodies are the params of the verbs, answers their results. */
#include "http_exchange.h"

#include "wire_http.h"

/* Reads the body and starts the call. `ingestion` is from the path, or NULL. */
static void start(
    struct http_exchange *exchange, enum wire_method method, const struct uuid *ingestion)
{
	struct fail fail;

	if (wire_http_read_params(method, ingestion, exchange->body, exchange->body_len,
		&exchange->call.request, &fail))
		http_refuse_fail(exchange, &fail);
	else
		http_call(exchange, method);
}

static void start_for_one(struct http_exchange *exchange, enum wire_method method)
{
	struct uuid ingestion;

	if (http_read_ingestion(exchange, &ingestion))
		start(exchange, method, &ingestion);
}

void http_cancel(struct http_exchange *exchange)
{
	start_for_one(exchange, WIRE_CANCEL);
}

void http_retry(struct http_exchange *exchange)
{
	start_for_one(exchange, WIRE_RETRY);
}

void http_bump(struct http_exchange *exchange)
{
	start_for_one(exchange, WIRE_BUMP);
}

void http_bulk(struct http_exchange *exchange)
{
	start(exchange, WIRE_BULK, NULL);
}

void http_pause(struct http_exchange *exchange)
{
	start(exchange, WIRE_PAUSE, NULL);
}

void http_resume(struct http_exchange *exchange)
{
	start(exchange, WIRE_RESUME, NULL);
}

void http_start_drain(struct http_exchange *exchange)
{
	start(exchange, WIRE_DRAIN, NULL);
}

void http_rate(struct http_exchange *exchange)
{
	start(exchange, WIRE_RATE, NULL);
}

void http_reset_rate(struct http_exchange *exchange)
{
	http_call(exchange, WIRE_RATE);
}

void http_start_reload(struct http_exchange *exchange)
{
	start(exchange, WIRE_RELOAD, NULL);
}

void http_control_done(struct http_exchange *exchange)
{
	wire_write_result(
	    exchange->call.request.method, &exchange->call.reply, &exchange->reply.body);
}
