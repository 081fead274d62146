#include "requests.h"
#include "transcript.h"
#include "unit.h"

#define BODY_MAX (16 * 1024 * 1024)

/* ---- the table: every case in every cut ---- */

/* The lengths of the first and of the other pieces. */
static void run(struct transcript *t, const char *data, size_t len, size_t first, size_t piece)
{
	transcript_init(t, BODY_MAX);
	for (size_t at = 0; at < len;) {
		size_t n = at == 0 && first > 0 ? first : piece;

		n = n < len - at ? n : len - at;
		if (!transcript_feed(t, data + at, n))
			break;
		at += n;
	}
	transcript_end(t);
	if (t->broken)
		fail_msg("in pieces of %zu and %zu: %s", first, piece, t->broken);
}

static void assert_same(
    const struct transcript *whole, const char *data, size_t len, size_t first, size_t piece)
{
	struct transcript t;

	run(&t, data, len, first, piece);
	if (strcmp(t.text.data, whole->text.data) != 0)
		fail_msg("in pieces of %zu and %zu:\n%s", first, piece, t.text.data);
	if (strcmp(t.fields.data, whole->fields.data) != 0)
		fail_msg("in pieces of %zu and %zu: other fields", first, piece);
	if (t.used != whole->used)
		fail_msg("in pieces of %zu and %zu: %zu bytes used", first, piece, t.used);
	transcript_free(&t);
}

/* Every place near the ends; what lies between is more of the same in the long cases. */
static bool is_worth_a_cut(size_t at, size_t len)
{
	return at < 512 || len - at < 512 || at % 61 == 0;
}

static void outcome_is_that_of_the_table(void **state)
{
	const struct request_case *c = *state;
	struct transcript whole;
	size_t len;

	run(&whole, c->sent.data, c->sent.len, 0, c->sent.len);
	assert_string_equal(whole.text.data, c->want.data);
	/* What comes behind an error has no part in it. */
	len = whole.used + 8 < c->sent.len ? whole.used + 8 : c->sent.len;
	assert_same(&whole, c->sent.data, len, 0, 1);
	for (size_t at = 1; at < len; at++)
		if (is_worth_a_cut(at, len))
			assert_same(&whole, c->sent.data, len, at, len);
	transcript_free(&whole);
}

/* ---- what the table does not show ---- */

static enum http_event feed(struct http_parser *p, const char *text)
{
	size_t len = strlen(text), used;
	enum http_event event = http_parser_feed(p, text, len, &used);

	if (event != HTTP_ERROR)
		assert_int_equal(used, len);
	return event;
}

static void headers_are_found_by_name(void **state)
{
	struct http_parser p;
	const struct http_request *r = &p.request;
	const char *at = NULL, *name, *value;

	(void)state;
	http_parser_init(&p, BODY_MAX);
	assert_int_equal(feed(&p, "GET /a%20b?c HTTP/1.1\r\nHost: a\r\nX-One: \t a  b "
				  "\t\r\nTwo:\r\nx-one:c,D\r\n\r\n"),
	    HTTP_HEAD);
	assert_string_equal(r->method, "GET");
	assert_string_equal(r->target, "/a%20b?c");
	assert_string_equal(r->path, "/a b");
	assert_string_equal(r->query, "c");
	assert_string_equal(http_header(r, "X-ONE"), "a  b");
	assert_string_equal(http_header(r, "two"), "");
	assert_null(http_header(r, "x"));
	assert_null(http_header(r, "x-one:"));
	assert_true(http_header_has(r, "X-One", "d"));
	assert_false(http_header_has(r, "X-One", "a"));
	assert_true(http_header_next(r, &at, &name, &value));
	assert_string_equal(name, "host");
	assert_true(http_header_next(r, &at, &name, &value));
	assert_string_equal(name, "x-one");
	assert_true(http_header_next(r, &at, &name, &value));
	assert_string_equal(name, "two");
	assert_true(http_header_next(r, &at, &name, &value));
	assert_string_equal(value, "c,D");
	assert_false(http_header_next(r, &at, &name, &value));
	assert_false(http_header_next(r, &at, &name, &value));
	http_parser_free(&p);
}

static void a_request_may_have_no_headers(void **state)
{
	struct http_parser p;
	const char *at = NULL, *name, *value;

	(void)state;
	http_parser_init(&p, BODY_MAX);
	assert_int_equal(feed(&p, "GET / HTTP/1.0\r\n\r\n"), HTTP_HEAD);
	assert_false(http_header_next(&p.request, &at, &name, &value));
	assert_null(http_header(&p.request, "host"));
	assert_null(p.request.host);
	assert_null(p.request.query);
	http_parser_free(&p);
}

