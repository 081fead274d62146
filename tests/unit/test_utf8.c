#include "utf8.h"

#include "unit.h"

/* What RFC 3629 says, put another way than in utf8.c: decode, then look at the number. */
static size_t model_length(const unsigned char *at, size_t left)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : 4;
	uint32_t code;

	if (at[0] >= 0xf8 || (at[0] >= 0x80 && at[0] < 0xc0) || length > left)
		return 0;
	code = length == 1 ? at[0] : at[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return length;
}

/* All sequences of four bytes whose last two come from bytes at the borders of the ranges. */
static void length_agrees_with_the_model_on_all_forms(void **state)
{
	static const unsigned char borders[] = {
	    0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
	unsigned char bytes[4];

	(void)state;
	for (unsigned first = 0; first < 0x10000; first++)
		for (size_t last = 0; last < sizeof(borders) * sizeof(borders); last++) {
			bytes[0] = (unsigned char)(first >> 8);
			bytes[1] = (unsigned char)first;
			bytes[2] = borders[last / sizeof(borders)];
			bytes[3] = borders[last % sizeof(borders)];
			if (utf8_length((char *)bytes, 4) != model_length(bytes, 4))
				fail_msg(
				    "%02x %02x %02x %02x", bytes[0], bytes[1], bytes[2], bytes[3]);
		}
}

static void a_character_that_is_cut_off_is_invalid(void **state)
{
	static const char *const characters[] = {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t length = strlen(characters[i]);
		char *cut;

		assert_int_equal(utf8_length(characters[i], length), length);
		for (size_t left = 1; left < length; left++) {
			cut = exact_copy(characters[i], left);
			assert_int_equal(utf8_length(cut, left), 0);
			free(cut);
		}
	}
}

static void nothing_has_no_length(void **state)
{
	(void)state;
	assert_int_equal(utf8_length("", 0), 0);
}

static void nul_is_a_character(void **state)
{
	(void)state;
	assert_int_equal(utf8_length("", 1), 1);
}

static void controls_are_c0_del_and_c1(void **state)
{
	(void)state;
	for (int c = 0; c < 0x80; c++) {
		char byte = (char)c;

		assert_int_equal(utf8_is_control(&byte, 1), c < 0x20 || c == 0x7f);
	}
	for (int c = 0x80; c < 0xc0; c++) {
		char two[] = {(char)0xc2, (char)c};

		assert_int_equal(utf8_is_control(two, 2), c < 0xa0);
	}
}

static void other_characters_are_no_controls(void **state)
{
	(void)state;
	assert_false(utf8_is_control("\xc3\x85", 2));
	assert_false(utf8_is_control("\xe2\x82\xac", 3));
	assert_false(utf8_is_control("\xf0\x9f\x98\x80", 4));
}

static void clean_keeps_good_text(void **state)
{
	char to[64];

	(void)state;
	utf8_clean(to, sizeof(to), "plain, gr\xc3\xbcn, \xe2\x82\xac, \xf0\x9f\x98\x80");
	assert_string_equal(to, "plain, gr\xc3\xbcn, \xe2\x82\xac, \xf0\x9f\x98\x80");
}

static void clean_replaces_each_bad_byte(void **state)
{
	char to[64];

	(void)state;
	utf8_clean(to, sizeof(to), "\xff\xfe|\xc0\x80|\xe2\x82|\x80|");
	assert_string_equal(to, "??|??|??|?|");
}

static void clean_replaces_controls(void **state)
{
	char to[64];

	(void)state;
	utf8_clean(to, sizeof(to), "\x01|\r\n|\x1b|\x7f|\xc2\x9b|");
	assert_string_equal(to, "?|??|?|?|?|");
}

static void clean_cuts_at_a_character(void **state)
{
	char to[8];

	(void)state;
	for (size_t size = 1; size <= sizeof(to); size++) {
		memset(to, '!', sizeof(to));
		utf8_clean(to, size,
		    "a\xe2\x82\xac\xc3\xbc"
		    "b");
		assert_string_equal(to, size < 2   ? ""
					: size < 5 ? "a"
					: size < 7 ? "a\xe2\x82\xac"
					: size < 8 ? "a\xe2\x82\xac\xc3\xbc"
						   : "a\xe2\x82\xac\xc3\xbc"
						     "b");
		if (size < sizeof(to))
			assert_int_equal(to[size], '!');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(length_agrees_with_the_model_on_all_forms),
	    TEST(a_character_that_is_cut_off_is_invalid),
	    TEST(nothing_has_no_length),
	    TEST(nul_is_a_character),
	    TEST(controls_are_c0_del_and_c1),
	    TEST(other_characters_are_no_controls),
	    TEST(clean_keeps_good_text),
	    TEST(clean_replaces_each_bad_byte),
	    TEST(clean_replaces_controls),
	    TEST(clean_cuts_at_a_character),
	};

	return RUN(tests);
}
