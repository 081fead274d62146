/* What the files of the HTTP door share; only http*.c include this. */
#ifndef INGESTD_HTTP_CONN_H
#define INGESTD_HTTP_CONN_H

#include "http.h"
#include "http_exchange.h"
#include "http_fields.h"
#include "http_parser.h"

struct event;

#define HTTP_ADDRESS_SIZE 56 /* of a client, as text */
/* Bytes of a body per second that have to arrive, once the time for the header is over. */
#define HTTP_BODY_RATE 1024
/* Behind a refusal: what is read and thrown away so that the client sees it, and for how long. */
#define HTTP_DISCARD_MAX (16 * 1024 * 1024)
#define HTTP_DISCARD_NS (5 * NS_PER_S)

struct http {
	struct door_env env;
	bool needs_tokens;
	struct tokens *tokens; /* NULL: there are none */
	struct http_conn *conns;
	struct event *watch; /* looks after the connections once a second while there are any */
	int64_t told_at; /* boot_ns: the last warning in the log */
	bool draining;
};

struct http_conn {
	struct http *http;
	struct http_conn *next, **link; /* in http->conns; link points at what points here */
	struct bufferevent *bev;
	struct http_parser parser;
	struct sock_peer peer; /* on the Unix socket */
	bool local; /* on the Unix socket: the user is known */
	bool loopback; /* the listener is for this machine only */
	unsigned scopes; /* local: what the user may do */
	char address[HTTP_ADDRESS_SIZE]; /* of the client */

	struct http_turn *turn; /* the request that is being read or answered; NULL: none */
	int64_t receiving; /* bytes of a body that count in LIMIT_BUFFER_BYTES */
	int64_t since; /* boot_ns: the deadline in force counts from here */
	int64_t credited; /* bytes of a body that have moved `since` on */
	size_t discarded;
	bool pumping; /* conn_pump() is on the stack */
	bool gone; /* the peer has closed; what it sent before is still to be read */
	bool ended; /* the peer sends no more */
	bool closing; /* the last reply was written; what the peer sends is thrown away */
	bool dead; /* nothing can be sent any more */
};

/* One request and its answer, with what belongs to the connection. */
struct http_turn {
	struct http_exchange exchange; /* first */
	struct http_conn *conn;
	const struct http_request *request; /* of the parser */
	struct buf body;

	int64_t began; /* boot_ns */
	int64_t reserved; /* bytes of the reply that count in LIMIT_REPLY_BYTES */
	bool head; /* answers HEAD */
	bool calling; /* handed to the route: the answer comes */
	bool keep_alive;
	char method[HTTP_METHOD_MAX + 1];
	char *path; /* owned, for the log */
	char traceparent[HTTP_TRACEPARENT_SIZE]; /* as the client sent it, for the log; empty for
	                                            none */
};

/* ---- http.c ---- */

/* Logs what was done to a client, as a warning no more than once a second. */
void http_tell(struct http *http, const char *event, const char *client, const struct fail *fail);

/* ---- http_conn.c ---- */

/* Takes the bufferevent; `fd` was admitted. */
struct http_conn *http_conn_new(struct http *http, struct bufferevent *bev);

void http_conn_free(struct http_conn *conn);

/* Does what there is to do; the connection may be freed then. */
void http_conn_go_on(struct http_conn *conn);

/* Ends what takes too long; the connection may be freed then. */
void http_conn_watch(struct http_conn *conn, int64_t now);

int64_t http_conn_unsent(const struct http_conn *conn);

/* No request comes behind the one that is being answered. */
bool http_conn_is_last(const struct http_conn *conn);

/* The send timeout has changed. */
void http_conn_set_timeout(struct http_conn *conn);

/* Throws away what comes, and closes when that has ended. */
void http_conn_close(struct http_conn *conn);

/* Writes a reply. */
void http_conn_send(struct http_conn *conn, const struct buf *text);

/* ---- http_turn.c ---- */

/* Adds the fields that every reply has. */
void http_sign(struct http_reply *reply, const char *request_id);

/* The head of a request is complete: a turn begins. */
void http_turn_begin(struct http_conn *conn);

/* A piece of its body. */
void http_turn_body(struct http_conn *conn, const char *piece, size_t len);

/* The request is complete: the route does its work. */
void http_turn_run(struct http_conn *conn);

/* Gives back what counts for the request, and forgets it. */
void http_turn_free(struct http_conn *conn);

/* Nobody waits for the answer, or there is no time. */
void http_turn_hurry(struct http_conn *conn);

/* Refuses a request that cannot be understood, arrives too slowly or is too much, and closes. */
void http_turn_abort(struct http_conn *conn, int status, const struct fail *fail);

/* ---- http_access.c ---- */

/*
 * Whether the client may do what the route does, as far as the head says. False: *status and *fail
 * have the answer.
 */
bool http_access_check(struct http_turn *turn, int *status, struct fail *fail);

#endif
