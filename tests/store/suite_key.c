/* Keys: the same submission twice is one. */
#include "fixture.h"

#include "util.h"

#include <string.h>

static void assert_same_uuid(const struct uuid *a, const struct uuid *b)
{
	assert_memory_equal(a, b, sizeof(*a));
}

/* Submits once more and expects the first answer. */
static void assert_replays(struct fixture *fx, struct store_key key, const struct store_op *first,
    int64_t first_id, size_t n)
{
	int64_t version = version_of(fx, &first->submit.ingestion);
	struct store_op op =
	    try_submit(fx, key, first->submit.priority, first->submit.label, first_id, n);

	assert_int_equal(op.fail.err, ERR_OK);
	assert_true(op.submit.replayed);
	assert_same_uuid(&op.submit.ingestion, &first->submit.ingestion);
	assert_int_equal(op.submit.seq, first->submit.seq);
	assert_int_equal(op.submit.batches, first->submit.batches);
	assert_int_equal(version_of(fx, &first->submit.ingestion), version);
}

static struct store_op submit_keyed(
    struct fixture *fx, struct store_key key, int64_t first_id, size_t n)
{
	struct store_op op = try_submit(fx, key, PRIORITY_LOW, "", first_id, n);

	assert_int_equal(op.fail.err, ERR_OK);
	assert_false(op.submit.replayed);
	assert_same_uuid(&op.submit.ingestion, &op.submit.uuid);
	return op;
}

static void answers_again(struct fixture *fx)
{
	struct store_op first = submit_keyed(fx, KEY("k"), 1, 7);
	struct store_stats before = stats(fx), after;

	assert_int_equal(first.submit.seq, 1);
	assert_int_equal(first.submit.batches, 3);
	assert_replays(fx, KEY("k"), &first, 1, 7);
	assert_replays(fx, KEY("k"), &first, 1, 7);
	after = stats(fx);
	assert_memory_equal(before.lanes, after.lanes, sizeof(before.lanes));
	/* No number was used up. */
	assert_int_equal(submit_batch(fx, PRIORITY_LOW, 20).seq, 2);
}

static void refuses_other_content(struct fixture *fx)
{
	struct store_op first = try_submit(fx, KEY("k"), PRIORITY_LOW, "label", 1, 7);
	static const struct {
		enum priority priority;
		const char *label;
		int64_t first_id;
		size_t n;
	} others[] = {{PRIORITY_HIGH, "label", 1, 7}, {PRIORITY_LOW, "", 1, 7},
	    {PRIORITY_LOW, "label2", 1, 7}, {PRIORITY_LOW, "label", 2, 7},
	    {PRIORITY_LOW, "label", 1, 8}, {PRIORITY_LOW, "label", 1, 6}};

	for (size_t i = 0; i < COUNT_OF(others); i++) {
		struct store_op op = try_submit(fx, KEY("k"), others[i].priority, others[i].label,
		    others[i].first_id, others[i].n);

		assert_int_equal(op.fail.err, ERR_CONFLICT);
	}
	assert_replays(fx, KEY("k"), &first, 1, 7);
	assert_int_equal(submit_batch(fx, PRIORITY_LOW, 20).seq, 2);
}

static struct store_op submit_ids(
    struct fixture *fx, const char *key, const int64_t *v, size_t n, int64_t batch_size)
{
	struct idlist ids = {0};
	struct store_op op = {.verb = STORE_SUBMIT};

	idlist_add(&ids, v, n);
	op.submit = (struct store_submit){.uuid = fixture_uuid(fx),
	    .priority = PRIORITY_LOW,
	    .label = "",
	    .batch_size = batch_size,
	    .ids = &ids,
	    .key = {"test", key}};
	do_op(fx, &op);
	idlist_free(&ids);
	return op;
}

static void order_matters(struct fixture *fx)
{
	static const int64_t one[] = {1, 2, 3}, other[] = {1, 3, 2};

	assert_int_equal(submit_ids(fx, "k", one, 3, 3).fail.err, ERR_OK);
	assert_int_equal(submit_ids(fx, "k", other, 3, 3).fail.err, ERR_CONFLICT);
	assert_int_equal(submit_ids(fx, "k", one, 3, 3).fail.err, ERR_OK);
}

