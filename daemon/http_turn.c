/* One request and its answer on a connection. */
#include "http_conn.h"

#include "http_fields.h"
#include "log.h"
#include "util.h"
#include "wire_http.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- replies ---- */

void http_problem(
    struct http_reply *reply, int status, const struct fail *fail, const char *request_id)
{
	int64_t retry_ms = fail_retry_ms(fail);
	struct wire_problem problem = {.status = status,
	    .title = http_reason(status),
	    .code = err_name(fail->err),
	    .text = fail->text,
	    .instance = request_id,
	    .retry_ms = retry_ms};

	reply->status = status;
	reply->type = "application/problem+json";
	buf_free(&reply->body);
	wire_http_write_problem(&problem, &reply->body);
	if (retry_ms > 0)
		http_reply_field(reply, "Retry-After", "%" PRId64, (retry_ms + 999) / 1000);
}

void http_sign(struct http_reply *reply, const char *request_id)
{
	http_reply_field(reply, "X-Request-Id", "%s", request_id);
	http_reply_field(reply, "X-Content-Type-Options", "nosniff");
}

static void log_turn(const struct http_turn *turn, size_t bytes)
{
	const struct http_conn *conn = turn->conn;
	int64_t took = clock_boot_ns(conn->http->env.clock) - turn->began;

	log_info(log_msg("http request"), log_str("method", turn->method),
	    log_str("path", turn->path), log_int("status", turn->exchange.reply.status),
	    log_int("bytes", (int64_t)bytes), log_int("duration_us", took / 1000),
	    log_str("client", conn->address), log_str("principal", turn->exchange.call.principal),
	    log_str("request_id", turn->exchange.request_id),
	    turn->traceparent[0] ? log_str("traceparent", turn->traceparent)
				 : (struct log_field){0});
}

/* Gives back what counts for the request, and forgets it. */
void http_turn_free(struct http_conn *conn)
{
	struct http_turn *turn = conn->turn;

	limits_receive_end(conn->http->env.limits, &conn->receiving);
	conn->turn = NULL;
	if (!turn)
		return;
	wire_request_free(&turn->exchange.call.request);
	wire_reply_free(&turn->exchange.call.reply);
	http_reply_free(&turn->exchange.reply);
	buf_free(&turn->body);
	free(turn->path);
	free(turn);
}

static void send_reply(struct http_turn *turn)
{
	struct http_conn *conn = turn->conn;
	struct http_reply *reply = &turn->exchange.reply;
	struct http_delivery delivery = {.head = turn->head,
	    .close = !turn->keep_alive || http_conn_is_last(conn) || conn->http->draining,
	    .utc_ms = clock_utc_ms(conn->http->env.clock)};
	struct buf text = {0};

	http_sign(reply, turn->exchange.request_id);
	http_reply_write(reply, &delivery, &text);
	log_turn(turn, text.len);
	if (reply->status >= 400)
		conn->http->env.stats->errors++;
	limits_use(conn->http->env.limits, LIMIT_REPLY_BYTES, -turn->reserved);
	http_conn_send(conn, &text);
	buf_free(&text);
	http_turn_free(conn);
	if (delivery.close)
		http_conn_close(conn);
	conn->since = clock_boot_ns(conn->http->env.clock);
}

/* The exchange's answer(): the connection goes on with what comes behind. */
static void on_answer(struct http_exchange *exchange)
{
	struct http_conn *conn = ((struct http_turn *)exchange)->conn;

	send_reply((struct http_turn *)exchange);
	http_conn_go_on(conn);
}

/* The exchange's hold(). */
static bool on_hold(struct http_exchange *exchange, int64_t bytes, struct fail *fail)
{
	struct http_turn *turn = (struct http_turn *)exchange;
	struct limits *limits = turn->conn->http->env.limits;
	int64_t more = bytes - turn->reserved;

	if (more > 0 && !limits_allow(limits, LIMIT_REPLY_BYTES, more)) {
		fail_set(fail, ERR_BUSY,
		    "too many replies are under way (--max-reply-bytes): try again in a second");
		return false;
	}
	turn->reserved = bytes;
	limits_use(limits, LIMIT_REPLY_BYTES, more);
	return true;
}

