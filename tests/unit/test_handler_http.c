/* Runs of the handler http, with a server on the same loop. */
#include "handler.h"
#include "unit.h"
#include "util.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <unistd.h>

struct seen {
	struct run run;
	int started, done;
	bool inside_start;
	struct ending ending;
};

struct place {
	struct event_base *base;
	struct evconnlistener *listener;
	struct bufferevent *peers[8];
	size_t peers_n;
	int port;
	const char *answer; /* of the server; NULL: none */
	struct buf asked; /* all that the server has read */
	struct conf conf;
	struct handler *handler;
	struct seen a, b;
};

static struct place *place_of_runs;

/* ---- the server ---- */

static void on_read(struct bufferevent *peer, void *arg)
{
	struct place *place = arg;
	char data[4096];
	size_t n = bufferevent_read(peer, data, sizeof(data));

	buf_add(&place->asked, data, n);
	if (place->asked.data[place->asked.len - 1] != '}')
		return;
	if (place->answer)
		bufferevent_write(peer, place->answer, strlen(place->answer));
	else
		event_base_loopbreak(place->base);
}

static void on_peer(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
    int len, void *arg)
{
	struct place *place = arg;

	(void)listener, (void)address, (void)len;
	assert_true(place->peers_n < COUNT_OF(place->peers));
	place->peers[place->peers_n] =
	    bufferevent_socket_new(place->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(place->peers[place->peers_n], on_read, NULL, NULL, place);
	bufferevent_enable(place->peers[place->peers_n++], EV_READ | EV_WRITE);
}

static void listen_somewhere(struct place *place)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	place->listener = evconnlistener_new_bind(place->base, on_peer, place,
	    LEV_OPT_CLOSE_ON_FREE, 8, (struct sockaddr *)&address, sizeof(address));
	assert_non_null(place->listener);
	getsockname(evconnlistener_get_fd(place->listener), (struct sockaddr *)&address, &len);
	place->port = ntohs(address.sin_port);
}

/* ---- runs ---- */

static void on_started(struct run *run)
{
	struct seen *seen = (struct seen *)run;

	assert_int_equal(seen->done, 0);
	assert_false(seen->inside_start);
	seen->started++;
}

static void on_done(struct run *run, struct ending *ending)
{
	struct seen *seen = (struct seen *)run;

	assert_false(seen->inside_start);
	seen->done++;
	seen->ending = *ending;
	event_base_loopbreak(place_of_runs->base);
}

static const struct run_events events = {.started = on_started, .done = on_done};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	place->base = event_base_new();
	place->conf = (struct conf){.concurrency = 2,
	    .http_ca = "",
	    .upstream_header = "A: first",
	    .upstream_header_file = "",
	    .upstream_secret_file = "",
	    .upstream_connect_timeout_ns = 10 * NS_PER_S,
	    .upstream_first_byte_timeout_ns = 10 * NS_PER_S,
	    .upstream_timeout_ns = 10 * NS_PER_S,
	    .upstream_max_reply = 1000};
	place->answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
	listen_somewhere(place);
	*state = place_of_runs = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	handler_close(place->handler);
	for (size_t i = 0; i < place->peers_n; i++)
		bufferevent_free(place->peers[i]);
	if (place->listener)
		evconnlistener_free(place->listener);
	event_base_free(place->base);
	buf_free(&place->asked);
	idlist_free(&place->a.run.ids);
	idlist_free(&place->b.run.ids);
	ending_free(&place->a.ending);
	ending_free(&place->b.ending);
	free(place);
	return 0;
}

static void start(struct place *place, struct seen *seen)
{
	char spec[64];
	struct fail fail;

	snprintf(spec, sizeof(spec), "http:http://127.0.0.1:%d/", place->port);
	if (!place->handler && handler_open(&place->handler,
				   &(struct handler_env){.base = place->base,
				       .conf = &place->conf,
				       .spec = spec,
				       .clock = clock_system()},
				   &fail))
		fail_msg("%s", fail.text);
	seen->run.events = &events;
	seen->run.priority = PRIORITY_HIGH;
	seen->run.whole = true;
	idlist_push(&seen->run.ids, 7);
	seen->inside_start = true;
	handler_start(place->handler, &seen->run);
	seen->inside_start = false;
	assert_int_equal(seen->done, 0);
}

static void assert_ended(const struct seen *seen, int started, enum outcome outcome)
{
	assert_int_equal(seen->started, started);
	assert_int_equal(seen->done, 1);
	assert_int_equal(seen->ending.outcome, outcome);
}

