/* The command list. */
#include "args.h"
#include "client.h"
#include "cmd.h"
#include "exits.h"
#include "follow.h"
#include "json.h"
#include "out.h"
#include "page.h"
#include "select.h"
#include "utf8.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_DEFAULT 50
#define LABEL_WIDTH_MAX 32

struct list {
	struct wire_list request; /* the limit is that of the next page */
	int64_t limit; /* how many to show */
	bool all, json;
};

static const struct opt opts[] = {
    SELECT_OPTS,
    {ARGS_ID, "id", "PREFIX", "only those whose id begins like that", NULL},
    {ARGS_SEQ, "seq", "N", "only the one with this number", NULL},
    {'n', "limit", "N", "show at most so many; 50 if not given", NULL},
    {ARGS_ALL, "all", NULL, "show all, whatever their number", NULL},
    {ARGS_CURSOR, "cursor", "C", "go on where another list has ended", NULL},
    {ARGS_JSON, "json", NULL, "JSON instead of a table, one object per line", NULL},
    {0},
};

/* ---- arguments ---- */

static int take_id(struct list_filter *filter, const char *text)
{
	struct uuid low, high;

	if (strlen(text) >= UUID_TEXT_SIZE || !uuid_prefix(text, &low, &high))
		return out_fail(
		    EXITS_USAGE, "\"%.64s\" is not the beginning of an ingestion id", text);
	strcpy(filter->id_prefix, text);
	return ARGS_GO_ON;
}

static int take_number(const char *name, const char *text, int64_t *number)
{
	if (parse_u63(text, strlen(text), number) && *number > 0 && *number <= JSON_MAX_EXACT)
		return ARGS_GO_ON;
	return out_fail(EXITS_USAGE, "%s \"%.40s\" is not an integer from 1 to %" PRId64, name,
	    text, JSON_MAX_EXACT);
}

static int take_cursor(struct wire_list *request, const char *text)
{
	if (!*text || strlen(text) >= sizeof(request->cursor))
		return out_fail(EXITS_USAGE, "\"%.64s\" is not the cursor of another list", text);
	strcpy(request->cursor, text);
	return ARGS_GO_ON;
}

static int take_arg(void *arg, int key, const char *value)
{
	struct list *list = arg;
	struct list_filter *filter = &list->request.filter;
	int status = select_take(filter, &list->request.older_than_ms, key, value);

	if (status != SELECT_OTHER)
		return status;
	switch (key) {
	case ARGS_ID:
		return take_id(filter, value);
	case ARGS_SEQ:
		return take_number("number", value, &filter->seq);
	case 'n':
		return take_number("limit", value, &list->limit);
	case ARGS_CURSOR:
		return take_cursor(&list->request, value);
	case ARGS_ALL:
		list->all = true;
		return ARGS_GO_ON;
	case ARGS_JSON:
		list->json = true;
		return ARGS_GO_ON;
	default:
		return out_fail(EXITS_USAGE,
		    "unexpected argument \"%.64s\"; status shows a single ingestion", value);
	}
}

/* ---- JSON ---- */

/* One object per line: the page without what is around its only element. */
static void print_object(const struct ingestion *ingestion)
{
	static const char before[] = "{\"ingestions\":[", after[] = "]}\n";
	struct ingestion copy = *ingestion;
	const struct wire_reply reply = {.list = {.v = &copy, .n = 1}};
	struct buf text = {0};

	wire_write_result(WIRE_LIST, &reply, &text);
	printf(
	    "%.*s\n", (int)(text.len - strlen(before) - strlen(after)), text.data + strlen(before));
	buf_free(&text);
}

/* ---- the table ---- */

/* Columns; they come from the first page, so that the others look alike. */
struct layout {
	int number, ids, failed, batches, label;
};

struct cells {
	char number[24], ids[24], failed[24], batches[48], submitted[TIME_TEXT_SIZE],
	    id[UUID_TEXT_SIZE];
	char label[LABEL_MAX + 1];
	int label_width; /* columns, about */
};

/* What a column shows. Labels that are too wide end with dots. */
static void fill_label(struct cells *cells, const char *label)
{
	size_t at = 0, cut = 0, len;

	utf8_clean(cells->label, sizeof(cells->label), label);
	len = strlen(cells->label);
	cells->label_width = 0;
	while (at < len && cells->label_width < LABEL_WIDTH_MAX) {
		at += utf8_length(cells->label + at, len - at);
		cells->label_width++;
		if (cells->label_width == LABEL_WIDTH_MAX - 3)
			cut = at;
	}
	if (at < len)
		strcpy(cells->label + cut, "...");
	if (len == 0) {
		strcpy(cells->label, "-");
		cells->label_width = 1;
	}
}