void http_answer(struct http_exchange *exchange)
{
	exchange->answer(exchange);
}

void http_refuse(struct http_exchange *exchange, int status, const struct fail *fail)
{
	http_problem(&exchange->reply, status, fail, exchange->request_id);
	http_answer(exchange);
}

void http_refuse_fail(struct http_exchange *exchange, const struct fail *fail)
{
	http_refuse(exchange, err_http_status(fail->err), fail);
}

/* ---- the head ---- */

/* Taken over when it is harmless, else made: [A-Za-z0-9._-], 1 to 64. */
static void name_request(struct http_turn *turn)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *given = turn->request ? http_header(turn->request, "x-request-id") : NULL;
	size_t len = given ? strlen(given) : 0;
	struct uuid uuid;

	if (len >= 1 && len < sizeof(turn->exchange.request_id) && strspn(given, allowed) == len) {
		strcpy(turn->exchange.request_id, given);
		return;
	}
	uuid = uuid_v7(clock_utc_ms(turn->conn->http->env.clock));
	uuid_format(&uuid, turn->exchange.request_id);
}

static struct http_turn *turn_new(struct http_conn *conn, const struct http_request *request)
{
	struct http_turn *turn = xcalloc(1, sizeof(*turn));

	turn->conn = conn;
	turn->request = request;
	turn->began = clock_boot_ns(conn->http->env.clock);
	/* Old clients are told the end of an answer by that of the connection. */
	turn->keep_alive = request && request->keep_alive && request->minor > 0;
	snprintf(turn->method, sizeof(turn->method), "%s", request ? request->method : "-");
	turn->path = xstrdup(request ? request->path : "-");
	turn->head = strcmp(turn->method, "HEAD") == 0;
	turn->exchange.api = conn->http->env.api;
	turn->exchange.conf = conn->http->env.conf;
	turn->exchange.answer = on_answer;
	turn->exchange.hold = on_hold;
	strcpy(turn->exchange.call.principal, "-");
	name_request(turn);
	conn->turn = turn;
	conn->http->env.stats->requests++;
	return turn;
}

static void copy_field(const struct http_request *request, const char *name, char *to, size_t size)
{
	const char *value = http_header(request, name);

	if (value && strlen(value) < size)
		strcpy(to, value);
}

/* What the routes look at. False: *fail says what is wrong. */
static bool read_fields(struct http_turn *turn, struct fail *fail)
{
	struct http_exchange *exchange = &turn->exchange;
	const char *key = http_header(turn->request, "idempotency-key");
	const char *accept = http_header(turn->request, "accept");
	const char *trace = http_header(turn->request, "traceparent");

	exchange->query = turn->request->query ? turn->request->query : "";
	exchange->wants_html = accept && http_accepts_html(accept);
	if (trace && http_is_traceparent(trace))
		strcpy(turn->traceparent, trace);
	copy_field(turn->request, "if-none-match", exchange->if_none_match,
	    sizeof(exchange->if_none_match));
	if (!key || http_key_read(key, exchange->key))
		return true;
	fail_set(fail, ERR_INVALID,
	    "Idempotency-Key must be 1 to %d visible ASCII characters, bare or as a quoted string",
	    KEY_MAX);
	return false;
}

/* OPTIONS needs no route: 204 and what there is. */
static bool answer_options(struct http_turn *turn, int *status, struct fail *fail)
{
	char allow[64];

	if (!http_route_methods(turn->request->path, allow)) {
		*status = 404;
		fail_set(fail, ERR_NOT_FOUND, "there is nothing at this path");
		return false;
	}
	turn->exchange.reply.status = 204;
	http_reply_field(&turn->exchange.reply, "Allow", "%s", allow);
	return true;
}

