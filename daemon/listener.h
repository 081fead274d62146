/* Accepts connections and hands them to the door that serves them. */
#ifndef INGESTD_LISTENER_H
#define INGESTD_LISTENER_H

#include "rpc.h"

struct event_base;
struct listener;

/* Accepts on `fd`, which listens and stays the caller's. NULL when memory or descriptors are out.
 */
struct listener *listener_new(struct event_base *base, int fd, struct rpc *rpc);

void listener_free(struct listener *listener);

#endif
