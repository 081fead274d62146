/* What time makes due. Keys: suite_key.c. */
#include "fixture.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

#define FIRST 11000000000000 /* id at the first place */

static void nothing_is_due(struct fixture *fx)
{
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	submit_batch(fx, PRIORITY_LOW, 1);
	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
}

/* Sweeps and expects that this upload is cancelled and nothing else is to come. */
static void assert_expires(struct fixture *fx, const struct uuid *uuid)
{
	struct uuid cancelled[SWEPT_MAX];
	size_t n;

	assert_int_equal(sweep(fx, cancelled, &n), -1);
	assert_int_equal(n, 1);
	assert_memory_equal(&cancelled[0], uuid, sizeof(*uuid));
}

static void uploads_expire(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, KEY("k"));
	struct ingestion it;
	size_t n;

	append(fx, &uuid, FIRST, 0, 3000);
	assert_int_equal(sweep(fx, NULL, &n), HOUR_MS);
	pass_ms(fx, HOUR_MS - 1);
	assert_int_equal(sweep(fx, NULL, &n), 1);
	assert_int_equal(n, 0);
	pass_ms(fx, 1);
	assert_expires(fx, &uuid);
	it = look_at(fx, &uuid);
	assert_int_equal(it.stage, STAGE_CANCELLED);
	assert_int_equal(it.version, 3);
	assert_int_equal(it.counts.ids, 3000);
	assert_int_equal(it.counts.batches, 0);
	assert_int_equal(it.seq, 0);
	assert_true(it.finished_ms == fx->utc_ms);
	assert_int_equal(stats(fx).uploads, 0);
	assert_int_equal(stats(fx).upload_ids, 0);
	assert_int_equal(try_append(fx, &uuid, 3000, 1, 1).fail.err, ERR_WRONG_STATE);
	open_upload(fx, KEY("k"));
}

static void empty_uploads_expire(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	pass_ms(fx, HOUR_MS);
	assert_expires(fx, &uuid);
	assert_int_equal(look_at(fx, &uuid).version, 2);
}

static void parts_put_it_off(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	for (int i = 0; i < 3; i++) {
		pass_ms(fx, HOUR_MS - 1000);
		append(fx, &uuid, FIRST, i, 1);
		assert_int_equal(sweep(fx, NULL, NULL), HOUR_MS);
	}
	/* One that adds nothing is a sign of life, too. */
	pass_ms(fx, HOUR_MS - 1000);
	append(fx, &uuid, FIRST, 0, 3);
	assert_int_equal(sweep(fx, NULL, NULL), HOUR_MS);
	assert_int_equal(version_of(fx, &uuid), 4);
	pass_ms(fx, HOUR_MS);
	assert_expires(fx, &uuid);
}

static void looking_does_not_put_it_off(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, KEY("k"));

	pass_ms(fx, HOUR_MS - 1000);
	assert_true(try_open(fx, KEY("k"), PRIORITY_LOW, "").open.replayed);
	look_at(fx, &uuid);
	assert_int_equal(sweep(fx, NULL, NULL), 1000);
}

static void late_parts_are_taken(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	struct submitted it;

	append(fx, &uuid, FIRST, 0, 100);
	pass_ms(fx, 5 * HOUR_MS);
	assert_int_equal(append(fx, &uuid, FIRST, 100, 100), 200);
	assert_int_equal(sweep(fx, NULL, NULL), HOUR_MS);
	pass_ms(fx, 5 * HOUR_MS);
	it = seal(fx, &uuid);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	check_pages(fx, &it, FIRST, 200);
}

static void sealed_ones_do_not_expire(struct fixture *fx)
{
	struct submitted it = upload(fx, KEY("k"), FIRST, 3000, 1000);

	assert_int_equal(sweep(fx, NULL, NULL), -1);
	pass_ms(fx, 1000 * HOUR_MS);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	check_pages(fx, &it, FIRST, 3000);
}

