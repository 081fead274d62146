/* When a batch is tried again, how often, and what that does to the line. */
#include "fixture.h"

#include "util.h"

#include <stdlib.h>

static struct store_op claim_at(struct fixture *fx, int64_t boot_ns)
{
	fx->boot_ns = boot_ns;
	return claim(fx);
}

/* The first id of what is claimed at this moment, 0: nothing. */
static int64_t first_id_at(struct fixture *fx, int64_t boot_ns)
{
	struct store_op op = claim_at(fx, boot_ns);
	int64_t id = op.claim.n > 0 ? op.claim.batches[0].ids.v[0] : 0;

	if (id)
		assert_int_equal(started(fx, op.claim.batches[0].attempt, fx->boot_ns), ERR_OK);
	store_op_reset(&op);
	return id;
}

static void with_settle(struct fixture *fx, int64_t settle_ns)
{
	fx->settings.settle_ns = settle_ns;
	fixture_reopen(fx);
}

/* ---- when ---- */

static void follows_the_policy(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 6, 3);

	claim_next(fx, 1);
	for (int64_t n = 1; n < 5; n++) {
		struct store_attempt attempt = claim_next(fx, 4);
		int64_t delay_ms = retry_delay_ms(&fx->settings.retry, &it.uuid, 1, n);

		assert_int_equal(attempt.attempt, n);
		assert_int_equal(try_again(fx, attempt), delay_ms);
		pass_ms(fx, delay_ms);
	}
}

static void is_not_given_out_before(struct fixture *fx)
{
	struct store_attempt attempt;
	struct store_op op;
	int64_t due;

	submit_batch(fx, PRIORITY_LOW, 1);
	attempt = claim_next(fx, 1);
	due = fx->boot_ns + try_again(fx, attempt) * MS;
	op = claim_at(fx, due - MS);
	assert_int_equal(op.claim.n, 0);
	assert_true(op.claim.idle);
	assert_true(op.claim.wake == due);
	op = claim_at(fx, due);
	assert_int_equal(op.claim.n, 1);
	assert_false(op.claim.idle);
	assert_int_equal(op.claim.batches[0].attempt.attempt, 2);
	store_op_reset(&op);
}

static void is_due_at_once_without_a_delay(struct fixture *fx)
{
	struct submitted it;
	struct batch batch;

	reopen_with_retry(fx, 3, 0, 120000);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	assert_int_equal(try_again(fx, claim_next(fx, 1)), 0);
	batch = batch_of(fx, &it.uuid, 0);
	assert_int_equal(batch.status, BATCH_RETRYING);
	assert_int_equal(batch.retry_ms, 0);
	batch_free(&batch);
	assert_int_equal(claim_next(fx, 1).attempt, 2);
}

static void wakes_for_the_earliest(struct fixture *fx)
{
	int64_t due[3], earliest = CLOCK_NEVER;
	struct store_attempt attempts[3];

	submit_range(fx, PRIORITY_LOW, 1, 9, 3);
	for (int i = 0; i < 3; i++)
		attempts[i] = claim_next(fx, 1 + 3 * i);
	for (int i = 0; i < 3; i++) {
		due[i] = fx->boot_ns + try_again(fx, attempts[i]) * MS;
		earliest = due[i] < earliest ? due[i] : earliest;
	}
	assert_true(due[0] != due[1]);
	assert_true(claim_nothing(fx) == earliest);
}

static void the_slot_comes_first(struct fixture *fx)
{
	struct store_op op;
	int64_t slot;

	submit_range(fx, PRIORITY_LOW, 1, 9, 3);
	try_again(fx, claim_next(fx, 1));
	claim_next(fx, 4);
	slot = fx->boot_ns + fx->settings.interval_ns;
	op = claim_at(fx, fx->boot_ns + SECOND);
	assert_int_equal(op.claim.n, 0);
	assert_false(op.claim.idle);
	assert_true(op.claim.wake == slot);
}

