/* Keys and uploads: submit with key and open, append, seal, cancel; long polls of status. */
#include "wire_test.h"

#define DIGEST "1e35747af30616ea6661cd3e24819f470298ed6ea86bf76f0cb45edb2e385e6a"

/* One with the params of a method that are alright, but for what is behind them. */
static void assert_refuses_more(
    const char *method, const char *params, const char *more, const char *why)
{
	char *all = xasprintf("{%s,%s}", params, more);

	assert_refuses_params(method, all, why);
	free(all);
}

/* ---- submit ---- */

static void keys_are_visible_ascii(void **state)
{
	static const char *const keys[] = {
	    "\"\"", "7", "null", "\"a b\"", "\"\\n\"", "\"gr\xc3\xbcn\"", "\"\\u007f\"", "[\"k\"]"};
	char key[KEY_MAX + 2], *more;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		more = xasprintf("\"key\":%s", keys[i]);
		assert_refuses_more("submit", "\"ids\":[1]", more, "1 to 255 visible ASCII");
		free(more);
	}
	memset(key, 'k', KEY_MAX + 1);
	key[KEY_MAX + 1] = '\0';
	more = xasprintf("\"key\":\"%s\"", key);
	assert_refuses_more("submit", "\"ids\":[1]", more, "1 to 255 visible ASCII");
	free(more);
}

static void submits_with_a_key_come_back(void **state)
{
	int64_t ids[] = {1, 2};
	struct wire_request request = {
	    .id = "1", .method = WIRE_SUBMIT, .submit = {.ids = {.v = ids, .n = 2}}};
	struct wire_request back;

	(void)state;
	back = request_back(&request);
	assert_string_equal(back.submit.key, "");
	wire_request_free(&back);
	memset(request.submit.key, '~', KEY_MAX);
	request.submit.key[0] = '"';
	request.submit.key[1] = '\\';
	back = request_back(&request);
	assert_string_equal(back.submit.key, request.submit.key);
	assert_false(back.submit.open);
	wire_request_free(&back);
}

static void opens_come_back(void **state)
{
	struct wire_request request = {.id = "1",
	    .method = WIRE_SUBMIT,
	    .submit = {
		.open = true, .has_priority = true, .priority = PRIORITY_HIGH, .label = "l"}};
	struct wire_request back = request_back(&request);

	(void)state;
	assert_true(back.submit.open);
	assert_int_equal(back.submit.ids.n, 0);
	assert_int_equal(back.submit.priority, PRIORITY_HIGH);
	assert_string_equal(back.submit.label, "l");
	wire_request_free(&back);
}

static void open_and_ids_exclude_each_other(void **state)
{
	(void)state;
	assert_refuses_params("submit", "{\"open\":true,\"ids\":[1]}", "exclude each other");
	assert_refuses_params("submit", "{\"open\":true,\"ids\":[]}", "exclude each other");
	assert_refuses_params("submit", "{\"open\":false}", "\"ids\" must be an array");
	assert_refuses_params("submit", "{\"open\":1}", "\"open\" must be true or false");
	assert_refuses_params("submit", "{\"open\":\"true\"}", "\"open\" must be true or false");
	assert_refuses_params("submit", "{\"open\":null,\"ids\":[1]}", "\"open\" must be");
}

static void open_false_is_a_whole_list(void **state)
{
	struct wire_request request =
	    accepted("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
		     "\"submit\",\"params\":{\"open\":false,\"ids\":[5]}}");

	(void)state;
	assert_false(request.submit.open);
	assert_int_equal(request.submit.ids.n, 1);
	wire_request_free(&request);
}

static struct wire_submit_reply submit_back(
    enum wire_method method, const struct wire_submit_reply *submit)
{
	struct wire_reply reply = {.submit = *submit}, back;

