/*
 * The full check of a PostgreSQL store. It looks at one moment of it, so nodes may go on meanwhile.
 * A connection of its own: the queries take as long as they take.
 */
#include "store_postgres.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

#define LEDGER "(SELECT * FROM moment ORDER BY turn DESC LIMIT 1) AS ledger"

static const char *const checks[] = {
    "SELECT 'the row of the ledger or of the moment is missing' WHERE"
    " (SELECT count(*) FROM ledger) != 1 OR (SELECT count(*) FROM moment) != 1",

    /* What ran in the store that this one was copied from has no node until the first one joins. */
    "SELECT 'batch ' || b.idx || ' of ingestion ' || b.num || ' runs on node ' || b.owner ||"
    " ', which is gone' FROM batch b LEFT JOIN node n ON n.num = b.owner"
    " WHERE b.status = 1 AND (n.num IS NULL OR n.gone = 1)"
    " AND (b.owner > 0 OR EXISTS (SELECT FROM node))",

#include "store_sql_checks.h"
};

static const char begin[] = "SET statement_timeout = 0; SET search_path = ingestd; "
			    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

static const char *first_line(const char *text, int *len)
{
	*len = (int)strcspn(text, "\n");
	return text;
}

static bool passes(PGconn *pg, const char *query, const char *shown, struct fail *fail)
{
	PGresult *result = PQexec(pg, query);
	ExecStatusType status = PQresultStatus(result);
	bool sound =
	    status == PGRES_COMMAND_OK || (status == PGRES_TUPLES_OK && PQntuples(result) == 0);
	int len;

	if (!sound && status == PGRES_TUPLES_OK)
		fail_set(fail, ERR_WRONG_STATE, "%s: %s", shown, PQgetvalue(result, 0, 0));
	else if (!sound) {
		const char *text = first_line(PQresultErrorMessage(result), &len);

		fail_set(fail, ERR_WRONG_STATE, "%s: %.*s", shown, len, text);
	}
	PQclear(result);
	return sound;
}

bool pg_check(const char *where, struct fail *fail)
{
	PGconn *pg = PQconnectdb(where);
	char *shown = store_shown(where);
	bool sound = PQstatus(pg) == CONNECTION_OK;
	int len;

	if (!sound) {
		const char *text = first_line(PQerrorMessage(pg), &len);

		fail_set(fail, ERR_BUSY, "%s cannot be reached: %.*s", shown, len, text);
	}
	sound = sound && passes(pg, begin, shown, fail);
	for (size_t i = 0; sound && i < COUNT_OF(checks); i++)
		sound = passes(pg, checks[i], shown, fail);
	free(shown);
	PQfinish(pg);
	return sound;
}
