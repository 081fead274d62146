#include "sim.h"

#include "util.h"

#include <stdlib.h>

struct spy {
	struct store store;
	struct store *inner;
	struct world *world;
	bool reads; /* its turns are not those of the writer */
};

static struct spy *spy_of(struct store *store)
{
	return (struct spy *)store;
}

static enum store_result spy_begin(struct store *store, struct fail *fail)
{
	struct spy *spy = spy_of(store);
	enum store_result result = store_begin(spy->inner, fail);

	if (result == STORE_DONE && !spy->reads)
		model_begin(&spy->world->model);
	return result;
}

static enum store_result spy_run(struct store *store, struct store_op *op)
{
	struct spy *spy = spy_of(store);
	int64_t first = world_boot_ns(spy->world);
	enum store_result result = spy->inner->ops->run[op->verb](spy->inner, op);

	if (result == STORE_DONE)
		model_saw(spy->world, op, first, world_boot_ns(spy->world));
	return result;
}

static enum store_result spy_commit(struct store *store, struct fail *fail)
{
	struct spy *spy = spy_of(store);
	enum store_result result = store_commit(spy->inner, fail);

	if (result == STORE_DONE || (result != STORE_UNDONE && spy->world->kept))
		model_commit(&spy->world->model);
	else if (result != STORE_UNDONE)
		model_rollback(&spy->world->model);
	return result;
}

static enum store_result spy_rollback(struct store *store, struct fail *fail)
{
	struct spy *spy = spy_of(store);

	if (!spy->reads)
		model_rollback(&spy->world->model);
	return store_rollback(spy->inner, fail);
}

static void spy_close(struct store *store)
{
	struct spy *spy = spy_of(store);

	store_close(spy->inner);
	free(spy);
}

static const struct store_ops ops = {
    .begin = spy_begin,
    .run =
	{
	    [STORE_SUBMIT] = spy_run,
	    [STORE_CANCEL] = spy_run,
	    [STORE_RETRY] = spy_run,
	    [STORE_BUMP] = spy_run,
	    [STORE_CONTROL] = spy_run,
	    [STORE_CLAIM] = spy_run,
	    [STORE_STARTED] = spy_run,
	    [STORE_FINISH] = spy_run,
	    [STORE_STATUS] = spy_run,
	    [STORE_REPORT] = spy_run,
	},
    .commit = spy_commit,
    .rollback = spy_rollback,
    .close = spy_close,
};

struct store *spy_new(struct world *world, struct store *inner, bool reads)
{
	struct spy *spy = xcalloc(1, sizeof(*spy));

	spy->store.ops = &ops;
	spy->inner = inner;
	spy->world = world;
	spy->reads = reads;
	return &spy->store;
}
