#include "store.h"

#include <stdlib.h>

static void reset_claim(struct store_claim *claim)
{
	for (size_t i = 0; i < claim->n; i++)
		idlist_free(&claim->batches[i].ids);
	free(claim->batches);
	*claim = (struct store_claim){.wake = CLOCK_NEVER};
}

void store_op_reset(struct store_op *op)
{
	op->fail.err = ERR_OK;
	if (op->verb == STORE_CLAIM)
		reset_claim(&op->claim);
	else if (op->verb == STORE_STATUS)
		status_page_free(&op->status.page);
}

enum store_result store_run(struct store *store, struct store_op *op)
{
	store_op_reset(op);
	return store->ops->run[op->verb](store, op);
}
