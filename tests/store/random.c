/*
 * Random operations, on a store and on the oracle, which must give the same answers. SEED and STEPS
 * in the environment override what is done; the seed is printed.
 *
 * A store that nodes share goes by a clock that does not know of boots, does not wait for ever for
 * a start, and does not end the settle time when it is opened: with one of these the oracle is not
 * rebooted, hears of the start of each slot at once, and does not settle.
 */
#include "random.h"

#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define OPS_IN_TURN 4

/* ---- steps ---- */

static void random_turn(struct both *both)
{
	int64_t n = rng_range(&both->rng, 1, OPS_IN_TURN);
	bool commit = rng_chance(&both->rng, 85);

	for (int i = 0; i < 2; i++)
		turn_begin(both->fx[i]);
	while (n-- > 0)
		random_op(both);
	for (int i = 0; i < 2; i++)
		(commit ? turn_commit : turn_rollback)(both->fx[i]);
}

/* The wall clock is set only between two lives of the daemon: how old the moment is to which the
 * stores refer when they tell what will be is their own business. */
static void random_time(struct both *both)
{
	pass_ms(both->fx[0], rng_range(&both->rng, 0, 8000));
}

static void random_settings(struct both *both, struct store_settings *settings)
{
	settings->interval_ns = rng_range(&both->rng, 1, 9000) * MS;
	settings->settle_ns = rng_range(&both->rng, 0, both->shared ? 0 : 2000) * MS;
	settings->slot_ids = rng_range(&both->rng, 1, 9);
	settings->pack = rng_chance(&both->rng, 50);
	settings->key_expiry_ms = rng_range(&both->rng, 0, 300000);
	settings->upload_expiry_ms = rng_range(&both->rng, 1000, 300000);
	settings->max_uploads = rng_range(&both->rng, 1, 6);
	settings->max_upload_ids = rng_range(&both->rng, 100, 20000);
	settings->max_hold_ms = rng_range(&both->rng, 0, 15000);
	settings->notify = rng_chance(&both->rng, 70);
	settings->retry = (struct retry_policy){rng_range(&both->rng, 1, 5),
	    rng_range(&both->rng, 0, 20000), rng_range(&both->rng, 0, 60000)};
}

static void random_reopen(struct both *both)
{
	struct fixture *fx = both->fx[0];

	if (rng_chance(&both->rng, 30) && !both->shared) {
		/* What the stores know of the time is what was written last. */
		random_whole(both);
		fixture_set_boot(fx, atoi(fx->clock.boot_id) + 1);
		fx->boot_ns = rng_range(&both->rng, 0, 2000) * SECOND;
	}
	fx->utc_ms += rng_range(&both->rng, -30000, 30000);
	if (rng_chance(&both->rng, 30))
		random_settings(both, &fx->settings);
	both->fx[1]->settings = fx->settings;
	both->fx[1]->clock = fx->clock;
	for (int i = 0; i < 2; i++)
		fixture_reopen(both->fx[i]);
	same("open: waiting", both->fx[0]->found.waiting, both->fx[1]->found.waiting);
	same("open: later", both->fx[0]->found.later, both->fx[1]->found.later);
	same("open: interrupted", both->fx[0]->found.interrupted, both->fx[1]->found.interrupted);
}

static void compare_all(struct both *both)
{
	static const struct list_filter everything;
	static const struct report_filter every_id;

	for (size_t i = 0; i < both->n_uuids; i++) {
		struct store_op op = try_report(both->fx[0], &both->uuids[i], &every_id, 0, 1);

		compare_status(both, &both->uuids[i], 0, STORE_PAGE_BATCHES);
		if (!op.fail.err)
			compare_report(both, &both->uuids[i], &every_id, 5000);
		store_op_reset(&op);
	}
	compare_lists(both, &everything, 1000);
	compare_stats(both);
}

static void random_step(struct both *both)
{
	int64_t dice = rng_range(&both->rng, 0, 99);

	if (dice < 60)
		random_op(both);
	else if (dice < 75)
		random_turn(both);
	else if (dice < 97)
		random_time(both);
	else
		random_reopen(both);
}

/* ---- runs ---- */

static int64_t number_from(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoll(text, NULL, 10) : otherwise;
}

/* Whatever happened, the store is sound. */
static void check_store(struct fixture *fx)
{
	struct fail fail;

	fixture_close(fx);
	if (!fx->backend->check(fx, &fail))
		fail_msg("the store is not sound: %s", fail.text);
	fixture_open(fx);
}

void random_operations(struct fixture *other)
{
	static int runs;
	int64_t seed = number_from("SEED", (int64_t)time(NULL)) + runs++;
	int64_t steps = number_from("STEPS", other->backend->shared ? 2000 : 3000);
	struct fixture memory;
	struct both *both = xcalloc(1, sizeof(*both));

	print_message("# random operations: SEED=%" PRId64 " STEPS=%" PRId64 "\n", seed, steps);
	fixture_init(&memory, &backend_memory);
	both->fx[0] = &memory;
	both->fx[1] = other;
	both->shared = other->backend->shared;
	both->rng.state = (uint64_t)seed;
	both->quiet = seed % 2;
	memory.settings.key_expiry_ms = other->settings.key_expiry_ms = 200000;
	memory.settings.upload_expiry_ms = other->settings.upload_expiry_ms = 100000;
	memory.settings.notify = other->settings.notify = true;
	memory.settings.max_upload_ids = other->settings.max_upload_ids = 20000;
	/* One clock for both. */
	other->clock = memory.clock;
	fixture_open(&memory);
	fixture_reopen(other);
	for (int64_t i = 1; i <= steps; i++) {
		random_step(both);
		if (i % 500 == 0 || i == steps)
			compare_all(both);
	}
	check_store(other);
	fixture_free(&memory);
	idlist_free(&both->ids);
	free(both);
}
