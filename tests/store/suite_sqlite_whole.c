/* What holds for the SQLite store as a whole: its statements are bounded, and its tables agree. */
#include "fixture_sqlite.h"
#include "rng.h"
#include "store_sqlite_sql.h"

#include "util.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* ---- plans ---- */

/* Every statement of the store. */
static const char *const statements[] = {
#define X(name, text) text,
    SQL_LIST(X) SQLITE_LIST(X)
#undef X
};

/* Tables of four rows at most; the first row of a table; an index that has what is asked for only.
 */
static const char *const scans[] = {"SCAN ledger", "SCAN lane", "SCAN l", "SCAN control",
    "SCAN backoff", "SCAN n USING INDEX notice_due", "SCAN batch USING INDEX batch_running",
    "SCAN ingestion USING INDEX ingestion_cancelling"};

/* Where another index would do as well for SQLite, but read more than is wanted. */
static const char *const indexes[LITE_COUNT] = {
    [SQL_HEAD_NEW] = "ingestion_line",
    [SQL_STORIES_FAILED] = "batch_failed",
    [SQL_BATCH_FAILED] = "batch_given_up",
    [SQL_BATCH_CANCELLED] = "batch_cancelled",
    [SQL_BACKOFF_OF] = "backoff_batch",
    [SQL_NOTICES_DUE] = "notice_due",
};

static bool is_bounded(const char *step)
{
	if (strstr(step, "TEMP B-TREE"))
		return false;
	for (size_t i = 0; i < COUNT_OF(scans); i++)
		if (strcmp(step, scans[i]) == 0)
			return true;
	return strncmp(step, "SCAN ", 5) != 0;
}

/* The plan is bounded, and uses this index, if one is named. */
static void assert_plan(sqlite3 *db, const char *text, const char *index)
{
	char *query = xasprintf("EXPLAIN QUERY PLAN %s", text);
	sqlite3_stmt *statement;
	bool used = !index;

	if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	while (sqlite3_step(statement) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(statement, 3);

		if (!is_bounded(step))
			fail_msg("%s: %s", text, step);
		used = used || strstr(step, index);
	}
	if (!used)
		fail_msg("%s: not by %s", text, index);
	sqlite3_finalize(statement);
	free(query);
}

static void no_statement_reads_a_table(struct fixture *fx)
{
	sqlite3 *db;

	fixture_close(fx);
	assert_int_equal(sqlite3_open(fx->path, &db), SQLITE_OK);
	for (size_t i = 0; i < COUNT_OF(statements); i++)
		assert_plan(db, statements[i], indexes[i]);
	sqlite3_close(db);
}

/* ---- random endings ---- */

enum { LISTS = 6, LENGTH = 50, IDS = LISTS * LENGTH, RUNS = 8, MOST_ATTEMPTS = 3 };

/* Ids are 1 .. IDS, LENGTH of them in each list: whatever happens to one is in its place here. */
struct world {
	struct fixture *fx;
	struct rng rng;
	struct uuid lists[LISTS];
	int64_t batch_size[LISTS];
	enum id_outcome outcomes[IDS + 1];
	struct store_claimed runs[RUNS];
	size_t n;
};

static int list_of(int64_t id)
{
	return (int)((id - 1) / LENGTH);
}

/* The ids are all that is left of their batch. */
static void assert_left(const struct world *world, const struct store_claimed *run)
{
	int list = list_of(run->ids.v[0]);
	int64_t size = world->batch_size[list], first = run->attempt.index * size;
	size_t n = 0;

	assert_memory_equal(&run->uuid, &world->lists[list], sizeof(run->uuid));
	for (int64_t i = first; i < first + size && i < LENGTH; i++) {
		int64_t id = (int64_t)list * LENGTH + i + 1;

		if (world->outcomes[id] == ID_PENDING)
			assert_int_equal(run->ids.v[n++], id);
	}
	assert_int_equal(run->ids.n, n);
}

static void random_claim(struct world *world)
{
	struct fixture *fx = world->fx;
	struct store_claimed *run = &world->runs[world->n];
	struct store_op op;

	if (world->n == RUNS)
		return;
	fx->boot_ns += fx->settings.interval_ns;
	op = claim(fx);
	if (op.claim.n > 0) {
		*run = op.claim.batches[0];
		op.claim.batches[0].ids = (struct idlist){0};
		assert_left(world, run);
		started(fx, run->attempt, fx->boot_ns);
		world->n++;
	}
	store_op_reset(&op);
}