	assert_true(uuid_parse(UUID, &reply.submit.ingestion));
	back = reply_back(method, &reply);
	assert_memory_equal(&back.submit.ingestion, &reply.submit.ingestion, 16);
	assert_int_equal(back.submit.seq, submit->seq);
	assert_int_equal(back.submit.ids, submit->ids);
	assert_int_equal(back.submit.batches, submit->batches);
	assert_int_equal(back.submit.replayed, submit->replayed);
	assert_int_equal(back.submit.open, submit->open);
	assert_int_equal(back.submit.sealed, submit->sealed);
	assert_int_equal(back.submit.received, submit->received);
	assert_true(digest_equal(&back.submit.digest, &submit->digest));
	wire_reply_free(&back);
	return back.submit;
}

static void submit_and_seal_replies_come_back(void **state)
{
	struct wire_submit_reply submit = {.seq = 7, .ids = 10, .batches = 4};

	(void)state;
	for (int replayed = 0; replayed < 2; replayed++) {
		submit.replayed = replayed;
		submit_back(WIRE_SUBMIT, &submit);
		submit_back(WIRE_SEAL, &submit);
	}
}

static void open_replies_come_back(void **state)
{
	struct wire_submit_reply submit = {.open = true};

	(void)state;
	assert_true(digest_parse(DIGEST, &submit.digest));
	submit_back(WIRE_SUBMIT, &submit);
	submit.replayed = true;
	submit.received = 99999999;
	submit_back(WIRE_SUBMIT, &submit);
	submit.sealed = true;
	submit.seq = 7;
	submit.ids = submit.received;
	submit.batches = 33333333;
	submit_back(WIRE_SUBMIT, &submit);
}

static void an_open_reply_is_exact(void **state)
{
	struct wire_reply reply = {.submit = {.open = true, .received = 3, .replayed = true}};
	struct buf out = {0};

	(void)state;
	assert_true(uuid_parse(UUID, &reply.submit.ingestion));
	assert_true(digest_parse(DIGEST, &reply.submit.digest));
	wire_write_result(WIRE_SUBMIT, &reply, &out);
	assert_string_equal(out.data, "{\"ingestion_id\":\"" UUID "\",\"received\":3,\"digest\":"
				      "\"" DIGEST "\",\"sealed\":false,\"replayed\":true}\n");
	buf_free(&out);
}

static void incomplete_submit_replies_are_refused(void **state)
{
	static const char *const results[] = {
	    "\"received\":3,\"digest\":\"" DIGEST "\"",
	    "\"received\":3,\"sealed\":false",
	    "\"received\":3,\"sealed\":0,\"digest\":\"" DIGEST "\"",
	    "\"received\":-1,\"sealed\":false,\"digest\":\"" DIGEST "\"",
	    "\"received\":3,\"sealed\":false,\"digest\":\"" DIGEST "0\"",
	    "\"received\":3,\"sealed\":true,\"digest\":\"" DIGEST "\"",
	    "\"seq\":1,\"id_count\":1",
	    "\"seq\":1,\"batch_count\":1",
	    "\"id_count\":1,\"batch_count\":1",
	    "\"seq\":1,\"id_count\":0,\"batch_count\":1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(results); i++) {
		char *line =
		    xasprintf("{\"result\":{\"ingestion_id\":\"" UUID "\",%s}}", results[i]);

		assert_no_reply(WIRE_SUBMIT, line);
		assert_no_reply(WIRE_SEAL, line);
		free(line);
	}
}

/* ---- append ---- */

static void append_needs_all_of_it(void **state)
{
	static const char *const offsets[] = {"-1", "1.5", "\"1\"", "null", "100000001"};

	(void)state;
	assert_refuses_params("append", "{\"offset\":0,\"ids\":[1]}", "\"ingestion_id\" must be");
	assert_refuses_params(
	    "append", "{\"ingestion_id\":\"x\",\"offset\":0,\"ids\":[1]}", "is not a UUID");
	assert_refuses_params("append", "{\"ingestion_id\":\"" UUID "\",\"ids\":[1]}",
	    "\"offset\" must be an integer from 0 to 100000000");
	assert_refuses_params(
	    "append", "{\"ingestion_id\":\"" UUID "\",\"offset\":0}", "\"ids\" must be an array");
	assert_refuses_params(
	    "append", "{\"ingestion_id\":\"" UUID "\",\"offset\":0,\"ids\":[]}", "at least one id");
	assert_refuses_params("append",
	    "{\"ingestion_id\":\"" UUID "\",\"offset\":0,\"ids\":[1,\"x\"]}", "ids[1]: \"x\"");
	for (size_t i = 0; i < COUNT_OF(offsets); i++) {
		char *more = xasprintf("\"offset\":%s", offsets[i]);

		assert_refuses_more("append", "\"ingestion_id\":\"" UUID "\",\"ids\":[1]", more,
		    "\"offset\" must be an integer");
		free(more);
	}
}

