/* Reports: what has become of each id. */
#include "fixture.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

static const struct report_filter every_id;

/* All ids that the filter lets through: "1 7 8". */
static void assert_ids(struct fixture *fx, const struct uuid *uuid,
    const struct report_filter *filter, int64_t limit, const char *expected)
{
	struct report_page all = report_all(fx, uuid, filter, limit);
	char text[400] = "";

	for (size_t i = 0; i < all.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%lld", i ? " " : "",
		    (long long)all.v[i].id);
	assert_string_equal(text, expected);
	report_page_free(&all);
}

/* ---- entries ---- */

static void nothing_has_happened(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 5, 3);
	struct report_page all = report_all(fx, &it.uuid, &every_id, 100);

	assert_int_equal(all.n, 5);
	for (size_t i = 0; i < all.n; i++) {
		assert_int_equal(all.v[i].position, i);
		assert_int_equal(all.v[i].id, i + 1);
		assert_int_equal(all.v[i].batch, i / 3);
		assert_int_equal(all.v[i].outcome, ID_PENDING);
		assert_int_equal(all.v[i].attempts, 0);
		assert_int_equal(all.v[i].started_ms, 0);
		assert_int_equal(all.v[i].finished_ms, 0);
		assert_null(all.v[i].error);
	}
	report_page_free(&all);
}

static void assert_times(struct fixture *fx, const struct uuid *uuid, int64_t position,
    int64_t attempts, int64_t started_ms, int64_t finished_ms)
{
	struct store_op op = try_report(fx, uuid, &every_id, position, 1);
	const struct report_entry *entry = op.report.page.v;

	assert_int_equal(op.report.page.n, 1);
	assert_int_equal(entry->position, position);
	assert_int_equal(entry->attempts, attempts);
	assert_int_equal(entry->started_ms, started_ms);
	assert_int_equal(entry->finished_ms, finished_ms);
	store_op_reset(&op);
}

static void times_are_those_of_the_attempt(struct fixture *fx)
{
	struct submitted it;
	struct store_attempt attempt;
	struct store_op op;

	reopen_with_retry(fx, 5, 0, 0);
	it = submit_range(fx, PRIORITY_LOW, 1, 4, 3);
	fx->utc_ms = 1000;
	attempt = claim_next(fx, 1);
	assert_times(fx, &it.uuid, 0, 1, 1000, 0);
	fx->utc_ms = 2000;
	finish_ids(fx, attempt, "crf", NULL);
	assert_times(fx, &it.uuid, 0, 1, 1000, 2000);
	assert_times(fx, &it.uuid, 1, 1, 1000, 0);
	assert_times(fx, &it.uuid, 2, 1, 1000, 2000);
	assert_times(fx, &it.uuid, 3, 0, 0, 0);
	fx->utc_ms = 3000;
	fx->boot_ns += fx->settings.interval_ns;
	op = claim(fx);
	attempt = op.claim.batches[0].attempt;
	store_op_reset(&op);
	assert_times(fx, &it.uuid, 1, 2, 0, 0);
	started(fx, attempt, fx->boot_ns);
	assert_times(fx, &it.uuid, 1, 2, 3000, 0);
	fx->utc_ms = 4000;
	finish_ids(fx, attempt, "c", NULL);
	assert_times(fx, &it.uuid, 0, 1, 1000, 2000);
	assert_times(fx, &it.uuid, 1, 2, 3000, 4000);
	assert_times(fx, &it.uuid, 2, 1, 1000, 2000);
	fixture_reopen(fx);
	assert_times(fx, &it.uuid, 0, 1, 1000, 2000);
	assert_times(fx, &it.uuid, 1, 2, 3000, 4000);
}

/* The number is given back, but for those whom the attempt has ended. */
static void times_of_an_interrupted_attempt(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);

	fx->utc_ms = 1000;
	finish_ids(fx, claim_next(fx, 1), "ici", NULL);
	assert_times(fx, &it.uuid, 0, 0, 1000, 0);
	assert_times(fx, &it.uuid, 1, 1, 1000, 1000);
	fx->utc_ms = 2000;
	finish_ids(fx, claim_ids(fx, "1 3"), "cf", NULL);
	assert_times(fx, &it.uuid, 0, 1, 2000, 2000);
	assert_times(fx, &it.uuid, 1, 1, 1000, 1000);
}

