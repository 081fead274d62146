#include "idtext.h"

#include "unit.h"
#include "util.h"

#define LIMIT 1000

/*
 * Reads a text in pieces of `piece` bytes, at most `max` ids at a time, and appends the ids to
 * `ids`. Each piece is a copy that is gone when the next one comes.
 */
static enum err read_in_pieces(struct idtext *text, const char *string, size_t piece, size_t max,
    struct idlist *ids, struct fail *fail)
{
	size_t len = strlen(string), at = 0, before;

	fail->err = ERR_OK;
	for (bool ended = false; !ended; at += piece) {
		size_t n = at < len ? (len - at < piece ? len - at : piece) : 0;
		char *copy = exact_copy(string + (n > 0 ? at : 0), n);

		ended = n == 0;
		idtext_add(text, copy, n);
		do {
			before = ids->n;
			idtext_read(text, before + max, ids, fail);
		} while (!fail->err && ids->n == before + max);
		free(copy);
		if (fail->err)
			break;
		assert_int_equal(idtext_ended(text), ended);
	}
	return fail->err;
}

static struct fail refusal(const char *string, size_t piece)
{
	struct idtext text;
	struct idlist ids = {0};
	struct fail fail;

	idtext_start(&text, "ids.txt", true, 0, LIMIT);
	if (!read_in_pieces(&text, string, piece, 2, &ids, &fail))
		fail_msg("\"%s\" is accepted", string);
	idlist_free(&ids);
	return fail;
}

static void pieces_can_end_anywhere(void **state)
{
	static const char string[] =
	    "# 1 a comment, 2\n10 11,12\r\n9223372036854775807#x\n\n5-9,1-2 33 # 4\n100-140 7";
	struct idlist whole = {0};
	struct fail fail;

	(void)state;
	assert_int_equal(
	    idlist_parse_text(&whole, string, strlen(string), LIMIT, "x", &fail), ERR_OK);
	assert_int_equal(whole.n, 4 + 5 + 2 + 1 + 41 + 1);
	for (size_t piece = 1; piece <= sizeof(string); piece++)
		for (size_t max = 1; max < 60; max += 7) {
			struct idtext text;
			struct idlist ids = {0};

			idtext_start(&text, "x", true, 0, LIMIT);
			if (read_in_pieces(&text, string, piece, max, &ids, &fail))
				fail_msg("pieces of %zu: %s", piece, fail.text);
			assert_int_equal(ids.n, whole.n);
			assert_memory_equal(ids.v, whole.v, ids.n * sizeof(*ids.v));
			assert_int_equal(text.n, ids.n);
			idlist_free(&ids);
		}
	idlist_free(&whole);
}

static void no_more_ids_than_wanted(void **state)
{
	struct idtext text;
	struct idlist ids = {0};
	struct fail fail;

	(void)state;
	idtext_start(&text, "x", false, 0, LIMIT);
	idtext_add(&text, "1 2 3-8 9", 9);
	for (int64_t id = 1; id <= 8; id++) {
		assert_int_equal(idtext_read(&text, 1, &ids, &fail), ERR_OK);
		assert_int_equal(ids.n, 1);
		assert_int_equal(ids.v[0], id);
		ids.n = 0;
	}
	/* Whether the 9 goes on is not known yet. */
	assert_int_equal(idtext_read(&text, 1, &ids, &fail), ERR_OK);
	assert_int_equal(ids.n, 0);
	idtext_add(&text, NULL, 0);
	assert_int_equal(idtext_read(&text, 10, &ids, &fail), ERR_OK);
	assert_int_equal(ids.n, 1);
	idlist_free(&ids);
}

/* Memory for all of it does not exist. */
static void a_long_range_takes_as_much_memory_as_is_asked_for(void **state)
{
	struct idtext text;
	struct idlist ids = {0};
	struct fail fail;

	(void)state;
	idtext_start(&text, "x", false, 0, SIZE_MAX);
	idtext_add(&text, "1-9000000000000000000 ", 22);
	for (int64_t i = 0; i < 1000; i++) {
		ids.n = 0;
		assert_int_equal(idtext_read(&text, 100, &ids, &fail), ERR_OK);
		assert_int_equal(ids.n, 100);
		assert_int_equal(ids.v[0], i * 100 + 1);
	}
	assert_true(ids.cap <= 200);
	idlist_free(&ids);
}

