/* What only the SQLite store has: a file that others can touch. */
#include "fixture.h"

#include "util.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs SQL on the file behind the back of the store. */
static void tamper(struct fixture *fx, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(fx->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static int64_t ask(struct fixture *fx, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	int64_t answer;

	assert_int_equal(sqlite3_open(fx->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	answer = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return answer;
}

static void expect_refusal(struct fixture *fx, enum err err, const char *word)
{
	struct store *store = NULL;
	struct store_found found;
	struct fail fail = {0};

	assert_int_equal(
	    store_sqlite_open(&store, fx->path, &fx->settings, &fx->clock, &found, &fail), err);
	assert_int_equal(fail.err, err);
	if (!strstr(fail.text, word))
		fail_msg("\"%s\" does not say \"%s\"", fail.text, word);
}

static void write_file(const char *path, const void *data, size_t n)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, n, file), n);
	fclose(file);
}

/* ---- whose file it is ---- */

static void refuses_a_second_daemon(struct fixture *fx)
{
	expect_refusal(fx, ERR_CONFLICT, fx->path);
	submit_batch(fx, PRIORITY_LOW, 1);
	fixture_reopen(fx);
	assert_int_equal(fx->found.waiting, 1);
}

static void refuses_a_check_beside_a_daemon(struct fixture *fx)
{
	struct fail fail = {0};

	assert_false(store_sqlite_check(fx->path, &fail));
	assert_int_equal(fail.err, ERR_CONFLICT);
}

static void refuses_a_newer_version(struct fixture *fx)
{
	fixture_close(fx);
	tamper(fx, "PRAGMA user_version = 999");
	expect_refusal(fx, ERR_WRONG_STATE, "999");
	assert_int_equal(ask(fx, "PRAGMA user_version"), 999);
}

static void refuses_another_database(struct fixture *fx)
{
	fixture_close(fx);
	snprintf(fx->path, sizeof(fx->path), "%s/other.db", fx->dir);
	tamper(fx, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
	expect_refusal(fx, ERR_WRONG_STATE, fx->path);
	assert_int_equal(ask(fx, "SELECT count(*) FROM sqlite_schema"), 1);
	assert_int_equal(ask(fx, "PRAGMA application_id"), 0);
}

static void refuses_an_application_id_alone(struct fixture *fx)
{
	fixture_close(fx);
	tamper(fx, "PRAGMA application_id = 12345");
	expect_refusal(fx, ERR_WRONG_STATE, fx->path);
}

static void refuses_a_text_file(struct fixture *fx)
{
	char text[8192], after[8192];
	FILE *file;

	fixture_close(fx);
	snprintf(fx->path, sizeof(fx->path), "%s/text", fx->dir);
	memset(text, 'a', sizeof(text));
	write_file(fx->path, text, sizeof(text));
	expect_refusal(fx, ERR_WRONG_STATE, fx->path);
	file = fopen(fx->path, "rb");
	assert_int_equal(fread(after, 1, sizeof(after), file), sizeof(after));
	fclose(file);
	assert_memory_equal(text, after, sizeof(text));
}

static void takes_an_empty_file(struct fixture *fx)
{
	fixture_close(fx);
	snprintf(fx->path, sizeof(fx->path), "%s/empty", fx->dir);
	write_file(fx->path, "", 0);
	fixture_open(fx);
	submit_batch(fx, PRIORITY_LOW, 1);
}

static void refuses_a_directory(struct fixture *fx)
{
	struct store *store = NULL;
	struct store_found found;
	struct fail fail = {0};

	assert_int_not_equal(
	    store_sqlite_open(&store, fx->dir, &fx->settings, &fx->clock, &found, &fail), ERR_OK);
	assert_true(strlen(fail.text) > 0);
}

static void marks_its_file(struct fixture *fx)
{
	fixture_close(fx);
	assert_int_equal(ask(fx, "PRAGMA application_id"), 0x696e6764);
	assert_int_equal(ask(fx, "PRAGMA user_version"), 1);
}

/* ---- checks ---- */

static bool is_sound(struct fixture *fx)
{
	struct fail fail = {0};
	bool sound = store_sqlite_check(fx->path, &fail);

	assert_true(sound || strlen(fail.text) > 0);
	return sound;
}

/* Ingestions of all kinds with batches in all states, and uploads. */
static void fill(struct fixture *fx)
{
	struct store_attempt first;
	struct uuid uuid;

	submit_range(fx, PRIORITY_MEDIUM, 1, 12, 3);
	submit_range(fx, PRIORITY_LOW, 1, 3000, 3);
	submit_batch(fx, PRIORITY_LOW, 5000);
	first = claim_next(fx, 1);
	finish(fx, claim_next(fx, 4), OUTCOME_COMPLETED, NULL);
	finish(fx, claim_next(fx, 7), OUTCOME_FAILED, "why");
	claim_next(fx, 10);
	finish(fx, first, OUTCOME_INTERRUPTED, NULL);
	upload(fx, KEY("sealed"), 1, 2000, 1500);
	open_upload(fx, KEY("empty"));
	uuid = open_upload(fx, KEY("open"));
	append(fx, &uuid, 1, 0, 1500);
	uuid = open_upload(fx, NO_KEY);
	append(fx, &uuid, 1, 0, 1500);
	try_cancel(fx, &uuid);
	fixture_close(fx);
}

static void check_passes_a_sound_store(struct fixture *fx)
{
	fill(fx);
	assert_true(is_sound(fx));
	fixture_open(fx);
	fixture_close(fx);
	assert_true(is_sound(fx));
}

static void check_passes_an_empty_store(struct fixture *fx)
{
	fixture_close(fx);
	assert_true(is_sound(fx));
}

static void check_finds_tampering(struct fixture *fx, const char *sql)
{
	fill(fx);
	assert_true(is_sound(fx));
	tamper(fx, sql);
	assert_false(is_sound(fx));
}

static void check_finds_a_wrong_lane(struct fixture *fx)
{
	check_finds_tampering(
	    fx, "UPDATE lane SET yet_to_start = yet_to_start + 1 WHERE priority = 3");
}

static void check_finds_wrong_lane_ids(struct fixture *fx)
{
	check_finds_tampering(fx, "UPDATE lane SET ids = ids - 1 WHERE priority = 3");
}

static void check_finds_a_wrong_count(struct fixture *fx)
{
	check_finds_tampering(fx, "UPDATE ingestion SET completed = 0, failed = 2 WHERE seq = 1");
}

static void check_finds_a_wrong_total(struct fixture *fx)
{
	check_finds_tampering(fx, "UPDATE lane SET completed = completed + 1 WHERE priority = 2");
}

static void check_finds_a_wrong_ingestion_total(struct fixture *fx)
{
	check_finds_tampering(
	    fx, "UPDATE lane SET i_receiving = i_receiving - 1 WHERE priority = 3");
}

static void check_finds_a_wrong_cancelled_total(struct fixture *fx)
{
	check_finds_tampering(
	    fx, "UPDATE lane SET i_cancelled = i_cancelled + 1 WHERE priority = 3");
}

static void check_finds_a_wrong_number_of_uploads(struct fixture *fx)
{
	check_finds_tampering(fx, "UPDATE ledger SET uploads = uploads + 1");
}

static void check_finds_a_wrong_number_of_upload_ids(struct fixture *fx)
{
	check_finds_tampering(fx, "UPDATE ledger SET upload_ids = upload_ids - 1");
}

static void check_finds_a_missing_chunk_of_an_upload(struct fixture *fx)
{
	check_finds_tampering(fx, "DELETE FROM chunk WHERE key / 131072 = "
				  "(SELECT num FROM ingestion WHERE key = 'open')");
}

static void check_finds_a_short_upload(struct fixture *fx)
{
	check_finds_tampering(fx, "UPDATE ingestion SET id_count = id_count + 5 WHERE key = 'open';"
				  "UPDATE ledger SET upload_ids = upload_ids + 5");
}

static void check_finds_a_missing_chunk(struct fixture *fx)
{
	check_finds_tampering(fx, "DELETE FROM chunk WHERE key = (SELECT max(key) FROM chunk WHERE "
				  "key / 131072 = (SELECT num FROM ingestion WHERE seq = 2))");
}

static void check_finds_a_missing_batch(struct fixture *fx)
{
	check_finds_tampering(fx, "DELETE FROM batch WHERE idx = 1");
}

static void check_finds_a_batch_out_of_line(struct fixture *fx)
{
	check_finds_tampering(fx, "DELETE FROM redo");
}

static void check_finds_a_reused_number(struct fixture *fx)
{
	check_finds_tampering(fx, "UPDATE ledger SET next_seq = 2");
}

static void open_finds_an_empty_lane(struct fixture *fx)
{
	fill(fx);
	tamper(fx, "UPDATE lane SET yet_to_start = 0, retrying = 0, ids = 0 WHERE priority = 3");
	expect_refusal(fx, ERR_WRONG_STATE, "damaged");
}

/* ---- free space ---- */

static void submit_needs_free_space(struct fixture *fx)
{
	struct idlist ids = {0};
	struct store_op op = {.verb = STORE_SUBMIT};
	struct store_attempt attempt;

	submit_batch(fx, PRIORITY_LOW, 1);
	fx->settings.min_free_bytes = INT64_MAX;
	fixture_reopen(fx);
	idlist_push(&ids, 1);
	op.submit = (struct store_submit){
	    .uuid = fixture_uuid(fx),
	    .priority = PRIORITY_LOW,
	    .label = "",
	    .batch_size = 3,
	    .ids = &ids,
	    .key = {"test", ""},
	};
	do_op(fx, &op);
	idlist_free(&ids);
	assert_int_equal(op.fail.err, ERR_DISK_LOW);
	/* What was accepted goes on. */
	attempt = claim_next(fx, 1);
	assert_int_equal(finish(fx, attempt, OUTCOME_COMPLETED, NULL), ERR_OK);
	fx->settings.min_free_bytes = 0;
	fixture_reopen(fx);
	assert_int_equal(submit_batch(fx, PRIORITY_LOW, 11).seq, 2);
}

/* ---- the reader ---- */

static void reader_sees_commits_only(struct fixture *fx)
{
	struct store *reader;
	struct store_op op = {.verb = STORE_STATUS};
	struct fail fail;

	assert_int_equal(store_sqlite_open_reader(&reader, fx->path, &fail), ERR_OK);
	turn_begin(fx);
	op.status.uuid = submit_batch(fx, PRIORITY_LOW, 1).uuid;
	op.status.limit = STORE_PAGE_BATCHES;
	assert_int_equal(store_begin(reader, &fail), STORE_DONE);
	assert_int_equal(store_run(reader, &op), STORE_DONE);
	assert_int_equal(op.fail.err, ERR_NOT_FOUND);
	store_rollback(reader, &fail);
	turn_commit(fx);
	assert_int_equal(store_begin(reader, &fail), STORE_DONE);
	assert_int_equal(store_run(reader, &op), STORE_DONE);
	assert_int_equal(op.fail.err, ERR_OK);
	assert_int_equal(op.status.page.n, 1);
	store_rollback(reader, &fail);
	store_op_reset(&op);
	store_close(reader);
}

static void writes_durably(struct fixture *fx)
{
	fixture_close(fx);
	assert_int_equal(
	    ask(fx, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
}

const struct suite_test suite_sqlite[] = {
    {"a store in use is refused", refuses_a_second_daemon},
    {"a check of a store in use is refused", refuses_a_check_beside_a_daemon},
    {"a newer version is refused", refuses_a_newer_version},
    {"a database of another program is refused and left alone", refuses_another_database},
    {"another application id is refused", refuses_an_application_id_alone},
    {"a text file is refused and left alone", refuses_a_text_file},
    {"an empty file becomes a store", takes_an_empty_file},
    {"a directory is refused", refuses_a_directory},
    {"a store has our application id and version", marks_its_file},
    {"a store is in WAL mode", writes_durably},
    {"check passes a sound store", check_passes_a_sound_store},
    {"check passes an empty store", check_passes_an_empty_store},
    {"check finds a wrong number of batches in a lane", check_finds_a_wrong_lane},
    {"check finds a wrong number of ids in a lane", check_finds_wrong_lane_ids},
    {"check finds a wrong count in an ingestion", check_finds_a_wrong_count},
    {"check finds a wrong total of batches", check_finds_a_wrong_total},
    {"check finds a wrong total of uploads in a lane", check_finds_a_wrong_ingestion_total},
    {"check finds a wrong total of cancelled uploads", check_finds_a_wrong_cancelled_total},
    {"check finds a wrong number of uploads", check_finds_a_wrong_number_of_uploads},
    {"check finds a wrong number of ids in uploads", check_finds_a_wrong_number_of_upload_ids},
    {"check finds a missing chunk of an upload", check_finds_a_missing_chunk_of_an_upload},
    {"check finds ids that an upload has not", check_finds_a_short_upload},
    {"check finds a missing chunk", check_finds_a_missing_chunk},
    {"check finds a missing batch", check_finds_a_missing_batch},
    {"check finds a batch that is not in line", check_finds_a_batch_out_of_line},
    {"check finds a submission number given twice", check_finds_a_reused_number},
    {"open finds a lane that is not empty as it says", open_finds_an_empty_lane},
    {"submissions need free space, outcomes do not", submit_needs_free_space},
    {"a reader sees what is committed, and nothing else", reader_sees_commits_only},
    {0},
};
