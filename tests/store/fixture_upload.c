/* Keys, uploads, lists and figures as plain calls. */
#include "fixture.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

struct idlist id_range(int64_t first, size_t n)
{
	struct idlist ids = {0};

	for (size_t i = 0; i < n; i++)
		idlist_push(&ids, first + (int64_t)i);
	return ids;
}

struct store_op try_submit(struct fixture *fx, struct store_key key, enum priority priority,
    const char *label, int64_t first, size_t n)
{
	struct idlist ids = id_range(first, n);
	struct store_op op = {.verb = STORE_SUBMIT};

	op.submit = (struct store_submit){
	    .uuid = fixture_uuid(fx),
	    .priority = priority,
	    .label = label,
	    .batch_size = 3,
	    .ids = &ids,
	    .key = key,
	};
	do_op(fx, &op);
	op.submit.ids = NULL;
	idlist_free(&ids);
	return op;
}

struct store_op try_open(
    struct fixture *fx, struct store_key key, enum priority priority, const char *label)
{
	struct store_op op = {.verb = STORE_OPEN};

	op.open = (struct store_open){
	    .uuid = fixture_uuid(fx),
	    .priority = priority,
	    .label = label,
	    .batch_size = 3,
	    .key = key,
	};
	do_op(fx, &op);
	return op;
}

struct store_op try_append(
    struct fixture *fx, const struct uuid *uuid, int64_t offset, int64_t first, size_t n)
{
	struct idlist ids = id_range(first, n);
	struct store_op op = {.verb = STORE_APPEND};

	op.append = (struct store_append){.uuid = *uuid, .offset = offset, .ids = &ids};
	do_op(fx, &op);
	op.append.ids = NULL;
	idlist_free(&ids);
	return op;
}

struct store_op try_seal(struct fixture *fx, const struct uuid *uuid, int64_t expected)
{
	struct store_op op = {.verb = STORE_SEAL};

	op.seal = (struct store_seal){.uuid = *uuid, .expected = expected};
	do_op(fx, &op);
	return op;
}

enum err try_cancel(struct fixture *fx, const struct uuid *uuid)
{
	return try_cancel_by(fx, uuid, "uid:1").fail.err;
}

struct uuid open_upload(struct fixture *fx, struct store_key key)
{
	struct store_op op = try_open(fx, key, PRIORITY_LOW, "");

	assert_int_equal(op.fail.err, ERR_OK);
	assert_false(op.open.replayed);
	assert_false(op.open.sealed);
	assert_int_equal(op.open.received, 0);
	assert_memory_equal(&op.open.ingestion, &op.open.uuid, sizeof(struct uuid));
	return op.open.ingestion;
}

int64_t append(struct fixture *fx, const struct uuid *uuid, int64_t first, int64_t offset, size_t n)
{
	struct store_op op = try_append(fx, uuid, offset, first + offset, n);

	assert_int_equal(op.fail.err, ERR_OK);
	return op.append.received;
}

struct submitted seal(struct fixture *fx, const struct uuid *uuid)
{
	struct store_op op = try_seal(fx, uuid, -1);

	assert_int_equal(op.fail.err, ERR_OK);
	assert_false(op.seal.replayed);
	return (struct submitted){*uuid, op.seal.seq, op.seal.batches};
}

struct submitted upload(
    struct fixture *fx, struct store_key key, int64_t first, size_t n, size_t part)
{
	struct uuid uuid = open_upload(fx, key);

	for (size_t at = 0; at < n; at += part) {
		size_t length = n - at < part ? n - at : part;

		assert_int_equal(append(fx, &uuid, first, (int64_t)at, length), at + length);
	}
	return seal(fx, &uuid);
}

int64_t sweep(struct fixture *fx, struct uuid *cancelled, size_t *n)
{
	struct store_op op = {.verb = STORE_SWEEP};
	size_t all = 0;
	int64_t next;

	do {
		do_op(fx, &op);
		assert_int_equal(op.fail.err, ERR_OK);
		assert_true(op.sweep.n <= STORE_SWEEP_STEPS);
		assert_true(all + op.sweep.n <= SWEPT_MAX);
		for (size_t i = 0; i < op.sweep.n; i++, all++)
			if (cancelled)
				cancelled[all] = op.sweep.cancelled[i];
		next = op.sweep.next_ms;
		store_op_reset(&op);
	} while (next == 0);
	if (n)
		*n = all;
	return next;
}

void pass_ms(struct fixture *fx, int64_t ms)
{
	fx->boot_ns += ms * MS;
	fx->utc_ms += ms;
}

struct ingestion look_at(struct fixture *fx, const struct uuid *uuid)
{
	struct store_op op = {.verb = STORE_STATUS};

	op.status.uuid = *uuid;
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	assert_int_equal(op.status.page.n, 0);
	assert_int_equal(op.status.page.next_batch, -1);
	return op.status.page.ingestion;
}

struct store_stats stats(struct fixture *fx)
{
	struct store_op op = {.verb = STORE_STATS};

	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	return op.stats;
}

/* ---- lists ---- */

struct store_op try_list(
    struct fixture *fx, const struct list_filter *filter, int64_t limit, const char *cursor)
{
	struct store_op op = {.verb = STORE_LIST};

	op.list.filter = *filter;
	op.list.limit = limit;
	strcpy(op.list.cursor, cursor);
	do_op(fx, &op);
	return op;
}

struct list_page list_all(struct fixture *fx, const struct list_filter *filter, int64_t limit)
{
	struct list_page all = {0};
	char cursor[LIST_CURSOR_SIZE] = "";

	do {
		struct store_op op = try_list(fx, filter, limit, cursor);

		assert_int_equal(op.fail.err, ERR_OK);
		assert_true((int64_t)op.list.page.n <= limit);
		for (size_t i = 0; i < op.list.page.n; i++)
			*list_page_add(&all) = op.list.page.v[i];
		strcpy(cursor, op.list.page.next);
		store_op_reset(&op);
	} while (cursor[0]);
	return all;
}

/* ---- ids ---- */

void check_pages(struct fixture *fx, const struct submitted *it, int64_t first, size_t n)
{
	int64_t next = 0, id = first;

	while (next >= 0) {
		struct status_page page = status_from(fx, &it->uuid, next);

		assert_int_equal(page.ingestion.counts.ids, n);
		assert_int_equal(page.batches[0].index, next);
		for (size_t i = 0; i < page.ids.n; i++)
			assert_true(page.ids.v[i] == id++);
		next = page.next_batch;
		status_page_free(&page);
	}
	assert_int_equal(id - first, n);
}

void check_claims(struct fixture *fx, int64_t first, int64_t n, int64_t batch_size, int most)
{
	for (int64_t at = 0; at < n && most > 0; at += batch_size, most--) {
		int64_t length = n - at < batch_size ? n - at : batch_size;
		struct store_op op;

		fx->boot_ns += fx->settings.interval_ns;
		op = claim(fx);
		assert_int_equal(op.claim.n, 1);
		assert_int_equal(op.claim.batches[0].ids.n, length);
		for (int64_t i = 0; i < length; i++)
			assert_true(op.claim.batches[0].ids.v[i] == first + at + i);
		assert_int_equal(started(fx, op.claim.batches[0].attempt, fx->boot_ns), ERR_OK);
		store_op_reset(&op);
	}
}
