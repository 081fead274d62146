/*
 * JSON-RPC connections (ingestd-protocol(7)). Requests of one connection may overtake each other
 * only where the store allows it: writes are applied in the order in which they came.
 *
 * What a peer can make the daemon hold is bounded (limits.h): connections, requests that are being
 * received, requests in flight, replies that are not read. A peer is told when it goes too far,
 * and that answer is given time to arrive.
 */
#ifndef INGESTD_RPC_H
#define INGESTD_RPC_H

#include "door_env.h"
#include "sock.h"

struct bufferevent;
struct rpc;

/*
 * Takes a connection whose first byte is an upper-case letter, and which so speaks HTTP, with what
 * it has sent so far; it stays counted by limits_admit().
 */
typedef void rpc_speaks_http(
    void *arg, struct bufferevent *bev, const struct sock_peer *peer, unsigned scopes);

/* NULL with *fail set when the rules for users of the socket are wrong. */
struct rpc *rpc_new(
    const struct door_env *env, rpc_speaks_http *speaks_http, void *arg, struct fail *fail);

/* Closes all connections. Only after the answers of all calls were given. */
void rpc_free(struct rpc *rpc);

/*
 * Serves a connected, non-blocking socket, which belongs to the connection from now on; or tells
 * the client that it is one too many.
 */
void rpc_serve(struct rpc *rpc, int fd);

/* Tells the client why it is not served, and closes the descriptor at once. */
void rpc_turn_away(struct rpc *rpc, int fd, const struct fail *fail);

/* What the user at the other end of the socket may do. */
unsigned rpc_scopes(const struct rpc *rpc, int fd, const struct sock_peer *peer);

/*
 * The configuration has been reloaded. Rules hold for open connections at once; such that are wrong
 * change nothing, and *fail says why.
 */
enum err rpc_reload(struct rpc *rpc, struct fail *fail);

/* Reads no further requests; answers at once those that wait for a change. */
void rpc_drain(struct rpc *rpc);

/* No call is in flight and every reply has left. */
bool rpc_is_idle(const struct rpc *rpc);

#endif
