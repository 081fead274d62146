/*
 * A store in PostgreSQL for the suites. All fixtures take turns with one database: what a new store
 * consists of is kept beside it, and copied back for each.
 *
 * The store asks clock_timestamp() for the time, without a schema. Its URL has a search path, in
 * which a function of that name comes first; it shows what the test has set.
 */
#include "fixture.h"

#include "util.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For the life of the process. */
static struct {
	PGconn *admin; /* as the environment says */
	PGconn *side; /* to the database of the tests */
	char name[64]; /* of that database */
	char *url; /* of it, as the store gets it */
} server;

/* ---- SQL ---- */

/* `kept` is what the tables have in a new store. Small tables are emptied row by row, which takes
 * less time than new files. */
static const char prelude[] =
    "CREATE SCHEMA fake;"
    "CREATE TABLE fake.clock (us bigint NOT NULL);"
    "INSERT INTO fake.clock VALUES (0);"
    "CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS"
    " $$ SELECT timestamptz 'epoch' + us * interval '1 microsecond' FROM fake.clock $$;"
    "CREATE SCHEMA kept;"
    "CREATE TABLE kept.sequence_of (name text, value bigint, called bool);"
    /* Columns that can be written. */
    "CREATE FUNCTION kept.columns_of(name text) RETURNS text LANGUAGE sql AS"
    " $$ SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
    "    WHERE attrelid = format('ingestd.%I', name)::regclass AND attnum > 0"
    "    AND NOT attisdropped AND attgenerated = '' $$;"
    "CREATE VIEW kept.table_of AS SELECT relname::text AS name, pg_relation_size(oid) AS size"
    " FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'ingestd')"
    " AND relkind = 'r';"
    "CREATE PROCEDURE kept.keep() LANGUAGE plpgsql AS $$"
    " DECLARE t text; s record; BEGIN"
    "  FOR t IN SELECT name FROM kept.table_of LOOP"
    "   EXECUTE format('CREATE TABLE kept.%I AS SELECT %s FROM ingestd.%I', t,"
    "    kept.columns_of(t), t);"
    "  END LOOP;"
    "  FOR s IN SELECT sequencename AS name FROM pg_sequences WHERE schemaname = 'ingestd' LOOP"
    "   EXECUTE format('INSERT INTO kept.sequence_of SELECT %L, last_value, is_called"
    "    FROM ingestd.%I', s.name, s.name);"
    "  END LOOP;"
    " END $$;"
    "CREATE PROCEDURE kept.restore() LANGUAGE plpgsql AS $$"
    " DECLARE t record; s record; BEGIN"
    "  SET LOCAL session_replication_role = replica;"
    "  IF (SELECT max(size) > 100000 FROM kept.table_of) THEN"
    "   EXECUTE (SELECT 'TRUNCATE ' || string_agg(format('ingestd.%I', name), ', ')"
    "    FROM kept.table_of);"
    "  END IF;"
    "  FOR t IN SELECT name FROM kept.table_of LOOP"
    "   EXECUTE format('DELETE FROM ingestd.%I', t.name);"
    "   EXECUTE format('INSERT INTO ingestd.%I (%s) OVERRIDING SYSTEM VALUE SELECT * FROM kept.%I',"
    "    t.name, kept.columns_of(t.name), t.name);"
    "  END LOOP;"
    "  FOR s IN SELECT * FROM kept.sequence_of LOOP"
    "   PERFORM setval(format('ingestd.%I', s.name), s.value, s.called);"
    "  END LOOP;"
    " END $$;";

static void sql(PGconn *connection, const char *text)
{
	PGresult *result = PQexec(connection, text);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		fprintf(stderr, "%s\n", PQerrorMessage(connection));
		fail_msg("PostgreSQL refuses: %s", text);
	}
	PQclear(result);
}

/* ---- the database ---- */

static void drop_database(void)
{
	char text[128];

	PQfinish(server.side);
	snprintf(text, sizeof(text), "DROP DATABASE IF EXISTS %s WITH (FORCE)", server.name);
	PQclear(PQexec(server.admin, text));
	PQfinish(server.admin);
	free(server.url);
}

static PGconn *connect_to(const char *url)
{
	PGconn *connection = PQconnectdb(url);

	if (PQstatus(connection) != CONNECTION_OK) {
		fprintf(stderr, "INGESTD_TEST_POSTGRES: %s", PQerrorMessage(connection));
		exit(1);
	}
	return connection;
}

