/* Rows that leave a SQLite store. */
#include "store_rows.h"

#include "buf.h"
#include "store_sqlite.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

struct rows_source {
	struct sqlite_store *store;
	sqlite3_stmt *statement; /* of the table that is read; or NULL */
	const struct rows_table *table;
	int moved; /* its column of the store's time; -1: none */
	struct uuid id;
	int64_t ahead_ms; /* UTC minus the store's time, when the ledger was last written */
	bool claimed;
};

/* The numbers of a lane in the order of PostgreSQL's view `lane`. */
#define LANE(priority)                                                                             \
	"(SELECT ids || ',' || later || ',' || yet_to_start || ',' || triggered || ',' ||"         \
	" retrying || ',' || completed || ',' || failed || ',' || cancelled || ',' ||"             \
	" i_yet_to_start || ',' || i_triggered || ',' || i_completed || ',' || i_failed || ',' ||" \
	" i_receiving || ',' || i_cancelled || ',' || i_cancelling"                                \
	" FROM lane WHERE priority = " #priority ")"

/* The columns have the names of PostgreSQL's table, in which times are UTC. */
static const char moment_query[] =
    "SELECT interval_ns, settle_ns, pack, next_seq, next_num, uploads, upload_ids, notices, pause,"
    " pause_until_ms, paused_by, paused_ms, iif(hold_until_ms = 0, 0, hold_until_ms + utc_ms -"
    " store_ms) AS hold_until_ms, rate_ns, rated_by, rated_ms,"
    " '{' || " LANE(1) " || ',' || " LANE(2) " || ',' || " LANE(
	3) " || '}' AS lanes FROM ledger, control";

static enum err read_failed(struct rows_source *source, struct fail *fail)
{
	return fail_set(fail, ERR_INTERNAL, "%.160s cannot be read%s%s: %s", source->store->path,
	    source->table ? " in table " : "", source->table ? source->table->name : "",
	    sqlite3_errmsg(source->store->db));
}

static void end_table(struct rows_source *source)
{
	sqlite3_finalize(source->statement);
	source->statement = NULL;
}

static enum err prepare(struct rows_source *source, const char *query, struct fail *fail)
{
	end_table(source);
	if (sqlite3_prepare_v2(source->store->db, query, -1, &source->statement, NULL) != SQLITE_OK)
		return read_failed(source, fail);
	return ERR_OK;
}

static enum err read_ledger(struct rows_source *source, struct fail *fail)
{
	static const char query[] =
	    "SELECT node, utc_ms - store_ms, last_claim IS NOT NULL FROM ledger";
	int code;

	if (prepare(source, query, fail))
		return fail->err;
	code = sqlite3_step(source->statement);
	if (code == SQLITE_DONE)
		return fail_set(fail, ERR_WRONG_STATE,
		    "the store %.160s is damaged: it has no ledger", source->store->path);
	if (code != SQLITE_ROW)
		return read_failed(source, fail);
	memcpy(
	    source->id.bytes, sqlite3_column_blob(source->statement, 0), sizeof(source->id.bytes));
	source->ahead_ms = sqlite3_column_int64(source->statement, 1);
	source->claimed = sqlite3_column_int(source->statement, 2) != 0;
	end_table(source);
	return ERR_OK;
}

enum err rows_source_open(struct rows_source **result, const char *path, struct fail *fail)
{
	struct rows_source *source = xcalloc(1, sizeof(*source));

	*result = source;
	/* What is not ours gets no lock file. */
	if (sqlite_connect(&source->store, path, SQLITE_OPEN_READWRITE, fail) ||
	    sqlite_schema_verify(source->store, false, fail) || sqlite_lock(source->store, fail))
		return fail->err;
	/* All that is read is of one moment, whatever others do with the file. */
	if (sqlite3_exec(source->store->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return read_failed(source, fail);
	return read_ledger(source, fail);
}

void rows_source_close(struct rows_source *source)
{
	if (!source)
		return;
	end_table(source);
	store_sqlite_ops.close(&source->store->sql.store);
	free(source);
}

struct uuid rows_source_id(const struct rows_source *source)
{
	return source->id;
}

bool rows_source_claimed(const struct rows_source *source)
{
	return source->claimed;
}

static void take_names(struct rows_source *source, struct row_names *names)
{
	source->moved = -1;
	names->n = sqlite3_column_count(source->statement);
	if (names->n > ROWS_COLUMNS)
		abort();
	for (int i = 0; i < names->n; i++) {
		names->names[i] = sqlite3_column_name(source->statement, i);
		if (source->table->store_time &&
		    strcmp(names->names[i], source->table->store_time) == 0)
			source->moved = i;
	}
}

/* `names` are those of all columns; the key is the first of them. */
static char *query_of(
    const struct rows_table *table, const int64_t *after, const struct row_names *names)
{
	struct buf query = {0};

	buf_printf(&query, "SELECT * FROM %s", table->name);
	for (int i = 0; after && i < table->keys; i++)
		buf_printf(&query, "%s%s", i == 0 ? " WHERE (" : ", ", names->names[i]);
	for (int i = 0; after && i < table->keys; i++)
		buf_printf(&query, "%s?%d", i == 0 ? ") > (" : ", ", i + 1);
	buf_add_str(&query, after ? ") ORDER BY " : " ORDER BY ");
	for (int i = 0; i < table->keys; i++)
		buf_printf(&query, "%s%d", i == 0 ? "" : ", ", i + 1);
	return query.data;
}

static enum err prepare_table(
    struct rows_source *source, const int64_t *after, struct row_names *names, struct fail *fail)
{
	char *query = query_of(source->table, after, names);

	prepare(source, query, fail);
	free(query);
	if (fail->err)
		return fail->err;
	take_names(source, names);
	for (int i = 0; after && i < source->table->keys; i++)
		sqlite3_bind_int64(source->statement, i + 1,
		    after[i] - (i == source->moved ? source->ahead_ms : 0));
	return ERR_OK;
}

enum err rows_source_begin(struct rows_source *source, const struct rows_table *table,
    const int64_t *after, struct row_names *names, struct fail *fail)
{
	fail->err = ERR_OK;
	source->table = table;
	if (table->array) {
		if (!prepare(source, moment_query, fail))
			take_names(source, names);
		return fail->err;
	}
	return prepare_table(source, after, names, fail);
}

static void take_cell(struct rows_source *source, int column, struct cell *cell)
{
	sqlite3_stmt *statement = source->statement;

	*cell = (struct cell){.kind = CELL_NULL};
	switch (sqlite3_column_type(statement, column)) {
	case SQLITE_INTEGER:
		cell->kind = CELL_NUMBER;
		cell->number = sqlite3_column_int64(statement, column);
		if (column == source->moved)
			cell->number += source->ahead_ms;
		return;
	case SQLITE_TEXT:
		cell->kind = CELL_TEXT;
		cell->data = sqlite3_column_text(statement, column);
		break;
	case SQLITE_BLOB:
		cell->kind = CELL_BLOB;
		cell->data = sqlite3_column_blob(statement, column);
		break;
	default:
		return;
	}
	cell->len = (size_t)sqlite3_column_bytes(statement, column);
}

bool rows_source_next(struct rows_source *source, struct row *row, struct fail *fail)
{
	int code = sqlite3_step(source->statement);

	fail->err = ERR_OK;
	if (code != SQLITE_ROW) {
		if (code != SQLITE_DONE)
			read_failed(source, fail);
		return false;
	}
	row->n = sqlite3_column_count(source->statement);
	for (int i = 0; i < row->n; i++)
		take_cell(source, i, &row->cells[i]);
	return true;
}