static void expire_in_order(struct fixture *fx)
{
	struct uuid a = open_upload(fx, NO_KEY), b, c, cancelled[SWEPT_MAX];
	size_t n;

	pass_ms(fx, 1000);
	b = open_upload(fx, NO_KEY);
	pass_ms(fx, 1000);
	c = open_upload(fx, NO_KEY);
	pass_ms(fx, 1000);
	append(fx, &a, FIRST, 0, 1);
	assert_int_equal(sweep(fx, NULL, NULL), HOUR_MS - 2000);
	pass_ms(fx, HOUR_MS - 1500);
	assert_int_equal(sweep(fx, cancelled, &n), 500);
	assert_int_equal(n, 1);
	assert_memory_equal(&cancelled[0], &b, sizeof(b));
	pass_ms(fx, HOUR_MS);
	assert_int_equal(sweep(fx, cancelled, &n), -1);
	assert_int_equal(n, 2);
	assert_memory_equal(&cancelled[0], &c, sizeof(c));
	assert_memory_equal(&cancelled[1], &a, sizeof(a));
}

/* Many at once take several sweeps, each of them short. */
static void does_a_little_at_a_time(struct fixture *fx)
{
	enum { COUNT = 200 };
	struct store_op op = {.verb = STORE_SWEEP};
	struct uuid uuids[COUNT];
	int sweeps = 0;
	size_t n = 0;

	fx->settings.max_uploads = COUNT;
	fixture_reopen(fx);
	for (int i = 0; i < COUNT; i++) {
		uuids[i] = open_upload(fx, NO_KEY);
		append(fx, &uuids[i], FIRST, 0, 5);
		pass_ms(fx, 1);
	}
	pass_ms(fx, HOUR_MS);
	do {
		do_op(fx, &op);
		assert_true(op.sweep.n <= STORE_SWEEP_STEPS);
		for (size_t i = 0; i < op.sweep.n; i++, n++)
			assert_memory_equal(&op.sweep.cancelled[i], &uuids[n], sizeof(struct uuid));
		sweeps++;
		assert_int_equal(stats(fx).uploads, COUNT - n);
	} while (op.sweep.next_ms == 0 && sweeps < 100);
	assert_int_equal(op.sweep.next_ms, -1);
	assert_int_equal(n, COUNT);
	assert_true(sweeps >= COUNT / STORE_SWEEP_STEPS);
	store_op_reset(&op);
}

static void long_lists_go_in_parts(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	append(fx, &uuid, FIRST, 0, 200000);
	pass_ms(fx, HOUR_MS);
	assert_expires(fx, &uuid);
	assert_int_equal(look_at(fx, &uuid).counts.ids, 200000);
}

static void goes_on_after_reopen(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	struct store_op op = {.verb = STORE_SWEEP};

	append(fx, &uuid, FIRST, 0, 200000);
	try_cancel(fx, &uuid);
	do_op(fx, &op);
	store_op_reset(&op);
	fixture_reopen(fx);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	fixture_reboot(fx, SECOND);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
}

static void rollback_cancels_nothing(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, KEY("k"));
	struct submitted it;
	size_t n;

	append(fx, &uuid, FIRST, 0, 3000);
	pass_ms(fx, HOUR_MS);
	turn_begin(fx);
	assert_int_equal(sweep(fx, NULL, &n), -1);
	assert_int_equal(n, 1);
	turn_rollback(fx);
	assert_int_equal(stats(fx).uploads, 1);
	assert_int_equal(look_at(fx, &uuid).version, 2);
	it = seal(fx, &uuid);
	check_pages(fx, &it, FIRST, 3000);
}

static void frees_the_limits(struct fixture *fx)
{
	struct uuid uuid;

	fx->settings.max_uploads = 1;
	fx->settings.max_upload_ids = 100;
	fixture_reopen(fx);
	uuid = open_upload(fx, NO_KEY);
	append(fx, &uuid, FIRST, 0, 100);
	pass_ms(fx, HOUR_MS);
	sweep(fx, NULL, NULL);
	uuid = open_upload(fx, NO_KEY);
	append(fx, &uuid, FIRST, 0, 100);
}

