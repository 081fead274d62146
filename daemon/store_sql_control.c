/* Pause, hold and rate: what is said about starting batches at all. */
#include "store_sql.h"

#include <stdio.h>

/* Whether a pause that was set still holds. */
static bool is_paused(const struct control *control, int64_t utc_ms)
{
	return control->pause != PAUSE_NONE &&
	       (control->pause_until_ms == 0 || control->pause_until_ms > utc_ms);
}

struct control sql_control_now(const struct summary *summary, const struct sql_time *time)
{
	struct control now = summary->control;

	if (!is_paused(&now, time->utc_ms)) {
		now.pause = PAUSE_NONE;
		now.pause_until_ms = 0;
	}
	now.hold_ms = summary->hold_until_ms > time->ms ? summary->hold_until_ms - time->ms : 0;
	return now;
}

void sql_control_apply(struct sql_store *store)
{
	int64_t rate_ns = store->now.control.rate_ns;

	store->now.ledger.interval_ns = rate_ns > 0 ? rate_ns : store->settings.interval_ns;
}

void sql_control_hold(struct sql_store *store, int64_t hold_ms)
{
	int64_t until;

	if (hold_ms > store->settings.max_hold_ms)
		hold_ms = store->settings.max_hold_ms;
	until = sql_now_ms(store) + hold_ms;
	if (hold_ms > 0 && until > store->now.hold_until_ms)
		store->now.hold_until_ms = until;
}

/* When to look whether the pause is over. */
static int64_t look_at_pause(const struct control *control, const struct sql_time *now)
{
	int64_t left = control->pause_until_ms - now->utc_ms;

	if (control->pause == PAUSE_NONE)
		return LEDGER_NONE;
	if (control->pause_until_ms == 0)
		return CLOCK_NEVER;
	return sql_after(now->ns, left < STORE_PAUSE_LOOK_MS ? left : STORE_PAUSE_LOOK_MS);
}

int64_t sql_control_not_before(const struct sql_store *store)
{
	struct sql_time now = sql_time(store);
	struct control control = sql_control_now(&store->now, &now);
	int64_t hold = control.hold_ms > 0 ? sql_after(now.ns, control.hold_ms) : LEDGER_NONE;
	int64_t pause = look_at_pause(&control, &now);

	return pause > hold ? pause : hold;
}

static struct stamp stamp(const struct sql_store *store, const char *who)
{
	struct stamp stamp = {.at_ms = sql_utc_ms(store)};

	snprintf(stamp.who, sizeof(stamp.who), "%s", who);
	return stamp;
}

static void set_pause(struct sql_store *store, const struct store_control *control,
    enum pause pause, int64_t until_ms)
{
	store->now.control.pause = pause;
	store->now.control.pause_until_ms = until_ms;
	store->now.control.paused = stamp(store, control->who);
}

enum store_result sql_control(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_control *control = &op->control;
	struct sql_time now;

	switch (control->verb) {
	case STORE_PAUSE:
		set_pause(store, control, PAUSE_PAUSED, control->until_ms);
		break;
	case STORE_DRAIN:
		set_pause(store, control, PAUSE_DRAINING, 0);
		break;
	case STORE_RESUME:
		set_pause(store, control, PAUSE_NONE, 0);
		if (control->clear_hold)
			store->now.hold_until_ms = 0;
		break;
	case STORE_RATE:
		store->now.control.rate_ns = control->interval_ns;
		store->now.control.rated = stamp(store, control->who);
		sql_control_apply(store);
		break;
	}
	now = sql_time(store);
	control->now = sql_control_now(&store->now, &now);
	return STORE_DONE;
}
