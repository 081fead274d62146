#include "uuid.h"

#include "unit.h"
#include "util.h"

#define TEXT "019b2c6e-1234-7abc-8def-0123456789ab"

static struct uuid parsed(const char *text)
{
	struct uuid uuid;

	assert_true(uuid_parse(text, &uuid));
	return uuid;
}

static void v7_begins_with_the_time(void **state)
{
	struct uuid uuid = uuid_v7(0x0123456789ab);

	(void)state;
	assert_memory_equal(uuid.bytes, "\x01\x23\x45\x67\x89\xab", 6);
}

static void v7_has_version_and_variant(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct uuid uuid = uuid_v7(1795352548123);

		assert_int_equal(uuid.bytes[6] >> 4, 7);
		assert_int_equal(uuid.bytes[8] >> 6, 2);
	}
}

/* Each of the 74 random bits takes both values. */
static void v7_is_random_behind_the_time(void **state)
{
	struct uuid ones = {{0}}, zeros = {{0}};

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct uuid uuid = uuid_v7(0);

		for (int b = 0; b < 16; b++) {
			ones.bytes[b] = (uint8_t)(ones.bytes[b] | uuid.bytes[b]);
			zeros.bytes[b] = (uint8_t)(zeros.bytes[b] | ~uuid.bytes[b]);
		}
	}
	assert_memory_equal(
	    ones.bytes, "\x00\x00\x00\x00\x00\x00\x7f\xff\xbf\xff\xff\xff\xff\xff\xff\xff", 16);
	assert_memory_equal(
	    zeros.bytes, "\xff\xff\xff\xff\xff\xff\x8f\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 16);
}

static void v7_of_one_moment_differ(void **state)
{
	struct uuid a = uuid_v7(1795352548123), b = uuid_v7(1795352548123);

	(void)state;
	assert_memory_not_equal(a.bytes, b.bytes, 16);
}

static void v7_of_later_moments_sort_behind(void **state)
{
	struct uuid last = uuid_v7(1795352548000);
	char last_text[UUID_TEXT_SIZE], text[UUID_TEXT_SIZE];

	(void)state;
	uuid_format(&last, last_text);
	for (int64_t ms = 1795352548001; ms < 1795352549000; ms++) {
		struct uuid uuid = uuid_v7(ms);

		uuid_format(&uuid, text);
		assert_true(memcmp(last.bytes, uuid.bytes, 16) < 0);
		assert_true(strcmp(last_text, text) < 0);
		last = uuid;
		memcpy(last_text, text, sizeof(text));
	}
}

/* Computed with uuid.uuid5(uuid.UUID(TEXT), str(index)) of Python 3. */
static void batch_ids_are_those_that_anyone_computes(void **state)
{
	static const struct {
		int64_t index;
		const char *text;
	} batches[] = {
	    {0, "c27bc4fa-d74f-51ad-9e56-3fc57f23803f"},
	    {1, "07c7e4e5-22d7-55ed-8b7b-a11268c022fc"},
	    {2, "75ca138f-d232-5428-8f36-2de2785cce1e"},
	    {41, "ce247537-5c26-5a47-a7c3-44af975b96be"},
	    {INT64_MAX, "86a03e88-8533-5371-814d-fac26aeda599"},
	};
	struct uuid ingestion = parsed(TEXT);
	char text[UUID_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(batches); i++) {
		struct uuid batch = uuid_batch(&ingestion, batches[i].index);

		uuid_format(&batch, text);
		assert_string_equal(text, batches[i].text);
	}
}

static void batch_ids_depend_on_the_ingestion(void **state)
{
	struct uuid one = parsed(TEXT), other = parsed("019b2c6e-1234-7abc-8def-0123456789ac");
	struct uuid batch = uuid_batch(&one, 0), other_batch = uuid_batch(&other, 0);

	(void)state;
	assert_memory_not_equal(batch.bytes, other_batch.bytes, 16);
}

static void the_text_form_is_lower_case(void **state)
{
	struct uuid uuid = parsed("019B2C6E-1234-7ABC-8DEF-0123456789AB");
	char text[UUID_TEXT_SIZE];

	(void)state;
	uuid_format(&uuid, text);
	assert_string_equal(text, TEXT);
}

static void the_text_form_is_read_back(void **state)
{
	char text[UUID_TEXT_SIZE];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct uuid uuid = uuid_v7(i), back;

		uuid_format(&uuid, text);
		assert_true(uuid_parse(text, &back));
		assert_memory_equal(uuid.bytes, back.bytes, 16);
	}
}

