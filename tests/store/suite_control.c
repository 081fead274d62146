/* What holds up starting at all: pause, drain, hold; and rates that were set. */
#include "fixture.h"

#include "util.h"

#include <string.h>

static void assert_stamp(struct stamp stamp, const char *who, int64_t at_ms)
{
	assert_string_equal(stamp.who, who);
	assert_true(stamp.at_ms == at_ms);
}

static void assert_pause(struct fixture *fx, enum pause pause, int64_t until_ms)
{
	struct control control = stats(fx).control;

	assert_string_equal(pause_name(control.pause), pause_name(pause));
	assert_true(control.pause_until_ms == until_ms);
}

static void a_new_store_is_free(struct fixture *fx)
{
	struct control control = stats(fx).control;

	assert_pause(fx, PAUSE_NONE, 0);
	assert_int_equal(control.hold_ms, 0);
	assert_int_equal(control.rate_ns, 0);
	assert_stamp(control.paused, "", 0);
	assert_stamp(control.rated, "", 0);
}

/* ---- pause and drain ---- */

static void nothing_starts_while_paused(struct fixture *fx)
{
	struct control control;
	struct store_op op;

	submit_batch(fx, PRIORITY_HIGH, 1);
	control = pause_all(fx, "uid:7", 0);
	assert_int_equal(control.pause, PAUSE_PAUSED);
	assert_stamp(control.paused, "uid:7", fx->utc_ms);
	for (int i = 0; i < 3; i++) {
		pass_ms(fx, HOUR_MS);
		op = claim(fx);
		assert_int_equal(op.claim.n, 0);
		assert_false(op.claim.idle);
		assert_true(op.claim.wake == CLOCK_NEVER);
	}
	submit_batch(fx, PRIORITY_HIGH, 11);
	control = resume_all(fx, "http", false);
	assert_int_equal(control.pause, PAUSE_NONE);
	assert_stamp(control.paused, "http", fx->utc_ms);
	claim_next(fx, 1);
	claim_next(fx, 11);
}

static void an_empty_line_is_idle_in_a_pause(struct fixture *fx)
{
	struct store_op op;

	pause_all(fx, "uid:7", fx->utc_ms + 5000);
	op = claim(fx);
	assert_true(op.claim.idle);
	assert_true(op.claim.wake == CLOCK_NEVER);
}

static void what_runs_goes_on(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_HIGH, 1);
	struct store_attempt attempt = claim_next(fx, 1);

	drain_all(fx, "uid:7");
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_OK);
	assert_status(fx, &it.uuid, INGESTION_COMPLETED);
}

static void a_pause_ends_by_itself(struct fixture *fx)
{
	struct store_op op;
	int64_t until_ms = fx->utc_ms + 7000;

	submit_batch(fx, PRIORITY_HIGH, 1);
	pause_all(fx, "uid:7", until_ms);
	op = claim(fx);
	assert_false(op.claim.idle);
	assert_true(op.claim.wake == fx->boot_ns + 7 * SECOND);
	pass_ms(fx, 6999);
	assert_pause(fx, PAUSE_PAUSED, until_ms);
	assert_true(claim_nothing(fx) == fx->boot_ns + MS);
	pass_ms(fx, 1);
	assert_pause(fx, PAUSE_NONE, 0);
	assert_stamp(stats(fx).control.paused, "uid:7", fx->utc_ms - 7000);
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	store_op_reset(&op);
}

static void a_pause_ends_while_nobody_is_there(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_HIGH, 1);
	pause_all(fx, "uid:7", fx->utc_ms + 7000);
	fx->utc_ms += 6999;
	fixture_reboot(fx, SECOND);
	assert_true(claim_nothing(fx) == SECOND + MS);
	fx->utc_ms += 1;
	fixture_reboot(fx, SECOND);
	assert_pause(fx, PAUSE_NONE, 0);
	claim_next(fx, 1);
}

static void a_pause_of_the_past_is_none(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_HIGH, 1);
	pause_all(fx, "uid:7", 0);
	assert_int_equal(pause_all(fx, "uid:8", fx->utc_ms).pause, PAUSE_NONE);
	assert_pause(fx, PAUSE_NONE, 0);
	claim_next(fx, 1);
}

