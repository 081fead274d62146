#include "model.h"

#include "unit.h"
#include "util.h"

static void priorities_have_upper_case_names(void **state)
{
	static const char *const names[] = {NULL, "HIGH", "MEDIUM", "LOW"};

	(void)state;
	for (int i = PRIORITY_HIGH; i <= PRIORITY_LOW; i++) {
		enum priority priority;

		assert_string_equal(priority_name((enum priority)i), names[i]);
		assert_true(priority_by_name(names[i], &priority));
		assert_int_equal(priority, i);
	}
}

static void other_names_are_no_priorities(void **state)
{
	static const char *const names[] = {"", "high", "High", "URGENT", "HIGH ", "1"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		enum priority priority = PRIORITY_LOW;

		assert_false(priority_by_name(names[i], &priority));
		assert_int_equal(priority, PRIORITY_LOW);
	}
}

static void batch_statuses_have_names(void **state)
{
	static const char *const names[] = {
	    [BATCH_YET_TO_START] = "yet_to_start",
	    [BATCH_TRIGGERED] = "triggered",
	    [BATCH_RETRYING] = "retrying",
	    [BATCH_COMPLETED] = "completed",
	    [BATCH_FAILED] = "failed",
	    [BATCH_CANCELLED] = "cancelled",
	};

	(void)state;
	assert_int_equal(COUNT_OF(names), BATCH_STATUS_COUNT);
	for (int i = 0; i < BATCH_STATUS_COUNT; i++) {
		enum batch_status status;

		assert_string_equal(batch_status_name((enum batch_status)i), names[i]);
		assert_true(batch_status_by_name(names[i], &status));
		assert_int_equal(status, i);
	}
}

static void other_names_are_no_batch_statuses(void **state)
{
	enum batch_status status;

	(void)state;
	assert_false(batch_status_by_name("", &status));
	assert_false(batch_status_by_name("Completed", &status));
	assert_false(batch_status_by_name("done", &status));
}

static void ingestion_statuses_have_names(void **state)
{
	static const char *const names[] = {
	    [INGESTION_YET_TO_START] = "yet_to_start",
	    [INGESTION_TRIGGERED] = "triggered",
	    [INGESTION_COMPLETED] = "completed",
	    [INGESTION_FAILED] = "failed",
	    [INGESTION_RECEIVING] = "receiving",
	    [INGESTION_CANCELLED] = "cancelled",
	    [INGESTION_CANCELLING] = "cancelling",
	};

	(void)state;
	assert_int_equal(COUNT_OF(names), INGESTION_STATUS_COUNT);
	for (int i = 0; i < INGESTION_STATUS_COUNT; i++) {
		enum ingestion_status status;

		assert_string_equal(ingestion_status_name((enum ingestion_status)i), names[i]);
		assert_true(ingestion_status_by_name(names[i], &status));
		assert_int_equal(status, i);
	}
}

static void other_names_are_no_ingestion_statuses(void **state)
{
	enum ingestion_status status;

	(void)state;
	assert_false(ingestion_status_by_name("", &status));
	assert_false(ingestion_status_by_name("Completed", &status));
	assert_false(ingestion_status_by_name("retrying", &status));
	assert_false(ingestion_status_by_name("canceled", &status));
}

static void outcomes_of_ids_have_names(void **state)
{
	static const char *const names[] = {
	    [ID_PENDING] = "pending",
	    [ID_COMPLETED] = "completed",
	    [ID_FAILED] = "failed",
	    [ID_CANCELLED] = "cancelled",
	    [ID_UNKNOWN] = "unknown",
	};
	static const char *const others[] = {"", "Pending", "retrying", "failed ", "fail"};
	enum id_outcome outcome = ID_FAILED;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		assert_false(id_outcome_by_name(others[i], &outcome));
		assert_int_equal(outcome, ID_FAILED);
	}
	assert_int_equal(COUNT_OF(names), ID_OUTCOME_COUNT);
	for (int i = 0; i < ID_OUTCOME_COUNT; i++) {
		assert_string_equal(id_outcome_name((enum id_outcome)i), names[i]);
		assert_true(id_outcome_by_name(names[i], &outcome));
		assert_int_equal(outcome, i);
	}
}