static void what_is_no_uuid_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "019b2c6e",
	    "019b2c6e-1234-7abc-8def-0123456789a",
	    "019b2c6e-1234-7abc-8def-0123456789abc",
	    "019b2c6e12347abc8def0123456789ab",
	    "019b2c6e-1234-7abc-8def-0123456789ag",
	    "019b2c6e-1234-7abc-8def-0123456789a ",
	    " 019b2c6e-1234-7abc-8def-0123456789a",
	    "{019b2c6e-1234-7abc-8def-0123456789}",
	    "019b2c6e11234-7abc-8def-0123456789ab",
	    "019b2c6e-1234-7abc-8def10123456789ab",
	    "019b2c6-e1234-7abc-8def-0123456789ab",
	    "-19b2c6e-1234-7abc-8def-0123456789ab",
	    "019b2c6e-1234-7abc-8def-0123456789\xc3\xbc",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct uuid uuid;

		if (uuid_parse(texts[i], &uuid))
			fail_msg("accepted \"%s\"", texts[i]);
	}
}

/* One wrong byte anywhere is enough. */
static void each_position_counts(void **state)
{
	(void)state;
	for (size_t at = 0; at < 36; at++)
		for (int c = 1; c < 256; c++) {
			char text[] = TEXT;
			int dash = at == 8 || at == 13 || at == 18 || at == 23;
			int fits = dash ? c == '-'
			                : c < 128 && strchr("0123456789abcdefABCDEF", c) != NULL;
			struct uuid uuid;

			text[at] = (char)c;
			assert_int_equal(uuid_parse(text, &uuid), fits);
		}
}

/* ---- prefixes ---- */

static void assert_range(const char *prefix, const char *low, const char *high)
{
	struct uuid first, last, expected;

	if (!uuid_prefix(prefix, &first, &last))
		fail_msg("\"%s\" is refused", prefix);
	expected = parsed(low);
	assert_memory_equal(first.bytes, expected.bytes, 16);
	expected = parsed(high);
	assert_memory_equal(last.bytes, expected.bytes, 16);
}

static void a_prefix_is_a_range(void **state)
{
	(void)state;
	assert_range(
	    "", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff");
	assert_range(
	    "0", "00000000-0000-0000-0000-000000000000", "0fffffff-ffff-ffff-ffff-ffffffffffff");
	assert_range("019b2c6", "019b2c60-0000-0000-0000-000000000000",
	    "019b2c6f-ffff-ffff-ffff-ffffffffffff");
	assert_range("019b2c6e", "019b2c6e-0000-0000-0000-000000000000",
	    "019b2c6e-ffff-ffff-ffff-ffffffffffff");
	assert_range("019b2c6e-", "019b2c6e-0000-0000-0000-000000000000",
	    "019b2c6e-ffff-ffff-ffff-ffffffffffff");
	assert_range("019b2c6e-1234-7abc-8def-0123456789a", "019b2c6e-1234-7abc-8def-0123456789a0",
	    "019b2c6e-1234-7abc-8def-0123456789af");
	assert_range(TEXT, TEXT, TEXT);
}

static void what_begins_no_uuid_has_no_range(void **state)
{
	static const char *const texts[] = {"x", "019b2c6e1", "019b2c6-", "-", "019B",
	    "019b2c6e-1234-7ABC", " 0", "0 ", "%", "019b2c6e--",
	    "019b2c6e-1234-7abc-8def-0123456789ab0",
	    "019b2c6e-1234-7abc-8def-0123456789abcdefghijklmnop", "g", "\xc3\xbc"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct uuid low, high;

		if (uuid_prefix(texts[i], &low, &high))
			fail_msg("accepted \"%s\"", texts[i]);
	}
}

/* Each beginning of a UUID has it in its range. */
static void each_beginning_holds_the_uuid(void **state)
{
	struct uuid uuid = parsed(TEXT), low, high;
	char prefix[UUID_TEXT_SIZE] = "";

	(void)state;
	for (size_t len = 0; len < 36; len++) {
		assert_true(uuid_prefix(prefix, &low, &high));
		assert_true(memcmp(low.bytes, uuid.bytes, 16) <= 0);
		assert_true(memcmp(high.bytes, uuid.bytes, 16) >= 0);
		prefix[len] = TEXT[len];
	}
}

/* The example of Python's documentation: the name space of DNS names and "python.org". */
static void v5_is_that_of_others(void **state)
{
	struct uuid space = parsed("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	struct uuid uuid = uuid_v5(&space, "python.org", 10);
	char text[UUID_TEXT_SIZE];

	(void)state;
	uuid_format(&uuid, text);
	assert_string_equal(text, "886313e1-3b8a-5372-9b90-0c9aee199e5d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(v5_is_that_of_others),
	    TEST(v7_begins_with_the_time),
	    TEST(v7_has_version_and_variant),
	    TEST(v7_is_random_behind_the_time),
	    TEST(v7_of_one_moment_differ),
	    TEST(v7_of_later_moments_sort_behind),
	    TEST(batch_ids_are_those_that_anyone_computes),
	    TEST(batch_ids_depend_on_the_ingestion),
	    TEST(the_text_form_is_lower_case),
	    TEST(the_text_form_is_read_back),
	    TEST(what_is_no_uuid_is_refused),
	    TEST(each_position_counts),
	    TEST(a_prefix_is_a_range),
	    TEST(what_begins_no_uuid_has_no_range),
	    TEST(each_beginning_holds_the_uuid),
	};

	return RUN(tests);
}
