#include "rpc.h"

#include "log.h"
#include "sock.h"
#include "util.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_AHEAD (64 * 1024)

struct rpc {
	struct event_base *base;
	struct api *api;
	const struct conf *conf;
	struct conn *conns;
	bool draining;
};

struct conn {
	struct rpc *rpc;
	struct conn *next, **link; /* in rpc->conns; link points at what points here */
	struct bufferevent *bev;
	struct wire_lines lines;
	struct sock_peer peer;
	struct call *calls; /* in flight */
	size_t in_flight;
	bool pumping; /* conn_pump() is on the stack */
	bool ended; /* the peer sends no more */
	bool refused; /* what it sends cannot be understood any more: it is thrown away */
	size_t discarded;
	bool dead; /* nothing can be sent any more */
};

/* One request; lives until its reply is written. */
struct call {
	struct api_call call; /* first */
	struct conn *conn;
	struct call *next, **link; /* in conn->calls; link points at what points here */
};

static void pump_or_free(struct conn *conn);

/* ---- connections ---- */

static void conn_free(struct conn *conn)
{
	*conn->link = conn->next;
	if (conn->next)
		conn->next->link = conn->link;
	bufferevent_free(conn->bev);
	wire_lines_free(&conn->lines);
	free(conn);
}

static size_t unsent(const struct conn *conn)
{
	return evbuffer_get_length(bufferevent_get_output(conn->bev));
}

/* Whether the connection has served its purpose; it is freed only outside of conn_pump(). */
static bool is_finished(const struct conn *conn)
{
	if (conn->pumping || conn->in_flight > 0)
		return false;
	return conn->dead || (conn->ended && unsent(conn) == 0);
}

static void send_text(struct conn *conn, struct buf *text)
{
	if (!conn->dead)
		bufferevent_write(conn->bev, text->data, text->len);
	buf_free(text);
}

static void send_error(struct conn *conn, const char *id, const struct fail *fail)
{
	struct buf text = {0};

	wire_write_error(id, fail, &text);
	send_text(conn, &text);
}

/* ---- requests ---- */

static void call_link(struct call *call)
{
	struct conn *conn = call->conn;

	call->next = conn->calls;
	call->link = &conn->calls;
	if (call->next)
		call->next->link = &call->next;
	conn->calls = call;
	conn->in_flight++;
}

static void call_free(struct call *call)
{
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	call->conn->in_flight--;
	wire_request_free(&call->call.request);
	wire_reply_free(&call->call.reply);
	free(call);
}

static void log_call(const struct conn *conn, const struct api_call *call)
{
	log_debug(log_msg("request"), log_str("method", wire_method_name(call->request.method)),
	    log_str("result", err_name(call->reply.fail.err)), log_int("uid", conn->peer.uid),
	    log_int("pid", conn->peer.pid));
}

static void on_done(struct api_call *api_call)
{
	struct call *call = (struct call *)api_call;
	struct conn *conn = call->conn;
	struct buf text = {0};

	log_call(conn, api_call);
	if (api_call->reply.fail.err)
		wire_write_error(api_call->request.id, &api_call->reply.fail, &text);
	else
		wire_write_reply(
		    api_call->request.id, api_call->request.method, &api_call->reply, &text);
	send_text(conn, &text);
	call_free(call);
	pump_or_free(conn);
}

/* Who has no time, or nobody to wait for, gets the answers to long polls now. */
static void hurry_calls(struct conn *conn)
{
	for (struct call *call = conn->calls; call; call = call->next)
		api_hurry(&call->call);
}

static void handle_line(struct conn *conn, const char *line, size_t len)
{
	struct call *call = xcalloc(1, sizeof(*call));
	struct fail fail;

	call->conn = conn;
	call->call.done = on_done;
	snprintf(
	    call->call.principal, sizeof(call->call.principal), "uid:%u", (unsigned)conn->peer.uid);
	if (wire_read_request(line, len, conn->rpc->conf->max_id, &call->call.request, &fail)) {
		send_error(conn, call->call.request.id, &fail);
		free(call);
		return;
	}
	call_link(call);
	api_start(conn->rpc->api, &call->call);
}

/*
 * A line beyond the limit: its end cannot be told from the next request, so this is the end. But to
 * close with input unread would destroy the answer on its way (tcp(7) and unix(7) alike).
 */
static void refuse_long_line(struct conn *conn)
{
	static const struct timeval silence = {.tv_sec = RPC_DISCARD_S};
	struct fail fail;

	fail_set(&fail, ERR_TOO_LARGE, "the request is longer than %zu bytes", conn->lines.max);
	send_error(conn, "null", &fail);
	conn->refused = true;
	wire_lines_free(&conn->lines);
	bufferevent_set_timeouts(conn->bev, &silence, NULL);
}