/* The caller's deadlines and what it makes of an end of the stream hang on it. */
static void stages_follow_the_stream(void **state)
{
	static const struct {
		const char *text;
		enum http_event event;
		enum http_stage stage;
	} steps[] = {
	    {"", HTTP_MORE, HTTP_IDLE},
	    {"\r", HTTP_MORE, HTTP_IDLE},
	    {"\n", HTTP_MORE, HTTP_IDLE},
	    {"G", HTTP_MORE, HTTP_IN_HEAD},
	    {"ET / HTTP/1.1\r\nHost: a\r\n\r", HTTP_MORE, HTTP_IN_HEAD},
	    {"\n", HTTP_HEAD, HTTP_IN_BODY},
	    {"", HTTP_END, HTTP_IDLE},
	    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", HTTP_HEAD, HTTP_IN_BODY},
	    {"a", HTTP_BODY, HTTP_IN_BODY},
	    {"", HTTP_MORE, HTTP_IN_BODY},
	    {"b", HTTP_BODY, HTTP_IN_BODY},
	    {"", HTTP_END, HTTP_IDLE},
	    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_HEAD,
		HTTP_IN_BODY},
	    {"1\r\na", HTTP_BODY, HTTP_IN_BODY},
	    {"\r\n0\r\nA: b\r\n", HTTP_MORE, HTTP_IN_BODY},
	    {"\r\n", HTTP_END, HTTP_IDLE},
	    {"", HTTP_MORE, HTTP_IDLE},
	    {"\n", HTTP_ERROR, HTTP_BROKEN},
	    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_ERROR, HTTP_BROKEN},
	};
	struct http_parser p;

	(void)state;
	http_parser_init(&p, BODY_MAX);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		enum http_event event = feed(&p, steps[i].text);

		if (event != steps[i].event || http_parser_stage(&p) != steps[i].stage)
			fail_msg("step %zu: event %d, stage %d", i, event, http_parser_stage(&p));
	}
	http_parser_free(&p);
}

