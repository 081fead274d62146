#include "upstream_reply.h"

#include "unit.h"
#include "util.h"

#define NOW_MS 1795352548000 /* 2026-11-22T13:02:28Z */

/* The answer to a run of the ids 1 to 3. */
struct place {
	struct idlist ids;
	struct upstream_reply reply;
	struct ending ending;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	for (int64_t id = 1; id <= 3; id++)
		idlist_push(&place->ids, id);
	upstream_reply_init(&place->reply, 1000);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	ending_free(&place->ending);
	upstream_reply_free(&place->reply);
	idlist_free(&place->ids);
	free(place);
	return 0;
}

static void judge(struct place *place, long status, const char *body)
{
	ending_free(&place->ending);
	upstream_reply_free(&place->reply);
	place->reply.body = (struct buf){0};
	place->reply.too_long = false;
	if (*body)
		upstream_reply_body(&place->reply, body, strlen(body));
	upstream_reply_judge(&place->reply, status, &place->ids, &place->ending);
}

static void assert_why(const struct place *place, enum failure failure, const char *message)
{
	assert_int_equal(place->ending.failure, failure);
	if (message)
		assert_string_equal(place->ending.message, message);
	else
		assert_null(place->ending.message);
}

/* Of all ids. */
static void assert_all(
    const struct place *place, enum outcome outcome, enum failure failure, const char *message)
{
	assert_null(place->ending.results);
	assert_int_equal(place->ending.outcome, outcome);
	assert_why(place, failure, message);
}

/* A letter per id: o, r, f, i. */
static void assert_each(
    const struct place *place, const char *letters, enum failure failure, const char *message)
{
	assert_int_equal(place->ending.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal("orfi"[ending_outcome(&place->ending, i)], letters[i]);
	assert_why(place, failure, message);
}

static void any_body_of_a_2xx_will_do(void **state)
{
	static const char *const bodies[] = {"", "OK", "{", "[", "<html>", "{}", "[]", "null",
	    "{\"x\":1,\"x\":2}", "{\"result\":7}", "\"results\"", "{\"results\":[]}", "\xff",
	    "{\"results\":[{\"id\":9,\"status\":\"fail\"}]}"};
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		judge(place, 200 + (long)i, bodies[i]);
		assert_all(place, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	}
}

static void a_status_decides(void **state)
{
	static const struct {
		long status;
		enum outcome outcome;
		const char *message;
	} rows[] = {{300, OUTCOME_FAILED, "HTTP 300 (redirects are not followed): no"},
	    {308, OUTCOME_FAILED, "HTTP 308 (redirects are not followed): no"},
	    {400, OUTCOME_FAILED, "HTTP 400: no"}, {404, OUTCOME_FAILED, "HTTP 404: no"},
	    {407, OUTCOME_FAILED, "HTTP 407: no"}, {408, OUTCOME_RETRY, "HTTP 408: no"},
	    {424, OUTCOME_FAILED, "HTTP 424: no"}, {425, OUTCOME_RETRY, "HTTP 425: no"},
	    {429, OUTCOME_RETRY, "HTTP 429: no"}, {499, OUTCOME_FAILED, "HTTP 499: no"},
	    {500, OUTCOME_RETRY, "HTTP 500: no"}, {503, OUTCOME_RETRY, "HTTP 503: no"},
	    {599, OUTCOME_RETRY, "HTTP 599: no"}};
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		judge(place, rows[i].status, "no");
		assert_all(place, rows[i].outcome, FAILURE_STATUS, rows[i].message);
		assert_int_equal(place->ending.hold_ms, 0);
	}
}