static void appends_come_back(void **state)
{
	int64_t ids[] = {INT64_MAX, 1, 9007199254740993};
	struct wire_request request = {
	    .id = "1", .method = WIRE_APPEND, .append = {.ids = {.v = ids, .n = 3}}};
	struct wire_reply reply = {.append = {.received = IDLIST_MAX}}, back_reply;

	(void)state;
	assert_true(uuid_parse(UUID, &request.append.ingestion));
	reply.append.ingestion = request.append.ingestion;
	for (int64_t offset = 0; offset <= IDLIST_MAX; offset += IDLIST_MAX / 2) {
		struct wire_request back;

		request.append.offset = offset;
		back = request_back(&request);
		assert_memory_equal(&back.append.ingestion, &request.append.ingestion, 16);
		assert_int_equal(back.append.offset, offset);
		assert_int_equal(back.append.ids.n, 3);
		assert_memory_equal(back.append.ids.v, ids, sizeof(ids));
		wire_request_free(&back);
	}
	back_reply = reply_back(WIRE_APPEND, &reply);
	assert_memory_equal(&back_reply.append.ingestion, &reply.append.ingestion, 16);
	assert_int_equal(back_reply.append.received, IDLIST_MAX);
	wire_reply_free(&back_reply);
	assert_no_reply(WIRE_APPEND, "{\"result\":{\"ingestion_id\":\"" UUID "\"}}");
	assert_no_reply(WIRE_APPEND, "{\"result\":{\"received\":1}}");
}

/* ---- seal, cancel ---- */

static void seals_come_back(void **state)
{
	struct wire_request request = {.id = "1", .method = WIRE_SEAL, .seal = {.ids = -1}}, back;

	(void)state;
	assert_true(uuid_parse(UUID, &request.seal.ingestion));
	back = request_back(&request);
	assert_memory_equal(&back.seal.ingestion, &request.seal.ingestion, 16);
	assert_int_equal(back.seal.ids, -1);
	assert_false(back.seal.has_digest);
	request.seal.ids = IDLIST_MAX;
	request.seal.has_digest = true;
	assert_true(digest_parse(DIGEST, &request.seal.digest));
	back = request_back(&request);
	assert_int_equal(back.seal.ids, IDLIST_MAX);
	assert_true(back.seal.has_digest);
	assert_true(digest_equal(&back.seal.digest, &request.seal.digest));
}

static void a_seal_has_no_other_digest(void **state)
{
	static const char *const digests[] = {"\"\"", "1", "null", "\"" DIGEST "0\"", "[]"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(digests); i++) {
		char *more = xasprintf("\"digest\":%s", digests[i]);

		assert_refuses_more("seal", "\"ingestion_id\":\"" UUID "\"", more,
		    "\"digest\" must be a string of 64 hexadecimal digits");
		free(more);
	}
}

static void a_seal_counts_at_least_one(void **state)
{
	static const char *const counts[] = {"0", "-1", "100000001", "1.5", "\"1\"", "null"};

	(void)state;
	assert_refuses_params("seal", "{\"id_count\":1}", "\"ingestion_id\" must be");
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		char *more = xasprintf("\"id_count\":%s", counts[i]);

		assert_refuses_more("seal", "\"ingestion_id\":\"" UUID "\"", more,
		    "\"id_count\" must be an integer from 1 to 100000000");
		free(more);
	}
}

