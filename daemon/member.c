#include "member.h"

#include "log.h"
#include "util.h"

#include <stdlib.h>

/* Of the lease: how often there is a sign of life at least, so that a single one may be lost. */
#define BEATS_PER_LEASE 10
/* After so much of the lease it is renewed; */
#define RENEW_AFTER(lease) ((lease) / 3)
/* and so long before its end what runs is ended, gently and by force. */
#define END_BEFORE(lease) ((lease) / 3)
#define FORCE_BEFORE(lease) ((lease) / 6)

enum hold { RUNS, ENDED, FORCED };

struct member {
	struct member_env env;
	struct storeq_op op;
	bool beating; /* the operation is in the queue */
	int64_t sent_at; /* boot_ns: the last one; LEDGER_NONE: none yet */
	int64_t renewed_at; /* when the last one was sent that has renewed the lease */
	int64_t lease_end; /* boot_ns; LEDGER_NONE: there is none, CLOCK_NEVER: it does not end */
	enum hold hold; /* what the engine was told */
	int64_t next_end; /* boot_ns: somebody else's lease ends; CLOCK_NEVER: none does */
	bool recovered; /* to be told, until that has succeeded */
	bool at_once; /* the next sign of life does not wait for its time */
	bool in_trouble; /* none could be given; it was logged */
	bool lost; /* the lease could not be renewed; it was logged */
};

/* ---- the lease ---- */

/* How much of what runs has to be ended at `now`. */
static enum hold hold_at(const struct member *member, int64_t now)
{
	int64_t lease = member->env.lease_ns;

	if (member->lease_end == LEDGER_NONE || now >= member->lease_end - FORCE_BEFORE(lease))
		return FORCED;
	return now >= member->lease_end - END_BEFORE(lease) ? ENDED : RUNS;
}

static void lose(struct member *member, enum hold hold, int64_t now)
{
	if (!member->lost)
		log_warn(log_msg("the lease cannot be renewed, what runs is ended"),
		    log_int("ends_in_ms", (member->lease_end - now) / NS_PER_MS));
	member->lost = true;
	engine_suspend(member->env.engine, hold == FORCED);
}

static void regain(struct member *member)
{
	if (member->lost)
		log_info(log_msg("the lease is renewed again"));
	member->lost = false;
	engine_resume(member->env.engine);
}

static void see_to_lease(struct member *member, int64_t now)
{
	enum hold hold = hold_at(member, now);

	if (hold == member->hold)
		return;
	member->hold = hold;
	if (hold == RUNS)
		regain(member);
	else
		lose(member, hold, now);
}

/* Somebody else has what runs here, or is going to: the lease was over sooner than we knew. */
static void start_over(struct member *member)
{
	member->hold = FORCED;
	engine_suspend(member->env.engine, true);
}

/* When the engine has to be told something else. */
static int64_t next_hold(const struct member *member)
{
	int64_t lease = member->env.lease_ns;

	if (member->hold == FORCED)
		return CLOCK_NEVER;
	return member->lease_end - (member->hold == RUNS ? END_BEFORE(lease) : FORCE_BEFORE(lease));
}

/* ---- signs of life ---- */

static int64_t period_ns(const struct member *member)
{
	int64_t most = STORE_BEAT_MS * NS_PER_MS;
	int64_t period = member->env.lease_ns / BEATS_PER_LEASE;

	return period < most ? period : most;
}

static void tell_trouble(struct member *member, const struct fail *why)
{
	if (!member->in_trouble)
		log_warn(log_msg("no sign of life could be given"), log_str("reason", why->text));
	member->in_trouble = true;
}

static void end_trouble(struct member *member)
{
	if (member->in_trouble)
		log_info(log_msg("signs of life are given again"));
	member->in_trouble = false;
}

/* What was done elsewhere: here it is heard of. */
static void hear(struct member *member, const struct store_beat *beat)
{
	if (beat->reaped > 0)
		log_warn(log_msg("batches of a node that has gone are in line again"),
		    log_int("batches", beat->reaped));
	for (size_t i = 0; i < beat->n; i++)
		engine_cancel(member->env.engine, &beat->cancelled[i]);
	if (!beat->moved && beat->reaped == 0)
		return;
	/* Whatever it was: something to start, a rate, the end of a pause. */
	engine_replan(member->env.engine);
	member->env.moved(member->env.arg);
}

static void beat_done(struct storeq_op *op)
{
	struct member *member = op->arg;
	const struct store_beat *beat = &op->op.beat;

	member->beating = false;
	if (op->op.fail.err) {
		tell_trouble(member, &op->op.fail);
	} else {
		end_trouble(member);
		if (beat->recovered)
			member->recovered = false;
		if (beat->renew) {
			member->renewed_at = member->sent_at;
			member->lease_end = beat->lease_end;
		}
		member->next_end = beat->next_end;
		if (beat->joined_again)
			start_over(member);
		see_to_lease(member, clock_boot_ns(member->env.clock));
		hear(member, beat);
	}
	store_op_reset(&op->op);
	member->env.wake(member->env.arg);
}

static struct node_figures figures_of(const struct member *member)
{
	const struct stats *stats = member->env.stats;
	struct node_figures figures = {.attempts = stats->attempts,
	    .retries = stats->retries,
	    .interrupted = stats->interrupted};
	int64_t slots;

	engine_running(member->env.engine, &slots, &figures.running);
	for (size_t i = 0; i < FAILURE_COUNT; i++)
		figures.failed += stats->failures[i];
	return figures;
}

static bool has_to_renew(const struct member *member, int64_t now)
{
	return member->recovered || member->lease_end == LEDGER_NONE ||
	       now - member->renewed_at >= RENEW_AFTER(member->env.lease_ns);
}

static void beat(struct member *member, int64_t now)
{
	member->beating = true;
	member->at_once = false;
	member->sent_at = now;
	member->op = (struct storeq_op){.done = beat_done, .arg = member};
	member->op.op.verb = STORE_BEAT;
	member->op.op.beat = (struct store_beat){.renew = has_to_renew(member, now),
	    .recovered = member->recovered,
	    .figures = figures_of(member)};
	storeq_post_engine(member->env.queue, &member->op);
}

/* Batches of a node that is gone do not wait longer than its lease. */
static int64_t next_beat(const struct member *member)
{
	int64_t next = member->sent_at + period_ns(member);

	if (member->beating)
		return CLOCK_NEVER;
	if (member->at_once)
		return LEDGER_NONE;
	return member->next_end > member->sent_at && member->next_end < next ? member->next_end
	                                                                     : next;
}

/* ---- the member ---- */

struct member *member_new(const struct member_env *env)
{
	struct member *member = xcalloc(1, sizeof(*member));

	member->env = *env;
	member->at_once = true;
	member->sent_at = member->renewed_at = member->lease_end = LEDGER_NONE;
	member->next_end = CLOCK_NEVER;
	member->hold = FORCED;
	engine_suspend(env->engine, true);
	return member;
}

int64_t member_tick(struct member *member, int64_t now)
{
	int64_t at_beat, at_hold;

	see_to_lease(member, now);
	if (next_beat(member) <= now)
		beat(member, now);
	at_beat = next_beat(member);
	at_hold = next_hold(member);
	return at_beat < at_hold ? at_beat : at_hold;
}

void member_recovered(struct member *member)
{
	member->recovered = true;
	member->at_once = true;
	member->env.wake(member->env.arg);
}

void member_free(struct member *member)
{
	free(member);
}