static void the_error_has_the_detail_or_the_first_line(void **state)
{
	char body[400], wanted[400];
	struct place *place = *state;

	judge(place, 500, "");
	assert_why(place, FAILURE_STATUS, "HTTP 500");
	judge(place, 500, "\r\n one\ttwo\x1b[0m\r\nthree");
	assert_why(place, FAILURE_STATUS, "HTTP 500: one?two?[0m");
	judge(place, 500, " <html>");
	assert_why(place, FAILURE_STATUS, "HTTP 500");
	judge(place, 400, "{\"title\":\"x\",\"detail\":\"d\\u00e4\\n\"}");
	assert_why(place, FAILURE_STATUS, "HTTP 400: d\xc3\xa4?");
	judge(place, 400, "{\"detail\":7}");
	assert_why(place, FAILURE_STATUS, "HTTP 400: {\"detail\":7}");
	memset(body, 'x', 399);
	body[399] = '\0';
	judge(place, 400, body);
	snprintf(wanted, sizeof(wanted), "HTTP 400: %.200s", body);
	assert_why(place, FAILURE_STATUS, wanted);
}

static void ids_have_outcomes_of_their_own(void **state)
{
	struct place *place = *state;

	judge(place, 200,
	    "{\"results\":[{\"id\":2,\"status\":\"ok\"},{\"id\":2,\"status\":\"fail\",\"message\":"
	    "\"gone\",\"x\":1},{\"id\":\"3\",\"status\":\"retry\",\"message\":null}]}");
	assert_each(place, "ofr", FAILURE_IDS, "2 of 3 ids were not done; id 2: gone");
	assert_string_equal(ending_message(&place->ending, 1), "gone");
	assert_string_equal(ending_message(&place->ending, 2), "to be tried again");
	judge(place, 200, "{\"results\":[{\"id\":2,\"status\":\"ok\",\"message\":\"fine\"}]}");
	assert_each(place, "ooo", FAILURE_NONE, NULL);
	assert_null(ending_message(&place->ending, 1));
}

static void ids_are_exact(void **state)
{
	struct place *place = *state;

	place->ids.v[0] = 9007199254740993;
	place->ids.v[1] = 9007199254740992;
	place->ids.v[2] = INT64_MAX;
	judge(place, 200,
	    "{\"results\":[{\"id\":9007199254740993,\"status\":\"fail\"},"
	    "{\"id\":9223372036854775807,\"status\":\"retry\"}]}");
	assert_each(
	    place, "for", FAILURE_IDS, "2 of 3 ids were not done; id 9007199254740993: failed");
}

static void ids_of_a_bad_status_have_their_own_outcomes_too(void **state)
{
	struct place *place = *state;

	judge(place, 422,
	    "{\"results\":[{\"id\":1,\"status\":\"ok\"},{\"id\":3,\"status\":\"retry\"}]}");
	assert_each(place, "ofr", FAILURE_STATUS,
	    "HTTP 422: "
	    "{\"results\":[{\"id\":1,\"status\":\"ok\"},{\"id\":3,\"status\":\"retry\"}]}");
	judge(place, 500, "{\"detail\":\"d\",\"results\":[{\"id\":1,\"status\":\"ok\"}]}");
	assert_each(place, "orr", FAILURE_STATUS, "HTTP 500: d");
	judge(place, 500, "{\"detail\":\"d\",\"results\":[{\"id\":1,\"status\":\"no\"}]}");
	assert_all(place, OUTCOME_RETRY, FAILURE_STATUS, "HTTP 500: d");
	judge(place, 400, "{\"detail\":\"d\",\"results\":7}");
	assert_all(place, OUTCOME_FAILED, FAILURE_STATUS, "HTTP 400: d");
}

static void a_byte_order_mark_hides_nothing(void **state)
{
	struct place *place = *state;

	judge(place, 200, "\xef\xbb\xbf{\"results\":[{\"id\":2,\"status\":\"fail\"}]}");
	assert_each(place, "ofo", FAILURE_IDS, "id 2: failed");
}

