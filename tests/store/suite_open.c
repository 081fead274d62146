/* Uploads with a key: how a client goes on with one. */
#include "fixture.h"

#include "util.h"

#include <string.h>

#define FIRST 7000000000000 /* id at the first place */

static struct digest digest_of(enum priority priority, const char *label, int64_t first, size_t n)
{
	struct idlist ids = id_range(first, n);
	struct digester digester;

	digester_begin(&digester, priority, label);
	digester_add(&digester, ids.v, n);
	idlist_free(&ids);
	return digester_value(&digester);
}

/* Opens once more and expects the upload of the key, with so many ids. */
static struct store_op assert_found(
    struct fixture *fx, struct store_key key, const struct uuid *uuid, size_t n)
{
	int64_t version = version_of(fx, uuid);
	struct store_op op = try_open(fx, key, PRIORITY_LOW, "");
	struct digest digest = digest_of(PRIORITY_LOW, "", FIRST, n);

	assert_int_equal(op.fail.err, ERR_OK);
	assert_true(op.open.replayed);
	assert_memory_equal(&op.open.ingestion, uuid, sizeof(*uuid));
	assert_int_equal(op.open.received, n);
	assert_true(digest_equal(&op.open.digest, &digest));
	assert_int_equal(version_of(fx, uuid), version);
	return op;
}

static void begins_with_the_digest_of_nothing(struct fixture *fx)
{
	struct store_op op = try_open(fx, NO_KEY, PRIORITY_HIGH, "a label");
	struct digest digest = digest_begin(PRIORITY_HIGH, "a label");

	assert_true(digest_equal(&op.open.digest, &digest));
	assert_int_equal(op.open.received, 0);
	assert_int_equal(op.open.seq, 0);
	assert_int_equal(op.open.batches, 0);
}

static void finds_what_has_arrived(struct fixture *fx)
{
	static const size_t parts[] = {1, 62, 1, 1, 958, 1, 1, 1023, 1, 500, 4000};
	struct uuid uuid = open_upload(fx, KEY("k"));
	size_t at = 0;

	assert_false(assert_found(fx, KEY("k"), &uuid, 0).open.sealed);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		append(fx, &uuid, FIRST, (int64_t)at, parts[i]);
		at += parts[i];
		assert_false(assert_found(fx, KEY("k"), &uuid, at).open.sealed);
	}
	fixture_reboot(fx, SECOND);
	assert_found(fx, KEY("k"), &uuid, at);
}

static void finds_it_sealed(struct fixture *fx)
{
	static const size_t sizes[] = {1, 64, 65, 1024, 1025, 2048, 5000};

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		char name[] = {(char)('a' + i), 0};
		struct submitted it = upload(fx, KEY(name), FIRST, sizes[i], 100);
		struct store_op op = assert_found(fx, KEY(name), &it.uuid, sizes[i]);

		assert_true(op.open.sealed);
		assert_int_equal(op.open.seq, it.seq);
		assert_int_equal(op.open.batches, it.batches);
	}
}

static void finds_what_came_whole(struct fixture *fx)
{
	static const size_t sizes[] = {1, 64, 65, 1024, 1025, 5000};

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		char name[] = {(char)('a' + i), 0};
		struct store_op first =
		    try_submit(fx, KEY(name), PRIORITY_LOW, "", FIRST, sizes[i]);
		struct store_op op = assert_found(fx, KEY(name), &first.submit.ingestion, sizes[i]);

		assert_true(op.open.sealed);
		assert_int_equal(op.open.seq, first.submit.seq);
		assert_int_equal(op.open.batches, first.submit.batches);
	}
}

static void finds_it_ended(struct fixture *fx)
{
	struct submitted it = upload(fx, KEY("k"), FIRST, 3, 2);

	finish(fx, claim_next(fx, FIRST), OUTCOME_COMPLETED, NULL);
	assert_true(assert_found(fx, KEY("k"), &it.uuid, 3).open.sealed);
	assert_int_equal(sweep(fx, NULL, NULL), 24 * HOUR_MS);
	pass_ms(fx, 24 * HOUR_MS);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
	open_upload(fx, KEY("k"));
}

