/* The methods of control: cancel, retry, bump, bulk, pause, resume, drain, rate, reload. */
#include "wire_http.h"
#include "wire_test.h"

#define ID "\"ingestion_id\":\"" UUID "\""

static struct wire_request of_method(enum wire_method method)
{
	return (struct wire_request){.id = "1", .method = method};
}

/* ---- one ingestion ---- */

static void retries_come_back(void **state)
{
	struct wire_request request = of_method(WIRE_RETRY), back;
	struct wire_reply reply = {.retry = {.status = INGESTION_TRIGGERED, .batches = 12}}, came;

	(void)state;
	assert_true(uuid_parse(UUID, &request.retry.ingestion));
	for (int cancelled = 0; cancelled < 2; cancelled++) {
		request.retry.cancelled = cancelled;
		back = request_back(&request);
		assert_memory_equal(&back.retry.ingestion, &request.retry.ingestion, 16);
		assert_int_equal(back.retry.cancelled, cancelled);
	}
	reply.retry.ingestion = request.retry.ingestion;
	came = reply_back(WIRE_RETRY, &reply);
	assert_memory_equal(&came.retry.ingestion, &request.retry.ingestion, 16);
	assert_int_equal(came.retry.status, INGESTION_TRIGGERED);
	assert_int_equal(came.retry.batches, 12);
	assert_refuses_params("retry", "{}", "\"ingestion_id\" must be");
	assert_refuses_params("retry", "{" ID ",\"cancelled\":1}", "must be true or false");
	assert_refuses_params("retry", "{" ID ",\"failed\":true}", "unknown member \"failed\"");
	assert_no_reply(WIRE_RETRY, "{\"result\":{" ID ",\"status\":\"triggered\"}}");
	assert_no_reply(WIRE_RETRY, "{\"result\":{" ID ",\"batches\":1}}");
}

static void bumps_come_back(void **state)
{
	struct wire_request request = of_method(WIRE_BUMP), back;
	struct wire_reply reply = {0}, came;

	(void)state;
	assert_true(uuid_parse(UUID, &request.bump.ingestion));
	reply.bump.ingestion = request.bump.ingestion;
	for (int i = PRIORITY_HIGH; i <= PRIORITY_LOW; i++) {
		request.bump.priority = reply.bump.priority = (enum priority)i;
		back = request_back(&request);
		assert_memory_equal(&back.bump.ingestion, &request.bump.ingestion, 16);
		assert_int_equal(back.bump.priority, i);
		came = reply_back(WIRE_BUMP, &reply);
		assert_int_equal(came.bump.priority, i);
	}
	assert_refuses_params("bump", "{" ID "}", "\"priority\" is missing: HIGH, MEDIUM or LOW");
	assert_refuses_params("bump", "{" ID ",\"priority\":\"high\"}", "\"high\" is not one of");
	assert_refuses_params("bump", "{\"priority\":\"HIGH\"}", "\"ingestion_id\" must be");
	assert_no_reply(WIRE_BUMP, "{\"result\":{" ID "}}");
}

static void cancels_can_take_time(void **state)
{
	struct wire_reply reply = {.cancel = {.status = INGESTION_CANCELLING}}, back;

	(void)state;
	back = reply_back(WIRE_CANCEL, &reply);
	assert_int_equal(back.cancel.status, INGESTION_CANCELLING);
	assert_refuses_params("cancel", "{" ID ",\"cancelled\":true}", "unknown member");
}

/* ---- bulk ---- */

static void steps_come_back(void **state)
{
	static const enum wire_method verbs[] = {WIRE_CANCEL, WIRE_RETRY, WIRE_BUMP};
	struct wire_request request = of_method(WIRE_BULK), back;

	(void)state;
	request.bulk = (struct wire_bulk){.filter = {.has_status = true,
					      .status = INGESTION_CANCELLING,
					      .has_priority = true,
					      .priority = PRIORITY_LOW,
					      .label = "gr\xc3\xbcn"},
	    .older_than_ms = 7200000,
	    .limit = 500,
	    .cursor = "012345678901234567890123456789012345678"};
	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		request.bulk.verb = verbs[i];
		request.bulk.cancelled = verbs[i] == WIRE_RETRY;
		request.bulk.to_priority = verbs[i] == WIRE_BUMP ? PRIORITY_HIGH : 0;
		request.bulk.dry_run = i == 1;
		request.bulk.limit = i == 0 ? 500 : 1;
		back = request_back(&request);
		assert_memory_equal(&back.bulk, &request.bulk, sizeof(back.bulk));
	}
}

