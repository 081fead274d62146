/* All connections of the JSON-RPC door. */
#include "rpc_conn.h"

#include "log.h"
#include "util.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define WATCH_S 1
#define TELL_NS NS_PER_S
/* What one who is turned away may have sent already. */
#define TURNED_AWAY_READS 16

/* ---- the log ---- */

void rpc_tell(
    struct rpc *rpc, const char *event, const struct sock_peer *peer, const struct fail *fail)
{
	int64_t now = clock_boot_ns(rpc->env.clock);
	bool soon = rpc->told_at != 0 && now - rpc->told_at < TELL_NS;

	if (!soon)
		rpc->told_at = now;
	log_write(
	    soon ? LOG_DEBUG : LOG_WARN, log_fields(log_msg(event), log_str("reason", fail->text),
					     log_int("uid", peer->uid), log_int("pid", peer->pid)));
}

/* ---- new connections ---- */

static const struct sock_peer nobody = {.uid = (uid_t)-1, .gid = (gid_t)-1};

/*
 * The error is given time to arrive, beside what the client sends meanwhile; but only so many
 * connections at a time get that.
 */
static void refuse(struct rpc *rpc, int fd, const struct sock_peer *peer, const struct fail *fail)
{
	struct conn *conn;

	if (rpc->lingering >= RPC_MAX_LINGERING) {
		rpc_turn_away(rpc, fd, fail);
		return;
	}
	rpc->env.stats->refused++;
	rpc->lingering++;
	conn = conn_new(rpc, fd, peer);
	conn_refuse(conn, fail);
}

unsigned rpc_scopes(const struct rpc *rpc, int fd, const struct sock_peer *peer)
{
	gid_t groups[SOCK_GROUPS_MAX];
	size_t n = sock_peer_groups(fd, groups);

	return socket_rules_scopes(rpc->rules, peer->uid, groups, n);
}

void rpc_serve(struct rpc *rpc, int fd)
{
	struct sock_peer peer = nobody;
	struct conn *conn;
	struct fail fail;

	sock_peer(fd, &peer);
	if (limits_admit(rpc->env.limits, peer.uid, &fail)) {
		refuse(rpc, fd, &peer, &fail);
		return;
	}
	rpc->env.stats->accepted++;
	conn = conn_new(rpc, fd, &peer);
	conn->admitted = true;
	conn->scopes = rpc_scopes(rpc, fd, &peer);
}

/* A new socket has room for the answer. What was read cannot destroy it. */
void rpc_turn_away(struct rpc *rpc, int fd, const struct fail *fail)
{
	struct sock_peer peer = nobody;
	struct buf text = {0};
	char rest[4096];

	rpc->env.stats->refused++;
	sock_peer(fd, &peer);
	rpc_tell(rpc, "connection refused", &peer, fail);
	wire_write_error("null", fail, &text);
	send(fd, text.data, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < TURNED_AWAY_READS; i++)
		if (recv(fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
			break;
	close(fd);
	buf_free(&text);
}

/* ---- looking after them ---- */

void rpc_watch(struct rpc *rpc)
{
	static const struct timeval period = {.tv_sec = WATCH_S};

	if (!evtimer_pending(rpc->watch, NULL))
		evtimer_add(rpc->watch, &period);
}

static void on_watch(evutil_socket_t fd, short events, void *arg)
{
	struct rpc *rpc = arg;
	int64_t now = clock_boot_ns(rpc->env.clock);
	struct conn *next;
	bool again = false;

	(void)fd, (void)events;
	for (struct conn *conn = rpc->conns; conn; conn = next) {
		next = conn->next;
		conn_watch(conn, now);
	}
	for (struct conn *conn = rpc->conns; conn && !again; conn = conn->next)
		again = conn_needs_watch(conn);
	if (again)
		rpc_watch(rpc);
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What the connections use of limits that hold for each of them: the most that one does. */
static void measure(void *arg)
{
	struct rpc *rpc = arg;
	int64_t in_flight = 0, unsent = 0, held = 0;

	for (const struct conn *conn = rpc->conns; conn; conn = conn->next) {
		in_flight = larger(in_flight, conn->in_flight);
		unsent = larger(unsent, conn_unsent(conn) + conn->reserved);
		held = larger(held, conn_held(conn));
	}
	limits_set_used(rpc->env.limits, LIMIT_IN_FLIGHT, in_flight);
	limits_set_used(rpc->env.limits, LIMIT_UNSENT_BYTES, unsent);
	limits_set_used(rpc->env.limits, LIMIT_MESSAGE_BYTES, held);
}

/* ---- life ---- */

struct rpc *rpc_new(
    const struct door_env *env, rpc_speaks_http *speaks_http, void *arg, struct fail *fail)
{
	struct socket_rules *rules;
	struct rpc *rpc;

	if (socket_rules_parse(&rules, env->conf->socket_access, fail))
		return NULL;
	rpc = xcalloc(1, sizeof(*rpc));
	rpc->env = *env;
	rpc->speaks_http = speaks_http;
	rpc->arg = arg;
	rpc->rules = rules;
	rpc->watch = evtimer_new(env->base, on_watch, rpc);
	if (!rpc->watch)
		abort();
	limits_set_measure(env->limits, measure, rpc);
	return rpc;
}

void rpc_free(struct rpc *rpc)
{
	while (rpc->conns)
		conn_free(rpc->conns);
	limits_set_measure(rpc->env.limits, NULL, NULL);
	event_free(rpc->watch);
	socket_rules_free(rpc->rules);
	free(rpc);
}

enum err rpc_reload(struct rpc *rpc, struct fail *fail)
{
	struct socket_rules *fresh;

	for (struct conn *conn = rpc->conns; conn; conn = conn->next)
		conn_set_timeout(conn);
	if (socket_rules_parse(&fresh, rpc->env.conf->socket_access, fail))
		return fail->err;
	socket_rules_free(rpc->rules);
	rpc->rules = fresh;
	for (struct conn *conn = rpc->conns; conn; conn = conn->next)
		conn->scopes = rpc_scopes(rpc, bufferevent_getfd(conn->bev), &conn->peer);
	return ERR_OK;
}

void rpc_drain(struct rpc *rpc)
{
	struct conn *next;

	rpc->draining = true;
	for (struct conn *conn = rpc->conns; conn; conn = next) {
		next = conn->next;
		conn_go_on(conn);
	}
}

bool rpc_is_idle(const struct rpc *rpc)
{
	for (const struct conn *conn = rpc->conns; conn; conn = conn->next)
		if (conn->in_flight > 0 || conn_unsent(conn) > 0)
			return false;
	return true;
}