static void a_call_starts_later_and_ends(void **state)
{
	struct place *place = *state;

	start(place, &place->a);
	assert_int_equal(place->a.started, 0);
	event_base_dispatch(place->base);
	assert_ended(&place->a, 1, OUTCOME_COMPLETED);
	assert_string_equal(place->a.ending.out.text, "OK");
	assert_contains(place->asked.data, "POST / HTTP/1.1\r\n");
	assert_contains(place->asked.data, "\r\nA: first\r\n");
}

static void calls_share_a_connection(void **state)
{
	struct place *place = *state;

	start(place, &place->a);
	event_base_dispatch(place->base);
	start(place, &place->b);
	event_base_dispatch(place->base);
	assert_ended(&place->b, 1, OUTCOME_COMPLETED);
	assert_int_equal(place->peers_n, 1);
}

static void without_a_server_nothing_was_started(void **state)
{
	struct place *place = *state;

	evconnlistener_free(place->listener);
	place->listener = NULL;
	start(place, &place->a);
	event_base_dispatch(place->base);
	assert_ended(&place->a, 0, OUTCOME_RETRY);
	assert_int_equal(place->a.ending.failure, FAILURE_NETWORK);
	assert_contains(place->a.ending.message, "Failed to connect to 127.0.0.1");
}

static void a_call_that_has_not_left_is_interrupted(void **state)
{
	struct place *place = *state;

	start(place, &place->a);
	handler_cancel(place->handler, &place->a.run, false);
	assert_ended(&place->a, 0, OUTCOME_INTERRUPTED);
}

static void of_a_call_that_has_left_nothing_is_known(void **state)
{
	struct place *place = *state;

	place->answer = NULL;
	start(place, &place->a);
	event_base_dispatch(place->base);
	assert_int_equal(place->a.started, 1);
	handler_cancel(place->handler, &place->a.run, false);
	assert_ended(&place->a, 1, OUTCOME_UNKNOWN);
	assert_int_equal(place->a.ending.failure, FAILURE_NONE);
}

static void a_cancelled_call_leaves_the_others(void **state)
{
	struct place *place = *state;

	start(place, &place->a);
	start(place, &place->b);
	handler_cancel(place->handler, &place->a.run, true);
	event_base_dispatch(place->base);
	assert_ended(&place->a, 0, OUTCOME_INTERRUPTED);
	assert_ended(&place->b, 1, OUTCOME_COMPLETED);
}

static void silence_ends_a_call(void **state)
{
	struct place *place = *state;

	place->answer = NULL;
	place->conf.upstream_first_byte_timeout_ns = 30 * NS_PER_MS;
	start(place, &place->a);
	while (!place->a.done)
		event_base_loop(place->base, EVLOOP_ONCE);
	assert_ended(&place->a, 1, OUTCOME_RETRY);
	assert_int_equal(place->a.ending.failure, FAILURE_TIMEOUT);
	assert_string_equal(place->a.ending.message, "no answer within 30ms");
}

static void a_connection_that_was_closed_costs_the_attempt(void **state)
{
	struct place *place = *state;

	start(place, &place->a);
	event_base_dispatch(place->base);
	place->answer = NULL;
	start(place, &place->b);
	event_base_dispatch(place->base);
	assert_int_equal(place->b.started, 1);
	bufferevent_free(place->peers[--place->peers_n]);
	event_base_dispatch(place->base);
	assert_ended(&place->b, 1, OUTCOME_RETRY);
	assert_string_equal(
	    place->b.ending.message, "the connection was closed before an answer began");
}

static void a_reload_takes_good_values_only(void **state)
{
	struct place *place = *state;
	struct fail fail;

	start(place, &place->a);
	place->conf.upstream_header = "nonsense";
	assert_int_equal(handler_reload(place->handler, &fail), ERR_INVALID);
	assert_contains(fail.text, "upstream-header");
	event_base_dispatch(place->base);
	assert_contains(place->asked.data, "\r\nA: first\r\n");
	place->conf.upstream_header = "A: second";
	assert_int_equal(handler_reload(place->handler, &fail), ERR_OK);
	start(place, &place->b);
	event_base_dispatch(place->base);
	assert_contains(place->asked.data, "\r\nA: second\r\n");
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RUN_TEST(a_call_starts_later_and_ends),
	    RUN_TEST(calls_share_a_connection),
	    RUN_TEST(without_a_server_nothing_was_started),
	    RUN_TEST(a_call_that_has_not_left_is_interrupted),
	    RUN_TEST(of_a_call_that_has_left_nothing_is_known),
	    RUN_TEST(a_cancelled_call_leaves_the_others),
	    RUN_TEST(silence_ends_a_call),
	    RUN_TEST(a_connection_that_was_closed_costs_the_attempt),
	    RUN_TEST(a_reload_takes_good_values_only),
	};

	return RUN(tests);
}
