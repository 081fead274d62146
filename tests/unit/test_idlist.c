#include "idlist.h"

#include "unit.h"
#include "util.h"

/* Reads a text of at most 100 ids and gives them back separated by spaces; the caller frees it. */
static char *read_text(const char *text)
{
	struct idlist list = {0};
	struct buf out = {0};
	struct fail fail;
	char *copy = exact_copy(text, strlen(text));

	if (idlist_parse_text(&list, copy, strlen(text), 100, "argument 1", &fail))
		fail_msg("\"%s\" is refused: %s", text, fail.text);
	idlist_format(list.v, list.n, ' ', &out);
	buf_add(&out, "", 0);
	idlist_free(&list);
	free(copy);
	return out.data;
}

static void assert_reads(const char *text, const char *ids)
{
	char *got = read_text(text);

	if (strcmp(got, ids) != 0)
		fail_msg("\"%s\" is read as %s", text, got);
	free(got);
}

static struct fail refusal(const char *text, size_t limit)
{
	struct idlist list = {0};
	char *copy = exact_copy(text, strlen(text));
	struct fail fail = {0};

	if (!idlist_parse_text(&list, copy, strlen(text), limit, "stdin", &fail))
		fail_msg("\"%s\" is accepted", text);
	idlist_free(&list);
	free(copy);
	return fail;
}

static void assert_refuses(const char *text, enum err err, const char *part)
{
	struct fail fail = refusal(text, 100);

	assert_fail(&fail, err, part);
}

static void spaces_separate(void **state)
{
	(void)state;
	assert_reads("1 2 3", "1 2 3");
	assert_reads("  7\t8  ", "7 8");
}

static void commas_separate(void **state)
{
	(void)state;
	assert_reads("1,2,3", "1 2 3");
	assert_reads("1, 2 ,3,", "1 2 3");
}

static void lines_separate(void **state)
{
	(void)state;
	assert_reads("1\n2\n\n3\n", "1 2 3");
}

static void windows_lines_separate(void **state)
{
	(void)state;
	assert_reads("1\r\n2 # two\r\n3\r\n", "1 2 3");
}

static void order_and_repetitions_stay(void **state)
{
	(void)state;
	assert_reads("3 1 2 1", "3 1 2 1");
}

static void ranges_are_expanded(void **state)
{
	(void)state;
	assert_reads("1-5", "1 2 3 4 5");
	assert_reads("7-7", "7");
	assert_reads("1-2,9,4-5", "1 2 9 4 5");
}

static void comments_end_at_the_line(void **state)
{
	(void)state;
	assert_reads("# all of them\n1 # one\n2#two\n#3\n4", "1 2 4");
	assert_reads("1 # no newline", "1");
}

static void an_empty_text_lists_nothing(void **state)
{
	(void)state;
	assert_reads("", "");
	assert_reads(" \n,\r\n # nothing\n", "");
}

static void large_ids_are_exact(void **state)
{
	(void)state;
	assert_reads(
	    "9007199254740993 9223372036854775807", "9007199254740993 9223372036854775807");
	assert_reads(
	    "9223372036854775806-9223372036854775807", "9223372036854775806 9223372036854775807");
}

