/* The verb table, and the verbs that need no store. */
#include "api_verbs.h"

#include "log.h"
#include "util.h"
#include "version.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the verbs share ---- */

void api_answer(struct api_call *call)
{
	call->done(call);
}

void *api_pending_new(struct api *api, struct api_call *call, size_t size, enum store_verb verb,
    void (*done)(struct storeq_op *op))
{
	struct pending *pending = xcalloc(1, size);

	pending->op.op.verb = verb;
	pending->op.done = done;
	pending->api = api;
	pending->call = call;
	return pending;
}

bool api_post(struct pending *pending)
{
	return storeq_post(pending->api->env.queue, &pending->op);
}

void api_finish(struct pending *pending)
{
	struct api_call *call = pending->call;

	call->reply.fail = pending->op.op.fail;
	store_op_reset(&pending->op.op);
	free(pending);
	api_answer(call);
}

void api_post_or_finish(struct pending *pending)
{
	if (!api_post(pending))
		api_finish(pending);
}

void api_log_control(const struct api_call *call, const char *what)
{
	log_info(log_msg("control"), log_str("verb", wire_method_name(call->request.method)),
	    log_str("who", call->principal), log_str("what", what));
}

int64_t api_before_ms(const struct api *api, int64_t older_than_ms)
{
	return older_than_ms > 0 ? clock_utc_ms(api->env.clock) - older_than_ms : 0;
}

/* When another daemon may be there: what runs here has ended by then. */
static int64_t drained_in_ms(const struct api *api)
{
	int64_t passed = clock_boot_ns(api->env.clock) - api->draining_since;
	int64_t left = api->env.conf->shutdown_grace_ns - passed;

	return (left > NS_PER_S ? left : NS_PER_S) / NS_PER_MS;
}

bool api_refuses(struct api *api, struct api_call *call)
{
	if (!api->draining)
		return false;
	fail_set(&call->reply.fail, ERR_DRAINING, NULL);
	call->reply.fail.retry_ms = drained_in_ms(api);
	api_answer(call);
	return true;
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
	    .max_ids = IDLIST_MAX,
	    .batch_size = conf->batch_size};
	api_answer(call);
}

static void ping(struct api *api, struct api_call *call)
{
	(void)api;
	api_answer(call);
}

static void version(struct api *api, struct api_call *call)
{
	call->reply.version = api->env.version;
	api_answer(call);
}

/* The verb table: what each needs, and what it does. */
static const struct verb {
	unsigned scope;
	void (*start)(struct api *api, struct api_call *call);
} verbs[WIRE_METHOD_COUNT] = {
    [WIRE_HELLO] = {SCOPE_NONE, hello},
    [WIRE_PING] = {SCOPE_NONE, ping},
    [WIRE_VERSION] = {SCOPE_NONE, version},
    [WIRE_SUBMIT] = {SCOPE_SUBMIT, api_submit},
    [WIRE_APPEND] = {SCOPE_SUBMIT, api_append},
    [WIRE_SEAL] = {SCOPE_SUBMIT, api_seal},
    [WIRE_CANCEL] = {SCOPE_SUBMIT, api_cancel},
    [WIRE_STATUS] = {SCOPE_READ, api_status},
    [WIRE_REPORT] = {SCOPE_READ, api_report},
    [WIRE_LIST] = {SCOPE_READ, api_list},
    [WIRE_STATS] = {SCOPE_READ, api_stats},
    [WIRE_NODES] = {SCOPE_READ, api_nodes},
    [WIRE_RETRY] = {SCOPE_SUBMIT, api_retry},
    [WIRE_BUMP] = {SCOPE_SUBMIT, api_bump},
    [WIRE_BULK] = {SCOPE_ADMIN, api_bulk},
    [WIRE_PAUSE] = {SCOPE_ADMIN, api_pause},
    [WIRE_RESUME] = {SCOPE_ADMIN, api_resume},
    [WIRE_DRAIN] = {SCOPE_ADMIN, api_start_drain},
    [WIRE_RATE] = {SCOPE_ADMIN, api_rate},
    [WIRE_RELOAD] = {SCOPE_ADMIN, api_reload},
};

unsigned api_scope(enum wire_method method)
{
	return verbs[method].scope;
}

static void refuse_scope(struct api_call *call)
{
	char needs[SCOPES_TEXT_SIZE], has[SCOPES_TEXT_SIZE];

	scopes_format(api_scope(call->request.method), needs);
	scopes_format(call->scopes, has);
	fail_set(&call->reply.fail, ERR_FORBIDDEN, "%s needs the scope %s, and %s has %s",
	    wire_method_name(call->request.method), needs, call->principal, has);
	api_answer(call);
}

/* ---- life ---- */

struct api *api_new(const struct api_env *env)
{
	struct api *api = xcalloc(1, sizeof(*api));

	api->env = *env;
	api->watch = watch_new();
	api->started_ms = clock_utc_ms(env->clock);
	return api;
}

void api_free(struct api *api)
{
	watch_free(api->watch);
	free(api);
}

void api_start(struct api *api, struct api_call *call)
{
	memset(&call->reply, 0, sizeof(call->reply));
	call->hurry = NULL;
	if (api_scope(call->request.method) & ~call->scopes)
		refuse_scope(call);
	else
		verbs[call->request.method].start(api, call);
}

void api_hurry(struct api_call *call)
{
	if (call->hurry)
		call->hurry(call);
}

/* After those who wait for the change: the rest of those whom it concerns. */
static void tell_others(struct api *api)
{
	if (api->env.notifier)
		notifier_kick(api->env.notifier);
	api_look_at_drains(api);
}

void api_changed(struct api *api, const struct uuid *ingestion)
{
	watch_tell(api->watch, ingestion);
	tell_others(api);
}

void api_moved(struct api *api)
{
	watch_tell_all(api->watch);
	tell_others(api);
}

void api_drain(struct api *api)
{
	api->draining = true;
	api->draining_since = clock_boot_ns(api->env.clock);
}

bool api_is_draining(const struct api *api)
{
	return api->draining;
}
