#include "util.h"

#include "unit.h"

#define DAY_NS (86400 * NS_PER_S)

struct number {
	const char *text;
	int64_t value; /* -1: refused */
};

static void check(const struct number *numbers, size_t n, bool (*parse)(const char *, int64_t *))
{
	for (size_t i = 0; i < n; i++) {
		int64_t value = -1;
		bool ok = parse(numbers[i].text, &value);

		if (ok != (numbers[i].value >= 0) || (ok && value != numbers[i].value))
			fail_msg("\"%s\": %s, %lld instead of %lld", numbers[i].text,
			    ok ? "accepted" : "refused", (long long)value,
			    (long long)numbers[i].value);
	}
}

static bool parse_whole(const char *text, int64_t *value)
{
	return parse_u63(text, strlen(text), value);
}

static void numbers_are_digits_only(void **state)
{
	static const struct number numbers[] = {
	    {"0", 0},
	    {"1", 1},
	    {"9007199254740993", 9007199254740993},
	    {"9223372036854775807", INT64_MAX},
	    {"9223372036854775808", -1},
	    {"18446744073709551617", -1},
	    {"99999999999999999999999999", -1},
	    {"", -1},
	    {"00", -1},
	    {"01", -1},
	    {"+1", -1},
	    {"-1", -1},
	    {"-0", -1},
	    {" 1", -1},
	    {"1 ", -1},
	    {"1.0", -1},
	    {"1e3", -1},
	    {"0x10", -1},
	    {"1_000", -1},
	    {"\xd9\xa1", -1},
	};

	(void)state;
	check(numbers, COUNT_OF(numbers), parse_whole);
}

static void a_number_ends_at_its_length(void **state)
{
	char *text = exact_copy("123", 3);
	int64_t value;

	(void)state;
	assert_true(parse_u63(text, 3, &value));
	assert_int_equal(value, 123);
	assert_true(parse_u63("1234", 2, &value));
	assert_int_equal(value, 12);
	free(text);
}

static void durations_have_units(void **state)
{
	static const struct number durations[] = {
	    {"1ns", 1},
	    {"1us", 1000},
	    {"100ms", 100 * NS_PER_MS},
	    {"5s", 5 * NS_PER_S},
	    {"2m", 120 * NS_PER_S},
	    {"3h", 3 * 3600 * NS_PER_S},
	    {"1d", DAY_NS},
	    {"0", 0},
	    {"0s", 0},
	    {"5", -1},
	    {"", -1},
	    {"s", -1},
	    {"5x", -1},
	    {"5S", -1},
	    {"5sec", -1},
	    {"5 s", -1},
	    {" 5s", -1},
	    {"5s ", -1},
	    {"-5s", -1},
	    {"+5s", -1},
	    {"05s", -1},
	    {"1e3s", -1},
	    {"infs", -1},
	};

	(void)state;
	check(durations, COUNT_OF(durations), parse_duration);
}

static void durations_have_fractions(void **state)
{
	static const struct number durations[] = {
	    {"1.5s", 1500 * NS_PER_MS},
	    {"0.25m", 15 * NS_PER_S},
	    {"0.000000001s", 1},
	    {"1.000000001s", NS_PER_S + 1},
	    {"2.50ms", 2500000},
	    {"0.5d", DAY_NS / 2},
	    {"1.s", -1},
	    {".5s", -1},
	    {"1.5.5s", -1},
	    {"1,5s", -1},
	    {"1.5", -1},
	};

	(void)state;
	check(durations, COUNT_OF(durations), parse_duration);
}

static void finer_fractions_are_rounded_up(void **state)
{
	static const struct number durations[] = {
	    {"1.0000000001s", NS_PER_S + 1},
	    {"0.3333333333333333333333333333s", 333333334},
	    {"0.00000000000000000000000001h", 1},
	    {"0.1ns", 1},
	    {"1.5ns", 2},
	    {"1.00000000000000000000s", NS_PER_S},
	    {"0.9999999999999999999999d", DAY_NS},
	};

	(void)state;
	check(durations, COUNT_OF(durations), parse_duration);
}

static void durations_add_up(void **state)
{
	static const struct number durations[] = {
	    {"1h30m", 5400 * NS_PER_S},
	    {"1m1.5s", 61500 * NS_PER_MS},
	    {"1d2h3m4s5ms6us7ns",
		DAY_NS + (2 * 3600 + 3 * 60 + 4) * NS_PER_S + 5 * NS_PER_MS + 6007},
	    {"1s1s", 2 * NS_PER_S},
	    {"1h30", -1},
	    {"1h 30m", -1},
	    {"1h-30m", -1},
	};

	(void)state;
	check(durations, COUNT_OF(durations), parse_duration);
}

static void durations_end_at_a_year(void **state)
{
	static const struct number durations[] = {
	    {"365d", 365 * DAY_NS},
	    {"31536000s", 365 * DAY_NS},
	    {"365d1ns", -1},
	    {"365.00000000000001d", -1},
	    {"364d24h", 365 * DAY_NS},
	    {"9223372036854775807ns", -1},
	    {"9223372036854775807d", -1},
	    {"300d300d300d300d300d300d", -1},
	};

	(void)state;
	check(durations, COUNT_OF(durations), parse_duration);
}

