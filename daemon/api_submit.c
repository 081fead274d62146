/* The verb submit. */
#include "api_verbs.h"

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
	api_finish(pending);
}

/* What speaks against the request before the store is asked. */
static enum err check(const struct api *api, const struct wire_submit *submit, struct fail *fail)
{
	if (api->draining)
		return fail_set(fail, ERR_DRAINING, NULL);
	if (!submit->has_priority && api->env.conf->default_priority == 0)
		return fail_set(
		    fail, ERR_INVALID, "\"priority\" is missing: it must be HIGH, MEDIUM or LOW");
	return ERR_OK;
}

void api_submit(struct api *api, struct api_call *call)
{
	struct wire_submit *submit = &call->request.submit;
	const struct conf *conf = api->env.conf;
	struct pending *pending;

	if (check(api, submit, &call->reply.fail)) {
		api_answer(call);
		return;
	}
	pending = api_pending_new(api, call, sizeof(*pending), STORE_SUBMIT, submit_done);
	pending->op.op.submit = (struct store_submit){.uuid = uuid_v7(clock_utc_ms(api->env.clock)),
	    .priority =
		submit->has_priority ? submit->priority : (enum priority)conf->default_priority,
	    .label = submit->label,
	    .batch_size = conf->batch_size,
	    .ids = &submit->ids};
	if (!api_post(pending))
		api_finish(pending);
}
