#include "unit.h"

#include "http_reply.h"
#include "util.h"

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" /* the example of RFC 9110 section 5.6.7 */
#define THEN 784111777000

static void assert_written(
    const struct http_reply *reply, struct http_delivery delivery, const char *wanted)
{
	struct buf out = {0};

	if (delivery.utc_ms == 0)
		delivery.utc_ms = THEN;
	http_reply_write(reply, &delivery, &out);
	assert_string_equal(out.data, wanted);
	assert_int_equal(out.len, strlen(wanted));
	buf_free(&out);
}

static struct http_reply reply_of(int status, const char *type, const char *body)
{
	struct http_reply reply = {.status = status, .type = type};

	buf_add_str(&reply.body, body);
	return reply;
}

static void a_reply_has_type_length_and_body(void **state)
{
	struct http_reply reply = reply_of(200, "text/plain", "hello");

	(void)state;
	http_reply_field(&reply, "ETag", "W/\"%d\"", 7);
	http_reply_field(&reply, "X", "y");
	assert_written(&reply, (struct http_delivery){.head = false},
	    "HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/plain\r\nContent-Length: 5\r\n"
	    "ETag: W/\"7\"\r\nX: y\r\n\r\nhello");
	http_reply_free(&reply);
	assert_int_equal(reply.status, 0);
}

static void what_answers_head_is_the_same_without_the_body(void **state)
{
	struct http_reply reply = reply_of(404, "text/plain", "hello");

	(void)state;
	assert_written(&reply, (struct http_delivery){.head = true},
	    "HTTP/1.1 404 Not Found\r\n" DATE
	    "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
	http_reply_free(&reply);
}

static void the_last_one_says_so(void **state)
{
	struct http_reply reply = reply_of(200, NULL, "");

	(void)state;
	assert_written(&reply, (struct http_delivery){.close = true},
	    "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 0\r\nConnection: close\r\n\r\n");
	http_reply_free(&reply);
}

/* RFC 9110 sections 8.6, 15.3.5 and 15.4.5: a length would be that of something else. */
static void statuses_without_a_body_have_no_length(void **state)
{
	struct http_reply nothing = reply_of(204, NULL, ""),
			  same = reply_of(304, "text/plain", "x");

	(void)state;
	assert_written(&nothing, (struct http_delivery){.close = false},
	    "HTTP/1.1 204 No Content\r\n" DATE "\r\n");
	assert_written(&same, (struct http_delivery){.close = true},
	    "HTTP/1.1 304 Not Modified\r\n" DATE "Connection: close\r\n\r\n");
	http_reply_free(&nothing);
	http_reply_free(&same);
}

static void bodies_may_have_any_bytes(void **state)
{
	struct http_reply reply = {.status = 200};
	struct buf out = {0};

	(void)state;
	buf_add(&reply.body, "a\0b\r\n", 5);
	http_reply_write(&reply, &(struct http_delivery){.utc_ms = THEN}, &out);
	assert_contains(out.data, "Content-Length: 5\r\n");
	assert_memory_equal(out.data + out.len - 9, "\r\n\r\na\0b\r\n", 9);
	buf_free(&out);
	http_reply_free(&reply);
}

static void dates_are_those_of_the_rfc(void **state)
{
	static const struct {
		int64_t utc_ms;
		const char *text;
	} dates[] = {
	    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
	    {951782399999, "Mon, 28 Feb 2000 23:59:59 GMT"},
	    {951782400000, "Tue, 29 Feb 2000 00:00:00 GMT"},
	    {4102444800000, "Fri, 01 Jan 2100 00:00:00 GMT"},
	    {1766880000000, "Sun, 28 Dec 2025 00:00:00 GMT"},
	    {1767139200000, "Wed, 31 Dec 2025 00:00:00 GMT"},
	};
	struct http_reply reply = {.status = 204};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(dates); i++) {
		struct buf out = {0};

		http_reply_write(&reply, &(struct http_delivery){.utc_ms = dates[i].utc_ms}, &out);
		assert_contains(out.data, dates[i].text);
		buf_free(&out);
	}
}

static void every_status_of_an_error_has_a_reason(void **state)
{
	static const int others[] = {
	    200, 201, 202, 204, 304, 408, 414, 415, 417, 421, 431, 501, 505};

	(void)state;
	for (int err = ERR_OK + 1; err < ERR_COUNT; err++)
		assert_string_not_equal(http_reason(err_http_status((enum err)err)), "Unknown");
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_string_not_equal(http_reason(others[i]), "Unknown");
	assert_string_equal(http_reason(299), "Unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_reply_has_type_length_and_body),
	    TEST(what_answers_head_is_the_same_without_the_body),
	    TEST(the_last_one_says_so),
	    TEST(statuses_without_a_body_have_no_length),
	    TEST(bodies_may_have_any_bytes),
	    TEST(dates_are_those_of_the_rfc),
	    TEST(every_status_of_an_error_has_a_reason),
	};

	return RUN(tests);
}
