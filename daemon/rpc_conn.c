/* One connection: what it reads and when, and how it ends. */
#include "rpc_conn.h"

#include "util.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

static int64_t limit(const struct conn *conn, enum limit which)
{
	return limits_value(conn->rpc->env.limits, which);
}

static int64_t now_ns(const struct conn *conn)
{
	return clock_boot_ns(conn->rpc->env.clock);
}

/* ---- replies ---- */

int64_t conn_unsent(const struct conn *conn)
{
	return (int64_t)evbuffer_get_length(bufferevent_get_output(conn->bev));
}

static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *conn = arg;

	(void)output;
	limits_use(conn->rpc->env.limits, LIMIT_REPLY_BYTES,
	    (int64_t)info->n_added - (int64_t)info->n_deleted);
}

void conn_send(struct conn *conn, struct buf *text)
{
	if (!conn->dead)
		bufferevent_write(conn->bev, text->data, text->len);
	buf_free(text);
}

void conn_send_error(struct conn *conn, const char *id, const struct fail *fail)
{
	struct buf text = {0};

	wire_write_error(id, fail, &text);
	conn_send(conn, &text);
}

/* ---- refusing ---- */

/*
 * There is no way to tell where the next request begins, or no wish to know, so this is the end,
 * once what was asked before is answered. But to close with input unread would destroy the answer
 * on its way (tcp(7) and unix(7) alike).
 */
void conn_refuse(struct conn *conn, const struct fail *fail)
{
	rpc_tell(conn->rpc, conn->admitted ? "connection dropped" : "connection refused",
	    &conn->peer, fail);
	if (conn->admitted)
		conn->rpc->env.stats->dropped++;
	conn_send_error(conn, "null", fail);
	conn->refused = true;
	wire_lines_free(&conn->lines);
	conn->since = now_ns(conn);
	rpc_watch(conn->rpc);
}

static void discard_input(struct conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);

	conn->discarded += evbuffer_get_length(input);
	evbuffer_drain(input, evbuffer_get_length(input));
	if (conn_unsent(conn) == 0 && conn->in_flight == 0)
		shutdown(bufferevent_getfd(conn->bev), SHUT_WR);
	if (conn->discarded > RPC_DISCARD_MAX)
		conn->dead = true;
}

/* ---- requests that arrive ---- */

int64_t conn_held(const struct conn *conn)
{
	return (int64_t)(conn->lines.in.len - conn->lines.start);
}

/* Counts what is held when `more` bytes are added. False: that would be too much altogether. */
static bool count_held(struct conn *conn, size_t more)
{
	return limits_receive(
	    conn->rpc->env.limits, &conn->receiving, conn_held(conn) + (int64_t)more);
}

static void fail_too_long(struct conn *conn, struct fail *fail)
{
	limits_hit(conn->rpc->env.limits, LIMIT_MESSAGE_BYTES);
	fail_set(fail, ERR_TOO_LARGE,
	    "the request is longer than %zu bytes, which max-message-bytes is", conn->lines.max);
}

static void fail_no_room(struct conn *conn, struct fail *fail)
{
	fail_set(fail, ERR_BUSY,
	    "%" PRId64
	    " bytes of requests are being received from all clients, and max-buffer-bytes is "
	    "%" PRId64 ": try again in a second",
	    limits_used(conn->rpc->env.limits, LIMIT_BUFFER_BYTES),
	    limit(conn, LIMIT_BUFFER_BYTES));
}

/*
 * One more line, from what is there or from the socket's buffer. WIRE_MORE: there is none.
 * WIRE_TOO_LONG: nothing more is to be read, for the reason in *fail.
 */
static enum wire_lines_result next_line(
    struct conn *conn, const char **line, size_t *len, struct fail *fail)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	enum wire_lines_result result;

	conn->lines.max = (size_t)limit(conn, LIMIT_MESSAGE_BYTES);
	while ((result = wire_lines_next(&conn->lines, line, len)) == WIRE_MORE) {
		char piece[LIMITS_FREE_BYTES];
		size_t n = evbuffer_get_length(input);

		if (n == 0)
			return conn->ended ? wire_lines_rest(&conn->lines, line, len) : WIRE_MORE;
		if (n > sizeof(piece))
			n = sizeof(piece);
		if (!count_held(conn, n)) {
			fail_no_room(conn, fail);
			return WIRE_TOO_LONG;
		}
		evbuffer_remove(input, piece, n);
		wire_lines_add(&conn->lines, piece, n);
	}
	if (result == WIRE_TOO_LONG)
		fail_too_long(conn, fail);
	return result;
}

