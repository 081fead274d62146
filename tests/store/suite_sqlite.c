/* What only the SQLite store has: a file that others can touch. */
#include "fixture_sqlite.h"

#include <stdio.h>
#include <string.h>

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

	assert_int_equal(store_sqlite_open_reader(&reader, fx->path, &fx->clock, &fail), ERR_OK);
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
    {"submissions need free space, outcomes do not", submit_needs_free_space},
    {"a reader sees what is committed, and nothing else", reader_sees_commits_only},
    {0},
};
