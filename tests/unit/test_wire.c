#include "wire.h"

#include "unit.h"
#include "util.h"

#define UUID "019b2c6e-1234-7abc-8def-0123456789ab"

/* ---- reading requests ---- */

/* Reads a copy without a NUL behind it. */
static enum err read_text(const char *line, struct wire_request *request, struct fail *fail)
{
	char *copy = exact_copy(line, strlen(line));
	enum err err = wire_read_request(copy, strlen(line), INT64_MAX, request, fail);

	free(copy);
	assert_int_equal(err, fail->err);
	return err;
}

static void assert_refuses(const char *line, enum err err, const char *why)
{
	struct wire_request request;
	struct fail fail;

	if (!read_text(line, &request, &fail))
		fail_msg("%s is accepted", line);
	assert_fail(&fail, err, why);
	assert_null(request.submit.ids.v);
}

/* A request for `submit` with these params is refused; its id is known to the error reply. */
static void assert_refuses_params(const char *method, const char *params, const char *why)
{
	char *line = xasprintf(
	    "{\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"%s\",\"params\":%s}", method, params);
	struct wire_request request;
	struct fail fail;

	if (!read_text(line, &request, &fail))
		fail_msg("%s is accepted", line);
	assert_fail(&fail, ERR_INVALID, why);
	assert_string_equal(request.id, "77");
	free(line);
}

static struct wire_request accepted(const char *line)
{
	struct wire_request request;
	struct fail fail;

	if (read_text(line, &request, &fail))
		fail_msg("%s is refused: %s", line, fail.text);
	return request;
}

static void a_request_by_hand_is_read(void **state)
{
	struct wire_request request =
	    accepted("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");

	(void)state;
	assert_int_equal(request.method, WIRE_PING);
	assert_string_equal(request.id, "1");
	wire_request_free(&request);
}

static void members_come_in_any_order(void **state)
{
	struct wire_request request = accepted(" { \"params\" : { } , \"method\" : \"ping\" , "
					       "\"id\" : \"x\" , \"jsonrpc\" : \"2.0\" } \r");

	(void)state;
	assert_int_equal(request.method, WIRE_PING);
	wire_request_free(&request);
}

static void method_names_are_fixed(void **state)
{
	static const char *const names[] = {[WIRE_HELLO] = "hello",
	    [WIRE_PING] = "ping",
	    [WIRE_VERSION] = "version",
	    [WIRE_SUBMIT] = "submit",
	    [WIRE_STATUS] = "status"};

	(void)state;
	assert_int_equal(COUNT_OF(names), WIRE_METHOD_COUNT);
	for (int i = 0; i < WIRE_METHOD_COUNT; i++)
		assert_string_equal(wire_method_name((enum wire_method)i), names[i]);
}

static void what_is_no_json_is_a_parse_error(void **state)
{
	static const char *const lines[] = {"", "x", "{",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} x"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct wire_request request;
		struct fail fail;

		assert_int_equal(read_text(lines[i], &request, &fail), ERR_PARSE_ERROR);
		assert_string_equal(request.id, "null");
	}
}

static void only_objects_are_requests(void **state)
{
	static const char *const lines[] = {"1", "\"ping\"", "null", "true"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		assert_refuses(lines[i], ERR_INVALID_REQUEST, "must be an object");
}

static void batches_are_refused(void **state)
{
	(void)state;
	assert_refuses("[]", ERR_INVALID_REQUEST, "one request per line");
	assert_refuses("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", ERR_INVALID_REQUEST,
	    "one request per line");
}

static void the_version_must_be_2_0(void **state)
{
	static const char *const versions[] = {"\"jsonrpc\":\"1.0\",", "\"jsonrpc\":2.0,",
	    "\"jsonrpc\":\"2\",", "\"JSONRPC\":\"2.0\",", ""};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(versions); i++) {
		char *line = xasprintf("{%s\"id\":1,\"method\":\"ping\"}", versions[i]);

		assert_refuses(line, ERR_INVALID_REQUEST, "\"jsonrpc\" must be \"2.0\"");
		free(line);
	}
}

static void a_request_without_id_is_refused(void **state)
{
	(void)state;
	assert_refuses(
	    "{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}", ERR_INVALID_REQUEST, "\"id\" is missing");
}

