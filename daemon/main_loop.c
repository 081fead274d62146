/* The loop: its timers and signals, the answers of the store, and the end in order. */
#include "log.h"
#include "main.h"
#include "util.h"

#include <event2/thread.h>
#include <signal.h>
#include <stdlib.h>

/* After the last batch has ended: time for replies to reach slow clients, in steps. */
#define LINGER_NS NS_PER_S
#define LINGER_STEP_NS (10 * NS_PER_MS)

/*
 * The engine is asked at least so often when it wants to be asked at all: libevent's timers stand
 * still while the machine sleeps, and what the engine waits for goes by CLOCK_BOOTTIME.
 */
#define LONGEST_TICK_NS (60 * NS_PER_S)

/* ---- the loop ---- */

static void arm(struct event *timer, int64_t wait_ns)
{
	/* Rounded up: a timer that fires too early would only ask again. */
	int64_t us = (wait_ns + 999) / 1000;
	struct timeval wait = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};

	evtimer_add(timer, &wait);
}

/* Once everything is recorded: answers what was asked, then leaves the loop. */
static void leave_if_done(struct daemon *daemon)
{
	int64_t now = clock_boot_ns(daemon->clock);

	if (!daemon->stopping || !engine_is_idle(daemon->engine) ||
	    (daemon->notifier && !notifier_is_idle(daemon->notifier)))
		return;
	if (daemon->leave_at == 0) {
		doors_drain(daemon->doors);
		daemon->leave_at = now + LINGER_NS;
	}
	if (doors_are_idle(daemon->doors) || now >= daemon->leave_at)
		event_base_loopbreak(daemon->base);
	else
		arm(daemon->linger, LINGER_STEP_NS);
}

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct daemon *daemon = arg;
	int64_t now = clock_boot_ns(daemon->clock);
	int64_t next = daemon->recovering > 0 ? CLOCK_NEVER : engine_tick(daemon->engine, now);
	int64_t wait = next > now ? next - now : 0;

	(void)fd, (void)events;
	if (next != CLOCK_NEVER)
		arm(daemon->tick, wait < LONGEST_TICK_NS ? wait : LONGEST_TICK_NS);
	leave_if_done(daemon);
}

void daemon_wake(void *arg)
{
	struct daemon *daemon = arg;

	event_active(daemon->tick, EV_TIMEOUT, 1);
}

static void on_beat(evutil_socket_t fd, short events, void *arg)
{
	struct daemon *daemon = arg;
	int64_t now = clock_boot_ns(daemon->clock);
	int64_t next = member_tick(daemon->member, now);
	int64_t wait = next > now ? next - now : 0;
	int64_t longest = STORE_BEAT_MS * NS_PER_MS;

	(void)fd, (void)events;
	arm(daemon->beat, wait < longest ? wait : longest);
}

void daemon_wake_member(void *arg)
{
	struct daemon *daemon = arg;

	event_active(daemon->beat, EV_TIMEOUT, 1);
}

void daemon_moved(void *arg)
{
	struct daemon *daemon = arg;

	api_moved(daemon->api);
}

/* ---- the beginning ---- */

static void go_on(struct daemon *daemon)
{
	if (daemon->recovering > 0)
		return;
	if (daemon->member)
		member_recovered(daemon->member);
	if (daemon->notifier)
		notifier_start(daemon->notifier);
	daemon_wake(daemon);
}

static void on_recovered(void *arg)
{
	struct daemon *daemon = arg;

	daemon->recovering--;
	go_on(daemon);
}

void daemon_recover(struct daemon *daemon)
{
	const struct handler *handler = daemon->handler;
	struct handler *teller = daemon->teller;

	if (daemon->member)
		daemon_wake_member(daemon);
	daemon->recovering = handler_recover(daemon->handler, on_recovered, daemon);
	/* One of a kind does it for both. */
	if (teller && teller->ops != handler->ops)
		daemon->recovering += handler_recover(teller, on_recovered, daemon);
	go_on(daemon);
}

/* ---- answers of the store ---- */

static void on_deliver(evutil_socket_t fd, short events, void *arg)
{
	struct daemon *daemon = arg;

	(void)fd, (void)events;
	storeq_deliver(daemon->queue);
	leave_if_done(daemon);
}

/*
 * Turning pages into replies is work: it takes turns with the sockets. What is left over comes back
 * by a timer, and the reader does not tell of more meanwhile, since libevent runs what is activated
 * while it runs others before it looks for anything else: sockets, timers and all.
 */
static void on_deliver_reads(evutil_socket_t fd, short events, void *arg)
{
	struct daemon *daemon = arg;
	bool more = storeq_deliver_reads(daemon->queue);

	(void)fd, (void)events;
	if (!more) {
		atomic_store(&daemon->reads_told, false);
		/* What was answered between these two lines was not told. */
		more = storeq_deliver_reads(daemon->queue);
	}
	if (more) {
		atomic_store(&daemon->reads_told, true);
		arm(daemon->deliver_reads, 0);
	}
	leave_if_done(daemon);
}