static void says_when(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct store_attempt attempt = claim_next(fx, 1);
	int64_t due_ms = fx->utc_ms + try_again(fx, attempt), version;
	struct batch batch = batch_of(fx, &it.uuid, 0);

	assert_true(batch.retry_ms == due_ms);
	assert_int_equal(batch.finished_ms, 0);
	version = version_of(fx, &it.uuid);
	with_settle(fx, 2 * SECOND);
	pass_ms(fx, due_ms - fx->utc_ms);
	claim_nothing(fx);
	batch = batch_of(fx, &it.uuid, 0);
	assert_int_equal(batch.status, BATCH_RETRYING);
	assert_int_equal(batch.retry_ms, 0);
	/* It was to be expected. */
	assert_int_equal(version_of(fx, &it.uuid), version);
}

/* ---- the line ---- */

static void never_blocks_the_line(struct fixture *fx)
{
	submit_range(fx, PRIORITY_HIGH, 1, 6, 3);
	submit_batch(fx, PRIORITY_LOW, 11);
	try_again(fx, claim_next(fx, 1));
	try_again(fx, claim_next(fx, 4));
	claim_next(fx, 11);
}

static void comes_back_to_its_place(struct fixture *fx)
{
	struct store_attempt medium, low;

	submit_batch(fx, PRIORITY_LOW, 1);
	submit_batch(fx, PRIORITY_LOW, 11);
	low = claim_next(fx, 1);
	submit_range(fx, PRIORITY_MEDIUM, 21, 9, 3);
	claim_next(fx, 21);
	medium = claim_next(fx, 24);
	try_again(fx, medium);
	try_again(fx, low);
	pass_ms(fx, 120000);
	claim_next(fx, 24);
	claim_next(fx, 27);
	claim_next(fx, 1);
	claim_next(fx, 11);
}

/* The settle time of an empty line begins when the first batch is due, whoever notices when. */
static void settles_from_when_it_is_due(struct fixture *fx)
{
	struct store_attempt attempt;
	int64_t due;

	with_settle(fx, 2 * SECOND);
	submit_batch(fx, PRIORITY_LOW, 1);
	attempt = claim_next(fx, 1);
	due = fx->boot_ns + try_again(fx, attempt) * MS;
	assert_true(stats(fx).ledger.ready_since == LEDGER_NONE);
	assert_true(claim_nothing(fx) == due);
	fx->boot_ns = due + SECOND;
	assert_true(claim_nothing(fx) == due + 2 * SECOND);
	/* A second one does not put it off. */
	submit_batch(fx, PRIORITY_HIGH, 11);
	assert_true(claim_nothing(fx) == due + 2 * SECOND);
	assert_int_equal(first_id_at(fx, due + 2 * SECOND), 11);
}

static void settled_long_ago(struct fixture *fx)
{
	struct store_attempt attempts[4];
	int64_t first = CLOCK_NEVER, last = 0;

	with_settle(fx, 2 * SECOND);
	submit_range(fx, PRIORITY_LOW, 1, 12, 3);
	for (int i = 0; i < 4; i++)
		attempts[i] = claim_next(fx, 1 + 3 * i);
	for (int i = 0; i < 4; i++) {
		int64_t due = fx->boot_ns + try_again(fx, attempts[i]) * MS;

		first = due < first ? due : first;
		last = due > last ? due : last;
	}
	assert_true(last - first > 2 * SECOND);
	assert_int_equal(first_id_at(fx, last), 1);
}

static void does_not_settle_a_line(struct fixture *fx)
{
	struct store_attempt attempt;
	int64_t due;

	with_settle(fx, 2 * SECOND);
	submit_range(fx, PRIORITY_LOW, 1, 6, 3);
	attempt = claim_next(fx, 1);
	due = fx->boot_ns + try_again(fx, attempt) * MS;
	assert_int_equal(first_id_at(fx, due), 1);
}

