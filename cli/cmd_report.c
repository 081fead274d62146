/* The command report. */
#include "args.h"
#include "client.h"
#include "cmd.h"
#include "exits.h"
#include "handle.h"
#include "idlist.h"
#include "out.h"
#include "report_print.h"

#include <inttypes.h>
#include <string.h>

struct report {
	struct handle handle;
	bool has_handle;
	struct wire_report request;
	struct report_print print;
};

static const struct opt opts[] = {
    {ARGS_FAILED, "failed", NULL, "only ids that have failed", NULL},
    {ARGS_ID, "id", "N", "only the places of this id", NULL},
    {ARGS_FORMAT, "format", "F", "table, csv or jsonl; table if not given", REPORT_FORMATS},
    {ARGS_JSON, "json", NULL, "the same as --format jsonl: one object per line", NULL},
    {0},
};

static int take_ingestion(struct report *report, const char *text)
{
	if (report->has_handle)
		return out_fail(
		    EXITS_USAGE, "unexpected argument \"%.64s\": one ingestion at a time", text);
	report->has_handle = true;
	return handle_parse(text, &report->handle);
}

static int take_arg(void *arg, int key, const char *value)
{
	struct report *report = arg;

	switch (key) {
	case ARGS_FAILED:
		report->request.filter.failed = true;
		return ARGS_GO_ON;
	case ARGS_ID:
		if (!idlist_parse_id(value, strlen(value), &report->request.filter.id))
			return out_fail(EXITS_USAGE,
			    "id \"%.40s\" is not an integer from 1 to %" PRId64, value, INT64_MAX);
		return ARGS_GO_ON;
	case ARGS_FORMAT:
		if (!report_print_choose(&report->print, value))
			return out_fail(EXITS_USAGE,
			    "format \"%.40s\" is not one of these: " REPORT_FORMATS, value);
		return ARGS_GO_ON;
	case ARGS_JSON:
		report_print_choose(&report->print, "jsonl");
		return ARGS_GO_ON;
	default:
		return take_ingestion(report, value);
	}
}

/*
 * Page by page: what is in memory does not depend on the length of the list. What nobody reads is
 * not asked for either; out_finish() says what went wrong.
 */
static int show(struct report *report, struct client *client, struct fail *fail)
{
	struct wire_report *request = &report->request;
	bool goes_on = true;

	request->ingestion = report->handle.uuid;
	request->limit = WIRE_REPORT_LIMIT;
	while (goes_on) {
		struct wire_reply reply;
		int64_t next;
		int status = client_report(client, request, &reply, fail);

		if (status)
			return status;
		report_print_page(&report->print, &reply.report.page);
		next = reply.report.page.next;
		wire_reply_free(&reply);
		/* Pages go forward, whatever the reply says. */
		goes_on = next > request->from && out_flush();
		request->from = next;
	}
	if (!report->print.begun)
		out_say("there are none");
	report_print_end(&report->print);
	return 0;
}

static int run_connected(struct report *report, struct client *client, const char *socket)
{
	struct fail fail;
	int status = client_open(client, socket, &fail);

	if (!status)
		status = handle_find(client, &report->handle, &fail);
	if (!status)
		status = show(report, client, &fail);
	return status ? out_fail(status, "%s", fail.text) : 0;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct client client = CLIENT_INIT;
	struct report report = {.has_handle = false};
	int status;

	report_print_choose(&report.print, "table");
	status = args_parse(&cmd_report, env, argc, argv, take_arg, &report);
	if (status != ARGS_GO_ON)
		return status;
	if (!report.has_handle)
		return out_fail(EXITS_USAGE, "a report of what? give an ingestion id");
	status = run_connected(&report, &client, env->socket);
	client_close(&client);
	return status;
}

const struct cmd cmd_report = {
    .name = "report",
    .summary = "Lists the ids of an ingestion with the outcome of each",
    .operands = "ID",
    .about = "In the order in which they were submitted: all, or those that the options select.",
    .opts = opts,
    .exits = "0  listed, whatever the outcomes are\n"
	     "2  wrong usage\n"
	     "3  the daemon is not reachable\n"
	     "6  there is no such ingestion",
    .example = "ingestctl report --failed --format csv 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42",
    .run = run,
};
