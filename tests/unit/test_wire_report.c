/* The method report, and what status says about attempts and outcomes. */
#include "wire_test.h"

#define PARAMS "\"ingestion_id\":\"" UUID "\""

/* ---- requests ---- */

static void report_requests_come_back(void **state)
{
	struct wire_request request = {.id = "1", .method = WIRE_REPORT}, back;

	(void)state;
	assert_true(uuid_parse(UUID, &request.report.ingestion));
	request.report.limit = WIRE_REPORT_LIMIT;
	back = request_back(&request);
	assert_memory_equal(&back.report, &request.report, sizeof(request.report));
	request.report.filter.failed = true;
	request.report.filter.id = INT64_MAX;
	request.report.from = IDLIST_MAX;
	request.report.limit = 1;
	back = request_back(&request);
	assert_memory_equal(&back.report, &request.report, sizeof(request.report));
}

static int64_t id_of(const char *id)
{
	char *line = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"report\",\"params\":{"
			       "\"id\":%s," PARAMS "}}",
	    id);
	struct wire_request request = accepted(line);

	assert_string_equal(request.id, "1");
	assert_false(request.report.filter.failed);
	assert_int_equal(request.report.limit, WIRE_REPORT_LIMIT);
	free(line);
	return request.report.filter.id;
}

static void the_id_is_exact(void **state)
{
	(void)state;
	assert_int_equal(id_of("1"), 1);
	assert_int_equal(id_of("9007199254740993"), 9007199254740993);
	assert_int_equal(id_of("9223372036854775807"), INT64_MAX);
	assert_int_equal(id_of("9223372036854775806"), INT64_MAX - 1);
	assert_int_equal(id_of("\"9223372036854775806\""), INT64_MAX - 1);
}

static void what_is_no_id_is_refused(void **state)
{
	static const char *const ids[] = {"0", "-1", "1.5", "1e3", "true", "null", "\"\"", "\"x\"",
	    "[1]", "9223372036854775808", "\"9223372036854775808\"", "\"01\""};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		char *params = xasprintf("{" PARAMS ",\"id\":%s}", ids[i]);

		assert_refuses_params(
		    "report", params, "\"id\" must be an integer from 1 to 9223372036854775807");
		free(params);
	}
	/* Under an escaped name the digits are not kept: better no id than a wrong one. */
	assert_refuses_params(
	    "report", "{" PARAMS ",\"\\u0069d\":9007199254740993}", "\"id\" must be");
}

static void report_params_are_checked(void **state)
{
	(void)state;
	assert_refuses_params("report", "{}", "\"ingestion_id\" must be");
	assert_refuses_params("report", "{\"ingestion_id\":\"x\"}", "\"x\" is not a UUID");
	assert_refuses_params("report", "{" PARAMS ",\"failed\":1}", "\"failed\" must be");
	assert_refuses_params("report", "{" PARAMS ",\"failed\":\"true\"}", "\"failed\" must be");
	assert_refuses_params(
	    "report", "{" PARAMS ",\"limit\":0}", "\"limit\" must be an integer from 1 to 1000");
	assert_refuses_params("report", "{" PARAMS ",\"limit\":1001}", "\"limit\" must be");
	assert_refuses_params("report", "{" PARAMS ",\"from_position\":-1}",
	    "\"from_position\" must be an integer from 0 to 100000000");
	assert_refuses_params(
	    "report", "{" PARAMS ",\"from_position\":100000001}", "\"from_position\" must be");
	assert_refuses_params("report", "{" PARAMS ",\"cursor\":1}", "unknown member \"cursor\"");
}

/* ---- replies ---- */

/* An entry with each outcome; the second one has all members. */
static void fill_report(struct wire_report_reply *report)
{
	struct report_entry *entry;

	assert_true(uuid_parse(UUID, &report->ingestion));
	report->page = (struct report_page){.next = 3};
	entry = report_page_add(&report->page);
	*entry = (struct report_entry){.id = INT64_MAX};
	entry = report_page_add(&report->page);
	*entry = (struct report_entry){.position = 1,
	    .id = 9007199254740993,
	    .batch = 33333333,
	    .outcome = ID_FAILED,
	    .attempts = 5,
	    .started_ms = 1795352549000,
	    .finished_ms = 1795352550001,
	    .error = xstrdup("no \"such\" gr\xc3\xbcn\n")};
	entry = report_page_add(&report->page);
	*entry = (struct report_entry){.position = 2,
	    .id = 1,
	    .outcome = ID_COMPLETED,
	    .attempts = 1,
	    .started_ms = 1795352549000,
	    .finished_ms = 1795352550001};
	entry = report_page_add(&report->page);
	*entry = (struct report_entry){
	    .position = 3, .id = 2, .outcome = ID_CANCELLED, .finished_ms = 1795352550001};
	entry = report_page_add(&report->page);
	*entry = (struct report_entry){.position = 4,
	    .id = 3,
	    .outcome = ID_UNKNOWN,
	    .attempts = 1,
	    .finished_ms = 1795352550001};
}