static void fill_cells(const struct ingestion *ingestion, struct cells *cells)
{
	const struct counts *counts = &ingestion->counts;
	int64_t done = follow_done(counts);

	strcpy(cells->number, "-");
	strcpy(cells->batches, "-");
	strcpy(cells->failed, "-");
	if (ingestion->seq > 0)
		snprintf(cells->number, sizeof(cells->number), "%" PRId64, ingestion->seq);
	if (ingestion->stage == STAGE_SEALED) {
		snprintf(cells->batches, sizeof(cells->batches), "%" PRId64 "/%" PRId64, done,
		    counts->batches);
		snprintf(cells->failed, sizeof(cells->failed), "%" PRId64, counts->ids_failed);
	}
	snprintf(cells->ids, sizeof(cells->ids), "%" PRId64, counts->ids);
	format_time(ingestion->created_ms, cells->submitted);
	/* Seconds are enough here. */
	strcpy(cells->submitted + strlen("2000-01-01T00:00:00"), "Z");
	uuid_format(&ingestion->uuid, cells->id);
	fill_label(cells, ingestion->label);
}

static void widen(int *width, int to)
{
	if (*width < to)
		*width = to;
}

static struct layout layout_of(const struct list_page *page)
{
	struct layout layout = {.number = (int)strlen("NUMBER"),
	    .ids = (int)strlen("IDS"),
	    .failed = (int)strlen("FAILED"),
	    .batches = (int)strlen("BATCHES"),
	    .label = (int)strlen("LABEL")};
	struct cells cells;

	for (size_t i = 0; i < page->n; i++) {
		fill_cells(&page->v[i], &cells);
		widen(&layout.number, (int)strlen(cells.number));
		widen(&layout.ids, (int)strlen(cells.ids));
		widen(&layout.failed, (int)strlen(cells.failed));
		widen(&layout.batches, (int)strlen(cells.batches));
		widen(&layout.label, cells.label_width);
	}
	return layout;
}

static void print_titles(const struct layout *layout)
{
	printf("%*s  %-12s  %-8s  %*s  %*s  %*s  %-20s  %-*s  ID\n", layout->number, "NUMBER",
	    "STATUS", "PRIORITY", layout->ids, "IDS", layout->failed, "FAILED", layout->batches,
	    "BATCHES", "SUBMITTED", layout->label, "LABEL");
}

static void print_row(const struct layout *layout, const struct ingestion *ingestion)
{
	struct cells cells;
	int padding;

	fill_cells(ingestion, &cells);
	padding = layout->label > cells.label_width ? layout->label - cells.label_width : 0;
	printf("%*s  ", layout->number, cells.number);
	page_print_status(ingestion_status_of(ingestion), 12);
	printf("  %-8s  %*s  %*s  %*s  %s  %s%*s  %s\n", priority_name(ingestion->priority),
	    layout->ids, cells.ids, layout->failed, cells.failed, layout->batches, cells.batches,
	    cells.submitted, cells.label, padding, "", cells.id);
}

/* ---- pages ---- */

static void print_page(
    const struct list *list, const struct list_page *page, struct layout *layout, bool first)
{
	if (first && !list->json && page->n > 0) {
		*layout = layout_of(page);
		print_titles(layout);
	}
	for (size_t i = 0; i < page->n; i++) {
		if (list->json)
			print_object(&page->v[i]);
		else
			print_row(layout, &page->v[i]);
	}
	out_flush();
}

/* What was not shown, said on stderr. */
static void say_rest(const struct list *list, int64_t shown)
{
	if (list->request.cursor[0])
		out_say("there are more: --cursor %s shows the next, --all shows all",
		    list->request.cursor);
	else if (shown == 0)
		out_say("there are none");
}

static int show(struct list *list, struct client *client, struct fail *fail)
{
	struct layout layout = {0};
	struct wire_reply reply;
	int64_t shown = 0;

	do {
		int64_t left = list->all ? WIRE_LIST_LIMIT : list->limit - shown;
		int status;

		list->request.limit = left < WIRE_LIST_LIMIT ? left : WIRE_LIST_LIMIT;
		status = client_list(client, &list->request, &reply, fail);
		if (status)
			return status;
		print_page(list, &reply.list, &layout, shown == 0);
		shown += (int64_t)reply.list.n;
		strcpy(list->request.cursor, reply.list.next);
		wire_reply_free(&reply);
	} while (list->request.cursor[0] && (list->all || shown < list->limit));
	say_rest(list, shown);
	return 0;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct client client = CLIENT_INIT;
	struct list list = {.limit = LIMIT_DEFAULT};
	struct fail fail;
	int status = args_parse(&cmd_list, env, argc, argv, take_arg, &list);

	if (status != ARGS_GO_ON)
		return status;
	status = client_open(&client, env->socket, &fail);
	if (!status)
		status = show(&list, &client, &fail);
	client_close(&client);
	return status ? out_fail(status, "%s", fail.text) : 0;
}

const struct cmd cmd_list = {
    .name = "list",
    .summary = "Lists ingestions, the newest first",
    .operands = "",
    .about =
	"Options that select can be combined. FAILED are ids; BATCHES those that have ended, of\n"
	"all.",
    .opts = opts,
    .exits = "0  listed, also when there are none\n"
	     "2  wrong usage\n"
	     "3  the daemon is not reachable",
    .example = "ingestctl list --status failed --priority HIGH",
    .run = run,
};
