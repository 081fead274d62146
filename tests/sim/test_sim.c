#include "sim.h"

#include "log.h"
#include "util.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * ---- random runs ----
 *
 * SIM_SEEDS sets the number of runs of each kind. A failure prints its seed; SIM_SEED repeats that
 * one run, and with SIM_TRACE it tells what happens.
 */

static const struct profile profiles[] = {
    {"calm runs", .runs = 300},
    {"late ticks and slow commits", .runs = 400, .slow_commits = 30, .late = 30, .settle = true},
    {"several places", .runs = 300, .slow_commits = 10, .late = 20, .parallel = true},
    {"packed slots", .runs = 300, .slow_commits = 10, .late = 20, .pack = true, .parallel = true},
    {"failing batches", .runs = 200, .slow_commits = 10, .late = 20, .failures = true},
    {"retries", .runs = 400, .slow_commits = 10, .late = 20, .retries = true, .settle = true},
    {"retries in packed slots and several places", .runs = 400, .slow_commits = 10, .late = 20,
	.retries = true, .pack = true, .parallel = true, .settle = true},
    {"retries and crashes", .runs = 400, .slow_commits = 20, .late = 10, .crashes = 5,
	.retries = true, .parallel = true},
    {"10000 cancels that race with ends", .runs = 2500, .slow_commits = 20, .late = 20,
	.cancels = true, .retries = true, .parallel = true},
    {"wishes", .runs = 600, .slow_commits = 10, .late = 10, .retries = true, .wishes = 12,
	.holds = true, .parallel = true},
    {"wishes and crashes", .runs = 600, .slow_commits = 20, .late = 20, .crashes = 4, .reboots = 30,
	.stops = 2, .retries = true, .wishes = 12, .holds = true, .pack = true, .settle = true,
	.parallel = true},
    {"crashes", .runs = 400, .slow_commits = 20, .late = 10, .crashes = 4, .parallel = true},
    {"crashes and new boots", .runs = 300, .slow_commits = 20, .late = 10, .crashes = 4,
	.reboots = 60, .settle = true},
    {"orderly stops", .runs = 300, .slow_commits = 20, .late = 10, .stops = 3, .parallel = true},
    {"full disks", .runs = 400, .slow_commits = 10, .late = 10, .full = 20, .parallel = true,
	.failures = true},
    {"unknown outcomes", .runs = 200, .slow_commits = 10, .late = 10, .unknown = 50},
    {"a store that goes away", .runs = 600, .slow_commits = 10, .late = 10, .away = 30, .stops = 2,
	.retries = true, .wishes = 6, .holds = true, .pack = true, .settle = true,
	.parallel = true},
    {"everything at once", .runs = 800, .slow_commits = 20, .late = 20, .crashes = 3, .reboots = 30,
	.stops = 2, .full = 5, .unknown = 10, .pack = true, .settle = true, .failures = true,
	.retries = true, .wishes = 6, .holds = true, .parallel = true},
};

static const struct profile sqlite_profile = {"everything at once", .runs = 50, .slow_commits = 20,
    .late = 20, .crashes = 3, .reboots = 30, .stops = 2, .pack = true, .settle = true,
    .failures = true, .retries = true, .wishes = 8, .holds = true, .parallel = true};

/* The world of the test that runs. */
static struct world *current;

static struct world *new_world(const struct profile *profile, int64_t seed, bool sqlite)
{
	return current = world_new(profile, seed, sqlite);
}

static void free_world(struct world *world)
{
	current = NULL;
	world_free(world);
}

/* A test that fails leaves its world behind; its files must not stay. */
static int teardown(void **state)
{
	(void)state;
	if (current)
		world_remove_files(current);
	current = NULL;
	return 0;
}

static int64_t number_from(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoll(text, NULL, 10) : otherwise;
}

static void run_seeds(const struct profile *profile, bool sqlite)
{
	int64_t runs = number_from("SIM_SEEDS", profile->runs);
	int64_t seed = number_from("SIM_SEED", 1);
	int64_t cancels = 0;

	if (getenv("SIM_SEED"))
		runs = 1;
	for (; runs > 0; runs--, seed++) {
		struct world *world = new_world(profile, seed, sqlite);

		world_randomize(world);
		world_run(world);
		cancels += world->cancels;
		free_world(world);
	}
	if (profile->cancels && !getenv("SIM_SEED") && !getenv("SIM_SEEDS"))
		assert_in_range(cancels, 10000, INT64_MAX);
}

