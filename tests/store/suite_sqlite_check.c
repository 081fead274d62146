/* The full check: it passes what is sound, and finds each kind of damage. */
#include "fixture_sqlite.h"

#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ingestions of all kinds with batches in all states, ids with stories of their own, and uploads.
 * Time is no matter: what has failed once waits for hours. */
static void fill(struct fixture *fx)
{
	struct store_attempt first, second;
	struct uuid uuid;

	fx->settings.retry = (struct retry_policy){3, HOUR_MS, HOUR_MS};
	fixture_reopen(fx);
	submit_range(fx, PRIORITY_MEDIUM, 1, 24, 3);
	submit_range(fx, PRIORITY_LOW, 1, 3000, 3);
	submit_batch(fx, PRIORITY_LOW, 5000);
	first = claim_next(fx, 1);
	end_all(fx, claim_next(fx, 4), OUTCOME_COMPLETED, NULL, "it was written");
	end_all(fx, claim_next(fx, 7), OUTCOME_FAILED, "why", NULL);
	end_ids(fx, claim_next(fx, 10), "cRf", "later");
	end_all(fx, claim_next(fx, 13), OUTCOME_RETRY, "later", NULL);
	end_ids(fx, claim_next(fx, 16), "cFf", "why");
	second = claim_next(fx, 19);
	claim_next(fx, 22);
	end_ids(fx, first, "cci", NULL);
	end_ids(fx, second, "iRi", "stopped");
	upload(fx, KEY("sealed"), 1, 2000, 1500);
	open_upload(fx, KEY("empty"));
	uuid = open_upload(fx, KEY("open"));
	append(fx, &uuid, 1, 0, 1500);
	uuid = open_upload(fx, NO_KEY);
	append(fx, &uuid, 1, 0, 1500);
	try_cancel(fx, &uuid);
	fixture_close(fx);
}

static void give_up(struct fixture *fx, const struct uuid *uuid)
{
	struct store_op op = {.verb = STORE_CANCEL};

	op.cancel.uuid = *uuid;
	op.cancel.who = "uid:7";
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
}

/*
 * One that was cancelled, with an id in each state (num 1); one that is being cancelled (num 2),
 * one that was retried after it had failed (num 3), and a notice of the first.
 */
static void fill_cancelled(struct fixture *fx)
{
	struct store_attempt first, second;
	struct uuid one, two, three;
	struct store_op op = {.verb = STORE_RETRY};

	fx->settings.retry = (struct retry_policy){3, HOUR_MS, HOUR_MS};
	fx->settings.notify = true;
	fixture_reopen(fx);
	one = submit_range(fx, PRIORITY_HIGH, 1, 12, 3).uuid;
	two = submit_range(fx, PRIORITY_MEDIUM, 101, 12, 3).uuid;
	three = submit_range(fx, PRIORITY_LOW, 201, 6, 3).uuid;
	first = claim_next(fx, 1);
	end_ids(fx, claim_next(fx, 4), "cRr", "later");
	second = claim_next(fx, 7);
	give_up(fx, &one);
	end_ids(fx, first, "cfi", "stopped");
	end_all(fx, second, OUTCOME_UNKNOWN, "gone", NULL);
	claim_next(fx, 101);
	give_up(fx, &two);
	end_ids(fx, claim_next(fx, 201), "cfF", "why");
	end_all(fx, claim_next(fx, 204), OUTCOME_COMPLETED, NULL, NULL);
	op.retry.uuid = three;
	do_op(fx, &op);
	assert_int_equal(op.retry.batches, 1);
	fixture_close(fx);
}

static bool is_sound(struct fixture *fx, struct fail *fail)
{
	*fail = (struct fail){0};
	return store_sqlite_check(fx->path, fail);
}

static void passes_a_sound_store(struct fixture *fx)
{
	struct fail fail;

	fill(fx);
	if (!is_sound(fx, &fail))
		fail_msg("%s", fail.text);
	fixture_open(fx);
	assert_sound(fx);
}

static void passes_what_was_cancelled(struct fixture *fx)
{
	struct fail fail;

	fill_cancelled(fx);
	if (!is_sound(fx, &fail))
		fail_msg("%s", fail.text);
	fixture_open(fx);
	assert_sound(fx);
	assert_int_equal(ask(fx, "SELECT count(*) FROM notice"), 2);
}

static void passes_an_empty_store(struct fixture *fx)
{
	assert_sound(fx);
}

/* What is done to the store, and a word of what the check says of it. */
struct damage {
	const char *sql, *word;
};

