/*
 * The full check of a store, in words that SQLite and PostgreSQL understand alike. Queries whose
 * every row is a fault; the row says what it is. Included in the middle of an array, after LEDGER
 * was defined as what to select the counters of the ledger from.
 */
/* Of batch b in ingestion i: how many ids it has, and how many are left to be tried. */
#define BATCH_IDS                                                                                  \
	" CASE WHEN i.batch_size < i.id_count - b.idx * i.batch_size THEN i.batch_size"            \
	" ELSE i.id_count - b.idx * i.batch_size END"
#define LEFT_IDS BATCH_IDS " - b.ids_completed - b.ids_failed"

/* The row of batch b in the line of one of the priorities, of which a bump may have moved it to
 * the present one or not yet. */
#define IN_LINE " r.priority IN (1, 2, 3) AND r.seq = i.seq AND r.idx = b.idx AND r.num = b.num"
#define LATER " o.num = b.num AND o.priority IN (1, 2, 3) AND o.idx = b.idx AND o.seq = i.seq"

/* How many of the ids of batch b have a row of their own with this outcome. */
#define ROWS(outcome)                                                                              \
	" (SELECT count(*) FROM result r WHERE" IN_BATCH " AND r.outcome = " #outcome ")"

/* All batches of an ingestion have ended. */
#define IS_FINAL "(completed + failed + cancelled = batch_count)"

/* Result r is of one of its ids. */
#define IN_BATCH                                                                                   \
	" r.num = b.num AND r.pos >= b.idx * i.batch_size AND r.pos < (b.idx + 1) * i.batch_size"

