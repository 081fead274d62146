#include "page.h"

#include "clock.h"
#include "idlist.h"
#include "out.h"
#include "utf8.h"
#include "util.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS_WIDTH_MIN 24
#define DAY_MS (86400 * 1000)

static const char *const batch_colours[BATCH_STATUS_COUNT] = {
    [BATCH_YET_TO_START] = "",
    [BATCH_TRIGGERED] = "\033[36m",
    [BATCH_RETRYING] = "\033[33m",
    [BATCH_COMPLETED] = OUT_GREEN,
    [BATCH_FAILED] = OUT_RED,
    [BATCH_CANCELLED] = "\033[33m",
};

static const char *const ingestion_colours[INGESTION_STATUS_COUNT] = {
    [INGESTION_YET_TO_START] = "",
    [INGESTION_TRIGGERED] = "\033[36m",
    [INGESTION_COMPLETED] = OUT_GREEN,
    [INGESTION_FAILED] = OUT_RED,
    [INGESTION_RECEIVING] = "\033[35m",
    [INGESTION_CANCELLED] = "\033[33m",
    [INGESTION_CANCELLING] = "\033[33m",
};

/* ---- head ---- */

static void print_time(const char *name, int64_t utc_ms)
{
	char text[TIME_TEXT_SIZE] = "-";

	if (utc_ms > 0)
		format_time(utc_ms, text);
	printf("%-10s %s\n", name, text);
}

/* Of an upload that has no batches, or will never have any. */
static void summarize_upload(const struct ingestion *ingestion, char text[PAGE_SUMMARY_SIZE])
{
	snprintf(text, PAGE_SUMMARY_SIZE, "%" PRId64 " id%s received%s", ingestion->counts.ids,
	    ingestion->counts.ids == 1 ? "" : "s",
	    ingestion->stage == STAGE_RECEIVING ? " so far" : ", none of them submitted");
}

void page_summary(const struct ingestion *ingestion, char text[PAGE_SUMMARY_SIZE])
{
	const struct counts *counts = &ingestion->counts;
	int len;

	if (ingestion->stage != STAGE_SEALED) {
		summarize_upload(ingestion, text);
		return;
	}
	len = snprintf(text, PAGE_SUMMARY_SIZE, "%" PRId64 " of %" PRId64 " batch%s completed",
	    counts->by_status[BATCH_COMPLETED], counts->batches, counts->batches == 1 ? "" : "es");
	for (int i = BATCH_TRIGGERED; i < BATCH_STATUS_COUNT; i++)
		if (i != BATCH_COMPLETED && counts->by_status[i] > 0)
			len += snprintf(text + len, (size_t)(PAGE_SUMMARY_SIZE - len),
			    ", %" PRId64 " %s", counts->by_status[i],
			    batch_status_name((enum batch_status)i));
}

void page_print_status(enum ingestion_status status, int width)
{
	out_coloured(ingestion_status_name(status), width, ingestion_colours[status]);
}

/* What has become of single ids, and in how many attempts. */
static void print_outcomes(const struct counts *counts)
{
	int64_t given_up = counts->ids_cancelled + counts->ids_unknown;

	printf("%-10s %" PRId64 " completed, %" PRId64 " failed, ", "outcomes",
	    counts->ids_completed, counts->ids_failed);
	if (given_up > 0)
		printf("%" PRId64 " cancelled, %" PRId64 " unknown, ", counts->ids_cancelled,
		    counts->ids_unknown);
	printf("%" PRId64 " pending\n",
	    counts->ids - counts->ids_completed - counts->ids_failed - given_up);
	printf("%-10s %" PRId64, "attempts", counts->attempts);
	if (counts->retries > 0)
		printf(", %" PRId64 " of them retries", counts->retries);
	printf("\n");
}