/* Somebody sets the clock, or it was wrong since the machine has started. */
static void a_pause_goes_by_the_wall_clock(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_HIGH, 1);
	pause_all(fx, "uid:7", fx->utc_ms + HOUR_MS);
	assert_true(claim_nothing(fx) == fx->boot_ns + STORE_PAUSE_LOOK_MS * MS);
	fx->utc_ms += HOUR_MS - 1;
	assert_true(claim_nothing(fx) == fx->boot_ns + MS);
	fx->utc_ms += 1;
	assert_pause(fx, PAUSE_NONE, 0);
	claim_next(fx, 1);
}

static void a_pause_may_be_long(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_HIGH, 1);
	pause_all(fx, "uid:7", INT64_MAX);
	assert_true(claim_nothing(fx) == fx->boot_ns + STORE_PAUSE_LOOK_MS * MS);
	/* The year 9999 is later than the boot clock can tell. */
	pause_all(fx, "uid:7", 253402300799000);
	assert_true(claim_nothing(fx) == fx->boot_ns + STORE_PAUSE_LOOK_MS * MS);
}

static void a_pause_survives(struct fixture *fx)
{
	int64_t at_ms = fx->utc_ms;

	submit_batch(fx, PRIORITY_HIGH, 1);
	drain_all(fx, "token:ops");
	for (int i = 0; i < 2; i++) {
		fx->utc_ms += 1000;
		i ? fixture_reboot(fx, SECOND) : fixture_reopen(fx);
		assert_pause(fx, PAUSE_DRAINING, 0);
		assert_stamp(stats(fx).control.paused, "token:ops", at_ms);
		assert_true(claim_nothing(fx) == CLOCK_NEVER);
	}
}

static void pause_and_drain_replace_each_other(struct fixture *fx)
{
	int64_t until_ms = fx->utc_ms + 7000;

	pause_all(fx, "uid:1", until_ms);
	drain_all(fx, "uid:2");
	assert_pause(fx, PAUSE_DRAINING, 0);
	assert_string_equal(stats(fx).control.paused.who, "uid:2");
	pause_all(fx, "uid:3", until_ms);
	assert_pause(fx, PAUSE_PAUSED, until_ms);
	assert_string_equal(stats(fx).control.paused.who, "uid:3");
	resume_all(fx, "uid:4", false);
	assert_pause(fx, PAUSE_NONE, 0);
	drain_all(fx, "uid:5");
	resume_all(fx, "uid:6", false);
	assert_pause(fx, PAUSE_NONE, 0);
}

/* It waits in the line then, not for its time. */
static void what_is_due_comes_back_in_a_pause(struct fixture *fx)
{
	struct store_op op;

	submit_batch(fx, PRIORITY_HIGH, 1);
	pass_ms(fx, try_again(fx, claim_next(fx, 1)) - 1);
	pause_all(fx, "uid:7", 0);
	op = claim(fx);
	assert_true(op.claim.idle);
	assert_true(op.claim.wake == fx->boot_ns + MS);
	pass_ms(fx, 1);
	op = claim(fx);
	assert_int_equal(op.claim.n, 0);
	assert_false(op.claim.idle);
	assert_int_equal(stats(fx).lanes[0].later, 0);
	assert_int_equal(stats(fx).lanes[0].ids, 3);
}

/* ---- hold ---- */

static void assert_hold(struct fixture *fx, int64_t ms)
{
	assert_int_equal(stats(fx).control.hold_ms, ms);
}

static void a_hold_lasts_its_time(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_HIGH, 1);
	struct store_op op;

	submit_batch(fx, PRIORITY_LOW, 11);
	finish_with_hold(fx, claim_next(fx, 1), 30000);
	assert_batch(fx, &it.uuid, 0, "retrying 0 0 0");
	assert_hold(fx, 30000);
	op = claim(fx);
	assert_int_equal(op.claim.n, 0);
	assert_false(op.claim.idle);
	assert_true(op.claim.wake == fx->boot_ns + 30 * SECOND);
	pass_ms(fx, 29999);
	assert_hold(fx, 1);
	assert_true(claim_nothing(fx) == fx->boot_ns + MS);
	pass_ms(fx, 1);
	assert_hold(fx, 0);
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	assert_int_equal(op.claim.batches[0].attempt.attempt, 1);
	store_op_reset(&op);
}

