/* Uploads: lists that come in parts, up to the seal. */
#include "fixture.h"

#include "util.h"

#include <string.h>

#define FIRST 5000000000000 /* id at the first place */

static void assert_append(
    struct fixture *fx, const struct uuid *uuid, int64_t offset, size_t n, enum err err)
{
	assert_int_equal(try_append(fx, uuid, offset, FIRST + offset, n).fail.err, err);
}

static void an_upload_is_visible(struct fixture *fx)
{
	struct store_op op;
	struct ingestion it;

	fx->utc_ms = 1234567890123;
	op = try_open(fx, NO_KEY, PRIORITY_HIGH, "label");
	it = look_at(fx, &op.open.ingestion);
	assert_int_equal(it.stage, STAGE_RECEIVING);
	assert_int_equal(ingestion_status_of(&it), INGESTION_RECEIVING);
	assert_int_equal(it.seq, 0);
	assert_int_equal(it.version, 1);
	assert_int_equal(it.priority, PRIORITY_HIGH);
	assert_string_equal(it.label, "label");
	assert_int_equal(it.batch_size, 3);
	assert_true(it.created_ms == 1234567890123);
	assert_int_equal(it.started_ms, 0);
	assert_int_equal(it.finished_ms, 0);
	assert_int_equal(it.counts.ids, 0);
	append(fx, &op.open.ingestion, FIRST, 0, 10);
	it = look_at(fx, &op.open.ingestion);
	assert_int_equal(it.counts.ids, 10);
	assert_int_equal(it.counts.batches, 0);
	assert_int_equal(it.version, 2);
}

static void an_upload_shows_no_batches(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	struct status_page page;

	append(fx, &uuid, FIRST, 0, 100);
	page = status_of(fx, &uuid);
	assert_int_equal(page.n, 0);
	assert_int_equal(page.ids.n, 0);
	assert_int_equal(page.next_batch, -1);
	status_page_free(&page);
}

static void an_upload_is_never_claimed(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	append(fx, &uuid, FIRST, 0, 2000);
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
	fixture_reopen(fx);
	assert_int_equal(fx->found.waiting, 0);
	assert_true(claim_nothing(fx) == CLOCK_NEVER);
}

static void a_seal_gives_a_place(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	struct store_op op;
	struct ingestion it;

	fx->utc_ms += 5000;
	append(fx, &uuid, FIRST, 0, 7);
	op = try_seal(fx, &uuid, 7);
	assert_int_equal(op.fail.err, ERR_OK);
	assert_int_equal(op.seal.seq, 1);
	assert_int_equal(op.seal.ids, 7);
	assert_int_equal(op.seal.batches, 3);
	assert_false(op.seal.replayed);
	it = look_at(fx, &uuid);
	assert_int_equal(it.stage, STAGE_SEALED);
	assert_int_equal(ingestion_status_of(&it), INGESTION_YET_TO_START);
	assert_int_equal(it.seq, 1);
	assert_int_equal(it.version, 3);
	assert_true(it.created_ms == fx->utc_ms - 5000);
	assert_int_equal(it.counts.by_status[BATCH_YET_TO_START], 3);
	assert_int_equal(submit_batch(fx, PRIORITY_LOW, 1).seq, 2);
}

static void a_second_seal_answers_again(struct fixture *fx)
{
	struct submitted it = upload(fx, NO_KEY, FIRST, 7, 3);
	struct store_op op;

	finish(fx, claim_next(fx, FIRST), OUTCOME_COMPLETED, NULL);
	op = try_seal(fx, &it.uuid, 7);
	assert_int_equal(op.fail.err, ERR_OK);
	assert_true(op.seal.replayed);
	assert_int_equal(op.seal.seq, 1);
	assert_int_equal(op.seal.ids, 7);
	assert_int_equal(op.seal.batches, 3);
	assert_int_equal(version_of(fx, &it.uuid), 8);
	assert_int_equal(submit_batch(fx, PRIORITY_LOW, 1).seq, 2);
}

static void what_came_whole_is_sealed(struct fixture *fx)
{
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 100, 3);
	struct store_op op = try_seal(fx, &it.uuid, 100);

	assert_int_equal(op.fail.err, ERR_OK);
	assert_true(op.seal.replayed);
	assert_int_equal(op.seal.seq, 1);
	assert_int_equal(op.seal.ids, 100);
	assert_int_equal(op.seal.batches, 34);
	assert_append(fx, &it.uuid, 100, 1, ERR_WRONG_STATE);
	assert_int_equal(version_of(fx, &it.uuid), 1);
}

