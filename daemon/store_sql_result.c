/* What is known of single ids: the rows of those whose story is not that of their batch. */
#include "store_sql.h"

#include "util.h"

#include <string.h>

/* ---- what is left ---- */

/* The places that have no row with a final outcome. */
static int skip_final(struct sql_store *store, const struct span *span, struct idlist *places)
{
	size_t before = places->n;
	int64_t end = span->first + span->n;
	int code = sql_first(store, SQL_RESULTS_FINAL, "iii", span->num, span->first, end);
	struct sql_row row = sql_row(store, SQL_RESULTS_FINAL);

	for (int64_t at = span->first; at < end; at++) {
		if (code == SQL_ROW && sql_number(row, 0) == at)
			code = sql_next(row);
		else
			idlist_push(places, at);
	}
	sql_reset(row);
	if (!sql_went_well(code))
		return code;
	return places->n - before == (size_t)span->left ? SQL_DONE : SQL_CORRUPT;
}

int sql_places_left(struct sql_store *store, const struct span *span, struct idlist *places)
{
	if (span->left < span->n)
		return skip_final(store, span, places);
	for (int64_t i = 0; i < span->n; i++)
		idlist_push(places, span->first + i);
	return SQL_DONE;
}

int sql_ids_left(
    struct sql_store *store, const struct span *span, int64_t total, struct idlist *ids)
{
	struct idlist places = {0};
	size_t before = ids->n;
	int code = sql_ids_read(store, span->num, total, span->first, span->n, ids);

	if (code != SQL_DONE || span->left == span->n)
		return code;
	code = skip_final(store, span, &places);
	for (size_t i = 0; i < places.n; i++)
		ids->v[before + i] = ids->v[before + (size_t)(places.v[i] - span->first)];
	ids->n = before + places.n;
	idlist_free(&places);
	return code;
}

/* ---- the end of an attempt ---- */

const char *sql_settled_error(const struct settling *settling)
{
	return settling->verdict.status == BATCH_COMPLETED ? NULL : settling->ending->message;
}

const enum id_outcome sql_outcome_of[BATCH_STATUS_COUNT] = {
    [BATCH_COMPLETED] = ID_COMPLETED,
    [BATCH_FAILED] = ID_FAILED,
    [BATCH_CANCELLED] = ID_CANCELLED,
};

/* What is known of an id without a row. */
static enum id_outcome known_of_all(const struct settling *settling)
{
	return sql_outcome_of[settling->verdict.status];
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Writes a row for the i-th id of the run, if it needs one. */
static int settle_id(
    struct sql_store *store, const struct settling *settling, size_t i, int64_t place)
{
	enum id_outcome outcome =
	    verdict_outcome(&settling->verdict, ending_outcome(settling->ending, i));
	const char *own = ending_message(settling->ending, i),
		   *error = own ? own : settling->ending->message;
	bool final = outcome != ID_PENDING;

	if (outcome == ID_COMPLETED)
		error = NULL;
	if (outcome == known_of_all(settling) && same_text(error, sql_settled_error(settling)))
		return SQL_DONE;
	return sql_first(store, SQL_RESULT_ADD, "iiiiiit", settling->span.num, place,
	    (int64_t)outcome, final ? settling->attempt : 0, final ? settling->started_ms : 0,
	    final ? settling->now_ms : 0, error);
}

/* All ids came out as the row of the batch is going to say. */
static bool says_it_all(const struct settling *settling)
{
	return !settling->ending->results &&
	       verdict_outcome(&settling->verdict, settling->ending->outcome) ==
	           known_of_all(settling);
}

int sql_results_settle(struct sql_store *store, const struct settling *settling)
{
	const struct span *span = &settling->span;
	struct idlist places = {0};
	/* What was said of the same ids the last time. */
	int code = sql_first(
	    store, SQL_RESULTS_FORGET, "iii", span->num, span->first, span->first + span->n);

	if (code != SQL_DONE || says_it_all(settling))
		return code;
	code = sql_places_left(store, span, &places);
	for (size_t i = 0; i < places.n && code == SQL_DONE; i++)
		code = settle_id(store, settling, i, places.v[i]);
	idlist_free(&places);
	return code;
}