static void ids_are_integers_or_strings(void **state)
{
	static const char *const ids[] = {
	    "null", "true", "1.5", "1.0", "1e3", "1E3", "[]", "[1]", "{}", "{\"id\":1}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		char *line =
		    xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}", ids[i]);

		assert_refuses(line, ERR_INVALID_REQUEST, "\"id\" must be an integer or a string");
		free(line);
	}
	assert_refuses("{\"jsonrpc\":\"2.0\",\"\\u0069d\":1,\"method\":\"ping\"}",
	    ERR_INVALID_REQUEST, "\"id\" must be an integer or a string");
}

static void assert_echoes(const char *id)
{
	char *line = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}", id);
	char *expected =
	    xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"pong\":true}}\n", id);
	struct wire_request request = accepted(line);
	struct wire_reply reply = {0};
	struct buf out = {0};

	assert_string_equal(request.id, id);
	wire_write_reply(request.id, WIRE_PING, &reply, &out);
	assert_string_equal(out.data, expected);
	buf_free(&out);
	wire_request_free(&request);
	free(line);
	free(expected);
}

static void the_id_comes_back_as_it_was_written(void **state)
{
	static const char *const ids[] = {"1", "0", "-0", "-17", "9007199254740993",
	    "9223372036854775808",
	    "123456789012345678901234567890123456789012345678901234567890123", "\"\"", "\"a b\"",
	    "\"e9\"", "\"1.5\"", "\"\\u00e9\\n\\/\"", "\"gr\xc3\xbcn\"",
	    "\"019b2c6e-1234-7abc-8def-0123456789ab\""};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		assert_echoes(ids[i]);
}

/* 64 bytes count after the escapes are taken out. */
static void string_ids_have_at_most_64_bytes(void **state)
{
	char plain[70], escaped[64 * 6 + 10] = "\"";
	char *line;

	(void)state;
	memset(plain, 'x', sizeof(plain));
	plain[0] = plain[65] = '"';
	plain[66] = '\0';
	assert_echoes(plain);
	for (int i = 0; i < 64; i++)
		strcat(escaped, "\\u0041");
	strcat(escaped, "\"");
	assert_echoes(escaped);
	plain[65] = 'x';
	plain[66] = '"';
	plain[67] = '\0';
	line = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}", plain);
	assert_refuses(line, ERR_INVALID_REQUEST, "\"id\" is longer than 64 bytes");
	free(line);
}

static void unknown_members_of_the_request_are_refused(void **state)
{
	(void)state;
	assert_refuses("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"extra\":1}",
	    ERR_INVALID_REQUEST, "unknown member \"extra\"");
	assert_refuses("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"Params\":{}}",
	    ERR_INVALID_REQUEST, "unknown member \"Params\"");
}

static void unknown_methods_are_refused_by_name(void **state)
{
	(void)state;
	assert_refuses("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"Ping\"}", ERR_UNKNOWN_METHOD,
	    "unknown method \"Ping\"");
	assert_refuses("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", ERR_UNKNOWN_METHOD,
	    "unknown method \"\"");
}

static void the_method_must_be_a_string(void **state)
{
	(void)state;
	assert_refuses("{\"jsonrpc\":\"2.0\",\"id\":1}", ERR_INVALID_REQUEST, "\"method\"");
	assert_refuses(
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", ERR_INVALID_REQUEST, "\"method\"");
}

static void params_must_be_an_object(void **state)
{
	static const char *const params[] = {"[]", "[1]", "1", "\"x\"", "null", "true"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(params); i++)
		for (int m = 0; m < WIRE_METHOD_COUNT; m++)
			assert_refuses_params(wire_method_name((enum wire_method)m), params[i],
			    "\"params\" must be an object");
}

static void unknown_members_of_params_are_refused(void **state)
{
	(void)state;
	for (int m = 0; m < WIRE_METHOD_COUNT; m++)
		assert_refuses_params(wire_method_name((enum wire_method)m), "{\"extra\":1}",
		    "unknown member \"extra\" in \"params\"");
	assert_refuses_params("submit", "{\"ids\":[1],\"Priority\":\"HIGH\"}", "\"Priority\"");
	assert_refuses_params("ping", "{\"ids\":[1]}", "\"ids\"");
}

