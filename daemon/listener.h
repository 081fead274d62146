/*
 * Accepts connections and hands them to the door that serves them. When descriptors run out, those
 * who come are told so instead of being left to wait.
 */
#ifndef INGESTD_LISTENER_H
#define INGESTD_LISTENER_H

#include "rpc.h"

struct event_base;
struct listener;

/*
 * Accepts on `fd`, which listens and stays the caller's. All are borrowed. NULL when memory or
 * descriptors are out.
 */
struct listener *listener_new(
    struct event_base *base, int fd, struct rpc *rpc, struct limits *limits);

void listener_free(struct listener *listener);

#endif
