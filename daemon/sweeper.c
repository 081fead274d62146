#include "sweeper.h"

#include "log.h"
#include "util.h"

#include <event2/event.h>
#include <stdlib.h>

/* It looks at least so often, since what is new may be due before what was known. */
#define LONGEST_MS 60000
/* Between two sweeps when more is due: others want the store, too. */
#define PAUSE_MS 20
/* After the store could not do it. */
#define RETRY_MS 5000

struct sweeper {
	struct sweeper_env env;
	struct event *timer;
	struct storeq_op op;
	bool sweeping; /* the operation is in the queue */
	bool again; /* kicked meanwhile */
};

static void arm(struct sweeper *sweeper, int64_t ms)
{
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(sweeper->timer, &wait);
}

static int64_t pause_ms(const struct sweeper *sweeper, int64_t next_ms)
{
	int64_t longest = sweeper->env.expiry_ms < LONGEST_MS ? sweeper->env.expiry_ms : LONGEST_MS;

	if (sweeper->again || (next_ms >= 0 && next_ms < PAUSE_MS))
		return PAUSE_MS;
	return next_ms >= 0 && next_ms < longest ? next_ms : longest;
}

static void tell_expired(const struct sweeper *sweeper, const struct store_sweep *sweep)
{
	for (size_t i = 0; i < sweep->n; i++) {
		char id[UUID_TEXT_SIZE];

		uuid_format(&sweep->cancelled[i], id);
		log_info(log_msg("upload expired"), log_str("ingestion_id", id));
		sweeper->env.changed(sweeper->env.arg, &sweep->cancelled[i]);
	}
}

static void sweep_done(struct storeq_op *op)
{
	struct sweeper *sweeper = op->arg;
	int64_t wait = RETRY_MS;

	sweeper->sweeping = false;
	if (!op->op.fail.err) {
		tell_expired(sweeper, &op->op.sweep);
		wait = pause_ms(sweeper, op->op.sweep.next_ms);
	}
	sweeper->again = false;
	store_op_reset(&op->op);
	arm(sweeper, wait);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct sweeper *sweeper = arg;

	(void)fd, (void)events;
	if (sweeper->sweeping)
		return;
	sweeper->op = (struct storeq_op){.done = sweep_done, .arg = sweeper};
	sweeper->op.op.verb = STORE_SWEEP;
	sweeper->sweeping = storeq_post(sweeper->env.queue, &sweeper->op);
	if (!sweeper->sweeping)
		arm(sweeper, RETRY_MS);
}

struct sweeper *sweeper_new(const struct sweeper_env *env)
{
	struct sweeper *sweeper = xcalloc(1, sizeof(*sweeper));

	sweeper->env = *env;
	sweeper->timer = evtimer_new(env->base, on_timer, sweeper);
	if (!sweeper->timer)
		abort();
	arm(sweeper, 0);
	return sweeper;
}

void sweeper_kick(struct sweeper *sweeper)
{
	sweeper->again = sweeper->sweeping;
	if (!sweeper->sweeping)
		arm(sweeper, PAUSE_MS);
}

void sweeper_free(struct sweeper *sweeper)
{
	event_free(sweeper->timer);
	free(sweeper);
}
