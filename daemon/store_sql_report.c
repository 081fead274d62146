/* What has become of the ids of an ingestion, a page at a time. */
#include "store_sql.h"

#include "util.h"

#include <string.h>

/* Ids that are read at once. */
#define STEP_IDS CHUNK_IDS

/*
 * Goes through list, batches and results side by side. Batches that have never started have no row,
 * and most ids have none: both statements stand at the next row that there is.
 */
struct walk {
	struct sql_store *store;
	const struct store_report *report;
	int64_t num, total, batch_size;
	int64_t cancelled; /* batches that will never start */
	int64_t cancelled_ms; /* when that was */
	struct sql_row batches; /* with the filter `failed`: only those in which ids have failed */
	int batches_code; /* of its last step */
	struct sql_row results;
	int results_code;
	int64_t at; /* the place to look at next */
	int64_t looked_at;
	size_t bytes; /* of the entries so far */
};

/* How many rows of batches a page can come to, at most. */
static int64_t batches_limit(const struct store_report *report, int64_t batch_size)
{
	int64_t ids = STORE_REPORT_IDS;

	if (!report->filter.failed && report->filter.id == 0 && report->limit < ids)
		ids = report->limit;
	return ids / batch_size + 2;
}

static struct walk walk_begin(struct sql_store *store, const struct store_report *report,
    int64_t num, const struct ingestion *ingestion)
{
	enum sql sql = report->filter.failed ? SQL_STORIES_FAILED : SQL_STORIES_READ;
	struct walk walk = {
	    .store = store,
	    .report = report,
	    .num = num,
	    .total = ingestion->stage == STAGE_SEALED ? ingestion->counts.ids : 0,
	    .batch_size = ingestion->batch_size,
	    .at = report->from,
	};

	walk.batches_code = sql_first(store, sql, "iii", num, report->from / ingestion->batch_size,
	    batches_limit(report, ingestion->batch_size));
	walk.batches = sql_row(store, sql);
	return walk;
}

/* Steps to the first row whose number is not below `number`. Its code, and whether it is that one.
 */
static int seek(struct sql_row row, int code, int64_t number, bool *found)
{
	while (code == SQL_ROW && sql_number(row, 0) < number)
		code = sql_next(row);
	*found = code == SQL_ROW && sql_number(row, 0) == number;
	return code;
}

/* Moves on to the next place that may have to do with the report. False: there is none. */
static bool find_place(struct walk *walk)
{
	int64_t batch;
	bool found;

	if (walk->at >= walk->total)
		return false;
	if (!walk->report->filter.failed)
		return true;
	walk->batches_code =
	    seek(walk->batches, walk->batches_code, walk->at / walk->batch_size, &found);
	if (walk->batches_code != SQL_ROW)
		return false;
	batch = sql_number(walk->batches, 0);
	if (!found)
		walk->at = batch * walk->batch_size;
	return true;
}

static bool is_full(const struct walk *walk, const struct report_page *page)
{
	return (int64_t)page->n >= walk->report->limit || walk->bytes >= STORE_PAGE_BYTES ||
	       walk->looked_at >= STORE_REPORT_IDS;
}

/* ---- one id ---- */

static void take_story(struct sql_row row, struct report_entry *entry)
{
	entry->attempts = sql_number(row, 2);
	entry->started_ms = sql_number(row, 3);
	entry->finished_ms = sql_number(row, 4);
}

/* What the rows of its batch and its own say; entry->error is borrowed until they are stepped. */
static int read_entry(struct walk *walk, struct report_entry *entry)
{
	struct sql_row batch = walk->batches, result = walk->results;
	enum id_outcome outcome = ID_PENDING;
	const char *error = NULL;
	bool found;

	walk->batches_code = seek(batch, walk->batches_code, entry->batch, &found);
	if (found) {
		entry->outcome = sql_outcome_of[(int)sql_number(batch, 1)];
		take_story(batch, entry);
		error = sql_text(batch, 5);
	} else if (walk->cancelled > 0) {
		entry->outcome = ID_CANCELLED;
		entry->finished_ms = walk->cancelled_ms;
	}
	walk->results_code = seek(result, walk->results_code, entry->position, &found);
	if (found) {
		outcome = (enum id_outcome)(int)sql_number(result, 1);
		error = sql_text(result, 5);
	}
	if (outcome != ID_PENDING) {
		entry->outcome = outcome;
		take_story(result, entry);
	}
	entry->error = (char *)error;
	if (!sql_went_well(walk->batches_code))
		return walk->batches_code;
	return sql_went_well(walk->results_code) ? SQL_DONE : walk->results_code;
}