static void what_is_no_id_is_refused(void **state)
{
	static const char *const texts[] = {"0", "-1", "1.5", "1e3", "true", "9223372036854775808",
	    "abc", "+1", "01", "0x10", "1_000", "1;2", "\"1\"", "18446744073709551617", "\xd9\xa1",
	    "\xef\xbb\xbf"
	    "1",
	    "\xff", "1\v2"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(
		    texts[i], ERR_INVALID, "is not an integer from 1 to 9223372036854775807");
}

static void the_error_shows_the_element(void **state)
{
	(void)state;
	assert_refuses("1 2 abc 4", ERR_INVALID, ": abc is not");
	assert_refuses("-5", ERR_INVALID, ": -5 is not");
	assert_refuses("1.5", ERR_INVALID, ": 1.5 is not");
}

static void the_error_names_place_and_line(void **state)
{
	(void)state;
	assert_refuses("x", ERR_INVALID, "stdin: x is not");
	assert_refuses("x\n", ERR_INVALID, "stdin, line 1: x is not");
	assert_refuses("1\n2\n\n# c\n3 4 x", ERR_INVALID, "stdin, line 5: x is not");
	assert_refuses("1\r\n2\r\nx\r\n", ERR_INVALID, "stdin, line 3: x is not");
}

static void a_range_error_names_place_and_line(void **state)
{
	struct fail fail = refusal("1\n2-9", 3);

	(void)state;
	assert_fail(&fail, ERR_TOO_LARGE, "stdin, line 2: with 2-9 the list has more than 3 ids");
	fail = refusal("9-2", 3);
	assert_fail(&fail, ERR_INVALID, "stdin: range 9-2");
}

static void a_long_place_leaves_the_line_number(void **state)
{
	struct idlist list = {0};
	struct fail fail;
	char where[300];

	(void)state;
	memset(where, 'p', sizeof(where) - 1);
	where[sizeof(where) - 1] = '\0';
	idlist_parse_text(&list, "1\n2\n0", 5, 100, where, &fail);
	assert_fail(
	    &fail, ERR_INVALID, "line 3: 0 is not an integer from 1 to 9223372036854775807");
	idlist_free(&list);
}

static void a_long_element_is_cut_in_the_error(void **state)
{
	char text[500];
	struct fail fail;

	(void)state;
	memset(text, '7', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fail = refusal(text, 100);
	assert_fail(&fail, ERR_INVALID, "7... is not an integer from 1 to 9223372036854775807");
	assert_true(strlen(fail.text) < 150);
}

static void the_error_is_clean_text(void **state)
{
	(void)state;
	assert_refuses("\x1b[31m", ERR_INVALID, ": ?[31m is not");
}

static void ranges_need_two_ids(void **state)
{
	(void)state;
	assert_refuses("5-", ERR_INVALID, ": 5- is not");
	assert_refuses("-", ERR_INVALID, ": - is not");
	assert_refuses("--", ERR_INVALID, ": -- is not");
	assert_refuses("1--5", ERR_INVALID, ": -5 is not");
	assert_refuses("1-2-3", ERR_INVALID, ": 2-3 is not");
	assert_refuses("0-3", ERR_INVALID, ": 0 is not");
	assert_refuses("1-x", ERR_INVALID, ": x is not");
	assert_refuses("1-9223372036854775808", ERR_INVALID, ": 9223372036854775808 is not");
}

static void a_backward_range_is_refused(void **state)
{
	(void)state;
	assert_refuses("1\n5-4", ERR_INVALID, "line 2: range 5-4 ends before it begins");
}

static void the_limit_may_be_reached(void **state)
{
	struct idlist list = {0};
	struct fail fail;

	(void)state;
	assert_int_equal(idlist_parse_text(&list, "1-7 8 9-10", 10, 10, "x", &fail), ERR_OK);
	assert_int_equal(list.n, 10);
	idlist_free(&list);
}

static void one_more_than_the_limit_is_refused(void **state)
{
	static const char *const texts[] = {
	    "1-11", "1-10 11", "1-7 8 9-11", "1 2 3 4 5 6 7 8 9 10 11"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct fail fail = refusal(texts[i], 10);

		assert_fail(&fail, ERR_TOO_LARGE, "the list has more than 10 ids");
	}
}

/* Memory for these ranges does not exist: the test only ends if none is asked for. */
static void the_limit_comes_before_the_expansion(void **state)
{
	static const char *const texts[] = {
	    "1-9000000000000000000", "1-9223372036854775807", "5 2-9000000000000000000"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct fail fail = refusal(texts[i], IDLIST_MAX);

		assert_fail(&fail, ERR_TOO_LARGE, "more than 100000000 ids");
	}
}

static void ids_are_appended(void **state)
{
	struct idlist list = {0};
	struct fail fail;

	(void)state;
	idlist_push(&list, 9);
	idlist_add(&list, (const int64_t[]){8, 7}, 2);
	idlist_add(&list, NULL, 0);
	assert_int_equal(idlist_parse_text(&list, "6-5 4", 0, 3, "x", &fail), ERR_OK);
	assert_int_equal(idlist_parse_text(&list, "4", 1, 4, "x", &fail), ERR_OK);
	assert_int_equal(list.n, 4);
	assert_memory_equal(list.v, ((const int64_t[]){9, 8, 7, 4}), 4 * sizeof(int64_t));
	idlist_free(&list);
	assert_int_equal(list.n, 0);
}

static void many_ids_keep_their_places(void **state)
{
	struct idlist list = {0};

	(void)state;
	for (int64_t i = 1; i <= 100000; i++)
		idlist_push(&list, i * 3);
	for (int64_t i = 1; i <= 100000; i++)
		assert_int_equal(list.v[i - 1], i * 3);
	idlist_free(&list);
}

static void read_id_knows_a_smaller_maximum(void **state)
{
	struct fail fail;
	int64_t id;

	(void)state;
	assert_int_equal(idlist_read_id("1000", 4, 1000, "ids[2]", &id, &fail), ERR_OK);
	assert_int_equal(id, 1000);
	assert_int_equal(idlist_read_id("1001", 4, 1000, "ids[2]", &id, &fail), ERR_INVALID);
	assert_string_equal(fail.text, "ids[2]: 1001 is not an integer from 1 to 1000");
}

static void format_puts_the_separator_between(void **state)
{
	struct buf out = {0};

	(void)state;
	buf_add_str(&out, "[");
	idlist_format((const int64_t[]){1, INT64_MAX, 30}, 3, ',', &out);
	idlist_format(NULL, 0, ',', &out);
	buf_add_str(&out, "]");
	assert_string_equal(out.data, "[1,9223372036854775807,30]");
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(spaces_separate),
	    TEST(commas_separate),
	    TEST(lines_separate),
	    TEST(windows_lines_separate),
	    TEST(order_and_repetitions_stay),
	    TEST(ranges_are_expanded),
	    TEST(comments_end_at_the_line),
	    TEST(an_empty_text_lists_nothing),
	    TEST(large_ids_are_exact),
	    TEST(what_is_no_id_is_refused),
	    TEST(the_error_shows_the_element),
	    TEST(the_error_names_place_and_line),
	    TEST(a_range_error_names_place_and_line),
	    TEST(a_long_place_leaves_the_line_number),
	    TEST(a_long_element_is_cut_in_the_error),
	    TEST(the_error_is_clean_text),
	    TEST(ranges_need_two_ids),
	    TEST(a_backward_range_is_refused),
	    TEST(the_limit_may_be_reached),
	    TEST(one_more_than_the_limit_is_refused),
	    TEST(the_limit_comes_before_the_expansion),
	    TEST(ids_are_appended),
	    TEST(many_ids_keep_their_places),
	    TEST(read_id_knows_a_smaller_maximum),
	    TEST(format_puts_the_separator_between),
	};

	return RUN(tests);
}