static void order_is_that_of_the_seals(struct fixture *fx)
{
	struct uuid a = open_upload(fx, NO_KEY), b = open_upload(fx, NO_KEY);

	append(fx, &a, 100, 0, 3);
	append(fx, &b, 200, 0, 6);
	submit_batch(fx, PRIORITY_LOW, 300);
	assert_int_equal(seal(fx, &b).seq, 2);
	assert_int_equal(seal(fx, &a).seq, 3);
	finish(fx, claim_next(fx, 300), OUTCOME_COMPLETED, NULL);
	claim_next(fx, 200);
	fixture_reopen(fx);
	claim_next(fx, 200);
	claim_next(fx, 203);
	claim_next(fx, 100);
}

static void a_seal_ends_idleness(struct fixture *fx)
{
	struct uuid uuid;

	fx->settings.settle_ns = 2 * SECOND;
	fixture_reopen(fx);
	uuid = open_upload(fx, NO_KEY);
	append(fx, &uuid, FIRST, 0, 3);
	fx->boot_ns += 60 * SECOND;
	seal(fx, &uuid);
	assert_true(claim_nothing(fx) == fx->boot_ns + 2 * SECOND);
}

static void the_batch_size_is_that_of_the_beginning(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	append(fx, &uuid, FIRST, 0, 7);
	fx->settings.slot_ids = 5;
	fixture_reopen(fx);
	assert_int_equal(seal(fx, &uuid).batches, 3);
}

/* ---- parts ---- */

static void what_is_there_is_skipped(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	struct submitted it;

	assert_int_equal(append(fx, &uuid, FIRST, 0, 10), 10);
	assert_int_equal(append(fx, &uuid, FIRST, 5, 10), 15);
	assert_int_equal(version_of(fx, &uuid), 3);
	/* Whatever the part says about ids that are there. */
	assert_int_equal(try_append(fx, &uuid, 0, 1, 15).append.received, 15);
	assert_int_equal(try_append(fx, &uuid, 3, 1, 5).append.received, 15);
	assert_int_equal(try_append(fx, &uuid, 14, 1, 1).append.received, 15);
	assert_int_equal(version_of(fx, &uuid), 3);
	assert_int_equal(append(fx, &uuid, FIRST, 0, 16), 16);
	assert_int_equal(append(fx, &uuid, FIRST, 15, 1), 16);
	assert_int_equal(version_of(fx, &uuid), 4);
	it = seal(fx, &uuid);
	check_pages(fx, &it, FIRST, 16);
}

static void long_parts_overlap(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	struct submitted it;

	append(fx, &uuid, FIRST, 0, 1500);
	assert_int_equal(append(fx, &uuid, FIRST, 700, 2000), 2700);
	assert_int_equal(append(fx, &uuid, FIRST, 0, 5000), 5000);
	it = seal(fx, &uuid);
	check_pages(fx, &it, FIRST, 5000);
}

static void a_gap_is_refused(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	struct submitted it;

	assert_append(fx, &uuid, 1, 5, ERR_UPLOAD_GAP);
	append(fx, &uuid, FIRST, 0, 10);
	assert_append(fx, &uuid, 11, 5, ERR_UPLOAD_GAP);
	assert_append(fx, &uuid, IDLIST_MAX, 5, ERR_UPLOAD_GAP);
	assert_int_equal(version_of(fx, &uuid), 2);
	assert_int_equal(append(fx, &uuid, FIRST, 10, 5), 15);
	it = seal(fx, &uuid);
	check_pages(fx, &it, FIRST, 15);
}

static void a_seal_may_say_how_many(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	append(fx, &uuid, FIRST, 0, 10);
	assert_int_equal(try_seal(fx, &uuid, 9).fail.err, ERR_UPLOAD_GAP);
	assert_int_equal(try_seal(fx, &uuid, 11).fail.err, ERR_UPLOAD_GAP);
	assert_int_equal(look_at(fx, &uuid).stage, STAGE_RECEIVING);
	assert_int_equal(version_of(fx, &uuid), 2);
	assert_int_equal(try_seal(fx, &uuid, 10).fail.err, ERR_OK);
}

static enum err seal_with(struct fixture *fx, const struct uuid *uuid, const struct digest *digest)
{
	struct store_op op = {.verb = STORE_SEAL};

