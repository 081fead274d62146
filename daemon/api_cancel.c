/* The verbs that change one ingestion: cancel, retry, bump. Each may take several steps. */
#include "api_verbs.h"

#include "util.h"

#include <stdlib.h>

static const struct uuid *changed_ingestion(const struct store_op *op)
{
	switch (op->verb) {
	case STORE_CANCEL:
		return &op->cancel.uuid;
	case STORE_RETRY:
		return &op->retry.uuid;
	default:
		return &op->bump.uuid;
	}
}

bool api_changed_by(struct api *api, const struct store_op *op)
{
	const struct uuid *ingestion = changed_ingestion(op);

	api_changed(api, ingestion);
	if (op->verb != STORE_CANCEL) {
		engine_kick(api->env.engine);
		return op->verb == STORE_RETRY ? op->retry.more : op->bump.more;
	}
	if (op->cancel.running > 0)
		engine_cancel(api->env.engine, ingestion);
	sweeper_kick(api->env.sweeper);
	return op->cancel.more;
}

static void log_change(const struct pending *pending, const struct uuid *ingestion)
{
	char id[UUID_TEXT_SIZE];

	uuid_format(ingestion, id);
	api_log_control(pending->call, id);
}

/*
 * After a step: true when the call is over. Where another step cannot be posted the call fails,
 * though part of it is done; who asks again goes on from there.
 */
static bool is_over(struct pending *pending)
{
	if (pending->op.op.fail.err || !api_changed_by(pending->api, &pending->op.op))
		return true;
	return !api_post(pending);
}

/* ---- cancel ---- */

static void cancel_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;
	const struct store_cancel *cancel = &op->op.cancel;

	if (!is_over(pending))
		return;
	if (!op->op.fail.err) {
		pending->call->reply.cancel =
		    (struct wire_cancel_reply){.ingestion = cancel->uuid, .status = cancel->status};
		log_change(pending, &cancel->uuid);
	}
	api_finish(pending);
}

void api_cancel(struct api *api, struct api_call *call)
{
	struct pending *pending =
	    api_pending_new(api, call, sizeof(*pending), STORE_CANCEL, cancel_done);

	pending->op.op.cancel =
	    (struct store_cancel){.uuid = call->request.cancel.ingestion, .who = call->principal};
	api_post_or_finish(pending);
}

/* ---- retry ---- */

static void retry_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;
	struct wire_retry_reply *reply = &pending->call->reply.retry;
	const struct store_retry *retry = &op->op.retry;

	if (!op->op.fail.err)
		*reply = (struct wire_retry_reply){.ingestion = retry->uuid,
		    .status = retry->status,
		    .batches = reply->batches + retry->batches};
	if (!is_over(pending))
		return;
	if (!op->op.fail.err)
		log_change(pending, &retry->uuid);
	api_finish(pending);
}

void api_retry(struct api *api, struct api_call *call)
{
	const struct wire_retry *request = &call->request.retry;
	struct pending *pending =
	    api_pending_new(api, call, sizeof(*pending), STORE_RETRY, retry_done);

	pending->op.op.retry =
	    (struct store_retry){.uuid = request->ingestion, .cancelled = request->cancelled};
	api_post_or_finish(pending);
}

/* ---- bump ---- */

static void bump_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;
	const struct store_bump *bump = &op->op.bump;

	if (!is_over(pending))
		return;
	if (!op->op.fail.err) {
		pending->call->reply.bump =
		    (struct wire_bump_reply){.ingestion = bump->uuid, .priority = bump->priority};
		log_change(pending, &bump->uuid);
	}
	api_finish(pending);
}

void api_bump(struct api *api, struct api_call *call)
{
	const struct wire_bump *request = &call->request.bump;
	struct pending *pending =
	    api_pending_new(api, call, sizeof(*pending), STORE_BUMP, bump_done);

	pending->op.op.bump =
	    (struct store_bump){.uuid = request->ingestion, .priority = request->priority};
	api_post_or_finish(pending);
}