/* A connection that is at rest keeps no large buffer. */
static void settle_input(struct conn *conn)
{
	if (conn_held(conn) == 0 && conn->lines.in.cap > LIMITS_FREE_BYTES)
		wire_lines_free(&conn->lines);
	count_held(conn, 0);
}

/* A request that has begun must get here in time; what the daemon does not read is not late. */
static void time_request(struct conn *conn)
{
	if (conn->refused)
		return;
	if (conn_held(conn) == 0 || conn->paused || conn->ended) {
		conn->since = 0;
	} else if (conn->since == 0) {
		conn->since = now_ns(conn);
		rpc_watch(conn->rpc);
	}
}

/* ---- reading and pausing ---- */

static bool may_read(const struct conn *conn)
{
	return !conn->dead && !conn->refused && !conn->rpc->draining &&
	       conn->in_flight < limit(conn, LIMIT_IN_FLIGHT) &&
	       conn_unsent(conn) + conn->reserved < limits_most_unsent(conn->rpc->env.limits);
}

static void count_pause(const struct conn *conn)
{
	if (conn->in_flight >= limit(conn, LIMIT_IN_FLIGHT))
		limits_hit(conn->rpc->env.limits, LIMIT_IN_FLIGHT);
	else
		limits_hit(conn->rpc->env.limits, LIMIT_UNSENT_BYTES);
}

/* Reading goes on or pauses. While it pauses nobody would notice that the peer has gone. */
static void set_reading(struct conn *conn)
{
	bool pause = !conn->refused && !may_read(conn);

	if (pause && !conn->paused && !conn->dead && !conn->ended && !conn->rpc->draining) {
		count_pause(conn);
		rpc_watch(conn->rpc);
	}
	conn->paused = pause;
	if (conn->ended)
		return;
	if (pause || conn->dead)
		bufferevent_disable(conn->bev, EV_READ);
	else
		bufferevent_enable(conn->bev, EV_READ);
}

/* Handles what has arrived, as far as the limits allow. */
static void conn_pump(struct conn *conn)
{
	enum wire_lines_result result = WIRE_MORE;
	struct fail fail;
	const char *line;
	size_t len;

	if (conn->pumping)
		return;
	conn->pumping = true;
	while (may_read(conn) && (result = next_line(conn, &line, &len, &fail)) == WIRE_LINE) {
		conn->since = 0;
		call_start(conn, line, len);
	}
	if (result == WIRE_TOO_LONG)
		conn_refuse(conn, &fail);
	if (conn->ended || conn->gone || conn->refused || conn->rpc->draining)
		call_hurry_all(conn);
	conn->pumping = false;
	if (conn->refused)
		discard_input(conn);
	settle_input(conn);
	set_reading(conn);
	time_request(conn);
}

/* Whether the connection has served its purpose; it is freed only outside of conn_pump(). */
static bool is_finished(const struct conn *conn)
{
	if (conn->pumping || conn->in_flight > 0)
		return false;
	return conn->dead || (conn->ended && conn_unsent(conn) == 0);
}

void conn_go_on(struct conn *conn)
{
	conn_pump(conn);
	if (is_finished(conn))
		conn_free(conn);
}

/* ---- events ---- */

static void hand_over(struct conn *conn);

/* The first byte tells: JSON begins with anything but an upper-case letter. */
static bool speaks_http(struct conn *conn)
{
	char first = '{';

	if (conn->known || conn->refused || !conn->rpc->speaks_http)
		return false;
	evbuffer_copyout(bufferevent_get_input(conn->bev), &first, 1);
	conn->known = true;
	return first >= 'A' && first <= 'Z';
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct conn *conn = arg;

	(void)bev;
	if (speaks_http(conn))
		hand_over(conn);
	else
		conn_go_on(conn);
}

/* The output has drained: there is room for more replies. */
static void on_write(struct bufferevent *bev, void *arg)
{
	(void)bev;
	conn_go_on(arg);
}

static void drop(struct conn *conn)
{
	conn->ended = conn->dead = true;
	bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
}

/* The peer has read nothing for too long. */
static void drop_stuck(struct conn *conn)
{
	struct fail fail;

	limits_hit(conn->rpc->env.limits, LIMIT_SEND_TIMEOUT);
	conn->rpc->env.stats->dropped++;
	fail_set(&fail, ERR_LIMITED, "%" PRId64 " bytes of replies were not read in %" PRId64 " ms",
	    conn_unsent(conn), limit(conn, LIMIT_SEND_TIMEOUT));
	rpc_tell(conn->rpc, "connection dropped", &conn->peer, &fail);
	drop(conn);
}

