/* Notices of the ends of ingestions. */
#include "fixture.h"

#include "util.h"

#include <string.h>

static void with_notices(struct fixture *fx)
{
	fx->settings.notify = true;
	fixture_reopen(fx);
}

/* An ingestion of one batch that ends like this now. */
static struct uuid end_one(struct fixture *fx, enum outcome outcome)
{
	struct submitted it = submit_batch(fx, PRIORITY_HIGH, 1);

	finish(fx, claim_next(fx, 1), outcome, NULL);
	return it.uuid;
}

static void nobody_wants_to_know(struct fixture *fx)
{
	end_one(fx, OUTCOME_COMPLETED);
	assert_int_equal(no_notice(fx), -1);
	assert_int_equal(stats(fx).notices, 0);
	/* Nor later, of what has ended before. */
	with_notices(fx);
	assert_int_equal(no_notice(fx), -1);
}

static void an_end_is_told_once(struct fixture *fx)
{
	struct store_notice it;
	struct uuid uuid;

	with_notices(fx);
	assert_int_equal(no_notice(fx), -1);
	uuid = end_one(fx, OUTCOME_COMPLETED);
	assert_int_equal(stats(fx).notices, 1);
	it = notice(fx);
	assert_true(it.found);
	assert_memory_equal(&it.ingestion.uuid, &uuid, sizeof(uuid));
	assert_int_equal(it.ingestion.version, version_of(fx, &uuid));
	assert_int_equal(ingestion_status_of(&it.ingestion), INGESTION_COMPLETED);
	assert_int_equal(it.ingestion.counts.ids_completed, 3);
	assert_true(it.ingestion.finished_ms == fx->utc_ms);
	assert_int_equal(it.attempt, 1);
	assert_int_equal(stats(fx).notices, 1);
	assert_int_equal(try_told(fx, &uuid, it.ingestion.version, true, 0), ERR_OK);
	assert_int_equal(stats(fx).notices, 0);
	assert_int_equal(no_notice(fx), -1);
	assert_int_equal(try_told(fx, &uuid, it.ingestion.version, true, 0), ERR_NOT_FOUND);
}

static void every_kind_of_end_is_told(struct fixture *fx)
{
	struct submitted waiting, running, crashed;
	struct uuid failed, given_up, expired;

	reopen_with_retry(fx, 1, 0, 0);
	with_notices(fx);
	failed = end_one(fx, OUTCOME_FAILED);
	try_told(fx, &failed, notice_of(fx, &failed, 1), true, 0);
	waiting = submit_batch(fx, PRIORITY_HIGH, 11);
	cancel(fx, &waiting.uuid, INGESTION_CANCELLED, 0);
	try_told(fx, &waiting.uuid, notice_of(fx, &waiting.uuid, 1), true, 0);
	running = submit_batch(fx, PRIORITY_HIGH, 21);
	claim_next(fx, 21);
	cancel(fx, &running.uuid, INGESTION_CANCELLING, 1);
	assert_int_equal(no_notice(fx), -1);
	fixture_reopen(fx);
	try_told(fx, &running.uuid, notice_of(fx, &running.uuid, 1), true, 0);
	crashed = submit_batch(fx, PRIORITY_HIGH, 31);
	claim_next(fx, 31);
	fixture_reopen(fx);
	assert_status(fx, &crashed.uuid, INGESTION_FAILED);
	try_told(fx, &crashed.uuid, notice_of(fx, &crashed.uuid, 1), true, 0);
	/* Uploads that were never sealed have no end of this kind. */
	given_up = open_upload(fx, NO_KEY);
	try_cancel(fx, &given_up);
	expired = open_upload(fx, NO_KEY);
	pass_ms(fx, HOUR_MS);
	sweep(fx, NULL, NULL);
	assert_int_equal(look_at(fx, &expired).stage, STAGE_CANCELLED);
	assert_int_equal(no_notice(fx), -1);
	assert_int_equal(stats(fx).notices, 0);
}

static void what_was_not_told_is_due_again(struct fixture *fx)
{
	struct uuid uuid;
	int64_t version;

	with_notices(fx);
	uuid = end_one(fx, OUTCOME_COMPLETED);
	version = notice_of(fx, &uuid, 1);
	assert_int_equal(notice_of(fx, &uuid, 2), version);
	assert_int_equal(try_told(fx, &uuid, version, false, 30000), ERR_OK);
	assert_int_equal(stats(fx).notices, 1);
	assert_int_equal(no_notice(fx), 30000);
	pass_ms(fx, 29999);
	assert_int_equal(no_notice(fx), 1);
	pass_ms(fx, 1);
	assert_int_equal(notice_of(fx, &uuid, 3), version);
	assert_int_equal(version_of(fx, &uuid), version);
}

static void an_attempt_that_does_not_count_is_taken_back(struct fixture *fx)
{
	struct store_op op = {.verb = STORE_TOLD};

	with_notices(fx);
	op.told.uuid = end_one(fx, OUTCOME_COMPLETED);
	notice_of(fx, &op.told.uuid, 1);
	op.told.version = notice_of(fx, &op.told.uuid, 2);
	op.told.uncounted = true;
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	notice_of(fx, &op.told.uuid, 2);
}

