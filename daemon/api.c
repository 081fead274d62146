#include "api.h"

#include "log.h"
#include "util.h"
#include "version.h"

#include <stdlib.h>
#include <string.h>

struct api {
	struct api_env env;
	bool draining;
};

/* A call that waits for the store. */
struct pending {
	struct storeq_op op; /* first */
	struct api *api;
	struct api_call *call;
};

static void answer(struct api_call *call)
{
	call->done(call);
}

/* ---- calls that go to the store ---- */

static struct pending *pending_new(struct api *api, struct api_call *call, enum store_verb verb,
    void (*done)(struct storeq_op *op))
{
	struct pending *pending = xcalloc(1, sizeof(*pending));

	pending->op.op.verb = verb;
	pending->op.done = done;
	pending->api = api;
	pending->call = call;
	return pending;
}

/* Hands the outcome to the call and forgets the operation. */
static void finish(struct pending *pending)
{
	struct api_call *call = pending->call;

	call->reply.fail = pending->op.op.fail;
	store_op_reset(&pending->op.op);
	free(pending);
	answer(call);
}

static void post(struct pending *pending)
{
	if (!storeq_post(pending->api->env.queue, &pending->op))
		finish(pending);
}

/* ---- verbs ---- */

static void hello(struct api *api, struct api_call *call)
{
	const struct conf *conf = api->env.conf;
	struct wire_hello_reply *hello = &call->reply.hello;

	log_debug(log_msg("hello"), log_str("client", call->request.client));
	hello->protocol = WIRE_PROTOCOL;
	strcpy(hello->version, INGESTD_VERSION);
	hello->limits = (struct wire_limits){.max_message_bytes = conf->max_message_bytes,
	    .max_id = conf->max_id,
	    .batch_size = conf->batch_size};
	answer(call);
}

static void ping(struct api *api, struct api_call *call)
{
	(void)api;
	answer(call);
}

static void version(struct api *api, struct api_call *call)
{
	call->reply.version = api->env.version;
	answer(call);
}

static void submit_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;
	const struct store_submit *submit = &op->op.submit;

	if (!op->op.fail.err) {
		pending->call->reply.submit = (struct wire_submit_reply){.ingestion = submit->uuid,
		    .seq = submit->seq,
		    .ids = (int64_t)submit->ids->n,
		    .batches = submit->batches};
		engine_kick(pending->api->env.engine);
	}
	finish(pending);
}

static void submit(struct api *api, struct api_call *call)
{
	struct wire_submit *request = &call->request.submit;
	const struct conf *conf = api->env.conf;
	struct pending *pending;

	if (api->draining) {
		fail_set(&call->reply.fail, ERR_DRAINING, NULL);
		answer(call);
		return;
	}
	if (!request->has_priority && conf->default_priority == 0) {
		fail_set(&call->reply.fail, ERR_INVALID,
		    "\"priority\" is missing: it must be HIGH, MEDIUM or LOW");
		answer(call);
		return;
	}
	pending = pending_new(api, call, STORE_SUBMIT, submit_done);
	pending->op.op.submit = (struct store_submit){.uuid = uuid_v7(clock_utc_ms(api->env.clock)),
	    .priority =
		request->has_priority ? request->priority : (enum priority)conf->default_priority,
	    .label = request->label,
	    .batch_size = conf->batch_size,
	    .ids = &request->ids};
	post(pending);
}

static void status_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;

	/* The page goes from the operation to the reply. */
	pending->call->reply.status = op->op.status.page;
	op->op.status.page = (struct status_page){0};
	finish(pending);
}

static void status(struct api *api, struct api_call *call)
{
	struct pending *pending = pending_new(api, call, STORE_STATUS, status_done);

	pending->op.op.status.uuid = call->request.status.ingestion;
	pending->op.op.status.from_batch = call->request.status.from_batch;
	post(pending);
}

/* The verb table. */
static void (*const verbs[WIRE_METHOD_COUNT])(struct api *api, struct api_call *call) = {
    [WIRE_HELLO] = hello,
    [WIRE_PING] = ping,
    [WIRE_VERSION] = version,
    [WIRE_SUBMIT] = submit,
    [WIRE_STATUS] = status,
};

/* ---- life ---- */

struct api *api_new(const struct api_env *env)
{
	struct api *api = xcalloc(1, sizeof(*api));

	api->env = *env;
	return api;
}

void api_free(struct api *api)
{
	free(api);
}

void api_start(struct api *api, struct api_call *call)
{
	memset(&call->reply, 0, sizeof(call->reply));
	verbs[call->request.method](api, call);
}

void api_drain(struct api *api)
{
	api->draining = true;
}
