/*
 * The handler simulate:delay=1s[,fail=ID...]: a system with nothing behind it. It makes one
 * simulated call per id, side by side, each of which takes the delay; so a batch takes the delay,
 * too. A batch with one of the ids after `fail=` fails.
 */
#include "handler.h"

#include "util.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_DEFAULT_NS NS_PER_S
#define FAIL_MAX 10000 /* ids after fail= */

struct simulate {
	struct handler handler;
	struct event_base *base;
	int64_t delay_ns;
	struct idlist fail; /* sorted */
};

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* An id of the run that is to fail; 0: none. */
static int64_t failing_id(const struct simulate *simulate, const struct run *run)
{
	const struct idlist *fail = &simulate->fail;

	for (size_t i = 0; fail->n > 0 && i < run->ids.n; i++)
		if (bsearch(&run->ids.v[i], fail->v, fail->n, sizeof(*fail->v), compare_ids))
			return run->ids.v[i];
	return 0;
}

/* ---- arguments ---- */

static enum err read_arguments(struct simulate *simulate, const char *arguments, struct fail *fail)
{
	while (*arguments) {
		size_t len = strcspn(arguments, ",");
		char value[DURATION_TEXT_SIZE];

		if (strncmp(arguments, "fail=", 5) == 0) /* takes the rest, which may have commas */
			return idlist_parse_text(&simulate->fail, arguments + 5,
			    strlen(arguments + 5), FAIL_MAX, "handler simulate, fail=", fail);
		if (strncmp(arguments, "delay=", 6) != 0 || len - 6 >= sizeof(value))
			return fail_set(fail, ERR_INVALID,
			    "handler simulate: \"%.40s\" is neither delay=DURATION nor fail=ID,...",
			    arguments);
		snprintf(value, sizeof(value), "%.*s", (int)len - 6, arguments + 6);
		if (!parse_duration(value, &simulate->delay_ns))
			return fail_set(
			    fail, ERR_INVALID, "handler simulate: \"%s\" is not a duration", value);
		arguments += arguments[len] ? len + 1 : len;
	}
	return ERR_OK;
}

static void simulate_close(struct handler *handler)
{
	struct simulate *simulate = (struct simulate *)handler;

	idlist_free(&simulate->fail);
	free(simulate);
}

static enum err simulate_open(
    struct handler **handler, const char *arguments, struct event_base *base, struct fail *fail)
{
	struct simulate *simulate = xcalloc(1, sizeof(*simulate));

	simulate->handler.ops = &handler_simulate;
	simulate->base = base;
	simulate->delay_ns = DELAY_DEFAULT_NS;
	fail->err = ERR_OK;
	if (read_arguments(simulate, arguments, fail) || !base) {
		simulate_close(&simulate->handler);
		return fail->err;
	}
	if (simulate->fail.n > 0)
		qsort(simulate->fail.v, simulate->fail.n, sizeof(*simulate->fail.v), compare_ids);
	*handler = &simulate->handler;
	return ERR_OK;
}

/* ---- runs ---- */

/* The work of a run: its timer, with what the timer needs. */
struct call {
	struct simulate *simulate;
	struct run *run;
	struct event *timer;
};

static void end_call(struct call *call, enum outcome outcome, const char *message)
{
	struct run *run = call->run;

	event_free(call->timer);
	free(call);
	run->events->done(run, outcome, message);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct call *call = arg;
	int64_t id = failing_id(call->simulate, call->run);
	char message[64];

	(void)fd, (void)events;
	if (id == 0) {
		end_call(call, OUTCOME_COMPLETED, NULL);
		return;
	}
	snprintf(message, sizeof(message), "simulated failure of id %" PRId64, id);
	end_call(call, OUTCOME_FAILED, message);
}

static void simulate_start(struct handler *handler, struct run *run)
{
	struct simulate *simulate = (struct simulate *)handler;
	struct call *call = xcalloc(1, sizeof(*call));
	struct timeval delay = {.tv_sec = simulate->delay_ns / NS_PER_S,
	    .tv_usec = simulate->delay_ns % NS_PER_S / 1000};

	call->simulate = simulate;
	call->run = run;
	call->timer = evtimer_new(simulate->base, on_timer, call);
	run->work = call;
	/* The loop's own idea of now may be older, and the call would end too early. */
	event_base_update_cache_time(simulate->base);
	event_priority_set(call->timer, 0); /* before clients, however many there are */
	evtimer_add(call->timer, &delay);
	run->events->started(run);
}

static void simulate_cancel(struct handler *handler, struct run *run)
{
	(void)handler;
	end_call(run->work, OUTCOME_INTERRUPTED, NULL);
}

const struct handler_ops handler_simulate = {
    .scheme = "simulate",
    .open = simulate_open,
    .start = simulate_start,
    .cancel = simulate_cancel,
    .close = simulate_close,
};