/* ---- the time of expiries ---- */

static void the_wall_clock_does_not_matter(struct fixture *fx)
{
	open_upload(fx, NO_KEY);
	fx->utc_ms += 5000 * HOUR_MS;
	assert_int_equal(sweep(fx, NULL, NULL), HOUR_MS);
	fixture_reopen(fx);
	assert_int_equal(sweep(fx, NULL, NULL), HOUR_MS);
	fx->utc_ms -= 9000 * HOUR_MS;
	fixture_reopen(fx);
	fx->boot_ns += 1000 * MS;
	assert_int_equal(sweep(fx, NULL, NULL), HOUR_MS - 1000);
}

static void counts_over_reboots(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	pass_ms(fx, HOUR_MS / 2);
	submit_batch(fx, PRIORITY_LOW, 1);
	fx->utc_ms += 1000;
	fixture_reboot(fx, SECOND);
	assert_int_equal(sweep(fx, NULL, NULL), HOUR_MS / 2 - 1000);
	/* A clock that was set back is no time at all. */
	fx->utc_ms -= 700 * HOUR_MS;
	fixture_reboot(fx, 9000 * SECOND);
	assert_int_equal(sweep(fx, NULL, NULL), HOUR_MS / 2 - 1000);
	pass_ms(fx, HOUR_MS / 2 - 1000);
	assert_expires(fx, &uuid);
}

static void time_never_goes_back(struct fixture *fx)
{
	int64_t left = HOUR_MS;

	open_upload(fx, NO_KEY);
	for (int i = 0; i < 20; i++) {
		int64_t next;

		pass_ms(fx, 1000);
		submit_batch(fx, PRIORITY_LOW, 1);
		fx->utc_ms += i % 3 == 0 ? 2000 : -100000;
		if (i % 2 == 0)
			fixture_reboot(fx, (20 - i) * SECOND);
		else
			fixture_reopen(fx);
		next = sweep(fx, NULL, NULL);
		assert_true(next < left);
		left = next;
	}
}

static void the_machine_may_be_off(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	append(fx, &uuid, FIRST, 0, 10);
	fx->utc_ms += HOUR_MS;
	fixture_reboot(fx, SECOND);
	assert_expires(fx, &uuid);
}

static void another_expiry_is_for_later_parts(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	fx->settings.upload_expiry_ms = 10 * HOUR_MS;
	fixture_reopen(fx);
	assert_int_equal(sweep(fx, NULL, NULL), HOUR_MS);
	append(fx, &uuid, FIRST, 0, 1);
	assert_int_equal(sweep(fx, NULL, NULL), 10 * HOUR_MS);
}

const struct suite_test suite_sweep[] = {
    {"without uploads and keys nothing is due", nothing_is_due},
    {"an upload expires an hour after its last part", uploads_expire},
    {"an upload without ids expires", empty_uploads_expire},
    {"each part puts the expiry off", parts_put_it_off},
    {"to look at an upload does not put its expiry off", looking_does_not_put_it_off},
    {"parts and seals that come late are taken", late_parts_are_taken},
    {"sealed uploads do not expire", sealed_ones_do_not_expire},
    {"uploads expire in order", expire_in_order},
    {"a sweep does a little at a time", does_a_little_at_a_time},
    {"the ids of a long list are removed", long_lists_go_in_parts},
    {"a sweep goes on after a reopen", goes_on_after_reopen},
    {"a rolled back sweep cancels nothing", rollback_cancels_nothing},
    {"what has expired counts for no limit", frees_the_limits},
    {"the wall clock does not matter while the machine is up", the_wall_clock_does_not_matter},
    {"expiries count over reboots", counts_over_reboots},
    {"time never goes back", time_never_goes_back},
    {"time passes while the machine is off", the_machine_may_be_off},
    {"another expiry is for what comes later", another_expiry_is_for_later_parts},
    {0},
};
