/*
 * The front doors together: JSON-RPC and HTTP on the Unix socket, HTTP on TCP. It knows who listens
 * where and hands connections to the door that they want.
 */
#ifndef INGESTD_DOOR_H
#define INGESTD_DOOR_H

#include "door_env.h"
#include "tcp.h"

struct doors;

/*
 * Whether the configuration is one that the doors can work with: addresses, tokens, rules. An
 * address that others than this machine can reach needs tokens, or has to be opened without on
 * purpose.
 */
enum err doors_check(const struct conf *conf, struct fail *fail);

/*
 * Begins to accept on the Unix socket and the TCP addresses, which listen already and stay the
 * caller's. NULL with *fail set when tokens or rules cannot be read.
 */
struct doors *doors_open(
    const struct door_env *env, int socket_fd, const struct tcp_listeners *tcp, struct fail *fail);

/* Accepts no more. */
void doors_close(struct doors *doors);

/* Closes all connections, after doors_close(). Only when all calls have been answered. */
void doors_free(struct doors *doors);

/*
 * The configuration, which doors_check() has found good, has been reloaded. When something is wrong
 * all the same *fail says what, and the call is to be made again with the old configuration.
 */
enum err doors_reload(struct doors *doors, struct fail *fail);

/* Takes no further requests; answers at once those that wait for a change. */
void doors_drain(struct doors *doors);

/* No call is in flight and every reply has left. */
bool doors_are_idle(const struct doors *doors);

#endif