static void each_part_of_a_filter_is_enough(void **state)
{
	static const char *const parts[] = {"\"status\":\"failed\"", "\"priority\":\"LOW\"",
	    "\"label\":\"l\"", "\"older_than_ms\":1"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		char *line = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"bulk\","
				       "\"params\":{\"verb\":\"cancel\",%s}}",
		    parts[i]);
		struct wire_request request = accepted(line);

		assert_int_equal(request.bulk.limit, 500);
		assert_false(request.bulk.dry_run);
		free(line);
	}
	assert_refuses_params("bulk", "{\"verb\":\"cancel\"}", "which ingestions? at least one of");
}

static void a_step_has_bounds(void **state)
{
	static const char *const wrong[][2] = {
	    {"\"limit\":0", "\"limit\" must be an integer from 1 to 500"},
	    {"\"limit\":501", "\"limit\" must be an integer from 1 to 500"},
	    {"\"older_than_ms\":0", "from 1 to 31536000000"},
	    {"\"older_than_ms\":31536000001", "from 1 to 31536000000"},
	    {"\"dry_run\":1", "\"dry_run\" must be true or false"},
	    {"\"cursor\":7", "\"cursor\" must be the \"next_cursor\""},
	    {"\"cursor\":\"0123456789012345678901234567890123456789\"", "\"cursor\" must be"},
	    {"\"seq\":1", "unknown member \"seq\""},
	    {"\"cancelled\":true", "only \"retry\" takes \"cancelled\""},
	    {"\"to_priority\":\"HIGH\"", "only \"bump\" takes \"to_priority\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		char *params = xasprintf("{\"verb\":\"cancel\",\"label\":\"l\",%s}", wrong[i][0]);

		assert_refuses_params("bulk", params, wrong[i][1]);
		free(params);
	}
	assert_refuses_params("bulk", "{\"label\":\"l\"}", "\"verb\" must be");
	assert_refuses_params("bulk", "{\"label\":\"l\",\"verb\":\"pause\"}", "\"verb\" must be");
	assert_refuses_params(
	    "bulk", "{\"label\":\"l\",\"verb\":\"bump\"}", "needs \"to_priority\"");
	assert_refuses_params("bulk", "{\"label\":\"l\",\"verb\":\"bump\",\"to_priority\":\"TOP\"}",
	    "needs \"to_priority\"");
}

static void results_of_steps_come_back(void **state)
{
	struct wire_reply reply = {
	    .bulk = {.matched = 500, .changed = 498, .refused = 2, .next = "n17"}};
	struct wire_reply back = reply_back(WIRE_BULK, &reply);

	(void)state;
	assert_memory_equal(&back.bulk, &reply.bulk, sizeof(back.bulk));
	reply.bulk.next[0] = '\0';
	back = reply_back(WIRE_BULK, &reply);
	assert_string_equal(back.bulk.next, "");
	assert_no_reply(WIRE_BULK, "{\"result\":{\"matched\":1,\"changed\":1}}");
	assert_no_reply(WIRE_BULK, "{\"result\":{\"matched\":1,\"refused\":0}}");
	assert_no_reply(WIRE_BULK, "{\"result\":{\"changed\":1,\"refused\":0}}");
}

/* ---- pause, resume, drain ---- */

static void pauses_come_back(void **state)
{
	static const char *const times[] = {"\"\"", "1", "null", "\"2h\"", "\"2026-11-22\"",
	    "\"2026-11-22T18:00:00+01:00\"", "\"1970-01-01T00:00:00Z\""};
	struct wire_request request = of_method(WIRE_PAUSE), back;

	(void)state;
	back = request_back(&request);
	assert_int_equal(back.pause.until_ms, 0);
	request.pause.until_ms = 1795352548123;
	back = request_back(&request);
	assert_int_equal(back.pause.until_ms, 1795352548123);
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		char *params = xasprintf("{\"until\":%s}", times[i]);

		assert_refuses_params("pause", params, "\"until\" must be a time in UTC");
		free(params);
	}
	assert_refuses_params("pause", "{\"for\":1}", "unknown member \"for\"");
}

