/* Uploads that are given up. */
#include "fixture.h"

#include "util.h"

#include <string.h>

#define FIRST 9000000000000 /* id at the first place */

static void ends_an_upload(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	struct ingestion it;

	append(fx, &uuid, FIRST, 0, 3000);
	fx->utc_ms += 5000;
	assert_int_equal(try_cancel(fx, &uuid), ERR_OK);
	for (int again = 0; again < 2; again++) {
		it = look_at(fx, &uuid);
		assert_int_equal(it.stage, STAGE_CANCELLED);
		assert_int_equal(ingestion_status_of(&it), INGESTION_CANCELLED);
		assert_int_equal(it.seq, 0);
		assert_string_equal(it.cancelled_by, "uid:1");
		assert_int_equal(it.version, 3);
		assert_int_equal(it.counts.ids, 3000);
		assert_int_equal(it.counts.batches, 0);
		assert_int_equal(it.started_ms, 0);
		assert_true(it.finished_ms == fx->utc_ms);
		assert_true(it.created_ms == fx->utc_ms - 5000);
		/* Its ids go, it stays. */
		assert_int_equal(sweep(fx, NULL, NULL), -1);
		fixture_reopen(fx);
	}
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
}

static void shows_no_batches(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	struct status_page page;

	append(fx, &uuid, FIRST, 0, 3000);
	try_cancel(fx, &uuid);
	page = status_of(fx, &uuid);
	assert_int_equal(page.n, 0);
	assert_int_equal(page.ids.n, 0);
	assert_int_equal(page.next_batch, -1);
	status_page_free(&page);
}

static void ends_an_empty_upload(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	assert_int_equal(try_cancel(fx, &uuid), ERR_OK);
	assert_int_equal(look_at(fx, &uuid).stage, STAGE_CANCELLED);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
}

static void twice_is_once(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	int64_t finished_ms;

	append(fx, &uuid, FIRST, 0, 3);
	cancel(fx, &uuid, INGESTION_CANCELLED, 0);
	finished_ms = look_at(fx, &uuid).finished_ms;
	fx->utc_ms += 5000;
	assert_int_equal(try_cancel_by(fx, &uuid, "uid:2").cancel.status, INGESTION_CANCELLED);
	assert_string_equal(look_at(fx, &uuid).cancelled_by, "uid:1");
	assert_int_equal(version_of(fx, &uuid), 3);
	assert_true(look_at(fx, &uuid).finished_ms == finished_ms);
	assert_int_equal(stats(fx).uploads, 0);
	assert_int_equal(stats(fx).lanes[2].ingestions[INGESTION_CANCELLED], 1);
}

static void what_has_expired_is_cancelled_already(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	append(fx, &uuid, FIRST, 0, 3);
	pass_ms(fx, HOUR_MS);
	sweep(fx, NULL, NULL);
	cancel(fx, &uuid, INGESTION_CANCELLED, 0);
	assert_int_equal(version_of(fx, &uuid), 3);
	assert_string_equal(look_at(fx, &uuid).cancelled_by, "");
}

static void takes_no_more(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	append(fx, &uuid, FIRST, 0, 3);
	try_cancel(fx, &uuid);
	for (int swept = 0; swept < 2; swept++) {
		assert_int_equal(try_append(fx, &uuid, 3, FIRST, 1).fail.err, ERR_WRONG_STATE);
		assert_int_equal(try_append(fx, &uuid, 0, FIRST, 1).fail.err, ERR_WRONG_STATE);
		assert_int_equal(try_seal(fx, &uuid, 3).fail.err, ERR_WRONG_STATE);
		assert_int_equal(try_seal(fx, &uuid, -1).fail.err, ERR_WRONG_STATE);
		sweep(fx, NULL, NULL);
	}
	assert_int_equal(version_of(fx, &uuid), 3);
}

static void frees_the_key(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, KEY("k")), again;
	struct store_op op;

	append(fx, &uuid, FIRST, 0, 3000);
	try_cancel(fx, &uuid);
	again = open_upload(fx, KEY("k"));
	try_cancel(fx, &again);
	op = try_submit(fx, KEY("k"), PRIORITY_HIGH, "x", 1, 3);
	assert_int_equal(op.fail.err, ERR_OK);
	assert_false(op.submit.replayed);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	/* The sweep has removed what was cancelled, and nothing of the others. */
	op = try_submit(fx, KEY("k"), PRIORITY_HIGH, "x", 1, 3);
	assert_true(op.submit.replayed);
}

static void rollback_ends_nothing(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, KEY("k"));
	struct submitted it;

	append(fx, &uuid, FIRST, 0, 3000);
	turn_begin(fx);
	assert_int_equal(try_cancel(fx, &uuid), ERR_OK);
	sweep(fx, NULL, NULL);
	turn_rollback(fx);
	assert_int_equal(look_at(fx, &uuid).stage, STAGE_RECEIVING);
	assert_int_equal(stats(fx).upload_ids, 3000);
	it = seal(fx, &uuid);
	check_pages(fx, &it, FIRST, 3000);
}

/* Its neighbours keep their ids. */
static void leaves_others_alone(struct fixture *fx)
{
	struct uuid before = open_upload(fx, NO_KEY), uuid = open_upload(fx, NO_KEY),
		    behind = open_upload(fx, NO_KEY);
	struct submitted one, two;

	append(fx, &before, FIRST, 0, 3000);
	append(fx, &uuid, FIRST, 0, 3000);
	append(fx, &behind, FIRST, 0, 3000);
	try_cancel(fx, &uuid);
	sweep(fx, NULL, NULL);
	one = seal(fx, &before);
	two = seal(fx, &behind);
	check_pages(fx, &one, FIRST, 3000);
	check_pages(fx, &two, FIRST, 3000);
}

const struct suite_test suite_cancel[] = {
    {"a cancelled upload has ended and stays visible", ends_an_upload},
    {"a cancelled upload shows no batches", shows_no_batches},
    {"an upload without ids can be cancelled", ends_an_empty_upload},
    {"to cancel twice is to cancel once", twice_is_once},
    {"an upload that has expired is cancelled already", what_has_expired_is_cancelled_already},
    {"a cancelled upload takes no more", takes_no_more},
    {"the key of a cancelled upload is free", frees_the_key},
    {"a rolled back turn ends no upload", rollback_ends_nothing},
    {"the neighbours of a cancelled upload keep their ids", leaves_others_alone},
    {0},
};
