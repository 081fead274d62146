#include "ledger.h"

#include "unit.h"
#include "util.h"

/* A ledger with an interval of 5000 and a settle time of 300. */
static struct ledger new_ledger(void)
{
	struct ledger ledger = LEDGER_NEW;

	ledger.interval_ns = 5000;
	ledger.settle_ns = 300;
	return ledger;
}

/* A batch was claimed and started. */
static struct ledger started_ledger(int64_t claim, int64_t start)
{
	struct ledger ledger = new_ledger();

	ledger_claimed(&ledger, claim);
	ledger_started(&ledger, start);
	return ledger;
}

static void the_first_slot_is_open(void **state)
{
	struct ledger ledger = new_ledger();

	(void)state;
	assert_true(ledger_next_slot(&ledger) <= 0);
}

static void the_next_slot_is_an_interval_behind_the_start(void **state)
{
	struct ledger ledger = started_ledger(1000, 1000);

	(void)state;
	assert_int_equal(ledger_next_slot(&ledger), 6000);
}

static void the_actual_start_counts_and_not_the_claim(void **state)
{
	struct ledger ledger = started_ledger(1000, 1700);

	(void)state;
	assert_int_equal(ledger_next_slot(&ledger), 6700);
}

static void a_late_start_moves_all_later_slots(void **state)
{
	struct ledger ledger = started_ledger(1000, 1000);

	(void)state;
	ledger_claimed(&ledger, 8000);
	ledger_started(&ledger, 8100);
	assert_int_equal(ledger_next_slot(&ledger), 13100);
}

static void there_is_no_slot_before_the_start_is_known(void **state)
{
	struct ledger ledger = started_ledger(1000, 1000);

	(void)state;
	ledger_claimed(&ledger, 6000);
	assert_int_equal(ledger_next_slot(&ledger), CLOCK_NEVER);
	ledger_ready(&ledger, 7000);
	assert_int_equal(ledger_next_slot(&ledger), CLOCK_NEVER);
	ledger_started(&ledger, 6001);
	ledger_idle(&ledger);
	assert_int_equal(ledger_next_slot(&ledger), 11001);
}

static void a_start_that_is_told_again_later_says_nothing_of_the_next_slot(void **state)
{
	struct ledger ledger = started_ledger(1000, 1000);

	(void)state;
	ledger_claimed(&ledger, 6000);
	ledger_started(&ledger, 1000);
	assert_int_equal(ledger_next_slot(&ledger), CLOCK_NEVER);
	ledger_started(&ledger, 6000);
	ledger_started(&ledger, 1000);
	assert_int_equal(ledger_next_slot(&ledger), 11000);
}

static void idle_time_earns_nothing(void **state)
{
	struct ledger ledger = started_ledger(1000, 1000);

	(void)state;
	ledger_idle(&ledger);
	ledger_claimed(&ledger, 1000000);
	ledger_started(&ledger, 1000000);
	assert_int_equal(ledger_next_slot(&ledger), 1005000);
}

static void a_new_interval_counts_from_the_last_start(void **state)
{
	struct ledger ledger = started_ledger(1000, 1000);

	(void)state;
	ledger.interval_ns = 200;
	assert_int_equal(ledger_next_slot(&ledger), 1200);
	ledger.interval_ns = 90000;
	assert_int_equal(ledger_next_slot(&ledger), 91000);
}

static void the_end_of_idleness_waits_to_settle(void **state)
{
	struct ledger ledger = new_ledger();

	(void)state;
	ledger_ready(&ledger, 4000);
	assert_int_equal(ledger_next_slot(&ledger), 4300);
}

static void the_later_of_settle_and_interval_counts(void **state)
{
	struct ledger ledger = started_ledger(1000, 1000);

	(void)state;
	ledger_ready(&ledger, 5600);
	assert_int_equal(ledger_next_slot(&ledger), 6000);
	ledger_ready(&ledger, 5701);
	assert_int_equal(ledger_next_slot(&ledger), 6001);
}

static void without_idleness_nothing_settles(void **state)
{
	struct ledger ledger = started_ledger(1000, 1000);

	(void)state;
	ledger_ready(&ledger, 9000);
	ledger_idle(&ledger);
	assert_int_equal(ledger_next_slot(&ledger), 6000);
}

static void a_settle_time_of_zero_is_no_wait(void **state)
{
	struct ledger ledger = new_ledger();

	(void)state;
	ledger.settle_ns = 0;
	ledger_ready(&ledger, 4000);
	assert_int_equal(ledger_next_slot(&ledger), 4000);
}

static void slots_beyond_all_time_are_never(void **state)
{
	struct ledger ledger = started_ledger(1000, INT64_MAX - 10);

	(void)state;
	assert_int_equal(ledger_next_slot(&ledger), CLOCK_NEVER);
	ledger = new_ledger();
	ledger_ready(&ledger, INT64_MAX - 10);
	assert_int_equal(ledger_next_slot(&ledger), CLOCK_NEVER);
}

/* ---- start-up ---- */

static void a_restart_in_the_same_boot_goes_on_exactly(void **state)
{
	struct ledger ledger = started_ledger(1000, 1200);

	(void)state;
	ledger_recover(&ledger, true, 3000);
	assert_int_equal(ledger.last_claim, 1000);
	assert_int_equal(ledger_next_slot(&ledger), 6200);
}

