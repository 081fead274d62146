#include "change.h"

#include "client.h"
#include "exits.h"
#include "out.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int change_take(struct change *change, int key, const char *value)
{
	int status;

	if (key == ARGS_JSON) {
		change->json = change->bulk.json = true;
		return ARGS_GO_ON;
	}
	status = bulk_take(&change->bulk, key, value);
	if (status != SELECT_OTHER)
		return status;
	change->handles = xreallocarray(change->handles, change->n + 1, sizeof(*change->handles));
	return handle_parse(value, &change->handles[change->n++]);
}

void change_free(struct change *change)
{
	free(change->handles);
	change->handles = NULL;
}

/* ---- one after the other ---- */

static void print_result(const struct change *change, const struct wire_reply *reply)
{
	enum wire_method method = change->request.method;
	struct buf out = {0};
	char id[UUID_TEXT_SIZE];

	if (change->json) {
		wire_write_result(method, reply, &out);
	} else if (method == WIRE_CANCEL) {
		uuid_format(&reply->cancel.ingestion, id);
		buf_printf(&out, "%s %s\n", id, ingestion_status_name(reply->cancel.status));
	} else if (method == WIRE_RETRY) {
		uuid_format(&reply->retry.ingestion, id);
		buf_printf(&out, "%s %s, %" PRId64 " batch%s again\n", id,
		    ingestion_status_name(reply->retry.status), reply->retry.batches,
		    reply->retry.batches == 1 ? "" : "es");
	} else {
		uuid_format(&reply->bump.ingestion, id);
		buf_printf(&out, "%s %s\n", id, priority_name(reply->bump.priority));
	}
	out_data(&out);
}

static int change_one(
    struct change *change, struct client *client, struct handle *handle, struct fail *fail)
{
	struct wire_request *request = &change->request;
	struct wire_reply reply;
	int status = handle_find(client, handle, fail);

	if (status)
		return status;
	/* Each method looks at its own. */
	request->cancel.ingestion = request->retry.ingestion = request->bump.ingestion =
	    handle->uuid;
	status = client_call(client, request, &reply, fail);
	if (status) {
		client_name_missing(&handle->uuid, fail);
		return status;
	}
	print_result(change, &reply);
	wire_reply_free(&reply);
	return 0;
}

/* One that cannot be changed does not protect the others; the first failure is what counts. */
static int change_all(struct change *change, struct client *client)
{
	int result = 0;

	for (size_t i = 0; i < change->n && client->fd >= 0; i++) {
		struct fail fail;
		int status = change_one(change, client, &change->handles[i], &fail);

		if (status)
			out_say("%s", fail.text);
		if (status && !result)
			result = status;
	}
	return result;
}

static int run_ids(struct change *change, const char *socket)
{
	struct client client = CLIENT_INIT;
	struct fail fail;
	int status = client_open(&client, socket, &fail);

	status = status ? out_fail(status, "%s", fail.text) : change_all(change, &client);
	client_close(&client);
	return status;
}

static int run(struct change *change, const char *socket)
{
	int status;

	if (change->n > 0 && change->bulk.wanted)
		return out_fail(
		    EXITS_USAGE, "ids, and options that select ingestions, exclude each other");
	if (change->n > 0)
		return run_ids(change, socket);
	change->bulk.request.verb = change->request.method;
	change->bulk.request.limit = WIRE_BULK_LIMIT;
	status = bulk_check(&change->bulk);
	return status == ARGS_GO_ON ? bulk_run(&change->bulk, socket) : status;
}

int change_run(struct change *change, const struct cmd_env *env)
{
	int status = run(change, env->socket);

	change_free(change);
	return status;
}