static void failures_have_names(void **state)
{
	static const char *const names[] = {
	    [FAILURE_IDS] = "ids",
	    [FAILURE_TRY_AGAIN] = "try_again",
	    [FAILURE_EXIT] = "exit",
	    [FAILURE_SIGNAL] = "signal",
	    [FAILURE_TIMEOUT] = "timeout",
	    [FAILURE_START] = "start",
	    [FAILURE_NETWORK] = "network",
	    [FAILURE_STATUS] = "status",
	    [FAILURE_REPLY] = "reply",
	};

	(void)state;
	assert_int_equal(COUNT_OF(names), FAILURE_COUNT);
	assert_null(failure_name(FAILURE_NONE));
	for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++)
		assert_string_equal(failure_name((enum failure)i), names[i]);
}

static void pauses_have_names(void **state)
{
	static const char *const names[] = {
	    [PAUSE_NONE] = "none",
	    [PAUSE_PAUSED] = "paused",
	    [PAUSE_DRAINING] = "draining",
	};
	enum pause pause = PAUSE_DRAINING;

	(void)state;
	assert_false(pause_by_name("", &pause));
	assert_false(pause_by_name("Paused", &pause));
	assert_false(pause_by_name("drain", &pause));
	assert_int_equal(pause, PAUSE_DRAINING);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_string_equal(pause_name((enum pause)i), names[i]);
		assert_true(pause_by_name(names[i], &pause));
		assert_int_equal(pause, i);
	}
}

static void some_statuses_are_final(void **state)
{
	(void)state;
	assert_false(ingestion_status_is_final(INGESTION_YET_TO_START));
	assert_false(ingestion_status_is_final(INGESTION_TRIGGERED));
	assert_true(ingestion_status_is_final(INGESTION_COMPLETED));
	assert_true(ingestion_status_is_final(INGESTION_FAILED));
	assert_false(ingestion_status_is_final(INGESTION_RECEIVING));
	assert_true(ingestion_status_is_final(INGESTION_CANCELLED));
	assert_false(ingestion_status_is_final(INGESTION_CANCELLING));
}

static void the_stage_goes_before_the_counts(void **state)
{
	struct ingestion it = {.counts = {.batches = 1, .by_status = {[BATCH_FAILED] = 1}}};

	(void)state;
	assert_int_equal(ingestion_status_of(&it), INGESTION_FAILED);
	it.stage = STAGE_RECEIVING;
	assert_int_equal(ingestion_status_of(&it), INGESTION_RECEIVING);
	it.stage = STAGE_CANCELLED;
	assert_int_equal(ingestion_status_of(&it), INGESTION_CANCELLED);
	/* Without any batch it is not completed either. */
	it = (struct ingestion){.stage = STAGE_RECEIVING};
	assert_int_equal(ingestion_status_of(&it), INGESTION_RECEIVING);
}

/* Until nothing of it runs or waits; then its batches say how it has ended. */
static void a_wish_to_cancel_is_on_its_way(void **state)
{
	static const struct {
		enum batch_status batch;
		enum ingestion_status status;
	} rows[] = {
	    {BATCH_YET_TO_START, INGESTION_CANCELLING},
	    {BATCH_TRIGGERED, INGESTION_CANCELLING},
	    {BATCH_RETRYING, INGESTION_CANCELLING},
	    {BATCH_COMPLETED, INGESTION_COMPLETED},
	    {BATCH_FAILED, INGESTION_FAILED},
	    {BATCH_CANCELLED, INGESTION_CANCELLED},
	};

	(void)state;
	assert_int_equal(COUNT_OF(rows), BATCH_STATUS_COUNT);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ingestion it = {.cancelled_by = "uid:1", .counts = {.batches = 1}};

		it.counts.by_status[rows[i].batch] = 1;
		assert_int_equal(ingestion_status_of(&it), rows[i].status);
	}
}