void page_print_head(const struct ingestion *ingestion)
{
	char id[UUID_TEXT_SIZE], label[LABEL_MAX + 1], summary[PAGE_SUMMARY_SIZE];

	uuid_format(&ingestion->uuid, id);
	page_summary(ingestion, summary);
	printf("%-10s %s\n%-10s ", "ingestion", id, "status");
	page_print_status(ingestion_status_of(ingestion), 0);
	printf("\n%-10s %s\n", "priority", priority_name(ingestion->priority));
	if (ingestion->label[0]) {
		utf8_clean(label, sizeof(label), ingestion->label);
		printf("%-10s %s\n", "label", label);
	}
	if (ingestion->seq > 0)
		printf("%-10s %" PRId64 "\n", "number", ingestion->seq);
	print_time("submitted", ingestion->created_ms);
	print_time("started", ingestion->started_ms);
	print_time("finished", ingestion->finished_ms);
	if (ingestion->cancelled_by[0]) {
		utf8_clean(label, sizeof(label), ingestion->cancelled_by);
		printf("%-10s by %s\n", "cancelled", label);
	}
	if (ingestion->stage == STAGE_SEALED)
		printf("%-10s %" PRId64 " in batches of %" PRId64 "\n", "ids",
		    ingestion->counts.ids, ingestion->batch_size);
	printf("%-10s %s\n", "progress", summary);
	if (ingestion->counts.attempts > 0 || ingestion->counts.ids_cancelled > 0)
		print_outcomes(&ingestion->counts);
}

/* ---- batches ---- */

/* Columns of the table; they depend on the ingestion alone, so that all its pages look alike. */
struct layout {
	int index;
	int status;
	int time;
	bool dates; /* whether times need their day */
	int ids;
};

static struct layout layout_of(const struct ingestion *ingestion)
{
	int64_t now = clock_utc_ms(clock_system());
	int64_t last = ingestion->finished_ms > 0 ? ingestion->finished_ms : now;
	struct layout layout = {.status = (int)strlen("yet_to_start")};
	int used;

	layout.index = snprintf(NULL, 0, "%" PRId64, ingestion->counts.batches - 1);
	if (layout.index < (int)strlen("INDEX"))
		layout.index = (int)strlen("INDEX");
	layout.dates = ingestion->created_ms / DAY_MS != last / DAY_MS;
	layout.time = (int)strlen(layout.dates ? "2000-01-01T00:00:00.000Z" : "00:00:00.000Z");
	used = layout.index + layout.status + (int)strlen("ATTEMPTS") + 2 * layout.time + 5 * 2;
	layout.ids = out_width(stdout) - used;
	if (layout.ids < IDS_WIDTH_MIN)
		layout.ids = IDS_WIDTH_MIN;
	return layout;
}

static void format_cell_time(const struct layout *layout, int64_t utc_ms, char text[TIME_TEXT_SIZE])
{
	char full[TIME_TEXT_SIZE] = "-";

	if (utc_ms > 0)
		format_time(utc_ms, full);
	strcpy(text, layout->dates || utc_ms == 0 ? full : full + strlen("2000-01-01T"));
}

/* Appends as many ids as fit into `width` columns, but one in any case; returns their number. */
static size_t add_fitting(const int64_t *ids, size_t n, size_t width, struct buf *out)
{
	size_t added = 0;

	for (; added < n; added++) {
		size_t end = out->len;

		buf_add_str(out, added > 0 ? " " : "");
		idlist_format(&ids[added], 1, ' ', out);
		if (added > 0 && out->len > width) {
			out->len = end;
			break;
		}
	}
	return added;
}

static void print_ids(const int64_t *ids, size_t n, int width)
{
	struct buf text = {0};
	size_t shown = add_fitting(ids, n, (size_t)width, &text);

	if (shown < n) {
		text.len = 0;
		shown = add_fitting(ids, n, (size_t)width - strlen(" ... (+1000)"), &text);
		buf_printf(&text, " ... (+%zu)", n - shown);
	}
	buf_add_str(&text, "\n");
	fwrite(text.data, 1, text.len, stdout);
	buf_free(&text);
}

