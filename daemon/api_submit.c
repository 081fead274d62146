/* The verb submit: a whole list, or the beginning of an upload. */
#include "api_verbs.h"

/* The default is part of what a key stands for, so it is looked up before the store is asked. */
static enum err read_priority(const struct api *api, const struct wire_submit *submit,
    enum priority *priority, struct fail *fail)
{
	int64_t otherwise = api->env.conf->default_priority;

	*priority = submit->has_priority ? submit->priority : (enum priority)otherwise;
	if (submit->has_priority || otherwise != 0)
		return ERR_OK;
	return fail_set(
	    fail, ERR_INVALID, "\"priority\" is missing: it must be HIGH, MEDIUM or LOW");
}

static struct store_key key_of(const struct api_call *call)
{
	return (struct store_key){.principal = call->principal, .text = call->request.submit.key};
}

/* ---- a whole list ---- */

static void submit_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;
	const struct store_submit *submit = &op->op.submit;

	if (!op->op.fail.err) {
		pending->call->reply.submit =
		    (struct wire_submit_reply){.ingestion = submit->ingestion,
			.seq = submit->seq,
			.ids = (int64_t)submit->ids->n,
			.batches = submit->batches,
			.replayed = submit->replayed};
		engine_kick(pending->api->env.engine);
	}
	api_finish(pending);
}

static void submit_ids(struct api *api, struct api_call *call, enum priority priority)
{
	struct pending *pending =
	    api_pending_new(api, call, sizeof(*pending), STORE_SUBMIT, submit_done);

	pending->op.op.submit = (struct store_submit){.uuid = uuid_v7(clock_utc_ms(api->env.clock)),
	    .priority = priority,
	    .label = call->request.submit.label,
	    .batch_size = api->env.conf->batch_size,
	    .ids = &call->request.submit.ids,
	    .key = key_of(call)};
	api_post_or_finish(pending);
}

/* ---- the beginning of an upload ---- */

static void open_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;
	const struct store_open *open = &op->op.open;

	if (op->op.fail.err == ERR_LIMITED)
		limits_hit(pending->api->env.limits, LIMIT_UPLOADS);
	if (!op->op.fail.err)
		pending->call->reply.submit =
		    (struct wire_submit_reply){.ingestion = open->ingestion,
			.open = true,
			.sealed = open->sealed,
			.received = open->received,
			.digest = open->digest,
			.replayed = open->replayed,
			.seq = open->seq,
			.ids = open->sealed ? open->received : 0,
			.batches = open->batches};
	api_finish(pending);
}

static void open_upload(struct api *api, struct api_call *call, enum priority priority)
{
	struct pending *pending =
	    api_pending_new(api, call, sizeof(*pending), STORE_OPEN, open_done);

	pending->op.op.open = (struct store_open){.uuid = uuid_v7(clock_utc_ms(api->env.clock)),
	    .priority = priority,
	    .label = call->request.submit.label,
	    .batch_size = api->env.conf->batch_size,
	    .key = key_of(call)};
	api_post_or_finish(pending);
}

void api_submit(struct api *api, struct api_call *call)
{
	const struct wire_submit *submit = &call->request.submit;
	enum priority priority;

	if (api_refuses(api, call))
		return;
	if (read_priority(api, submit, &priority, &call->reply.fail))
		api_answer(call);
	else if (submit->open)
		open_upload(api, call, priority);
	else
		submit_ids(api, call, priority);
}
