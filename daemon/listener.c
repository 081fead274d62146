#include "listener.h"

#include "log.h"
#include "util.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS 100 /* after a failed accept: without descriptors it would fail at once again */
#define TURN_AWAY_MAX 64 /* at a time; others want to be served, too */

struct listener {
	struct evconnlistener *accept;
	struct event *resume;
	struct rpc *rpc;
	struct limits *limits;
	int reserve; /* a descriptor to be given up when there is no other; -1: it is lost */
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

/* ---- without descriptors ---- */

static void take_reserve(struct listener *listener)
{
	if (listener->reserve < 0)
		listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Accepts one connection in place of the reserve. False: nobody waits. */
static bool turn_one_away(struct listener *listener)
{
	struct fail fail;
	int fd;

	close(listener->reserve);
	listener->reserve = -1;
	fd = accept4(
	    evconnlistener_get_fd(listener->accept), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return false;
	limits_hit(listener->limits, LIMIT_DESCRIPTORS);
	fail_set(&fail, ERR_LIMITED, "the daemon has no descriptor left of %" PRId64,
	    limits_value(listener->limits, LIMIT_DESCRIPTORS));
	rpc_turn_away(listener->rpc, fd, &fail);
	return true;
}

/*
 * Linux looks for a free descriptor before it looks whether anybody waits, so this can be the first
 * failure although nobody was turned away yet. False: the reserve is lost to somebody else.
 */
static bool turn_away(struct listener *listener)
{
	bool more = true;

	for (int i = 0; i < TURN_AWAY_MAX && more && listener->reserve >= 0; i++) {
		more = turn_one_away(listener);
		take_reserve(listener);
	}
	return listener->reserve >= 0;
}

/* ---- failures ---- */

static void pause_accepting(struct listener *listener, int error)
{
	static const struct timeval pause = {.tv_usec = PAUSE_MS * 1000};

	if (!listener->failing)
		log_warn(log_msg("cannot accept connections for now"),
		    log_str("reason", strerror(error)), log_int("pause_ms", PAUSE_MS));
	listener->failing = true;
	evconnlistener_disable(listener->accept);
	evtimer_add(listener->resume, &pause);
}

static void on_error(struct evconnlistener *accept, void *arg)
{
	struct listener *listener = arg;
	int error = errno;

	(void)accept;
	if ((error != EMFILE && error != ENFILE) || !turn_away(listener))
		pause_accepting(listener, error);
}

static void on_resume(evutil_socket_t fd, short events, void *arg)
{
	struct listener *listener = arg;

	(void)fd, (void)events;
	take_reserve(listener);
	evconnlistener_enable(listener->accept);
}

/* ---- life ---- */

struct listener *listener_new(
    struct event_base *base, int fd, struct rpc *rpc, struct limits *limits)
{
	struct listener *listener = xcalloc(1, sizeof(*listener));

	listener->rpc = rpc;
	listener->limits = limits;
	listener->reserve = -1;
	take_reserve(listener);
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
	if (listener->reserve >= 0)
		close(listener->reserve);
	free(listener);
}
