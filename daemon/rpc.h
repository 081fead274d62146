/*
 * JSON-RPC connections (ingestd-protocol(7)). Requests of one connection may overtake each other
 * only where the store allows it: writes are applied in the order in which they came.
 */
#ifndef INGESTD_RPC_H
#define INGESTD_RPC_H

#include "api.h"

struct event_base;
struct rpc;

/* After a line that is too long: what is read and thrown away so that the client sees the answer,
 * and how long the client may be silent meanwhile. */
#define RPC_DISCARD_MAX (16 * 1024 * 1024)
#define RPC_DISCARD_S 2

/* Requests of one connection that are worked on at the same time; more stay unread. */
#define RPC_MAX_IN_FLIGHT 64
/* Unsent bytes of replies after which no further request of the connection is read. */
#define RPC_MAX_UNSENT (1024 * 1024)

/* `conf`, `api` and `base` are borrowed. */
struct rpc *rpc_new(struct event_base *base, struct api *api, const struct conf *conf);

/* Closes all connections. Only after the answers of all calls were given. */
void rpc_free(struct rpc *rpc);

/* Serves a connected, non-blocking socket, which belongs to the connection from now on. */
void rpc_serve(struct rpc *rpc, int fd);

/* Reads no further requests; answers at once those that wait for a change. */
void rpc_drain(struct rpc *rpc);

/* No call is in flight and every reply has left. */
bool rpc_is_idle(const struct rpc *rpc);

#endif