static void memory_runs(void **state)
{
	run_seeds(*state, false);
}

static void sqlite_runs(void **state)
{
	run_seeds(*state, true);
}

/* ---- scripts: nothing is random, every start is known ---- */

static const struct profile quiet = {.name = "script", .script = true};

struct expected {
	int64_t ms; /* after the beginning */
	int64_t first_id;
};

static void check_starts(const struct world *world, const struct expected *expected, int n)
{
	require(world, world->n_starts == n, "%d starts instead of %d", world->n_starts, n);
	for (int i = 0; i < n; i++) {
		int64_t ms = (world->starts[i].at - 1000 * SECOND) / MS;

		require(world, world->starts[i].first_id == expected[i].first_id,
		    "start %d is of %" PRId64, i, world->starts[i].first_id);
		require(world, ms == expected[i].ms, "start %d at %" PRId64 " ms", i, ms);
	}
}

#define CHECK_STARTS(world, ...)                                                                   \
	do {                                                                                       \
		const struct expected list[] = {__VA_ARGS__};                                      \
		check_starts(world, list, (int)COUNT_OF(list));                                    \
	} while (0)

/* Ids first..last at `ms`. */
static void client(
    struct world *world, int64_t ms, enum priority priority, int64_t first, int64_t last)
{
	int64_t ids[MAX_IDS];
	size_t n = 0;

	for (int64_t id = first; id <= last; id++)
		ids[n++] = id;
	world_client(world, world->now + ms * MS, priority, ids, n);
}

static struct world *script(void)
{
	return new_world(&quiet, 1, false);
}

static void overtakes(void **state)
{
	struct world *world = script();

	(void)state;
	client(world, 0, PRIORITY_MEDIUM, 1, 5);
	client(world, 1000, PRIORITY_HIGH, 6, 9);
	world_run(world);
	CHECK_STARTS(world, {0, 1}, {5000, 6}, {10000, 9}, {15000, 4});
	free_world(world);
}

static void settles(void **state)
{
	struct world *world = script();

	(void)state;
	world->settings.settle_ns = 300 * MS;
	client(world, 0, PRIORITY_MEDIUM, 1, 5);
	client(world, 299, PRIORITY_HIGH, 6, 9);
	client(world, 60000, PRIORITY_LOW, 11, 11);
	world_run(world);
	CHECK_STARTS(world, {300, 6}, {5300, 9}, {10300, 1}, {15300, 4}, {60300, 11});
	free_world(world);
}

static void packs(void **state)
{
	struct world *world = script();

	(void)state;
	world->settings.pack = true;
	client(world, 0, PRIORITY_MEDIUM, 1, 5);
	client(world, 1000, PRIORITY_HIGH, 6, 9);
	world_run(world);
	CHECK_STARTS(world, {0, 1}, {5000, 6}, {10000, 9}, {10000, 4});
	free_world(world);
}

static void never_drifts(void **state)
{
	struct world *world = script();

	(void)state;
	for (int i = 0; i < 20; i++)
		client(world, 0, PRIORITY_MEDIUM, 20 * i + 1, 20 * i + 20);
	world_run(world);
	require(world, world->n_starts == 140, "%d starts", world->n_starts);
	for (int i = 0; i < world->n_starts; i++)
		require(world, world->starts[i].at == (1000 + 5 * i) * SECOND, "start %d", i);
	free_world(world);
}

static void waits_for_a_place(void **state)
{
	struct world *world = script();

	(void)state;
	world->run_ns = 7 * SECOND;
	client(world, 0, PRIORITY_MEDIUM, 1, 9);
	world_run(world);
	CHECK_STARTS(world, {0, 1}, {7000, 4}, {14000, 7});
	free_world(world);
}

static void uses_all_places(void **state)
{
	struct world *world = script();

	(void)state;
	world->run_ns = 12 * SECOND;
	world->concurrency = 2;
	client(world, 0, PRIORITY_MEDIUM, 1, 12);
	world_run(world);
	CHECK_STARTS(world, {0, 1}, {5000, 4}, {12000, 7}, {17000, 10});
	free_world(world);
}