static void cancels_come_back(void **state)
{
	struct wire_request request = {.id = "1", .method = WIRE_CANCEL}, back;
	struct wire_reply reply = {.cancel = {.status = INGESTION_CANCELLED}}, back_reply;

	(void)state;
	assert_true(uuid_parse(UUID, &request.cancel.ingestion));
	back = request_back(&request);
	assert_memory_equal(&back.cancel.ingestion, &request.cancel.ingestion, 16);
	reply.cancel.ingestion = request.cancel.ingestion;
	back_reply = reply_back(WIRE_CANCEL, &reply);
	assert_memory_equal(&back_reply.cancel.ingestion, &request.cancel.ingestion, 16);
	assert_int_equal(back_reply.cancel.status, INGESTION_CANCELLED);
	assert_refuses_params("cancel", "{}", "\"ingestion_id\" must be");
	assert_no_reply(WIRE_CANCEL, "{\"result\":{\"ingestion_id\":\"" UUID "\"}}");
	assert_no_reply(
	    WIRE_CANCEL, "{\"result\":{\"ingestion_id\":\"" UUID "\",\"status\":\"x\"}}");
}

/* ---- status ---- */

static void status_has_a_limit(void **state)
{
	static const char *const limits[] = {"-1", "1001", "1.5", "\"1\"", "null"};
	struct wire_request request = {.id = "1", .method = WIRE_STATUS}, back;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(limits); i++) {
		char *more = xasprintf("\"limit\":%s", limits[i]);

		assert_refuses_more("status", "\"ingestion_id\":\"" UUID "\"", more,
		    "\"limit\" must be an integer from 0 to 1000");
		free(more);
	}
	assert_true(uuid_parse(UUID, &request.status.ingestion));
	for (int64_t limit = 0; limit <= 1000; limit += 500) {
		request.status.limit = limit;
		back = request_back(&request);
		assert_int_equal(back.status.limit, limit);
	}
	back = accepted("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":{"
			"\"ingestion_id\":\"" UUID "\"}}");
	assert_int_equal(back.status.limit, 1000);
}

static void long_polls_come_back(void **state)
{
	struct wire_request request = {.id = "1",
	    .method = WIRE_STATUS,
	    .status = {.limit = 0, .wait_ms = 3600000, .since = 9, .until = WIRE_UNTIL_FINAL}};
	struct wire_request back;

	(void)state;
	assert_true(uuid_parse(UUID, &request.status.ingestion));
	for (int until = 0; until < 2; until++) {
		request.status.until = (enum wire_until)until;
		back = request_back(&request);
		assert_int_equal(back.status.wait_ms, 3600000);
		assert_int_equal(back.status.since, 9);
		assert_int_equal(back.status.until, until);
	}
	assert_refuses_more("status", "\"ingestion_id\":\"" UUID "\"", "\"wait_ms\":3600001",
	    "\"wait_ms\" must be an integer from 0 to 3600000");
	assert_refuses_more("status", "\"ingestion_id\":\"" UUID "\"", "\"until\":\"end\"",
	    "\"until\" must be \"change\" or \"final\"");
	assert_refuses_more("status", "\"ingestion_id\":\"" UUID "\"", "\"since\":-1",
	    "\"since\" must be the version");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(keys_are_visible_ascii),
	    TEST(submits_with_a_key_come_back),
	    TEST(opens_come_back),
	    TEST(open_and_ids_exclude_each_other),
	    TEST(open_false_is_a_whole_list),
	    TEST(submit_and_seal_replies_come_back),
	    TEST(open_replies_come_back),
	    TEST(an_open_reply_is_exact),
	    TEST(incomplete_submit_replies_are_refused),
	    TEST(append_needs_all_of_it),
	    TEST(appends_come_back),
	    TEST(seals_come_back),
	    TEST(a_seal_counts_at_least_one),
	    TEST(a_seal_has_no_other_digest),
	    TEST(cancels_come_back),
	    TEST(status_has_a_limit),
	    TEST(long_polls_come_back),
	};

	return RUN(tests);
}
