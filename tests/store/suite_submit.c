#include "fixture.h"

#include "util.h"

#include <string.h>

static struct uuid submit_ids(
    struct fixture *fx, const int64_t *v, size_t n, const char *label, int64_t batch_size)
{
	struct idlist ids = {0};
	struct store_op op = {.verb = STORE_SUBMIT};

	idlist_add(&ids, v, n);
	op.submit = (struct store_submit){
	    .uuid = fixture_uuid(fx),
	    .priority = PRIORITY_MEDIUM,
	    .label = label,
	    .batch_size = batch_size,
	    .ids = &ids,
	    .key = {"test", ""},
	};
	do_op(fx, &op);
	idlist_free(&ids);
	assert_int_equal(op.fail.err, ERR_OK);
	return op.submit.uuid;
}

static void numbers_submissions(struct fixture *fx)
{
	assert_int_equal(submit_batch(fx, PRIORITY_LOW, 1).seq, 1);
	assert_int_equal(submit_batch(fx, PRIORITY_HIGH, 10).seq, 2);
	fixture_reopen(fx);
	assert_int_equal(submit_batch(fx, PRIORITY_LOW, 20).seq, 3);
}

static void says_what_was_submitted(struct fixture *fx)
{
	struct submitted it;
	struct status_page page;

	fx->utc_ms = 1234567890123;
	it = submit_range(fx, PRIORITY_LOW, 100, 8, 3);
	fx->utc_ms += 5000;
	page = status_of(fx, &it.uuid);
	assert_memory_equal(&page.ingestion.uuid, &it.uuid, sizeof(it.uuid));
	assert_int_equal(page.ingestion.seq, 1);
	assert_int_equal(page.ingestion.priority, PRIORITY_LOW);
	assert_int_equal(page.ingestion.batch_size, 3);
	assert_int_equal(page.ingestion.version, 1);
	assert_true(page.ingestion.created_ms == 1234567890123);
	assert_int_equal(page.ingestion.started_ms, 0);
	assert_int_equal(page.ingestion.finished_ms, 0);
	assert_int_equal(page.ingestion.counts.ids, 8);
	assert_int_equal(page.ingestion.counts.batches, 3);
	assert_int_equal(page.ingestion.counts.by_status[BATCH_YET_TO_START], 3);
	status_page_free(&page);
}

static void shows_untouched_batches(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 100, 8, 3);
	struct status_page page = status_of(fx, &it.uuid);

	assert_int_equal(page.n, 3);
	assert_int_equal(page.next_batch, -1);
	for (size_t i = 0; i < page.n; i++) {
		assert_int_equal(page.batches[i].index, i);
		assert_int_equal(page.batches[i].status, BATCH_YET_TO_START);
		assert_int_equal(page.batches[i].attempts, 0);
		assert_int_equal(page.batches[i].started_ms, 0);
		assert_int_equal(page.batches[i].finished_ms, 0);
		assert_null(page.batches[i].error);
		assert_int_equal(page.batches[i].ids_at, 3 * i);
		assert_int_equal(page.batches[i].ids_n, i == 2 ? 2 : 3);
	}
	status_page_free(&page);
}

static void keeps_big_ids(struct fixture *fx)
{
	static const int64_t big[] = {
	    9007199254740993, INT64_MAX, 1, 9007199254740992, INT64_MAX - 1, INT64_MAX};
	struct uuid uuid = submit_ids(fx, big, COUNT_OF(big), "", 4);
	struct status_page page;
	struct store_op op;

	fixture_reopen(fx);
	page = status_of(fx, &uuid);
	assert_int_equal(page.ids.n, COUNT_OF(big));
	assert_memory_equal(page.ids.v, big, sizeof(big));
	status_page_free(&page);
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	assert_int_equal(op.claim.batches[0].ids.n, 4);
	assert_memory_equal(op.claim.batches[0].ids.v, big, 4 * sizeof(*big));
	store_op_reset(&op);
}

static void keeps_labels(struct fixture *fx)
{
	static const int64_t one[] = {1};
	char label[LABEL_MAX + 1];
	struct uuid uuid;
	struct status_page page;
	struct store_op op;

	memset(label, 'x', LABEL_MAX);
	label[LABEL_MAX] = 0;
	memcpy(label, "\xc3\xbc'\"%s", 6);
	uuid = submit_ids(fx, one, 1, label, 3);
	fixture_reopen(fx);
	page = status_of(fx, &uuid);
	assert_string_equal(page.ingestion.label, label);
	status_page_free(&page);
	op = claim(fx);
	assert_string_equal(op.claim.batches[0].label, label);
	assert_int_equal(op.claim.batches[0].priority, PRIORITY_MEDIUM);
	assert_memory_equal(&op.claim.batches[0].uuid, &uuid, sizeof(uuid));
	store_op_reset(&op);
}

static void keeps_no_label(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct status_page page = status_of(fx, &it.uuid);

	assert_string_equal(page.ingestion.label, "");
	status_page_free(&page);
}

static void knows_nobody_else(struct fixture *fx)
{
	struct store_op op = {.verb = STORE_STATUS};
	struct uuid uuid = submit_batch(fx, PRIORITY_LOW, 1).uuid;

	op.status.uuid = uuid;
	op.status.uuid.bytes[15] ^= 1;
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_NOT_FOUND);
	assert_int_equal(op.status.page.n, 0);
}

/* ---- sizes at the borders of what is kept in a row, in chunks, in one batch ---- */

static const size_t sizes[] = {1, 2, 3, 4, 64, 65, 1023, 1024, 1025, 2048, 5000};

static void check_batch_size(struct fixture *fx, int64_t batch_size, int most)
{
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		int64_t first = INT64_MAX - 1000000 * (int64_t)(i + 1);
		struct submitted it = submit_range(fx, PRIORITY_LOW, first, sizes[i], batch_size);
		int64_t n = (int64_t)sizes[i];

		assert_int_equal(it.batches, (n + batch_size - 1) / batch_size);
		check_pages(fx, &it, first, sizes[i]);
	}
	/* First come, first served: one after the other. */
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		int64_t first = INT64_MAX - 1000000 * (int64_t)(i + 1);

		if ((int64_t)sizes[i] > most * batch_size)
			return;
		check_claims(fx, first, (int64_t)sizes[i], batch_size, most);
	}
}

static void takes_batches_of_1(struct fixture *fx)
{
	check_batch_size(fx, 1, 65);
}

static void takes_batches_of_3(struct fixture *fx)
{
	check_batch_size(fx, 3, 400);
}

static void takes_batches_of_1000(struct fixture *fx)
{
	check_batch_size(fx, 1000, 5);
}

static void takes_batches_of_100000(struct fixture *fx)
{
	check_batch_size(fx, 100000, 1);
}

const struct suite_test suite_submit[] = {
    {"submissions are numbered from 1 on, without gaps, also over a reopen", numbers_submissions},
    {"status shows what was submitted", says_what_was_submitted},
    {"status shows batches that have not started", shows_untouched_batches},
    {"ids above 2^53 are kept exactly", keeps_big_ids},
    {"a label of 128 bytes is kept", keeps_labels},
    {"an empty label stays empty", keeps_no_label},
    {"an unknown ingestion is not found", knows_nobody_else},
    {"lists of border sizes in batches of 1", takes_batches_of_1},
    {"lists of border sizes in batches of 3, which cross chunks", takes_batches_of_3},
    {"lists of border sizes in batches of 1000, which cross chunks", takes_batches_of_1000},
    {"lists that are one batch", takes_batches_of_100000},
    {0},
};
