/* Reading the status of one ingestion, a page at a time. */
#include "store_sql.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

int64_t sql_take_ingestion(struct sql_row row, struct ingestion *ingestion)
{
	const char *cancelled_by = sql_text(row, 25);
	struct counts *counts = &ingestion->counts;

	*ingestion = (struct ingestion){.stage = (enum stage)(int)sql_number(row, 2),
	    .seq = sql_number(row, 3),
	    .priority = (enum priority)(int)sql_number(row, 4),
	    .batch_size = sql_number(row, 6),
	    .version = sql_number(row, 21),
	    .created_ms = sql_number(row, 22),
	    .started_ms = sql_number(row, 23),
	    .finished_ms = sql_number(row, 24)};
	sql_take_blob(row, 1, ingestion->uuid.bytes, sizeof(ingestion->uuid.bytes));
	snprintf(ingestion->label, sizeof(ingestion->label), "%s", sql_text(row, 5));
	if (cancelled_by)
		snprintf(
		    ingestion->cancelled_by, sizeof(ingestion->cancelled_by), "%s", cancelled_by);
	counts->ids = sql_number(row, 7);
	counts->batches = sql_number(row, 8);
	for (int status = 0; status < BATCH_STATUS_COUNT; status++)
		counts->by_status[status] = sql_number(row, 9 + status);
	counts->ids_completed = sql_number(row, 15);
	counts->ids_failed = sql_number(row, 16);
	counts->ids_cancelled = sql_number(row, 17);
	counts->ids_unknown = sql_number(row, 18);
	counts->attempts = sql_number(row, 19);
	counts->retries = sql_number(row, 20);
	return sql_number(row, 0);
}

int sql_ingestion_find(struct sql_store *store, const struct uuid *uuid,
    struct ingestion *ingestion, int64_t *num, struct fail *fail)
{
	int code =
	    sql_first(store, SQL_INGESTION_READ, "b", uuid->bytes, (int64_t)sizeof(uuid->bytes));
	struct sql_row row = sql_row(store, SQL_INGESTION_READ);

	if (code == SQL_DONE)
		fail_set(fail, ERR_NOT_FOUND, "Ingestion ID not found");
	if (code != SQL_ROW)
		return code;
	*num = sql_take_ingestion(row, ingestion);
	sql_reset(row);
	return SQL_ROW;
}

int sql_unstarted(struct sql_store *store, int64_t num, int64_t *batches, int64_t *when_ms)
{
	int code = sql_first(store, SQL_INGESTION_REST, "i", num);
	struct sql_row row = sql_row(store, SQL_INGESTION_REST);

	if (code != SQL_ROW)
		return code == SQL_DONE ? SQL_CORRUPT : code;
	*batches = sql_number(row, 0);
	*when_ms = sql_number(row, 1);
	sql_reset(row);
	return SQL_DONE;
}

static char *take_text(struct sql_row row, int column)
{
	const char *text = sql_text(row, column);

	return text ? xstrdup(text) : NULL;
}

/* What stands in the row of a batch that has started. */
static void take_batch(struct sql_row row, struct batch *batch)
{
	batch->status = (enum batch_status)(int)sql_number(row, 1);
	batch->attempts = sql_number(row, 2);
	batch->ids_completed = sql_number(row, 3);
	batch->ids_failed = sql_number(row, 4);
	batch->ids_cancelled = sql_number(row, 5);
	batch->ids_unknown = sql_number(row, 6);
	batch->started_ms = sql_number(row, 7);
	batch->finished_ms = sql_number(row, 8);
	batch->error = take_text(row, 9);
	batch->retry_ms = sql_is_null(row, 10) ? 0 : sql_number(row, 10) + row.store->due_shift_ms;
}

/* A batch without a row: it never started, and never will if it was cancelled before. */
static void begin_batch(
    const struct ingestion *ingestion, int64_t index, int64_t cancelled_ms, struct batch *batch)
{
	batch->index = index;
	batch->ids_n = (size_t)batch_length(ingestion->counts.ids, ingestion->batch_size, index);
	if (ingestion->counts.by_status[BATCH_YET_TO_START] > 0)
		return;
	batch->status = BATCH_CANCELLED;
	batch->ids_cancelled = (int64_t)batch->ids_n;
	batch->finished_ms = cancelled_ms;
}