static void discard_input(struct conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);

	conn->discarded += evbuffer_get_length(input);
	evbuffer_drain(input, evbuffer_get_length(input));
	if (unsent(conn) == 0)
		shutdown(bufferevent_getfd(conn->bev), SHUT_WR);
	if (conn->discarded > RPC_DISCARD_MAX)
		conn->dead = true;
}

static bool may_read(const struct conn *conn)
{
	return !conn->dead && !conn->refused && !conn->rpc->draining &&
	       conn->in_flight < RPC_MAX_IN_FLIGHT && unsent(conn) < RPC_MAX_UNSENT;
}

/* One more line, from what is there or from the socket's buffer. WIRE_MORE: there is none. */
static enum wire_lines_result next_line(struct conn *conn, const char **line, size_t *len)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	enum wire_lines_result result;

	while ((result = wire_lines_next(&conn->lines, line, len)) == WIRE_MORE) {
		char piece[16 * 1024];
		int n = evbuffer_remove(input, piece, sizeof(piece));

		if (n <= 0)
			return conn->ended ? wire_lines_rest(&conn->lines, line, len) : WIRE_MORE;
		wire_lines_add(&conn->lines, piece, (size_t)n);
	}
	return result;
}

/* Handles what has arrived, as far as the limits allow; reading goes on or pauses accordingly. */
static void conn_pump(struct conn *conn)
{
	enum wire_lines_result result = WIRE_LINE;
	const char *line;
	size_t len;

	if (conn->pumping)
		return;
	conn->pumping = true;
	while (may_read(conn) && (result = next_line(conn, &line, &len)) == WIRE_LINE)
		handle_line(conn, line, len);
	if (result == WIRE_TOO_LONG)
		refuse_long_line(conn);
	if (conn->ended || conn->rpc->draining)
		hurry_calls(conn);
	conn->pumping = false;
	if (conn->refused)
		discard_input(conn);
	if (conn->ended)
		return;
	if (may_read(conn) || (conn->refused && !conn->dead))
		bufferevent_enable(conn->bev, EV_READ);
	else
		bufferevent_disable(conn->bev, EV_READ);
}

/* ---- events of a connection ---- */

static void pump_or_free(struct conn *conn)
{
	conn_pump(conn);
	if (is_finished(conn))
		conn_free(conn);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	pump_or_free(arg);
}

/* The output has drained: there is room for more replies. */
static void on_write(struct bufferevent *bev, void *arg)
{
	(void)bev;
	pump_or_free(arg);
}

/* End of input leaves the other direction open: who half-closes still gets all replies. */
static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct conn *conn = arg;

	(void)bev;
	conn->ended = true;
	if (!(events & BEV_EVENT_EOF)) {
		conn->dead = true;
		bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
	}
	pump_or_free(conn);
}

void rpc_serve(struct rpc *rpc, int fd)
{
	struct conn *conn = xcalloc(1, sizeof(*conn));

	conn->rpc = rpc;
	conn->lines.max = (size_t)rpc->conf->max_message_bytes;
	sock_peer(fd, &conn->peer);
	conn->bev = bufferevent_socket_new(rpc->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!conn->bev)
		abort();
	conn->next = rpc->conns;
	conn->link = &rpc->conns;
	if (conn->next)
		conn->next->link = &conn->next;
	rpc->conns = conn;
	bufferevent_setcb(conn->bev, on_read, on_write, on_event, conn);
	bufferevent_setwatermark(conn->bev, EV_READ, 0, READ_AHEAD);
	bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
}

/* ---- all connections ---- */

struct rpc *rpc_new(struct event_base *base, struct api *api, const struct conf *conf)
{
	struct rpc *rpc = xcalloc(1, sizeof(*rpc));

	rpc->base = base;
	rpc->api = api;
	rpc->conf = conf;
	return rpc;
}

void rpc_free(struct rpc *rpc)
{
	while (rpc->conns)
		conn_free(rpc->conns);
	free(rpc);
}

void rpc_drain(struct rpc *rpc)
{
	struct conn *next;

	rpc->draining = true;
	for (struct conn *conn = rpc->conns; conn; conn = next) {
		next = conn->next;
		pump_or_free(conn);
	}
}

bool rpc_is_idle(const struct rpc *rpc)
{
	for (const struct conn *conn = rpc->conns; conn; conn = conn->next)
		if (conn->in_flight > 0 || unsent(conn) > 0)
			return false;
	return true;
}