static bool find_route(struct http_turn *turn, int *status, struct fail *fail)
{
	struct http_exchange *exchange = &turn->exchange;
	char allow[64];

	exchange->route =
	    http_route_find(turn->method, turn->request->path, exchange->id, allow, status);
	if (exchange->route)
		return true;
	if (*status == 404) {
		fail_set(fail, ERR_NOT_FOUND, "there is nothing at this path");
	} else {
		http_reply_field(&exchange->reply, "Allow", "%s", allow);
		fail_set(fail, ERR_METHOD_NOT_ALLOWED, "%s is not possible here, but %s",
		    turn->method, allow);
	}
	return false;
}

/* All that can be said before the body is there. */
static bool check_head(struct http_turn *turn, int *status, struct fail *fail)
{
	*status = 400;
	if (strcmp(turn->method, "OPTIONS") == 0)
		return answer_options(turn, status, fail);
	return find_route(turn, status, fail) && http_access_check(turn, status, fail) &&
	       read_fields(turn, fail);
}

static bool has_body(const struct http_request *request)
{
	return request->framing == HTTP_CHUNKED ||
	       (request->framing == HTTP_LENGTH && request->length > 0);
}

static void send_continue(struct http_conn *conn)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	http_conn_send(conn, &(struct buf){.data = (char *)text, .len = sizeof(text) - 1});
}

void http_turn_begin(struct http_conn *conn)
{
	const struct http_request *request = &conn->parser.request;
	struct http_turn *turn = turn_new(conn, request);
	struct fail fail;
	int status;

	conn->credited = 0;
	if (check_head(turn, &status, &fail)) {
		if (request->expect_continue && has_body(request))
			send_continue(conn);
		return;
	}
	http_problem(&turn->exchange.reply, status, &fail, turn->exchange.request_id);
	turn->exchange.route = NULL;
	/* A body that nobody wants to have ends the connection. */
	if (has_body(request)) {
		turn->keep_alive = false;
		send_reply(turn);
	}
}

/* ---- the body ---- */

void http_turn_body(struct http_conn *conn, const char *piece, size_t len)
{
	struct limits *limits = conn->http->env.limits;
	struct fail fail;

	/* Where no body is wanted it is read and forgotten. */
	if (!conn->turn->exchange.route || !conn->turn->exchange.route->has_body)
		return;
	if (limits_receive(limits, &conn->receiving, (int64_t)(conn->turn->body.len + len))) {
		buf_add(&conn->turn->body, piece, len);
		return;
	}
	fail_set(&fail, ERR_BUSY,
	    "too much is being received from all clients (--max-buffer-bytes): try again in a "
	    "second");
	http_turn_abort(conn, 503, &fail);
}

/* ---- the answer ---- */

void http_turn_run(struct http_conn *conn)
{
	struct http_turn *turn = conn->turn;
	struct http_exchange *exchange = &turn->exchange;

	turn->calling = true;
	exchange->body = turn->body.data ? turn->body.data : "";
	exchange->body_len = turn->body.len;
	if (!exchange->route)
		send_reply(turn);
	else
		exchange->route->start(exchange);
}

void http_turn_hurry(struct http_conn *conn)
{
	if (conn->turn && conn->turn->calling)
		api_hurry(&conn->turn->exchange.call);
}

/* What is known of a request whose head has arrived, but is refused as a whole; NULL: nothing. */
static const struct http_request *broken_request(const struct http_conn *conn)
{
	const struct http_request *request = &conn->parser.request;

	return request->method && request->path ? request : NULL;
}

void http_turn_abort(struct http_conn *conn, int status, const struct fail *fail)
{
	struct http_turn *turn = conn->turn ? conn->turn : turn_new(conn, broken_request(conn));

	turn->keep_alive = false;
	http_problem(&turn->exchange.reply, status, fail, turn->exchange.request_id);
	send_reply(turn);
}
