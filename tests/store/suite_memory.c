/* The faults that the oracle can be told to have. */
#include "fixture.h"

#include "util.h"

struct plan {
	enum store_mem_point point;
	int countdown; /* 1: the next time */
	enum store_mem_fault fault;
};

static enum store_mem_fault fail_once(void *arg, enum store_mem_point point)
{
	struct plan *plan = arg;

	if (point != plan->point || --plan->countdown != 0)
		return STORE_MEM_WORKS;
	return plan->fault;
}

static void full_disk_undoes_a_turn(struct fixture *fx)
{
	struct plan plan = {STORE_MEM_COMMIT, 2, STORE_MEM_FULL};
	struct fail fail;

	store_mem_disk_faults(fx->disk, fail_once, &plan);
	assert_int_equal(submit_batch(fx, PRIORITY_LOW, 1).seq, 1);
	turn_begin(fx);
	submit_batch(fx, PRIORITY_LOW, 11);
	assert_int_equal(store_commit(fx->store, &fail), STORE_UNDONE);
	assert_int_equal(fail.err, ERR_DISK_LOW);
	turn_rollback(fx);
	assert_int_equal(submit_batch(fx, PRIORITY_LOW, 21).seq, 2);
	claim_next(fx, 1);
	claim_next(fx, 21);
}

static void full_disk_stops_an_operation(struct fixture *fx)
{
	struct plan plan = {STORE_MEM_RUN, 1, STORE_MEM_FULL};
	struct store_op op = {.verb = STORE_CLAIM};

	store_mem_disk_faults(fx->disk, fail_once, &plan);
	turn_begin(fx);
	assert_int_equal(store_run(fx->store, &op), STORE_UNDONE);
	assert_int_equal(op.fail.err, ERR_DISK_LOW);
	turn_rollback(fx);
	claim_nothing(fx);
}

/* Commits into an unknown outcome and reopens. */
static void commit_unknown(struct fixture *fx, enum store_mem_fault fault)
{
	struct plan plan = {STORE_MEM_COMMIT, 1, fault};
	struct fail fail;

	store_mem_disk_faults(fx->disk, fail_once, &plan);
	turn_begin(fx);
	submit_batch(fx, PRIORITY_LOW, 1);
	assert_int_equal(store_commit(fx->store, &fail), STORE_UNKNOWN);
	assert_int_equal(fail.err, ERR_UNKNOWN_OUTCOME);
	assert_int_equal(store_begin(fx->store, &fail), STORE_UNKNOWN);
	fx->in_turn = false;
	store_mem_disk_faults(fx->disk, NULL, NULL);
	fixture_reopen(fx);
}

static void unknown_may_be_lost(struct fixture *fx)
{
	commit_unknown(fx, STORE_MEM_LOST);
	assert_int_equal(fx->found.waiting, 0);
}

static void unknown_may_be_kept(struct fixture *fx)
{
	commit_unknown(fx, STORE_MEM_KEPT);
	assert_int_equal(fx->found.waiting, 1);
	claim_next(fx, 1);
}

const struct suite_test suite_memory[] = {
    {"a full disk undoes a turn", full_disk_undoes_a_turn},
    {"a full disk stops an operation", full_disk_stops_an_operation},
    {"a commit of unknown outcome may have left nothing", unknown_may_be_lost},
    {"a commit of unknown outcome may be there", unknown_may_be_kept},
    {0},
};
