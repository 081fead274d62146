#include "exec_output.h"

#include "unit.h"
#include "utf8.h"

/* What is kept of a text that comes in pieces of so many bytes. */
static struct output kept(size_t max, const char *text, size_t len, size_t piece)
{
	struct exec_output output;
	struct output out;

	exec_output_init(&output, max);
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		char *copy = exact_copy(text + at, n);

		exec_output_add(&output, copy, n);
		free(copy);
	}
	exec_output_take(&output, &out);
	return out;
}

static void assert_kept_bytes(size_t max, const char *text, size_t len, const char *wanted)
{
	for (size_t piece = 1; piece <= len; piece++) {
		struct output out = kept(max, text, len, piece);

		assert_int_equal(out.bytes, len);
		assert_string_equal(out.text, wanted);
		free(out.text);
	}
}

static void assert_kept(size_t max, const char *text, const char *wanted)
{
	assert_kept_bytes(max, text, strlen(text), wanted);
}

static void nothing_is_nothing(void **state)
{
	struct output out = kept(100, "", 0, 1);

	(void)state;
	assert_null(out.text);
	assert_int_equal(out.bytes, 0);
}

static void what_fits_is_kept_whole(void **state)
{
	(void)state;
	assert_kept(100, "hello\n", "hello\n");
	assert_kept(10, "0123456789", "0123456789");
	assert_kept(11, "0123456789\n", "0123456789\n");
	assert_kept(1, "x", "x");
	/* A character in the middle is not cut there. */
	assert_kept(6,
	    "ab\xe2\x82\xac"
	    "c",
	    "ab\xe2\x82\xac"
	    "c");
}

static void beginning_and_end_are_kept_of_more(void **state)
{
	(void)state;
	assert_kept(10, "0123456789A", "01234\n[... 1 bytes left out ...]\n6789A");
	assert_kept(10, "012\n45678901234567890\n", "012\n4\n[... 12 bytes left out ...]\n7890\n");
	assert_kept(8, "012\n45678901234567890", "012\n[... 13 bytes left out ...]\n7890");
}

static void characters_are_not_cut(void **state)
{
	(void)state;
	/* Of the euro signs two bytes stand in the head and two in the tail. */
	assert_kept(10,
	    "abc\xe2\x82\xac"
	    "xxxxx\xe2\x82\xac"
	    "def",
	    "abc\n[... 11 bytes left out ...]\ndef");
}

static void what_is_no_text_is_replaced(void **state)
{
	(void)state;
	assert_kept_bytes(100, "a\0b\x1b[1m\xff\xfe\xc2\x85z", 12, "a?b?[1m???z");
	assert_kept(100, "a\tb\r\nc\rd", "a\tb\nc?d");
	assert_kept(100, "\xe2\x82", "??");
}

static void nothing_is_kept_but_counted(void **state)
{
	struct output out = kept(0, "hello\n", 6, 2);

	(void)state;
	assert_null(out.text);
	assert_int_equal(out.bytes, 6);
}

static void much_is_counted_and_bounded(void **state)
{
	static char chunk[100000];
	struct exec_output output;
	struct output out;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	exec_output_init(&output, 4096);
	exec_output_add(&output, "begin\n", 6);
	for (int i = 0; i < 1000; i++)
		exec_output_add(&output, chunk, sizeof(chunk));
	exec_output_add(&output, "\nend\n", 5);
	exec_output_take(&output, &out);
	assert_int_equal(out.bytes, 100000011);
	assert_true(strlen(out.text) < 4096 + 64);
	assert_int_equal(strncmp(out.text, "begin\nxxx", 9), 0);
	assert_string_equal(out.text + strlen(out.text) - 8, "xxx\nend\n");
	assert_contains(out.text, "x\n[... 99995915 bytes left out ...]\nx");
	free(out.text);
}

/* ---- the last line ---- */

static void assert_last_line(size_t max, const char *text, size_t len, const char *wanted)
{
	struct exec_output output;
	char line[20];

	for (size_t piece = 1; piece <= len; piece++) {
		exec_output_init(&output, max);
		for (size_t at = 0; at < len; at += piece)
			exec_output_add(&output, text + at, len - at < piece ? len - at : piece);
		exec_output_last_line(&output, line, sizeof(line));
		exec_output_free(&output);
		assert_string_equal(line, wanted);
	}
}

static void the_last_line_is_found(void **state)
{
	struct exec_output output;
	char line[20] = "x";

	(void)state;
	for (size_t max = 0; max < 40; max += 3) {
		assert_last_line(max, "one\ntwo", 7, "two");
		assert_last_line(max, "one\ntwo\n", 8, "two");
		assert_last_line(max, "one\ntwo\r\n\n \t\n", 13, "two");
		assert_last_line(max, "one", 3, "one");
		assert_last_line(max, "\n\n", 2, "");
		assert_last_line(max, "a\0b\x1b\xff\n", 6, "a?b??");
		assert_last_line(max, "x\n123456789 123456789 123", 25, "123456789 123456789");
	}
	exec_output_init(&output, 100);
	exec_output_last_line(&output, line, sizeof(line));
	assert_string_equal(line, "");
}

static void the_last_line_is_found_behind_much(void **state)
{
	struct exec_output output;
	char line[50];

	(void)state;
	exec_output_init(&output, 0);
	for (int i = 0; i < 10000; i++) {
		char text[40];

		snprintf(text, sizeof(text), "this is line %d\n", i);
		exec_output_add(&output, text, strlen(text));
	}
	exec_output_last_line(&output, line, sizeof(line));
	assert_string_equal(line, "this is line 9999");
	exec_output_free(&output);
}

/* Any bytes in any pieces: the text is clean and the pieces do not matter. */
static void random_bytes_become_clean_text(void **state)
{
	static const char alphabet[] = "ab\n\r\t\0\xe2\x82\xac\xc2\xa0\xff\xf0\x9f\x98\x80";
	uint64_t seed = 5;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		char text[80];
		size_t len = 1 + next_random(&seed) % sizeof(text), max = next_random(&seed) % 60;
		struct output whole, pieces;

		for (size_t n = 0; n < len; n++)
			text[n] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
		whole = kept(max, text, len, len);
		pieces = kept(max, text, len, 1 + next_random(&seed) % 7);
		if (max == 0) {
			assert_null(whole.text);
			continue;
		}
		assert_string_equal(whole.text, pieces.text);
		for (const char *at = whole.text; *at; at += utf8_length(at, strlen(at)))
			assert_true(utf8_length(at, strlen(at)) > 0);
		free(whole.text);
		free(pieces.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_is_nothing),
	    TEST(what_fits_is_kept_whole),
	    TEST(beginning_and_end_are_kept_of_more),
	    TEST(characters_are_not_cut),
	    TEST(what_is_no_text_is_replaced),
	    TEST(nothing_is_kept_but_counted),
	    TEST(much_is_counted_and_bounded),
	    TEST(the_last_line_is_found),
	    TEST(the_last_line_is_found_behind_much),
	    TEST(random_bytes_become_clean_text),
	};

	return RUN(tests);
}