/* It is the daemon's, not the client's; borders do not move. */
static void batch_size_does_not_matter(struct fixture *fx)
{
	static const int64_t v[] = {1, 2, 3, 4, 5, 6, 7};
	struct store_op first = submit_ids(fx, "k", v, 7, 3), second = submit_ids(fx, "k", v, 7, 2);

	assert_int_equal(second.fail.err, ERR_OK);
	assert_true(second.submit.replayed);
	assert_int_equal(second.submit.batches, 3);
	assert_int_equal(look_at(fx, &first.submit.ingestion).batch_size, 3);
}

static void principals_have_their_own(struct fixture *fx)
{
	struct store_key one = {"uid:1", "k"}, two = {"uid:2", "k"};
	struct store_op first = submit_keyed(fx, one, 1, 3), second = submit_keyed(fx, two, 50, 3);

	assert_int_equal(second.submit.seq, 2);
	assert_replays(fx, one, &first, 1, 3);
	assert_replays(fx, two, &second, 50, 3);
	assert_int_equal(try_submit(fx, one, PRIORITY_LOW, "", 50, 3).fail.err, ERR_CONFLICT);
}

static void keys_are_exact(struct fixture *fx)
{
	static const char *const keys[] = {"k", "K", "k1", "kk", "'k'", "%", "k~"};

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		assert_int_equal(submit_keyed(fx, KEY(keys[i]), 1, 3).submit.seq, i + 1);
}

static void without_a_key_nothing_is_known(struct fixture *fx)
{
	for (int i = 1; i <= 3; i++)
		assert_int_equal(submit_keyed(fx, NO_KEY, 1, 3).submit.seq, i);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
}

static void keeps_long_keys(struct fixture *fx)
{
	char text[KEY_MAX + 1], principal[PRINCIPAL_MAX + 1];
	struct store_key key = {principal, text};
	struct store_op first;

	memset(text, '~', KEY_MAX);
	memset(principal, 'p', PRINCIPAL_MAX);
	text[KEY_MAX] = principal[PRINCIPAL_MAX] = 0;
	first = submit_keyed(fx, key, 1, 3);
	fixture_reopen(fx);
	assert_replays(fx, key, &first, 1, 3);
	text[KEY_MAX - 1] = '!';
	submit_keyed(fx, key, 1, 3);
	principal[PRINCIPAL_MAX - 1] = 'q';
	submit_keyed(fx, key, 1, 3);
}

static void compares_whole_lists(struct fixture *fx)
{
	static const size_t sizes[] = {1, 2, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 5000};

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		char name[20] = {(char)('a' + i)};
		int64_t first_id = INT64_MAX - 100000 * (int64_t)(i + 1);
		struct idlist ids = id_range(first_id, sizes[i]);
		struct store_op first = submit_keyed(fx, KEY(name), first_id, sizes[i]), op;

		assert_replays(fx, KEY(name), &first, first_id, sizes[i]);
		ids.v[sizes[i] - 1]++;
		op = submit_ids(fx, name, ids.v, ids.n, 3);
		assert_int_equal(op.fail.err, ERR_CONFLICT);
		idlist_free(&ids);
	}
}

static void is_known_within_its_turn(struct fixture *fx)
{
	struct store_op first;

	turn_begin(fx);
	first = submit_keyed(fx, KEY("k"), 1, 3);
	assert_replays(fx, KEY("k"), &first, 1, 3);
	assert_int_equal(try_submit(fx, KEY("k"), PRIORITY_LOW, "", 2, 3).fail.err, ERR_CONFLICT);
	turn_commit(fx);
	assert_replays(fx, KEY("k"), &first, 1, 3);
}

