#include "unit.h"
#include "wire.h"

/*
 * Stands in for the C library's memchr(3) and counts the bytes that the splitter looks at. Not
 * instrumented, because the sanitizers' own start-up may call it.
 */
static size_t looked_at;

__attribute__((no_sanitize("address", "thread", "undefined"))) void *memchr(
    const void *memory, int c, size_t n)
{
	const unsigned char *bytes = memory;

	for (size_t i = 0; i < n; i++)
		if (bytes[i] == (unsigned char)c) {
			looked_at += i + 1;
			return (void *)(uintptr_t)(bytes + i);
		}
	looked_at += n;
	return NULL;
}

/* Appends the lines that are complete to `out`, each in brackets, and returns what came last. */
static enum wire_lines_result drain(struct wire_lines *lines, struct buf *out)
{
	enum wire_lines_result result;
	const char *line;
	size_t len;

	while ((result = wire_lines_next(lines, &line, &len)) == WIRE_LINE) {
		buf_add(out, "[", 1);
		buf_add(out, line, len);
		buf_add(out, "]", 1);
	}
	buf_add(out, "", 0);
	return result;
}

/* Feeds the text in pieces; the rest at the end of the stream comes in parentheses. */
static char *split(const char *text, size_t text_len, size_t piece, size_t max)
{
	struct wire_lines lines = {.max = max};
	struct buf out = {0};
	const char *line;
	size_t len;

	for (size_t at = 0; at < text_len; at += piece) {
		size_t n = text_len - at < piece ? text_len - at : piece;
		char *copy = exact_copy(text + at, n);

		wire_lines_add(&lines, copy, n);
		free(copy);
		if (drain(&lines, &out) == WIRE_TOO_LONG) {
			buf_add_str(&out, "!");
			break;
		}
	}
	if (out.len == 0 || out.data[out.len - 1] != '!')
		while (wire_lines_rest(&lines, &line, &len) == WIRE_LINE) {
			buf_add(&out, "(", 1);
			buf_add(&out, line, len);
			buf_add(&out, ")", 1);
		}
	buf_add(&out, "", 0);
	wire_lines_free(&lines);
	return out.data;
}

/* In pieces of every size the result is the same. */
static void assert_splits_up_to(const char *text, size_t max, const char *expected)
{
	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		char *got = split(text, strlen(text), piece, max);

		if (strcmp(got, expected) != 0)
			fail_msg("\"%s\" in pieces of %zu: %s", text, piece, got);
		free(got);
	}
}

static void assert_splits(const char *text, const char *expected)
{
	assert_splits_up_to(text, 100, expected);
}

static void lines_end_at_the_newline(void **state)
{
	(void)state;
	assert_splits("one\n", "[one]");
	assert_splits("one\ntwo\nthree\n", "[one][two][three]");
}

static void windows_lines_keep_their_cr(void **state)
{
	(void)state;
	assert_splits("{}\r\n[]\r\n", "[{}\r][[]\r]");
}

static void blank_lines_are_skipped(void **state)
{
	(void)state;
	assert_splits("\n\n", "");
	assert_splits("\na\n\n \t\n\r\nb\n\n", "[a][b]");
}

static void lines_may_contain_nul(void **state)
{
	char *got = split("a\0b\nc\n", 6, 1, 10);

	(void)state;
	assert_memory_equal(got, "[a\0b][c]", 9);
	free(got);
}

static void the_rest_comes_at_the_end(void **state)
{
	(void)state;
	assert_splits("one\ntwo", "[one](two)");
	assert_splits("two", "(two)");
}

static void there_is_no_rest_behind_the_last_newline(void **state)
{
	(void)state;
	assert_splits("", "");
	assert_splits("one\n", "[one]");
	assert_splits("one\n \r", "[one]");
}

static void a_line_may_have_the_largest_length(void **state)
{
	(void)state;
	assert_splits_up_to("12345\n12345\n", 5, "[12345][12345]");
	assert_splits_up_to("12345", 5, "(12345)");
	assert_splits_up_to("\n\n\n\n\n\n\n12345\n", 5, "[12345]");
}

static void a_longer_line_is_too_long(void **state)
{
	(void)state;
	assert_splits_up_to("123456\n", 5, "!");
	assert_splits_up_to("a\n123456\nb\n", 5, "[a]!");
}

