/* The methods list and stats, and how an ingestion is written. */
#include "wire_test.h"

/* ---- requests ---- */

static void filters_are_checked(void **state)
{
	static const struct {
		const char *params, *why;
	} rows[] = {
	    {"{\"status\":\"done\"}", "status \"done\" is not one of yet_to_start"},
	    {"{\"status\":\"\"}", "status \"\" is not one of"},
	    {"{\"status\":7}", "is not one of"},
	    {"{\"status\":null}", "is not one of"},
	    {"{\"priority\":\"low\"}", "priority \"low\" is not one of HIGH, MEDIUM, LOW"},
	    {"{\"label\":\"\"}", "\"label\" must be a string and not empty"},
	    {"{\"label\":\"a\\nb\"}", "control character"},
	    {"{\"id_prefix\":\"019B\"}", "in lower case"},
	    {"{\"id_prefix\":\"x\"}", "\"id_prefix\" must be the beginning"},
	    {"{\"id_prefix\":\"019b2c6e1\"}", "\"id_prefix\" must be the beginning"},
	    {"{\"id_prefix\":\"" UUID "0\"}", "\"id_prefix\" must be the beginning"},
	    {"{\"id_prefix\":7}", "\"id_prefix\" must be the beginning"},
	    {"{\"seq\":0}", "\"seq\" must be the number of a submission"},
	    {"{\"seq\":\"1\"}", "\"seq\" must be the number of a submission"},
	    {"{\"limit\":0}", "\"limit\" must be an integer from 1 to 1000"},
	    {"{\"limit\":1001}", "\"limit\" must be an integer from 1 to 1000"},
	    {"{\"cursor\":7}", "\"cursor\" must be the \"next_cursor\""},
	    {"{\"cursor\":\"0123456789012345678901234567890123456789\"}", "\"cursor\" must be"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_refuses_params("list", rows[i].params, rows[i].why);
}

static void lists_may_leave_all_out(void **state)
{
	struct wire_request request =
	    accepted("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"list\"}");

	(void)state;
	assert_int_equal(request.list.limit, 100);
	assert_string_equal(request.list.cursor, "");
	assert_false(request.list.filter.has_status);
	assert_false(request.list.filter.has_priority);
	assert_string_equal(request.list.filter.label, "");
	assert_string_equal(request.list.filter.id_prefix, "");
	assert_int_equal(request.list.filter.seq, 0);
}

static void lists_come_back(void **state)
{
	struct wire_request request = {.id = "1",
	    .method = WIRE_LIST,
	    .list = {.filter = {.has_status = true,
			 .has_priority = true,
			 .priority = PRIORITY_LOW,
			 .label = "gr\xc3\xbcn",
			 .id_prefix = UUID,
			 .seq = 9007199254740991},
		.limit = 1000,
		.cursor = "012345678901234567890123456789012345678"}};

	(void)state;
	for (int i = 0; i < INGESTION_STATUS_COUNT; i++) {
		struct wire_request back;

		request.list.filter.status = (enum ingestion_status)i;
		back = request_back(&request);
		assert_memory_equal(
		    &back.list.filter, &request.list.filter, sizeof(struct list_filter));
		assert_int_equal(back.list.limit, 1000);
		assert_string_equal(back.list.cursor, request.list.cursor);
	}
}

static void an_empty_prefix_asks_for_nothing(void **state)
{
	struct wire_request request = accepted("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"list\","
					       "\"params\":{\"id_prefix\":\"\"}}");

	(void)state;
	assert_string_equal(request.list.filter.id_prefix, "");
}

static void stats_has_no_params(void **state)
{
	struct wire_request request = {.id = "1", .method = WIRE_STATS}, back;

	(void)state;
	back = request_back(&request);
	wire_request_free(&back);
	assert_refuses_params("stats", "{\"lanes\":true}", "unknown member \"lanes\"");
}

static void ages_come_back(void **state)
{
	static const char *const ages[] = {"0", "-1", "31536000001", "1.5", "\"1\"", "null"};
	struct wire_request request = {
	    .id = "1", .method = WIRE_LIST, .list = {.limit = 1, .older_than_ms = 31536000000}};
	struct wire_request back = request_back(&request);

	(void)state;
	assert_int_equal(back.list.older_than_ms, 31536000000);
	assert_int_equal(back.list.filter.before_ms, 0);
	for (size_t i = 0; i < COUNT_OF(ages); i++) {
		char *params = xasprintf("{\"older_than_ms\":%s}", ages[i]);

		assert_refuses_params(
		    "list", params, "\"older_than_ms\" must be an integer from 1 to 31536000000");
		free(params);
	}
}

/* Both are cancelled, but only one of them had a place in the line. */
static void a_cancelled_ingestion_is_no_upload(void **state)
{
	struct wire_reply reply = {0}, back;
	struct ingestion *it = list_page_add(&reply.list);

	(void)state;
	*it = (struct ingestion){.seq = 7,
	    .priority = PRIORITY_LOW,
	    .version = 3,
	    .batch_size = 3,
	    .cancelled_by = "token:ops",
	    .counts = {.ids = 6, .batches = 2, .by_status = {[BATCH_CANCELLED] = 2}}};
	assert_true(uuid_parse(UUID, &it->uuid));
	back = reply_back(WIRE_LIST, &reply);
	assert_int_equal(back.list.v[0].stage, STAGE_SEALED);
	assert_int_equal(ingestion_status_of(&back.list.v[0]), INGESTION_CANCELLED);
	assert_string_equal(back.list.v[0].cancelled_by, "token:ops");
	wire_reply_free(&back);
	wire_reply_free(&reply);
}

/* ---- ingestions ---- */

/* One in each status, as a store would give it. */
static void fill_list(struct list_page *page)
{
	*page = (struct list_page){.next = "123"};
	for (int i = 0; i < INGESTION_STATUS_COUNT; i++) {
		struct ingestion *it = list_page_add(page);

		assert_true(uuid_parse(UUID, &it->uuid));
		it->uuid.bytes[15] = (uint8_t)i;
		it->priority = (enum priority)(PRIORITY_HIGH + i % PRIORITY_COUNT);
		it->batch_size = 3;
		it->version = 1 + i;
		it->created_ms = 1795352548123 + i;
		it->counts.ids = 7;
		strcpy(it->label, i % 2 ? "label" : "");
		if (i == INGESTION_RECEIVING || i == INGESTION_CANCELLED) {
			it->stage = i == INGESTION_RECEIVING ? STAGE_RECEIVING : STAGE_CANCELLED;
			it->finished_ms = i == INGESTION_CANCELLED ? 1795352549123 : 0;
			continue;
		}
		it->seq = 1 + i;
		it->counts.batches = 3;
		if (i != INGESTION_CANCELLING)
			it->counts.by_status[i == INGESTION_COMPLETED ? BATCH_COMPLETED : i] = 3;
		if (i == INGESTION_FAILED) {
			it->counts.by_status[i] = 0;
			it->counts.by_status[BATCH_FAILED] = 1;
			it->counts.by_status[BATCH_COMPLETED] = 2;
		}
		if (i == INGESTION_COMPLETED) {
			it->counts.by_status[BATCH_RETRYING] = 0;
			it->counts.by_status[BATCH_COMPLETED] = 3;
		}
		if (i == INGESTION_CANCELLING) {
			strcpy(it->cancelled_by, "uid:1000");
			it->counts.by_status[BATCH_TRIGGERED] = 1;
			it->counts.by_status[BATCH_CANCELLED] = 2;
			it->counts.ids_cancelled = 5;
			it->counts.ids_unknown = 1;
		}
		assert_int_equal(ingestion_status_of(it), i);
	}
}

static void list_replies_come_back(void **state)
{
	struct wire_reply reply = {0}, back;

	(void)state;
	back = reply_back(WIRE_LIST, &reply);
	assert_int_equal(back.list.n, 0);
	assert_string_equal(back.list.next, "");
	wire_reply_free(&back);
	fill_list(&reply.list);
	back = reply_back(WIRE_LIST, &reply);
	assert_int_equal(back.list.n, INGESTION_STATUS_COUNT);
	assert_string_equal(back.list.next, "123");
	for (size_t i = 0; i < back.list.n; i++) {
		assert_memory_equal(&back.list.v[i], &reply.list.v[i], sizeof(struct ingestion));
		assert_int_equal(ingestion_status_of(&back.list.v[i]), i);
	}
	wire_reply_free(&back);
	wire_reply_free(&reply);
}

static void an_upload_has_no_seq(void **state)
{
	struct wire_reply reply = {0};
	struct buf out = {0};

	(void)state;
	fill_list(&reply.list);
	reply.list.v[0] = reply.list.v[INGESTION_RECEIVING];
	reply.list.n = 1;
	reply.list.next[0] = '\0';
	wire_write_result(WIRE_LIST, &reply, &out);
	assert_string_equal(out.data,
	    "{\"ingestions\":[{\"ingestion_id\":\"019b2c6e-1234-7abc-8def-012345678904\","
	    "\"status\":\"receiving\",\"priority\":\"MEDIUM\",\"version\":5,\"batch_size\":3,"
	    "\"created_at\":\"2026-11-22T13:02:28.127Z\",\"counts\":{\"ids\":7,\"batches\":0,"
	    "\"yet_to_start\":0,\"triggered\":0,\"retrying\":0,\"completed\":0,\"failed\":0,"
	    "\"cancelled\":0,\"ids_completed\":0,\"ids_failed\":0,\"ids_cancelled\":0,"
	    "\"ids_unknown\":0,\"attempts\":0,\"retries\":0}}]}\n");
	buf_free(&out);
	wire_reply_free(&reply);
}

/* Takes each member away, one after the other, by giving it another name. */
static void assert_needs(
    enum wire_method method, const struct wire_reply *reply, const char *const *members, size_t n)
{
	struct buf out = {0};

	wire_write_reply("1", method, reply, &out);
	out.data[out.len - 1] = '\0';
	for (size_t i = 0; i < n; i++) {
		char *member = strstr(out.data, members[i]);

		assert_non_null(member);
		member[1] = 'X';
		assert_no_reply(method, out.data);
		member[1] = members[i][1];
	}
	buf_free(&out);
}

static void a_list_without_a_member_is_refused(void **state)
{
	static const char *const members[] = {"\"ingestions\"", "\"ingestion_id\"", "\"status\"",
	    "\"priority\"", "\"version\"", "\"batch_size\"", "\"counts\"", "\"ids\":7",
	    "\"yet_to_start\":3"};
	struct wire_reply reply = {0};

	(void)state;
	fill_list(&reply.list);
	assert_needs(WIRE_LIST, &reply, members, COUNT_OF(members));
	wire_reply_free(&reply);
	assert_no_reply(WIRE_LIST, "{\"result\":{\"ingestions\":[7]}}");
	assert_no_reply(WIRE_LIST, "{\"result\":{\"ingestions\":[],\"next_cursor\":7}}");
}

/* ---- stats ---- */

/* Each number is another one, so that mixed up fields are noticed. */
static void fill_stats(struct wire_stats_reply *stats)
{
	int64_t n = 1000;
	int64_t *const numbers[] = {&stats->uptime_ms, &stats->rss_bytes, &stats->interval_ns,
	    &stats->settle_ns, &stats->batch_size, &stats->concurrency, &stats->next_slot_ms,
	    &stats->running_slots, &stats->running_batches, &stats->uploads, &stats->upload_ids,
	    &stats->connections, &stats->accepted, &stats->refused, &stats->dropped,
	    &stats->requests, &stats->errors, &stats->waiting, &stats->store_bytes,
	    &stats->wal_bytes, &stats->free_bytes, &stats->queued, &stats->queued_bytes,
	    &stats->commits, &stats->operations, &stats->commit_last_us, &stats->commit_mean_us,
	    &stats->commit_max_us, &stats->max_attempts, &stats->retry_base_ms,
	    &stats->retry_max_ms, &stats->attempts, &stats->retries, &stats->interrupted,
	    &stats->durations.sum_us};

	memset(stats, 0, sizeof(*stats));
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		*numbers[i] = n++;
	for (int lane = 0; lane < PRIORITY_COUNT; lane++) {
		stats->lanes[lane].ids = n++;
		stats->lanes[lane].later = n++;
		stats->oldest_waiting_ms[lane] = n++;
		for (int i = 0; i < BATCH_STATUS_COUNT; i++)
			stats->lanes[lane].batches[i] = n++;
		for (int i = 0; i < INGESTION_STATUS_COUNT; i++)
			stats->lanes[lane].ingestions[i] = n++;
	}
	for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++)
		stats->failures[i] = n++;
	for (int i = 0; i < DURATION_BUCKETS; i++)
		stats->durations.counts[i] = n++;
	strcpy(stats->version, "0.2.0");
	strcpy(stats->store, "sqlite:/var/lib/ingestd/db");
	stats->utc_ms = 1795352548123;
	stats->pack = true;
	stats->n_limits = 2;
	strcpy(stats->limits[0].name, "max-connections");
	stats->limits[0].limit = 1024;
	stats->limits[0].used = 0;
	stats->limits[0].hits = 3;
	strcpy(stats->limits[1].name, "max-message");
	stats->limits[1].limit = 1048576;
	stats->limits[1].used = -1;
}

static void stats_replies_come_back(void **state)
{
	struct wire_reply reply = {0}, back;

	(void)state;
	fill_stats(&reply.stats);
	back = reply_back(WIRE_STATS, &reply);
	assert_memory_equal(&back.stats, &reply.stats, sizeof(reply.stats));
	wire_reply_free(&back);
	reply.stats.next_slot_ms = reply.stats.free_bytes = -1;
	reply.stats.oldest_waiting_ms[1] = -1;
	reply.stats.oldest_waiting_ms[2] = 0;
	reply.stats.pack = false;
	reply.stats.n_limits = 0;
	memset(reply.stats.limits, 0, sizeof(reply.stats.limits));
	back = reply_back(WIRE_STATS, &reply);
	assert_memory_equal(&back.stats, &reply.stats, sizeof(reply.stats));
	wire_reply_free(&back);
}

static void more_limits_than_are_known_are_left_out(void **state)
{
	struct wire_reply reply = {0}, back;
	struct fail fail;
	struct buf out = {0};
	char *list;

	(void)state;
	fill_stats(&reply.stats);
	reply.stats.n_limits = 1;
	wire_write_reply("1", WIRE_STATS, &reply, &out);
	list = strstr(out.data, "\"limits\":[") + strlen("\"limits\":[");
	*strchr(list, ']') = '\0';
	list = xstrdup(list);
	*strstr(out.data, "\"limits\"") = '\0';
	out.len = strlen(out.data);
	buf_add_str(&out, "\"limits\":[");
	for (int i = 0; i < 30; i++)
		buf_printf(&out, "%s,", list);
	buf_printf(&out, "%s]}}", list);
	if (!wire_read_reply(out.data, out.len, WIRE_STATS, &back, &fail))
		fail_msg("%s: %s", out.data, fail.text);
	assert_int_equal(back.stats.n_limits, WIRE_STATS_LIMITS);
	wire_reply_free(&back);
	buf_free(&out);
	free(list);
}

static void stats_show_attempts(void **state)
{
	struct wire_reply reply = {0};
	struct wire_stats_reply *stats = &reply.stats;
	struct buf out = {0};

	(void)state;
	stats->attempts = 9;
	stats->retries = 2;
	stats->interrupted = 1;
	stats->failures[FAILURE_TIMEOUT] = 3;
	durations_add(&stats->durations, 6000);
	durations_add(&stats->durations, 1800001000);
	stats->oldest_waiting_ms[0] = -1;
	wire_write_result(WIRE_STATS, &reply, &out);
	assert_contains(out.data,
	    "\"attempts\":{\"total\":9,\"retries\":2,\"interrupted\":1,\"failures\":{\"ids\":0,"
	    "\"try_again\":0,\"exit\":0,\"signal\":0,\"timeout\":3,\"start\":0,"
	    "\"network\":0,\"status\":0,\"reply\":0},"
	    "\"duration_sum_us\":1800007000,\"durations\":[{\"up_to_ms\":5,\"count\":0},"
	    "{\"up_to_ms\":10,\"count\":1},{\"up_to_ms\":25,\"count\":0},");
	assert_contains(out.data, "{\"up_to_ms\":1800000,\"count\":0},{\"count\":1}]}");
	assert_contains(
	    out.data, "{\"priority\":\"HIGH\",\"waiting_ids\":0,\"later\":0,\"batches\"");
	assert_contains(out.data, "{\"priority\":\"LOW\",\"waiting_ids\":0,"
				  "\"oldest_waiting_ms\":0,\"later\":0,\"batches\"");
	buf_free(&out);
}

/* What another version measures otherwise is not put where it does not belong. */
static void unknown_durations_are_left_out(void **state)
{
	struct wire_reply reply = {0}, back;
	struct buf out = {0};
	struct fail fail;
	char *bound;

	(void)state;
	fill_stats(&reply.stats);
	wire_write_reply("1", WIRE_STATS, &reply, &out);
	bound = strstr(out.data, "\"up_to_ms\":25,");
	assert_non_null(bound);
	memcpy(bound, "\"up_to_ms\":26,", strlen("\"up_to_ms\":26,"));
	assert_true(wire_read_reply(out.data, out.len - 1, WIRE_STATS, &back, &fail));
	assert_int_equal(back.stats.durations.counts[1], reply.stats.durations.counts[1]);
	assert_int_equal(back.stats.durations.counts[2], 0);
	assert_int_equal(back.stats.durations.counts[3], reply.stats.durations.counts[3]);
	wire_reply_free(&back);
	buf_free(&out);
}

static void stats_without_a_member_are_refused(void **state)
{
	static const char *const members[] = {"\"version\"", "\"uptime_ms\"", "\"rss_bytes\"",
	    "\"dispatch\"", "\"interval_ns\"", "\"uploads\"", "\"connections\"", "\"requests\"",
	    "\"store\"", "\"url\"", "\"priority\"", "\"waiting_ids\"", "\"batches\"",
	    "\"ingestions\"", "\"receiving\"", "\"name\"", "\"hits\""};
	struct wire_reply reply = {0};

	(void)state;
	fill_stats(&reply.stats);
	assert_needs(WIRE_STATS, &reply, members, COUNT_OF(members));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(filters_are_checked),
	    TEST(lists_may_leave_all_out),
	    TEST(lists_come_back),
	    TEST(an_empty_prefix_asks_for_nothing),
	    TEST(stats_has_no_params),
	    TEST(list_replies_come_back),
	    TEST(ages_come_back),
	    TEST(a_cancelled_ingestion_is_no_upload),
	    TEST(an_upload_has_no_seq),
	    TEST(a_list_without_a_member_is_refused),
	    TEST(stats_replies_come_back),
	    TEST(more_limits_than_are_known_are_left_out),
	    TEST(stats_show_attempts),
	    TEST(unknown_durations_are_left_out),
	    TEST(stats_without_a_member_are_refused),
	};

	return RUN(tests);
}