static void a_range_may_end_at_the_largest_id(void **state)
{
	struct idtext text;
	struct idlist ids = {0};
	struct fail fail;

	(void)state;
	idtext_start(&text, "x", false, 0, LIMIT);
	assert_int_equal(
	    read_in_pieces(&text, "9223372036854775805-9223372036854775807", 5, 2, &ids, &fail),
	    ERR_OK);
	assert_int_equal(ids.n, 3);
	assert_int_equal(ids.v[2], INT64_MAX);
	idlist_free(&ids);
}

static void the_limit_counts_what_came_before(void **state)
{
	struct idtext text;
	struct idlist ids = {0};
	struct fail fail;

	(void)state;
	idtext_start(&text, "x", false, 7, 10);
	assert_int_equal(read_in_pieces(&text, "1 2-3", 100, 100, &ids, &fail), ERR_OK);
	assert_int_equal(text.n, 10);
	idtext_start(&text, "x", false, 7, 10);
	read_in_pieces(&text, "1 2-4", 100, 100, &ids, &fail);
	assert_fail(&fail, ERR_TOO_LARGE, "x: with 2-4 the list has more than 10 ids");
	idtext_start(&text, "x", false, 10, 10);
	read_in_pieces(&text, "1", 100, 100, &ids, &fail);
	assert_fail(&fail, ERR_TOO_LARGE, "x: with 1 the list has more than 10 ids");
	idlist_free(&ids);
}

static void the_line_is_counted_over_pieces(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 5, 100};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		struct fail fail = refusal("1\n2 # x\n\n3 4 five 6\n", pieces[i]);

		assert_fail(&fail, ERR_INVALID,
		    "ids.txt, line 4: five is not an integer from 1 to 9223372036854775807");
		fail = refusal("x", pieces[i]);
		assert_fail(&fail, ERR_INVALID, "ids.txt, line 1: x is not");
		fail = refusal("1\n7-6", pieces[i]);
		assert_fail(&fail, ERR_INVALID, "ids.txt, line 2: range 7-6 ends before it begins");
		fail = refusal("1\n\n2-5000", pieces[i]);
		assert_fail(&fail, ERR_TOO_LARGE, "ids.txt, line 3: with 2-5000 the list has more");
	}
}

/* The text has no end: only an error before it ends this test. */
static void what_is_no_list_is_refused_soon(void **state)
{
	static const char *const endless[] = {"7", "x", "\xff", "1-1"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(endless); i++) {
		struct idtext text;
		struct idlist ids = {0};
		struct fail fail;
		size_t bytes = 0;

		idtext_start(&text, "stdin", true, 0, LIMIT);
		do {
			idtext_add(&text, endless[i], strlen(endless[i]));
			bytes += strlen(endless[i]);
		} while (!idtext_read(&text, 100, &ids, &fail));
		assert_fail(&fail, ERR_INVALID, "... is not an integer from 1 to");
		assert_true(bytes <= IDTEXT_TOKEN_MAX + 3);
		idlist_free(&ids);
	}
}

static void nul_bytes_are_refused(void **state)
{
	struct idtext text;
	struct idlist ids = {0};
	struct fail fail;
	char zeros[4096] = {0};

	(void)state;
	idtext_start(&text, "/dev/zero", true, 0, LIMIT);
	idtext_add(&text, zeros, sizeof(zeros));
	assert_int_equal(idtext_read(&text, 100, &ids, &fail), ERR_INVALID);
	assert_contains(fail.text, "/dev/zero, line 1: ");
	idlist_free(&ids);
}

/* A range that is cut at the longest token must not become a valid one. */
static void a_cut_token_is_never_valid(void **state)
{
	char string[200];
	struct fail fail;

	(void)state;
	for (size_t digits = 1; digits < 19; digits++) {
		memset(string, '1', sizeof(string));
		string[digits] = '-';
		string[sizeof(string) - 1] = '\0';
		fail = refusal(string, 64);
		assert_fail(&fail, ERR_INVALID, "is not an integer");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(pieces_can_end_anywhere),
	    TEST(no_more_ids_than_wanted),
	    TEST(a_long_range_takes_as_much_memory_as_is_asked_for),
	    TEST(a_range_may_end_at_the_largest_id),
	    TEST(the_limit_counts_what_came_before),
	    TEST(the_line_is_counted_over_pieces),
	    TEST(what_is_no_list_is_refused_soon),
	    TEST(nul_bytes_are_refused),
	    TEST(a_cut_token_is_never_valid),
	};

	return RUN(tests);
}
