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
	(void)state;
	assert_string_equal(ingestion_status_name(INGESTION_YET_TO_START), "yet_to_start");
	assert_string_equal(ingestion_status_name(INGESTION_TRIGGERED), "triggered");
	assert_string_equal(ingestion_status_name(INGESTION_COMPLETED), "completed");
	assert_string_equal(ingestion_status_name(INGESTION_FAILED), "failed");
}

static void final_statuses_are_completed_and_failed(void **state)
{
	(void)state;
	assert_false(ingestion_status_is_final(INGESTION_YET_TO_START));
	assert_false(ingestion_status_is_final(INGESTION_TRIGGERED));
	assert_true(ingestion_status_is_final(INGESTION_COMPLETED));
	assert_true(ingestion_status_is_final(INGESTION_FAILED));
}

static void the_status_follows_from_the_counts(void **state)
{
	/* batches that are yet_to_start, triggered, retrying, completed, failed */
	static const struct {
		int64_t yet, triggered, retrying, completed, failed;
		enum ingestion_status status;
	} rows[] = {
	    {1, 0, 0, 0, 0, INGESTION_YET_TO_START},
	    {3, 0, 0, 0, 0, INGESTION_YET_TO_START},
	    {2, 1, 0, 0, 0, INGESTION_TRIGGERED},
	    {0, 3, 0, 0, 0, INGESTION_TRIGGERED},
	    {2, 0, 1, 0, 0, INGESTION_TRIGGERED},
	    {0, 0, 1, 0, 0, INGESTION_TRIGGERED},
	    {2, 0, 0, 1, 0, INGESTION_TRIGGERED},
	    {2, 0, 0, 0, 1, INGESTION_TRIGGERED},
	    {0, 1, 0, 2, 0, INGESTION_TRIGGERED},
	    {0, 0, 1, 1, 1, INGESTION_TRIGGERED},
	    {0, 0, 0, 1, 0, INGESTION_COMPLETED},
	    {0, 0, 0, 3, 0, INGESTION_COMPLETED},
	    {0, 0, 0, 2, 1, INGESTION_FAILED},
	    {0, 0, 0, 0, 3, INGESTION_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct counts counts = {.by_status = {
					    [BATCH_YET_TO_START] = rows[i].yet,
					    [BATCH_TRIGGERED] = rows[i].triggered,
					    [BATCH_RETRYING] = rows[i].retrying,
					    [BATCH_COMPLETED] = rows[i].completed,
					    [BATCH_FAILED] = rows[i].failed,
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(priorities_have_upper_case_names),
	    TEST(other_names_are_no_priorities),
	    TEST(batch_statuses_have_names),
	    TEST(other_names_are_no_batch_statuses),
	    TEST(ingestion_statuses_have_names),
	    TEST(final_statuses_are_completed_and_failed),
	    TEST(the_status_follows_from_the_counts),
	    TEST(batches_cover_all_ids),
	    TEST(batches_of_large_numbers_do_not_overflow),
	    TEST(a_page_keeps_its_batches_in_order),
	};

	return RUN(tests);
}
