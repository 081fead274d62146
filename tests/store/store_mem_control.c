/* The oracle's brakes: pause, hold, and a rate that was set. */
#include "store_mem_state.h"

#include "util.h"

#include <stdio.h>

static bool has_pause(const struct store_mem *mem, const struct control *control)
{
	return control->pause != PAUSE_NONE &&
	       (control->pause_until_ms == 0 || control->pause_until_ms > clock_utc_ms(mem->clock));
}

struct control control_of(const struct store_mem *mem, const struct state *state)
{
	struct control control = state->control;
	int64_t now = now_ms(mem);

	if (!has_pause(mem, &control)) {
		control.pause = PAUSE_NONE;
		control.pause_until_ms = 0;
	}
	control.hold_ms = state->hold_until_ms > now ? state->hold_until_ms - now : 0;
	return control;
}

void control_set_interval(const struct store_mem *mem, struct state *state)
{
	int64_t rate_ns = state->control.rate_ns;

	state->ledger.interval_ns = rate_ns ? rate_ns : mem->settings.interval_ns;
}

void control_hold(const struct store_mem *mem, struct state *state, int64_t ms)
{
	int64_t most = mem->settings.max_hold_ms, until_ms = now_ms(mem) + (ms < most ? ms : most);

	if (until_ms > state->hold_until_ms)
		state->hold_until_ms = until_ms;
}

/* So far in the future; later than everything instead of wrapping around. */
static int64_t later(int64_t boot_ns, int64_t ms)
{
	int64_t ns;

	if (__builtin_mul_overflow(ms, NS_PER_MS, &ns) || __builtin_add_overflow(boot_ns, ns, &ns))
		return CLOCK_NEVER;
	return ns;
}

int64_t control_not_before(const struct store_mem *mem, const struct state *state, int64_t boot_ns)
{
	struct control control = control_of(mem, state);
	int64_t pause = LEDGER_NONE, hold = LEDGER_NONE;
	int64_t left = control.pause_until_ms - clock_utc_ms(mem->clock);

	if (control.pause != PAUSE_NONE && control.pause_until_ms == 0)
		pause = CLOCK_NEVER;
	else if (control.pause != PAUSE_NONE)
		pause = later(boot_ns, left > STORE_PAUSE_LOOK_MS ? STORE_PAUSE_LOOK_MS : left);
	if (control.hold_ms > 0)
		hold = later(boot_ns, control.hold_ms);
	return pause > hold ? pause : hold;
}

static void set_stamp(const struct store_mem *mem, struct stamp *stamp, const char *who)
{
	snprintf(stamp->who, sizeof(stamp->who), "%s", who);
	stamp->at_ms = clock_utc_ms(mem->clock);
}

void mem_control(struct store_mem *mem, struct state *state, struct store_op *op)
{
	static const enum pause pauses[] = {[STORE_PAUSE] = PAUSE_PAUSED,
	    [STORE_DRAIN] = PAUSE_DRAINING,
	    [STORE_RESUME] = PAUSE_NONE};
	const struct store_control *wish = &op->control;
	struct control *control = &state->control;

	if (wish->verb == STORE_RATE) {
		control->rate_ns = wish->interval_ns;
		set_stamp(mem, &control->rated, wish->who);
		control_set_interval(mem, state);
	} else {
		control->pause = pauses[wish->verb];
		control->pause_until_ms = wish->verb == STORE_PAUSE ? wish->until_ms : 0;
		set_stamp(mem, &control->paused, wish->who);
	}
	if (wish->verb == STORE_RESUME && wish->clear_hold)
		state->hold_until_ms = 0;
	op->control.now = control_of(mem, state);
}
