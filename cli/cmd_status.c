/* The command status. */
#include "args.h"
#include "client.h"
#include "clock.h"
#include "cmd.h"
#include "exits.h"
#include "follow.h"
#include "handle.h"
#include "idlist.h"
#include "out.h"
#include "page.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct status {
	struct handle handle;
	bool has_handle;
	bool json, watch, all, verbose;
	int64_t from_batch;
	/* What --watch has printed last: */
	int64_t last_version;
	char last_line[96]; /* without the time */
};

static const struct opt opts[] = {
    {'w', "watch", NULL, "show changes until the ingestion has ended", NULL},
    {'v', "verbose", NULL, "with what the handler wrote in the last attempt of each batch", NULL},
    {ARGS_FROM, "from", "BATCH", "begin at the batch with this index", NULL},
    {ARGS_ALL, "all", NULL, "all batches, not only the first 1000", NULL},
    {ARGS_JSON, "json", NULL, "JSON instead of text, one object per line", NULL},
    {0},
};

static int take_id(struct status *status, const char *text)
{
	if (status->has_handle)
		return out_fail(
		    EXITS_USAGE, "unexpected argument \"%.64s\": one id at a time", text);
	status->has_handle = true;
	return handle_parse(text, &status->handle);
}

static int take_arg(void *arg, int key, const char *value)
{
	struct status *status = arg;

	switch (key) {
	case 'w':
		status->watch = true;
		return ARGS_GO_ON;
	case 'v':
		status->verbose = true;
		return ARGS_GO_ON;
	case ARGS_FROM:
		if (!parse_u63(value, strlen(value), &status->from_batch) ||
		    status->from_batch > IDLIST_MAX)
			return out_fail(EXITS_USAGE,
			    "batch \"%.40s\" is not an integer from 0 to %d", value, IDLIST_MAX);
		return ARGS_GO_ON;
	case ARGS_ALL:
		status->all = true;
		return ARGS_GO_ON;
	case ARGS_JSON:
		status->json = true;
		return ARGS_GO_ON;
	default:
		return take_id(status, value);
	}
}

/* ---- pages ---- */

static void print_page(const struct status *status, const struct wire_reply *reply, bool first)
{
	const struct status_page *page = &reply->status;
	struct buf out = {0};

	if (status->json) {
		wire_write_result(WIRE_STATUS, reply, &out);
		out_data(&out);
		return;
	}
	if (first)
		page_print_head(&page->ingestion);
	if (first && page->n > 0) {
		printf("\n");
		page_print_titles(&page->ingestion);
	}
	page_print_rows(page);
}

/* What the page left out, said on stderr. */
static void say_rest(const struct status *status, const struct status_page *page)
{
	int64_t batches = page->ingestion.counts.batches;

	if (page->next_batch >= 0) {
		out_flush();
		out_say("%" PRId64 " more batches: --from %" PRId64
			" shows the next, --all shows all",
		    batches - page->next_batch, page->next_batch);
	} else if (page->n == 0 && batches > 0) {
		out_flush();
		out_say("there is no batch %" PRId64 ": the last one is %" PRId64,
		    status->from_batch, batches - 1);
	}
}

static int show(struct status *status, struct client *client, struct fail *fail)
{
	struct wire_status request = {.ingestion = status->handle.uuid,
	    .from_batch = status->from_batch,
	    .limit = WIRE_STATUS_LIMIT,
	    .output = status->verbose};
	struct wire_reply reply;

	for (bool first = true; request.from_batch >= 0; first = false) {
		int64_t from = request.from_batch;
		int result = client_status(client, &request, &reply, fail);

		if (result)
			return result;
		print_page(status, &reply, first);
		status->last_version = reply.status.ingestion.version;
		if (!status->all && !(status->watch && status->json))
			say_rest(status, &reply.status);
		/* Pages go forward, whatever the reply says. */
		request.from_batch =
		    status->all && reply.status.next_batch > from ? reply.status.next_batch : -1;
		wire_reply_free(&reply);
	}
	return 0;
}

/* ---- watching ---- */

static void print_change(struct status *status, const struct ingestion *now)
{
	char time[TIME_TEXT_SIZE], line[sizeof(status->last_line)];

	if (now->stage == STAGE_SEALED)
		snprintf(line, sizeof(line), "%s %" PRId64 "/%" PRId64,
		    ingestion_status_name(ingestion_status_of(now)), follow_done(&now->counts),
		    now->counts.batches);
	else
		snprintf(line, sizeof(line), "%s %" PRId64 " ids",
		    ingestion_status_name(ingestion_status_of(now)), now->counts.ids);
	if (strcmp(line, status->last_line) == 0)
		return;
	strcpy(status->last_line, line);
	format_time(clock_utc_ms(clock_system()), time);
	printf("%s %s\n", time, line);
	out_flush();
}

static int on_change(struct follow *follow, struct followed *one, struct fail *fail)
{
	struct status *status = follow->arg;

	/* The page may be newer than the change that it is printed for. */
	if (status->json)
		return one->now.version > status->last_version ? show(status, follow->client, fail)
		                                               : 0;
	if (!follow->bar.file)
		print_change(status, &one->now);
	return 0;
}

static int watch(struct status *status, struct client *client, const char *socket)
{
	struct followed one = {.uuid = status->handle.uuid};
	struct follow follow = {
	    .client = client,
	    .list = &one,
	    .n = 1,
	    .timeout_ns = -1,
	    .socket = socket,
	    .bar.file = !status->json && out_is_live(stdout) ? stdout : NULL,
	    .changed = on_change,
	    .arg = status,
	};

	return follow_run(&follow);
}

static int run_connected(struct status *status, struct client *client, const char *socket)
{
	struct fail fail;
	int result = client_open(client, socket, &fail);

	if (!result)
		result = handle_find(client, &status->handle, &fail);
	if (result)
		return out_fail(result, "%s", fail.text);
	if (status->watch) {
		result = watch(status, client, socket);
		/* On a terminal the bar is gone now, and the result takes its place. */
		if (result || status->json || !out_is_live(stdout))
			return result;
	}
	result = show(status, client, &fail);
	return result ? out_fail(result, "%s", fail.text) : 0;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct client client = CLIENT_INIT;
	struct status status = {0};
	int result = args_parse(&cmd_status, env, argc, argv, take_arg, &status);

	if (result != ARGS_GO_ON)
		return result;
	if (!status.has_handle)
		return out_fail(EXITS_USAGE, "the status of what? give an ingestion id");
	result = run_connected(&status, &client, env->socket);
	client_close(&client);
	return result;
}

const struct cmd cmd_status = {
    .name = "status",
    .summary = "Shows what has become of an ingestion and its batches",
    .operands = "ID",
    .about =
	"--watch draws a progress bar if stdout is a terminal, else it prints a line per change.",
    .opts = opts,
    .exits = "0  shown, whatever the status is\n"
	     "3  the daemon is not reachable\n"
	     "6  there is no such ingestion\n"
	     "130  interrupted; the ingestion goes on",
    .example = "ingestctl status --watch 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42",
    .run = run,
};
