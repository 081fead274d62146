/* Replies: results of the older methods, errors, and what is none of these. */
#include "wire_test.h"

/* ---- round trips of replies ---- */

static void hello_replies_come_back(void **state)
{
	struct wire_reply reply = {.hello = {.protocol = 1,
				       .version = "0.1.0",
				       .limits = {.max_message_bytes = 1048576,
					   .max_id = INT64_MAX,
					   .max_ids = 100000000,
					   .batch_size = 3}}};
	struct wire_reply back = reply_back(WIRE_HELLO, &reply);

	(void)state;
	assert_int_equal(back.hello.protocol, 1);
	assert_string_equal(back.hello.version, "0.1.0");
	assert_int_equal(back.hello.limits.max_message_bytes, 1048576);
	assert_int_equal(back.hello.limits.max_ids, 100000000);
	assert_int_equal(back.hello.limits.batch_size, 3);
	wire_reply_free(&back);
}

static void ping_replies_come_back(void **state)
{
	struct wire_reply reply = {0}, back = reply_back(WIRE_PING, &reply);

	(void)state;
	wire_reply_free(&back);
}

static void version_replies_come_back(void **state)
{
	struct wire_reply reply = {
	    .version = {.version = "0.1.0", .libevent = "2.1.12-stable", .sqlite = "3.40.1"}};
	struct wire_reply back = reply_back(WIRE_VERSION, &reply);

	(void)state;
	assert_string_equal(back.version.version, "0.1.0");
	assert_string_equal(back.version.libevent, "2.1.12-stable");
	assert_string_equal(back.version.sqlite, "3.40.1");
	assert_int_not_equal(strlen(back.version.cjson), 0);
	wire_reply_free(&back);
}

static void submit_replies_come_back(void **state)
{
	struct wire_reply reply = {.submit = {.seq = 42, .ids = 100000000, .batches = 33333334}},
			  back;

	(void)state;
	assert_true(uuid_parse(UUID, &reply.submit.ingestion));
	back = reply_back(WIRE_SUBMIT, &reply);
	assert_memory_equal(&back.submit.ingestion, &reply.submit.ingestion, 16);
	assert_int_equal(back.submit.seq, 42);
	assert_int_equal(back.submit.ids, 100000000);
	assert_int_equal(back.submit.batches, 33333334);
	wire_reply_free(&back);
}

/* A page with a batch in each status, as a store would give it. */
static void fill_page(struct status_page *page)
{
	static const int64_t ids[] = {1, 2, 9007199254740993, INT64_MAX};

	*page = (struct status_page){
	    .ingestion = {.seq = 3,
		.priority = PRIORITY_HIGH,
		.label = "gr\xc3\xbcn",
		.batch_size = 2,
		.version = 9,
		.created_ms = 1795352548123,
		.started_ms = 1795352549000,
		.counts = {.ids = 20, .batches = 10, .by_status = {6, 1, 1, 1, 1}}},
	    .next_batch = 5};
	assert_true(uuid_parse(UUID, &page->ingestion.uuid));
	for (int i = 0; i < BATCH_STATUS_COUNT; i++) {
		struct batch *batch = status_page_add(page);

		*batch = (struct batch){.index = i,
		    .status = (enum batch_status)i,
		    .attempts = i,
		    .started_ms = i ? 1795352549000 + i : 0,
		    .finished_ms = i == BATCH_COMPLETED ? 1795352550001 : 0,
		    .error = i == BATCH_FAILED ? xstrdup("the \"upstream\" said no") : NULL,
		    .ids_at = page->ids.n,
		    .ids_n = i % 2 ? 1 : 2};
		idlist_add(&page->ids, ids + i % 3, batch->ids_n);
	}
}

static void assert_same_batch(const struct status_page *a, const struct status_page *b, size_t i)
{
	const struct batch *x = &a->batches[i], *y = &b->batches[i];

	assert_int_equal(x->index, y->index);
	assert_int_equal(x->status, y->status);
	assert_int_equal(x->attempts, y->attempts);
	assert_int_equal(x->started_ms, y->started_ms);
	assert_int_equal(x->finished_ms, y->finished_ms);
	assert_string_equal(x->error ? x->error : "none", y->error ? y->error : "none");
	assert_int_equal(x->ids_n, y->ids_n);
	assert_memory_equal(a->ids.v + x->ids_at, b->ids.v + y->ids_at, x->ids_n * sizeof(int64_t));
}