static void errors_behind_the_id_keep_it(void **state)
{
	static const char *const lines[] = {
	    "{\"jsonrpc\":\"1.0\",\"id\":\"k\",\"method\":\"ping\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":\"k\",\"method\":\"gone\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":\"k\",\"method\":\"ping\",\"x\":1}",
	    "{\"jsonrpc\":\"2.0\",\"id\":\"k\",\"method\":\"submit\",\"params\":{\"ids\":[0]}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct wire_request request;
		struct fail fail;

		assert_int_not_equal(read_text(lines[i], &request, &fail), ERR_OK);
		assert_string_equal(request.id, "\"k\"");
	}
}

/* ---- hello ---- */

static void the_client_name_is_bounded(void **state)
{
	char line[400] =
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{\"client\":\"";
	struct wire_request request;
	size_t at = strlen(line);

	(void)state;
	memset(line + at, 'c', WIRE_CLIENT_MAX);
	strcpy(line + at + WIRE_CLIENT_MAX, "\"}}");
	request = accepted(line);
	assert_int_equal(strlen(request.client), WIRE_CLIENT_MAX);
	wire_request_free(&request);
	strcpy(line + at + WIRE_CLIENT_MAX, "c\"}}");
	assert_refuses(line, ERR_INVALID, "at most 128 bytes");
	assert_refuses_params("hello", "{\"client\":5}", "\"client\" must be a string");
}

/* ---- submit ---- */

static void submit_needs_ids(void **state)
{
	(void)state;
	assert_refuses("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"submit\"}", ERR_INVALID,
	    "\"ids\" must be an array");
	assert_refuses_params("submit", "{}", "\"ids\" must be an array of integers");
	assert_refuses_params("submit", "{\"ids\":5}", "\"ids\" must be an array of integers");
	assert_refuses_params("submit", "{\"ids\":{}}", "\"ids\" must be an array of integers");
	assert_refuses_params(
	    "submit", "{\"ids\":\"1,2\"}", "\"ids\" must be an array of integers");
	assert_refuses_params("submit", "{\"ids\":null}", "\"ids\" must be an array of integers");
	assert_refuses_params("submit", "{\"ids\":[]}", "at least one id");
}

static void submit_names_the_bad_id(void **state)
{
	(void)state;
	assert_refuses_params("submit", "{\"ids\":[1,2,\"x\"]}",
	    "ids[2]: \"x\" is not an integer from 1 to 9223372036854775807");
	assert_refuses_params("submit", "{\"ids\":[1,[2]]}", "ids[1]: [2] is not");
	assert_refuses_params("submit", "{\"ids\":[{\"ids\":[1]}]}", "ids[0]: ");
}

static void submit_keeps_to_the_largest_id(void **state)
{
	const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"submit\",\"params\":{"
			    "\"ids\":[99,100,101]}}";
	struct wire_request request;
	struct fail fail;

	(void)state;
	assert_int_equal(wire_read_request(line, strlen(line), 100, &request, &fail), ERR_INVALID);
	assert_fail(&fail, ERR_INVALID, "ids[2]: 101 is not an integer from 1 to 100");
}

static void submit_ids_are_exact(void **state)
{
	struct wire_request request =
	    accepted("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"submit\",\"params\":{\"ids\":"
		     "[9007199254740993,\"9223372036854775807\"]}}");

	(void)state;
	assert_int_equal(request.submit.ids.n, 2);
	assert_int_equal(request.submit.ids.v[0], 9007199254740993);
	assert_int_equal(request.submit.ids.v[1], INT64_MAX);
	assert_false(request.submit.has_priority);
	assert_string_equal(request.submit.label, "");
	wire_request_free(&request);
}

static void priorities_are_upper_case_names(void **state)
{
	(void)state;
	assert_refuses_params("submit", "{\"ids\":[1],\"priority\":\"URGENT\"}",
	    "priority \"URGENT\" is not one of HIGH, MEDIUM, LOW");
	assert_refuses_params("submit", "{\"ids\":[1],\"priority\":\"high\"}", "priority \"high\"");
	assert_refuses_params("submit", "{\"ids\":[1],\"priority\":\"\"}", "priority \"\"");
	assert_refuses_params(
	    "submit", "{\"ids\":[1],\"priority\":1}", "\"priority\" must be a string");
	assert_refuses_params("submit", "{\"ids\":[1],\"priority\":null}", "\"priority\" must be");
}

static void labels_have_at_most_128_bytes(void **state)
{
	char params[400] = "{\"ids\":[1],\"label\":\"\xc3\xbc";
	struct wire_request request;
	size_t at = strlen(params);
	char *line;

	(void)state;
	memset(params + at, 'l', LABEL_MAX - 2);
	strcpy(params + at + LABEL_MAX - 2, "\"}");
	line =
	    xasprintf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"submit\",\"params\":%s}", params);
	request = accepted(line);
	assert_int_equal(strlen(request.submit.label), LABEL_MAX);
	wire_request_free(&request);
	free(line);
	strcpy(params + at + LABEL_MAX - 2, "l\"}");
	assert_refuses_params("submit", params, "\"label\" has 129 bytes, more than 128");
}