static void rates_become_intervals(void **state)
{
	static const struct number rates[] = {
	    {"1/5s", 5 * NS_PER_S},
	    {"30/m", 2 * NS_PER_S},
	    {"10/s", 100 * NS_PER_MS},
	    {"1/1h30m", 5400 * NS_PER_S},
	    {"1/d", DAY_NS},
	    {"1/0.5s", 500 * NS_PER_MS},
	};

	(void)state;
	check(rates, COUNT_OF(rates), parse_rate);
}

static void rates_round_the_interval_up(void **state)
{
	static const struct number rates[] = {
	    {"3/s", 333333334},
	    {"7/s", 142857143},
	    {"3/1ns", 1},
	    {"1000000001/s", 1},
	    {"9223372036854775807/d", 1},
	    {"1/1.0000000001s", NS_PER_S + 1},
	};

	(void)state;
	check(rates, COUNT_OF(rates), parse_rate);
}

static void what_is_no_rate_is_refused(void **state)
{
	static const struct number rates[] = {
	    {"", -1},
	    {"/", -1},
	    {"1", -1},
	    {"5s", -1},
	    {"1/", -1},
	    {"/5s", -1},
	    {"0/5s", -1},
	    {"1/0", -1},
	    {"1/0s", -1},
	    {"-1/5s", -1},
	    {"1/-5s", -1},
	    {"1.5/s", -1},
	    {"1/5", -1},
	    {"1 / 5s", -1},
	    {"1/5s/2", -1},
	    {"1/366d", -1},
	};

	(void)state;
	check(rates, COUNT_OF(rates), parse_rate);
}

/* The promise behind the rounding: N starts never take less than the duration. */
static void no_rate_is_exceeded(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		int64_t n = (int64_t)(next_random(&seed) % 1000000) + 1;
		int64_t period = (int64_t)(next_random(&seed) % (10 * NS_PER_S)) + 1, interval;
		char text[64];

		snprintf(text, sizeof(text), "%lld/%lldns", (long long)n, (long long)period);
		assert_true(parse_rate(text, &interval));
		assert_true(interval * n >= period);
		assert_true((interval - 1) * n < period);
	}
}

static void sizes_have_suffixes(void **state)
{
	static const struct number sizes[] = {
	    {"0", 0},
	    {"1024", 1024},
	    {"64k", 65536},
	    {"1m", 1 << 20},
	    {"2g", (int64_t)2 << 30},
	    {"9223372036854775807", INT64_MAX},
	    {"8589934591g", INT64_MAX - ((1 << 30) - 1)},
	    {"8589934592g", -1},
	    {"", -1},
	    {"k", -1},
	    {"1K", -1},
	    {"1kb", -1},
	    {"1t", -1},
	    {"1.5m", -1},
	    {"-1", -1},
	    {"1 k", -1},
	    {"01k", -1},
	};

	(void)state;
	check(sizes, COUNT_OF(sizes), parse_size);
}

static void durations_are_written_short(void **state)
{
	static const struct number durations[] = {
	    {"0s", 0},
	    {"1ns", 1},
	    {"999ns", 999},
	    {"1.5us", 1500},
	    {"300ms", 300 * NS_PER_MS},
	    {"333.333334ms", 333333334},
	    {"1s", NS_PER_S},
	    {"1.5s", 1500 * NS_PER_MS},
	    {"1.000000001s", NS_PER_S + 1},
	    {"90s", 90 * NS_PER_S},
	    {"2m", 120 * NS_PER_S},
	    {"90m", 5400 * NS_PER_S},
	    {"1h", 3600 * NS_PER_S},
	    {"365d", 365 * DAY_NS},
	};
	char text[DURATION_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(durations); i++) {
		format_duration(durations[i].value, text);
		assert_string_equal(text, durations[i].text);
	}
}

static void durations_are_read_back_exactly(void **state)
{
	uint64_t seed = 2;
	char text[DURATION_TEXT_SIZE];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		/* All magnitudes alike. */
		int64_t ns = (int64_t)(next_random(&seed) >> (10 + next_random(&seed) % 54)), back;

		if (ns > 365 * DAY_NS)
			continue;
		format_duration(ns, text);
		assert_in_range(strlen(text), 2, DURATION_TEXT_SIZE - 1);
		if (!parse_duration(text, &back) || back != ns)
			fail_msg("%lld became \"%s\"", (long long)ns, text);
	}
}

static void times_are_rfc_3339_with_milliseconds(void **state)
{
	static const struct number times[] = {
	    {"1970-01-01T00:00:00.000Z", 0},
	    {"1970-01-01T00:00:00.001Z", 1},
	    {"2000-02-29T23:59:59.999Z", 951868799999},
	    {"2026-11-22T13:02:28.123Z", 1795352548123},
	    {"2038-01-19T03:14:08.050Z", 2147483648050},
	    {"9999-12-31T23:59:59.999Z", 253402300799999},
	};
	char text[TIME_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		format_time(times[i].value, text);
		assert_string_equal(text, times[i].text);
	}
	check(times, COUNT_OF(times), parse_time);
}