/* End of input leaves the other direction open: who half-closes still gets all replies. */
static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct conn *conn = arg;

	(void)bev;
	if (events & BEV_EVENT_TIMEOUT)
		drop_stuck(conn);
	else if (events & BEV_EVENT_EOF)
		conn->ended = true;
	else
		drop(conn);
	conn_go_on(conn);
}

/* ---- once a second ---- */

static void refuse_late(struct conn *conn)
{
	struct fail fail;

	limits_hit(conn->rpc->env.limits, LIMIT_REQUEST_TIMEOUT);
	fail_set(&fail, ERR_INVALID_REQUEST,
	    "the request did not arrive whole within %" PRId64 " ms, which request-timeout is",
	    limit(conn, LIMIT_REQUEST_TIMEOUT));
	conn_refuse(conn, &fail);
}

static bool has_closed(const struct conn *conn)
{
	struct pollfd poll_fd = {.fd = bufferevent_getfd(conn->bev), .events = POLLRDHUP};

	return poll(&poll_fd, 1, 0) > 0;
}

void conn_watch(struct conn *conn, int64_t now)
{
	if (conn->dead)
		return;
	if (conn->paused && !conn->gone)
		conn->gone = has_closed(conn);
	else if (conn->since == 0)
		return;
	else if (conn->refused && (conn->in_flight > 0 || conn_unsent(conn) > 0))
		conn->since = now; /* what was asked before is still being answered */
	else if (conn->refused && now - conn->since >= RPC_DISCARD_NS)
		drop(conn);
	else if (!conn->refused &&
		 now - conn->since >= limit(conn, LIMIT_REQUEST_TIMEOUT) * NS_PER_MS)
		refuse_late(conn);
	else
		return;
	conn_go_on(conn);
}

bool conn_needs_watch(const struct conn *conn)
{
	if (conn->dead || conn->rpc->draining)
		return false;
	return conn->since != 0 || (conn->paused && !conn->gone && !conn->ended);
}

/* ---- life ---- */

void conn_set_timeout(struct conn *conn)
{
	int64_t ms = limit(conn, LIMIT_SEND_TIMEOUT);
	struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	bufferevent_set_timeouts(conn->bev, NULL, &timeout);
}

struct conn *conn_new(struct rpc *rpc, int fd, const struct sock_peer *peer)
{
	struct conn *conn = xcalloc(1, sizeof(*conn));

	conn->rpc = rpc;
	conn->peer = *peer;
	conn->bev = bufferevent_socket_new(rpc->env.base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!conn->bev || !evbuffer_add_cb(bufferevent_get_output(conn->bev), on_output, conn))
		abort();
	conn->next = rpc->conns;
	conn->link = &rpc->conns;
	if (conn->next)
		conn->next->link = &conn->next;
	rpc->conns = conn;
	bufferevent_setcb(conn->bev, on_read, on_write, on_event, conn);
	bufferevent_setwatermark(conn->bev, EV_READ, 0, LIMITS_FREE_BYTES);
	conn_set_timeout(conn);
	bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
	return conn;
}

/* Forgets the connection, but for its bufferevent and its place among those that were admitted. */
static void forget(struct conn *conn)
{
	struct limits *limits = conn->rpc->env.limits;

	*conn->link = conn->next;
	if (conn->next)
		conn->next->link = conn->link;
	evbuffer_remove_cb(bufferevent_get_output(conn->bev), on_output, conn);
	limits_use(limits, LIMIT_REPLY_BYTES, -conn_unsent(conn));
	limits_receive_end(limits, &conn->receiving);
	wire_lines_free(&conn->lines);
	free(conn);
}

static void hand_over(struct conn *conn)
{
	const struct rpc *rpc = conn->rpc;
	struct bufferevent *bev = conn->bev;
	struct sock_peer peer = conn->peer;
	unsigned scopes = conn->scopes;

	forget(conn);
	rpc->speaks_http(rpc->arg, bev, &peer, scopes);
}

void conn_free(struct conn *conn)
{
	struct bufferevent *bev = conn->bev;

	if (conn->admitted)
		limits_leave(conn->rpc->env.limits, conn->peer.uid);
	else
		conn->rpc->lingering--;
	forget(conn);
	bufferevent_free(bev);
}