static void labels_are_text(void **state)
{
	static const char *const controls[] = {
	    "a\\nb", "\\u001b[31m", "\\u007f", "\\u0085", "\\u0001", "gr\xc3\xbcn\\t"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(controls); i++) {
		char *params = xasprintf("{\"ids\":[1],\"label\":\"%s\"}", controls[i]);

		assert_refuses_params("submit", params, "control character");
		free(params);
	}
	assert_refuses_params("submit", "{\"ids\":[1],\"label\":\"\"}", "not empty");
	assert_refuses_params("submit", "{\"ids\":[1],\"label\":7}", "must be a string");
}

/* ---- status ---- */

static void status_needs_a_uuid(void **state)
{
	(void)state;
	assert_refuses_params("status", "{}", "\"ingestion_id\" must be a string with a UUID");
	assert_refuses_params(
	    "status", "{\"ingestion_id\":7}", "\"ingestion_id\" must be a string");
	assert_refuses_params("status", "{\"ingestion_id\":\"x\"}", "\"x\" is not a UUID");
	assert_refuses_params("status", "{\"ingestion_id\":\"019b2c6e\"}", "is not a UUID");
}

static void from_batch_is_an_index(void **state)
{
	static const char *const values[] = {"-1", "1.5", "\"1\"", "null", "100000001", "1e400"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		char *params =
		    xasprintf("{\"ingestion_id\":\"" UUID "\",\"from_batch\":%s}", values[i]);

		assert_refuses_params(
		    "status", params, "\"from_batch\" must be an integer from 0 to 100000000");
		free(params);
	}
}

/* ---- round trips of requests ---- */

static struct wire_request request_back(const struct wire_request *request)
{
	struct wire_request back;
	struct buf out = {0};
	struct fail fail;

	wire_write_request(request, &out);
	assert_ptr_equal(strchr(out.data, '\n'), out.data + out.len - 1);
	if (wire_read_request(out.data, out.len - 1, INT64_MAX, &back, &fail))
		fail_msg("%s is refused: %s", out.data, fail.text);
	buf_free(&out);
	assert_string_equal(back.id, request->id);
	assert_int_equal(back.method, request->method);
	return back;
}

static void hello_requests_come_back(void **state)
{
	struct wire_request request = {.id = "1", .method = WIRE_HELLO}, back;

	(void)state;
	back = request_back(&request);
	assert_string_equal(back.client, "");
	wire_request_free(&back);
	strcpy(request.client, "ingestctl \"0.1\" \\ gr\xc3\xbcn");
	back = request_back(&request);
	assert_string_equal(back.client, request.client);
	wire_request_free(&back);
}

static void ping_and_version_requests_come_back(void **state)
{
	struct wire_request request = {.id = "\"p\"", .method = WIRE_PING}, back;

	(void)state;
	back = request_back(&request);
	wire_request_free(&back);
	request.method = WIRE_VERSION;
	back = request_back(&request);
	wire_request_free(&back);
}

static void submit_requests_come_back(void **state)
{
	int64_t ids[] = {1, INT64_MAX, 9007199254740993, 1};
	struct wire_request request = {.id = "9223372036854775807",
	    .method = WIRE_SUBMIT,
	    .submit = {.has_priority = true,
		.priority = PRIORITY_LOW,
		.label = "nightly \"run\" gr\xc3\xbcn",
		.ids = {.v = ids, .n = COUNT_OF(ids)}}};
	struct wire_request back = request_back(&request);

	(void)state;
	assert_true(back.submit.has_priority);
	assert_int_equal(back.submit.priority, PRIORITY_LOW);
	assert_string_equal(back.submit.label, request.submit.label);
	assert_int_equal(back.submit.ids.n, COUNT_OF(ids));
	assert_memory_equal(back.submit.ids.v, ids, sizeof(ids));
	wire_request_free(&back);
}