/* The store may look up once for the whole turn. */
static void is_known_within_a_turn_that_expects_it(struct fixture *fx)
{
	struct store_op known = submit_keyed(fx, KEY("known"), 50, 3), first;
	struct store_op again = {.verb = STORE_SUBMIT}, new = {.verb = STORE_SUBMIT};

	again.submit.key = KEY("known");
	new.submit.key = KEY("k");
	turn_begin(fx);
	store_expect(fx->store, &new);
	store_expect(fx->store, &again);
	store_expect(fx->store, &new);
	first = submit_keyed(fx, KEY("k"), 1, 3);
	assert_replays(fx, KEY("k"), &first, 1, 3);
	assert_replays(fx, KEY("known"), &known, 50, 3);
	assert_int_equal(try_submit(fx, KEY("k"), PRIORITY_LOW, "", 2, 3).fail.err, ERR_CONFLICT);
	turn_commit(fx);
	assert_replays(fx, KEY("k"), &first, 1, 3);
}

static void rollback_leaves_no_key(struct fixture *fx)
{
	turn_begin(fx);
	submit_keyed(fx, KEY("k"), 1, 3);
	turn_rollback(fx);
	assert_int_equal(submit_keyed(fx, KEY("k"), 50, 4).submit.seq, 1);
}

static void survives_reopen_and_reboot(struct fixture *fx)
{
	struct store_op first = submit_keyed(fx, KEY("k"), 1, 3000);

	fixture_reopen(fx);
	assert_replays(fx, KEY("k"), &first, 1, 3000);
	fixture_reboot(fx, SECOND);
	assert_replays(fx, KEY("k"), &first, 1, 3000);
	assert_int_equal(
	    try_submit(fx, KEY("k"), PRIORITY_LOW, "", 2, 3000).fail.err, ERR_CONFLICT);
}

/* ---- the end of a key ---- */

/* One batch with this key that runs to its end. */
static struct store_op run_keyed(
    struct fixture *fx, const char *name, int64_t first_id, enum outcome outcome)
{
	struct store_op op = submit_keyed(fx, KEY(name), first_id, 3);

	finish(fx, claim_next(fx, first_id), outcome, NULL);
	return op;
}

static void outlives_the_ingestion(struct fixture *fx)
{
	struct store_op first = run_keyed(fx, "k", 1, OUTCOME_COMPLETED);

	assert_replays(fx, KEY("k"), &first, 1, 3);
	pass_ms(fx, 24 * HOUR_MS - 1);
	assert_int_equal(sweep(fx, NULL, NULL), 1);
	assert_replays(fx, KEY("k"), &first, 1, 3);
	pass_ms(fx, 1);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	assert_int_equal(submit_keyed(fx, KEY("k"), 50, 3).submit.seq, 2);
	/* What is forgotten is the key alone. */
	assert_int_equal(look_at(fx, &first.submit.ingestion).counts.by_status[BATCH_COMPLETED], 1);
}

static void failures_end_it_too(struct fixture *fx)
{
	struct store_op first = run_keyed(fx, "k", 1, OUTCOME_FAILED);

	assert_int_equal(sweep(fx, NULL, NULL), 24 * HOUR_MS);
	assert_replays(fx, KEY("k"), &first, 1, 3);
	pass_ms(fx, 24 * HOUR_MS);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	submit_keyed(fx, KEY("k"), 50, 3);
}

static void lives_as_long_as_it_runs(struct fixture *fx)
{
	struct store_op first = submit_keyed(fx, KEY("k"), 1, 6);

	pass_ms(fx, 1000 * HOUR_MS);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	finish(fx, claim_next(fx, 4), OUTCOME_INTERRUPTED, NULL);
	pass_ms(fx, 1000 * HOUR_MS);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	assert_replays(fx, KEY("k"), &first, 1, 6);
	finish(fx, claim_next(fx, 4), OUTCOME_COMPLETED, NULL);
	assert_int_equal(sweep(fx, NULL, NULL), 24 * HOUR_MS);
}

static void forgetting_changes_no_version(struct fixture *fx)
{
	struct store_op first = run_keyed(fx, "k", 1, OUTCOME_COMPLETED);
	int64_t version = version_of(fx, &first.submit.ingestion);

	pass_ms(fx, 24 * HOUR_MS);
	sweep(fx, NULL, NULL);
	assert_int_equal(version_of(fx, &first.submit.ingestion), version);
}

