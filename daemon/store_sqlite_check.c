/* The full check of a store at rest. */
#include "store_sqlite.h"

#include "util.h"

/* Queries whose every row is a fault; the row says what it is. */
static const char *const checks[] = {
    "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check != 'ok'",

    "SELECT 'the row of the ledger or of a lane is missing' WHERE"
    " (SELECT count(*) FROM ledger) != 1 OR (SELECT count(*) FROM lane) != 3",

    "SELECT 'lane ' || priority || ' counts ' || yet_to_start || '+' || retrying || ' batches and '"
    " || ids || ' ids in line, but ' || y || '+' || r || ' and ' || n || ' stand there' FROM"
    " (SELECT l.priority, l.yet_to_start, l.retrying, l.ids,"
    " (SELECT count(*) FROM redo r WHERE r.priority = l.priority) AS r,"
    " (SELECT coalesce(sum(batch_count - next_batch), 0) FROM ingestion i"
    "  WHERE i.priority = l.priority) AS y,"
    " (SELECT coalesce(sum(min(i.batch_size, i.id_count - r.idx * i.batch_size)), 0)"
    "  FROM redo r JOIN ingestion i ON i.num = r.num WHERE r.priority = l.priority) +"
    " (SELECT coalesce(sum(max(0, id_count - next_batch * batch_size)), 0) FROM ingestion i"
    "  WHERE i.priority = l.priority AND i.stage = 0) AS n FROM lane l)"
    " WHERE yet_to_start != y OR retrying != r OR ids != n",

    "SELECT 'lane ' || l.priority || ' does not count its batches by status as they are'"
    " FROM lane l WHERE (l.triggered, l.completed, l.failed) != (SELECT"
    " coalesce(sum(triggered), 0), coalesce(sum(completed), 0), coalesce(sum(failed), 0)"
    " FROM ingestion i WHERE i.priority = l.priority)",

    "SELECT 'lane ' || l.priority || ' does not count its ingestions by status as they are'"
    " FROM lane l WHERE (i_receiving, i_cancelled, i_yet_to_start, i_triggered, i_completed,"
    " i_failed) != (SELECT coalesce(sum(stage = 1), 0), coalesce(sum(stage = 2), 0),"
    " coalesce(sum(stage = 0 AND next_batch = 0), 0),"
    " coalesce(sum(stage = 0 AND next_batch > 0 AND completed + failed < batch_count), 0),"
    " coalesce(sum(stage = 0 AND completed = batch_count), 0),"
    " coalesce(sum(stage = 0 AND completed + failed = batch_count AND failed > 0), 0)"
    " FROM ingestion i WHERE i.priority = l.priority)",

    "SELECT 'ingestion ' || i.num || ': its counts of batches do not agree with their rows'"
    " FROM ingestion i WHERE i.next_batch != (SELECT count(*) FROM batch b WHERE b.num = i.num)"
    " OR i.triggered != (SELECT count(*) FROM batch b WHERE b.num = i.num AND b.status = 1)"
    " OR i.retrying != (SELECT count(*) FROM batch b WHERE b.num = i.num AND b.status = 2)"
    " OR i.completed != (SELECT count(*) FROM batch b WHERE b.num = i.num AND b.status = 3)"
    " OR i.failed != (SELECT count(*) FROM batch b WHERE b.num = i.num AND b.status = 4)"
    " OR i.retrying != (SELECT count(*) FROM redo r WHERE r.priority = i.priority"
    "  AND r.seq = i.seq)",

    "SELECT 'ingestion ' || num || ': its stage does not agree with its place in the line'"
    " FROM ingestion WHERE (stage = 0) != (seq > 0) OR (stage = 0) != (batch_count > 0)"
    " OR (stage = 0 AND batch_count != (id_count + batch_size - 1) / batch_size)",

    "SELECT 'ingestion ' || i.num || ': the number of stored ids is not ' || i.id_count"
    " FROM ingestion i WHERE i.stage != 2 AND i.id_count * 8 != coalesce(length(i.ids),"
    " (SELECT sum(length(c.ids)) FROM chunk c WHERE c.key >= i.num * 131072"
    "  AND c.key < (i.num + 1) * 131072), 0)",

    "SELECT 'ingestion ' || num || ': nothing would ever end what it keeps for a while'"
    " FROM ingestion i WHERE expires_ms IS NULL AND (stage = 1 OR"
    " (stage = 0 AND key IS NOT NULL AND completed + failed = batch_count) OR (stage = 2 AND"
    "  EXISTS (SELECT 1 FROM chunk c WHERE c.key >= i.num * 131072"
    "   AND c.key < (i.num + 1) * 131072)))",

    "SELECT 'the ledger counts ' || uploads || ' uploads and ' || upload_ids || ' ids in them, but'"
    " || ' there are ' || n || ' and ' || s FROM ledger,"
    " (SELECT count(*) AS n, coalesce(sum(id_count), 0) AS s FROM ingestion WHERE stage = 1)"
    " WHERE uploads != n OR upload_ids != s",

    "SELECT 'the next submission number ' || next_seq || ' was given away already' FROM ledger"
    " WHERE next_seq <= (SELECT coalesce(max(seq), 0) FROM ingestion)",
};

static bool check_passes(struct sqlite_store *store, const char *query, struct fail *fail)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(store->db, query, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		fail_set(fail, ERR_WRONG_STATE, "%s: %s", store->path,
		    sqlite3_column_text(statement, 0));
	else if (code != SQLITE_DONE)
		fail_set(fail, ERR_WRONG_STATE, "%s: %s", store->path, sqlite3_errmsg(store->db));
	sqlite3_finalize(statement);
	return code == SQLITE_DONE;
}

bool store_sqlite_check(const char *path, struct fail *fail)
{
	struct sqlite_store *store;
	bool sound = !sqlite_connect(&store, path, SQLITE_OPEN_READWRITE, fail) &&
	             !sqlite_lock(store, fail) && !sqlite_schema_verify(store, false, fail);

	for (size_t i = 0; sound && i < COUNT_OF(checks); i++)
		sound = check_passes(store, checks[i], fail);
	store_sqlite_ops.close(&store->store);
	return sound;
}