static void wrong_results_are_not_taken_for_success(void **state)
{
#define UNUSABLE "HTTP 200: the answer cannot be used: "
	static const struct {
		const char *body, *message;
	} rows[] = {{"{\"results\":7}", UNUSABLE "\"results\" is not an array"},
	    {"{\"results\":null}", UNUSABLE "\"results\" is not an array"},
	    {"{\"results\":[7]}", UNUSABLE "results[0] is not an object"},
	    {"{\"results\":[{\"id\":1,\"status\":\"ok\"},{\"status\":\"ok\"}]}",
		UNUSABLE "results[1] has no \"id\" from 1 to 9223372036854775807"},
	    {"{\"results\":[{\"id\":1.0,\"status\":\"ok\"}]}",
		UNUSABLE "results[0] has no \"id\" from 1 to 9223372036854775807"},
	    {"{\"results\":[{\"id\":1}]}", UNUSABLE "results[0] has no string \"status\""},
	    {"{\"results\":[{\"id\":1,\"status\":7}]}",
		UNUSABLE "results[0] has no string \"status\""},
	    {"{\"results\":[{\"id\":1,\"status\":\"ok\",\"message\":7}]}",
		UNUSABLE "results[0] has a \"message\" that is no string"},
	    {"{\"results\":[{\"id\":1,\"status\":\"ok\"},{\"id\":2,\"status\":\"OK\"}]}",
		UNUSABLE "results[1] has the status \"OK\", which is none of ok, retry, fail"},
	    {" {\"results\":[{\"id\":1,\"status\":\"fail\"}",
		UNUSABLE "not valid JSON at byte 37: the text ends too early"},
	    {"\xef\xbb\xbf{\"results\":7}", UNUSABLE "\"results\" is not an array"},
	    {"\xef\xbb\xbf{\"results\":[",
		UNUSABLE "not valid JSON at byte 12: the text ends too early"}};
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		judge(place, 200, rows[i].body);
		assert_all(place, OUTCOME_RETRY, FAILURE_REPLY, rows[i].message);
	}
}

static void a_body_that_is_too_long_is_cut(void **state)
{
	struct place *place = *state;
	char body[1001];

	memset(body, 'x', sizeof(body));
	assert_true(upstream_reply_body(&place->reply, body, 600));
	assert_true(upstream_reply_body(&place->reply, body, 400));
	assert_false(upstream_reply_body(&place->reply, body, 1));
	assert_int_equal(place->reply.body.len, 1000);
	upstream_reply_judge(&place->reply, 200, &place->ids, &place->ending);
	assert_all(place, OUTCOME_RETRY, FAILURE_REPLY,
	    "HTTP 200: the answer has more than 1000 bytes (--upstream-max-reply)");
	ending_free(&place->ending);
	/* What the status says holds without the body. */
	upstream_reply_judge(&place->reply, 400, &place->ids, &place->ending);
	assert_int_equal(place->ending.outcome, OUTCOME_FAILED);
}

/* ---- a rest ---- */

static void read_header(struct place *place, const char *line)
{
	char *copy = exact_copy(line, strlen(line));

	upstream_reply_header(&place->reply, copy, strlen(line), NOW_MS);
	free(copy);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
	static const struct {
		const char *line;
		int64_t rest_ms; /* -1: none */
	} rows[] = {{"Retry-After: 7\r\n", 7000}, {"retry-after:7", 7000},
	    {"RETRY-AFTER: \t7 \r\n", 7000}, {"Retry-After: 0\r\n", 0},
	    {"Retry-After: 9223372036854775807\r\n", 365 * 86400000LL},
	    {"Retry-After: 99999999999999999999\r\n", -1}, {"Retry-After: -1\r\n", -1},
	    {"Retry-After: 1.5\r\n", -1}, {"Retry-After: soon\r\n", -1}, {"Retry-After: \r\n", -1},
	    {"Retry-After:", -1}, {"Retry-After", -1}, {"X-Retry-After: 7\r\n", -1},
	    {"Retry-After: Sun, 22 Nov 2026 13:02:38 GMT\r\n", 10000},
	    {"Retry-After: Sunday, 22-Nov-26 13:02:38 GMT\r\n", 10000},
	    {"Retry-After: Sun Nov 22 13:02:38 2026\r\n", 10000},
	    {"Retry-After: Sun, 22 Nov 2026 13:02:18 GMT\r\n", 0},
	    {"Retry-After: Fri, 22 Nov 2086 13:02:38 GMT\r\n", 365 * 86400000LL},
	    {"Retry-After: 13:02 or so\r\n", -1}};
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		read_header(place, "HTTP/1.1 503 No\r\n");
		read_header(place, rows[i].line);
		if (place->reply.has_rest != (rows[i].rest_ms >= 0) ||
		    (rows[i].rest_ms >= 0 && place->reply.rest_ms != rows[i].rest_ms))
			fail_msg("%s: %d %lld", rows[i].line, place->reply.has_rest,
			    (long long)place->reply.rest_ms);
	}
}

