/* What the tests of the SQLite store share: its file, looked at and changed behind its back. */
#ifndef INGESTD_STORE_FIXTURE_SQLITE_H
#define INGESTD_STORE_FIXTURE_SQLITE_H

#include "fixture.h"

/* Runs SQL on the file of a store that is closed. */
void tamper(struct fixture *fx, const char *sql);

/* The number that a query gives, also beside an open store. */
int64_t ask(struct fixture *fx, const char *sql);

/* Closes the store for a full check, and opens it again. */
void assert_sound(struct fixture *fx);

/*
 * Ends an attempt with an outcome per id: c, r, f, i for completed, to be tried again, failed,
 * interrupted; R and F with the messages "not yet" and "never" of their own. The attempt itself
 * failed with `message`.
 */
struct store_finish end_ids(
    struct fixture *fx, struct store_attempt attempt, const char *outcomes, const char *message);

/* The same as one outcome of all, with what the handler wrote. */
struct store_finish end_all(struct fixture *fx, struct store_attempt attempt, enum outcome outcome,
    const char *message, const char *out);

#endif