static void take_output(struct sql_row row, struct batch *batch)
{
	batch->out = (struct output){take_text(row, 1), sql_number(row, 2)};
	batch->err = (struct output){take_text(row, 3), sql_number(row, 4)};
}

/* How many batches, which all have `ids` ids, end the page at the latest. */
static int64_t page_limit(int64_t ids, int64_t most)
{
	int64_t limit = STORE_PAGE_BYTES / (STORE_PAGE_BATCH_BYTES + ids * STORE_PAGE_ID_BYTES);

	if (limit < 1)
		limit = 1;
	return limit < most ? limit : most;
}

static size_t text_bytes(const char *text)
{
	return text ? strlen(text) : 0;
}

static size_t bytes_of(const struct batch *batch)
{
	return STORE_PAGE_BATCH_BYTES + batch->ids_n * STORE_PAGE_ID_BYTES +
	       text_bytes(batch->error) + text_bytes(batch->out.text) + text_bytes(batch->err.text);
}

/* A statement whose rows begin with the index of a batch, and the code of its last step. */
struct rows {
	struct sql_row row;
	int code;
};

static struct rows read_rows(
    struct sql_store *store, enum sql sql, int64_t num, int64_t from, int64_t end)
{
	int code = sql_first(store, sql, "iii", num, from, end - from);

	return (struct rows){sql_row(store, sql), code};
}

/* Takes the next row, if it is of this batch. */
static void take_row(
    struct rows *rows, struct batch *batch, void (*take)(struct sql_row row, struct batch *batch))
{
	if (rows->code != SQL_ROW || sql_number(rows->row, 0) != batch->index)
		return;
	take(rows->row, batch);
	rows->code = sql_next(rows->row);
}

static int end_rows(struct rows *rows)
{
	sql_reset(rows->row);
	return sql_went_well(rows->code) ? SQL_DONE : rows->code;
}

/* The batches [from, end). Only those that have started have a row, and few have output. */
static int read_batches(struct sql_store *store, int64_t num, int64_t from, int64_t end,
    bool with_output, struct status_page *page)
{
	const struct ingestion *ingestion = &page->ingestion;
	struct rows batches = read_rows(store, SQL_BATCHES_READ, num, from, end);
	struct rows outputs = {{store, SQL_OUTPUTS_READ}, SQL_DONE};
	int64_t cancelled, cancelled_ms;
	size_t bytes = 0;
	int code = sql_unstarted(store, num, &cancelled, &cancelled_ms);

	if (code != SQL_DONE)
		return code;
	if (with_output)
		outputs = read_rows(store, SQL_OUTPUTS_READ, num, from, end);
	for (int64_t index = from; index < end && bytes < STORE_PAGE_BYTES; index++) {
		struct batch *batch = status_page_add(page);

		begin_batch(ingestion, index, cancelled_ms, batch);
		take_row(&batches, batch, take_batch);
		take_row(&outputs, batch, take_output);
		bytes += bytes_of(batch);
	}
	code = end_rows(&batches);
	return code == SQL_DONE ? end_rows(&outputs) : code;
}

/* The ids of the batches on the page, which are consecutive. */
static int read_ids(struct sql_store *store, int64_t num, struct status_page *page)
{
	int64_t first = page->n ? page->batches[0].index * page->ingestion.batch_size : 0;
	size_t at = 0;

	for (size_t i = 0; i < page->n; i++) {
		page->batches[i].ids_at = at;
		at += page->batches[i].ids_n;
	}
	return sql_ids_read(store, num, page->ingestion.counts.ids, first, (int64_t)at, &page->ids);
}

enum store_result sql_status(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_status *status = &op->status;
	struct status_page *page = &status->page;
	int64_t num, from = status->from_batch, end;
	int code = sql_ingestion_find(store, &status->uuid, &page->ingestion, &num, &op->fail);

	if (code != SQL_ROW)
		return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
	page->next_batch = -1;
	if (from >= page->ingestion.counts.batches || status->limit == 0)
		return STORE_DONE;
	end = from + page_limit(page->ingestion.batch_size, status->limit);
	if (end > page->ingestion.counts.batches)
		end = page->ingestion.counts.batches;
	code = read_batches(store, num, from, end, status->output, page);
	if (code == SQL_DONE)
		code = read_ids(store, num, page);
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	from += (int64_t)page->n;
	if (from < page->ingestion.counts.batches)
		page->next_batch = from;
	return STORE_DONE;
}