static const struct damage damages[] = {
    {"UPDATE lane SET yet_to_start = yet_to_start + 1 WHERE priority = 3", "in line"},
    {"UPDATE lane SET ids = ids - 1 WHERE priority = 3", "in line"},
    {"UPDATE lane SET retrying = retrying + 1 WHERE priority = 2", "in line"},
    {"UPDATE lane SET later = later - 1, retrying = retrying - 1 WHERE priority = 2", "not due"},
    {"UPDATE lane SET completed = completed + 1 WHERE priority = 2", "batches by status"},
    {"UPDATE lane SET i_receiving = i_receiving - 1 WHERE priority = 3", "ingestions by status"},
    {"UPDATE lane SET i_cancelled = i_cancelled + 1 WHERE priority = 3", "ingestions by status"},
    {"DELETE FROM lane WHERE priority = 1", "missing"},
    {"UPDATE ledger SET uploads = uploads + 1", "uploads"},
    {"UPDATE ledger SET upload_ids = upload_ids - 1", "uploads"},
    {"UPDATE ledger SET next_seq = 2", "given away"},
    {"PRAGMA ignore_check_constraints = 1; UPDATE ledger SET node = x'00'", "CHECK"},

    {"UPDATE ingestion SET completed = 0, failed = 3 WHERE seq = 1;"
     "UPDATE lane SET completed = 0, failed = 3 WHERE priority = 2",
	"rows of its batches"},
    {"UPDATE ingestion SET ids_completed = ids_completed + 1 WHERE seq = 1", "rows of its batches"},
    {"UPDATE ingestion SET ids_failed = ids_failed - 1 WHERE seq = 1", "rows of its batches"},
    {"UPDATE ingestion SET attempts = attempts + 1 WHERE seq = 1", "rows of its batches"},
    {"UPDATE ingestion SET retries = retries + 1 WHERE seq = 1", "rows of its batches"},
    {"DELETE FROM batch WHERE idx = 1", "rows of its batches"},
    {"UPDATE batch SET idx = 100 WHERE idx = 7", "rows of its batches"},

    {"DELETE FROM chunk WHERE key / 131072 = (SELECT num FROM ingestion WHERE key = 'open')",
	"stored ids"},
    {"DELETE FROM chunk WHERE key = (SELECT max(key) FROM chunk WHERE key / 131072 ="
     " (SELECT num FROM ingestion WHERE seq = 2))",
	"stored ids"},
    {"UPDATE ingestion SET id_count = id_count + 5 WHERE key = 'open';"
     "UPDATE ledger SET upload_ids = upload_ids + 5",
	"stored ids"},

    {"DELETE FROM redo", "in line"},
    {"DELETE FROM backoff", "not due"},
    {"UPDATE redo SET idx = 1 WHERE idx = 0", "does not stand in line"},
    {"UPDATE redo SET num = num + 1 WHERE idx = 0", "does not stand in line"},
    {"UPDATE redo SET ids = ids + 1; UPDATE lane SET ids = ids + 2 WHERE priority = 2",
	"does not stand in line"},
    {"UPDATE backoff SET ids = ids + 1", "does not stand in line"},
    {"UPDATE backoff SET seq = seq + 1", "does not stand in line"},
    {"UPDATE backoff SET idx = 1 WHERE idx = 4", "does not stand in line"},

    {"DELETE FROM result WHERE outcome = 1 AND pos = 0", "outcomes"},
    {"DELETE FROM result WHERE outcome = 2 AND pos = 11", "outcomes"},
    {"DELETE FROM result WHERE outcome = 1 AND pos = 15", "outcomes"},
    {"UPDATE result SET outcome = 2 WHERE pos = 9", "outcomes"},
    {"INSERT INTO result VALUES (1, 4, 2, 1, 1, 1, 'why')", "outcomes"},
    {"INSERT INTO result VALUES (1, 6, 0, 0, 0, 0, 'not yet')", "outcomes"},
    {"INSERT INTO result VALUES (1, 24, 1, 1, 1, 1, NULL)", "never given"},
    {"INSERT INTO result VALUES (2, 0, 1, 1, 1, 1, NULL)", "never given"},
    {"INSERT INTO result VALUES (77, 0, 1, 1, 1, 1, NULL)", "never given"},
    {"UPDATE result SET error = 'later' WHERE pos = 10", "says nothing"},
    {"UPDATE batch SET error = 'why' WHERE idx = 1", "contradicts"},
    {"UPDATE batch SET finished_ms = 1 WHERE idx = 4", "contradicts"},
    {"UPDATE batch SET attempts = 0 WHERE idx = 1; UPDATE ingestion SET attempts = attempts - 1"
     " WHERE seq = 1",
	"contradicts"},

    {"INSERT INTO output VALUES (2, 0, 'x', 1, NULL, 0)", "output"},
    {"UPDATE output SET out = NULL", "output"},
};

