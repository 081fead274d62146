#include "notifier.h"

#include "log.h"
#include "util.h"
#include "wire.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* It looks at least so often. */
#define LONGEST_MS 60000
/* After a kick: what ends together is found in one look. */
#define PAUSE_MS 20
/* After the store could not do it. */
#define RETRY_MS 1000

enum state {
	RESTING, /* until the timer, if it is set */
	LOOKING, /* the store is asked what is due */
	RUNNING, /* the handler has it */
	RECORDING, /* what came of it is on the way to the store */
};

struct notifier {
	struct notifier_env env;
	struct event *timer;
	struct storeq_op op;
	enum state state;
	bool again; /* kicked while looking */
	bool started, stopping, interrupted;
	struct run run; /* while RUNNING */
	struct buf document;
	struct store_told told;
};

static void arm(struct notifier *notifier, int64_t ms)
{
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(notifier->timer, &wait);
}

static void rest(struct notifier *notifier, int64_t ms)
{
	notifier->state = RESTING;
	if (!notifier->stopping)
		arm(notifier, ms);
	else
		notifier->env.idle(notifier->env.arg);
}

/* ---- what came of a notice ---- */

static void told_done(struct storeq_op *op);

static void record(struct notifier *notifier)
{
	notifier->op = (struct storeq_op){.done = told_done, .arg = notifier};
	notifier->op.op.verb = STORE_TOLD;
	notifier->op.op.told = notifier->told;
	storeq_post_engine(notifier->env.queue, &notifier->op);
}

static void told_done(struct storeq_op *op)
{
	struct notifier *notifier = op->arg;
	enum err err = op->op.fail.err;
	bool recorded = err == ERR_OK || err == ERR_NOT_FOUND;

	if (!recorded)
		log_warn(log_msg("a notice that was given is not recorded"),
		    log_str("reason", op->op.fail.text));
	if (recorded || notifier->interrupted)
		rest(notifier, 0);
	else
		arm(notifier, RETRY_MS);
}

/* How long to wait before it is told again. */
static int64_t delay_ms(const struct notifier *notifier, const struct ending *ending)
{
	const struct run *run = &notifier->run;

	if (ending->hold_ms > 0)
		return ending->hold_ms < notifier->env.max_hold_ms ? ending->hold_ms
		                                                   : notifier->env.max_hold_ms;
	if (notifier->stopping && ending->outcome != OUTCOME_RETRY)
		return 0;
	return retry_delay_ms(&notifier->env.retry, &run->ingestion, 0, run->attempt);
}

static void log_ending(const struct notifier *notifier, const struct ending *ending)
{
	bool failed = ending->outcome == OUTCOME_RETRY || ending->outcome == OUTCOME_FAILED;
	const char *what = ending->outcome == OUTCOME_COMPLETED ? "notice given"
	                   : !failed                            ? "notice interrupted"
	                   : notifier->told.told                ? "notice given up"
	                                         : "notice not given, to be tried again";
	char id[UUID_TEXT_SIZE];

	uuid_format(&notifier->run.ingestion, id);
	log_write(failed ? LOG_WARN : LOG_INFO,
	    log_fields(log_msg(what), log_str("ingestion_id", id),
		log_int("attempt", notifier->run.attempt),
		log_int("in_ms", notifier->told.retry_ms), log_str("reason", ending->message)));
}

static void on_started(struct run *run)
{
	(void)run;
}

static void on_done(struct run *run, struct ending *ending)
{
	struct notifier *notifier =
	    (struct notifier *)((char *)run - offsetof(struct notifier, run));
	bool exhausted =
	    ending->outcome == OUTCOME_RETRY && run->attempt >= notifier->env.retry.max_attempts;

	notifier->told.told =
	    ending->outcome == OUTCOME_COMPLETED || ending->outcome == OUTCOME_FAILED || exhausted;
	notifier->told.retry_ms = notifier->told.told ? 0 : delay_ms(notifier, ending);
	notifier->told.uncounted = !notifier->told.told && ending->outcome != OUTCOME_RETRY;
	log_ending(notifier, ending);
	ending_free(ending);
	buf_free(&notifier->document);
	notifier->state = RECORDING;
	record(notifier);
}

/* ---- what is to be told ---- */

static const struct run_events events = {.started = on_started, .done = on_done};

static void start(struct notifier *notifier, const struct store_notice *notice)
{
	const struct ingestion *ingestion = &notice->ingestion;
	struct run *run = &notifier->run;

	notifier->told =
	    (struct store_told){.uuid = ingestion->uuid, .version = ingestion->version};
	wire_write_ingestion(ingestion, &notifier->document);
	*run = (struct run){.ingestion = ingestion->uuid,
	    .attempt = notice->attempt,
	    .priority = ingestion->priority,
	    .notice = notifier->document.data,
	    .events = &events};
	strcpy(run->label, ingestion->label);
	notifier->state = RUNNING;
	handler_start(notifier->env.handler, run);
}

static int64_t pause_ms(const struct notifier *notifier, int64_t next_ms)
{
	if (notifier->again)
		return PAUSE_MS;
	return next_ms >= 0 && next_ms < LONGEST_MS ? next_ms : LONGEST_MS;
}

static void notice_done(struct storeq_op *op)
{
	struct notifier *notifier = op->arg;
	const struct store_notice *notice = &op->op.notice;

	if (op->op.fail.err)
		rest(notifier, RETRY_MS);
	else if (notice->found && !notifier->stopping)
		start(notifier, notice);
	else
		rest(notifier, pause_ms(notifier, notice->next_ms));
}

static void look(struct notifier *notifier)
{
	notifier->again = false;
	notifier->state = LOOKING;
	notifier->op = (struct storeq_op){.done = notice_done, .arg = notifier};
	notifier->op.op.verb = STORE_NOTICE;
	if (!storeq_post(notifier->env.queue, &notifier->op))
		rest(notifier, RETRY_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct notifier *notifier = arg;

	(void)fd, (void)what;
	if (notifier->state == RECORDING)
		record(notifier);
	else
		look(notifier);
}

/* ---- life ---- */

struct notifier *notifier_new(const struct notifier_env *env)
{
	struct notifier *notifier = xcalloc(1, sizeof(*notifier));

	notifier->env = *env;
	notifier->timer = evtimer_new(env->base, on_timer, notifier);
	if (!notifier->timer)
		abort();
	return notifier;
}

void notifier_start(struct notifier *notifier)
{
	notifier->started = true;
	if (!notifier->stopping)
		arm(notifier, 0);
}

void notifier_kick(struct notifier *notifier)
{
	notifier->again = true;
	if (notifier->started && !notifier->stopping && notifier->state == RESTING)
		arm(notifier, PAUSE_MS);
}

void notifier_stop(struct notifier *notifier)
{
	notifier->stopping = true;
	if (notifier->state == RESTING)
		evtimer_del(notifier->timer);
}

void notifier_interrupt(struct notifier *notifier, bool now)
{
	notifier->interrupted = true;
	if (notifier->state == RUNNING)
		handler_cancel(notifier->env.handler, &notifier->run, now);
	else if (notifier->state == RECORDING && evtimer_pending(notifier->timer, NULL))
		evtimer_del(notifier->timer), rest(notifier, 0);
}

bool notifier_is_idle(const struct notifier *notifier)
{
	return notifier->state < RUNNING;
}

void notifier_free(struct notifier *notifier)
{
	buf_free(&notifier->document);
	event_free(notifier->timer);
	free(notifier);
}