static void a_long_stop_in_the_same_boot_is_over(void **state)
{
	struct ledger ledger = started_ledger(1000, 1200);

	(void)state;
	ledger_recover(&ledger, true, 900000);
	assert_int_equal(ledger_next_slot(&ledger), 6200);
}

static void a_new_boot_waits_a_full_interval(void **state)
{
	struct ledger ledger = started_ledger(1000, 1200);

	(void)state;
	ledger_recover(&ledger, false, 700);
	assert_int_equal(ledger_next_slot(&ledger), 5700);
	ledger = started_ledger(1000, 1200);
	ledger_recover(&ledger, false, 800000);
	assert_int_equal(ledger_next_slot(&ledger), 805000);
}

static void an_unknown_start_waits_a_full_interval(void **state)
{
	struct ledger ledger = started_ledger(1000, 1000);

	(void)state;
	ledger_claimed(&ledger, 6000);
	ledger_recover(&ledger, true, 6100);
	assert_int_equal(ledger_next_slot(&ledger), 11100);
}

static void a_start_in_the_future_waits_a_full_interval(void **state)
{
	struct ledger ledger = started_ledger(1000, 900000);

	(void)state;
	ledger_recover(&ledger, true, 2000);
	assert_int_equal(ledger_next_slot(&ledger), 7000);
}

static void a_start_right_now_goes_on(void **state)
{
	struct ledger ledger = started_ledger(1000, 2000);

	(void)state;
	ledger_recover(&ledger, true, 2000);
	assert_int_equal(ledger_next_slot(&ledger), 7000);
	assert_int_equal(ledger.last_claim, 1000);
}

static void a_ledger_that_saw_nothing_does_not_wait(void **state)
{
	struct ledger ledger = new_ledger();

	(void)state;
	ledger_recover(&ledger, false, 2000);
	assert_true(ledger_next_slot(&ledger) <= 2000);
	ledger_recover(&ledger, true, 2000);
	assert_true(ledger_next_slot(&ledger) <= 2000);
}

static void a_backlog_found_at_start_does_not_settle(void **state)
{
	struct ledger ledger = started_ledger(1000, 1200);

	(void)state;
	ledger_ready(&ledger, 100000);
	ledger_recover(&ledger, true, 100001);
	assert_int_equal(ledger_next_slot(&ledger), 6200);
}

static void waiting_again_after_another_restart(void **state)
{
	struct ledger ledger = started_ledger(1000, 1200);

	(void)state;
	ledger_recover(&ledger, false, 700);
	ledger_recover(&ledger, true, 800);
	assert_int_equal(ledger_next_slot(&ledger), 5700);
}

/*
 * The promise: whatever happens in whatever order, and with whatever is lost in a crash, two starts
 * within a boot are never closer than the interval that was in force.
 */
static void starts_never_come_closer_than_the_interval(void **state)
{
	uint64_t seed = 9;

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct ledger ledger = new_ledger();
		int64_t now = 0, last = INT64_MIN / 2;

		for (int step = 0; step < 200; step++) {
			now += (int64_t)(next_random(&seed) % 3000);
			switch (next_random(&seed) % 6) {
			case 0:
				ledger_ready(&ledger, now);
				break;
			case 1:
				ledger_idle(&ledger);
				break;
			case 2:
				ledger_recover(&ledger, true, now);
				break;
			default:
				if (now < ledger_next_slot(&ledger))
					break;
				ledger_claimed(&ledger, now);
				now += (int64_t)(next_random(&seed) % 500);
				assert_true(now - last >= ledger.interval_ns);
				last = now;
				/* Or the daemon is killed before the start is on disk. */
				if (next_random(&seed) % 4)
					ledger_started(&ledger, now);
				else
					ledger_recover(&ledger, true, now + 1);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_first_slot_is_open),
	    TEST(the_next_slot_is_an_interval_behind_the_start),
	    TEST(the_actual_start_counts_and_not_the_claim),
	    TEST(a_late_start_moves_all_later_slots),
	    TEST(there_is_no_slot_before_the_start_is_known),
	    TEST(a_start_that_is_told_again_later_says_nothing_of_the_next_slot),
	    TEST(idle_time_earns_nothing),
	    TEST(a_new_interval_counts_from_the_last_start),
	    TEST(the_end_of_idleness_waits_to_settle),
	    TEST(the_later_of_settle_and_interval_counts),
	    TEST(without_idleness_nothing_settles),
	    TEST(a_settle_time_of_zero_is_no_wait),
	    TEST(slots_beyond_all_time_are_never),
	    TEST(a_restart_in_the_same_boot_goes_on_exactly),
	    TEST(a_long_stop_in_the_same_boot_is_over),
	    TEST(a_new_boot_waits_a_full_interval),
	    TEST(an_unknown_start_waits_a_full_interval),
	    TEST(a_start_in_the_future_waits_a_full_interval),
	    TEST(a_start_right_now_goes_on),
	    TEST(a_ledger_that_saw_nothing_does_not_wait),
	    TEST(a_backlog_found_at_start_does_not_settle),
	    TEST(waiting_again_after_another_restart),
	    TEST(starts_never_come_closer_than_the_interval),
	};

	return RUN(tests);
}
