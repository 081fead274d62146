/* Opening the PostgreSQL store, and what can be done without opening it. */
#include "store_postgres.h"

#include "log.h"
#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For the server to notice that a process which had our name is dead. */
#define NAME_PATIENCE_MS 5000

/* What libpq quotes may be a part of the password. */
static int length_to_show(const char *where, const char *error)
{
	char *shown = store_shown(where);
	bool has_secret = strcmp(shown, where) != 0;
	size_t len = strcspn(error, has_secret ? "\"\n" : "\n");

	free(shown);
	while (len > 0 && strchr(": ", error[len - 1]))
		len--;
	return (int)len;
}

/* Whether there is an '@' behind the first '/': that one was in the password. */
static bool has_slash_in_password(const char *where)
{
	const char *authority = strstr(where, "://") + 3;
	size_t slash = strcspn(authority, "/?");
	size_t end = strcspn(authority, "?");

	return memchr(authority + slash, '@', end - slash);
}

static bool is_port(const char *text)
{
	return !text || text[strspn(text, "0123456789,")] == '\0';
}

/* What comes to mind when a part of the URL is not where it should be. */
static void check_parts(const PQconninfoOption *options, const char *where, struct fail *fail)
{
	bool odd = has_slash_in_password(where);

	for (; options->keyword; options++)
		odd = odd || (strcmp(options->keyword, "port") == 0 && !is_port(options->val));
	if (odd)
		fail_set(fail, ERR_INVALID,
		    "not a URL of PostgreSQL: its port is no number, or it has an @ behind a /; in "
		    "a password %%2F stands for /, %%3F for ?, %%40 for @");
}

static enum err check_url(const char *where, struct fail *fail)
{
	char *error = NULL;
	PQconninfoOption *options = PQconninfoParse(where, &error);

	fail->err = ERR_OK;
	if (options)
		check_parts(options, where, fail);
	else
		fail_set(fail, ERR_INVALID, "not a URL of PostgreSQL: %.*s",
		    length_to_show(where, error ? error : ""), error ? error : "");
	PQconninfoFree(options);
	PQfreemem(error);
	return fail->err;
}

/* A connected store, with tables to work on. */
static enum err connect_to(struct pg_store **store, const char *where, bool migrate,
    const struct clock *clock, struct fail *fail)
{
	fail->err = ERR_OK;
	if (pg_store_new(store, where, clock, fail) || pg_conn_ready((*store)->conn, fail))
		return fail->err;
	return pg_schema_prepare((*store)->conn, migrate, fail);
}

static void give_up(struct pg_store *store)
{
	store->me.num = 0; /* nobody to say good-bye to */
	store_postgres_ops.close(&store->sql.store);
}

/* What is found when nobody else is there: it goes on as after a crash. */
static int recover_alone(struct pg_store *store, int64_t *interrupted)
{
	/* What ran in the store that this one was copied from, without nodes. */
	int code = sql_recover_running(&store->sql, 0, interrupted);

	return code == SQL_DONE ? sql_notices_recover(&store->sql) : code;
}

static enum store_result join(struct pg_store *store, struct store_found *found, struct fail *fail)
{
	bool alone;
	int code = SQL_DONE;

	/* A migration may have begun since it was looked at. */
	if (pg_lock(store, fail) != STORE_DONE || pg_schema_verify(store->conn, fail) ||
	    pg_join(store, &alone, fail))
		return STORE_UNDONE;
	if (alone)
		code = recover_alone(store, &found->interrupted);
	if (code != SQL_DONE)
		return sql_failed(&store->sql, code, fail);
	found->node = store->after.uuid;
	found->waiting = sql_waiting(&store->sql);
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		found->later += store->sql.now.lanes[lane].later;
	return STORE_DONE;
}

static enum err open_writer(struct store **result, const char *where,
    const struct store_settings *settings, const struct clock *clock, struct store_found *found,
    struct fail *fail)
{
	struct pg_store *store;
	struct fail ignored;

	*found = (struct store_found){0};
	if (connect_to(&store, where, false, clock, fail))
		goto failed;
	store->sql.store.ops = &store_postgres_ops;
	store->sql.settings = *settings;
	if (pg_hold_name(store, NAME_PATIENCE_MS, fail) ||
	    store_begin(&store->sql.store, fail) != STORE_DONE)
		goto failed;
	if (join(store, found, fail) != STORE_DONE ||
	    store_commit(&store->sql.store, fail) != STORE_DONE) {
		store_rollback(&store->sql.store, &ignored);
		goto failed;
	}
	*result = &store->sql.store;
	return ERR_OK;
failed:
	give_up(store);
	return fail->err;
}

static enum err open_reader(
    struct store **result, const char *where, const struct clock *clock, struct fail *fail)
{
	struct pg_store *store;

	fail->err = ERR_OK;
	if (pg_store_new(&store, where, clock, fail))
		goto failed;
	pg_conn_hush(store->conn);
	if (pg_conn_ready(store->conn, fail))
		goto failed;
	store->sql.store.ops = &store_postgres_reader_ops;
	*result = &store->sql.store;
	return ERR_OK;
failed:
	give_up(store);
	return fail->err;
}

static bool look_at_rate(const char *where, int64_t *interval_ns)
{
	struct pg_store *store;
	struct fail fail;

	*interval_ns = 0;
	if (!pg_store_new(&store, where, clock_system(), &fail) &&
	    !pg_conn_ready(store->conn, &fail) && pg_look(store, &fail) == STORE_DONE)
		*interval_ns = store->sql.now.control.rate_ns;
	give_up(store);
	return *interval_ns > 0;
}

static enum err init(const char *where, struct fail *fail)
{
	struct pg_store *store;

	connect_to(&store, where, true, clock_system(), fail);
	give_up(store);
	return fail->err;
}

const struct store_kind store_postgres = {
    .scheme = POSTGRES_SCHEME,
    .alias = "postgres://",
    .shared = true,
    .check_url = check_url,
    .open = open_writer,
    .open_reader = open_reader,
    .rate = look_at_rate,
    .check = pg_check,
    .init = init,
    .schema = pg_schema,
};