static void ends_without_a_start(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_op op = claim(fx);

	finish(fx, op.claim.batches[0].attempt, OUTCOME_COMPLETED, NULL);
	store_op_reset(&op);
	assert_times(fx, &it.uuid, 0, 1, 0, fx->utc_ms);
}

/* ---- filters ---- */

static void filters(struct fixture *fx)
{
	const struct report_filter failed = {.failed = true}, five = {.id = 5},
				   failed_five = {.failed = true, .id = 5}, nobody = {.id = 99};
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 10, 3);

	assert_ids(fx, &it.uuid, &failed, 100, "");
	finish_ids(fx, claim_next(fx, 1), "cfr", NULL);
	assert_ids(fx, &it.uuid, &failed, 100, "2");
	assert_ids(fx, &it.uuid, &failed_five, 100, "");
	finish_ids(fx, claim_next(fx, 4), "cff", NULL);
	claim_next(fx, 7);
	for (int64_t limit = 1; limit < 5; limit++) {
		assert_ids(fx, &it.uuid, &failed, limit, "2 5 6");
		assert_ids(fx, &it.uuid, &five, limit, "5");
		assert_ids(fx, &it.uuid, &failed_five, limit, "5");
		assert_ids(fx, &it.uuid, &nobody, limit, "");
	}
	finish(fx, claim_next(fx, 10), OUTCOME_FAILED, "all");
	assert_ids(fx, &it.uuid, &failed, 2, "2 5 6 10");
}

static void finds_an_id_that_comes_twice(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	append(fx, &uuid, 1, 0, 5);
	append(fx, &uuid, -4, 5, 5);
	seal(fx, &uuid);
	finish_ids(fx, claim_next(fx, 1), "cfc", NULL);
	assert_ids(fx, &uuid, &(struct report_filter){.id = 2}, 1, "2 2");
	assert_ids(fx, &uuid, &(struct report_filter){.id = 2, .failed = true}, 1, "2");
}

/* ---- what has no entries ---- */

static void assert_empty(struct fixture *fx, const struct uuid *uuid, int64_t from)
{
	struct store_op op = try_report(fx, uuid, &every_id, from, 10);

	assert_int_equal(op.fail.err, ERR_OK);
	assert_int_equal(op.report.page.n, 0);
	assert_int_equal(op.report.page.next, -1);
	store_op_reset(&op);
}

static void uploads_have_no_entries(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY), gone = open_upload(fx, NO_KEY);

	assert_empty(fx, &uuid, 0);
	append(fx, &uuid, 1, 0, 5);
	append(fx, &gone, 1, 0, 5);
	assert_empty(fx, &uuid, 0);
	try_cancel(fx, &gone);
	assert_empty(fx, &gone, 0);
	sweep(fx, NULL, NULL);
	assert_empty(fx, &gone, 0);
	seal(fx, &uuid);
	assert_ids(fx, &uuid, &every_id, 2, "1 2 3 4 5");
}

static void nobody_knows_it(struct fixture *fx)
{
	struct uuid uuid = fixture_uuid(fx);
	struct store_op op = try_report(fx, &uuid, &every_id, 0, 10);

	assert_int_equal(op.fail.err, ERR_NOT_FOUND);
}

static void nothing_is_beyond_the_end(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 5, 3);

	assert_empty(fx, &it.uuid, 5);
	assert_empty(fx, &it.uuid, 6);
	assert_empty(fx, &it.uuid, 1000000000000);
}

/* ---- pages ---- */

/* A page without a filter goes on where it ended, and ends where the list does. */
static void assert_page(
    struct fixture *fx, const struct submitted *it, int64_t ids, int64_t from, int64_t limit)
{
	struct store_op op = try_report(fx, &it->uuid, &every_id, from, limit);
	const struct report_page *page = &op.report.page;
	int64_t end = from + limit < ids ? from + limit : ids;

	assert_int_equal(page->n, end - from);
	for (size_t i = 0; i < page->n; i++) {
		assert_int_equal(page->v[i].position, from + (int64_t)i);
		assert_int_equal(page->v[i].id, 1 + from + (int64_t)i);
		assert_int_equal(page->v[i].batch, (from + (int64_t)i) / 3);
	}
	assert_int_equal(page->next, end < ids ? end : -1);
	store_op_reset(&op);
}

