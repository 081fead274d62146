/* PostgreSQL: several nodes, and a database that has its own troubles. */
#include "fixture.h"

#include "util.h"

/* ---- reads ---- */

static enum store_result read_nothing(struct store *reader)
{
	struct store_op op = {.verb = STORE_STATS};
	enum store_result result = store_begin(reader, &op.fail);

	/* As the queue does it: what was not begun is not rolled back. */
	if (result != STORE_DONE)
		return result;
	result = store_run(reader, &op);
	store_rollback(reader, &(struct fail){0});
	return result;
}

static void a_read_that_failed_does_not_make_others_fail(struct fixture *fx)
{
	struct store *reader = postgres_reader(fx);

	assert_int_equal(read_nothing(reader), STORE_DONE);
	postgres_do("ALTER TABLE ingestd.moment RENAME TO elsewhere");
	assert_int_equal(read_nothing(reader), STORE_UNDONE);
	postgres_do("ALTER TABLE ingestd.elsewhere RENAME TO moment");
	assert_int_equal(read_nothing(reader), STORE_DONE);
	store_close(reader);
}

/* ---- leases ---- */

/* Batches that run for a node which is gone: nobody would ever put them back into line. */
static int64_t orphans(void)
{
	return postgres_number(
	    "SELECT count(*) FROM ingestd.batch b LEFT JOIN ingestd.node n ON "
	    "n.num = b.owner AND n.gone = 0 WHERE b.status = 1 AND n.num IS NULL");
}

/* Whether the node has joined again. */
static bool beat(struct fixture *fx, bool renew)
{
	struct store_op op = {.verb = STORE_BEAT, .beat.renew = renew};
	bool joined_again;

	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	joined_again = op.beat.joined_again;
	store_op_reset(&op);
	return joined_again;
}

static void claim_and_forget(struct fixture *fx)
{
	struct store_op op = claim(fx);

	store_op_reset(&op);
}

static void a_node_that_joins_again_claims_only_as_what_it_is_then(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_LOW, 1);
	postgres_do("UPDATE ingestd.node SET gone = 1");
	turn_begin(fx);
	assert_true(beat(fx, true));
	claim_and_forget(fx);
	turn_commit(fx);
	assert_int_equal(orphans(), 0);
	claim_next(fx, 1);
	assert_int_equal(orphans(), 0);
}

static const char add_late_node[] =
    "INSERT INTO ingestd.node (uuid, name, version, lease_ms, gone, started_ms, seen_ms, "
    "interval_ns, settle_ns, pack, max_attempts, batch_size, concurrency, guard_ns, running, "
    "attempts, retries, interrupted, failed) SELECT uuid, 'late', version, 1, 0, started_ms, "
    "seen_ms, interval_ns, settle_ns, pack, max_attempts, batch_size, concurrency, guard_ns, 0, 0, "
    "0, 0, 0 FROM ingestd.node";

/* By the clock of the database, which somebody has set. */
static void a_node_does_not_give_itself_up(struct fixture *fx)
{
	struct store_attempt attempt;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	attempt = claim_next(fx, 1);
	postgres_do(add_late_node);
	postgres_do("UPDATE ingestd.node SET lease_ms = 2");
	fx->boot_ns += fx->settings.interval_ns;
	turn_begin(fx);
	beat(fx, false);
	claim_and_forget(fx);
	turn_commit(fx);
	assert_int_equal(orphans(), 0);
	assert_false(beat(fx, true));
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_OK);
}

/* ---- the clock ---- */

/* After a failover to a server whose clock is ahead, for example. */
static void a_clock_that_is_set_on_brings_no_starts_together(struct fixture *fx)
{
	int64_t interval = fx->settings.interval_ns;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	claim_next(fx, 1);
	fx->boot_ns += interval / 2;
	fx->server.us += interval / 1000;
	assert_moment(fx, claim_nothing(fx), fx->boot_ns + interval);
	fx->boot_ns += interval;
	claim_and_forget(fx);
	assert_int_equal(postgres_number("SELECT count(*) FROM ingestd.batch"), 2);
}

const struct suite_test suite_postgres[] = {
    {"a read that failed does not make others fail", a_read_that_failed_does_not_make_others_fail},
    {"a node that joins again claims only as what it is then",
	a_node_that_joins_again_claims_only_as_what_it_is_then},
    {"a node does not give itself up", a_node_does_not_give_itself_up},
    {"a clock that is set on brings no starts together",
	a_clock_that_is_set_on_brings_no_starts_together},
    {0},
};
