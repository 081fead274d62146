#include "ledger.h"

/* Later than everything instead of wrapping around. */
static int64_t add(int64_t at, int64_t ns)
{
	return __builtin_add_overflow(at, ns, &at) ? CLOCK_NEVER : at;
}

int64_t ledger_next_slot(const struct ledger *ledger)
{
	int64_t slot = LEDGER_NONE, settled;

	if (ledger->last_claim != LEDGER_NONE) {
		if (ledger->last_start == LEDGER_NONE)
			return CLOCK_NEVER;
		slot = add(ledger->last_start, ledger->interval_ns);
	}
	if (ledger->ready_since == LEDGER_NONE)
		return slot;
	settled = add(ledger->ready_since, ledger->settle_ns);
	return settled > slot ? settled : slot;
}

void ledger_claimed(struct ledger *ledger, int64_t now)
{
	ledger->last_claim = now;
	ledger->last_start = LEDGER_NONE;
}

void ledger_started(struct ledger *ledger, int64_t start)
{
	if (start >= ledger->last_claim)
		ledger->last_start = start;
}

void ledger_ready(struct ledger *ledger, int64_t now)
{
	ledger->ready_since = now;
}

void ledger_idle(struct ledger *ledger)
{
	ledger->ready_since = LEDGER_NONE;
}

void ledger_recover(struct ledger *ledger, bool same_boot, int64_t now)
{
	ledger->ready_since = LEDGER_NONE;
	if (ledger->last_claim == LEDGER_NONE)
		return;
	if (!same_boot || ledger->last_start == LEDGER_NONE || ledger->last_start > now) {
		ledger->last_claim = now;
		ledger->last_start = now;
	}
}
