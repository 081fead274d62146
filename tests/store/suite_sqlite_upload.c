/* Uploads, lists and figures where SQLite has more to show: its tables, its disk, its reader. */
#include "fixture_sqlite.h"

#include "util.h"

#include <sqlite3.h>
#include <string.h>

static void a_sweep_removes_the_ids(struct fixture *fx)
{
	struct uuid expires = open_upload(fx, NO_KEY), cancelled = open_upload(fx, NO_KEY);

	append(fx, &expires, 1, 0, 70000);
	append(fx, &cancelled, 1, 0, 70000);
	try_cancel(fx, &cancelled);
	sweep(fx, NULL, NULL);
	assert_int_equal(ask(fx, "SELECT count(*) FROM chunk"), 69);
	assert_sound(fx);
	pass_ms(fx, HOUR_MS);
	sweep(fx, NULL, NULL);
	assert_int_equal(ask(fx, "SELECT count(*) FROM chunk"), 0);
	assert_int_equal(ask(fx, "SELECT count(*) FROM ingestion WHERE expires_ms IS NOT NULL"), 0);
	assert_sound(fx);
}

/* No sweep removes more chunks than it may look at rows. */
static void a_sweep_removes_a_little(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, NO_KEY);
	struct store_op op = {.verb = STORE_SWEEP};
	int64_t left = 196;

	append(fx, &uuid, 1, 0, 200000);
	try_cancel(fx, &uuid);
	do {
		int64_t now;

		do_op(fx, &op);
		now = ask(fx, "SELECT count(*) FROM chunk");
		assert_true(now < left && left - now <= STORE_SWEEP_STEPS);
		left = now;
		if (left > 0)
			assert_sound(fx);
	} while (op.sweep.next_ms == 0);
	assert_int_equal(left, 0);
	store_op_reset(&op);
}

static void short_lists_move_into_the_row(struct fixture *fx)
{
	upload(fx, NO_KEY, 1, 64, 10);
	assert_int_equal(ask(fx, "SELECT count(*) FROM chunk"), 0);
	assert_int_equal(ask(fx, "SELECT length(ids) FROM ingestion"), 512);
	upload(fx, NO_KEY, 1, 65, 10);
	assert_int_equal(ask(fx, "SELECT count(*) FROM chunk"), 1);
	assert_sound(fx);
}

static void every_state_is_sound(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, KEY("k"));

	assert_sound(fx);
	for (int64_t at = 0; at < 4000; at += 500) {
		append(fx, &uuid, 1, at, 500);
		assert_sound(fx);
	}
	seal(fx, &uuid);
	assert_sound(fx);
	uuid = open_upload(fx, KEY("k2"));
	append(fx, &uuid, 1, 0, 500);
	try_cancel(fx, &uuid);
	assert_sound(fx);
	sweep(fx, NULL, NULL);
	assert_sound(fx);
}

/* The row says that nearly 100 million ids are there; their chunks are not needed for this. */
static void a_list_has_an_end(struct fixture *fx)
{
	enum { FULL_CHUNKS = IDLIST_MAX / 1024 * 1024, REST = IDLIST_MAX % 1024 };
	struct uuid uuid;
	char *error = NULL;
	sqlite3 *db;

	fx->settings.max_upload_ids = 10LL * IDLIST_MAX;
	fixture_reopen(fx);
	uuid = open_upload(fx, NO_KEY);
	fixture_close(fx);
	assert_int_equal(sqlite3_open(fx->path, &db), SQLITE_OK);
	sqlite3_exec(db,
	    "UPDATE ingestion SET id_count = 99999744; UPDATE ledger SET upload_ids = 99999744",
	    NULL, NULL, &error);
	assert_null(error);
	assert_int_equal(FULL_CHUNKS, 99999744);
	sqlite3_close(db);
	fixture_open(fx);
	assert_int_equal(try_append(fx, &uuid, FULL_CHUNKS, 1, REST + 1).fail.err, ERR_TOO_LARGE);
	assert_int_equal(look_at(fx, &uuid).counts.ids, FULL_CHUNKS);
	assert_int_equal(try_append(fx, &uuid, FULL_CHUNKS, 1, REST).fail.err, ERR_OK);
	assert_int_equal(try_append(fx, &uuid, IDLIST_MAX, 1, 1).fail.err, ERR_TOO_LARGE);
	assert_int_equal(try_append(fx, &uuid, FULL_CHUNKS, 1, REST).append.received, IDLIST_MAX);
}

