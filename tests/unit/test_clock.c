#include "clock.h"

#include "unit.h"
#include "util.h"

#include <time.h>

static void boot_time_goes_forward(void **state)
{
	const struct clock *clock = clock_system();
	int64_t last = clock_boot_ns(clock), first = last;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int64_t now = clock_boot_ns(clock);

		assert_true(now >= last);
		last = now;
	}
	assert_true(last > first);
}

static void boot_time_is_the_one_of_the_kernel(void **state)
{
	struct timespec before, after;
	int64_t now;

	(void)state;
	clock_gettime(CLOCK_BOOTTIME, &before);
	now = clock_boot_ns(clock_system());
	clock_gettime(CLOCK_BOOTTIME, &after);
	assert_true(now >= before.tv_sec * NS_PER_S + before.tv_nsec);
	assert_true(now <= after.tv_sec * NS_PER_S + after.tv_nsec);
}

static void utc_is_the_time_of_day_in_milliseconds(void **state)
{
	time_t before = time(NULL);
	int64_t now = clock_utc_ms(clock_system());

	(void)state;
	/* time(2) may lag behind by a tick. */
	assert_true(now / 1000 >= before);
	assert_true(now / 1000 <= time(NULL) + 1);
}

static void the_boot_has_an_id(void **state)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char id[64] = "";

	(void)state;
	if (!file)
		skip();
	assert_non_null(fgets(id, sizeof(id), file));
	fclose(file);
	id[strcspn(id, "\n")] = '\0';
	assert_int_equal(strlen(id), 36);
	assert_string_equal(clock_system()->boot_id, id);
}

static void there_is_one_system_clock(void **state)
{
	(void)state;
	assert_ptr_equal(clock_system(), clock_system());
}

static int64_t read_arg(void *arg)
{
	return *(int64_t *)arg;
}

static void a_clock_can_be_made_by_hand(void **state)
{
	int64_t now = 42;
	struct clock clock = {.boot_ns = read_arg, .utc_ms = read_arg, .arg = &now};

	(void)state;
	assert_int_equal(clock_boot_ns(&clock), 42);
	now = 43;
	assert_int_equal(clock_utc_ms(&clock), 43);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(boot_time_goes_forward),
	    TEST(boot_time_is_the_one_of_the_kernel),
	    TEST(utc_is_the_time_of_day_in_milliseconds),
	    TEST(the_boot_has_an_id),
	    TEST(there_is_one_system_clock),
	    TEST(a_clock_can_be_made_by_hand),
	};

	return RUN(tests);
}