static void the_one_that_is_due_first_comes_first(struct fixture *fx)
{
	struct uuid one, two, three;
	int64_t version;

	with_notices(fx);
	one = end_one(fx, OUTCOME_COMPLETED);
	two = end_one(fx, OUTCOME_FAILED);
	pass_ms(fx, 1000);
	three = end_one(fx, OUTCOME_COMPLETED);
	version = notice_of(fx, &one, 1);
	try_told(fx, &one, version, false, 100000);
	version = notice_of(fx, &two, 1);
	try_told(fx, &two, version, false, 60000);
	version = notice_of(fx, &three, 1);
	try_told(fx, &three, version, false, 60001);
	assert_int_equal(no_notice(fx), 60000);
	pass_ms(fx, 200000);
	notice_of(fx, &two, 2);
	try_told(fx, &two, version_of(fx, &two), true, 0);
	notice_of(fx, &three, 2);
	try_told(fx, &three, version_of(fx, &three), true, 0);
	notice_of(fx, &one, 2);
}

static void a_retry_takes_the_notice_back(struct fixture *fx)
{
	struct uuid uuid;
	int64_t version, later;

	with_notices(fx);
	uuid = end_one(fx, OUTCOME_FAILED);
	version = notice_of(fx, &uuid, 1);
	retry(fx, &uuid, false, 1);
	assert_int_equal(no_notice(fx), -1);
	assert_int_equal(stats(fx).notices, 0);
	assert_int_equal(try_told(fx, &uuid, version, true, 0), ERR_NOT_FOUND);
	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	later = notice_of(fx, &uuid, 1);
	assert_true(later > version);
	/* That the first end was told says nothing of the second; it is due now. */
	try_told(fx, &uuid, later, false, 60000);
	assert_int_equal(no_notice(fx), 60000);
	assert_int_equal(try_told(fx, &uuid, version, true, 0), ERR_NOT_FOUND);
	assert_int_equal(notice_of(fx, &uuid, 2), later);
	assert_int_equal(try_told(fx, &uuid, later, true, 0), ERR_OK);
	assert_int_equal(no_notice(fx), -1);
}

static void each_end_is_told(struct fixture *fx)
{
	struct uuid uuid;

	with_notices(fx);
	uuid = end_one(fx, OUTCOME_FAILED);
	try_told(fx, &uuid, notice_of(fx, &uuid, 1), true, 0);
	retry(fx, &uuid, false, 1);
	finish(fx, claim_next(fx, 1), OUTCOME_FAILED, NULL);
	notice_of(fx, &uuid, 1);
}

static void a_new_life_makes_all_due(struct fixture *fx)
{
	struct uuid one, two;

	with_notices(fx);
	one = end_one(fx, OUTCOME_COMPLETED);
	try_told(fx, &one, notice_of(fx, &one, 1), false, 100000);
	two = end_one(fx, OUTCOME_COMPLETED);
	try_told(fx, &two, notice_of(fx, &two, 1), false, 90000);
	/* What has not been told yet is, even if nobody wants to know any more. */
	fx->settings.notify = false;
	fixture_reopen(fx);
	assert_int_equal(stats(fx).notices, 2);
	try_told(fx, &one, notice_of(fx, &one, 2), true, 0);
	notice_of(fx, &two, 2);
	end_one(fx, OUTCOME_COMPLETED);
	assert_int_equal(stats(fx).notices, 1);
	fixture_reboot(fx, SECOND);
	notice_of(fx, &two, 3);
}

/* What was due stays in its order. */
static void a_new_life_keeps_the_order(struct fixture *fx)
{
	struct uuid one, two;

	with_notices(fx);
	one = end_one(fx, OUTCOME_COMPLETED);
	two = end_one(fx, OUTCOME_COMPLETED);
	try_told(fx, &one, notice_of(fx, &one, 1), false, 60000);
	try_told(fx, &two, notice_of(fx, &two, 1), false, 50000);
	pass_ms(fx, 70000);
	fixture_reopen(fx);
	notice_of(fx, &two, 2);
}

static void a_stranger_has_no_notice(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_HIGH, 1);
	struct uuid nobody = fixture_uuid(fx);

	assert_int_equal(try_told(fx, &nobody, 1, true, 0), ERR_NOT_FOUND);
	assert_int_equal(try_told(fx, &it.uuid, 1, true, 0), ERR_NOT_FOUND);
}

static void rollback_tells_nothing(struct fixture *fx)
{
	struct store_attempt attempt;
	struct submitted it;

	with_notices(fx);
	it = submit_batch(fx, PRIORITY_HIGH, 1);
	attempt = claim_next(fx, 1);
	turn_begin(fx);
	finish(fx, attempt, OUTCOME_COMPLETED, NULL);
	turn_rollback(fx);
	assert_int_equal(no_notice(fx), -1);
	finish(fx, attempt, OUTCOME_COMPLETED, NULL);
	turn_begin(fx);
	try_told(fx, &it.uuid, notice_of(fx, &it.uuid, 1), true, 0);
	turn_rollback(fx);
	notice_of(fx, &it.uuid, 1);
}

const struct suite_test suite_notice[] = {
    {"without the setting nothing is told", nobody_wants_to_know},
    {"an end is told once", an_end_is_told_once},
    {"every kind of end is told, but those of uploads", every_kind_of_end_is_told},
    {"what was not told is due again", what_was_not_told_is_due_again},
    {"an attempt that does not count is taken back", an_attempt_that_does_not_count_is_taken_back},
    {"the notice that is due first comes first", the_one_that_is_due_first_comes_first},
    {"a retry takes the notice back", a_retry_takes_the_notice_back},
    {"each end of an ingestion is told", each_end_is_told},
    {"a restart makes all notices due", a_new_life_makes_all_due},
    {"a restart keeps the order of what was due", a_new_life_keeps_the_order},
    {"there is no notice of what has not ended", a_stranger_has_no_notice},
    {"a rolled back turn tells nothing", rollback_tells_nothing},
    {0},
};