/* clang-format off */
    "SELECT 'lane ' || priority || ' counts ' || yet_to_start || '+' || (retrying - "
    "later) || ' batches and ' || ids || ' ids in line, but ' || y || '+' || r || ' "
    "and ' || n || ' stand there' FROM (SELECT l.*, (SELECT count(*) FROM redo r "
    "WHERE r.priority = l.priority) AS r, (SELECT coalesce(sum(end_batch - "
    "next_batch), 0) FROM ingestion i  WHERE i.priority = l.priority) AS y, (SELECT "
    "coalesce(sum(ids), 0) FROM redo r WHERE r.priority = l.priority) + (SELECT "
    "coalesce(sum(id_count - next_batch * batch_size), 0) FROM ingestion i  WHERE "
    "i.priority = l.priority AND next_batch < end_batch) AS n FROM lane l) AS t "
    "WHERE yet_to_start != y OR retrying - later != r OR ids != n",

    "SELECT 'lane ' || priority || ' counts ' || later || ' batches that are not due "
    "yet, but ' || n || ' are not' FROM (SELECT l.*, (SELECT count(*) FROM backoff "
    "b  WHERE b.priority = l.priority) AS n FROM lane l) AS t WHERE later != n",

    "SELECT 'lane ' || l.priority || ' does not count its batches by status as they "
    "are' FROM lane l WHERE (l.triggered, l.completed, l.failed, l.cancelled) != "
    "(SELECT coalesce(sum(triggered), 0), coalesce(sum(completed), 0), "
    "coalesce(sum(failed), 0), coalesce(sum(CASE WHEN stage = 0 THEN cancelled ELSE "
    "0 END), 0) FROM ingestion i WHERE i.priority = l.priority)",

    "SELECT 'lane ' || l.priority || ' does not count its ingestions by status as "
    "they are' FROM lane l WHERE (i_receiving, i_cancelled, i_yet_to_start, "
    "i_triggered, i_completed, i_failed, i_cancelling) != (SELECT count(*) FILTER "
    "(WHERE s = 4), count(*) FILTER (WHERE s = 5), count(*) FILTER (WHERE s = 0), "
    "count(*) FILTER (WHERE s = 1), count(*) FILTER (WHERE s = 2), count(*) FILTER "
    "(WHERE s = 3), count(*) FILTER (WHERE s = 6) FROM (SELECT CASE WHEN stage = 1 "
    "THEN 4 WHEN stage = 2 THEN 5 WHEN " IS_FINAL " THEN CASE WHEN cancelled > 0 THEN 5 WHEN failed > 0 THEN 3 ELSE 2 END WHEN "
    "cancelled_by IS NOT NULL THEN 6 WHEN end_batch - next_batch = batch_count THEN "
    "0 ELSE 1 END AS s FROM ingestion i WHERE i.priority = l.priority) AS t)",

    "SELECT 'ingestion ' || i.num || ': its counts do not agree with the rows of its "
    "batches' FROM ingestion i WHERE (next_batch, next_batch, triggered, retrying, "
    "completed, failed, cancelled - (batch_count - end_batch), ids_completed, "
    "ids_failed, ids_cancelled - CASE WHEN end_batch < batch_count THEN id_count - "
    "end_batch * batch_size ELSE 0 END, ids_unknown, attempts, retries) != (SELECT "
    "count(*), coalesce(max(idx) + 1, 0), count(*) FILTER (WHERE status = 1), "
    "count(*) FILTER (WHERE status = 2), count(*) FILTER (WHERE status = 3), "
    "count(*) FILTER (WHERE status = 4), count(*) FILTER (WHERE status = 5), "
    "coalesce(sum(b.ids_completed), 0), coalesce(sum(b.ids_failed), 0), "
    "coalesce(sum(b.ids_cancelled), 0), coalesce(sum(b.ids_unknown), 0), "
    "coalesce(sum(b.attempts), 0), coalesce(sum(CASE WHEN b.attempts > 1 THEN "
    "b.attempts - 1 ELSE 0 END), 0) FROM batch b WHERE b.num = i.num)",

    "SELECT 'ingestion ' || num || ' is final, or is not, but its row says "
    "otherwise' FROM ingestion WHERE stage = 0 AND (finished_ms != 0) != " IS_FINAL,

    "SELECT 'ingestion ' || num || ' does not say when the rest of it was cancelled' "
    "FROM ingestion WHERE (cancelled_ms != 0) != (end_batch < batch_count)",

    "SELECT 'ingestion ' || num || ' is being cancelled, but some of it would still "
    "be started' FROM ingestion WHERE stage = 0 AND cancelled_by IS NOT NULL AND "
    "(next_batch < end_batch OR (NOT " IS_FINAL " AND triggered + retrying = 0))",

    /* A batch that is to be tried again, and no other, stands in one place. */
    "SELECT 'batch ' || b.idx || ' of ingestion ' || b.num || ' does not stand in "
    "line as its row says' FROM batch b JOIN ingestion i ON i.num = b.num WHERE CASE "
    "WHEN b.status = 2 THEN 1 ELSE 0 END != (SELECT count(*) FROM redo r WHERE" IN_LINE " AND r.ids =" LEFT_IDS ") + (SELECT count(*) FROM backoff o WHERE" LATER " AND o.ids =" LEFT_IDS ")",

    /* Of the batches that have ended, one in which no id failed has completed ones only. */
    "SELECT 'batch ' || idx || ' of ingestion ' || num || ': its outcomes do not "
    "agree with those of its ids' FROM (SELECT b.*," BATCH_IDS
    " AS n," ROWS(0) " AS p," ROWS(1) " AS c," ROWS(2) " AS f," ROWS(3) " AS x," ROWS(4) " AS u FROM batch b JOIN ingestion i ON i.num = b.num) AS t WHERE NOT CASE "
    "status WHEN 3 THEN ids_completed = n AND ids_failed = 0 AND p + f = 0 WHEN 4 "
    "THEN ids_completed = c AND ids_failed = n - c AND c < n AND p = 0 WHEN 5 THEN "
    "ids_completed = c AND ids_failed = f AND ids_unknown = u  AND ids_cancelled = n "
    "- c - f - u AND c + f < n ELSE ids_completed = c AND ids_failed = f AND c + f < "
    "n END OR (status != 5 AND (ids_cancelled + ids_unknown > 0 OR x + u > 0))",

    "SELECT 'batch ' || idx || ' of ingestion ' || num || ' has a status that "
    "contradicts its row' FROM batch WHERE (status = 3 AND error IS NOT NULL) OR "
    "attempts < CASE WHEN status IN (1, 3, 4) THEN 1 ELSE 0 END OR (status < 3) != "
    "(finished_ms = 0) OR attempts_base < 0 OR attempts_base > attempts",

    "SELECT 'place ' || r.pos || ' of ingestion ' || r.num || ' has a result but was "
    "never given to a handler' FROM result r LEFT JOIN ingestion i ON i.num = r.num "
    "LEFT JOIN batch b ON b.num = r.num AND b.idx = r.pos / i.batch_size WHERE b.num "
    "IS NULL OR r.pos < 0 OR r.pos >= i.id_count",

    "SELECT 'place ' || r.pos || ' of ingestion ' || r.num || ' has a result that "
    "says nothing' FROM result r JOIN ingestion i ON i.num = r.num JOIN batch b ON "
    "b.num = r.num AND b.idx = r.pos / i.batch_size WHERE r.outcome = 0 AND r.error "
    "IS NOT DISTINCT FROM b.error",

    "SELECT 'there is output of batch ' || o.idx || ' of ingestion ' || o.num || ', "
    "which has none' FROM output o LEFT JOIN batch b ON b.num = o.num AND b.idx = "
    "o.idx WHERE b.num IS NULL OR (o.out IS NULL AND o.err IS NULL)",

    "SELECT 'ingestion ' || num || ': its stage does not agree with its place in the "
    "line' FROM ingestion WHERE (stage = 0) != (seq > 0) OR (stage = 0) != "
    "(batch_count > 0) OR asked_priority NOT BETWEEN 1 AND 3 OR (stage = 0 AND "
    "batch_count != (id_count + batch_size - 1) / batch_size)",

    "SELECT 'ingestion ' || i.num || ': the number of stored ids is not ' || "
    "i.id_count FROM ingestion i WHERE i.stage != 2 AND i.id_count * 8 != "
    "coalesce(length(i.ids), (SELECT sum(length(c.ids)) FROM chunk c WHERE c.key >= "
    "i.num * 131072  AND c.key < (i.num + 1) * 131072), 0)",

    "SELECT 'ingestion ' || num || ': nothing would ever end what it keeps for a "
    "while' FROM ingestion i WHERE expires_ms IS NULL AND (stage = 1 OR (stage = 0 "
    "AND key IS NOT NULL AND " IS_FINAL ") OR (stage = 2 AND  EXISTS (SELECT 1 FROM chunk c WHERE c.key >= i.num * "
    "131072   AND c.key < (i.num + 1) * 131072)))",

    "SELECT 'the ledger counts ' || uploads || ' uploads and ' || upload_ids || ' "
    "ids in them, but' || ' there are ' || n || ' and ' || s FROM " LEDGER ", (SELECT count(*) AS n, coalesce(sum(id_count), 0) AS s FROM ingestion WHERE "
    "stage = 1) AS t WHERE uploads != n OR upload_ids != s",

    "SELECT 'the ledger counts ' || notices || ' notices, but there are ' || n FROM " LEDGER ", (SELECT count(*) AS n FROM notice) AS t WHERE notices != n",

    "SELECT 'there is a notice of ingestion ' || n.num || ', which is not final' "
    "FROM notice n LEFT JOIN ingestion i ON i.num = n.num WHERE i.num IS NULL OR "
    "i.finished_ms = 0",

    "SELECT 'the next submission number ' || next_seq || ' was given away already' "
    "FROM " LEDGER " WHERE next_seq <= (SELECT coalesce(max(seq), 0) FROM ingestion)",

    "SELECT 'the next number ' || next_num || ' was given away already' FROM " LEDGER " WHERE next_num <= (SELECT coalesce(max(num), 0) FROM ingestion)",