	op.seal = (struct store_seal){.uuid = *uuid, .expected = -1, .digest = digest};
	do_op(fx, &op);
	return op.fail.err;
}

/* Two clients that use one key at once: the part that came second was skipped. */
static void a_seal_may_say_which_ids(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, KEY("k")), nameless;
	struct idlist ids = id_range(FIRST, 3000), others = id_range(1, 3000);
	struct digest right = digest_begin(PRIORITY_LOW, ""), wrong = right;

	digest_add(&right, ids.v, ids.n);
	digest_add(&wrong, others.v, others.n);
	append(fx, &uuid, FIRST, 0, 3000);
	append(fx, &uuid, 1, 0, 3000);
	assert_int_equal(seal_with(fx, &uuid, &wrong), ERR_CONFLICT);
	assert_int_equal(look_at(fx, &uuid).stage, STAGE_RECEIVING);
	assert_int_equal(version_of(fx, &uuid), 2);
	assert_int_equal(seal_with(fx, &uuid, &right), ERR_OK);
	assert_int_equal(seal_with(fx, &uuid, &wrong), ERR_CONFLICT);
	assert_int_equal(seal_with(fx, &uuid, &right), ERR_OK);
	/* Without a key it is compared as long as it is an upload. */
	nameless = open_upload(fx, NO_KEY);
	append(fx, &nameless, FIRST, 0, 3000);
	assert_int_equal(seal_with(fx, &nameless, &wrong), ERR_CONFLICT);
	assert_int_equal(seal_with(fx, &nameless, &right), ERR_OK);
	assert_int_equal(seal_with(fx, &nameless, &wrong), ERR_OK);
	idlist_free(&ids);
	idlist_free(&others);
}

static void nothing_cannot_be_sealed(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	assert_int_equal(try_seal(fx, &uuid, -1).fail.err, ERR_INVALID);
	assert_int_equal(look_at(fx, &uuid).stage, STAGE_RECEIVING);
	append(fx, &uuid, FIRST, 0, 1);
	assert_int_equal(seal(fx, &uuid).seq, 1);
}

static void a_sealed_one_takes_no_more(struct fixture *fx)
{
	struct submitted it = upload(fx, NO_KEY, FIRST, 10, 4);

	assert_append(fx, &it.uuid, 10, 1, ERR_WRONG_STATE);
	assert_append(fx, &it.uuid, 0, 5, ERR_WRONG_STATE);
	check_pages(fx, &it, FIRST, 10);
}

static void nobody_else_is_not_found(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);

	uuid.bytes[15] ^= 1;
	assert_append(fx, &uuid, 0, 1, ERR_NOT_FOUND);
	assert_int_equal(try_seal(fx, &uuid, -1).fail.err, ERR_NOT_FOUND);
	assert_int_equal(try_cancel(fx, &uuid), ERR_NOT_FOUND);
}

static void uploads_do_not_mix(struct fixture *fx)
{
	struct uuid a = open_upload(fx, NO_KEY), b = open_upload(fx, NO_KEY);
	struct submitted one, two;

	for (int64_t at = 0; at < 3000; at += 300) {
		append(fx, &a, FIRST, at, 300);
		append(fx, &b, 2 * FIRST, at, 300);
	}
	two = seal(fx, &b);
	one = seal(fx, &a);
	check_pages(fx, &one, FIRST, 3000);
	check_pages(fx, &two, 2 * FIRST, 3000);
}

static void parts_survive_reopen(struct fixture *fx)
{
	static const size_t parts[] = {1, 63, 64, 65, 1000, 1023, 1024, 1025, 3000};
	struct uuid uuid = open_upload(fx, KEY("k"));
	struct submitted it;
	int64_t at = 0;

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		fixture_reopen(fx);
		assert_int_equal(append(fx, &uuid, FIRST, at, parts[i]), at + (int64_t)parts[i]);
		at += (int64_t)parts[i];
	}
	fixture_reboot(fx, SECOND);
	it = seal(fx, &uuid);
	check_pages(fx, &it, FIRST, (size_t)at);
	fixture_reopen(fx);
	check_claims(fx, FIRST, at, 3, 500);
}

/* ---- turns ---- */

static void an_upload_fits_in_a_turn(struct fixture *fx)
{
	struct uuid uuid;
	struct submitted it;
	struct store_op op;

	turn_begin(fx);
	uuid = open_upload(fx, KEY("k"));
	append(fx, &uuid, FIRST, 0, 700);
	append(fx, &uuid, FIRST, 700, 700);
	it = seal(fx, &uuid);
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	assert_true(op.claim.batches[0].ids.v[0] == FIRST);
	turn_commit(fx);
	store_op_reset(&op);
	check_pages(fx, &it, FIRST, 1400);
}