static void status_replies_come_back(void **state)
{
	struct wire_reply reply = {0}, back;

	(void)state;
	fill_page(&reply.status);
	back = reply_back(WIRE_STATUS, &reply);
	assert_memory_equal(
	    &back.status.ingestion, &reply.status.ingestion, sizeof(struct ingestion));
	assert_int_equal(back.status.n, BATCH_STATUS_COUNT);
	assert_int_equal(back.status.next_batch, 5);
	for (size_t i = 0; i < back.status.n; i++)
		assert_same_batch(&reply.status, &back.status, i);
	wire_reply_free(&back);
	reply.status.next_batch = -1;
	back = reply_back(WIRE_STATUS, &reply);
	assert_int_equal(back.status.next_batch, -1);
	wire_reply_free(&back);
	wire_reply_free(&reply);
}

static void a_status_names_its_batches(void **state)
{
	struct wire_reply reply = {0};
	struct buf out = {0};

	(void)state;
	fill_page(&reply.status);
	wire_write_result(WIRE_STATUS, &reply, &out);
	assert_memory_equal(
	    out.data, "{\"ingestion_id\":\"" UUID "\",\"status\":\"triggered\",", 81 - 7);
	assert_contains(out.data,
	    "{\"batch_id\":\"c27bc4fa-d74f-51ad-9e56-3fc57f23803f\",\"index\":0,"
	    "\"ids\":[1,2],\"status\":\"yet_to_start\"}");
	assert_contains(out.data, "\"ids\":[9007199254740993,9223372036854775807],"
				  "\"status\":\"retrying\",\"attempts\":2,"
				  "\"ids_completed\":0,\"ids_failed\":0,"
				  "\"started_at\":\"2026-11-22T13:02:29.002Z\"}");
	assert_contains(out.data, "\"finished_at\":\"2026-11-22T13:02:30.001Z\"");
	assert_contains(out.data, "\"error\":\"the \\\"upstream\\\" said no\"");
	assert_ptr_equal(strchr(out.data, '\n'), out.data + out.len - 1);
	buf_free(&out);
	wire_reply_free(&reply);
}

/* ---- error replies ---- */

static void errors_are_written_with_code_and_name(void **state)
{
	struct fail fail;
	struct buf out = {0};

	(void)state;
	fail_set(&fail, ERR_NOT_FOUND, "no \"x\"");
	wire_write_error("\"k\"", &fail, &out);
	assert_string_equal(out.data,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"k\",\"error\":{\"code\":-32005,"
	    "\"message\":\"no \\\"x\\\"\",\"data\":{\"code\":\"not_found\"}}}\n");
	buf_free(&out);
}

static void every_error_comes_back(void **state)
{
	(void)state;
	for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
		struct wire_reply reply;
		struct buf out = {0};
		struct fail fail;

		fail_set(&fail, (enum err)err, "reason %d", err);
		wire_write_error("null", &fail, &out);
		assert_true(wire_read_reply(out.data, out.len - 1, WIRE_SUBMIT, &reply, &fail));
		assert_int_equal(reply.fail.err, err == ERR_INVALID_REQUEST ? ERR_INVALID : err);
		assert_memory_equal(reply.fail.text, "reason ", 7);
		wire_reply_free(&reply);
		buf_free(&out);
	}
}

static struct fail error_of(const char *line)
{
	struct wire_reply reply;
	struct fail fail;

	assert_true(wire_read_reply(line, strlen(line), WIRE_PING, &reply, &fail));
	wire_reply_free(&reply);
	return reply.fail;
}

static void foreign_errors_are_understood(void **state)
{
	struct fail fail;

	(void)state;
	fail =
	    error_of("{\"error\":{\"code\":-1,\"message\":\"m\",\"data\":{\"code\":\"new_one\"}}}");
	assert_fail(&fail, ERR_INTERNAL, "m");
	fail = error_of(
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"m\"}}");
	assert_fail(&fail, ERR_INTERNAL, "m");
	fail = error_of("{\"error\":{}}");
	assert_fail(&fail, ERR_INTERNAL, "no reason given");
	fail = error_of("{\"error\":7}");
	assert_fail(&fail, ERR_INTERNAL, "no reason given");
	fail = error_of("{\"error\":{\"message\":\"\\u001b[2J\"}}");
	assert_fail(&fail, ERR_INTERNAL, "?[2J");
}

/* ---- replies that are none ---- */

