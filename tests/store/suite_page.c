/* Pages of a status. */
#include "fixture.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

static int64_t bytes_of(const struct batch *batch)
{
	return STORE_PAGE_BATCH_BYTES + (int64_t)batch->ids_n * STORE_PAGE_ID_BYTES +
	       (int64_t)(batch->error ? strlen(batch->error) : 0);
}

/* Reads all pages; they must join, and none but the last may end early or late. */
static int count_pages(struct fixture *fx, const struct submitted *it, int64_t first_id)
{
	int64_t next = 0, index = 0, id = first_id;
	int pages = 0;

	for (; next >= 0; pages++) {
		struct status_page page = status_from(fx, &it->uuid, next);
		int64_t bytes = 0;

		assert_true(page.n >= 1 && page.n <= STORE_PAGE_BATCHES);
		for (size_t i = 0; i < page.n; i++) {
			assert_true(bytes < STORE_PAGE_BYTES);
			assert_int_equal(page.batches[i].index, index++);
			bytes += bytes_of(&page.batches[i]);
			for (size_t k = 0; k < page.batches[i].ids_n; k++)
				assert_true(page.ids.v[page.batches[i].ids_at + k] == id++);
		}
		next = page.next_batch;
		if (next >= 0) {
			assert_int_equal(next, index);
			assert_true(
			    page.n == STORE_PAGE_BATCHES ||
			    bytes + bytes_of(&page.batches[page.n - 1]) >= STORE_PAGE_BYTES);
		}
		status_page_free(&page);
	}
	assert_int_equal(index, it->batches);
	return pages;
}

static void ends_at_1000_batches(struct fixture *fx)
{
	struct submitted exact = submit_range(fx, PRIORITY_LOW, 1, 1000, 1);
	struct submitted more = submit_range(fx, PRIORITY_LOW, 1, 1001, 1);
	struct submitted most = submit_range(fx, PRIORITY_LOW, 1, 2500, 1);

	assert_int_equal(count_pages(fx, &exact, 1), 1);
	assert_int_equal(count_pages(fx, &more, 1), 2);
	assert_int_equal(count_pages(fx, &most, 1), 3);
}

static void ends_at_512_kib(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 60000, 1000);

	/* 20300 bytes per batch. */
	assert_int_equal(count_pages(fx, &it, 1), 3);
}

static void holds_at_least_one(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 90000, 30000);

	assert_int_equal(count_pages(fx, &it, 1), 3);
}

static void starts_anywhere(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 3000, 3);
	struct status_page page = status_from(fx, &it.uuid, 997);

	assert_int_equal(page.n, 3);
	assert_int_equal(page.batches[0].index, 997);
	assert_int_equal(page.ids.v[page.batches[0].ids_at], 997 * 3 + 1);
	assert_int_equal(page.next_batch, -1);
	status_page_free(&page);
}

static void is_empty_beyond_the_end(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	static const int64_t beyond[] = {2, 3, 1000000};

	for (size_t i = 0; i < COUNT_OF(beyond); i++) {
		struct status_page page = status_from(fx, &it.uuid, beyond[i]);

		assert_int_equal(page.n, 0);
		assert_int_equal(page.next_batch, -1);
		assert_int_equal(page.ingestion.counts.batches, 2);
		status_page_free(&page);
	}
}

static void mixes_states(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 12, 3);
	static const enum batch_status expected[] = {
	    BATCH_RETRYING, BATCH_COMPLETED, BATCH_TRIGGERED, BATCH_YET_TO_START};
	struct store_attempt first = claim_next(fx, 1);
	struct status_page page;

	finish(fx, claim_next(fx, 4), OUTCOME_COMPLETED, NULL);
	claim_next(fx, 7);
	finish(fx, first, OUTCOME_INTERRUPTED, NULL);
	page = status_of(fx, &it.uuid);
	for (size_t i = 0; i < COUNT_OF(expected); i++)
		assert_int_equal(page.batches[i].status, expected[i]);
	for (int i = 0; i < BATCH_STATUS_COUNT; i++)
		assert_int_equal(page.ingestion.counts.by_status[i], i < BATCH_FAILED);
	status_page_free(&page);
	/* From the middle on. */
	page = status_from(fx, &it.uuid, 2);
	assert_int_equal(page.batches[0].status, BATCH_TRIGGERED);
	assert_int_equal(page.batches[1].status, BATCH_YET_TO_START);
	status_page_free(&page);
}

static void counts_error_texts(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 100, 1);
	enum { LONG = 20000 };
	char *text = xmalloc(LONG + 1);
	struct status_page page;

	memset(text, 'e', LONG);
	text[LONG] = 0;
	for (int i = 1; i <= 60; i++)
		finish(fx, claim_next(fx, i), OUTCOME_FAILED, text);
	assert_int_equal(count_pages(fx, &it, 1), 3);
	page = status_from(fx, &it.uuid, 59);
	assert_string_equal(page.batches[0].error, text);
	assert_null(page.batches[1].error);
	status_page_free(&page);
	free(text);
}

/* A page of at most `limit` batches. */
static void assert_limited(struct fixture *fx, const struct submitted *it, int64_t from,
    int64_t limit, size_t n, int64_t next)
{
	struct store_op op = {.verb = STORE_STATUS};

	op.status.uuid = it->uuid;
	op.status.from_batch = from;
	op.status.limit = limit;
	do_op(fx, &op);
	assert_int_equal(op.status.page.n, n);
	assert_int_equal(op.status.page.next_batch, next);
	assert_int_equal(op.status.page.ids.n, 3 * n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(op.status.page.batches[i].index, from + (int64_t)i);
	assert_int_equal(op.status.page.ingestion.counts.batches, 10);
	store_op_reset(&op);
}

static void ends_where_the_reader_wants(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 30, 3);

	claim_next(fx, 1);
	assert_limited(fx, &it, 0, 1, 1, 1);
	assert_limited(fx, &it, 0, 9, 9, 9);
	assert_limited(fx, &it, 0, 10, 10, -1);
	assert_limited(fx, &it, 7, 2, 2, 9);
	assert_limited(fx, &it, 7, 3, 3, -1);
	assert_limited(fx, &it, 10, 3, 0, -1);
}

static void may_have_no_batches(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 30, 3);

	claim_next(fx, 1);
	assert_limited(fx, &it, 0, 0, 0, -1);
	assert_limited(fx, &it, 5, 0, 0, -1);
	assert_int_equal(look_at(fx, &it.uuid).counts.by_status[BATCH_TRIGGERED], 1);
}

const struct suite_test suite_page[] = {
    {"a page ends at 1000 batches", ends_at_1000_batches},
    {"a page ends at 512 KiB", ends_at_512_kib},
    {"a page holds at least one batch", holds_at_least_one},
    {"a page starts at any batch", starts_anywhere},
    {"a page beyond the end is empty", is_empty_beyond_the_end},
    {"a page shows batches of all states", mixes_states},
    {"a page ends at the limit of its reader", ends_where_the_reader_wants},
    {"a page with the limit 0 has no batches", may_have_no_batches},
    {"error texts count for the size of a page", counts_error_texts},
    {0},
};