static void idles(void **state)
{
	struct world *world = script();

	(void)state;
	client(world, 0, PRIORITY_MEDIUM, 1, 1);
	client(world, 3600000, PRIORITY_MEDIUM, 2, 2);
	client(world, 3601000, PRIORITY_MEDIUM, 3, 3);
	world_run(world);
	CHECK_STARTS(world, {0, 1}, {3600000, 2}, {3605000, 3});
	free_world(world);
}

static void choice_is_made_at_the_slot(void **state)
{
	struct world *world = script();

	(void)state;
	client(world, 0, PRIORITY_LOW, 1, 6);
	client(world, 4999, PRIORITY_HIGH, 11, 11);
	world_run(world);
	CHECK_STARTS(world, {0, 1}, {5000, 11}, {10000, 4});
	free_world(world);
}

static void retries_what_is_left(void **state)
{
	struct world *world = script();
	int64_t due;

	(void)state;
	world->retry_id = 2;
	/* Due after the last slot, and before or after its successor. */
	world->settings.retry.base_ms = world->settings.retry.max_ms = 22000;
	client(world, 0, PRIORITY_MEDIUM, 1, 9);
	due = retry_delay_ms(&world->settings.retry, &world->clients[0].op.op.submit.uuid, 0, 1);
	world_run(world);
	CHECK_STARTS(world, {0, 1}, {5000, 4}, {10000, 7}, {due > 15000 ? due : 15000, 2});
	require(world, world->starts[3].ids == 1, "only what is left is tried again");
	free_world(world);
}

static void backoff_blocks_nobody(void **state)
{
	struct world *world = script();

	(void)state;
	world->retry_id = 3;
	world->settings.retry.base_ms = world->settings.retry.max_ms = 9999;
	client(world, 0, PRIORITY_HIGH, 1, 3);
	client(world, 0, PRIORITY_LOW, 11, 19);
	world_run(world);
	CHECK_STARTS(world, {0, 1}, {5000, 11}, {10000, 3}, {15000, 14}, {20000, 17});
	free_world(world);
}

/* ---- all of them ---- */

static const struct CMUnitTest scripts[] = {
    {.name = "sim: a HIGH list overtakes the rest of a MEDIUM one", .test_func = overtakes},
    {.name = "sim: what comes within the settle time is ordered by priority", .test_func = settles},
    {.name = "sim: small batches are packed into a slot", .test_func = packs},
    {.name = "sim: 140 batches start every 5 s, exactly", .test_func = never_drifts},
    {.name = "sim: a slot waits for a place", .test_func = waits_for_a_place},
    {.name = "sim: two places are used", .test_func = uses_all_places},
    {.name = "sim: idle time earns nothing and costs nothing", .test_func = idles},
    {.name = "sim: only what is left is tried again, when it is due",
	.test_func = retries_what_is_left},
    {.name = "sim: a batch in backoff blocks nobody and comes back to its old place",
	.test_func = backoff_blocks_nobody},
    {.name = "sim: the choice is made when the slot comes",
	.test_func = choice_is_made_at_the_slot},
};

int main(void)
{
	struct CMUnitTest tests[COUNT_OF(scripts) + COUNT_OF(profiles) + 1];
	char *names[COUNT_OF(profiles)];
	size_t n = 0;
	int failed;

	/* What the engine logs is expected here. */
	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < COUNT_OF(scripts); i++)
		tests[n++] = scripts[i];
	for (size_t i = 0; i < COUNT_OF(profiles); i++) {
		names[i] = xasprintf("sim: %s", profiles[i].name);
		tests[n++] = (struct CMUnitTest){
		    .name = names[i],
		    .test_func = memory_runs,
		    .teardown_func = teardown,
		    .initial_state = (void *)(uintptr_t)&profiles[i],
		};
	}
	tests[n++] = (struct CMUnitTest){
	    .name = "sim: everything at once, on SQLite",
	    .test_func = sqlite_runs,
	    .teardown_func = teardown,
	    .initial_state = (void *)(uintptr_t)&sqlite_profile,
	};
	failed = _cmocka_run_group_tests("sim", tests, n, NULL, NULL);
	for (size_t i = 0; i < COUNT_OF(profiles); i++)
		free(names[i]);
	return failed;
}
