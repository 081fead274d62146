/*
 * The HTTP door (ingestd-http(7)): connections, their deadlines and limits, who may do what. The
 * requests are understood by http_parser.c, and what they mean is in http_route.c and behind it.
 */
#ifndef INGESTD_HTTP_H
#define INGESTD_HTTP_H

#include "door_env.h"
#include "sock.h"

struct bufferevent;
struct http;

/*
 * Reads the tokens file, if there is one. `needs_tokens`: others than this machine can connect, and
 * may not without one. NULL with *fail set when the file is wrong, or missing.
 */
struct http *http_new(const struct door_env *env, bool needs_tokens, struct fail *fail);

/* Closes all connections. Only after the answers of all calls were given. */
void http_free(struct http *http);

/*
 * Serves a connected, non-blocking TCP socket, which belongs to the door from now on. `loopback`:
 * it came from this machine by a listener that others cannot reach.
 */
void http_serve(struct http *http, int fd, bool loopback);

/*
 * Takes over a connection on the Unix socket that speaks HTTP, with what it has sent so far. It was
 * admitted by limits_admit(); `scopes` are what the user may do.
 */
void http_adopt(
    struct http *http, struct bufferevent *bev, const struct sock_peer *peer, unsigned scopes);

/* Asks anew what the users of all connections that were taken over may do. */
typedef unsigned http_scopes_of(void *arg, int fd, const struct sock_peer *peer);
void http_renew_scopes(struct http *http, http_scopes_of *scopes_of, void *arg);

/* Tells a client why it is not served, and closes the descriptor at once. */
void http_turn_away(struct http *http, int fd, const struct fail *fail);

/* The configuration has been reloaded. A tokens file that is wrong changes nothing; *fail says why.
 */
enum err http_reload(struct http *http, struct fail *fail);

/* Takes no further requests; answers at once those that wait for a change. */
void http_drain(struct http *http);

/* No call is in flight and every reply has left. */
bool http_is_idle(const struct http *http);

#endif
