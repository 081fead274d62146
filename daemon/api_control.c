/*
 * The verbs about starting batches at all: pause, resume, drain, rate. Each sets a committed row,
 * then says what is in force now; drain can wait before that until nothing runs. And reload.
 */
#include "api_verbs.h"

#include "util.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What runs at other nodes is looked at so often. */
#define OTHERS_NS (500 * NS_PER_MS)

struct control_call {
	struct pending pending; /* first; first sets, then reads the figures */
	char what[96]; /* for the log */
	struct event *timer; /* drain, while it waits; NULL: it does not */
	int64_t deadline; /* boot_ns: no longer than that; 0: at once */
	struct control_call *next, **link; /* in api->drains meanwhile */
};

/* ---- the answer ---- */

static void wait_until(struct control_call *control, int64_t at_ns);

/* At all nodes. */
static int64_t running_batches(const struct store_stats *stats)
{
	int64_t batches = 0;

	for (size_t i = 0; i < PRIORITY_COUNT; i++)
		batches += stats->lanes[i].batches[BATCH_TRIGGERED];
	return batches;
}

static int64_t waiting_batches(const struct store_stats *stats)
{
	int64_t batches = 0;

	for (size_t i = 0; i < PRIORITY_COUNT; i++)
		batches += stats->lanes[i].batches[BATCH_YET_TO_START] +
		           stats->lanes[i].batches[BATCH_RETRYING];
	return batches;
}

static void figures_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;
	struct control_call *control = (struct control_call *)op;
	struct wire_control_reply *reply = &pending->call->reply.control;
	int64_t now = clock_boot_ns(pending->api->env.clock);

	if (!op->op.fail.err) {
		reply->control = op->op.stats.control;
		reply->interval_ns = op->op.stats.ledger.interval_ns;
		reply->running_batches = running_batches(&op->op.stats);
		reply->waiting_batches = waiting_batches(&op->op.stats);
		if (now < control->deadline && reply->running_batches > 0 &&
		    reply->control.pause == PAUSE_DRAINING) {
			wait_until(control, now + OTHERS_NS);
			return;
		}
	}
	api_finish(pending);
}

static void read_figures(struct control_call *control)
{
	struct pending *pending = &control->pending;

	store_op_reset(&pending->op.op);
	pending->op.op = (struct store_op){.verb = STORE_STATS};
	pending->op.done = figures_done;
	api_post_or_finish(pending);
}

/* ---- waiting until nothing runs ---- */

static bool anything_runs(const struct api *api)
{
	return !engine_is_at_rest(api->env.engine);
}

static void look_at(struct control_call *control, int64_t at_ns)
{
	int64_t wait_us = (at_ns - clock_boot_ns(control->pending.api->env.clock)) / 1000;
	struct timeval wait = {0};

	if (wait_us > 0)
		wait =
		    (struct timeval){.tv_sec = wait_us / 1000000, .tv_usec = wait_us % 1000000 + 1};
	evtimer_add(control->timer, &wait);
}

static void end_wait(struct control_call *control)
{
	event_free(control->timer);
	control->timer = NULL;
	*control->link = control->next;
	if (control->next)
		control->next->link = control->link;
	control->pending.call->hurry = NULL;
	control->pending.api->env.stats->waiting--;
	read_figures(control);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct control_call *control = arg;
	const struct api *api = control->pending.api;

	(void)fd, (void)events;
	if (anything_runs(api) && clock_boot_ns(api->env.clock) < control->deadline)
		look_at(control, control->deadline);
	else
		end_wait(control);
}

/* The client does not want to wait any more; the caller may be walking a list that this is in. */
static void on_hurry(struct api_call *call)
{
	struct control_call *control = call->work;

	control->deadline = 0;
	look_at(control, 0);
}

void api_look_at_drains(struct api *api)
{
	/* Soon: who tells of the change may still count it as running. */
	for (struct control_call *control = api->drains; control; control = control->next)
		look_at(control, 0);
}

/* Somebody has said something else meanwhile. */
static void end_drains(struct api *api)
{
	for (struct control_call *control = api->drains; control; control = control->next) {
		control->deadline = 0;
		look_at(control, 0);
	}
}

