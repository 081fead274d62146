/* What happens to a batch that was claimed. */
#include "fixture.h"

#include "util.h"

static void notes_the_start(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	struct status_page page;

	fx->utc_ms = 5000;
	claim_next(fx, 1);
	fx->utc_ms = 9000;
	claim_next(fx, 4);
	page = status_of(fx, &it.uuid);
	assert_int_equal(page.batches[0].started_ms, 5000);
	assert_int_equal(page.batches[1].started_ms, 9000);
	assert_int_equal(page.ingestion.started_ms, 5000);
	assert_int_equal(page.batches[0].status, BATCH_TRIGGERED);
	status_page_free(&page);
}

static void completes(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_attempt attempt = claim_next(fx, 1);
	struct status_page page;

	fx->utc_ms = 77000;
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_OK);
	page = status_of(fx, &it.uuid);
	assert_int_equal(page.batches[0].status, BATCH_COMPLETED);
	assert_int_equal(page.batches[0].finished_ms, 77000);
	assert_null(page.batches[0].error);
	assert_int_equal(page.ingestion.finished_ms, 77000);
	assert_int_equal(counts_status(&page.ingestion.counts), INGESTION_COMPLETED);
	status_page_free(&page);
}

static void fails_with_a_reason(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_attempt attempt = claim_next(fx, 1);
	struct status_page page;

	assert_int_equal(finish(fx, attempt, OUTCOME_FAILED, "no such 'thing'"), ERR_OK);
	fixture_reopen(fx);
	page = status_of(fx, &it.uuid);
	assert_int_equal(page.batches[0].status, BATCH_FAILED);
	assert_string_equal(page.batches[0].error, "no such 'thing'");
	assert_true(page.batches[0].finished_ms == fx->utc_ms);
	assert_int_equal(counts_status(&page.ingestion.counts), INGESTION_FAILED);
	status_page_free(&page);
}

static void fails_without_a_reason(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct status_page page;

	assert_int_equal(finish(fx, claim_next(fx, 1), OUTCOME_FAILED, NULL), ERR_OK);
	page = status_of(fx, &it.uuid);
	assert_int_equal(page.batches[0].status, BATCH_FAILED);
	assert_null(page.batches[0].error);
	status_page_free(&page);
}

static void goes_back_into_line(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct status_page page;

	assert_int_equal(finish(fx, claim_next(fx, 1), OUTCOME_INTERRUPTED, NULL), ERR_OK);
	page = status_of(fx, &it.uuid);
	assert_int_equal(page.batches[0].status, BATCH_RETRYING);
	assert_int_equal(page.batches[0].attempts, 0);
	assert_int_equal(page.batches[0].finished_ms, 0);
	assert_int_equal(page.ingestion.finished_ms, 0);
	assert_int_equal(page.ingestion.counts.by_status[BATCH_RETRYING], 1);
	assert_int_equal(counts_status(&page.ingestion.counts), INGESTION_TRIGGERED);
	status_page_free(&page);
}

static void ends_with_the_last_batch(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 9, 3);
	struct store_attempt a = claim_next(fx, 1), b = claim_next(fx, 4), c = claim_next(fx, 7);
	struct status_page page;

	finish(fx, c, OUTCOME_COMPLETED, NULL);
	finish(fx, a, OUTCOME_FAILED, "x");
	page = status_of(fx, &it.uuid);
	assert_int_equal(page.ingestion.finished_ms, 0);
	status_page_free(&page);
	fx->utc_ms += 1000;
	finish(fx, b, OUTCOME_COMPLETED, NULL);
	page = status_of(fx, &it.uuid);
	assert_true(page.ingestion.finished_ms == fx->utc_ms);
	assert_int_equal(page.ingestion.counts.by_status[BATCH_COMPLETED], 2);
	assert_int_equal(page.ingestion.counts.by_status[BATCH_FAILED], 1);
	assert_int_equal(counts_status(&page.ingestion.counts), INGESTION_FAILED);
	status_page_free(&page);
}

