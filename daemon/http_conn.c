/*
 * One connection: bytes in, one request at a time, bytes out. What comes behind the request that is
 * being answered stays unread; but so much is read that the end of the stream is noticed.
 */
#include "http_conn.h"

#include "util.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

static int64_t now_ns(const struct http_conn *conn)
{
	return clock_boot_ns(conn->http->env.clock);
}

static const struct conf *conf_of(const struct http_conn *conn)
{
	return conn->http->env.conf;
}

/* ---- output ---- */

int64_t http_conn_unsent(const struct http_conn *conn)
{
	return (int64_t)evbuffer_get_length(bufferevent_get_output(conn->bev));
}

/* Who half-closes behind several requests wants all answers. */
bool http_conn_is_last(const struct http_conn *conn)
{
	return conn->ended && evbuffer_get_length(bufferevent_get_input(conn->bev)) == 0;
}

static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
	struct http_conn *conn = arg;

	(void)output;
	limits_use(conn->http->env.limits, LIMIT_REPLY_BYTES,
	    (int64_t)info->n_added - (int64_t)info->n_deleted);
}

void http_conn_send(struct http_conn *conn, const struct buf *text)
{
	if (!conn->dead)
		bufferevent_write(conn->bev, text->data, text->len);
}

/* To close with input unread would destroy the answer on its way (RFC 9112 section 9.6). */
void http_conn_close(struct http_conn *conn)
{
	conn->closing = true;
	conn->since = now_ns(conn);
}

static void discard_input(struct http_conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);

	conn->discarded += evbuffer_get_length(input);
	evbuffer_drain(input, evbuffer_get_length(input));
	if (http_conn_unsent(conn) == 0)
		shutdown(bufferevent_getfd(conn->bev), SHUT_WR);
	if (conn->discarded > HTTP_DISCARD_MAX)
		conn->dead = true;
}

/* ---- input ---- */

static void refuse_broken(struct http_conn *conn)
{
	const struct http_error *error = &conn->parser.error;
	struct fail fail;

	fail_set(&fail, error->status == 413 ? ERR_TOO_LARGE : ERR_INVALID, "%s", error->text);
	http_turn_abort(conn, error->status, &fail);
}

/* Feeds one piece. False: nothing more can be done with what is there. */
static bool feed(struct http_conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	struct evbuffer_iovec piece = {.iov_base = "", .iov_len = 0};
	enum http_event event;
	size_t used;

	evbuffer_peek(input, -1, NULL, &piece, 1);
	event = http_parser_feed(&conn->parser, piece.iov_base, piece.iov_len, &used);
	switch (event) {
	case HTTP_HEAD:
		http_turn_begin(conn);
		break;
	case HTTP_BODY:
		http_turn_body(conn, conn->parser.piece, conn->parser.piece_len);
		break;
	case HTTP_END:
		http_turn_run(conn);
		break;
	case HTTP_ERROR:
		refuse_broken(conn);
		break;
	case HTTP_MORE:
		break;
	}
	evbuffer_drain(input, used);
	return event != HTTP_MORE || (used > 0 && evbuffer_get_length(input) > 0);
}

/* Whether the next bytes may be looked at: nothing is being answered, and what was is being read.
 */
static bool may_feed(const struct http_conn *conn)
{
	return !conn->dead && !conn->closing && !(conn->turn && conn->turn->calling) &&
	       http_conn_unsent(conn) < limits_most_unsent(conn->http->env.limits);
}

/* The deadline that is in force counts from the first moment of the stage. */
static void note_stage(struct http_conn *conn, enum http_stage before)
{
	enum http_stage stage = http_parser_stage(&conn->parser);

	if (stage != before || conn->since == 0)
		conn->since = now_ns(conn);
	/* A connection at rest keeps no large buffer. */
	if (stage == HTTP_IDLE && !conn->turn)
		http_parser_free(&conn->parser);
}

static void pump(struct http_conn *conn)
{
	enum http_stage before = http_parser_stage(&conn->parser);
	bool answered = conn->turn && conn->turn->calling;

	if (conn->pumping)
		return;
	conn->pumping = true;
	while (may_feed(conn) && feed(conn))
		;
	if (conn->gone || conn->ended || conn->dead || conn->http->draining)
		http_turn_hurry(conn);
	conn->pumping = false;
	if (conn->closing)
		discard_input(conn);
	else if (!answered)
		note_stage(conn, before);
}

static bool is_busy(const struct http_conn *conn)
{
	return conn->turn && conn->turn->calling;
}

/* Freed only outside of pump(). Who half-closes still gets the answer. */
static bool is_finished(const struct http_conn *conn)
{
	if (conn->pumping || is_busy(conn))
		return false;
	if (conn->dead)
		return true;
	if (http_conn_unsent(conn) > 0)
		return false;
	return conn->ended || (conn->http->draining && !conn->closing);
}

void http_conn_go_on(struct http_conn *conn)
{
	pump(conn);
	if (is_finished(conn))
		http_conn_free(conn);
}

/* ---- events ---- */

static void on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	http_conn_go_on(arg);
}

static void on_write(struct bufferevent *bev, void *arg)
{
	(void)bev;
	http_conn_go_on(arg);
}

static void drop(struct http_conn *conn)
{
	conn->ended = conn->dead = true;
	bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
}