/* Another database at the place of an open connection, with more parameters. */
static char *url_of(const char *parameters)
{
	return xasprintf("postgresql://%s@/%s?host=%s&port=%s%s", PQuser(server.admin), server.name,
	    PQhost(server.admin), PQport(server.admin), parameters);
}

bool postgres_prepare(void)
{
	const char *url = getenv("INGESTD_TEST_POSTGRES");
	char text[128];
	char *plain;

	if (!url || !*url)
		return false;
	server.admin = connect_to(url);
	snprintf(server.name, sizeof(server.name), "test_store_%ld", (long)getpid());
	snprintf(text, sizeof(text), "CREATE DATABASE %s", server.name);
	sql(server.admin, text);
	plain = url_of("");
	server.url = url_of("&options=-csearch_path%3Dfake,pg_catalog");
	server.side = connect_to(plain);
	free(plain);
	atexit(drop_database);
	sql(server.side, "SET client_min_messages = warning");
	sql(server.side, prelude);
	return true;
}

/* A new store, made once and restored from then on. */
static void renew_database(void)
{
	static bool made;
	struct fail fail = {0};

	if (made) {
		sql(server.side, "CALL kept.restore()");
		return;
	}
	if (store_postgres.init(server.url, &fail))
		fail_msg("the schema cannot be made: %s", fail.text);
	sql(server.side, "CALL kept.keep()");
	made = true;
}

/* ---- the clock ---- */

static int64_t server_us(struct fixture *fx)
{
	struct server_clock *clock = &fx->server;
	int64_t us = clock->us + (clock_boot_ns(&fx->clock) - clock->boot_ns) / 1000;

	return us > clock->shown_us ? us : clock->shown_us;
}

static void turn_clock(struct fixture *fx)
{
	char text[80];
	int64_t us = server_us(fx);

	if (us == fx->server.shown_us)
		return;
	fx->server.shown_us = us;
	snprintf(text, sizeof(text), "UPDATE fake.clock SET us = %" PRId64, us);
	sql(server.side, text);
}

/* What store_time_recover() does. */
static void recover_clock(struct fixture *fx)
{
	struct server_clock *clock = &fx->server;
	int64_t utc_ms = clock_utc_ms(&fx->clock);

	if (strcmp(clock->boot_id, fx->clock.boot_id) == 0)
		clock->us = server_us(fx);
	else if (utc_ms > clock->written_utc_ms)
		clock->us = clock->written_us + (utc_ms - clock->written_utc_ms) * 1000;
	else
		clock->us = clock->written_us;
	clock->boot_ns = clock_boot_ns(&fx->clock);
	strcpy(clock->boot_id, fx->clock.boot_id);
	turn_clock(fx);
}

static void committed(struct fixture *fx)
{
	fx->server.written_us = fx->server.shown_us;
	fx->server.written_utc_ms = clock_utc_ms(&fx->clock);
}

/* ---- the store ---- */

static enum err open_postgres(struct fixture *fx, struct fail *fail)
{
	if (!fx->has_database)
		renew_database();
	fx->has_database = true;
	recover_clock(fx);
	return store_postgres.open(
	    &fx->store, server.url, &fx->settings, &fx->clock, &fx->found, fail);
}

static bool check_postgres(struct fixture *fx, struct fail *fail)
{
	(void)fx;
	return store_postgres.check(server.url, fail);
}

void postgres_do(const char *text)
{
	sql(server.side, text);
}

int64_t postgres_number(const char *text)
{
	PGresult *result = PQexec(server.side, text);
	int64_t number;

	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
		fail_msg("no number: %s: %s", text, PQerrorMessage(server.side));
	number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return number;
}

struct store *postgres_reader(struct fixture *fx)
{
	struct store *reader;
	struct fail fail = {0};

	if (store_postgres.open_reader(&reader, server.url, &fx->clock, &fail))
		fail_msg("the store cannot be opened for reads: %s", fail.text);
	return reader;
}

const struct backend backend_postgres = {
    .name = "postgres",
    .shared = true,
    .open = open_postgres,
    .turn_clock = turn_clock,
    .committed = committed,
    .check = check_postgres,
};
