/* The schema of the PostgreSQL store and its versions. */
#include "store_postgres.h"

#include <inttypes.h>

#define VERSION 1

const char pg_schema[] =
#include "schema_postgres.sql.h"
    ;

/* Each entry brings the tables from version i to version i + 1, in a transaction of its own. */
static const char *const migrations[VERSION] = {pg_schema};

/* What there is. */
struct found_schema {
	int64_t version; /* 0: none */
	bool migrating; /* rows of another store are still missing */
};

/* False: *fail says why it is not known. */
static bool read_schema(struct pg_conn *conn, struct found_schema *found, struct fail *fail)
{
	bool there = pg_run(conn, PG_SCHEMA_THERE, "") == SQL_ROW &&
	             pg_number(conn, PG_SCHEMA_THERE, 0) != 0;

	*found = (struct found_schema){0};
	if (there && pg_run(conn, PG_SCHEMA_VERSION, "") == SQL_ROW)
		*found = (struct found_schema){pg_number(conn, PG_SCHEMA_VERSION, 0),
		    pg_number(conn, PG_SCHEMA_VERSION, 1) != 0};
	pg_reset_all(conn);
	if (pg_conn_sync(conn))
		return true;
	pg_conn_failed(conn, fail);
	return false;
}

/* One step. Another node may do it at the same time: what counts is that it is done. */
static enum err migrate_one(struct pg_conn *conn, struct found_schema *found, struct fail *fail)
{
	int64_t before = found->version;
	struct fail why;

	if (!pg_conn_exec(conn, migrations[before], &why)) {
		/* The session may be in the middle of it. */
		pg_conn_drop(conn);
		if (pg_conn_ready(conn, fail))
			return fail->err;
	}
	if (!read_schema(conn, found, fail))
		return fail->err;
	if (found->version > before)
		return ERR_OK;
	return fail_set(fail, ERR_WRONG_STATE,
	    "the tables of ingestd cannot be made (%.160s): run ingestd --init-store as who may",
	    why.text);
}

static enum err judge(const struct found_schema *found, struct fail *fail)
{
	if (found->version != VERSION)
		return fail_set(fail, ERR_WRONG_STATE,
		    "the tables of ingestd have version %" PRId64 ", and this ingestd needs "
		    "version %d: %s",
		    found->version, VERSION,
		    found->version < VERSION ? "run ingestd --init-store" : "use a newer one");
	if (found->migrating)
		return fail_set(fail, ERR_WRONG_STATE,
		    "rows of another store are being copied into this one: run ingestctl migrate "
		    "again to go on");
	return ERR_OK;
}

enum err pg_schema_prepare(struct pg_conn *conn, bool migrate, struct fail *fail)
{
	struct found_schema found;

	fail->err = ERR_OK;
	if (!read_schema(conn, &found, fail))
		return fail->err;
	/* Other nodes may work with older tables: these change only when somebody says so. */
	while (found.version == 0 || (migrate && found.version < VERSION))
		if (migrate_one(conn, &found, fail))
			return fail->err;
	return judge(&found, fail);
}

enum err pg_schema_verify(struct pg_conn *conn, struct fail *fail)
{
	struct found_schema found;

	fail->err = ERR_OK;
	return read_schema(conn, &found, fail) ? judge(&found, fail) : fail->err;
}