/* Looks again then, or when something ends here. */
static void wait_until(struct control_call *control, int64_t at_ns)
{
	struct api *api = control->pending.api;

	control->timer = evtimer_new(api->env.base, on_timer, control);
	if (!control->timer)
		abort();
	control->next = api->drains;
	control->link = &api->drains;
	if (control->next)
		control->next->link = &control->next;
	api->drains = control;
	api->env.stats->waiting++;
	control->pending.call->work = control;
	control->pending.call->hurry = on_hurry;
	look_at(control, at_ns < control->deadline ? at_ns : control->deadline);
}

/* ---- the change ---- */

static void control_done(struct storeq_op *op)
{
	struct control_call *control = (struct control_call *)op;
	struct pending *pending = &control->pending;
	const struct wire_request *request = &pending->call->request;

	if (op->op.fail.err) {
		api_finish(pending);
		return;
	}
	api_log_control(pending->call, control->what);
	engine_replan(pending->api->env.engine);
	if (request->method == WIRE_PAUSE || request->method == WIRE_RESUME)
		end_drains(pending->api);
	if (request->method == WIRE_DRAIN)
		control->deadline =
		    clock_boot_ns(pending->api->env.clock) + request->drain.wait_ms * NS_PER_MS;
	if (request->method == WIRE_DRAIN && request->drain.wait_ms > 0 &&
	    anything_runs(pending->api))
		wait_until(control, control->deadline);
	else
		read_figures(control);
}

/* Posts what `change` says; `who` is added. */
static void set(
    struct api *api, struct api_call *call, const struct store_control *change, const char *what)
{
	struct control_call *control =
	    api_pending_new(api, call, sizeof(*control), STORE_CONTROL, control_done);

	control->pending.op.op.control = *change;
	control->pending.op.op.control.who = call->principal;
	snprintf(control->what, sizeof(control->what), "%s", what);
	api_post_or_finish(&control->pending);
}

/* Whether a pause can end at this time. */
static enum err check_until(const struct api *api, int64_t until_ms, struct fail *fail)
{
	int64_t now_ms = clock_utc_ms(api->env.clock);
	char until[TIME_TEXT_SIZE], now[TIME_TEXT_SIZE];

	format_time(until_ms, until);
	format_time(now_ms, now);
	if (until_ms <= now_ms)
		return fail_set(fail, ERR_INVALID, "\"until\": %s is over, it is %s", until, now);
	if (until_ms - now_ms > WIRE_PAUSE_MAX_MS)
		return fail_set(fail, ERR_INVALID,
		    "\"until\": %s is more than %lld days from now, which is %s", until,
		    WIRE_PAUSE_MAX_MS / (86400LL * 1000), now);
	return ERR_OK;
}

void api_pause(struct api *api, struct api_call *call)
{
	int64_t until_ms = call->request.pause.until_ms;
	char what[64] = "until resume", until[TIME_TEXT_SIZE];

	if (until_ms > 0) {
		if (check_until(api, until_ms, &call->reply.fail)) {
			api_answer(call);
			return;
		}
		format_time(until_ms, until);
		snprintf(what, sizeof(what), "until %s", until);
	}
	set(api, call, &(struct store_control){.verb = STORE_PAUSE, .until_ms = until_ms}, what);
}

void api_resume(struct api *api, struct api_call *call)
{
	bool clear_hold = call->request.resume.clear_hold;

	set(api, call, &(struct store_control){.verb = STORE_RESUME, .clear_hold = clear_hold},
	    clear_hold ? "all, and no hold" : "all");
}

void api_start_drain(struct api *api, struct api_call *call)
{
	set(api, call, &(struct store_control){.verb = STORE_DRAIN}, "until resume");
}

void api_rate(struct api *api, struct api_call *call)
{
	int64_t interval_ns = call->request.rate.interval_ns;
	char what[64] = "as the options say", text[DURATION_TEXT_SIZE];

	if (interval_ns > 0) {
		format_duration(interval_ns, text);
		snprintf(what, sizeof(what), "a slot every %s", text);
	}
	set(api, call, &(struct store_control){.verb = STORE_RATE, .interval_ns = interval_ns},
	    what);
}

/* ---- reload ---- */

void api_reload(struct api *api, struct api_call *call)
{
	struct fail *fail = &call->reply.fail;

	if (!api->env.reload)
		fail_set(fail, ERR_WRONG_STATE, "this daemon has nothing to reload");
	else if (api->env.reload(api->env.reload_arg, fail))
		api_log_control(call, "refused: nothing has changed");
	else
		api_log_control(call, "options");
	api_answer(call);
}