static void resumes_and_drains_come_back(void **state)
{
	struct wire_request resume = of_method(WIRE_RESUME), drain = of_method(WIRE_DRAIN), back;

	(void)state;
	for (int clear = 0; clear < 2; clear++) {
		resume.resume.clear_hold = clear;
		back = request_back(&resume);
		assert_int_equal(back.resume.clear_hold, clear);
	}
	assert_refuses_params("resume", "{\"clear_hold\":\"yes\"}", "must be true or false");
	for (int64_t wait = 0; wait <= 3600000; wait += 3600000) {
		drain.drain.wait_ms = wait;
		back = request_back(&drain);
		assert_int_equal(back.drain.wait_ms, wait);
	}
	assert_refuses_params(
	    "drain", "{\"wait_ms\":3600001}", "must be an integer from 0 to 3600000");
	assert_refuses_params("drain", "{\"wait_ms\":-1}", "must be an integer from 0 to 3600000");
}

/* ---- rate ---- */

static int64_t rate_of(const char *params)
{
	char *line =
	    xasprintf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rate\",\"params\":%s}", params);
	struct wire_request request = accepted(line);

	free(line);
	return request.rate.interval_ns;
}

static void a_rate_is_said_in_one_way(void **state)
{
	(void)state;
	assert_int_equal(rate_of("{\"rate\":\"1/5s\"}"), 5000000000);
	assert_int_equal(rate_of("{\"rate\":\"1000/ms\"}"), 1000);
	assert_int_equal(rate_of("{\"interval_ns\":1000}"), 1000);
	assert_int_equal(rate_of("{\"interval_ns\":8640000000000000}"), 8640000000000000);
	assert_int_equal(rate_of("{\"reset\":true}"), 0);
	assert_int_equal(rate_of("{\"reset\":false,\"rate\":\"30/m\"}"), 2000000000);
	assert_refuses_params("rate", "{}", "exactly one of");
	assert_refuses_params("rate", "{\"reset\":false}", "exactly one of");
	assert_refuses_params("rate", "{\"reset\":true,\"rate\":\"1/s\"}", "exactly one of");
	assert_refuses_params("rate", "{\"rate\":\"1/s\",\"interval_ns\":1000}", "exactly one of");
}

static void rates_have_bounds(void **state)
{
	static const char *const wrong[] = {"\"interval_ns\":999", "\"interval_ns\":0",
	    "\"interval_ns\":8640000000000001", "\"interval_ns\":\"5s\"", "\"rate\":5",
	    "\"rate\":\"5s\"", "\"rate\":\"2000/ms\"", "\"rate\":\"1/101d\"", "\"rate\":null"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		char *params = xasprintf("{%s}", wrong[i]);

		assert_refuses_params("rate", params, "8640000000000000 ns");
		free(params);
	}
	assert_refuses_params("rate", "{\"reset\":1}", "\"reset\" must be true or false");
}

static void rates_come_back(void **state)
{
	struct wire_request request = of_method(WIRE_RATE), back;

	(void)state;
	back = request_back(&request);
	assert_int_equal(back.rate.interval_ns, 0);
	request.rate.interval_ns = WIRE_INTERVAL_MAX_NS;
	back = request_back(&request);
	assert_int_equal(back.rate.interval_ns, WIRE_INTERVAL_MAX_NS);
}

/* ---- the control document ---- */

static const struct wire_control_reply everything = {
    .control = {.pause = PAUSE_PAUSED,
	.pause_until_ms = 1795352548123,
	.paused = {.who = "uid:1000", .at_ms = 1795352540000},
	.hold_ms = 12000,
	.rate_ns = 500000000,
	.rated = {.who = "token:ops", .at_ms = 1795352541000}},
    .interval_ns = 500000000,
    .running_batches = 2,
    .waiting_batches = 23,
};