/* Looks at the id in the next place, and adds it to the page when it is asked for. */
static int look(struct walk *walk, int64_t id, struct report_page *page)
{
	const struct report_filter *filter = &walk->report->filter;
	struct report_entry entry = {
	    .position = walk->at, .id = id, .batch = walk->at / walk->batch_size};
	int code;

	walk->at++;
	walk->looked_at++;
	if (filter->id > 0 && filter->id != id)
		return SQL_DONE;
	code = read_entry(walk, &entry);
	if (code != SQL_DONE || (filter->failed && entry.outcome != ID_FAILED))
		return code;
	if (entry.error)
		entry.error = xstrdup(entry.error);
	walk->bytes += STORE_REPORT_ENTRY_BYTES + (entry.error ? strlen(entry.error) : 0);
	*report_page_add(page) = entry;
	return SQL_DONE;
}

/* ---- the page ---- */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How many ids to look at in one go: not behind the list, nor behind a batch that was sought. */
static int64_t step_length(const struct walk *walk, const struct report_page *page)
{
	int64_t n = least(STEP_IDS, walk->total - walk->at);

	if (walk->report->filter.failed)
		n = least(n, walk->batch_size - walk->at % walk->batch_size);
	if (!walk->report->filter.failed && walk->report->filter.id == 0)
		n = least(n, walk->report->limit - (int64_t)page->n);
	return n;
}

/* Begins with the rows of the next n ids. */
static int read_results(struct walk *walk, int64_t n)
{
	walk->results_code =
	    sql_first(walk->store, SQL_RESULTS_READ, "iii", walk->num, walk->at, walk->at + n);
	walk->results = sql_row(walk->store, SQL_RESULTS_READ);
	return sql_went_well(walk->results_code) ? SQL_DONE : walk->results_code;
}

/* Looks at the next ids, until the page is full. */
static int step(struct walk *walk, struct report_page *page)
{
	int64_t n = step_length(walk, page);
	struct idlist ids = {0};
	int code = sql_ids_read(walk->store, walk->num, walk->total, walk->at, n, &ids);

	if (code == SQL_DONE)
		code = read_results(walk, n);
	for (size_t i = 0; i < ids.n && code == SQL_DONE && !is_full(walk, page); i++)
		code = look(walk, ids.v[i], page);
	idlist_free(&ids);
	return code;
}

static int fill_page(struct walk *walk, struct report_page *page)
{
	int code = SQL_DONE;

	page->next = -1;
	while (code == SQL_DONE && find_place(walk)) {
		if (is_full(walk, page)) {
			page->next = walk->at;
			break;
		}
		code = step(walk, page);
	}
	if (code != SQL_DONE)
		return code;
	return sql_went_well(walk->batches_code) ? SQL_DONE : walk->batches_code;
}

enum store_result sql_report(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_report *report = &op->report;
	struct ingestion ingestion;
	struct walk walk;
	int64_t num;
	int code = sql_ingestion_find(store, &report->uuid, &ingestion, &num, &op->fail);

	if (code != SQL_ROW)
		return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
	walk = walk_begin(store, report, num, &ingestion);
	code = sql_unstarted(store, num, &walk.cancelled, &walk.cancelled_ms);
	if (code == SQL_DONE)
		code = fill_page(&walk, &report->page);
	sql_reset(walk.batches);
	if (walk.results.store)
		sql_reset(walk.results);
	return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
}
