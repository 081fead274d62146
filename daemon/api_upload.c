/* The verbs about an upload that has begun: append, seal. */
#include "api_verbs.h"

/* ---- append ---- */

static void append_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;
	const struct store_append *append = &op->op.append;

	if (op->op.fail.err == ERR_LIMITED)
		limits_hit(pending->api->env.limits, LIMIT_UPLOAD_BYTES);
	if (!op->op.fail.err) {
		pending->call->reply.append = (struct wire_append_reply){
		    .ingestion = append->uuid, .received = append->received};
		api_changed(pending->api, &append->uuid);
	}
	api_finish(pending);
}

void api_append(struct api *api, struct api_call *call)
{
	const struct wire_append *append = &call->request.append;
	struct pending *pending;

	if (api_refuses(api, call))
		return;
	pending = api_pending_new(api, call, sizeof(*pending), STORE_APPEND, append_done);
	pending->op.op.append = (struct store_append){
	    .uuid = append->ingestion, .offset = append->offset, .ids = &append->ids};
	api_post_or_finish(pending);
}

/* ---- seal ---- */

static void seal_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;
	const struct store_seal *seal = &op->op.seal;

	if (!op->op.fail.err) {
		pending->call->reply.submit = (struct wire_submit_reply){.ingestion = seal->uuid,
		    .seq = seal->seq,
		    .ids = seal->ids,
		    .batches = seal->batches,
		    .replayed = seal->replayed};
		api_changed(pending->api, &seal->uuid);
		engine_kick(pending->api->env.engine);
	}
	api_finish(pending);
}

void api_seal(struct api *api, struct api_call *call)
{
	const struct wire_seal *seal = &call->request.seal;
	struct pending *pending;

	if (api_refuses(api, call))
		return;
	pending = api_pending_new(api, call, sizeof(*pending), STORE_SEAL, seal_done);
	pending->op.op.seal = (struct store_seal){.uuid = seal->ingestion,
	    .expected = seal->ids,
	    .digest = seal->has_digest ? &seal->digest : NULL};
	api_post_or_finish(pending);
}