static void a_full_document_is_exact(void **state)
{
	struct wire_reply reply = {.control = everything}, back;
	struct buf out = {0};

	(void)state;
	wire_write_result(WIRE_PAUSE, &reply, &out);
	assert_string_equal(out.data,
	    "{\"pause\":\"paused\",\"pause_until\":\"2026-11-22T13:02:28.123Z\","
	    "\"paused_by\":\"uid:1000\",\"paused_at\":\"2026-11-22T13:02:20.000Z\","
	    "\"hold_ms\":12000,\"rate\":{\"interval_ns\":500000000,\"set_by\":\"token:ops\","
	    "\"set_at\":\"2026-11-22T13:02:21.000Z\"},\"running_batches\":2,"
	    "\"waiting_batches\":23}\n");
	buf_free(&out);
	for (int method = WIRE_PAUSE; method <= WIRE_RATE; method++) {
		back = reply_back((enum wire_method)method, &reply);
		assert_memory_equal(&back.control, &everything, sizeof(everything));
	}
}

static void an_empty_document_says_none(void **state)
{
	struct wire_reply reply = {.control = {.interval_ns = 5}}, back;
	struct buf out = {0};

	(void)state;
	/* Who has reset the rate is no longer of interest. */
	reply.control.control.rated = everything.control.rated;
	wire_write_result(WIRE_DRAIN, &reply, &out);
	assert_string_equal(out.data, "{\"pause\":\"none\",\"rate\":{\"interval_ns\":5},"
				      "\"running_batches\":0,\"waiting_batches\":0}\n");
	buf_free(&out);
	for (int pause = PAUSE_NONE; pause <= PAUSE_DRAINING; pause++) {
		reply.control.control.pause = (enum pause)pause;
		back = reply_back(WIRE_RESUME, &reply);
		assert_int_equal(back.control.control.pause, pause);
	}
}

static void incomplete_documents_are_refused(void **state)
{
	static const char *const results[] = {
	    "\"rate\":{\"interval_ns\":5},\"running_batches\":0,\"waiting_batches\":0",
	    "\"pause\":\"none\",\"running_batches\":0,\"waiting_batches\":0",
	    "\"pause\":\"none\",\"rate\":{\"interval_ns\":5},\"waiting_batches\":0",
	    "\"pause\":\"none\",\"rate\":{\"interval_ns\":5},\"running_batches\":0",
	    "\"pause\":\"so\",\"rate\":{\"interval_ns\":5},\"running_batches\":0,"
	    "\"waiting_batches\":0",
	    "\"pause\":\"none\",\"paused_at\":\"now\",\"rate\":{\"interval_ns\":5},"
	    "\"running_batches\":0,\"waiting_batches\":0",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(results); i++) {
		char *line = xasprintf("{\"result\":{%s}}", results[i]);

		assert_no_reply(WIRE_PAUSE, line);
		free(line);
	}
}

static void stats_have_the_same(void **state)
{
	struct wire_reply reply = {0}, back;
	struct buf out = {0};

	(void)state;
	reply.stats.control = everything.control;
	reply.stats.interval_ns = everything.interval_ns;
	reply.stats.notices = 3;
	reply.stats.utc_ms = 1795352548123;
	back = reply_back(WIRE_STATS, &reply);
	assert_memory_equal(&back.stats.control, &everything.control, sizeof(struct control));
	assert_int_equal(back.stats.notices, 3);
	wire_write_result(WIRE_STATS, &reply, &out);
	assert_contains(out.data,
	    "\"pause\":\"paused\",\"pause_until\":\"2026-11-22T13:02:28.123Z\","
	    "\"paused_by\":\"uid:1000\",\"paused_at\":\"2026-11-22T13:02:20.000Z\","
	    "\"hold_ms\":12000,\"rate_set_by\":\"token:ops\",\"rate_set_at\":\"2026-11-22T13:02:21"
	    ".000Z\"}");
	assert_contains(out.data, "\"notices\":{\"waiting\":3}");
	buf_free(&out);
}