static void what_is_no_reply_is_refused(void **state)
{
	static const char *const lines[] = {
	    "", "x", "[]", "{}", "7", "{\"jsonrpc\":\"2.0\",\"id\":1}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		for (int m = 0; m < WIRE_METHOD_COUNT; m++)
			assert_no_reply((enum wire_method)m, lines[i]);
}

static void results_without_promised_members_are_refused(void **state)
{
	(void)state;
	for (int m = 0; m < WIRE_METHOD_COUNT; m++)
		if (m != WIRE_PING && m != WIRE_RELOAD) {
			assert_no_reply((enum wire_method)m, "{\"result\":{}}");
			assert_no_reply((enum wire_method)m, "{\"result\":[]}");
			assert_no_reply((enum wire_method)m, "{\"result\":null}");
		}
	assert_no_reply(WIRE_SUBMIT, "{\"result\":{\"ingestion_id\":\"x\",\"seq\":1,\"id_count\":1,"
				     "\"batch_count\":1}}");
	assert_no_reply(WIRE_SUBMIT, "{\"result\":{\"ingestion_id\":\"" UUID "\",\"seq\":0,"
				     "\"id_count\":1,\"batch_count\":1}}");
}

/* Takes each member of a status away, one after the other, by giving it another name. */
static void a_status_without_a_member_is_refused(void **state)
{
	static const char *const members[] = {"\"ingestion_id\"", "\"priority\"", "\"seq\"",
	    "\"version\"", "\"batch_size\"", "\"counts\"", "\"batches\":[", "\"ids\":20",
	    "\"batches\":10", "\"retrying\":1", "\"index\":3", "\"ids\":[1,2]",
	    "\"status\":\"failed\""};
	struct wire_reply reply = {0};
	struct buf out = {0};

	(void)state;
	fill_page(&reply.status);
	wire_write_reply("1", WIRE_STATUS, &reply, &out);
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		char *member = strstr(out.data, members[i]);

		assert_non_null(member);
		member[1] = 'X';
		out.data[out.len - 1] = '\0';
		assert_no_reply(WIRE_STATUS, out.data);
		member[1] = members[i][1];
	}
	buf_free(&out);
	wire_reply_free(&reply);
}

static void unknown_members_of_replies_are_ignored(void **state)
{
	const char line[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"later\":{\"a\":[1]},\"result\":{\"new\":1,"
	    "\"ingestion_id\":\"" UUID "\",\"seq\":1,\"id_count\":2,\"batch_count\":1}}";
	struct wire_reply reply;
	struct fail fail;

	(void)state;
	assert_true(wire_read_reply(line, strlen(line), WIRE_SUBMIT, &reply, &fail));
	assert_int_equal(reply.submit.ids, 2);
	wire_reply_free(&reply);
}

/* ---- anything at all ---- */

static void no_line_breaks_the_readers(void **state)
{
	static const char likely[] = "{}[]\",:\\/u0123456789abcdefnrt-+.eE \t\x01\x7f\x80\xff";
	struct wire_reply page = {0};
	struct buf lines[3] = {0};
	uint64_t seed = 6;

	(void)state;
	fill_page(&page.status);
	wire_write_reply("1", WIRE_STATUS, &page, &lines[0]);
	buf_add_str(&lines[1],
	    "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"submit\",\"params\":{\"ids\":"
	    "[1,\"2\",3],\"label\":\"x\\u00e9\",\"priority\":\"LOW\"}}");
	buf_add_str(&lines[2], "{\"id\":1,\"jsonrpc\":\"2.0\",\"params\":{\"from_batch\":3,"
			       "\"ingestion_id\":\"" UUID "\"},\"method\":\"status\"}");
	for (int round = 0; round < 20000; round++) {
		const struct buf *line = &lines[next_random(&seed) % 3];
		char *copy = exact_copy(line->data, line->len);
		struct wire_request request;
		struct wire_reply reply;
		struct fail fail;

		for (uint64_t n = next_random(&seed) % 4; n > 0; n--)
			copy[next_random(&seed) % line->len] =
			    likely[next_random(&seed) % (sizeof(likely) - 1)];
		if (!wire_read_request(copy, line->len, INT64_MAX, &request, &fail))
			wire_request_free(&request);
		for (int m = 0; m < WIRE_METHOD_COUNT; m++)
			if (wire_read_reply(copy, line->len, (enum wire_method)m, &reply, &fail))
				wire_reply_free(&reply);
		free(copy);
	}
	for (int i = 0; i < 3; i++)
		buf_free(&lines[i]);
	wire_reply_free(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(hello_replies_come_back),
	    TEST(ping_replies_come_back),
	    TEST(version_replies_come_back),
	    TEST(submit_replies_come_back),
	    TEST(status_replies_come_back),
	    TEST(a_status_names_its_batches),
	    TEST(errors_are_written_with_code_and_name),
	    TEST(every_error_comes_back),
	    TEST(foreign_errors_are_understood),
	    TEST(what_is_no_reply_is_refused),
	    TEST(results_without_promised_members_are_refused),
	    TEST(a_status_without_a_member_is_refused),
	    TEST(unknown_members_of_replies_are_ignored),
	    TEST(no_line_breaks_the_readers),
	};

	return RUN(tests);
}
