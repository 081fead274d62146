/* From a store of SQLite to one of PostgreSQL. */
#ifndef INGESTD_STORE_MIGRATE_H
#define INGESTD_STORE_MIGRATE_H

#include "err.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * Copies all rows of the store at `sqlite_path`, which no daemon may use, into a new store at
 * `postgres_url`, and compares them with what it reads back. Until that is done no daemon starts on
 * the new store; the old one is only read. What was interrupted goes on when it is run again; once
 * it is done the new store is in use, and refused.
 *
 * Tells in lines on `talk` how far it is; no text contains the URL's password. Batches that run by
 * their rows are interrupted ones for the first daemon on the new store.
 *
 * False: *fail says why. ERR_INVALID (the URL), ERR_CONFLICT (one of the stores is in use),
 * ERR_WRONG_STATE (one of them is not what it should be): a store was refused. ERR_BUSY (no
 * connection), ERR_DISK_LOW: to be run again. ERR_INTERNAL: anything else, such as a difference.
 */
bool store_migrate(
    const char *sqlite_path, const char *postgres_url, FILE *talk, struct fail *fail);

#endif