static void submit_requests_may_leave_priority_and_label_out(void **state)
{
	int64_t ids[] = {7};
	struct wire_request request = {
	    .id = "1", .method = WIRE_SUBMIT, .submit = {.ids = {.v = ids, .n = 1}}};
	struct wire_request back = request_back(&request);

	(void)state;
	assert_false(back.submit.has_priority);
	assert_string_equal(back.submit.label, "");
	wire_request_free(&back);
}

static void status_requests_come_back(void **state)
{
	struct wire_request request = {.id = "1", .method = WIRE_STATUS}, back;

	(void)state;
	assert_true(uuid_parse(UUID, &request.status.ingestion));
	for (int64_t from = 0; from < 4000; from += 1999) {
		request.status.from_batch = from;
		back = request_back(&request);
		assert_memory_equal(&back.status.ingestion, &request.status.ingestion, 16);
		assert_int_equal(back.status.from_batch, from);
		wire_request_free(&back);
	}
}

/* ---- round trips of replies ---- */

static struct wire_reply reply_back(enum wire_method method, const struct wire_reply *reply)
{
	struct wire_reply back;
	struct buf out = {0};
	struct fail fail;

	wire_write_reply("7", method, reply, &out);
	assert_ptr_equal(strchr(out.data, '\n'), out.data + out.len - 1);
	if (!wire_read_reply(out.data, out.len - 1, method, &back, &fail))
		fail_msg("%s is refused: %s", out.data, fail.text);
	assert_int_equal(back.fail.err, ERR_OK);
	buf_free(&out);
	return back;
}

static void hello_replies_come_back(void **state)
{
	struct wire_reply reply = {
	    .hello = {.protocol = 1,
		.version = "0.1.0",
		.limits = {.max_message_bytes = 1048576, .max_id = INT64_MAX, .batch_size = 3}}};
	struct wire_reply back = reply_back(WIRE_HELLO, &reply);

	(void)state;
	assert_int_equal(back.hello.protocol, 1);
	assert_string_equal(back.hello.version, "0.1.0");
	assert_int_equal(back.hello.limits.max_message_bytes, 1048576);
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

static void assert_no_reply(enum wire_method method, const char *line)
{
	struct wire_reply reply;
	struct fail fail;
	char *copy = exact_copy(line, strlen(line));

	if (wire_read_reply(copy, strlen(line), method, &reply, &fail))
		fail_msg("%s is taken for a reply to %s", line, wire_method_name(method));
	free(copy);
}

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
		if (m != WIRE_PING) {
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
	    TEST(a_request_by_hand_is_read),
	    TEST(members_come_in_any_order),
	    TEST(method_names_are_fixed),
	    TEST(what_is_no_json_is_a_parse_error),
	    TEST(only_objects_are_requests),
	    TEST(batches_are_refused),
	    TEST(the_version_must_be_2_0),
	    TEST(a_request_without_id_is_refused),
	    TEST(ids_are_integers_or_strings),
	    TEST(the_id_comes_back_as_it_was_written),
	    TEST(string_ids_have_at_most_64_bytes),
	    TEST(unknown_members_of_the_request_are_refused),
	    TEST(unknown_methods_are_refused_by_name),
	    TEST(the_method_must_be_a_string),
	    TEST(params_must_be_an_object),
	    TEST(unknown_members_of_params_are_refused),
	    TEST(errors_behind_the_id_keep_it),
	    TEST(the_client_name_is_bounded),
	    TEST(submit_needs_ids),
	    TEST(submit_names_the_bad_id),
	    TEST(submit_keeps_to_the_largest_id),
	    TEST(submit_ids_are_exact),
	    TEST(priorities_are_upper_case_names),
	    TEST(labels_have_at_most_128_bytes),
	    TEST(labels_are_text),
	    TEST(status_needs_a_uuid),
	    TEST(from_batch_is_an_index),
	    TEST(hello_requests_come_back),
	    TEST(ping_and_version_requests_come_back),
	    TEST(submit_requests_come_back),
	    TEST(submit_requests_may_leave_priority_and_label_out),
	    TEST(status_requests_come_back),
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