static const struct damage cancelled_damages[] = {
    {"UPDATE lane SET cancelled = cancelled + 1 WHERE priority = 1", "batches by status"},
    {"UPDATE lane SET i_cancelling = i_cancelling + 1 WHERE priority = 2", "ingestions by status"},
    {"UPDATE lane SET i_cancelled = i_cancelled - 1 WHERE priority = 1", "ingestions by status"},
    {"UPDATE ingestion SET cancelled_by = NULL WHERE num = 2", "ingestions by status"},
    {"UPDATE ingestion SET ids_cancelled = ids_cancelled + 1 WHERE num = 1", "rows of its batches"},
    {"UPDATE ingestion SET ids_unknown = ids_unknown + 1 WHERE num = 1", "rows of its batches"},
    {"UPDATE ingestion SET cancelled = cancelled - 1 WHERE num = 2;"
     "UPDATE lane SET cancelled = cancelled - 1 WHERE priority = 2",
	"rows of its batches"},
    {"UPDATE ingestion SET end_batch = batch_count, cancelled_ms = 0, ids_cancelled = 0,"
     " cancelled = 0 WHERE num = 2; UPDATE lane SET cancelled = 0, yet_to_start = 3, ids = 9"
     " WHERE priority = 2",
	"would still be started"},
    {"UPDATE ingestion SET cancelled_ms = 0 WHERE num = 2", "when the rest"},
    {"UPDATE ingestion SET cancelled_ms = 5 WHERE num = 3", "when the rest"},
    {"UPDATE ingestion SET finished_ms = 0 WHERE num = 1", "is final, or is not"},
    {"UPDATE ingestion SET finished_ms = 1 WHERE num = 3", "is final, or is not"},
    {"UPDATE ingestion SET asked_priority = 0 WHERE num = 3", "stage"},
    {"UPDATE batch SET ids_cancelled = 0 WHERE num = 1 AND idx = 1;"
     "UPDATE ingestion SET ids_cancelled = ids_cancelled - 2 WHERE num = 1",
	"outcomes"},
    {"DELETE FROM result WHERE outcome = 4 AND pos = 7", "outcomes"},
    {"UPDATE result SET outcome = 3 WHERE num = 1 AND pos = 8", "outcomes"},
    {"UPDATE result SET outcome = 4 WHERE num = 3 AND pos = 0", "outcomes"},
    {"UPDATE batch SET attempts_base = 9 WHERE num = 3 AND idx = 0", "contradicts"},
    {"UPDATE batch SET finished_ms = 0 WHERE num = 1 AND idx = 1", "contradicts"},
    {"DELETE FROM control", "missing"},
    {"DELETE FROM notice", "notices"},
    {"UPDATE ledger SET notices = notices + 1", "notices"},
    {"UPDATE notice SET num = 3", "not final"},
    {"PRAGMA ignore_check_constraints = 1; UPDATE ingestion SET end_batch = 2 WHERE num = 2",
	"CHECK"},
};

static void copy(const char *from, const char *to)
{
	char *command = xasprintf("cp '%s' '%s'", from, to);

	assert_int_equal(system(command), 0);
	free(command);
}

static void find_each(struct fixture *fx, const struct damage *list, size_t n)
{
	char *sound = xasprintf("%s.sound", fx->path);
	struct fail fail;

	copy(fx->path, sound);
	for (size_t i = 0; i < n; i++) {
		tamper(fx, list[i].sql);
		if (is_sound(fx, &fail))
			fail_msg("not found: %s", list[i].sql);
		if (!strstr(fail.text, list[i].word))
			fail_msg(
			    "%s: \"%s\" does not say \"%s\"", list[i].sql, fail.text, list[i].word);
		copy(sound, fx->path);
	}
	free(sound);
}

static void finds_each_damage(struct fixture *fx)
{
	fill(fx);
	find_each(fx, damages, COUNT_OF(damages));
}

static void finds_damage_of_what_was_cancelled(struct fixture *fx)
{
	fill_cancelled(fx);
	find_each(fx, cancelled_damages, COUNT_OF(cancelled_damages));
}

static void open_refuses(struct fixture *fx, const char *sql)
{
	struct store *store = NULL;
	struct store_found found;
	struct fail fail = {0};

	fill(fx);
	tamper(fx, sql);
	assert_int_equal(
	    store_sqlite_open(&store, fx->path, &fx->settings, &fx->clock, &found, &fail),
	    ERR_WRONG_STATE);
	assert_non_null(strstr(fail.text, "damaged"));
}

static void open_finds_an_empty_lane(struct fixture *fx)
{
	open_refuses(fx, "UPDATE lane SET yet_to_start = 0, retrying = later, ids = 0");
}

static void open_finds_what_would_never_be_due(struct fixture *fx)
{
	open_refuses(fx, "DELETE FROM backoff");
}

const struct suite_test suite_sqlite_check[] = {
    {"check passes a sound store", passes_a_sound_store},
    {"check passes an empty store", passes_an_empty_store},
    {"check finds each kind of damage", finds_each_damage},
    {"check passes what was cancelled and retried", passes_what_was_cancelled},
    {"check finds damage of what was cancelled", finds_damage_of_what_was_cancelled},
    {"open finds a lane that is not empty as it says", open_finds_an_empty_lane},
    {"open finds batches that would never be due", open_finds_what_would_never_be_due},
    {0},
};