static void pages_end_at_the_limit(struct fixture *fx)
{
	enum { IDS = 100 };
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, IDS, 3);

	finish_ids(fx, claim_next(fx, 1), "cfr", "why");
	claim_next(fx, 4);
	for (int64_t limit = 1; limit < 9; limit++)
		for (int64_t from = 0; from < IDS; from++)
			assert_page(fx, &it, IDS, from, limit);
	assert_page(fx, &it, IDS, 0, IDS - 1);
	assert_page(fx, &it, IDS, 0, IDS);
	assert_page(fx, &it, IDS, 0, IDS + 1);
}

static void pages_cross_blocks_of_ids(struct fixture *fx)
{
	enum { IDS = 5000 };
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, IDS, 3);

	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	for (int64_t from = 1020; from < 1030; from++)
		assert_page(fx, &it, IDS, from, 7);
	assert_page(fx, &it, IDS, 3, 2100);
}

/* Error texts of 2000 bytes each. */
static void pages_end_at_512_kib(struct fixture *fx)
{
	enum { IDS = 600, LONG = 2000 };
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, IDS, IDS);
	char text[LONG + 1];
	struct report_page all;
	int pages = 0;

	memset(text, 'e', LONG);
	text[LONG] = '\0';
	finish(fx, claim_next(fx, 1), OUTCOME_FAILED, text);
	for (int64_t from = 0; from >= 0; pages++) {
		struct store_op op = try_report(fx, &it.uuid, &every_id, from, 1000);
		int64_t n = (int64_t)op.report.page.n;

		assert_true(n > 0);
		assert_true((n - 1) * (LONG + STORE_REPORT_ENTRY_BYTES) <= STORE_PAGE_BYTES);
		from = op.report.page.next;
		assert_true(from < 0 || n * (LONG + STORE_REPORT_ENTRY_BYTES) >=
					    STORE_PAGE_BYTES - LONG - STORE_REPORT_ENTRY_BYTES);
		store_op_reset(&op);
	}
	assert_int_equal(pages, 3);
	all = report_all(fx, &it.uuid, &every_id, 1000);
	assert_int_equal(all.n, IDS);
	for (size_t i = 0; i < all.n; i++)
		assert_string_equal(all.v[i].error, text);
	report_page_free(&all);
}

static void pages_look_at_so_many_ids(struct fixture *fx)
{
	enum { IDS = 2 * STORE_REPORT_IDS + 10 };
	const struct report_filter last = {.id = IDS};
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, IDS, 100);
	struct store_op op = try_report(fx, &it.uuid, &last, 0, 10);

	assert_int_equal(op.report.page.n, 0);
	assert_true(op.report.page.next > 0 && op.report.page.next <= STORE_REPORT_IDS);
	store_op_reset(&op);
	assert_ids(fx, &it.uuid, &last, 10, "131082");
	op = try_report(fx, &it.uuid, &last, IDS - 3, 10);
	assert_int_equal(op.report.page.n, 1);
	assert_int_equal(op.report.page.v[0].position, IDS - 1);
	assert_int_equal(op.report.page.v[0].batch, (IDS - 1) / 100);
	assert_int_equal(op.report.page.next, -1);
	store_op_reset(&op);
}

const struct suite_test suite_report[] = {
    {"before the first start all ids are pending", nothing_has_happened},
    {"times and attempts are those of an id's last attempt", times_are_those_of_the_attempt},
    {"an interrupted attempt counts for those that it ended", times_of_an_interrupted_attempt},
    {"an attempt may end without a start", ends_without_a_start},
    {"a report shows what the filter asks for", filters},
    {"a report shows an id as often as the list does", finds_an_id_that_comes_twice},
    {"a report of an upload has no entries", uploads_have_no_entries},
    {"a report of something unknown is not found", nobody_knows_it},
    {"a report beyond the end is empty", nothing_is_beyond_the_end},
    {"a report's page ends at the limit of its reader", pages_end_at_the_limit},
    {"a report's page may cross blocks of ids", pages_cross_blocks_of_ids},
    {"a report's page ends at 512 KiB", pages_end_at_512_kib},
    {"a report's page looks at so many ids", pages_look_at_so_many_ids},
    {0},
};