/* The client has read nothing for too long. */
static void drop_stuck(struct http_conn *conn)
{
	struct limits *limits = conn->http->env.limits;
	struct fail fail;

	limits_hit(limits, LIMIT_SEND_TIMEOUT);
	conn->http->env.stats->dropped++;
	fail_set(&fail, ERR_LIMITED, "%" PRId64 " bytes of replies were not read in %" PRId64 " ms",
	    http_conn_unsent(conn), limits_value(limits, LIMIT_SEND_TIMEOUT));
	http_tell(conn->http, "connection dropped", conn->address, &fail);
	drop(conn);
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct http_conn *conn = arg;

	(void)bev;
	if (events & BEV_EVENT_TIMEOUT)
		drop_stuck(conn);
	else if (events & BEV_EVENT_EOF)
		conn->ended = true;
	else
		drop(conn);
	http_conn_go_on(conn);
}

/* ---- deadlines ---- */

static void refuse_late(struct http_conn *conn, const char *what)
{
	struct fail fail;

	limits_hit(conn->http->env.limits, LIMIT_REQUEST_TIMEOUT);
	conn->http->env.stats->dropped++;
	fail_set(&fail, ERR_INVALID, "%s", what);
	http_turn_abort(conn, 408, &fail);
}

/*
 * The bytes that have come move the deadline on, but never further away than it was at first: who
 * sends most of a long body at once and then rests would fill --max-buffer-bytes for hours.
 */
static void credit_body(struct http_conn *conn, int64_t now)
{
	int64_t fresh = (int64_t)conn->parser.received - conn->credited;
	int64_t since = conn->since + fresh * (NS_PER_S / HTTP_BODY_RATE);

	conn->credited += fresh;
	conn->since = since < now ? since : now;
}

static void watch_stage(struct http_conn *conn, int64_t now)
{
	int64_t passed = now - conn->since;

	switch (http_parser_stage(&conn->parser)) {
	case HTTP_IDLE:
		if (passed >= conf_of(conn)->http_idle_timeout_ns)
			drop(conn);
		break;
	case HTTP_IN_HEAD:
		if (passed >= conf_of(conn)->http_header_timeout_ns)
			refuse_late(conn, "the header did not arrive within --http-header-timeout");
		break;
	case HTTP_IN_BODY:
		credit_body(conn, now);
		if (now - conn->since >= conf_of(conn)->http_header_timeout_ns)
			refuse_late(
			    conn, "the body arrives more slowly than 1024 bytes per second");
		break;
	case HTTP_BROKEN:
		break;
	}
}

/*
 * Whoever has sent so much behind a request that no more is read may have gone away, which does not
 * show in the input then.
 */
static void look_whether_gone(struct http_conn *conn)
{
	struct pollfd poll_fd = {.fd = bufferevent_getfd(conn->bev), .events = POLLRDHUP};

	if (evbuffer_get_length(bufferevent_get_input(conn->bev)) >= LIMITS_FREE_BYTES)
		conn->gone = poll(&poll_fd, 1, 0) > 0;
}

/*
 * A reply is on its way, and nothing else is: that may take long, as long as the client reads at
 * all (--send-timeout). To be idle, or to be closed, begins behind it.
 */
static bool is_sending(const struct http_conn *conn)
{
	return http_conn_unsent(conn) > 0 &&
	       (conn->closing || http_parser_stage(&conn->parser) == HTTP_IDLE);
}

void http_conn_watch(struct http_conn *conn, int64_t now)
{
	int64_t passed = now - conn->since;

	if (conn->dead)
		return;
	if (is_busy(conn))
		look_whether_gone(conn);
	else if (is_sending(conn))
		conn->since = now;
	else if (conn->closing && passed >= HTTP_DISCARD_NS)
		drop(conn);
	else if (!conn->closing)
		watch_stage(conn, now);
	http_conn_go_on(conn);
}

/* ---- life ---- */

void http_conn_set_timeout(struct http_conn *conn)
{
	int64_t ms = limits_value(conn->http->env.limits, LIMIT_SEND_TIMEOUT);
	struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	bufferevent_set_timeouts(conn->bev, NULL, &timeout);
}

struct http_conn *http_conn_new(struct http *http, struct bufferevent *bev)
{
	struct http_conn *conn = xcalloc(1, sizeof(*conn));

	conn->http = http;
	conn->bev = bev;
	conn->since = clock_boot_ns(http->env.clock);
	http_parser_init(&conn->parser, (uint64_t)http->env.conf->http_max_body);
	if (!evbuffer_add_cb(bufferevent_get_output(bev), on_output, conn))
		abort();
	bufferevent_setcb(bev, on_read, on_write, on_event, conn);
	bufferevent_setwatermark(bev, EV_READ, 0, LIMITS_FREE_BYTES);
	http_conn_set_timeout(conn);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	return conn;
}

void http_conn_free(struct http_conn *conn)
{
	struct limits *limits = conn->http->env.limits;

	*conn->link = conn->next;
	if (conn->next)
		conn->next->link = conn->link;
	http_turn_free(conn);
	evbuffer_remove_cb(bufferevent_get_output(conn->bev), on_output, conn);
	limits_use(limits, LIMIT_REPLY_BYTES, -http_conn_unsent(conn));
	limits_leave(limits, conn->peer.uid);
	bufferevent_free(conn->bev);
	http_parser_free(&conn->parser);
	free(conn);
}
