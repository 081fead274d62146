/* The statements of the PostgreSQL store that are not, or not in these words, in store_sql_list.h. */
#ifndef INGESTD_STORE_POSTGRES_SQL_H
#define INGESTD_STORE_POSTGRES_SQL_H

#include "store_sql_list.h"

/* Name and text. Parameters are written '?' or '?N', as in the common list. */
#define PG_LIST(X)                                                                                 \
	X(BEGIN, "BEGIN")                                                                          \
	X(BEGIN_READ, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")                           \
	X(COMMIT, "COMMIT")                                                                        \
	X(ROLLBACK, "ROLLBACK")

/* Statements of the common list in other words: name there, and text. */
#define PG_OWN_LIST(X)

enum pg_sql {
	PG_FIRST = SQL_COUNT - 1,
#define X(name, text) PG_##name,
	PG_LIST(X)
#undef X
	    PG_COUNT /* of both lists */
};

#endif
