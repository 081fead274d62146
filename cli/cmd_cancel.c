/* The command cancel. */
#include "args.h"
#include "client.h"
#include "cmd.h"
#include "exits.h"
#include "handle.h"
#include "out.h"
#include "util.h"

#include <stdio.h>
#include <stdlib.h>

struct cancel {
	struct handle *handles; /* owned */
	size_t n;
	bool json;
};

static const struct opt opts[] = {
    {ARGS_JSON, "json", NULL, "print the daemon's answers as JSON, one per line", NULL},
    {0},
};

static int take_arg(void *arg, int key, const char *value)
{
	struct cancel *cancel = arg;

	if (key == ARGS_JSON) {
		cancel->json = true;
		return ARGS_GO_ON;
	}
	cancel->handles = xreallocarray(cancel->handles, cancel->n + 1, sizeof(*cancel->handles));
	return handle_parse(value, &cancel->handles[cancel->n++]);
}

static void print_result(const struct cancel *cancel, const struct wire_reply *reply)
{
	struct buf out = {0};
	char id[UUID_TEXT_SIZE];

	uuid_format(&reply->cancel.ingestion, id);
	if (cancel->json)
		wire_write_result(WIRE_CANCEL, reply, &out);
	else
		buf_printf(&out, "%s %s\n", id, ingestion_status_name(reply->cancel.status));
	out_data(&out);
}

static int cancel_one(
    const struct cancel *cancel, struct client *client, struct handle *handle, struct fail *fail)
{
	struct wire_request request = {.method = WIRE_CANCEL};
	struct wire_reply reply;
	int status = handle_find(client, handle, fail);

	if (status)
		return status;
	request.cancel.ingestion = handle->uuid;
	status = client_call(client, &request, &reply, fail);
	if (status) {
		client_name_missing(&handle->uuid, fail);
		return status;
	}
	print_result(cancel, &reply);
	wire_reply_free(&reply);
	return 0;
}

/* One that cannot be cancelled does not protect the others; the first failure is what counts. */
static int cancel_all(const struct cancel *cancel, struct client *client)
{
	int result = 0;

	for (size_t i = 0; i < cancel->n && client->fd >= 0; i++) {
		struct fail fail;
		int status = cancel_one(cancel, client, &cancel->handles[i], &fail);

		if (status)
			out_say("%s", fail.text);
		if (status && !result)
			result = status;
	}
	return result;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct client client = CLIENT_INIT;
	struct cancel cancel = {0};
	struct fail fail;
	int status = args_parse(&cmd_cancel, env, argc, argv, take_arg, &cancel);

	if (status == ARGS_GO_ON && cancel.n == 0)
		status = out_fail(EXITS_USAGE, "cancel what? give at least one ingestion id");
	if (status == ARGS_GO_ON) {
		status = client_open(&client, env->socket, &fail);
		status = status ? out_fail(status, "%s", fail.text) : cancel_all(&cancel, &client);
		client_close(&client);
	}
	free(cancel.handles);
	return status;
}

const struct cmd cmd_cancel = {
    .name = "cancel",
    .summary = "Cancels uploads that have not been completed",
    .operands = "ID...",
    .about = "Prints \"ID cancelled\" for each. An upload that nobody continues expires by itself.",
    .opts = opts,
    .exits = "0  all of them are cancelled\n"
	     "3  the daemon is not reachable\n"
	     "4  one of them is no upload, or is complete\n"
	     "6  one of them does not exist",
    .example = "ingestctl cancel 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42",
    .run = run,
};