static void a_hold_has_a_bound(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_HIGH, 1);
	finish_with_hold(fx, claim_next(fx, 1), HOUR_MS + 1);
	assert_hold(fx, HOUR_MS);
	resume_all(fx, "uid:1", true);
	finish_with_hold(fx, claim_next(fx, 1), INT64_MAX);
	assert_hold(fx, HOUR_MS);
}

static void the_longest_hold_counts(struct fixture *fx)
{
	struct store_attempt one, two, three;

	submit_range(fx, PRIORITY_HIGH, 1, 9, 3);
	one = claim_next(fx, 1);
	two = claim_next(fx, 4);
	three = claim_next(fx, 7);
	finish_with_hold(fx, one, 30000);
	pass_ms(fx, 10000);
	finish_with_hold(fx, two, 15000);
	assert_hold(fx, 20000);
	finish_with_hold(fx, three, 21000);
	assert_hold(fx, 21000);
}

static void a_hold_is_refused_with_its_attempt(struct fixture *fx)
{
	struct ending ending = {.outcome = OUTCOME_INTERRUPTED, .hold_ms = 30000};
	struct store_attempt attempt;

	submit_batch(fx, PRIORITY_HIGH, 1);
	attempt = claim_next(fx, 1);
	attempt.attempt++;
	assert_int_equal(try_finish(fx, attempt, &ending).fail.err, ERR_STALE_ATTEMPT);
	assert_hold(fx, 0);
}

static void a_hold_survives(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_HIGH, 1);
	finish_with_hold(fx, claim_next(fx, 1), 30000);
	pass_ms(fx, 5000);
	fixture_reopen(fx);
	assert_hold(fx, 25000);
	assert_true(claim_nothing(fx) == fx->boot_ns + 25 * SECOND);
	/* Setting the clock back does not make it longer. */
	fx->utc_ms -= HOUR_MS;
	assert_hold(fx, 25000);
	fixture_reopen(fx);
	assert_hold(fx, 25000);
	fx->utc_ms += 10000;
	fixture_reboot(fx, SECOND);
	assert_hold(fx, 15000);
	assert_true(claim_nothing(fx) == 16 * SECOND);
}

static void resume_may_end_a_hold(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_HIGH, 1);
	finish_with_hold(fx, claim_next(fx, 1), 30000);
	pause_all(fx, "uid:1", 0);
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
	assert_int_equal(resume_all(fx, "uid:1", false).hold_ms, 30000);
	assert_true(claim_nothing(fx) == fx->boot_ns + 30 * SECOND);
	assert_int_equal(resume_all(fx, "uid:1", true).hold_ms, 0);
	claim_next(fx, 1);
}

static void the_latest_of_all_counts(struct fixture *fx)
{
	submit_batch(fx, PRIORITY_HIGH, 1);
	finish_with_hold(fx, claim_next(fx, 1), 30000);
	pause_all(fx, "uid:1", fx->utc_ms + 20000);
	assert_true(claim_nothing(fx) == fx->boot_ns + 30 * SECOND);
	pause_all(fx, "uid:1", fx->utc_ms + 40000);
	assert_true(claim_nothing(fx) == fx->boot_ns + 40 * SECOND);
	resume_all(fx, "uid:1", true);
	pause_all(fx, "uid:1", fx->utc_ms + 1000);
	/* And the rate has its say. */
	assert_true(claim_nothing(fx) == fx->boot_ns + 5 * SECOND);
}

/* ---- rate ---- */

static void a_rate_applies_from_the_last_start(struct fixture *fx)
{
	struct control control;
	int64_t start;

	submit_range(fx, PRIORITY_HIGH, 1, 9, 3);
	claim_next(fx, 1);
	start = fx->boot_ns;
	assert_true(claim_nothing(fx) == start + 5 * SECOND);
	control = set_rate(fx, "uid:7", 2 * SECOND);
	assert_true(control.rate_ns == 2 * SECOND);
	assert_stamp(control.rated, "uid:7", fx->utc_ms);
	assert_true(claim_nothing(fx) == start + 2 * SECOND);
	set_rate(fx, "uid:7", 60 * SECOND);
	assert_true(claim_nothing(fx) == start + 60 * SECOND);
	control = set_rate(fx, "uid:8", 0);
	assert_int_equal(control.rate_ns, 0);
	assert_stamp(control.rated, "uid:8", fx->utc_ms);
	assert_true(claim_nothing(fx) == start + 5 * SECOND);
	assert_true(stats(fx).ledger.interval_ns == 5 * SECOND);
}