static void rollback_leaves_no_part(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, KEY("k")), gone;
	struct store_op op = {.verb = STORE_STATUS};
	struct submitted it;

	append(fx, &uuid, FIRST, 0, 1000);
	turn_begin(fx);
	append(fx, &uuid, 1, 1000, 3000);
	gone = open_upload(fx, KEY("gone"));
	append(fx, &gone, FIRST, 0, 2000);
	seal(fx, &gone);
	turn_rollback(fx);
	assert_int_equal(look_at(fx, &uuid).counts.ids, 1000);
	op.status.uuid = gone;
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_NOT_FOUND);
	assert_int_equal(stats(fx).uploads, 1);
	assert_int_equal(stats(fx).upload_ids, 1000);
	append(fx, &uuid, FIRST, 1000, 1000);
	turn_begin(fx);
	assert_int_equal(seal(fx, &uuid).seq, 1);
	turn_rollback(fx);
	it = seal(fx, &uuid);
	assert_int_equal(it.seq, 1);
	check_pages(fx, &it, FIRST, 2000);
	check_claims(fx, FIRST, 2000, 3, 1000);
}

/* ---- limits ---- */

static void so_many_uploads_at_a_time(struct fixture *fx)
{
	struct uuid uuids[4];

	for (int i = 0; i < 4; i++)
		uuids[i] = open_upload(fx, NO_KEY);
	assert_int_equal(try_open(fx, NO_KEY, PRIORITY_LOW, "").fail.err, ERR_LIMITED);
	append(fx, &uuids[0], FIRST, 0, 1);
	seal(fx, &uuids[0]);
	open_upload(fx, NO_KEY);
	assert_int_equal(try_open(fx, NO_KEY, PRIORITY_LOW, "").fail.err, ERR_LIMITED);
	try_cancel(fx, &uuids[1]);
	open_upload(fx, KEY("k"));
	/* One that is there is found. */
	assert_int_equal(try_open(fx, KEY("k"), PRIORITY_LOW, "").fail.err, ERR_OK);
	/* Whole lists are none of these. */
	submit_batch(fx, PRIORITY_LOW, 1);
}

static void a_lower_limit_ends_no_upload(struct fixture *fx)
{
	struct uuid a = open_upload(fx, NO_KEY), b = open_upload(fx, NO_KEY);

	append(fx, &a, FIRST, 0, 10);
	fx->settings.max_uploads = 1;
	fx->settings.max_upload_ids = 5;
	fixture_reopen(fx);
	assert_append(fx, &a, 10, 1, ERR_LIMITED);
	assert_int_equal(append(fx, &a, FIRST, 0, 10), 10);
	assert_int_equal(append(fx, &a, FIRST, 0, 3), 10);
	assert_append(fx, &b, 0, 1, ERR_LIMITED);
	seal(fx, &a);
	append(fx, &b, FIRST, 0, 1);
	assert_int_equal(try_open(fx, NO_KEY, PRIORITY_LOW, "").fail.err, ERR_LIMITED);
}

static void so_many_ids_at_a_time(struct fixture *fx)
{
	struct uuid a, b;

	fx->settings.max_upload_ids = 100;
	fixture_reopen(fx);
	a = open_upload(fx, NO_KEY);
	b = open_upload(fx, NO_KEY);
	append(fx, &a, FIRST, 0, 60);
	assert_append(fx, &b, 0, 41, ERR_LIMITED);
	assert_int_equal(look_at(fx, &b).counts.ids, 0);
	assert_int_equal(version_of(fx, &b), 1);
	append(fx, &b, FIRST, 0, 40);
	assert_append(fx, &a, 60, 1, ERR_LIMITED);
	assert_append(fx, &a, 59, 2, ERR_LIMITED);
	/* What is there already needs no room. */
	assert_int_equal(append(fx, &a, FIRST, 0, 60), 60);
	seal(fx, &a);
	append(fx, &b, FIRST, 40, 60);
	assert_append(fx, &b, 100, 1, ERR_LIMITED);
	try_cancel(fx, &b);
	a = open_upload(fx, NO_KEY);
	append(fx, &a, FIRST, 0, 100);
}

