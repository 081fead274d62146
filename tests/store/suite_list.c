/* Lists of ingestions. */
#include "fixture.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

static const struct list_filter everything;

/* The list is these ingestions in this order, whatever the size of the pages. */
static void assert_list(
    struct fixture *fx, const struct list_filter *filter, const struct uuid *uuids, size_t n)
{
	static const int64_t limits[] = {1, 2, 3, 1000};

	for (size_t i = 0; i < COUNT_OF(limits); i++) {
		struct list_page page = list_all(fx, filter, limits[i]);

		assert_int_equal(page.n, n);
		for (size_t k = 0; k < n; k++)
			assert_memory_equal(&page.v[k].uuid, &uuids[k], sizeof(*uuids));
		list_page_free(&page);
	}
}

static void nothing_is_an_empty_list(struct fixture *fx)
{
	struct store_op op = try_list(fx, &everything, 100, "");

	assert_int_equal(op.fail.err, ERR_OK);
	assert_int_equal(op.list.page.n, 0);
	assert_string_equal(op.list.page.next, "");
	store_op_reset(&op);
}

static void newest_first(struct fixture *fx)
{
	struct uuid uuids[5];

	/* By creation, not by seal. */
	uuids[4] = submit_batch(fx, PRIORITY_LOW, 1).uuid;
	uuids[3] = open_upload(fx, NO_KEY);
	uuids[2] = submit_batch(fx, PRIORITY_HIGH, 1).uuid;
	uuids[1] = open_upload(fx, NO_KEY);
	uuids[0] = submit_batch(fx, PRIORITY_MEDIUM, 1).uuid;
	append(fx, &uuids[1], 1, 0, 3);
	append(fx, &uuids[3], 1, 0, 3);
	seal(fx, &uuids[1]);
	seal(fx, &uuids[3]);
	assert_list(fx, &everything, uuids, 5);
	fixture_reopen(fx);
	assert_list(fx, &everything, uuids, 5);
}

/* One of each status; uuids in the order of enum ingestion_status. */
static void make_all_statuses(struct fixture *fx, struct uuid uuids[INGESTION_STATUS_COUNT])
{
	uuids[INGESTION_COMPLETED] = submit_range(fx, PRIORITY_HIGH, 1, 2, 3).uuid;
	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	uuids[INGESTION_FAILED] = submit_range(fx, PRIORITY_HIGH, 1, 2, 3).uuid;
	finish(fx, claim_next(fx, 1), OUTCOME_FAILED, "why");
	uuids[INGESTION_TRIGGERED] = submit_range(fx, PRIORITY_MEDIUM, 1, 5, 3).uuid;
	claim_next(fx, 1);
	uuids[INGESTION_YET_TO_START] = submit_range(fx, PRIORITY_LOW, 1, 5, 3).uuid;
	uuids[INGESTION_RECEIVING] = open_upload(fx, NO_KEY);
	append(fx, &uuids[INGESTION_RECEIVING], 1, 0, 100);
	uuids[INGESTION_CANCELLED] = open_upload(fx, NO_KEY);
	append(fx, &uuids[INGESTION_CANCELLED], 1, 0, 100);
	try_cancel(fx, &uuids[INGESTION_CANCELLED]);
	uuids[INGESTION_CANCELLING] = submit_range(fx, PRIORITY_HIGH, 1, 5, 3).uuid;
	claim_next(fx, 1);
	try_cancel(fx, &uuids[INGESTION_CANCELLING]);
}

static void by_status(struct fixture *fx)
{
	struct uuid uuids[INGESTION_STATUS_COUNT];

	make_all_statuses(fx, uuids);
	for (int i = 0; i < INGESTION_STATUS_COUNT; i++) {
		struct list_filter filter = {
		    .has_status = true, .status = (enum ingestion_status)i};

		assert_list(fx, &filter, &uuids[i], 1);
	}
}

