#include "fixture_sqlite.h"

#include "util.h"

#include <sqlite3.h>
#include <string.h>

void tamper(struct fixture *fx, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(fx->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

int64_t ask(struct fixture *fx, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	int64_t answer;

	assert_int_equal(sqlite3_open_v2(fx->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	answer = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return answer;
}

void assert_sound(struct fixture *fx)
{
	struct fail fail = {0};

	fixture_close(fx);
	if (!store_sqlite_check(fx->path, &fail))
		fail_msg("the store is not sound: %s", fail.text);
	fixture_open(fx);
}

/* ---- endings ---- */

static struct result result_of(char letter)
{
	switch (letter) {
	case 'c':
		return (struct result){.outcome = OUTCOME_COMPLETED};
	case 'r':
		return (struct result){.outcome = OUTCOME_RETRY};
	case 'R':
		return (struct result){.outcome = OUTCOME_RETRY, .message = xstrdup("not yet")};
	case 'f':
		return (struct result){.outcome = OUTCOME_FAILED};
	case 'F':
		return (struct result){.outcome = OUTCOME_FAILED, .message = xstrdup("never")};
	default:
		return (struct result){.outcome = OUTCOME_INTERRUPTED};
	}
}

/* Frees the content of the ending. */
static struct store_finish end(
    struct fixture *fx, struct store_attempt attempt, struct ending *ending)
{
	struct store_op op = {.verb = STORE_FINISH};

	op.finish = (struct store_finish){.attempt = attempt, .ending = ending};
	do_op(fx, &op);
	ending_free(ending);
	assert_int_equal(op.fail.err, ERR_OK);
	return op.finish;
}

struct store_finish end_ids(
    struct fixture *fx, struct store_attempt attempt, const char *outcomes, const char *message)
{
	struct ending ending = {
	    .n = strlen(outcomes), .message = message ? xstrdup(message) : NULL};

	ending.results = xcalloc(ending.n, sizeof(*ending.results));
	for (size_t i = 0; i < ending.n; i++)
		ending.results[i] = result_of(outcomes[i]);
	return end(fx, attempt, &ending);
}

struct store_finish end_all(struct fixture *fx, struct store_attempt attempt, enum outcome outcome,
    const char *message, const char *out)
{
	struct ending ending = {.outcome = outcome, .message = message ? xstrdup(message) : NULL};

	if (out)
		ending.out = (struct output){xstrdup(out), 10 * (int64_t)strlen(out)};
	return end(fx, attempt, &ending);
}