/* What the letters mean for the ids of the run, which is over then. */
static void note(struct world *world, size_t which, const char *letters)
{
	struct store_claimed *run = &world->runs[which];
	bool again = !strchr(letters, 'i') && run->attempt.attempt < MOST_ATTEMPTS;

	again = again || strchr(letters, 'i');
	for (size_t i = 0; i < run->ids.n; i++) {
		enum id_outcome *outcome = &world->outcomes[run->ids.v[i]];

		if (letters[i] == 'c')
			*outcome = ID_COMPLETED;
		else if (strchr("fF", letters[i]) || !again)
			*outcome = ID_FAILED;
	}
	idlist_free(&run->ids);
	*run = world->runs[--world->n];
}

static void random_finish(struct world *world)
{
	char letters[LENGTH + 1] = "";
	bool same = rng_chance(&world->rng, 30);
	size_t which;

	if (world->n == 0)
		return;
	which = (size_t)rng_range(&world->rng, 0, (int64_t)world->n - 1);
	for (size_t i = 0; i < world->runs[which].ids.n; i++)
		letters[i] = i > 0 && same ? letters[0]
		                           : "ccccrrRRffFi"[rng_range(&world->rng, 0,
						 rng_chance(&world->rng, 10) ? 11 : 10)];
	end_ids(world->fx, world->runs[which].attempt, letters,
	    rng_chance(&world->rng, 50) ? "not yet" : NULL);
	note(world, which, letters);
}

/* The daemon ends without a word. */
static void crash(struct world *world)
{
	char letters[LENGTH + 1];

	memset(letters, 'r', sizeof(letters));
	letters[LENGTH] = '\0';
	while (world->n > 0)
		note(world, 0, letters);
	assert_sound(world->fx);
}

/* One page after the other, of random lengths; returns how many entries there were. */
static int64_t compare_report(struct world *world, int list, bool failed)
{
	struct store_op op = {.verb = STORE_REPORT};
	int64_t entries = 0, from = 0;

	while (from >= 0) {
		op.report.uuid = world->lists[list];
		op.report.filter.failed = failed;
		op.report.from = from;
		op.report.limit = rng_range(&world->rng, 1, LENGTH + 1);
		do_op(world->fx, &op);
		for (size_t i = 0; i < op.report.page.n; i++, entries++) {
			const struct report_entry *entry = &op.report.page.v[i];

			assert_true(entry->position >= from);
			assert_int_equal(entry->id, (int64_t)list * LENGTH + entry->position + 1);
			assert_int_equal(entry->batch, entry->position / world->batch_size[list]);
			assert_int_equal(entry->outcome, world->outcomes[entry->id]);
			from = entry->position + 1;
		}
		from = op.report.page.next;
	}
	store_op_reset(&op);
	return entries;
}

static void compare_list(struct world *world, int list)
{
	struct ingestion now = look_at(world->fx, &world->lists[list]);
	int64_t counts[ID_OUTCOME_COUNT] = {0};

	for (int64_t i = 1; i <= LENGTH; i++)
		counts[world->outcomes[(int64_t)list * LENGTH + i]]++;
	assert_int_equal(now.counts.ids_completed, counts[ID_COMPLETED]);
	assert_int_equal(now.counts.ids_failed, counts[ID_FAILED]);
	assert_int_equal(compare_report(world, list, false), LENGTH);
	assert_int_equal(compare_report(world, list, true), counts[ID_FAILED]);
}

static void random_step(struct world *world)
{
	int64_t choice = rng_range(&world->rng, 0, 99);

	if (choice < 45)
		random_claim(world);
	else if (choice < 90)
		random_finish(world);
	else if (choice < 97)
		pass_ms(world->fx, rng_range(&world->rng, 1, 5000));
	else
		crash(world);
	compare_list(world, (int)rng_range(&world->rng, 0, LISTS - 1));
}

static void random_endings_stay_sound(struct fixture *fx)
{
	struct world world = {.fx = fx, .rng = {.state = 4711}};

	fx->settings.retry = (struct retry_policy){MOST_ATTEMPTS, 2000, 20000};
	fixture_reopen(fx);
	for (int i = 0; i < LISTS; i++) {
		world.batch_size[i] = rng_range(&world.rng, 1, 17);
		world.lists[i] = submit_range(fx, (enum priority)(i % PRIORITY_COUNT + 1),
		    (int64_t)i * LENGTH + 1, LENGTH, world.batch_size[i])
		                     .uuid;
	}
	for (int i = 0; i < 1000; i++)
		random_step(&world);
	crash(&world);
	for (int i = 0; i < LISTS; i++)
		compare_list(&world, i);
}

const struct suite_test suite_sqlite_whole[] = {
    {"no statement reads a whole table", no_statement_reads_a_table},
    {"random endings leave a sound store", random_endings_stay_sound},
    {0},
};
