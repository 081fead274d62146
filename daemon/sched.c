#include "sched.h"

static int first_lane(const struct sched_view *view)
{
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		if (view->heads[lane].present)
			return lane;
	return -1;
}

struct sched_choice sched_pick(const struct sched_view *view, int64_t now)
{
	int lane = first_lane(view);
	int64_t slot = ledger_next_slot(&view->ledger);

	if (slot < view->not_before)
		slot = view->not_before;

	if (lane < 0)
		return (struct sched_choice){.verdict = SCHED_IDLE, .at = view->next_due};
	if (now < slot)
		return (struct sched_choice){.verdict = SCHED_WAIT, .at = slot};
	return (struct sched_choice){.verdict = SCHED_START, .lane = lane};
}

int sched_pack(const struct sched_view *view, int64_t taken, int64_t room)
{
	int lane = view->ledger.pack ? first_lane(view) : -1;

	return lane >= 0 && view->heads[lane].ids <= room - taken ? lane : -1;
}