static void other_content_is_a_conflict(struct fixture *fx)
{
	struct store_op op = try_open(fx, KEY("k"), PRIORITY_LOW, "label");

	assert_int_equal(op.fail.err, ERR_OK);
	for (int sealed = 0; sealed < 2; sealed++) {
		assert_int_equal(
		    try_open(fx, KEY("k"), PRIORITY_HIGH, "label").fail.err, ERR_CONFLICT);
		assert_int_equal(try_open(fx, KEY("k"), PRIORITY_LOW, "").fail.err, ERR_CONFLICT);
		assert_int_equal(
		    try_open(fx, KEY("k"), PRIORITY_LOW, "label ").fail.err, ERR_CONFLICT);
		assert_true(try_open(fx, KEY("k"), PRIORITY_LOW, "label").open.replayed);
		if (!sealed)
			append(fx, &op.open.ingestion, FIRST, 0, 1);
		if (!sealed)
			seal(fx, &op.open.ingestion);
	}
}

static void principals_have_their_own(struct fixture *fx)
{
	struct store_key one = {"uid:1", "k"}, two = {"uid:2", "k"};
	struct uuid a = open_upload(fx, one), b = open_upload(fx, two);

	append(fx, &a, FIRST, 0, 5);
	assert_found(fx, one, &a, 5);
	assert_found(fx, two, &b, 0);
}

static void submit_waits_for_the_seal(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, KEY("k"));
	struct store_op op;

	append(fx, &uuid, FIRST, 0, 5);
	assert_int_equal(
	    try_submit(fx, KEY("k"), PRIORITY_LOW, "", FIRST, 5).fail.err, ERR_IN_PROGRESS);
	assert_int_equal(
	    try_submit(fx, KEY("k"), PRIORITY_HIGH, "x", 1, 1).fail.err, ERR_IN_PROGRESS);
	seal(fx, &uuid);
	op = try_submit(fx, KEY("k"), PRIORITY_LOW, "", FIRST, 5);
	assert_int_equal(op.fail.err, ERR_OK);
	assert_true(op.submit.replayed);
	assert_memory_equal(&op.submit.ingestion, &uuid, sizeof(uuid));
	assert_int_equal(op.submit.seq, 1);
	assert_int_equal(op.submit.batches, 2);
	assert_int_equal(
	    try_submit(fx, KEY("k"), PRIORITY_LOW, "", FIRST, 6).fail.err, ERR_CONFLICT);
}

/* How the ids were cut into parts is no content. */
static void parts_are_no_content(struct fixture *fx)
{
	static const size_t parts[] = {7, 64, 1000, 1024, 5000};

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		char name[] = {(char)('a' + i), 0};
		struct submitted it = upload(fx, KEY(name), FIRST, 3000, parts[i]);
		struct store_op op = try_submit(fx, KEY(name), PRIORITY_LOW, "", FIRST, 3000);

		assert_int_equal(op.fail.err, ERR_OK);
		assert_memory_equal(&op.submit.ingestion, &it.uuid, sizeof(it.uuid));
	}
}

static void rollback_leaves_no_key(struct fixture *fx)
{
	turn_begin(fx);
	open_upload(fx, KEY("k"));
	turn_rollback(fx);
	assert_int_equal(stats(fx).uploads, 0);
	open_upload(fx, KEY("k"));
}

const struct suite_test suite_open[] = {
    {"an upload begins with the digest of nothing", begins_with_the_digest_of_nothing},
    {"a known key finds the upload and what has arrived", finds_what_has_arrived},
    {"a known key finds a sealed upload", finds_it_sealed},
    {"a known key finds what came whole", finds_what_came_whole},
    {"a known key finds an upload that has ended, for a day", finds_it_ended},
    {"a known key with another label is a conflict", other_content_is_a_conflict},
    {"two principals can upload with the same key", principals_have_their_own},
    {"submit with the key of an upload waits for its seal", submit_waits_for_the_seal},
    {"how the ids were cut is no content", parts_are_no_content},
    {"a rolled back turn leaves no key of an upload", rollback_leaves_no_key},
    {0},
};
