/* What the oracle tells about what it has: status, report, list, stats. */
#include "store_mem_state.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

/* ---- status ---- */

static int64_t text_bytes(const char *text)
{
	return text ? (int64_t)strlen(text) : 0;
}

static int64_t page_bytes(const struct state *state, const struct batch_row *row, bool output)
{
	const struct batch *batch = &row->batch;

	return STORE_PAGE_BATCH_BYTES + length_of(state, row) * STORE_PAGE_ID_BYTES +
	       text_bytes(batch->error) +
	       (output ? text_bytes(batch->out.text) + text_bytes(batch->err.text) : 0);
}

static char *copy_text(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static struct output copy_output(const struct output *output)
{
	return (struct output){copy_text(output->text), output->bytes};
}

static void add_to_page(const struct store_mem *mem, const struct state *state,
    const struct batch_row *row, bool output, struct status_page *page)
{
	struct batch *to = status_page_add(page);

	*to = row->batch;
	to->ids_completed = count_ids(state, row, ID_COMPLETED);
	to->ids_failed = count_ids(state, row, ID_FAILED);
	to->ids_cancelled = count_ids(state, row, ID_CANCELLED);
	to->ids_unknown = count_ids(state, row, ID_UNKNOWN);
	if (row->due_ms > 0)
		to->retry_ms = row->due_ms - state->time.ms + state->written_utc_ms;
	to->error = copy_text(row->batch.error);
	to->out = output ? copy_output(&row->batch.out) : (struct output){0};
	to->err = output ? copy_output(&row->batch.err) : (struct output){0};
	to->ids_at = page->ids.n;
	to->ids_n = (size_t)length_of(state, row);
	idlist_add(&page->ids, batch_ids(mem, state, row), to->ids_n);
}

void mem_status(struct store_mem *mem, struct state *state, struct store_op *op)
{
	const struct store_status *status = &op->status;
	struct status_page *page = &op->status.page;
	const struct ingestion_row *owner = find_uuid(state, &status->uuid);
	int64_t bytes = 0;

	if (!owner) {
		fail_set(&op->fail, ERR_NOT_FOUND, NULL);
		return;
	}
	page->ingestion = whole(state, owner);
	page->next_batch = -1;
	for (int64_t i = status->from_batch;
	     status->limit > 0 && i < owner->ingestion.counts.batches; i++) {
		const struct batch_row *row = batch_at(state, owner, i);

		bytes += page_bytes(state, row, status->output);
		if ((int64_t)page->n == status->limit || page->n == STORE_PAGE_BATCHES ||
		    (page->n > 0 && bytes > STORE_PAGE_BYTES)) {
			page->next_batch = i;
			return;
		}
		add_to_page(mem, state, row, status->output, page);
	}
}

/* ---- report ---- */

static struct report_entry entry_of(const struct store_mem *mem, const struct state *state,
    const struct ingestion_row *owner, int64_t position)
{
	int64_t size = owner->ingestion.batch_size;
	const struct batch_row *row = batch_at(state, owner, position / size);
	struct story story = story_of(row, position % size);
	bool pending = story.outcome == ID_PENDING;

	return (struct report_entry){
	    .position = position,
	    .id = ids_of(mem, state, owner)[position],
	    .batch = row->batch.index,
	    .outcome = story.outcome,
	    .attempts = pending ? row->batch.attempts : story.attempt,
	    .started_ms = pending ? row->batch.started_ms : story.started_ms,
	    .finished_ms = story.finished_ms,
	    .error = copy_text(story.error),
	};
}

static bool is_wanted(const struct report_filter *filter, const struct report_entry *entry)
{
	return (!filter->failed || entry->outcome == ID_FAILED) &&
	       (filter->id == 0 || entry->id == filter->id);
}

/* Returns where the page ends. */
static int64_t fill_report(const struct store_mem *mem, const struct state *state,
    const struct ingestion_row *owner, struct store_report *report)
{
	int64_t end = owner->ingestion.counts.ids, at = report->from, bytes = 0;

	if (end - at > STORE_REPORT_IDS)
		end = at + STORE_REPORT_IDS;
	for (; at < end && (int64_t)report->page.n < report->limit && bytes < STORE_PAGE_BYTES;
	     at++) {
		struct report_entry entry = entry_of(mem, state, owner, at);

		if (is_wanted(&report->filter, &entry)) {
			bytes += STORE_REPORT_ENTRY_BYTES + text_bytes(entry.error);
			*report_page_add(&report->page) = entry;
		} else {
			free(entry.error);
		}
	}
	return at;
}

void mem_report(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct store_report *report = &op->report;
	const struct ingestion_row *owner = find_uuid(state, &report->uuid);
	int64_t at;

	if (!owner) {
		fail_set(&op->fail, ERR_NOT_FOUND, NULL);
		return;
	}
	report->page.next = -1;
	if (owner->ingestion.stage != STAGE_SEALED)
		return;
	at = fill_report(mem, state, owner, report);
	if (at < owner->ingestion.counts.ids)
		report->page.next = at;
}

/* ---- list ---- */

static int newer_first(const void *a, const void *b)
{
	const struct ingestion_row *x = *(const struct ingestion_row *const *)a;
	const struct ingestion_row *y = *(const struct ingestion_row *const *)b;

	return x < y ? 1 : -1;
}

static int greater_id_first(const void *a, const void *b)
{
	const struct ingestion_row *x = *(const struct ingestion_row *const *)a;
	const struct ingestion_row *y = *(const struct ingestion_row *const *)b;

	return memcmp(&y->ingestion.uuid, &x->ingestion.uuid, sizeof(struct uuid));
}

/* What is looked at: those with the beginning of the id or with the number, or all of them. */
static size_t candidates(
    const struct state *state, const struct list_filter *filter, const struct ingestion_row **rows)
{
	bool by_id = filter->seq == 0 && filter->id_prefix[0];
	struct list_filter only = {.seq = filter->seq};
	size_t n = 0;

	if (by_id)
		strcpy(only.id_prefix, filter->id_prefix);
	for (size_t i = 0; i < state->n_ingestions; i++)
		if (list_filter_matches(&only, &state->ingestions[i].ingestion))
			rows[n++] = &state->ingestions[i];
	qsort(rows, n, sizeof(*rows), by_id ? greater_id_first : newer_first);
	return n;
}

/* Behind the row that the cursor names; false: it names none. */
static bool find_start(const char *cursor, const struct ingestion_row **rows, size_t n, size_t *at)
{
	struct uuid last;

	*at = 0;
	if (!cursor[0])
		return true;
	if (!uuid_parse(cursor, &last))
		return false;
	for (*at = 0; *at < n; ++*at)
		if (memcmp(&rows[*at]->ingestion.uuid, &last, sizeof(last)) == 0) {
			++*at;
			return true;
		}
	return false;
}

static void fill_list(const struct state *state, struct store_list *list,
    const struct ingestion_row **rows, size_t at, size_t n)
{
	size_t end = n - at < STORE_LIST_ROWS ? n : at + STORE_LIST_ROWS;

	for (; at < end && (int64_t)list->page.n < list->limit; at++) {
		struct ingestion ingestion = whole(state, rows[at]);

		if (list_filter_matches(&list->filter, &ingestion))
			*list_page_add(&list->page) = ingestion;
	}
	if (at < n)
		uuid_format(&rows[at - 1]->ingestion.uuid, list->page.next);
}

void mem_list(struct store_mem *mem, struct state *state, struct store_op *op)
{
	const struct ingestion_row **rows = xmalloc((state->n_ingestions + 1) * sizeof(*rows));
	size_t n = candidates(state, &op->list.filter, rows), at;

	(void)mem;
	if (find_start(op->list.cursor, rows, n, &at))
		fill_list(state, &op->list, rows, at, n);
	else
		fail_set(&op->fail, ERR_INVALID, NULL);
	free(rows);
}

/* ---- stats ---- */

void mem_stats(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct store_stats *stats = &op->stats;

	*stats = (struct store_stats){.ledger = state->ledger, .control = control_of(mem, state)};
	for (size_t i = 0; i < state->n_ingestions; i++) {
		struct ingestion ingestion = whole(state, &state->ingestions[i]);

		stats->lanes[ingestion.priority - PRIORITY_HIGH]
		    .ingestions[ingestion_status_of(&ingestion)]++;
		stats->notices += state->ingestions[i].notice.is_there;
	}
	for (size_t i = 0; i < state->n_batches; i++) {
		const struct batch_row *row = &state->batches[i];
		struct lane_total *lane =
		    &stats->lanes[owner_of(state, row)->priority - PRIORITY_HIGH];

		lane->batches[row->batch.status]++;
		lane->later += row->due_ms > 0;
		if (!in_line(row))
			continue;
		lane->ids += count_ids(state, row, ID_PENDING);
		if (lane->oldest_ms == 0)
			lane->oldest_ms = owner_of(state, row)->created_ms;
	}
	stats->uploads = count_stage(state, STAGE_RECEIVING, &stats->upload_ids);
}