static void a_request_outlives_its_end(void **state)
{
	struct http_parser p;

	(void)state;
	http_parser_init(&p, BODY_MAX);
	assert_int_equal(feed(&p, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_HEAD);
	assert_int_equal(feed(&p, ""), HTTP_END);
	assert_string_equal(p.request.path, "/a");
	assert_string_equal(http_header(&p.request, "Host"), "a");
	/* An idle connection gives its memory back, and goes on. */
	http_parser_free(&p);
	assert_null(p.head.data);
	assert_null(p.request.method);
	assert_int_equal(feed(&p, "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"), HTTP_HEAD);
	assert_string_equal(p.request.path, "/b");
	http_parser_free(&p);
}

/* The method and the target go to the access log, when there are any. */
static void what_is_known_of_a_refused_request_can_be_logged(void **state)
{
	struct http_parser p;

	(void)state;
	http_parser_init(&p, BODY_MAX);
	assert_int_equal(feed(&p, "PUT /a%2 HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_ERROR);
	assert_int_equal(p.error.status, 400);
	assert_string_equal(p.request.method, "PUT");
	assert_string_equal(p.request.target, "/a%2");
	http_parser_free(&p);
	http_parser_init(&p, BODY_MAX);
	assert_int_equal(feed(&p, "GET / HTTP/1.0\r\n\r\n"), HTTP_HEAD);
	assert_int_equal(feed(&p, ""), HTTP_END);
	assert_int_equal(feed(&p, "PUT / HTTP/1.1\r\n \r\n"), HTTP_ERROR);
	assert_null(p.request.method);
	assert_null(p.request.target);
	http_parser_free(&p);
}

/* What is used says where the next request starts, and bodies are not copied. */
static void pieces_of_a_body_are_in_the_input(void **state)
{
	const char *text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET";
	struct http_parser p;
	size_t used, head = strlen(text) - 6;

	(void)state;
	http_parser_init(&p, BODY_MAX);
	assert_int_equal(http_parser_feed(&p, text, strlen(text), &used), HTTP_HEAD);
	assert_int_equal(used, head);
	assert_int_equal(http_parser_feed(&p, text + head, 6, &used), HTTP_BODY);
	assert_int_equal(used, 3);
	assert_ptr_equal(p.piece, text + head);
	assert_int_equal(p.piece_len, 3);
	assert_int_equal(http_parser_feed(&p, text + head + 3, 3, &used), HTTP_END);
	assert_int_equal(used, 0);
	http_parser_free(&p);
}

static void assert_outcome(uint64_t body_max, const char *text, const char *want)
{
	struct transcript t;

	transcript_init(&t, body_max);
	transcript_feed(&t, text, strlen(text));
	transcript_end(&t);
	assert_string_equal(t.text.data, want);
	assert_null(t.broken);
	transcript_free(&t);
}

/* Its bounds, and those of the integers in which it is compared. */
static void the_limit_of_a_body_is_exact(void **state)
{
#define LENGTH(n) "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " n "\r\n\r\n"
#define CHUNK(n) "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" n
#define TOO_LONG "413 the body is longer than allowed\n"
#define OPEN(framing) "POST / HTTP/1.1 host=a " framing " keep \"\"\n"
	(void)state;
	assert_outcome(0, LENGTH("0"), OPEN("length=0"));
	assert_outcome(0, LENGTH("1"), TOO_LONG);
	assert_outcome(4, LENGTH("4"), OPEN("length=4") "more\n");
	assert_outcome(4, LENGTH("5"), TOO_LONG);
	assert_outcome(4, LENGTH("10"), TOO_LONG);
	assert_outcome(19, LENGTH("19"), OPEN("length=19") "more\n");
	assert_outcome(19, LENGTH("20"), TOO_LONG);
	assert_outcome(UINT64_MAX, LENGTH("18446744073709551615"),
	    OPEN("length=18446744073709551615") "more\n");
	assert_outcome(UINT64_MAX, LENGTH("18446744073709551616"), TOO_LONG);
	assert_outcome(0, CHUNK("0\r\n\r\n"), OPEN("chunked"));
	assert_outcome(0, CHUNK("1"), OPEN("chunked") TOO_LONG);
	assert_outcome(UINT64_MAX, CHUNK("ffffffffffffffff\r\n"), OPEN("chunked") "more\n");
	assert_outcome(UINT64_MAX, CHUNK("1\r\na\r\nffffffffffffffff"),
	    "POST / HTTP/1.1 host=a chunked keep \"a\"\n" TOO_LONG);
	assert_outcome(3, CHUNK("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
	    "POST / HTTP/1.1 host=a chunked keep \"abc\"\n");
}

/* Whatever comes, the parser holds no more than a head and what is decoded from it. */
static void memory_is_bounded(void **state)
{
	char piece[65536];
	struct http_parser p;
	size_t used, total = 0;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	http_parser_init(&p, BODY_MAX);
	assert_int_equal(feed(&p, "GET / HTTP/1.1\r\nX: "), HTTP_MORE);
	for (int i = 0; i < 320; i++) {
		enum http_event event = http_parser_feed(&p, piece, sizeof(piece), &used);

		assert_int_equal(event, HTTP_ERROR);
		total += used;
	}
	assert_int_equal(p.error.status, 431);
	assert_int_equal(total, HTTP_HEAD_MAX - strlen("GET / HTTP/1.1\r\nX: "));
	assert_true(p.head.cap <= 2 * HTTP_HEAD_MAX);
	http_parser_free(&p);
}

/* A large head's memory is not kept for the small ones behind it. */
static void memory_of_a_large_head_is_given_back(void **state)
{
	char value[8001];
	struct http_parser p;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	http_parser_init(&p, BODY_MAX);
	feed(&p, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	feed(&p, value);
	assert_int_equal(feed(&p, "\r\n\r\n"), HTTP_HEAD);
	assert_int_equal(feed(&p, ""), HTTP_END);
	assert_int_equal(feed(&p, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_HEAD);
	assert_true(p.head.cap < 2048);
	http_parser_free(&p);
}

static const struct CMUnitTest others[] = {
    TEST(headers_are_found_by_name),
    TEST(a_request_may_have_no_headers),
    TEST(stages_follow_the_stream),
    TEST(a_request_outlives_its_end),
    TEST(what_is_known_of_a_refused_request_can_be_logged),
    TEST(pieces_of_a_body_are_in_the_input),
    TEST(the_limit_of_a_body_is_exact),
    TEST(memory_is_bounded),
    TEST(memory_of_a_large_head_is_given_back),
};

int main(void)
{
	size_t n, n_others = sizeof(others) / sizeof(others[0]);
	struct request_case *cases = requests_read("tests/http/requests.txt", &n);
	struct CMUnitTest *tests = calloc(n + n_others, sizeof(*tests));
	int status;

	if (!tests)
		return 1;
	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){.name = cases[i].name,
		    .test_func = outcome_is_that_of_the_table,
		    .initial_state = &cases[i]};
	memcpy(tests + n, others, sizeof(others));
	status = _cmocka_run_group_tests("tests", tests, n + n_others, NULL, NULL);
	free(tests);
	requests_free(cases, n);
	return status;
}