static void print_row(
    const struct status_page *page, const struct batch *batch, const struct layout *layout)
{
	char started[TIME_TEXT_SIZE], finished[TIME_TEXT_SIZE];

	format_cell_time(layout, batch->started_ms, started);
	format_cell_time(layout, batch->finished_ms, finished);
	printf("%*" PRId64 "  ", layout->index, batch->index);
	out_coloured(
	    batch_status_name(batch->status), layout->status, batch_colours[batch->status]);
	printf("  %8" PRId64 "  %-*s  %-*s  ", batch->attempts, layout->time, started, layout->time,
	    finished);
	print_ids(page->ids.v + batch->ids_at, batch->ids_n, layout->ids);
}

static void print_error(const char *error, const struct layout *layout)
{
	char text[512];

	utf8_clean(text, sizeof(text), error);
	printf("%*s  error: %s\n", layout->index, "", text);
}

/* What became of the ids that were given up. */
static void print_cancel(const struct batch *batch, const struct layout *layout)
{
	printf("%*s  %" PRId64 " of %zu id%s cancelled", layout->index, "", batch->ids_cancelled,
	    batch->ids_n, batch->ids_n == 1 ? "" : "s");
	if (batch->ids_unknown > 0)
		printf(", %" PRId64 " unknown", batch->ids_unknown);
	printf("\n");
}

/* How many of its ids are done, and when the others are tried again. */
static void print_retry(const struct batch *batch, const struct layout *layout)
{
	int64_t ids = (int64_t)batch->ids_n, left = ids - batch->ids_completed - batch->ids_failed;
	char time[TIME_TEXT_SIZE];

	printf("%*s  %" PRId64 " of %" PRId64 " id%s to be tried again", layout->index, "", left,
	    ids, ids == 1 ? "" : "s");
	if (batch->retry_ms > 0) {
		format_time(batch->retry_ms, time);
		printf(" at %s", time);
	}
	printf("\n");
}

/* Tabs become spaces; other control characters are no good for a terminal. */
static void print_line(const char *text, size_t len, const struct layout *layout)
{
	char *line = xmalloc(len + 1), *clean = xmalloc(len + 1);

	memcpy(line, text, len);
	line[len] = '\0';
	for (char *tab = line; (tab = strchr(tab, '\t'));)
		*tab = ' ';
	utf8_clean(clean, len + 1, line);
	printf("%*s    %s\n", layout->index, "", clean);
	free(line);
	free(clean);
}

static void print_output(const char *name, const struct output *output, const struct layout *layout)
{
	const char *at = output->text;

	if (!at)
		return;
	printf("%*s  %s, %" PRId64 " byte%s:\n", layout->index, "", name, output->bytes,
	    output->bytes == 1 ? "" : "s");
	while (*at) {
		size_t len = strcspn(at, "\n");

		print_line(at, len, layout);
		at += len + (at[len] == '\n');
	}
}

/* The lines below the row. */
static void print_details(const struct batch *batch, const struct layout *layout)
{
	if (batch->error)
		print_error(batch->error, layout);
	if (batch->status == BATCH_RETRYING)
		print_retry(batch, layout);
	if (batch->status == BATCH_CANCELLED)
		print_cancel(batch, layout);
	print_output("stdout", &batch->out, layout);
	print_output("stderr", &batch->err, layout);
}

void page_print_titles(const struct ingestion *ingestion)
{
	struct layout layout = layout_of(ingestion);

	printf("%*s  %-*s  ATTEMPTS  %-*s  %-*s  IDS\n", layout.index, "INDEX", layout.status,
	    "STATUS", layout.time, "STARTED", layout.time, "FINISHED");
}

void page_print_rows(const struct status_page *page)
{
	struct layout layout = layout_of(&page->ingestion);

	for (size_t i = 0; i < page->n; i++) {
		print_row(page, &page->batches[i], &layout);
		print_details(&page->batches[i], &layout);
	}
}
