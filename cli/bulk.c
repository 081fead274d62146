#include "bulk.h"

#include "bar.h"
#include "client.h"
#include "clock.h"
#include "exits.h"
#include "out.h"
#include "util.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUSY_NS (30 * NS_PER_S) /* how long a daemon that is busy is asked again */

int bulk_take(struct bulk *bulk, int key, const char *value)
{
	struct wire_bulk *request = &bulk->request;
	int status = ARGS_GO_ON;

	if (key == ARGS_DRY_RUN)
		request->dry_run = true;
	else if (key == 'y')
		bulk->yes = true;
	else
		status = select_take(&request->filter, &request->older_than_ms, key, value);
	if (status != SELECT_OTHER)
		bulk->wanted = true;
	return status;
}

static bool can_ask(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

int bulk_check(const struct bulk *bulk)
{
	const struct wire_bulk *request = &bulk->request;
	const struct list_filter *filter = &request->filter;

	if (!filter->has_status && !filter->has_priority && !filter->label[0] &&
	    request->older_than_ms == 0)
		return out_fail(EXITS_USAGE,
		    "%s what? give ids, or at least one of --status, --priority, --label, "
		    "--older-than",
		    wire_method_name(request->verb));
	if (!request->dry_run && !bulk->yes && !can_ask())
		return out_fail(EXITS_USAGE,
		    "this would change many ingestions and there is no terminal to ask on: add "
		    "--yes, or --dry-run to count them");
	return ARGS_GO_ON;
}

/* ---- steps ---- */

/* One step; a daemon that is busy is asked again for a while. */
static int step(struct client *client, const struct wire_bulk *bulk, struct wire_reply *reply,
    struct fail *fail)
{
	int64_t until = clock_boot_ns(clock_system()) + BUSY_NS;

	for (;;) {
		struct wire_request request = {.method = WIRE_BULK, .bulk = *bulk};
		int status;

		*fail = (struct fail){0}; /* of an earlier try */
		status = client_call(client, &request, reply, fail);
		if (status != EXITS_BUSY || client->fd < 0 || clock_boot_ns(clock_system()) > until)
			return status;
		poll(NULL, 0, (int)fail_retry_ms(fail));
	}
}

static void draw(struct bar *bar, const struct wire_bulk_reply *sum, int64_t total)
{
	struct bar_state state = {
	    .done = sum->matched < total ? sum->matched : total, .total = total};
	char count[64];

	snprintf(count, sizeof(count), "  %" PRId64 " ingestions", sum->matched);
	bar_add(&state, count, BAR_ALWAYS);
	bar_draw(bar, &state);
}

/* All steps; `total` is for the progress, 0 when it is not known. */
static int all_steps(struct client *client, struct wire_bulk bulk, int64_t total,
    struct wire_bulk_reply *sum, struct fail *fail)
{
	struct bar bar = {.file = out_is_live(stderr) ? stderr : NULL};
	struct wire_reply reply;
	int status;

	*sum = (struct wire_bulk_reply){0};
	do {
		status = step(client, &bulk, &reply, fail);
		if (status)
			break;
		sum->matched += reply.bulk.matched;
		sum->changed += reply.bulk.changed;
		sum->refused += reply.bulk.refused;
		strcpy(bulk.cursor, reply.bulk.next);
		wire_reply_free(&reply);
		draw(&bar, sum, total);
	} while (bulk.cursor[0]);
	bar_clear(&bar);
	return status;
}

/* ---- talk ---- */

static void print_sum(const struct bulk *bulk, const struct wire_bulk_reply *sum, bool counted)
{
	const struct wire_reply reply = {.bulk = *sum};
	struct buf out = {0};

	if (bulk->json) {
		wire_write_result(WIRE_BULK, &reply, &out);
	} else {
		buf_printf(&out, "%" PRId64 " ingestion%s", sum->matched,
		    sum->matched == 1 ? " matches" : "s match");
		if (!counted)
			buf_printf(&out, ", %" PRId64 " changed, %" PRId64 " refused", sum->changed,
			    sum->refused);
		buf_add_str(&out, "\n");
	}
	out_data(&out);
}

static bool agrees(const struct bulk *bulk, int64_t matched)
{
	char line[16] = "";

	out_say("%s %" PRId64 " ingestion%s? [y/N]", wire_method_name(bulk->request.verb), matched,
	    matched == 1 ? "" : "s");
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static int run_connected(const struct bulk *bulk, struct client *client, struct fail *fail)
{
	struct wire_bulk count = bulk->request;
	struct wire_bulk_reply sum;
	int status;

	count.dry_run = true;
	status = all_steps(client, count, 0, &sum, fail);
	if (status)
		return status;
	if (bulk->request.dry_run || sum.matched == 0) {
		print_sum(bulk, &sum, true);
		return EXITS_YES;
	}
	if (!bulk->yes && !agrees(bulk, sum.matched)) {
		out_say("nothing was changed");
		return EXITS_NO;
	}
	status = all_steps(client, bulk->request, sum.matched, &sum, fail);
	print_sum(bulk, &sum, false);
	return status ? status : sum.refused > 0 ? EXITS_NO : EXITS_YES;
}

int bulk_run(const struct bulk *bulk, const char *socket)
{
	struct client client = CLIENT_INIT;
	struct fail fail = {0};
	int status = client_open(&client, socket, &fail);

	if (!status)
		status = run_connected(bulk, &client, &fail);
	client_close(&client);
	return status && fail.err ? out_fail(status, "%s", fail.text) : status;
}