static void a_rest_does_not_count(void **state)
{
	struct place *place = *state;

	read_header(place, "Retry-After: 7\r\n");
	judge(place, 429, "slow");
	assert_all(place, OUTCOME_INTERRUPTED, FAILURE_STATUS,
	    "HTTP 429, to be tried again after 7s: slow");
	assert_int_equal(place->ending.hold_ms, 7000);
	judge(place, 503, "{\"results\":[{\"id\":1,\"status\":\"ok\"}]}");
	assert_int_equal(place->ending.outcome, OUTCOME_INTERRUPTED);
	assert_int_equal(ending_outcome(&place->ending, 0), OUTCOME_COMPLETED);
	assert_int_equal(ending_outcome(&place->ending, 1), OUTCOME_INTERRUPTED);
	assert_int_equal(place->ending.hold_ms, 7000);
	judge(place, 500, "");
	assert_all(place, OUTCOME_RETRY, FAILURE_STATUS, "HTTP 500");
	assert_int_equal(place->ending.hold_ms, 0);
	judge(place, 200, "");
	assert_all(place, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	assert_int_equal(place->ending.hold_ms, 0);
}

static void a_notice_is_told_or_not(void **state)
{
	struct place *place = *state;

	place->ids.n = 0;
	judge(place, 200, "{\"results\":[{\"id\":1,\"status\":\"fail\"}]}");
	assert_all(place, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	judge(place, 500, "");
	assert_all(place, OUTCOME_RETRY, FAILURE_STATUS, "HTTP 500");
}

static void the_body_is_kept_to_be_shown(void **state)
{
	struct place *place = *state;
	struct output output;

	judge(place, 200, "");
	upstream_reply_output(&place->reply, &output);
	assert_null(output.text);
	assert_int_equal(output.bytes, 0);
	judge(place, 200, "one\n\x1btwo");
	upstream_reply_output(&place->reply, &output);
	assert_string_equal(output.text, "one\n?two");
	assert_int_equal(output.bytes, 8);
	free(output.text);
}

#define REPLY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    REPLY_TEST(any_body_of_a_2xx_will_do),
	    REPLY_TEST(a_status_decides),
	    REPLY_TEST(the_error_has_the_detail_or_the_first_line),
	    REPLY_TEST(ids_have_outcomes_of_their_own),
	    REPLY_TEST(ids_are_exact),
	    REPLY_TEST(ids_of_a_bad_status_have_their_own_outcomes_too),
	    REPLY_TEST(a_byte_order_mark_hides_nothing),
	    REPLY_TEST(wrong_results_are_not_taken_for_success),
	    REPLY_TEST(a_body_that_is_too_long_is_cut),
	    REPLY_TEST(retry_after_is_seconds_or_a_date),
	    REPLY_TEST(a_rest_does_not_count),
	    REPLY_TEST(a_notice_is_told_or_not),
	    REPLY_TEST(the_body_is_kept_to_be_shown),
	};

	return RUN(tests);
}