static void a_longer_line_is_too_long_before_its_newline(void **state)
{
	(void)state;
	assert_splits_up_to("123456", 5, "!");
	assert_splits_up_to("a\n123456", 5, "[a]!");
	assert_splits_up_to("      ", 5, "!");
}

static void many_lines_come_from_one_piece(void **state)
{
	struct wire_lines lines = {.max = 100};
	struct buf text = {0};
	const char *line;
	size_t len;

	(void)state;
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "line %d\n", i);
	wire_lines_add(&lines, text.data, text.len);
	for (int i = 0; i < 10000; i++) {
		char expected[32];

		snprintf(expected, sizeof(expected), "line %d", i);
		assert_int_equal(wire_lines_next(&lines, &line, &len), WIRE_LINE);
		assert_int_equal(len, strlen(expected));
		assert_memory_equal(line, expected, len);
	}
	assert_int_equal(wire_lines_next(&lines, &line, &len), WIRE_MORE);
	wire_lines_free(&lines);
	buf_free(&text);
}

static void a_line_can_wait_while_more_arrives(void **state)
{
	struct wire_lines lines = {.max = 100};
	struct buf out = {0};
	const char *line;
	size_t len;

	(void)state;
	wire_lines_add(&lines, "a\nb\nc", 5);
	assert_int_equal(wire_lines_next(&lines, &line, &len), WIRE_LINE);
	wire_lines_add(&lines, "d\ne\n", 4);
	assert_int_equal(drain(&lines, &out), WIRE_MORE);
	assert_string_equal(out.data, "[b][cd][e]");
	wire_lines_free(&lines);
	buf_free(&out);
}

static void random_pieces_make_the_same_lines(void **state)
{
	static const char alphabet[] = "ab \r\n\n";
	uint64_t seed = 8;
	char text[200];

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t len = next_random(&seed) % sizeof(text);
		char *whole, *pieces;

		for (size_t i = 0; i < len; i++)
			text[i] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
		whole = split(text, len, sizeof(text), 12);
		pieces = split(text, len, next_random(&seed) % 20 + 1, 12);
		assert_string_equal(whole, pieces);
		free(whole);
		free(pieces);
	}
}

/* A line of 1 MiB in pieces of 64 bytes: each byte is looked at once, not once per piece. */
static void the_work_is_linear(void **state)
{
	struct wire_lines lines = {.max = WIRE_MAX_MESSAGE};
	char piece[64];
	const char *line;
	size_t len;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	looked_at = 0;
	for (size_t at = 0; at < WIRE_MAX_MESSAGE; at += sizeof(piece)) {
		wire_lines_add(&lines, piece, sizeof(piece));
		assert_int_equal(wire_lines_next(&lines, &line, &len), WIRE_MORE);
	}
	wire_lines_add(&lines, "\n", 1);
	assert_int_equal(wire_lines_next(&lines, &line, &len), WIRE_LINE);
	assert_int_equal(len, WIRE_MAX_MESSAGE);
	assert_in_range(looked_at, WIRE_MAX_MESSAGE, WIRE_MAX_MESSAGE + 1);
	wire_lines_free(&lines);
}

static void asking_again_costs_nothing(void **state)
{
	struct wire_lines lines = {.max = 1000};
	const char *line;
	size_t len;

	(void)state;
	wire_lines_add(&lines, "x", 1);
	assert_int_equal(wire_lines_next(&lines, &line, &len), WIRE_MORE);
	looked_at = 0;
	for (int i = 0; i < 100; i++)
		assert_int_equal(wire_lines_next(&lines, &line, &len), WIRE_MORE);
	assert_int_equal(looked_at, 0);
	wire_lines_free(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(lines_end_at_the_newline),
	    TEST(windows_lines_keep_their_cr),
	    TEST(blank_lines_are_skipped),
	    TEST(lines_may_contain_nul),
	    TEST(the_rest_comes_at_the_end),
	    TEST(there_is_no_rest_behind_the_last_newline),
	    TEST(a_line_may_have_the_largest_length),
	    TEST(a_longer_line_is_too_long),
	    TEST(a_longer_line_is_too_long_before_its_newline),
	    TEST(many_lines_come_from_one_piece),
	    TEST(a_line_can_wait_while_more_arrives),
	    TEST(random_pieces_make_the_same_lines),
	    TEST(the_work_is_linear),
	    TEST(asking_again_costs_nothing),
	};

	return RUN(tests);
}