static void limits_count_over_reopen(struct fixture *fx)
{
	struct uuid a;

	fx->settings.max_upload_ids = 100;
	fx->settings.max_uploads = 2;
	fixture_reopen(fx);
	a = open_upload(fx, NO_KEY);
	open_upload(fx, NO_KEY);
	append(fx, &a, FIRST, 0, 60);
	fixture_reopen(fx);
	assert_int_equal(try_open(fx, NO_KEY, PRIORITY_LOW, "").fail.err, ERR_LIMITED);
	assert_append(fx, &a, 60, 41, ERR_LIMITED);
	assert_int_equal(append(fx, &a, FIRST, 60, 40), 100);
}

/* ---- sizes at the borders of what is kept in a row, in chunks, in one batch ---- */

static const size_t sizes[] = {
    1, 2, 3, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2047, 2048, 2049, 5000};

/* Small parts go in one turn, and so do the claims: a turn each would take long. */
static void check_parts(struct fixture *fx, size_t part)
{
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		int64_t first = INT64_MAX - 1000000 * (int64_t)(i + 1);
		struct submitted it;

		if (part < 1000)
			turn_begin(fx);
		it = upload(fx, NO_KEY, first, sizes[i], part);
		if (part < 1000)
			turn_commit(fx);
		assert_int_equal(it.batches, (sizes[i] + 2) / 3);
		check_pages(fx, &it, first, sizes[i]);
		turn_begin(fx);
		check_claims(fx, first, (int64_t)sizes[i], 3, 2000);
		turn_commit(fx);
	}
}

static void takes_parts_of_7(struct fixture *fx)
{
	check_parts(fx, 7);
}

static void takes_parts_of_64(struct fixture *fx)
{
	check_parts(fx, 64);
}

static void takes_parts_of_1000(struct fixture *fx)
{
	check_parts(fx, 1000);
}

static void takes_parts_of_1024(struct fixture *fx)
{
	check_parts(fx, 1024);
}

static void takes_parts_of_1025(struct fixture *fx)
{
	check_parts(fx, 1025);
}

static void takes_single_ids(struct fixture *fx)
{
	struct submitted it;

	turn_begin(fx);
	it = upload(fx, NO_KEY, FIRST, 1030, 1);
	turn_commit(fx);
	check_pages(fx, &it, FIRST, 1030);
}

const struct suite_test suite_upload[] = {
    {"an upload is visible from its beginning", an_upload_is_visible},
    {"an upload shows no batches", an_upload_shows_no_batches},
    {"an upload is never claimed before its seal", an_upload_is_never_claimed},
    {"a seal gives a place in the line", a_seal_gives_a_place},
    {"a second seal gives the same answer", a_second_seal_answers_again},
    {"what came whole is sealed", what_came_whole_is_sealed},
    {"the order of uploads is that of their seals", order_is_that_of_the_seals},
    {"a seal ends idleness", a_seal_ends_idleness},
    {"the batch size is that of the beginning", the_batch_size_is_that_of_the_beginning},
    {"ids that are there are skipped", what_is_there_is_skipped},
    {"long parts can overlap", long_parts_overlap},
    {"a gap is refused and changes nothing", a_gap_is_refused},
    {"a seal may say how many ids there are", a_seal_may_say_how_many},
    {"a seal may say which ids there are", a_seal_may_say_which_ids},
    {"nothing cannot be sealed", nothing_cannot_be_sealed},
    {"a sealed upload takes no more", a_sealed_one_takes_no_more},
    {"parts for nobody are not found", nobody_else_is_not_found},
    {"uploads side by side do not mix", uploads_do_not_mix},
    {"parts survive reopen and reboot", parts_survive_reopen},
    {"an upload fits in a turn", an_upload_fits_in_a_turn},
    {"a rolled back turn leaves no part of an upload", rollback_leaves_no_part},
    {"there are so many uploads at a time", so_many_uploads_at_a_time},
    {"a lower limit ends no upload", a_lower_limit_ends_no_upload},
    {"uploads have so many ids together", so_many_ids_at_a_time},
    {"the limits count over a reopen", limits_count_over_reopen},
    {"uploads of border sizes in parts of 7", takes_parts_of_7},
    {"uploads of border sizes in parts of 64", takes_parts_of_64},
    {"uploads of border sizes in parts of 1000", takes_parts_of_1000},
    {"uploads of border sizes in parts of 1024", takes_parts_of_1024},
    {"uploads of border sizes in parts of 1025", takes_parts_of_1025},
    {"an upload of single ids", takes_single_ids},
    {0},
};
