#include "fixture.h"

#include "log.h"
#include "util.h"

#include <stdlib.h>

/*
 * INGESTD_TEST_POSTGRES is the URL of a server of PostgreSQL on which a database can be made;
 * without it that part is left out, and fails with CI=1. STORE_TESTS="postgres: *" chooses tests
 * by name; RANDOM_SEEDS is how many random runs PostgreSQL gets (1).
 */
struct test_case {
	const struct backend *backend;
	void (*run)(struct fixture *fx);
	struct fixture fx;
};

static const struct suite_test *const suites[] = {suite_submit, suite_claim, suite_slot,
    suite_attempt, suite_turn, suite_reopen, suite_page, suite_key, suite_upload, suite_open,
    suite_cancel, suite_sweep, suite_list, suite_stats, suite_retry, suite_outcome, suite_report,
    suite_output, suite_control, suite_cancel_sealed, suite_again, suite_bump, suite_notice};

static const struct suite_test random_suite[] = {
    {"random operations give the same answers as in memory, first seed", random_operations},
    {"random operations give the same answers as in memory, second seed", random_operations},
    {"random operations give the same answers as in memory, third seed", random_operations},
    {0},
};

static const struct suite_test random_shared_suite[] = {
    {"random operations give the same answers as in memory", random_operations},
    {0},
};

static int setup(void **state)
{
	struct test_case *test = *state;

	fixture_init(&test->fx, test->backend);
	return 0;
}

static int teardown(void **state)
{
	struct test_case *test = *state;

	fixture_free(&test->fx);
	return 0;
}

static void run(void **state)
{
	struct test_case *test = *state;

	fixture_open(&test->fx);
	test->run(&test->fx);
}

/* The array of all tests, as it grows. Lives until exit. */
static struct CMUnitTest *tests;
static size_t n_tests;

static void add(const struct backend *backend, const struct suite_test *suite)
{
	for (; suite->name; suite++) {
		struct test_case *test = xcalloc(1, sizeof(*test));

		test->backend = backend;
		test->run = suite->run;
		tests = xreallocarray(tests, n_tests + 1, sizeof(*tests));
		tests[n_tests++] = (struct CMUnitTest){
		    .name = xasprintf("%s: %s", backend->name, suite->name),
		    .test_func = run,
		    .setup_func = setup,
		    .teardown_func = teardown,
		    .initial_state = test,
		};
	}
}

static void needs_a_server(void **state)
{
	(void)state;
	if (getenv("CI"))
		fail_msg("INGESTD_TEST_POSTGRES is not set");
	skip();
}

static void add_postgres(void)
{
	int64_t seeds = getenv("RANDOM_SEEDS") ? strtoll(getenv("RANDOM_SEEDS"), NULL, 10) : 1;

	if (!postgres_prepare()) {
		tests = xreallocarray(tests, n_tests + 1, sizeof(*tests));
		tests[n_tests++] = (struct CMUnitTest){
		    .name = "postgres: INGESTD_TEST_POSTGRES names no server",
		    .test_func = needs_a_server,
		};
		return;
	}
	for (size_t i = 0; i < COUNT_OF(suites); i++)
		add(&backend_postgres, suites[i]);
	add(&backend_postgres, suite_postgres);
	while (seeds-- > 0)
		add(&backend_postgres, random_shared_suite);
}

int main(void)
{
	log_set_level(LOG_ERROR);
	if (getenv("STORE_TESTS"))
		cmocka_set_test_filter(getenv("STORE_TESTS"));
	for (size_t i = 0; i < COUNT_OF(suites); i++) {
		add(&backend_memory, suites[i]);
		add(&backend_sqlite, suites[i]);
	}
	add(&backend_memory, suite_memory);
	add(&backend_sqlite, suite_sqlite);
	add(&backend_sqlite, suite_sqlite_upload);
	add(&backend_sqlite, suite_sqlite_attempt);
	add(&backend_sqlite, suite_sqlite_check);
	add(&backend_sqlite, suite_sqlite_control);
	add(&backend_sqlite, suite_sqlite_whole);
	add(&backend_sqlite, random_suite);
	add_postgres();
	return _cmocka_run_group_tests("store", tests, n_tests, NULL, NULL);
}