static void forgets_in_order(struct fixture *fx)
{
	struct store_op one = run_keyed(fx, "one", 1, OUTCOME_COMPLETED), two;

	pass_ms(fx, HOUR_MS);
	two = run_keyed(fx, "two", 11, OUTCOME_COMPLETED);
	pass_ms(fx, 23 * HOUR_MS);
	assert_true(sweep(fx, NULL, NULL) > 0);
	submit_keyed(fx, KEY("one"), 21, 3);
	assert_replays(fx, KEY("two"), &two, 11, 3);
	assert_int_equal(look_at(fx, &one.submit.ingestion).seq, 1);
}

static void rollback_forgets_nothing(struct fixture *fx)
{
	struct store_op first = run_keyed(fx, "k", 1, OUTCOME_COMPLETED);

	pass_ms(fx, 25 * HOUR_MS);
	turn_begin(fx);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	turn_rollback(fx);
	assert_replays(fx, KEY("k"), &first, 1, 3);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
}

/* A day of the wall clock is nothing when it went back over the restart. */
static void expires_by_time_that_never_goes_back(struct fixture *fx)
{
	struct store_op first = run_keyed(fx, "k", 1, OUTCOME_COMPLETED);

	pass_ms(fx, 10 * HOUR_MS);
	submit_batch(fx, PRIORITY_LOW, 11);
	fx->utc_ms -= 500 * HOUR_MS;
	fixture_reboot(fx, SECOND);
	assert_int_equal(sweep(fx, NULL, NULL), 14 * HOUR_MS);
	assert_replays(fx, KEY("k"), &first, 1, 3);
	/* Setting it while the daemon runs does nothing at all. */
	fx->utc_ms += 5000 * HOUR_MS;
	assert_int_equal(sweep(fx, NULL, NULL), 14 * HOUR_MS);
	fx->utc_ms -= 9000 * HOUR_MS;
	fixture_reopen(fx);
	assert_int_equal(sweep(fx, NULL, NULL), 14 * HOUR_MS);
	/* Time in which the machine was off counts. */
	fx->utc_ms += 14 * HOUR_MS;
	fixture_reboot(fx, SECOND);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	submit_keyed(fx, KEY("k"), 50, 3);
}

static void the_expiry_is_that_of_the_end(struct fixture *fx)
{
	run_keyed(fx, "k", 1, OUTCOME_COMPLETED);
	fx->settings.key_expiry_ms = HOUR_MS;
	fixture_reopen(fx);
	assert_int_equal(sweep(fx, NULL, NULL), 24 * HOUR_MS);
	run_keyed(fx, "k2", 11, OUTCOME_COMPLETED);
	assert_int_equal(sweep(fx, NULL, NULL), HOUR_MS);
}

const struct suite_test suite_key[] = {
    {"a known key gives the first answer", answers_again},
    {"a known key with other content is a conflict", refuses_other_content},
    {"the order of the ids is content", order_matters},
    {"the batch size is no content", batch_size_does_not_matter},
    {"two principals can have the same key", principals_have_their_own},
    {"keys are compared exactly", keys_are_exact},
    {"without a key nothing is known", without_a_key_nothing_is_known},
    {"keys of 255 bytes are kept", keeps_long_keys},
    {"lists of border sizes are compared as a whole", compares_whole_lists},
    {"a key is known within its turn", is_known_within_its_turn},
    {"a key is known within a turn that expects it twice", is_known_within_a_turn_that_expects_it},
    {"a rolled back turn leaves no key", rollback_leaves_no_key},
    {"a key survives reopen and reboot", survives_reopen_and_reboot},
    {"a key outlives its ingestion by a day", outlives_the_ingestion},
    {"a failed ingestion has ended, too", failures_end_it_too},
    {"a key lives as long as its ingestion runs", lives_as_long_as_it_runs},
    {"to forget a key is no change of the ingestion", forgetting_changes_no_version},
    {"keys are forgotten as they end", forgets_in_order},
    {"a rolled back turn forgets nothing", rollback_forgets_nothing},
    {"a key expires by a time that never goes back", expires_by_time_that_never_goes_back},
    {"the expiry is the one in force at the end", the_expiry_is_that_of_the_end},
    {0},
};
