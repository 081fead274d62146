#include "door.h"

#include "http.h"
#include "listener.h"
#include "log.h"
#include "rpc.h"
#include "util.h"

#include <stdlib.h>

/* A TCP address, and the door that it leads to. */
struct entrance {
	struct http *http;
	bool loopback;
	struct listener *listener;
};

struct doors {
	struct rpc *rpc;
	struct http *http;
	struct listener *socket;
	struct entrance tcp[TCP_LISTENERS_MAX];
	size_t n_tcp;
};

/* ---- checks ---- */

static enum err check_addresses(const struct conf *conf, struct fail *fail)
{
	struct tcp_listeners addresses;

	if (tcp_listen(&addresses, conf->http, false, fail))
		return fail->err;
	for (size_t i = 0; i < addresses.n; i++)
		if (!addresses.v[i].loopback && conf->http_auth && !*conf->http_token_file)
			return fail_set(fail, ERR_INVALID,
			    "others than this machine can reach %s: give --http-token-file, "
			    "or say --http-auth none",
			    addresses.v[i].address);
	return ERR_OK;
}

enum err doors_check(const struct conf *conf, struct fail *fail)
{
	struct socket_rules *rules = NULL;
	struct tokens *tokens = NULL;
	struct fail why;

	fail->err = ERR_OK;
	if (socket_rules_parse(&rules, conf->socket_access, &why))
		fail_set(fail, why.err, "%s: socket-access: %s", conf_origin(conf, "socket-access"),
		    why.text);
	else if (*conf->http_token_file && tokens_load(&tokens, conf->http_token_file, &why))
		fail_set(fail, why.err, "%s: http-token-file: %s",
		    conf_origin(conf, "http-token-file"), why.text);
	else if (tokens && !conf->http_auth)
		fail_set(fail, ERR_INVALID,
		    "%s: http-auth: none, and yet there is an http-token-file: leave one of them "
		    "out",
		    conf_origin(conf, "http-auth"));
	else if (check_addresses(conf, &why))
		fail_set(fail, why.err, "%s: http: %s", conf_origin(conf, "http"), why.text);
	socket_rules_free(rules);
	tokens_free(tokens);
	return fail->err;
}

/* ---- accepting ---- */

static void serve_socket(void *arg, int fd)
{
	rpc_serve(arg, fd);
}

static void turn_socket_away(void *arg, int fd, const struct fail *fail)
{
	rpc_turn_away(arg, fd, fail);
}

static void serve_tcp(void *arg, int fd)
{
	const struct entrance *entrance = arg;

	http_serve(entrance->http, fd, entrance->loopback);
}

static void turn_tcp_away(void *arg, int fd, const struct fail *fail)
{
	const struct entrance *entrance = arg;

	http_turn_away(entrance->http, fd, fail);
}

static void on_http(
    void *arg, struct bufferevent *bev, const struct sock_peer *peer, unsigned scopes)
{
	struct doors *doors = arg;

	http_adopt(doors->http, bev, peer, scopes);
}

static struct listener *listen_on(const struct door_env *env, int fd,
    void (*serve)(void *arg, int fd), void (*turn_away)(void *arg, int fd, const struct fail *fail),
    void *arg)
{
	struct listener *listener = listener_new(&(struct listener_env){.base = env->base,
	    .limits = env->limits,
	    .fd = fd,
	    .serve = serve,
	    .turn_away = turn_away,
	    .arg = arg});

	if (!listener)
		abort();
	return listener;
}

static void listen_on_tcp(
    struct doors *doors, const struct door_env *env, const struct tcp_listener *address)
{
	struct entrance *entrance = &doors->tcp[doors->n_tcp++];

	*entrance = (struct entrance){.http = doors->http, .loopback = address->loopback};
	entrance->listener = listen_on(env, address->fd, serve_tcp, turn_tcp_away, entrance);
	log_info(log_msg("serving http"), log_str("address", address->address));
}

/* ---- life ---- */

static bool needs_tokens(const struct conf *conf, const struct tcp_listeners *tcp)
{
	for (size_t i = 0; i < tcp->n; i++)
		if (!tcp->v[i].loopback)
			return conf->http_auth;
	return false;
}

struct doors *doors_open(
    const struct door_env *env, int socket_fd, const struct tcp_listeners *tcp, struct fail *fail)
{
	struct doors *doors = xcalloc(1, sizeof(*doors));

	doors->http = http_new(env, needs_tokens(env->conf, tcp), fail);
	if (doors->http)
		doors->rpc = rpc_new(env, on_http, doors, fail);
	if (!doors->rpc) {
		doors_free(doors);
		return NULL;
	}
	doors->socket = listen_on(env, socket_fd, serve_socket, turn_socket_away, doors->rpc);
	for (size_t i = 0; i < tcp->n; i++)
		listen_on_tcp(doors, env, &tcp->v[i]);
	return doors;
}

void doors_close(struct doors *doors)
{
	if (doors->socket)
		listener_free(doors->socket);
	doors->socket = NULL;
	while (doors->n_tcp > 0)
		listener_free(doors->tcp[--doors->n_tcp].listener);
}

void doors_free(struct doors *doors)
{
	if (doors->rpc)
		rpc_free(doors->rpc);
	if (doors->http)
		http_free(doors->http);
	free(doors);
}

static unsigned scopes_of(void *arg, int fd, const struct sock_peer *peer)
{
	return rpc_scopes(arg, fd, peer);
}

enum err doors_reload(struct doors *doors, struct fail *fail)
{
	/* The one with a file first: what is wrong is most likely there, and has changed nothing.
	 */
	if (http_reload(doors->http, fail) || rpc_reload(doors->rpc, fail))
		return fail->err;
	http_renew_scopes(doors->http, scopes_of, doors->rpc);
	return ERR_OK;
}

void doors_drain(struct doors *doors)
{
	rpc_drain(doors->rpc);
	http_drain(doors->http);
}

bool doors_are_idle(const struct doors *doors)
{
	return rpc_is_idle(doors->rpc) && http_is_idle(doors->http);
}
