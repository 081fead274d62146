#include "exec_outcome.h"

#include "unit.h"

#include <time.h>

#define IDS                                                                                        \
	{                                                                                          \
		5, 7, 12, 7, 9223372036854775807                                                   \
	}
#define N 5

/* What comes of a text for the list above, in pieces of so many bytes. */
struct place {
	int64_t v[N];
	struct idlist ids;
	struct exec_outcomes outcomes;
	struct exec_output rest;
};

static void read_text(struct place *place, const char *text, size_t len, size_t piece)
{
	static const int64_t ids[] = IDS;

	memcpy(place->v, ids, sizeof(ids));
	place->ids = (struct idlist){.v = place->v, .n = N};
	exec_outcomes_init(&place->outcomes, &place->ids);
	exec_output_init(&place->rest, 20000);
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		char *copy = exact_copy(text + at, n);

		exec_outcomes_add(&place->outcomes, copy, n, &place->rest);
		free(copy);
	}
	exec_outcomes_end(&place->outcomes, &place->rest);
}

/* One letter per place: o, r, f, and - where nothing was said. */
static void letters(const struct exec_outcomes *outcomes, char text[N + 1])
{
	for (size_t i = 0; i < N; i++)
		text[i] = outcomes->of_ids.results && outcomes->of_ids.said[i]
		              ? "orf?"[outcomes->of_ids.results[i].outcome]
		              : '-';
	text[N] = '\0';
}

static void assert_bytes(const char *text, size_t len, const char *wanted, const char *rest)
{
	for (size_t piece = 1; piece <= len; piece++) {
		struct place place;
		struct output out;
		char got[N + 1];

		read_text(&place, text, len, piece);
		letters(&place.outcomes, got);
		exec_output_take(&place.rest, &out);
		assert_string_equal(got, wanted);
		assert_string_equal(out.text ? out.text : "", rest);
		free(out.text);
		exec_outcomes_free(&place.outcomes);
	}
}

static void assert_read(const char *text, const char *wanted, const char *rest)
{
	assert_bytes(text, strlen(text), wanted, rest);
}

static void lines_of_ids_are_taken_out(void **state)
{
	(void)state;
	assert_read("5\tok\n12\tretry\n9223372036854775807\tfail\n", "o-r-f", "");
	assert_read("hello\n5\tok\nworld\n12\tfail\tno\nend", "o-f--", "hello\nworld\nend");
	assert_read("nothing\n", "-----", "nothing\n");
	assert_read("\n\n5\tok\n\n", "o----", "\n\n\n");
}

static void the_last_line_needs_no_newline(void **state)
{
	(void)state;
	assert_read("5\tok", "o----", "");
	assert_read("5\tok\n12\tfail\tx", "o-f--", "");
}

static void all_places_of_an_id_are_meant(void **state)
{
	(void)state;
	assert_read("7\tok\n", "-o-o-", "");
}

static void the_last_word_counts(void **state)
{
	(void)state;
	assert_read("7\tfail\tx\n7\tok\n5\tok\n5\tretry\n", "ro-o-", "");
}

static void cr_before_the_newline_is_tolerated(void **state)
{
	(void)state;
	assert_read("5\tok\r\n12\tfail\tx\r\n", "o-f--", "");
	assert_read("5\tok\r", "o----", "");
}

static void other_lines_are_ordinary(void **state)
{
	static const char *const lines[] = {"6\tok\n", "05\tok\n", "+5\tok\n", " 5\tok\n", "5 ok\n",
	    "5\tOK\n", "5\tokay\n", "5\to\n", "5\t\n", "5\n", "\tok\n", "5\t\tok\n", "5x\tok\n",
	    "5\tok \n", "-5\tok\n", "0\tok\n", "9223372036854775808\tok\n",
	    "99999999999999999999999\tok\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_read(lines[i], "-----", lines[i]);
	assert_bytes("5\0\tok\n", 6, "-----", "5?\tok\n");
	assert_bytes("5\tok\0\n", 6, "-----", "5\tok?\n");
}

static void a_line_of_4_kib_is_the_longest(void **state)
{
	char text[EXEC_OUTCOME_LINE_MAX + 20];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "5\tfail\t", 7);
	for (size_t piece = 1; piece < sizeof(text); piece += 1000) {
		struct place place;
		struct output out;
		char got[N + 1];

		text[EXEC_OUTCOME_LINE_MAX - 1] = '\n';
		memcpy(text + EXEC_OUTCOME_LINE_MAX, "7\tok\n", 5);
		read_text(&place, text, EXEC_OUTCOME_LINE_MAX + 5, piece);
		letters(&place.outcomes, got);
		assert_string_equal(got, "fo-o-");
		assert_int_equal(
		    strlen(place.outcomes.of_ids.results[0].message), ATTEMPT_ID_ERROR_MAX);
		exec_outcomes_free(&place.outcomes);
		exec_output_free(&place.rest);

		text[EXEC_OUTCOME_LINE_MAX - 1] = 'x';
		text[EXEC_OUTCOME_LINE_MAX] = '\n';
		memcpy(text + EXEC_OUTCOME_LINE_MAX + 1, "7\tok\n", 5);
		read_text(&place, text, EXEC_OUTCOME_LINE_MAX + 6, piece);
		letters(&place.outcomes, got);
		assert_string_equal(got, "-o-o-");
		exec_output_take(&place.rest, &out);
		assert_int_equal(out.bytes, EXEC_OUTCOME_LINE_MAX + 1);
		free(out.text);
		exec_outcomes_free(&place.outcomes);
	}
}

