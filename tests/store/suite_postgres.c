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

const struct suite_test suite_postgres[] = {
    {"a read that failed does not make others fail", a_read_that_failed_does_not_make_others_fail},
    {0},
};
