/*
 * The verb status, and its long poll: with `wait_ms` the answer is held back until the ingestion
 * has changed or ended, or the time is over.
 */
#include "api_verbs.h"

#include "util.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

struct look {
	struct pending pending; /* first */
	struct watch_entry entry; /* in api->watch while `timer` is there */
	struct event *timer; /* NULL: nothing is waited for */
	bool reading; /* the operation is in the queue */
	bool stale; /* something has changed since it was posted */
	bool hurried; /* the next page is the answer, whatever it says */
	bool refused; /* the queue did not take the operation; the timer ends the call */
};

static void finish(struct look *look)
{
	look->pending.call->hurry = NULL;
	if (look->timer) {
		event_free(look->timer);
		watch_remove(&look->entry);
		look->pending.api->env.stats->waiting--;
	}
	/* The page goes from the operation to the reply. */
	look->pending.call->reply.status = look->pending.op.op.status.page;
	look->pending.op.op.status.page = (struct status_page){0};
	api_finish(&look->pending);
}

/*
 * The queue is full, or broken: that is the answer. It is given by the timer, because the caller
 * may be walking a list that this call is in.
 */
static void refuse_soon(struct look *look)
{
	static const struct timeval at_once = {0};

	look->refused = true;
	evtimer_add(look->timer, &at_once);
}

static void read_again(struct look *look)
{
	look->reading = true;
	look->stale = false;
	if (api_post(&look->pending))
		return;
	look->reading = false;
	if (!look->timer)
		finish(look);
	else
		refuse_soon(look);
}

/* Whether the page is what the client waits for. Without `since` the first page is the measure. */
static bool is_awaited(struct look *look)
{
	struct wire_status *request = &look->pending.call->request.status;
	const struct ingestion *now = &look->pending.op.op.status.page.ingestion;

	if (request->until == WIRE_UNTIL_FINAL)
		return ingestion_status_is_final(ingestion_status_of(now));
	if (request->since == 0)
		request->since = now->version;
	return now->version != request->since;
}

static void status_done(struct storeq_op *op)
{
	struct look *look = (struct look *)op;

	look->reading = false;
	if (op->op.fail.err || !look->timer || is_awaited(look) || (look->hurried && !look->stale))
		finish(look);
	else if (look->stale)
		read_again(look);
}

static void on_changed(struct watch_entry *entry)
{
	struct look *look = (struct look *)(void *)((char *)entry - offsetof(struct look, entry));

	if (look->reading)
		look->stale = true;
	else if (!look->refused)
		read_again(look);
}

/* The time is over, or the client does not want to wait any more: answers with what is now. */
static void hurry(struct look *look)
{
	look->hurried = true;
	if (!look->reading && !look->refused)
		read_again(look);
}

static void on_hurry(struct api_call *call)
{
	hurry(call->work);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct look *look = arg;

	(void)fd, (void)events;
	if (look->refused)
		finish(look);
	else
		hurry(look);
}

static void start_waiting(struct look *look, int64_t wait_ms)
{
	struct api *api = look->pending.api;
	struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};

	look->timer = evtimer_new(api->env.base, on_timer, look);
	if (!look->timer)
		abort();
	evtimer_add(look->timer, &wait);
	api->env.stats->waiting++;
	/* Before the first page is read: a change behind it must not be missed. */
	look->entry.uuid = look->pending.call->request.status.ingestion;
	look->entry.changed = on_changed;
	watch_add(api->watch, &look->entry);
	look->pending.call->work = look;
	look->pending.call->hurry = on_hurry;
}

void api_status(struct api *api, struct api_call *call)
{
	const struct wire_status *request = &call->request.status;
	struct look *look = api_pending_new(api, call, sizeof(*look), STORE_STATUS, status_done);

	look->pending.op.op.status.uuid = request->ingestion;
	look->pending.op.op.status.from_batch = request->from_batch;
	look->pending.op.op.status.limit = request->limit;
	look->pending.op.op.status.output = request->output;
	if (request->wait_ms > 0)
		start_waiting(look, request->wait_ms);
	read_again(look);
}