void daemon_changed(void *arg, const struct uuid *ingestion)
{
	struct daemon *daemon = arg;

	api_changed(daemon->api, ingestion);
}

/* On a thread of the store; so is the next one. */
void daemon_answers(void *arg)
{
	struct daemon *daemon = arg;

	event_active(daemon->deliver, EV_READ, 1);
}

void daemon_answers_reads(void *arg)
{
	struct daemon *daemon = arg;

	if (!atomic_exchange(&daemon->reads_told, true))
		event_active(daemon->deliver_reads, EV_READ, 1);
}

/* ---- shutdown ---- */

static void interrupt(struct daemon *daemon, bool now)
{
	engine_interrupt(daemon->engine, now);
	if (daemon->notifier)
		notifier_interrupt(daemon->notifier, now);
}

static void begin_stop(struct daemon *daemon)
{
	daemon->stopping = true;
	api_drain(daemon->api);
	engine_stop(daemon->engine);
	if (daemon->notifier)
		notifier_stop(daemon->notifier);
	arm(daemon->grace, daemon->conf.shutdown_grace_ns);
	daemon_wake(daemon);
}

static void on_grace_over(evutil_socket_t fd, short events, void *arg)
{
	struct daemon *daemon = arg;

	(void)fd, (void)events;
	interrupt(daemon, false);
	daemon_wake(daemon);
}

static void on_linger(evutil_socket_t fd, short events, void *arg)
{
	(void)fd, (void)events;
	leave_if_done(arg);
}

/* The store does not know what it has: recovery at the next start finds out (store.h). */
void daemon_broken(void *arg, const struct fail *why)
{
	struct daemon *daemon = arg;

	log_error(log_msg("stopping, the next start recovers"), log_str("reason", why->text));
	daemon->exit_status = EXIT_FAILED;
	begin_stop(daemon);
	interrupt(daemon, true);
}

static void on_stop_signal(evutil_socket_t number, short events, void *arg)
{
	struct daemon *daemon = arg;
	bool again = daemon->stopping;

	(void)events;
	log_info(log_msg(again ? "stopping now" : "stopping"), log_int("signal", number),
	    log_int("grace_ms", again ? 0 : daemon->conf.shutdown_grace_ns / NS_PER_MS));
	if (!again)
		begin_stop(daemon);
	else
		interrupt(daemon, true);
}

static void on_reload_signal(evutil_socket_t number, short events, void *arg)
{
	struct fail fail;

	(void)number, (void)events;
	daemon_reload(arg, &fail);
}

/* ---- making it ---- */

static struct event_base *new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (evthread_use_pthreads() != 0 || !config)
		abort();
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(config);
	event_config_free(config);
	/* Slots, handlers and signals (0) go before clients (1), however many there are. */
	if (!base || event_base_priority_init(base, 2) != 0)
		abort();
	return base;
}

static struct event *new_event(struct daemon *daemon, evutil_socket_t fd, short what,
    void (*callback)(evutil_socket_t, short, void *))
{
	struct event *event = event_new(daemon->base, fd, what, callback, daemon);

	if (!event || event_priority_set(event, 0) != 0)
		abort();
	return event;
}

void daemon_open_loop(struct daemon *daemon)
{
	static const int stop_signals[] = {SIGTERM, SIGINT};

	daemon->base = new_base();
	daemon->tick = new_event(daemon, -1, 0, on_tick);
	daemon->beat = new_event(daemon, -1, 0, on_beat);
	daemon->deliver = new_event(daemon, -1, 0, on_deliver);
	daemon->deliver_reads = new_event(daemon, -1, 0, on_deliver_reads);
	event_priority_set(daemon->deliver_reads, 1);
	daemon->grace = new_event(daemon, -1, 0, on_grace_over);
	daemon->linger = new_event(daemon, -1, 0, on_linger);
	for (size_t i = 0; i < COUNT_OF(stop_signals); i++)
		daemon->signals[i] =
		    new_event(daemon, stop_signals[i], EV_SIGNAL | EV_PERSIST, on_stop_signal);
	daemon->signals[2] = new_event(daemon, SIGHUP, EV_SIGNAL | EV_PERSIST, on_reload_signal);
	for (size_t i = 0; i < COUNT_OF(daemon->signals); i++)
		event_add(daemon->signals[i], NULL);
}

void daemon_close_loop(struct daemon *daemon)
{
	for (size_t i = 0; i < COUNT_OF(daemon->signals); i++)
		event_free(daemon->signals[i]);
	event_free(daemon->linger);
	event_free(daemon->grace);
	event_free(daemon->deliver_reads);
	event_free(daemon->deliver);
	event_free(daemon->beat);
	event_free(daemon->tick);
	event_base_free(daemon->base);
	libevent_global_shutdown();
}