static void shares_a_slot_with_what_is_left(struct fixture *fx)
{
	struct store_attempt attempt;
	struct store_op op;

	fx->settings.pack = true;
	fixture_reopen(fx);
	submit_batch(fx, PRIORITY_LOW, 1);
	submit_range(fx, PRIORITY_LOW, 11, 2, 3);
	attempt = claim_next(fx, 1);
	op = finish_ids(fx, attempt, "crf", NULL);
	op = claim_at(fx, fx->boot_ns + op.finish.due_ms * MS);
	assert_int_equal(op.claim.n, 2);
	assert_int_equal(op.claim.batches[0].ids.n, 1);
	assert_int_equal(op.claim.batches[0].ids.v[0], 2);
	assert_int_equal(op.claim.batches[1].ids.n, 2);
	assert_int_equal(started(fx, op.claim.batches[0].attempt, fx->boot_ns), ERR_OK);
	attempt = op.claim.batches[0].attempt;
	store_op_reset(&op);
	/* As what comes second, too. */
	assert_true(try_again(fx, attempt) > 0);
	submit_range(fx, PRIORITY_HIGH, 21, 2, 3);
	pass_ms(fx, 120000);
	op = claim(fx);
	assert_int_equal(op.claim.n, 2);
	assert_int_equal(op.claim.batches[0].ids.v[0], 21);
	assert_int_equal(op.claim.batches[1].ids.v[0], 2);
	store_op_reset(&op);
}

/* ---- how often ---- */

static void ends_with_the_last_attempt(struct fixture *fx)
{
	struct submitted it;
	struct store_op op;

	reopen_with_retry(fx, 2, 0, 0);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	try_again(fx, claim_next(fx, 1));
	fx->utc_ms += 7000;
	op = finish_ids(fx, claim_next(fx, 1), "rrr", "why");
	assert_int_equal(op.finish.status, BATCH_FAILED);
	assert_int_equal(op.finish.failed, 3);
	assert_batch(fx, &it.uuid, 0, "failed 2 0 3 (why)");
	assert_status(fx, &it.uuid, INGESTION_FAILED);
	assert_true(look_at(fx, &it.uuid).finished_ms == fx->utc_ms);
	fx->boot_ns += 1000 * SECOND;
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
}

static void may_be_tried_once_only(struct fixture *fx)
{
	struct submitted it;

	reopen_with_retry(fx, 1, 60000, 120000);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	finish(fx, claim_next(fx, 1), OUTCOME_RETRY, "why");
	assert_batch(fx, &it.uuid, 0, "failed 1 0 3 (why)");
}

static void a_new_limit_holds_at_once(struct fixture *fx)
{
	struct submitted it;

	reopen_with_retry(fx, 5, 0, 0);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	try_again(fx, claim_next(fx, 1));
	try_again(fx, claim_next(fx, 1));
	reopen_with_retry(fx, 2, 0, 0);
	finish(fx, claim_next(fx, 1), OUTCOME_RETRY, NULL);
	assert_batch(fx, &it.uuid, 0, "failed 3 0 3");
}

static void interruptions_do_not_count(struct fixture *fx)
{
	struct submitted it;

	reopen_with_retry(fx, 2, 0, 0);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	try_again(fx, claim_next(fx, 1));
	for (int i = 0; i < 10; i++) {
		struct store_attempt attempt = claim_next(fx, 1);

		assert_int_equal(attempt.attempt, 2);
		assert_batch(fx, &it.uuid, 0, "triggered 2 0 0");
		finish(fx, attempt, OUTCOME_INTERRUPTED, NULL);
		assert_batch(fx, &it.uuid, 0, "retrying 1 0 0");
	}
}