/* Whether it had a place in the line or not. */
static void all_that_was_cancelled(struct fixture *fx)
{
	struct list_filter filter = {.has_status = true, .status = INGESTION_CANCELLED};
	struct uuid uuids[3];

	uuids[2] = submit_range(fx, PRIORITY_HIGH, 1, 5, 3).uuid;
	uuids[1] = open_upload(fx, NO_KEY);
	uuids[0] = submit_range(fx, PRIORITY_HIGH, 11, 5, 3).uuid;
	finish(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(try_cancel(fx, &uuids[i]), ERR_OK);
	assert_list(fx, &filter, uuids, 3);
	retry(fx, &uuids[2], true, 1);
	assert_list(fx, &filter, uuids, 2);
	filter.status = INGESTION_TRIGGERED;
	assert_list(fx, &filter, &uuids[2], 1);
	fixture_reopen(fx);
	assert_list(fx, &filter, &uuids[2], 1);
}

static void by_age(struct fixture *fx)
{
	struct list_filter filter = {.before_ms = fx->utc_ms + 2000};
	struct uuid uuids[4];

	for (int i = 3; i >= 0; i--, fx->utc_ms += 1000)
		uuids[i] = submit_batch(fx, i % 2 ? PRIORITY_HIGH : PRIORITY_LOW, 1).uuid;
	assert_list(fx, &filter, &uuids[2], 2);
	filter.before_ms++;
	assert_list(fx, &filter, &uuids[1], 3);
	filter.has_priority = true;
	filter.priority = PRIORITY_HIGH;
	assert_list(fx, &filter, (struct uuid[]){uuids[1], uuids[3]}, 2);
	filter.before_ms = 1;
	assert_list(fx, &filter, NULL, 0);
}

static void by_present_priority(struct fixture *fx)
{
	struct list_filter filter = {.has_priority = true, .priority = PRIORITY_HIGH};
	struct uuid uuid = submit_batch(fx, PRIORITY_LOW, 1).uuid;

	assert_list(fx, &filter, NULL, 0);
	bump(fx, &uuid, PRIORITY_HIGH);
	assert_list(fx, &filter, &uuid, 1);
	filter.priority = PRIORITY_LOW;
	assert_list(fx, &filter, NULL, 0);
}

static void shows_what_status_shows(struct fixture *fx)
{
	struct uuid uuids[INGESTION_STATUS_COUNT];
	struct list_page page;

	make_all_statuses(fx, uuids);
	page = list_all(fx, &everything, 4);
	assert_int_equal(page.n, INGESTION_STATUS_COUNT);
	for (size_t i = 0; i < page.n; i++) {
		struct ingestion it = look_at(fx, &page.v[i].uuid), *shown = &page.v[i];

		assert_int_equal(shown->stage, it.stage);
		assert_int_equal(shown->seq, it.seq);
		assert_int_equal(shown->priority, it.priority);
		assert_string_equal(shown->label, it.label);
		assert_int_equal(shown->batch_size, it.batch_size);
		assert_int_equal(shown->version, it.version);
		assert_true(shown->created_ms == it.created_ms);
		assert_true(shown->started_ms == it.started_ms);
		assert_true(shown->finished_ms == it.finished_ms);
		assert_string_equal(shown->cancelled_by, it.cancelled_by);
		assert_memory_equal(&shown->counts, &it.counts, sizeof(it.counts));
	}
	list_page_free(&page);
}

static void by_priority_and_label(struct fixture *fx)
{
	struct list_filter filter = {.has_priority = true, .priority = PRIORITY_HIGH};
	struct uuid uuids[6];

	for (int i = 5; i >= 0; i--)
		uuids[i] = try_submit(fx, NO_KEY, i < 3 ? PRIORITY_HIGH : PRIORITY_LOW,
		    i % 3 == 0   ? "label"
		    : i % 3 == 1 ? "Label"
				 : "",
		    1, 3)
		               .submit.ingestion;
	assert_list(fx, &filter, uuids, 3);
	strcpy(filter.label, "label");
	assert_list(fx, &filter, uuids, 1);
	filter.has_priority = false;
	assert_list(fx, &filter, (struct uuid[]){uuids[0], uuids[3]}, 2);
	strcpy(filter.label, "labe");
	assert_list(fx, &filter, NULL, 0);
	strcpy(filter.label, "%");
	assert_list(fx, &filter, NULL, 0);
}

static void by_seq(struct fixture *fx)
{
	struct list_filter filter = {.seq = 2};
	struct uuid uuid = open_upload(fx, NO_KEY), second;

	submit_batch(fx, PRIORITY_LOW, 1);
	second = submit_batch(fx, PRIORITY_HIGH, 1).uuid;
	append(fx, &uuid, 1, 0, 3);
	assert_list(fx, &filter, &second, 1);
	filter.seq = 3;
	assert_list(fx, &filter, NULL, 0);
	seal(fx, &uuid);
	assert_list(fx, &filter, &uuid, 1);
	/* Everything that is asked for must hold. */
	filter.has_priority = true;
	filter.priority = PRIORITY_HIGH;
	assert_list(fx, &filter, NULL, 0);
	filter.priority = PRIORITY_LOW;
	assert_list(fx, &filter, &uuid, 1);
	uuid_format(&uuid, filter.id_prefix);
	assert_list(fx, &filter, &uuid, 1);
	uuid_format(&second, filter.id_prefix);
	assert_list(fx, &filter, NULL, 0);
}

/* Submits under an id that begins with this text and goes on with zeros. */
static struct uuid submit_as(struct fixture *fx, const char *text)
{
	char id[UUID_TEXT_SIZE] = "00000000-0000-7000-8000-000000000000";
	struct idlist ids = id_range(1, 3);
	struct store_op op = {.verb = STORE_SUBMIT};
	struct uuid uuid;

	memcpy(id, text, strlen(text));
	assert_true(uuid_parse(id, &uuid));
	op.submit = (struct store_submit){.uuid = uuid,
	    .priority = PRIORITY_LOW,
	    .label = "",
	    .batch_size = 3,
	    .ids = &ids,
	    .key = NO_KEY};
	do_op(fx, &op);
	idlist_free(&ids);
	assert_int_equal(op.fail.err, ERR_OK);
	return uuid;
}

static struct list_filter prefix(const char *text)
{
	struct list_filter filter = {0};

	strcpy(filter.id_prefix, text);
	return filter;
}

static void by_prefix(struct fixture *fx)
{
	struct uuid a = submit_as(fx, "01aaaaaa-1111"), b = submit_as(fx, "01aaaaab-1111"),
		    c = submit_as(fx, "01aaaaab-2"), d = submit_as(fx, "02"),
		    last = submit_as(fx, "ffffffff-ffff-ffff-ffff-ffffffffffff");
	struct list_filter filter = prefix("01aaaaa");
	char text[UUID_TEXT_SIZE];

	assert_list(fx, &filter, (struct uuid[]){c, b, a}, 3);
	filter = prefix("01aaaaab");
	assert_list(fx, &filter, (struct uuid[]){c, b}, 2);
	filter = prefix("01aaaaab-1");
	assert_list(fx, &filter, &b, 1);
	filter = prefix("0");
	assert_list(fx, &filter, (struct uuid[]){d, c, b, a}, 4);
	filter = prefix("01b");
	assert_list(fx, &filter, NULL, 0);
	filter = prefix("f");
	assert_list(fx, &filter, &last, 1);
	uuid_format(&b, text);
	filter = prefix(text);
	assert_list(fx, &filter, &b, 1);
	text[35] ^= 1;
	filter = prefix(text);
	assert_list(fx, &filter, NULL, 0);
}

/* In descending order of the ids. */
static void prefixes_go_by_id(struct fixture *fx)
{
	struct uuid c = submit_as(fx, "01c"), a = submit_as(fx, "01a"), b = submit_as(fx, "01b");
	struct list_filter filter = prefix("01");

	assert_list(fx, &filter, (struct uuid[]){c, b, a}, 3);
	assert_list(fx, &everything, (struct uuid[]){b, a, c}, 3);
	filter.has_status = true;
	filter.status = INGESTION_COMPLETED;
	assert_list(fx, &filter, NULL, 0);
	filter.status = INGESTION_YET_TO_START;
	assert_list(fx, &filter, (struct uuid[]){c, b, a}, 3);
}

/* ---- pages ---- */

static void pages_join_while_others_submit(struct fixture *fx)
{
	struct uuid uuids[10];
	char cursor[LIST_CURSOR_SIZE] = "";
	size_t n = 0;

	for (int i = 9; i >= 0; i--)
		uuids[i] = submit_batch(fx, PRIORITY_LOW, 1).uuid;
	do {
		struct store_op op = try_list(fx, &everything, 3, cursor);

		for (size_t i = 0; i < op.list.page.n; i++)
			assert_memory_equal(
			    &op.list.page.v[i].uuid, &uuids[n++], sizeof(struct uuid));
		strcpy(cursor, op.list.page.next);
		store_op_reset(&op);
		submit_batch(fx, PRIORITY_HIGH, 1);
		fixture_reopen(fx);
	} while (cursor[0]);
	assert_int_equal(n, 10);
}

static void a_full_last_page_is_the_last(struct fixture *fx)
{
	struct store_op op;

	for (int i = 0; i < 3; i++)
		submit_batch(fx, PRIORITY_LOW, 1);
	op = try_list(fx, &everything, 3, "");
	assert_int_equal(op.list.page.n, 3);
	assert_string_equal(op.list.page.next, "");
	store_op_reset(&op);
	op = try_list(fx, &everything, 2, "");
	assert_int_equal(op.list.page.n, 2);
	assert_true(op.list.page.next[0] != 0);
	store_op_reset(&op);
}

static void other_cursors_are_invalid(struct fixture *fx)
{
	static const char *const cursors[] = {"x", "-1", "1.5", "12x", " 1", "00000000-0000",
	    "zzzzzzzz-zzzz-7zzz-8zzz-zzzzzzzzzzzz", "'"};
	struct list_filter filters[] = {everything, prefix("01")};

	submit_batch(fx, PRIORITY_LOW, 1);
	for (size_t i = 0; i < COUNT_OF(cursors); i++)
		for (size_t k = 0; k < COUNT_OF(filters); k++)
			assert_int_equal(
			    try_list(fx, &filters[k], 10, cursors[i]).fail.err, ERR_INVALID);
}

/* A page looks at so many ingestions, and ends there even when it has found none. */
static void a_page_looks_at_so_many(struct fixture *fx)
{
	enum { COUNT = STORE_LIST_ROWS + 500 };
	struct list_filter filter = {.has_priority = true, .priority = PRIORITY_HIGH};
	struct uuid first = submit_batch(fx, PRIORITY_HIGH, 1).uuid;
	struct store_op op;
	int pages = 1;

	turn_begin(fx);
	for (int i = 0; i < COUNT; i++)
		submit_range(fx, PRIORITY_LOW, 1, 1, 3);
	turn_commit(fx);
	op = try_list(fx, &filter, 5, "");
	assert_int_equal(op.list.page.n, 0);
	assert_true(op.list.page.next[0] != 0);
	for (; op.list.page.n == 0; pages++) {
		char cursor[LIST_CURSOR_SIZE];

		strcpy(cursor, op.list.page.next);
		assert_true(cursor[0] != 0);
		store_op_reset(&op);
		op = try_list(fx, &filter, 5, cursor);
	}
	assert_int_equal(pages, 2);
	assert_memory_equal(&op.list.page.v[0].uuid, &first, sizeof(first));
	assert_string_equal(op.list.page.next, "");
	store_op_reset(&op);
	/* All of them have the same beginning of their id. */
	filter = prefix("019b2c6e");
	filter.has_status = true;
	filter.status = INGESTION_FAILED;
	op = try_list(fx, &filter, 5, "");
	assert_int_equal(op.list.page.n, 0);
	assert_true(op.list.page.next[0] != 0);
	store_op_reset(&op);
	assert_list(fx, &filter, NULL, 0);
}

static void sees_its_own_turn(struct fixture *fx)
{
	struct uuid one = submit_batch(fx, PRIORITY_LOW, 1).uuid, two;

	turn_begin(fx);
	two = submit_batch(fx, PRIORITY_LOW, 1).uuid;
	assert_list(fx, &everything, (struct uuid[]){two, one}, 2);
	turn_rollback(fx);
	assert_list(fx, &everything, &one, 1);
}

const struct suite_test suite_list[] = {
    {"a store without ingestions has an empty list", nothing_is_an_empty_list},
    {"the newest ingestion comes first", newest_first},
    {"a list by status", by_status},
    {"a list of all that was cancelled", all_that_was_cancelled},
    {"a list by age", by_age},
    {"a list knows the present priority", by_present_priority},
    {"a list shows what status shows", shows_what_status_shows},
    {"a list by priority and label", by_priority_and_label},
    {"a list by number", by_seq},
    {"a list by the beginning of the id", by_prefix},
    {"a list by the beginning of the id is in the order of the ids", prefixes_go_by_id},
    {"pages join while others submit", pages_join_while_others_submit},
    {"a full last page is the last one", a_full_last_page_is_the_last},
    {"cursors that no page has given are invalid", other_cursors_are_invalid},
    {"a page looks at 10000 ingestions", a_page_looks_at_so_many},
    {"a list sees what was done in the same turn", sees_its_own_turn},
    {0},
};
