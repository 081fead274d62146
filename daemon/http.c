/* All connections of the HTTP door. */
#include "http_conn.h"

#include "log.h"
#include "util.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WATCH_S 1
#define TELL_NS NS_PER_S
/* What one who is turned away may have sent already. */
#define TURNED_AWAY_READS 16

/* ---- new connections ---- */

static void name_client(int fd, char text[HTTP_ADDRESS_SIZE])
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	const void *host = NULL;

	strcpy(text, "unix");
	if (getpeername(fd, (struct sockaddr *)&address, &len) != 0)
		return;
	if (address.ss_family == AF_INET)
		host = &((const struct sockaddr_in *)&address)->sin_addr;
	else if (address.ss_family == AF_INET6)
		host = &((const struct sockaddr_in6 *)&address)->sin6_addr;
	if (host)
		inet_ntop(address.ss_family, host, text, HTTP_ADDRESS_SIZE);
}

void http_tell(struct http *http, const char *event, const char *client, const struct fail *fail)
{
	int64_t now = clock_boot_ns(http->env.clock);
	bool soon = http->told_at != 0 && now - http->told_at < TELL_NS;

	if (!soon)
		http->told_at = now;
	log_write(soon ? LOG_DEBUG : LOG_WARN,
	    log_fields(log_msg(event), log_str("reason", fail->text), log_str("client", client)));
}

static void write_refusal(const struct http *http, const struct fail *fail, struct buf *out)
{
	struct http_reply reply = {.status = 0};
	int64_t now = clock_utc_ms(http->env.clock);
	struct uuid uuid = uuid_v7(now);
	char id[UUID_TEXT_SIZE];

	uuid_format(&uuid, id);
	http_problem(&reply, err_http_status(fail->err), fail, id);
	http_sign(&reply, id);
	http_reply_write(&reply, &(struct http_delivery){.close = true, .utc_ms = now}, out);
	http_reply_free(&reply);
}

/* A new socket has room for the answer. What was read cannot destroy it. */
void http_turn_away(struct http *http, int fd, const struct fail *fail)
{
	struct buf text = {0};
	char rest[4096], client[HTTP_ADDRESS_SIZE];

	http->env.stats->refused++;
	name_client(fd, client);
	http_tell(http, "connection refused", client, fail);
	write_refusal(http, fail, &text);
	send(fd, text.data, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < TURNED_AWAY_READS; i++)
		if (recv(fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
			break;
	close(fd);
	buf_free(&text);
}

static void link_conn(struct http *http, struct http_conn *conn)
{
	static const struct timeval period = {.tv_sec = WATCH_S};

	conn->next = http->conns;
	conn->link = &http->conns;
	if (conn->next)
		conn->next->link = &conn->next;
	http->conns = conn;
	if (!evtimer_pending(http->watch, NULL))
		evtimer_add(http->watch, &period);
}

void http_serve(struct http *http, int fd, bool loopback)
{
	static const int one = 1;
	struct bufferevent *bev;
	struct http_conn *conn;
	struct fail fail;

	if (limits_admit(http->env.limits, LIMITS_NO_UID, &fail)) {
		http_turn_away(http, fd, &fail);
		return;
	}
	http->env.stats->accepted++;
	/* Replies are written whole: nothing is gained by waiting for more. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	bev = bufferevent_socket_new(http->env.base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		abort();
	conn = http_conn_new(http, bev);
	conn->loopback = loopback;
	conn->peer.uid = LIMITS_NO_UID;
	name_client(fd, conn->address);
	link_conn(http, conn);
}

void http_adopt(
    struct http *http, struct bufferevent *bev, const struct sock_peer *peer, unsigned scopes)
{
	struct http_conn *conn = http_conn_new(http, bev);

	conn->local = true;
	conn->peer = *peer;
	conn->scopes = scopes;
	strcpy(conn->address, "unix");
	link_conn(http, conn);
	http_conn_go_on(conn);
}

/* ---- looking after them ---- */

static void on_watch(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval period = {.tv_sec = WATCH_S};
	struct http *http = arg;
	int64_t now = clock_boot_ns(http->env.clock);
	struct http_conn *next;

	(void)fd, (void)events;
	for (struct http_conn *conn = http->conns; conn; conn = next) {
		next = conn->next;
		http_conn_watch(conn, now);
	}
	if (http->conns)
		evtimer_add(http->watch, &period);
}

/* ---- life ---- */

static enum err load_tokens(const struct http *http, struct tokens **tokens, struct fail *fail)
{
	const char *file = http->env.conf->http_token_file;

	*tokens = NULL;
	if (*file)
		return tokens_load(tokens, file, fail);
	if (http->needs_tokens)
		return fail_set(fail, ERR_INVALID,
		    "http-token-file: others than this machine can connect, so there must be "
		    "tokens");
	return ERR_OK;
}

struct http *http_new(const struct door_env *env, bool needs_tokens, struct fail *fail)
{
	struct http *http = xcalloc(1, sizeof(*http));

	http->env = *env;
	http->needs_tokens = needs_tokens;
	http->watch = evtimer_new(env->base, on_watch, http);
	if (!http->watch)
		abort();
	if (load_tokens(http, &http->tokens, fail)) {
		http_free(http);
		return NULL;
	}
	return http;
}

void http_free(struct http *http)
{
	while (http->conns)
		http_conn_free(http->conns);
	tokens_free(http->tokens);
	event_free(http->watch);
	free(http);
}

void http_renew_scopes(struct http *http, http_scopes_of *scopes_of, void *arg)
{
	for (struct http_conn *conn = http->conns; conn; conn = conn->next)
		if (conn->local)
			conn->scopes = scopes_of(arg, bufferevent_getfd(conn->bev), &conn->peer);
}

enum err http_reload(struct http *http, struct fail *fail)
{
	struct tokens *fresh;

	for (struct http_conn *conn = http->conns; conn; conn = conn->next)
		http_conn_set_timeout(conn);
	if (load_tokens(http, &fresh, fail))
		return fail->err;
	tokens_free(http->tokens);
	http->tokens = fresh;
	return ERR_OK;
}

void http_drain(struct http *http)
{
	struct http_conn *next;

	http->draining = true;
	for (struct http_conn *conn = http->conns; conn; conn = next) {
		next = conn->next;
		http_conn_go_on(conn);
	}
}

bool http_is_idle(const struct http *http)
{
	for (const struct http_conn *conn = http->conns; conn; conn = conn->next)
		if ((conn->turn && conn->turn->calling) || http_conn_unsent(conn) > 0)
			return false;
	return true;
}