static void interruptions_do_not_delay(struct fixture *fx)
{
	struct store_attempt attempt;
	struct store_op op;

	submit_batch(fx, PRIORITY_LOW, 1);
	attempt = claim_next(fx, 1);
	op = finish_ids(fx, attempt, "rri", NULL);
	assert_int_equal(op.finish.status, BATCH_RETRYING);
	assert_int_equal(op.finish.due_ms, 0);
	claim_ids(fx, "1 2 3");
}

/* ---- many at once ---- */

enum { MANY = STORE_DUE_STEPS + 5 };

/* Batches of one id, all of them due within a few milliseconds. */
static struct submitted fail_many(struct fixture *fx)
{
	struct submitted it;

	fx->settings.interval_ns = 1;
	reopen_with_retry(fx, 5, 100, 100);
	turn_begin(fx);
	it = submit_range(fx, PRIORITY_LOW, 1, MANY, 1);
	for (int i = 1; i <= MANY; i++)
		try_again(fx, claim_next(fx, i));
	turn_commit(fx);
	fx->settings.interval_ns = 5 * SECOND;
	fixture_reopen(fx);
	return it;
}

/* Those that stand in line are due before those that do not. */
static void check_earliest(struct fixture *fx, const struct submitted *it)
{
	int64_t delay, last_in_line = 0, next_later = CLOCK_NEVER;

	for (int64_t from = 0; from >= 0;) {
		struct status_page page = status_from(fx, &it->uuid, from);

		for (size_t i = 0; i < page.n; i++) {
			delay = retry_delay_ms(
			    &fx->settings.retry, &it->uuid, page.batches[i].index, 1);
			if (page.batches[i].retry_ms == 0 && delay > last_in_line)
				last_in_line = delay;
			if (page.batches[i].retry_ms != 0 && delay < next_later)
				next_later = delay;
		}
		from = page.next_batch;
		status_page_free(&page);
	}
	assert_true(last_in_line <= next_later);
}

static void comes_back_in_steps(struct fixture *fx)
{
	struct submitted it = fail_many(fx);
	int64_t start = fx->boot_ns;

	assert_int_equal(fx->found.later, MANY);
	pass_ms(fx, 100);
	assert_true(claim_nothing(fx) == fx->boot_ns);
	assert_int_equal(stats(fx).lanes[PRIORITY_LOW - PRIORITY_HIGH].later, 5);
	check_earliest(fx, &it);
	assert_true(claim_nothing(fx) == start + 5 * SECOND);
	assert_int_equal(stats(fx).lanes[PRIORITY_LOW - PRIORITY_HIGH].later, 0);
	for (int i = 1; i <= 3; i++)
		claim_next(fx, i);
}

const struct suite_test suite_retry[] = {
    {"the delay is that of the policy", follows_the_policy},
    {"a batch is not given out before it is due", is_not_given_out_before},
    {"a delay of nothing is none", is_due_at_once_without_a_delay},
    {"the wake-up is for the batch that is due first", wakes_for_the_earliest},
    {"the wake-up is for the slot where something waits", the_slot_comes_first},
    {"a status says when a batch is due", says_when},
    {"a batch that is not due blocks nobody", never_blocks_the_line},
    {"a batch that is due has its old place again", comes_back_to_its_place},
    {"an empty line settles from when a batch is due", settles_from_when_it_is_due},
    {"an empty line settles from the first that is due", settled_long_ago},
    {"a line that was not empty does not settle for what is due", does_not_settle_a_line},
    {"pack: the rest of a batch shares a slot", shares_a_slot_with_what_is_left},
    {"after the last attempt a batch has failed", ends_with_the_last_attempt},
    {"one attempt may be all", may_be_tried_once_only},
    {"a lower limit of attempts holds for what runs", a_new_limit_holds_at_once},
    {"interruptions give the number of the attempt back", interruptions_do_not_count},
    {"interruptions are due at once", interruptions_do_not_delay},
    {"many batches that are due come back in steps", comes_back_in_steps},
    {0},
};
