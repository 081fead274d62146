/*
 * Accepts connections and hands them to the door that serves them. When descriptors run out, those
 * who come are told so instead of being left to wait.
 */
#ifndef INGESTD_LISTENER_H
#define INGESTD_LISTENER_H

#include "limits.h"

struct event_base;
struct fail;
struct listener;

struct listener_env {
	struct event_base *base; /* borrowed, and so are the limits */
	struct limits *limits;
	int fd; /* listens and stays the caller's */
	/* A connection, non-blocking, which belongs to the called from now on. */
	void (*serve)(void *arg, int fd);
	/* The same for one that cannot be served: to be told why, and closed at once. */
	void (*turn_away)(void *arg, int fd, const struct fail *fail);
	void *arg;
};

/* NULL when memory or descriptors are out. */
struct listener *listener_new(const struct listener_env *env);

void listener_free(struct listener *listener);

#endif