static void the_status_follows_from_the_counts(void **state)
{
	/* batches that are yet_to_start, triggered, retrying, completed, failed, cancelled */
	static const struct {
		int64_t yet, triggered, retrying, completed, failed, cancelled;
		enum ingestion_status status;
	} rows[] = {
	    {1, 0, 0, 0, 0, 0, INGESTION_YET_TO_START},
	    {3, 0, 0, 0, 0, 0, INGESTION_YET_TO_START},
	    {2, 1, 0, 0, 0, 0, INGESTION_TRIGGERED},
	    {0, 3, 0, 0, 0, 0, INGESTION_TRIGGERED},
	    {2, 0, 1, 0, 0, 0, INGESTION_TRIGGERED},
	    {0, 0, 1, 0, 0, 0, INGESTION_TRIGGERED},
	    {2, 0, 0, 1, 0, 0, INGESTION_TRIGGERED},
	    {2, 0, 0, 0, 1, 0, INGESTION_TRIGGERED},
	    {0, 1, 0, 2, 0, 0, INGESTION_TRIGGERED},
	    {0, 0, 1, 1, 1, 0, INGESTION_TRIGGERED},
	    {0, 0, 0, 1, 0, 0, INGESTION_COMPLETED},
	    {0, 0, 0, 3, 0, 0, INGESTION_COMPLETED},
	    {0, 0, 0, 2, 1, 0, INGESTION_FAILED},
	    {0, 0, 0, 0, 3, 0, INGESTION_FAILED},
	    {0, 0, 0, 0, 0, 3, INGESTION_CANCELLED},
	    {0, 0, 0, 2, 0, 1, INGESTION_CANCELLED},
	    {0, 0, 0, 0, 2, 1, INGESTION_CANCELLED},
	    {0, 0, 1, 0, 0, 2, INGESTION_TRIGGERED},
	    {1, 0, 0, 0, 0, 2, INGESTION_TRIGGERED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct counts counts = {.by_status = {
					    [BATCH_YET_TO_START] = rows[i].yet,
					    [BATCH_TRIGGERED] = rows[i].triggered,
					    [BATCH_RETRYING] = rows[i].retrying,
					    [BATCH_COMPLETED] = rows[i].completed,
					    [BATCH_FAILED] = rows[i].failed,
					    [BATCH_CANCELLED] = rows[i].cancelled,
					}};

		for (int s = 0; s < BATCH_STATUS_COUNT; s++)
			counts.batches += counts.by_status[s];
		if (counts_status(&counts) != rows[i].status)
			fail_msg("row %zu: %s", i, ingestion_status_name(counts_status(&counts)));
	}
}

static void batches_cover_all_ids(void **state)
{
	(void)state;
	for (int64_t size = 1; size <= 12; size++)
		for (int64_t ids = 1; ids <= 40; ids++) {
			int64_t batches = batches_of(ids, size), sum = 0;

			for (int64_t i = 0; i < batches; i++) {
				assert_int_equal(batch_length(ids, size, i),
				    ids - sum < size ? ids - sum : size);
				sum += batch_length(ids, size, i);
			}
			assert_int_equal(sum, ids);
			assert_in_range(batch_length(ids, size, batches - 1), 1, size);
		}
}

static void batches_of_large_numbers_do_not_overflow(void **state)
{
	(void)state;
	assert_int_equal(batches_of(INT64_MAX, 2), INT64_MAX / 2 + 1);
	assert_int_equal(batches_of(INT64_MAX, INT64_MAX), 1);
	assert_int_equal(batches_of(5, INT64_MAX), 1);
	assert_int_equal(batch_length(5, INT64_MAX, 0), 5);
}

static void a_page_keeps_its_batches_in_order(void **state)
{
	struct status_page page = {0};

	(void)state;
	for (int64_t i = 0; i < 1000; i++) {
		struct batch *batch = status_page_add(&page);

		assert_null(batch->error);
		assert_int_equal(batch->attempts, 0);
		batch->index = i;
		batch->error = i % 3 ? NULL : xstrdup("why");
	}
	assert_int_equal(page.n, 1000);
	for (size_t i = 0; i < page.n; i++)
		assert_int_equal(page.batches[i].index, i);
	status_page_free(&page);
	assert_int_equal(page.n, 0);
	assert_null(page.batches);
}

static void a_page_frees_what_was_written(void **state)
{
	struct status_page page = {0};
	struct batch *batch = status_page_add(&page);

	(void)state;
	batch->out = (struct output){xstrdup("out"), 3};
	batch->err = (struct output){xstrdup("err"), 3};
	batch = status_page_add(&page);
	assert_null(batch->out.text);
	assert_null(batch->err.text);
	assert_int_equal(batch->ids_completed, 0);
	assert_int_equal(batch->retry_ms, 0);
	status_page_free(&page);
	assert_int_equal(page.n, 0);
}

static void a_report_keeps_its_ids_in_order(void **state)
{
	struct report_page page = {.next = 7};

	(void)state;
	for (int64_t i = 0; i < 1000; i++) {
		struct report_entry *entry = report_page_add(&page);

		assert_int_equal(entry->attempts, 0);
		assert_int_equal(entry->outcome, ID_PENDING);
		assert_null(entry->error);
		entry->position = i;
		entry->error = i % 3 ? NULL : xstrdup("why");
	}
	assert_int_equal(page.n, 1000);
	for (size_t i = 0; i < page.n; i++) {
		assert_int_equal(page.v[i].position, i);
		assert_int_equal(page.v[i].error != NULL, i % 3 == 0);
	}
	report_page_free(&page);
	assert_int_equal(page.n, 0);
	assert_int_equal(page.next, 0);
	assert_null(page.v);
}

static void a_list_keeps_its_ingestions_in_order(void **state)
{
	struct list_page page = {.next = "x"};

	(void)state;
	for (int64_t i = 0; i < 1000; i++) {
		struct ingestion *it = list_page_add(&page);

		assert_int_equal(it->seq, 0);
		it->seq = i;
	}
	assert_int_equal(page.n, 1000);
	for (size_t i = 0; i < page.n; i++)
		assert_int_equal(page.v[i].seq, i);
	list_page_free(&page);
	assert_int_equal(page.n, 0);
	assert_null(page.v);
	assert_string_equal(page.next, "");
}

/* ---- filters ---- */

static struct ingestion example(void)
{
	struct ingestion it = {.seq = 42,
	    .priority = PRIORITY_MEDIUM,
	    .label = "nightly",
	    .created_ms = 5000,
	    .counts = {.batches = 2, .by_status = {[BATCH_COMPLETED] = 2}}};

	assert_true(uuid_parse("019b2c6e-1234-7abc-8def-0123456789ab", &it.uuid));
	return it;
}

static void an_empty_filter_takes_all(void **state)
{
	struct list_filter filter = {.status = INGESTION_FAILED, .priority = PRIORITY_LOW};
	struct ingestion it = example();

	(void)state;
	assert_true(list_filter_matches(&filter, &it));
	it = (struct ingestion){.stage = STAGE_RECEIVING, .priority = PRIORITY_HIGH};
	assert_true(list_filter_matches(&filter, &it));
}

static void filters_by_status_and_priority(void **state)
{
	struct list_filter filter = {.has_status = true};
	struct ingestion it = example();

	(void)state;
	for (int i = 0; i < INGESTION_STATUS_COUNT; i++) {
		filter.status = (enum ingestion_status)i;
		assert_int_equal(list_filter_matches(&filter, &it), i == INGESTION_COMPLETED);
	}
	it.stage = STAGE_CANCELLED;
	filter.status = INGESTION_CANCELLED;
	assert_true(list_filter_matches(&filter, &it));
	filter = (struct list_filter){.has_priority = true};
	for (int i = PRIORITY_HIGH; i <= PRIORITY_LOW; i++) {
		filter.priority = (enum priority)i;
		assert_int_equal(list_filter_matches(&filter, &it), i == PRIORITY_MEDIUM);
	}
}

static void filters_by_label_and_number(void **state)
{
	static const char *const labels[] = {"nightl", "nightly2", "Nightly", "%"};
	struct list_filter filter = {.label = "nightly"};
	struct ingestion it = example();

	(void)state;
	assert_true(list_filter_matches(&filter, &it));
	for (size_t i = 0; i < COUNT_OF(labels); i++) {
		strcpy(filter.label, labels[i]);
		assert_false(list_filter_matches(&filter, &it));
	}
	filter = (struct list_filter){.seq = 42};
	assert_true(list_filter_matches(&filter, &it));
	filter.seq = 4;
	assert_false(list_filter_matches(&filter, &it));
}

static void filters_by_the_beginning_of_the_id(void **state)
{
	const char id[] = "019b2c6e-1234-7abc-8def-0123456789ab";
	struct ingestion it = example();

	(void)state;
	for (size_t len = 0; len < sizeof(id); len++) {
		struct list_filter filter = {.seq = 0};

		memcpy(filter.id_prefix, id, len);
		assert_true(list_filter_matches(&filter, &it));
		if (len == 0)
			continue;
		filter.id_prefix[len - 1] = filter.id_prefix[len - 1] == 'f' ? '0' : 'f';
		assert_false(list_filter_matches(&filter, &it));
	}
}

static void filters_by_age(void **state)
{
	struct list_filter filter = {.before_ms = 5001};
	struct ingestion it = example();

	(void)state;
	assert_true(list_filter_matches(&filter, &it));
	filter.before_ms = 5000;
	assert_false(list_filter_matches(&filter, &it));
	filter.before_ms = 1;
	assert_false(list_filter_matches(&filter, &it));
	filter.before_ms = 0;
	assert_true(list_filter_matches(&filter, &it));
}

static void all_that_is_asked_for_must_hold(void **state)
{
	struct list_filter all = {.has_status = true,
	    .status = INGESTION_COMPLETED,
	    .has_priority = true,
	    .priority = PRIORITY_MEDIUM,
	    .label = "nightly",
	    .id_prefix = "019b",
	    .seq = 42,
	    .before_ms = 5001};
	struct list_filter others[] = {all, all, all, all, all, all};
	struct ingestion it = example();

	(void)state;
	assert_true(list_filter_matches(&all, &it));
	others[0].status = INGESTION_FAILED;
	others[1].priority = PRIORITY_HIGH;
	strcpy(others[2].label, "x");
	strcpy(others[3].id_prefix, "1");
	others[4].seq = 41;
	others[5].before_ms = 5000;
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(list_filter_matches(&others[i], &it));
}

/* ---- durations ---- */

static void durations_go_into_buckets(void **state)
{
	struct durations durations = {.sum_us = 0};

	(void)state;
	/* On the bound of each bucket, and a microsecond above it. */
	for (int i = 0; i < DURATION_BUCKETS - 1; i++) {
		durations_add(&durations, duration_bounds_ms[i] * 1000);
		assert_int_equal(durations.counts[i], i == 0 ? 1 : 2);
		durations_add(&durations, duration_bounds_ms[i] * 1000 + 1);
		assert_int_equal(durations.counts[i + 1], 1);
	}
	assert_int_equal(durations_count(&durations), 2 * (DURATION_BUCKETS - 1));
}

static void durations_may_be_extreme(void **state)
{
	struct durations durations = {.sum_us = 0};

	(void)state;
	assert_int_equal(durations_count(&durations), 0);
	durations_add(&durations, 0);
	assert_int_equal(durations.counts[0], 1);
	durations_add(&durations, INT64_MAX);
	assert_int_equal(durations.counts[DURATION_BUCKETS - 1], 1);
	assert_true(durations.sum_us == INT64_MAX);
	assert_int_equal(durations_count(&durations), 2);
}

static void durations_add_up(void **state)
{
	struct durations durations = {.sum_us = 0};

	(void)state;
	for (int64_t us = 1; us <= 1000; us++)
		durations_add(&durations, us * 1000);
	assert_int_equal(durations.sum_us, 500500000);
	assert_int_equal(durations_count(&durations), 1000);
	for (int i = 1; i < DURATION_BUCKETS; i++)
		assert_true(duration_bounds_ms[i] > duration_bounds_ms[i - 1]);
	assert_true(duration_bounds_ms[DURATION_BUCKETS - 1] == INT64_MAX);
}

/* ---- keys, lanes ---- */

static void keys_are_1_to_255_visible_characters(void **state)
{
	char text[KEY_MAX + 2];

	(void)state;
	assert_false(key_is_valid(""));
	memset(text, 'k', sizeof(text));
	text[KEY_MAX + 1] = '\0';
	assert_false(key_is_valid(text));
	text[KEY_MAX] = '\0';
	assert_true(key_is_valid(text));
	for (int c = 1; c < 256; c++) {
		char one[] = {(char)c, 0}, amid[] = {'a', (char)c, 'b', 0};

		assert_int_equal(key_is_valid(one), c > 32 && c < 127);
		assert_int_equal(key_is_valid(amid), c > 32 && c < 127);
	}
}

static void those_that_run_again_wait_too(void **state)
{
	struct lane_total lane = {.batches = {1, 10, 100, 1000, 10000}};

	(void)state;
	assert_int_equal(lane_waiting(&lane), 101);
	lane.later = 60;
	assert_int_equal(lane_waiting(&lane), 41);
	lane.later = 100;
	assert_int_equal(lane_waiting(&lane), 1);
}

static void nodes_that_are_gone_run_nothing(void **state)
{
	struct node nodes[] = {{.alive = true, .figures = {1, 20, 300, 4000, 50000}},
	    {.alive = false, .figures = {2, 30, 400, 5000, 60000}},
	    {.alive = true, .figures = {4, 0, 0, 0, 0}}};
	const struct node_list all = {.v = nodes, .n = COUNT_OF(nodes)}, none = {.n = 0};
	const struct node_figures sum = {5, 50, 700, 9000, 110000}, nothing = {0};
	struct node_figures got;

	(void)state;
	assert_int_equal(node_list_sum(&all, &got), 2);
	assert_memory_equal(&got, &sum, sizeof(sum));
	assert_int_equal(node_list_sum(&none, &got), 0);
	assert_memory_equal(&got, &nothing, sizeof(nothing));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(priorities_have_upper_case_names),
	    TEST(other_names_are_no_priorities),
	    TEST(batch_statuses_have_names),
	    TEST(other_names_are_no_batch_statuses),
	    TEST(ingestion_statuses_have_names),
	    TEST(other_names_are_no_ingestion_statuses),
	    TEST(outcomes_of_ids_have_names),
	    TEST(failures_have_names),
	    TEST(pauses_have_names),
	    TEST(some_statuses_are_final),
	    TEST(the_stage_goes_before_the_counts),
	    TEST(a_wish_to_cancel_is_on_its_way),
	    TEST(the_status_follows_from_the_counts),
	    TEST(batches_cover_all_ids),
	    TEST(batches_of_large_numbers_do_not_overflow),
	    TEST(a_page_keeps_its_batches_in_order),
	    TEST(a_page_frees_what_was_written),
	    TEST(a_report_keeps_its_ids_in_order),
	    TEST(a_list_keeps_its_ingestions_in_order),
	    TEST(an_empty_filter_takes_all),
	    TEST(filters_by_status_and_priority),
	    TEST(filters_by_label_and_number),
	    TEST(filters_by_the_beginning_of_the_id),
	    TEST(filters_by_age),
	    TEST(all_that_is_asked_for_must_hold),
	    TEST(durations_go_into_buckets),
	    TEST(durations_may_be_extreme),
	    TEST(durations_add_up),
	    TEST(keys_are_1_to_255_visible_characters),
	    TEST(those_that_run_again_wait_too),
	    TEST(nodes_that_are_gone_run_nothing),
	};

	return RUN(tests);
}
