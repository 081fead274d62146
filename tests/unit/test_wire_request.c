/* Requests: hello, submit as it was first, and what holds for all methods. */
#include "wire_test.h"

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
	    [WIRE_APPEND] = "append",
	    [WIRE_SEAL] = "seal",
	    [WIRE_CANCEL] = "cancel",
	    [WIRE_STATUS] = "status",
	    [WIRE_LIST] = "list",
	    [WIRE_STATS] = "stats",
	    [WIRE_REPORT] = "report",
	    [WIRE_RETRY] = "retry",
	    [WIRE_BUMP] = "bump",
	    [WIRE_BULK] = "bulk",
	    [WIRE_PAUSE] = "pause",
	    [WIRE_RESUME] = "resume",
	    [WIRE_DRAIN] = "drain",
	    [WIRE_RATE] = "rate",
	    [WIRE_RELOAD] = "reload",
	    [WIRE_NODES] = "nodes"};

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
	};

	return RUN(tests);
}
