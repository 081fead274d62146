#include "listener.h"

#include "log.h"
#include "util.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MS 100 /* after a failed accept: without descriptors it would fail at once again */

struct listener {
	struct evconnlistener *accept;
	struct event *resume;
	struct rpc *rpc;
	bool failing; /* the last accept failed; it was logged */
};

static void on_accept(
    struct evconnlistener *accept, evutil_socket_t fd, struct sockaddr *address, int len, void *arg)
{
	struct listener *listener = arg;

	(void)accept, (void)address, (void)len;
	listener->failing = false;
	rpc_serve(listener->rpc, fd);
}

static void on_error(struct evconnlistener *accept, void *arg)
{
	static const struct timeval pause = {.tv_usec = PAUSE_MS * 1000};
	struct listener *listener = arg;

	if (!listener->failing)
		log_warn(log_msg("cannot accept connections for now"),
		    log_str("reason", strerror(errno)), log_int("pause_ms", PAUSE_MS));
	listener->failing = true;
	evconnlistener_disable(accept);
	evtimer_add(listener->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short events, void *arg)
{
	struct listener *listener = arg;

	(void)fd, (void)events;
	evconnlistener_enable(listener->accept);
}

struct listener *listener_new(struct event_base *base, int fd, struct rpc *rpc)
{
	struct listener *listener = xcalloc(1, sizeof(*listener));

	listener->rpc = rpc;
	listener->resume = evtimer_new(base, on_resume, listener);
	/* A backlog of 0 means: it listens already. */
	listener->accept =
	    evconnlistener_new(base, on_accept, listener, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!listener->resume || !listener->accept) {
		listener_free(listener);
		return NULL;
	}
	evconnlistener_set_error_cb(listener->accept, on_error);
	return listener;
}

void listener_free(struct listener *listener)
{
	if (listener->accept)
		evconnlistener_free(listener->accept);
	if (listener->resume)
		event_free(listener->resume);
	free(listener);
}