static void assert_same_entry(const struct report_entry *a, const struct report_entry *b)
{
	assert_int_equal(a->position, b->position);
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->batch, b->batch);
	assert_int_equal(a->outcome, b->outcome);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->started_ms, b->started_ms);
	assert_int_equal(a->finished_ms, b->finished_ms);
	assert_string_equal(a->error ? a->error : "none", b->error ? b->error : "none");
}

static void report_replies_come_back(void **state)
{
	struct wire_reply reply = {0}, back;

	(void)state;
	fill_report(&reply.report);
	back = reply_back(WIRE_REPORT, &reply);
	assert_memory_equal(&back.report.ingestion, &reply.report.ingestion, 16);
	assert_int_equal(back.report.page.n, ID_OUTCOME_COUNT);
	assert_int_equal(back.report.page.next, 3);
	for (size_t i = 0; i < back.report.page.n; i++)
		assert_same_entry(&back.report.page.v[i], &reply.report.page.v[i]);
	wire_reply_free(&back);
	wire_reply_free(&reply);
	/* An empty page may have a successor, or none. */
	reply.report.page.next = 65536;
	back = reply_back(WIRE_REPORT, &reply);
	assert_int_equal(back.report.page.n, 0);
	assert_int_equal(back.report.page.next, 65536);
	wire_reply_free(&back);
	reply.report.page.next = -1;
	back = reply_back(WIRE_REPORT, &reply);
	assert_int_equal(back.report.page.next, -1);
	wire_reply_free(&back);
}

static void a_report_names_each_id(void **state)
{
	struct wire_reply reply = {0};
	struct buf out = {0};

	(void)state;
	fill_report(&reply.report);
	wire_write_result(WIRE_REPORT, &reply, &out);
	assert_string_equal(out.data,
	    "{\"ingestion_id\":\"" UUID "\",\"entries\":["
	    "{\"position\":0,\"id\":9223372036854775807,\"batch\":0,\"outcome\":\"pending\","
	    "\"attempts\":0},"
	    "{\"position\":1,\"id\":9007199254740993,\"batch\":33333333,\"outcome\":\"failed\","
	    "\"attempts\":5,\"started_at\":\"2026-11-22T13:02:29.000Z\","
	    "\"finished_at\":\"2026-11-22T13:02:30.001Z\","
	    "\"error\":\"no \\\"such\\\" gr\xc3\xbcn\\n\"},"
	    "{\"position\":2,\"id\":1,\"batch\":0,\"outcome\":\"completed\",\"attempts\":1,"
	    "\"started_at\":\"2026-11-22T13:02:29.000Z\","
	    "\"finished_at\":\"2026-11-22T13:02:30.001Z\"},"
	    "{\"position\":3,\"id\":2,\"batch\":0,\"outcome\":\"cancelled\",\"attempts\":0,"
	    "\"finished_at\":\"2026-11-22T13:02:30.001Z\"},"
	    "{\"position\":4,\"id\":3,\"batch\":0,\"outcome\":\"unknown\",\"attempts\":1,"
	    "\"finished_at\":\"2026-11-22T13:02:30.001Z\"}],\"next_position\":3}\n");
	buf_free(&out);
	wire_write_entry(&reply.report.page.v[0], &out);
	assert_string_equal(out.data,
	    "{\"position\":0,\"id\":9223372036854775807,\"batch\":0,\"outcome\":\"pending\","
	    "\"attempts\":0}\n");
	buf_free(&out);
	wire_reply_free(&reply);
}

/* As long as it can get: what the store reckons with. */
static void an_entry_takes_what_the_store_reckons_with(void **state)
{
	const struct report_entry entry = {.position = IDLIST_MAX,
	    .id = INT64_MAX,
	    .batch = IDLIST_MAX,
	    .outcome = ID_COMPLETED,
	    .attempts = 1000,
	    .started_ms = 1795352549000,
	    .finished_ms = 1795352550001,
	    .error = (char[]){""}};
	struct buf out = {0};

	(void)state;
	wire_write_entry(&entry, &out);
	assert_true(out.len <= 220);
	buf_free(&out);
}

static void a_report_without_a_member_is_refused(void **state)
{
	static const char *const members[] = {"\"ingestion_id\"", "\"entries\"", "\"position\"",
	    "\"id\":922", "\"batch\"", "\"outcome\"", "\"attempts\""};
	struct wire_reply reply = {0};
	struct buf out = {0};

	(void)state;
	fill_report(&reply.report);
	wire_write_reply("1", WIRE_REPORT, &reply, &out);
	out.data[out.len - 1] = '\0';
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		char *member = strstr(out.data, members[i]);

		assert_non_null(member);
		member[1] = 'X';
		assert_no_reply(WIRE_REPORT, out.data);
		member[1] = members[i][1];
	}
	buf_free(&out);
	wire_reply_free(&reply);
	assert_no_reply(
	    WIRE_REPORT, "{\"result\":{" PARAMS ",\"entries\":[],\"next_position\":-1}}");
	assert_no_reply(WIRE_REPORT, "{\"result\":{" PARAMS ",\"entries\":[7]}}");
}

