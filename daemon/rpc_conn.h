/* What the files of the JSON-RPC door share; only rpc*.c include this. */
#ifndef INGESTD_RPC_CONN_H
#define INGESTD_RPC_CONN_H

#include "rpc.h"
#include "sock.h"
#include "wire.h"

struct bufferevent;
struct event;

/*
 * Behind a refusal: what is read and thrown away so that the client sees it, how long that may
 * take, and how many connections may be in that state before they are served.
 */
#define RPC_DISCARD_MAX (16 * 1024 * 1024)
#define RPC_DISCARD_NS (5 * NS_PER_S)
#define RPC_MAX_LINGERING 32

struct rpc {
	struct door_env env;
	rpc_speaks_http *speaks_http;
	void *arg; /* of that */
	struct socket_rules *rules; /* what users may do */
	struct conn *conns;
	struct event *watch; /* looks after the connections once a second while one needs it */
	size_t lingering; /* connections that were refused and are still there */
	int64_t told_at; /* boot_ns: the last warning in the log */
	bool draining;
};

struct conn {
	struct rpc *rpc;
	struct conn *next, **link; /* in rpc->conns; link points at what points here */
	struct bufferevent *bev;
	struct wire_lines lines;
	struct sock_peer peer;
	unsigned scopes; /* what they may do */
	struct call *calls; /* in flight */
	int64_t in_flight;
	int64_t reserved; /* bytes that the replies to these may take */
	int64_t receiving; /* bytes of a request that count in LIMIT_BUFFER_BYTES */
	int64_t since; /* boot_ns: the request has begun to arrive, or was refused; 0: neither */
	size_t discarded;
	bool admitted; /* counts as a connection */
	bool known; /* that it does not speak HTTP */
	bool pumping; /* conn_pump() is on the stack */
	bool paused; /* nothing more is read for now */
	bool gone; /* the peer has closed; what it sent before is still to be read */
	bool ended; /* the peer sends no more */
	bool refused; /* what it sends is thrown away */
	bool dead; /* nothing can be sent any more */
};

/* ---- rpc.c ---- */

/* Has conn_watch() called for all connections soon, and again while one asks for it. */
void rpc_watch(struct rpc *rpc);

/* Logs what was done to a peer, as a warning no more than once a second. */
void rpc_tell(
    struct rpc *rpc, const char *event, const struct sock_peer *peer, const struct fail *fail);

/* ---- rpc_conn.c ---- */

/* Serves the socket from now on. */
struct conn *conn_new(struct rpc *rpc, int fd, const struct sock_peer *peer);

void conn_free(struct conn *conn);

/* The time after which a peer that takes nothing is dropped has changed. */
void conn_set_timeout(struct conn *conn);

/* Bytes of replies that have not left. */
int64_t conn_unsent(const struct conn *conn);

/* Bytes of a request that is not complete. */
int64_t conn_held(const struct conn *conn);

/* Sends a reply, which is freed. */
void conn_send(struct conn *conn, struct buf *text);

void conn_send_error(struct conn *conn, const char *id, const struct fail *fail);

/* Says why, and throws away what comes: the answer arrives, then the connection is closed. */
void conn_refuse(struct conn *conn, const struct fail *fail);

/* Does what there is to do; the connection may be freed then. */
void conn_go_on(struct conn *conn);

/* Ends what takes too long; the connection may be freed then. */
void conn_watch(struct conn *conn, int64_t now);

/* Whether conn_watch() is to be called again. */
bool conn_needs_watch(const struct conn *conn);

/* ---- rpc_call.c ---- */

/* Reads a line as a request and starts it. */
void call_start(struct conn *conn, const char *line, size_t len);

/* Who has no time, or nobody to wait for, gets the answers to long polls now. */
void call_hurry_all(struct conn *conn);

#endif