static void a_rate_survives(struct fixture *fx)
{
	int64_t at_ms = fx->utc_ms;

	submit_range(fx, PRIORITY_HIGH, 1, 9, 3);
	claim_next(fx, 1);
	set_rate(fx, "uid:7", 2 * SECOND);
	fx->settings.interval_ns = 9 * SECOND;
	fx->utc_ms += 1000;
	fixture_reopen(fx);
	assert_true(claim_nothing(fx) == fx->boot_ns + 2 * SECOND);
	fixture_reboot(fx, SECOND);
	assert_true(claim_nothing(fx) == 3 * SECOND);
	assert_true(stats(fx).ledger.interval_ns == 2 * SECOND);
	assert_true(stats(fx).control.rate_ns == 2 * SECOND);
	assert_stamp(stats(fx).control.rated, "uid:7", at_ms);
	set_rate(fx, "uid:7", 0);
	assert_true(claim_nothing(fx) == 10 * SECOND);
}

static void stamps_are_kept_apart(struct fixture *fx)
{
	struct control control;

	pause_all(fx, "uid:1", 0);
	fx->utc_ms += 1000;
	control = set_rate(fx, "uid:2", SECOND);
	assert_stamp(control.paused, "uid:1", fx->utc_ms - 1000);
	assert_stamp(control.rated, "uid:2", fx->utc_ms);
	assert_int_equal(control.pause, PAUSE_PAUSED);
	control = resume_all(fx, "uid:3", true);
	assert_stamp(control.paused, "uid:3", fx->utc_ms);
	assert_stamp(control.rated, "uid:2", fx->utc_ms);
	assert_true(control.rate_ns == SECOND);
}

static void rollback_sets_nothing(struct fixture *fx)
{
	struct store_attempt attempt;

	submit_range(fx, PRIORITY_HIGH, 1, 6, 3);
	attempt = claim_next(fx, 1);
	turn_begin(fx);
	pause_all(fx, "uid:1", 0);
	set_rate(fx, "uid:1", 60 * SECOND);
	finish_with_hold(fx, attempt, 30000);
	turn_rollback(fx);
	fx->rate_ns = 0;
	assert_pause(fx, PAUSE_NONE, 0);
	assert_hold(fx, 0);
	assert_stamp(stats(fx).control.paused, "", 0);
	assert_int_equal(stats(fx).control.rate_ns, 0);
	assert_true(stats(fx).ledger.interval_ns == 5 * SECOND);
	claim_next(fx, 4);
}

const struct suite_test suite_control[] = {
    {"nothing holds up a new store", a_new_store_is_free},
    {"nothing is started in a pause", nothing_starts_while_paused},
    {"an empty line is idle in a pause, too", an_empty_line_is_idle_in_a_pause},
    {"what runs goes on while draining", what_runs_goes_on},
    {"a pause ends by itself", a_pause_ends_by_itself},
    {"a pause ends by itself while the daemon is down", a_pause_ends_while_nobody_is_there},
    {"a pause until a time that has passed is none", a_pause_of_the_past_is_none},
    {"a pause goes by the wall clock, whoever sets it", a_pause_goes_by_the_wall_clock},
    {"a pause may be as long as it likes", a_pause_may_be_long},
    {"a pause survives restarts", a_pause_survives},
    {"pause and drain replace each other", pause_and_drain_replace_each_other},
    {"what is due comes back into line in a pause", what_is_due_comes_back_in_a_pause},
    {"a hold lasts as long as the other side wants", a_hold_lasts_its_time},
    {"a hold has a bound", a_hold_has_a_bound},
    {"the longest hold counts", the_longest_hold_counts},
    {"the hold of a refused outcome does not count", a_hold_is_refused_with_its_attempt},
    {"a hold survives restarts", a_hold_survives},
    {"resume ends a hold when it is asked to", resume_may_end_a_hold},
    {"the latest of pause, hold and slot counts", the_latest_of_all_counts},
    {"a rate applies from the last start", a_rate_applies_from_the_last_start},
    {"a rate survives restarts", a_rate_survives},
    {"who set what is kept apart", stamps_are_kept_apart},
    {"a rolled back turn sets nothing", rollback_sets_nothing},
    {0},
};