static void uploads_need_free_space(struct fixture *fx)
{
	struct uuid uuid = open_upload(fx, KEY("upload"));

	append(fx, &uuid, 1, 0, 10);
	try_submit(fx, KEY("whole"), PRIORITY_LOW, "", 1, 3);
	fx->settings.min_free_bytes = INT64_MAX;
	fixture_reopen(fx);
	assert_int_equal(try_open(fx, NO_KEY, PRIORITY_LOW, "").fail.err, ERR_DISK_LOW);
	assert_int_equal(try_append(fx, &uuid, 10, 1, 1).fail.err, ERR_DISK_LOW);
	assert_int_equal(look_at(fx, &uuid).counts.ids, 10);
	assert_int_equal(try_submit(fx, KEY("new"), PRIORITY_LOW, "", 1, 3).fail.err, ERR_DISK_LOW);
	/* What is known is told, and what is there can end. */
	assert_true(try_submit(fx, KEY("whole"), PRIORITY_LOW, "", 1, 3).submit.replayed);
	assert_int_equal(
	    try_submit(fx, KEY("whole"), PRIORITY_LOW, "", 1, 4).fail.err, ERR_CONFLICT);
	assert_true(try_open(fx, KEY("upload"), PRIORITY_LOW, "").open.replayed);
	assert_int_equal(append(fx, &uuid, 1, 5, 5), 10);
	assert_int_equal(seal(fx, &uuid).seq, 2);
	assert_int_equal(sweep(fx, NULL, NULL), -1);
}

/* ---- the reader ---- */

static void run_on(struct store *reader, struct store_op *op)
{
	struct fail fail;

	assert_int_equal(store_begin(reader, &fail), STORE_DONE);
	assert_int_equal(store_run(reader, op), STORE_DONE);
	assert_int_equal(op->fail.err, ERR_OK);
	store_rollback(reader, &fail);
}

static void a_reader_lists_and_counts(struct fixture *fx)
{
	struct store *reader;
	struct store_op list = {.verb = STORE_LIST}, figures = {.verb = STORE_STATS};
	struct fail fail;
	struct uuid uuid;

	assert_int_equal(store_sqlite_open_reader(&reader, fx->path, &fx->clock, &fail), ERR_OK);
	list.list.limit = 10;
	uuid = open_upload(fx, NO_KEY);
	append(fx, &uuid, 1, 0, 2000);
	turn_begin(fx);
	submit_batch(fx, PRIORITY_LOW, 1);
	run_on(reader, &list);
	run_on(reader, &figures);
	assert_int_equal(list.list.page.n, 1);
	assert_int_equal(figures.stats.lanes[2].ingestions[INGESTION_YET_TO_START], 0);
	turn_commit(fx);
	run_on(reader, &list);
	run_on(reader, &figures);
	assert_int_equal(list.list.page.n, 2);
	assert_int_equal(figures.stats.lanes[2].ingestions[INGESTION_YET_TO_START], 1);
	assert_int_equal(figures.stats.uploads, 1);
	assert_int_equal(figures.stats.upload_ids, 2000);
	assert_true(figures.stats.ledger.interval_ns == 5 * SECOND);
	assert_true(figures.stats.bytes + figures.stats.wal_bytes > 16000);
	assert_true(figures.stats.free_bytes > 0);
	store_op_reset(&list);
	store_close(reader);
}

const struct suite_test suite_sqlite_upload[] = {
    {"a sweep removes the ids of what was cancelled", a_sweep_removes_the_ids},
    {"a sweep removes a little at a time", a_sweep_removes_a_little},
    {"a short list moves into its row with the seal", short_lists_move_into_the_row},
    {"an upload is sound in every state", every_state_is_sound},
    {"a list has at most 100 million ids", a_list_has_an_end},
    {"uploads need free space, known keys and seals do not", uploads_need_free_space},
    {"a reader lists and counts", a_reader_lists_and_counts},
    {0},
};