static void times_are_read_back_exactly(void **state)
{
	uint64_t seed = 3;
	char text[TIME_TEXT_SIZE];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		int64_t ms = (int64_t)(next_random(&seed) % 253402300800000), back = -1;

		format_time(ms, text);
		assert_true(parse_time(text, &back));
		assert_int_equal(back, ms);
	}
}

static void the_time_zone_does_not_matter(void **state)
{
	char text[TIME_TEXT_SIZE];
	int64_t back;

	(void)state;
	setenv("TZ", "Asia/Kolkata", 1);
	format_time(1795352548123, text);
	assert_string_equal(text, "2026-11-22T13:02:28.123Z");
	assert_true(parse_time(text, &back));
	assert_int_equal(back, 1795352548123);
	unsetenv("TZ");
}

static void what_is_no_time_is_refused(void **state)
{
	static const struct number times[] = {
	    {"", -1},
	    {"2026-11-22", -1},
	    {"2026-11-22T13:02:28Z", -1},
	    {"2026-11-22T13:02:28.12Z", -1},
	    {"2026-11-22T13:02:28.1234Z", -1},
	    {"2026-11-22T13:02:28.123", -1},
	    {"2026-11-22T13:02:28.123+", -1},
	    {"2026-11-22T13:02:28.1a3Z", -1},
	    {"2026-11-22 13:02:28.123Z", -1},
	    {"2026-13-22T13:02:28.123Z", -1},
	    {"2026-11-22T25:02:28.123Z", -1},
	    {"2026-02-29T13:02:28.123Z", -1},
	    {"2026-11-31T13:02:28.123Z", -1},
	    {"2026-11-22T13:02:60.123Z", -1},
	    {"2026-11-22T1:002:28.123Z", -1},
	};

	(void)state;
	check(times, COUNT_OF(times), parse_time);
}

static void people_write_times_with_less(void **state)
{
	static const struct number times[] = {
	    {"2026-11-22T13:02:28Z", 1795352548000},
	    {"2026-11-22T13:02:28.1Z", 1795352548100},
	    {"2026-11-22T13:02:28.12Z", 1795352548120},
	    {"2026-11-22T13:02:28.123Z", 1795352548123},
	    {"", -1},
	    {"Z", -1},
	    {"2h", -1},
	    {"2026-11-22", -1},
	    {"2026-11-22T13:02Z", -1},
	    {"2026-11-22T13:02:28", -1},
	    {"2026-11-22T13:02:28.Z", -1},
	    {"2026-11-22T13:02:28.1234Z", -1},
	    {"2026-11-22T13:02:28.12", -1},
	    {"2026-11-22T13:02:28.xZ", -1},
	    {"2026-11-22T13:02:28+01:00", -1},
	    {"2026-11-22T25:02:28Z", -1},
	    {"2026-02-30T13:02:28Z", -1},
	};

	(void)state;
	check(times, COUNT_OF(times), parse_utc);
}

static void allocations_of_nothing_are_memory(void **state)
{
	void *all[] = {xmalloc(0), xcalloc(0, 8), xrealloc(NULL, 0), xreallocarray(NULL, 0, 8)};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		assert_non_null(all[i]);
		free(all[i]);
	}
}

static void calloc_clears(void **state)
{
	unsigned char *memory = xcalloc(100, 3);

	(void)state;
	for (int i = 0; i < 300; i++)
		assert_int_equal(memory[i], 0);
	free(memory);
}

static void strings_are_copied(void **state)
{
	char *copy = xstrdup("text"), *made = xasprintf("%s-%d", copy, 7);

	(void)state;
	assert_string_equal(copy, "text");
	assert_string_equal(made, "text-7");
	free(copy);
	free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(numbers_are_digits_only),
	    TEST(a_number_ends_at_its_length),
	    TEST(durations_have_units),
	    TEST(durations_have_fractions),
	    TEST(finer_fractions_are_rounded_up),
	    TEST(durations_add_up),
	    TEST(durations_end_at_a_year),
	    TEST(rates_become_intervals),
	    TEST(rates_round_the_interval_up),
	    TEST(what_is_no_rate_is_refused),
	    TEST(no_rate_is_exceeded),
	    TEST(sizes_have_suffixes),
	    TEST(durations_are_written_short),
	    TEST(durations_are_read_back_exactly),
	    TEST(times_are_rfc_3339_with_milliseconds),
	    TEST(times_are_read_back_exactly),
	    TEST(the_time_zone_does_not_matter),
	    TEST(what_is_no_time_is_refused),
	    TEST(people_write_times_with_less),
	    TEST(allocations_of_nothing_are_memory),
	    TEST(calloc_clears),
	    TEST(strings_are_copied),
	};

	return RUN(tests);
}
