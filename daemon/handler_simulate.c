/*
 * The handler simulate:delay=1s[,fail=ID...]: a system with nothing behind it. It makes one
 * simulated call per id, side by side, each of which takes the delay; so a batch takes the delay,
 * too. The ids after `fail=` fail, for good; the others are completed.
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

static bool is_failing(const struct simulate *simulate, int64_t id)
{
	const struct idlist *fail = &simulate->fail;

	return fail->n > 0 && bsearch(&id, fail->v, fail->n, sizeof(*fail->v), compare_ids);
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

static enum err simulate_open(struct handler **handler, const char *arguments,
    const struct handler_env *env, struct fail *fail)
{
	struct simulate *simulate = xcalloc(1, sizeof(*simulate));

	simulate->handler.ops = &handler_simulate;
	simulate->base = env->base;
	simulate->delay_ns = DELAY_DEFAULT_NS;
	fail->err = ERR_OK;
	if (read_arguments(simulate, arguments, fail) || !env->base) {
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

static void end_call(struct call *call, struct ending *ending)
{
	struct run *run = call->run;

	event_free(call->timer);
	free(call);
	run->events->done(run, ending);
}

/* The id fails, and so does the batch; the first one says why. */
static void fail_id(struct ending *ending, const struct run *run, size_t i)
{
	char message[64];

	snprintf(message, sizeof(message), "simulated failure of id %" PRId64, run->ids.v[i]);
	if (!ending->results) {
		ending->results = xcalloc(run->ids.n, sizeof(*ending->results));
		ending->n = run->ids.n;
		ending->failure = FAILURE_IDS;
		ending->message = xstrdup(message);
	}
	ending->results[i] =
	    (struct result){.outcome = OUTCOME_FAILED, .message = xstrdup(message)};
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct call *call = arg;
	struct ending ending = {.outcome = OUTCOME_COMPLETED};

	(void)fd, (void)events;
	for (size_t i = 0; i < call->run->ids.n; i++)
		if (is_failing(call->simulate, call->run->ids.v[i]))
			fail_id(&ending, call->run, i);
	end_call(call, &ending);
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

static void simulate_cancel(struct handler *handler, struct run *run, bool now)
{
	(void)handler, (void)now;
	end_call(run->work, &(struct ending){.outcome = OUTCOME_INTERRUPTED});
}

const struct handler_ops handler_simulate = {
    .scheme = "simulate",
    .open = simulate_open,
    .start = simulate_start,
    .cancel = simulate_cancel,
    .close = simulate_close,
};