/* ---- status ---- */

static void output_is_asked_for(void **state)
{
	struct wire_request request = {.id = "1", .method = WIRE_STATUS}, back;

	(void)state;
	back = request_back(&request);
	assert_false(back.status.output);
	request.status.output = true;
	back = request_back(&request);
	assert_true(back.status.output);
	assert_refuses_params(
	    "status", "{" PARAMS ",\"output\":1}", "\"output\" must be true or false");
}

static void fill_status(struct status_page *page)
{
	static const int64_t ids[] = {1, 2, 3};
	struct batch *batch;

	*page = (struct status_page){.ingestion = {.seq = 1,
					 .priority = PRIORITY_LOW,
					 .batch_size = 3,
					 .version = 5,
					 .counts = {.ids = 3,
					     .batches = 1,
					     .by_status = {[BATCH_RETRYING] = 1},
					     .ids_completed = 1,
					     .ids_failed = 2,
					     .attempts = 3,
					     .retries = 4}},
	    .next_batch = -1};
	assert_true(uuid_parse(UUID, &page->ingestion.uuid));
	batch = status_page_add(page);
	*batch = (struct batch){.status = BATCH_RETRYING,
	    .attempts = 2,
	    .ids_completed = 1,
	    .ids_failed = 2,
	    .retry_ms = 1795352550001,
	    .out = {.text = xstrdup("a\n\tb \"c\"\n"), .bytes = 70000},
	    .err = {.text = xstrdup(""), .bytes = 0},
	    .ids_n = 3};
	idlist_add(&page->ids, ids, 3);
}

static void outcomes_and_output_come_back(void **state)
{
	struct wire_reply reply = {0}, back;
	const struct batch *batch;

	(void)state;
	fill_status(&reply.status);
	back = reply_back(WIRE_STATUS, &reply);
	batch = &back.status.batches[0];
	assert_memory_equal(
	    &back.status.ingestion.counts, &reply.status.ingestion.counts, sizeof(struct counts));
	assert_int_equal(batch->ids_completed, 1);
	assert_int_equal(batch->ids_failed, 2);
	assert_int_equal(batch->retry_ms, 1795352550001);
	assert_string_equal(batch->out.text, "a\n\tb \"c\"\n");
	assert_int_equal(batch->out.bytes, 70000);
	assert_string_equal(batch->err.text, "");
	wire_reply_free(&back);
	wire_reply_free(&reply);
}

static void a_batch_says_when_it_is_tried_again(void **state)
{
	struct wire_reply reply = {0};
	struct buf out = {0};

	(void)state;
	fill_status(&reply.status);
	wire_write_result(WIRE_STATUS, &reply, &out);
	assert_contains(out.data, "\"failed\":0,\"cancelled\":0,\"ids_completed\":1,"
				  "\"ids_failed\":2,\"ids_cancelled\":0,\"ids_unknown\":0,"
				  "\"attempts\":3,\"retries\":4}");
	assert_contains(out.data,
	    "\"status\":\"retrying\",\"attempts\":2,\"ids_completed\":1,\"ids_failed\":2,"
	    "\"retry_at\":\"2026-11-22T13:02:30.001Z\","
	    "\"stdout\":{\"text\":\"a\\n\\tb \\\"c\\\"\\n\",\"bytes\":70000},"
	    "\"stderr\":{\"text\":\"\",\"bytes\":0}}");
	buf_free(&out);
	wire_reply_free(&reply);
}

static void malformed_outcomes_are_refused(void **state)
{
	static const char *const parts[][2] = {
	    {"\"ids_completed\":1,\"ids_failed\":2,\"ids_cancelled\"", "\"ids_completed\":x"},
	    {"\"retry_at\":\"2", "\"retry_at\":\"x"}, {"\"stdout\":{\"t", "\"stdout\":{\"x"},
	    {"\"bytes\":7", "\"bytes\":-"}};
	struct wire_reply reply = {0};
	struct buf out = {0};

	(void)state;
	fill_status(&reply.status);
	wire_write_reply("1", WIRE_STATUS, &reply, &out);
	out.data[out.len - 1] = '\0';
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		char *at = strstr(out.data, parts[i][0]);
		char was[64];
		size_t len = strlen(parts[i][1]);

		assert_non_null(at);
		memcpy(was, at, len);
		memcpy(at, parts[i][1], len);
		assert_no_reply(WIRE_STATUS, out.data);
		memcpy(at, was, len);
	}
	buf_free(&out);
	wire_reply_free(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(report_requests_come_back),
	    TEST(the_id_is_exact),
	    TEST(what_is_no_id_is_refused),
	    TEST(report_params_are_checked),
	    TEST(report_replies_come_back),
	    TEST(a_report_names_each_id),
	    TEST(an_entry_takes_what_the_store_reckons_with),
	    TEST(a_report_without_a_member_is_refused),
	    TEST(output_is_asked_for),
	    TEST(outcomes_and_output_come_back),
	    TEST(a_batch_says_when_it_is_tried_again),
	    TEST(malformed_outcomes_are_refused),
	};

	return RUN(tests);
}