static void assert_message(const char *text, const char *message)
{
	struct place place;

	read_text(&place, text, strlen(text), 3);
	if (message)
		assert_string_equal(place.outcomes.of_ids.results[0].message, message);
	else
		assert_null(place.outcomes.of_ids.results[0].message);
	exec_outcomes_free(&place.outcomes);
	exec_output_free(&place.rest);
}

static void messages_are_cleaned(void **state)
{
	(void)state;
	assert_message("5\tfail\tno such user", "no such user");
	assert_message("5\tretry\ta\tb\x1b[1m\xff", "a b?[1m?");
	assert_message("5\tfail\t", NULL);
	assert_message("5\tfail", NULL);
	assert_message("5\tok\tfine", NULL);
	assert_message("5\tfail\tx\n5\tfail", NULL);
	assert_message("5\tfail\tx\n5\tfail\ty\n", "y");
}

/* In a list as long as it can be, all ids are found, in any order. */
static void every_id_of_a_long_list_is_found(void **state)
{
	enum { COUNT = 10000 };
	struct idlist ids = {0};
	struct exec_outcomes outcomes;
	struct exec_output rest;

	(void)state;
	for (int64_t i = 0; i < COUNT; i++)
		idlist_push(&ids, (i * 7919) % COUNT + 1);
	exec_outcomes_init(&outcomes, &ids);
	exec_output_init(&rest, 100);
	for (int id = COUNT; id > 0; id--) {
		char line[40];

		snprintf(line, sizeof(line), "%d\t%s\n", id, id % 3 ? "ok" : "fail");
		exec_outcomes_add(&outcomes, line, strlen(line), &rest);
	}
	for (size_t i = 0; i < COUNT; i++) {
		assert_true(outcomes.of_ids.said[i]);
		assert_int_equal(outcomes.of_ids.results[i].outcome,
		    ids.v[i] % 3 ? OUTCOME_COMPLETED : OUTCOME_FAILED);
	}
	assert_int_equal(rest.head_n, 0);
	exec_outcomes_free(&outcomes);
	exec_output_free(&rest);
	idlist_free(&ids);
}

/* The work must not be that of lines times places: this would take minutes. */
static void a_line_for_each_place_of_the_same_id_is_little_work(void **state)
{
	static const char line[] = "7\tfail\tno such item\n";
	struct idlist ids = {0};
	struct exec_outcomes outcomes;
	struct exec_output rest;
	clock_t begin = clock();

	(void)state;
	for (int i = 0; i < 10000; i++)
		idlist_push(&ids, 7);
	exec_outcomes_init(&outcomes, &ids);
	exec_output_init(&rest, 100);
	for (int i = 0; i < 500000; i++)
		exec_outcomes_add(&outcomes, line, strlen(line), &rest);
	exec_outcomes_end(&outcomes, &rest);
	for (size_t i = 0; i < ids.n; i++) {
		assert_true(outcomes.of_ids.said[i]);
		assert_int_equal(outcomes.of_ids.results[i].outcome, OUTCOME_FAILED);
		assert_string_equal(outcomes.of_ids.results[i].message, "no such item");
	}
	assert_true(clock() - begin < 10 * CLOCKS_PER_SEC);
	exec_outcomes_free(&outcomes);
	exec_output_free(&rest);
	idlist_free(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(lines_of_ids_are_taken_out),
	    TEST(the_last_line_needs_no_newline),
	    TEST(all_places_of_an_id_are_meant),
	    TEST(the_last_word_counts),
	    TEST(cr_before_the_newline_is_tolerated),
	    TEST(other_lines_are_ordinary),
	    TEST(a_line_of_4_kib_is_the_longest),
	    TEST(messages_are_cleaned),
	    TEST(every_id_of_a_long_list_is_found),
	    TEST(a_line_for_each_place_of_the_same_id_is_little_work),
	};

	return RUN(tests);
}