static void counts_versions(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1), other;
	struct store_attempt attempt;

	assert_int_equal(version_of(fx, &it.uuid), 1);
	attempt = claim_next(fx, 1); /* claimed and started */
	assert_int_equal(version_of(fx, &it.uuid), 3);
	finish(fx, attempt, OUTCOME_INTERRUPTED, NULL);
	assert_int_equal(version_of(fx, &it.uuid), 4);
	other = submit_batch(fx, PRIORITY_HIGH, 11);
	finish(fx, attempt, OUTCOME_COMPLETED, NULL); /* refused */
	assert_int_equal(version_of(fx, &it.uuid), 4);
	assert_int_equal(version_of(fx, &other.uuid), 1);
}

/* ---- refusals ---- */

static void refuses_an_earlier_attempt(struct fixture *fx)
{
	struct submitted it;
	struct store_attempt first;

	reopen_with_retry(fx, 5, 0, 0);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	first = claim_next(fx, 1);
	finish(fx, first, OUTCOME_RETRY, NULL);
	assert_int_equal(claim_next(fx, 1).attempt, 2);
	assert_int_equal(finish(fx, first, OUTCOME_COMPLETED, NULL), ERR_STALE_ATTEMPT);
	assert_int_equal(started(fx, first, LEDGER_NONE), ERR_STALE_ATTEMPT);
	assert_int_equal(batch_status_of(fx, &it.uuid, 0), BATCH_TRIGGERED);
}

static void refuses_a_second_outcome(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_attempt attempt = claim_next(fx, 1);

	finish(fx, attempt, OUTCOME_COMPLETED, NULL);
	assert_int_equal(finish(fx, attempt, OUTCOME_FAILED, "late"), ERR_STALE_ATTEMPT);
	assert_int_equal(batch_status_of(fx, &it.uuid, 0), BATCH_COMPLETED);
}

static void refuses_an_outcome_after_interruption(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_attempt attempt = claim_next(fx, 1);

	finish(fx, attempt, OUTCOME_INTERRUPTED, NULL);
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_STALE_ATTEMPT);
	assert_int_equal(started(fx, attempt, LEDGER_NONE), ERR_STALE_ATTEMPT);
	assert_int_equal(batch_status_of(fx, &it.uuid, 0), BATCH_RETRYING);
}

static void refuses_a_later_attempt(struct fixture *fx)
{
	struct store_attempt attempt;

	submit_batch(fx, PRIORITY_LOW, 1);
	attempt = claim_next(fx, 1);
	attempt.attempt++;
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_STALE_ATTEMPT);
}

static void refuses_unknown_batches(struct fixture *fx)
{
	struct store_attempt attempt, never, beyond, nobody;

	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	attempt = claim_next(fx, 1);
	never = beyond = nobody = attempt;
	never.index = 1;
	beyond.index = 2;
	nobody.ingestion += 12345;
	assert_int_equal(finish(fx, never, OUTCOME_COMPLETED, NULL), ERR_NOT_FOUND);
	assert_int_equal(started(fx, beyond, LEDGER_NONE), ERR_NOT_FOUND);
	assert_int_equal(finish(fx, beyond, OUTCOME_COMPLETED, NULL), ERR_NOT_FOUND);
	assert_int_equal(finish(fx, nobody, OUTCOME_COMPLETED, NULL), ERR_NOT_FOUND);
}

const struct suite_test suite_attempt[] = {
    {"a start is noted in batch and ingestion", notes_the_start},
    {"a batch completes", completes},
    {"a batch fails with a reason", fails_with_a_reason},
    {"a batch fails without a reason", fails_without_a_reason},
    {"an interrupted batch waits again", goes_back_into_line},
    {"an ingestion ends with its last batch", ends_with_the_last_batch},
    {"the version grows by one with each change", counts_versions},
    {"an earlier attempt is stale", refuses_an_earlier_attempt},
    {"a second outcome is stale", refuses_a_second_outcome},
    {"an outcome after an interruption is stale", refuses_an_outcome_after_interruption},
    {"an attempt that was not made yet is stale", refuses_a_later_attempt},
    {"batches that never started or do not exist are not found", refuses_unknown_batches},
    {0},
};