static void a_reload_is_short(void **state)
{
	struct wire_request request = of_method(WIRE_RELOAD);
	struct wire_reply reply = {0};
	struct buf out = {0};

	(void)state;
	request_back(&request);
	reply_back(WIRE_RELOAD, &reply);
	wire_write_result(WIRE_RELOAD, &reply, &out);
	assert_string_equal(out.data, "{}\n");
	buf_free(&out);
	assert_refuses_params("reload", "{\"file\":\"x\"}", "unknown member \"file\"");
}

/* ---- bodies of HTTP ---- */

static enum err read_body(enum wire_method method, bool has_id, const char *text,
    struct wire_request *request, struct fail *fail)
{
	struct uuid ingestion;
	char *copy = exact_copy(text, strlen(text));
	enum err err;

	*request = (struct wire_request){.id = "1"};
	assert_true(uuid_parse(UUID, &ingestion));
	err = wire_http_read_params(
	    method, has_id ? &ingestion : NULL, copy, strlen(text), request, fail);
	free(copy);
	assert_int_equal(err, fail->err);
	return err;
}

static void bodies_are_params(void **state)
{
	struct wire_request request;
	struct fail fail;

	(void)state;
	assert_int_equal(read_body(WIRE_RATE, false, "{\"rate\":\"1/1s\"}", &request, &fail), 0);
	assert_int_equal(request.rate.interval_ns, 1000000000);
	assert_int_equal(read_body(WIRE_BUMP, true, "{\"priority\":\"LOW\"}", &request, &fail), 0);
	assert_int_equal(request.bump.priority, PRIORITY_LOW);
	assert_int_equal(request.bump.ingestion.bytes[0], 0x01);
	assert_int_equal(read_body(WIRE_RETRY, true, "", &request, &fail), 0);
	assert_int_equal(request.retry.ingestion.bytes[0], 0x01);
	assert_int_equal(read_body(WIRE_RELOAD, false, " {} ", &request, &fail), 0);
	assert_int_equal(read_body(WIRE_PAUSE, false, "", &request, &fail), 0);
}

static void other_bodies_are_refused(void **state)
{
	static const struct {
		enum wire_method method;
		bool has_id;
		const char *text, *why;
		enum err err;
	} bodies[] = {
	    {WIRE_PAUSE, false, "[]", "the body must be a JSON object", ERR_INVALID},
	    {WIRE_PAUSE, false, " ", "", ERR_PARSE_ERROR},
	    {WIRE_PAUSE, false, "{", "", ERR_PARSE_ERROR},
	    {WIRE_PAUSE, false, "{\"Until\":1}", "unknown member \"Until\"", ERR_INVALID},
	    {WIRE_RETRY, true, "{" ID "}", "unknown member \"ingestion_id\"", ERR_INVALID},
	    {WIRE_RETRY, true, "{\"ids\":[1]}", "unknown member \"ids\"", ERR_INVALID},
	    {WIRE_RELOAD, false, "{\"x\":1}", "unknown member \"x\"", ERR_INVALID},
	    {WIRE_BUMP, true, "", "\"priority\" is missing", ERR_INVALID},
	    {WIRE_RATE, false, "", "exactly one of", ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct wire_request request;
		struct fail fail;

		read_body(bodies[i].method, bodies[i].has_id, bodies[i].text, &request, &fail);
		assert_fail(&fail, bodies[i].err, bodies[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(retries_come_back),
	    TEST(bumps_come_back),
	    TEST(cancels_can_take_time),
	    TEST(steps_come_back),
	    TEST(each_part_of_a_filter_is_enough),
	    TEST(a_step_has_bounds),
	    TEST(results_of_steps_come_back),
	    TEST(pauses_come_back),
	    TEST(resumes_and_drains_come_back),
	    TEST(a_rate_is_said_in_one_way),
	    TEST(rates_have_bounds),
	    TEST(rates_come_back),
	    TEST(a_full_document_is_exact),
	    TEST(an_empty_document_says_none),
	    TEST(incomplete_documents_are_refused),
	    TEST(stats_have_the_same),
	    TEST(a_reload_is_short),
	    TEST(bodies_are_params),
	    TEST(other_bodies_are_refused),
	};

	return RUN(tests);
}
