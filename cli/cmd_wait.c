/* The command wait. */
#include "args.h"
#include "client.h"
#include "cmd.h"
#include "exits.h"
#include "follow.h"
#include "handle.h"
#include "out.h"
#include "util.h"

#include <stdio.h>
#include <stdlib.h>

struct wait {
	struct handle *handles; /* owned */
	struct followed *list; /* owned; the same ones, once they are known */
	size_t n;
	int64_t timeout_ns; /* negative: none */
	bool quiet, json;
};

static const struct opt opts[] = {
    {ARGS_TIMEOUT, "timeout", "D", "give up after this time, such as 90s or 1h30m", NULL},
    {'q', "quiet", NULL, "print nothing but errors", NULL},
    {ARGS_JSON, "json", NULL, "print the status of each as JSON, one per line", NULL},
    {0},
};

static int take_id(struct wait *wait, const char *text)
{
	wait->handles = xreallocarray(wait->handles, wait->n + 1, sizeof(*wait->handles));
	return handle_parse(text, &wait->handles[wait->n++]);
}

static int take_arg(void *arg, int key, const char *value)
{
	struct wait *wait = arg;

	switch (key) {
	case ARGS_TIMEOUT:
		if (!parse_duration(value, &wait->timeout_ns))
			return out_fail(EXITS_USAGE,
			    "timeout \"%.40s\" is not a duration such as 500ms, 90s or 1h30m",
			    value);
		return ARGS_GO_ON;
	case 'q':
		wait->quiet = true;
		return ARGS_GO_ON;
	case ARGS_JSON:
		wait->json = true;
		return ARGS_GO_ON;
	default:
		return take_id(wait, value);
	}
}

static int print_json(struct client *client, const struct uuid *uuid, struct fail *fail)
{
	const struct wire_status request = {.ingestion = *uuid, .limit = WIRE_STATUS_LIMIT};
	struct wire_reply reply;
	struct buf out = {0};
	int status = client_status(client, &request, &reply, fail);

	if (status)
		return status;
	wire_write_result(WIRE_STATUS, &reply, &out);
	wire_reply_free(&reply);
	out_data(&out);
	return 0;
}

static int print_end(struct follow *follow, struct followed *one, struct fail *fail)
{
	const struct wait *wait = follow->arg;
	char id[UUID_TEXT_SIZE];

	if (!one->final || wait->quiet)
		return 0;
	bar_clear(&follow->bar);
	if (wait->json)
		return print_json(follow->client, &one->uuid, fail);
	uuid_format(&one->uuid, id);
	printf("%s %s\n", id, ingestion_status_name(ingestion_status_of(&one->now)));
	out_flush();
	return 0;
}

static int find_all(struct wait *wait, struct client *client, struct fail *fail)
{
	wait->list = xcalloc(wait->n, sizeof(*wait->list));
	for (size_t i = 0; i < wait->n; i++) {
		int status = handle_find(client, &wait->handles[i], fail);

		if (status)
			return status;
		wait->list[i].uuid = wait->handles[i].uuid;
	}
	return 0;
}

static int wait_for_all(struct wait *wait, const char *socket)
{
	struct client client = CLIENT_INIT;
	struct follow follow = {
	    .client = &client,
	    .n = wait->n,
	    .timeout_ns = wait->timeout_ns,
	    .quiet = wait->quiet,
	    .socket = socket,
	    .bar.file = !wait->quiet && out_is_live(stderr) ? stderr : NULL,
	    .changed = print_end,
	    .arg = wait,
	};
	struct fail fail;
	int status = client_open(&client, socket, &fail);

	if (!status)
		status = find_all(wait, &client, &fail);
	if (status) {
		client_close(&client);
		return out_fail(status, "%s", fail.text);
	}
	follow.list = wait->list;
	status = follow_run(&follow);
	for (size_t i = 0; status == 0 && i < wait->n; i++)
		if (ingestion_status_of(&wait->list[i].now) != INGESTION_COMPLETED)
			status = EXITS_NO;
	client_close(&client);
	return status;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct wait wait = {.timeout_ns = -1};
	int status = args_parse(&cmd_wait, env, argc, argv, take_arg, &wait);

	if (status == ARGS_GO_ON && wait.n == 0)
		status = out_fail(EXITS_USAGE, "wait for what? give at least one ingestion id");
	if (status == ARGS_GO_ON)
		status = wait_for_all(&wait, env->socket);
	free(wait.handles);
	free(wait.list);
	return status;
}

const struct cmd cmd_wait = {
    .name = "wait",
    .summary = "Waits until ingestions have ended",
    .operands = "ID...",
    .about = "Prints \"ID STATUS\" when one ends; shows the progress if stderr is a terminal.",
    .opts = opts,
    .exits = "0  all completed\n"
	     "1  at least one failed or was cancelled\n"
	     "3  the daemon is not reachable, or was not for 10 s\n"
	     "6  one of them does not exist\n"
	     "7  the timeout came first\n"
	     "130  interrupted; the ingestions go on",
    .example = "ingestctl wait --timeout 1h 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42",
    .run = run,
};
