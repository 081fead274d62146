#include "upstream_multi.h"

#include "util.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>

struct upstream_multi {
	CURLM *curl;
	struct event_base *base;
	struct event *timer;
	void (*done)(CURL *easy, CURLcode code);
};

static void must(CURLMcode code)
{
	if (code != CURLM_OK)
		abort(); /* memory is out, or we are wrong */
}

static void tell_ended(struct upstream_multi *multi)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi->curl, &left))) {
		CURL *easy = message->easy_handle;
		CURLcode code = message->data.result;

		upstream_multi_remove(multi, easy);
		multi->done(easy, code);
	}
}

static void act(struct upstream_multi *multi, curl_socket_t fd, int what)
{
	int running;

	must(curl_multi_socket_action(multi->curl, fd, what, &running));
	tell_ended(multi);
}

static void on_socket(evutil_socket_t fd, short events, void *arg)
{
	act(arg, fd,
	    (events & EV_READ ? CURL_CSELECT_IN : 0) | (events & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	(void)fd, (void)events;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* They go before clients, however many there are. */
static struct event *new_event(
    struct upstream_multi *multi, int fd, short what, event_callback_fn callback)
{
	struct event *event = event_new(multi->base, fd, what, callback, multi);

	if (!event)
		abort();
	event_priority_set(event, 0);
	return event;
}

/* What libcurl wants to know of a socket; its event hangs on the socket there. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
	struct upstream_multi *multi = arg;
	struct event *event = of_socket;
	short events = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
			       (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);

	(void)easy;
	if (event)
		event_free(event);
	event = NULL;
	if (what != CURL_POLL_REMOVE) {
		event = new_event(multi, fd, events, on_socket);
		event_add(event, NULL);
	}
	curl_multi_assign(multi->curl, fd, event);
	return 0;
}

static int set_timer(CURLM *curl, long wait_ms, void *arg)
{
	struct upstream_multi *multi = arg;
	struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};

	(void)curl;
	event_base_update_cache_time(multi->base);
	if (wait_ms < 0)
		evtimer_del(multi->timer);
	else
		evtimer_add(multi->timer, &wait);
	return 0;
}

struct upstream_multi *upstream_multi_new(
    struct event_base *base, long keep, void (*done)(CURL *easy, CURLcode code))
{
	struct upstream_multi *multi = xcalloc(1, sizeof(*multi));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(multi->curl = curl_multi_init()))
		abort();
	multi->base = base;
	multi->done = done;
	multi->timer = new_event(multi, -1, 0, on_timer);
	must(curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, watch_socket));
	must(curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi));
	must(curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, set_timer));
	must(curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi));
	must(curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, keep));
	return multi;
}

void upstream_multi_add(struct upstream_multi *multi, CURL *easy)
{
	must(curl_multi_add_handle(multi->curl, easy));
}

void upstream_multi_remove(struct upstream_multi *multi, CURL *easy)
{
	must(curl_multi_remove_handle(multi->curl, easy));
}

void upstream_multi_free(struct upstream_multi *multi)
{
	curl_multi_cleanup(multi->curl);
	event_free(multi->timer);
	curl_global_cleanup();
	free(multi);
}
