#include "report_print.h"

#include "buf.h"
#include "out.h"
#include "utf8.h"
#include "util.h"
#include "wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct report_format {
	const char *name;
	/* In front of the first entries; `page` is NULL when there are none. NULL: nothing. */
	void (*begin)(struct report_print *print, const struct report_page *page);
	void (*entry)(const struct report_print *print, const struct report_entry *entry);
};

/* ---- table ---- */

#define ERROR_SIZE 512

static void widen(int *width, const char *title, int64_t value)
{
	int len = snprintf(NULL, 0, "%" PRId64, value);

	if (*width < (int)strlen(title))
		*width = (int)strlen(title);
	if (*width < len)
		*width = len;
}

static void begin_table(struct report_print *print, const struct report_page *page)
{
	for (size_t i = 0; page && i < page->n; i++) {
		widen(&print->position, "POSITION", page->v[i].position);
		widen(&print->id, "ID", page->v[i].id);
		widen(&print->batch, "BATCH", page->v[i].batch);
	}
	if (page)
		printf("%*s  %*s  %*s  %-9s  ATTEMPTS  %-20s  %-20s  ERROR\n", print->position,
		    "POSITION", print->id, "ID", print->batch, "BATCH", "OUTCOME", "STARTED",
		    "FINISHED");
}

/* Seconds are enough here. */
static void format_seconds(int64_t utc_ms, char text[TIME_TEXT_SIZE])
{
	strcpy(text, "-");
	if (utc_ms == 0)
		return;
	format_time(utc_ms, text);
	strcpy(text + strlen("2000-01-01T00:00:00"), "Z");
}

static void print_row(const struct report_print *print, const struct report_entry *entry)
{
	char started[TIME_TEXT_SIZE], finished[TIME_TEXT_SIZE], error[ERROR_SIZE];

	format_seconds(entry->started_ms, started);
	format_seconds(entry->finished_ms, finished);
	utf8_clean(error, sizeof(error), entry->error ? entry->error : "-");
	printf("%*" PRId64 "  %*" PRId64 "  %*" PRId64 "  ", print->position, entry->position,
	    print->id, entry->id, print->batch, entry->batch);
	out_coloured(id_outcome_name(entry->outcome), 9,
	    entry->outcome == ID_FAILED      ? OUT_RED
	    : entry->outcome == ID_COMPLETED ? OUT_GREEN
					     : "");
	printf("  %8" PRId64 "  %-20s  %-20s  %s\n", entry->attempts, started, finished, error);
}

/* ---- CSV (RFC 4180, but that lines end in LF) ---- */

static void begin_csv(struct report_print *print, const struct report_page *page)
{
	(void)print, (void)page;
	printf("position,id,batch,outcome,attempts,started_at,finished_at,error\n");
}

static void print_csv_time(int64_t utc_ms)
{
	char text[TIME_TEXT_SIZE] = "";

	if (utc_ms > 0)
		format_time(utc_ms, text);
	printf(",%s", text);
}

static void print_csv_text(const char *text)
{
	bool quoted = text[strcspn(text, ",\"\r\n")] != '\0';

	fputs(quoted ? ",\"" : ",", stdout);
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	fputs(quoted ? "\"\n" : "\n", stdout);
}

static void print_csv(const struct report_print *print, const struct report_entry *entry)
{
	(void)print;
	printf("%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,%" PRId64, entry->position, entry->id,
	    entry->batch, id_outcome_name(entry->outcome), entry->attempts);
	print_csv_time(entry->started_ms);
	print_csv_time(entry->finished_ms);
	print_csv_text(entry->error ? entry->error : "");
}

/* ---- JSON, an object per line ---- */

static void print_json(const struct report_print *print, const struct report_entry *entry)
{
	struct buf line = {0};

	(void)print;
	wire_write_entry(entry, &line);
	fwrite(line.data, 1, line.len, stdout);
	buf_free(&line);
}

/* ---- formats ---- */

static const struct report_format formats[] = {
    {"table", begin_table, print_row},
    {"csv", begin_csv, print_csv},
    {"jsonl", NULL, print_json},
};

bool report_print_choose(struct report_print *print, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(formats); i++)
		if (strcmp(formats[i].name, name) == 0) {
			print->format = &formats[i];
			return true;
		}
	return false;
}

static void begin(struct report_print *print, const struct report_page *page)
{
	if (!print->begun && print->format->begin)
		print->format->begin(print, page);
	print->begun = true;
}

void report_print_page(struct report_print *print, const struct report_page *page)
{
	if (page->n > 0)
		begin(print, page);
	for (size_t i = 0; i < page->n; i++)
		print->format->entry(print, &page->v[i]);
}

void report_print_end(struct report_print *print)
{
	begin(print, NULL);
}
