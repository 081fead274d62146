#include "store.h"

#include "util.h"

#include <stdlib.h>

static void reset_claim(struct store_claim *claim)
{
	for (size_t i = 0; i < claim->n; i++)
		idlist_free(&claim->batches[i].ids);
	free(claim->batches);
	*claim = (struct store_claim){.wake = CLOCK_NEVER, .fire_before = CLOCK_NEVER};
}

static void reset_sweep(struct store_sweep *sweep)
{
	free(sweep->cancelled);
	*sweep = (struct store_sweep){0};
}

/* What is asked for stays. */
static void reset_beat(struct store_beat *beat)
{
	free(beat->cancelled);
	*beat = (struct store_beat){.renew = beat->renew,
	    .recovered = beat->recovered,
	    .figures = beat->figures,
	    .lease_end = CLOCK_NEVER,
	    .next_end = CLOCK_NEVER};
}

void store_op_reset(struct store_op *op)
{
	op->fail.err = ERR_OK;
	switch (op->verb) {
	case STORE_CLAIM:
		reset_claim(&op->claim);
		break;
	case STORE_BEAT:
		reset_beat(&op->beat);
		break;
	case STORE_NODES:
		node_list_free(&op->nodes.list);
		break;
	case STORE_SWEEP:
		reset_sweep(&op->sweep);
		break;
	case STORE_STATUS:
		status_page_free(&op->status.page);
		break;
	case STORE_REPORT:
		report_page_free(&op->report.page);
		break;
	case STORE_LIST:
		list_page_free(&op->list.page);
		break;
	default:
		break;
	}
}

int64_t store_time_at(const struct store_time *time, int64_t boot_ns)
{
	int64_t passed = boot_ns - time->boot_ns;

	return time->ms + (passed > 0 ? passed / NS_PER_MS : 0);
}

void store_time_recover(struct store_time *time, bool same_boot, int64_t written_utc_ms,
    int64_t boot_ns, int64_t utc_ms)
{
	if (same_boot)
		time->ms = store_time_at(time, boot_ns);
	else if (utc_ms > written_utc_ms)
		time->ms += utc_ms - written_utc_ms;
	time->boot_ns = boot_ns;
}

enum store_result store_run(struct store *store, struct store_op *op)
{
	store_op_reset(op);
	return store->ops->run[op->verb](store, op);
}

enum store_result store_unshared(struct store *store, struct store_op *op)
{
	(void)store, (void)op;
	return STORE_DONE;
}
