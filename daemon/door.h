/*
 * The front doors together: JSON-RPC and HTTP on the Unix socket, HTTP on TCP. It knows who listens
 * where and hands connections to the door that they want.
 */
#ifndef INGESTD_DOOR_H
#define INGESTD_DOOR_H

#include "api.h"
#include "limits.h"
#include "stats.h"
#include "tcp.h"

struct doors;
struct event_base;

struct doors_env {
	struct event_base *base; /* borrowed, and so are the others */
	struct api *api;
	const struct conf *conf;
	const struct clock *clock;
	struct limits *limits;
	struct stats *stats;
	int socket_fd; /* the Unix socket; listens */
	const struct tcp_listeners *tcp; /* listen */
};

/*
 * Whether the configuration is one that the doors can work with: addresses, tokens, rules. An
 * address that others than this machine can reach needs tokens, or has to be opened without on
 * purpose.
 */
enum err doors_check(const struct conf *conf, struct fail *fail);

/* Begins to accept. NULL with *fail set when tokens or rules cannot be read. */
struct doors *doors_open(const struct doors_env *env, struct fail *fail);

/* Accepts no more. */
void doors_close(struct doors *doors);

/* Closes all connections, after doors_close(). Only when all calls have been answered. */
void doors_free(struct doors *doors);

/* The configuration has been reloaded. What is wrong changes nothing; *fail says why. */
enum err doors_reload(struct doors *doors, struct fail *fail);

/* Takes no further requests; answers at once those that wait for a change. */
void doors_drain(struct doors *doors);

/* No call is in flight and every reply has left. */
bool doors_are_idle(const struct doors *doors);

#endif
