/* Requests and their replies. */
#include "rpc_conn.h"

#include "log.h"
#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What a reply can take, at most, per ingestion of a list. */
#define LIST_ROW_BYTES 960
/* What a call that waits holds, with all that belongs to it. */
#define WAIT_BYTES (8 * 1024)

/* One request; lives until its reply is written. */
struct call {
	struct api_call call; /* first */
	struct conn *conn;
	struct call *next, **link; /* in conn->calls; link points at what points here */
	bool waits; /* a long poll: its page is only made when something has happened */
	int64_t held; /* of LIMIT_REPLY_BYTES */
};

/* ---- what replies may take ---- */

/* The possible size of a long reply; 0 for short ones. */
static int64_t page_bytes(const struct wire_request *request)
{
	if (request->method == WIRE_LIST)
		return request->list.limit * LIST_ROW_BYTES;
	/* Its reply is short, but it holds a page meanwhile. */
	if (request->method == WIRE_BULK)
		return request->bulk.limit * LIST_ROW_BYTES;
	if (request->method == WIRE_NODES)
		return WIRE_NODES_BYTES;
	if (request->method == WIRE_REPORT ||
	    (request->method == WIRE_STATUS && request->status.limit > 0))
		return STORE_PAGE_BYTES;
	return 0;
}

static enum err too_many_replies(const struct limits *limits, bool waits, struct fail *fail)
{
	return fail_set(fail, ERR_BUSY,
	    "%" PRId64 " bytes of replies are under way to clients, and max-reply-bytes is %" PRId64
	    "%s: try again in a second",
	    limits_used(limits, LIMIT_REPLY_BYTES), limits_value(limits, LIMIT_REPLY_BYTES),
	    waits ? ", half of which is for those who do not wait" : "");
}

/*
 * Before a long reply is made there must be room for it. A call that waits holds little meanwhile,
 * but for long: half of the room stays for those who do not wait. For its page there is room or not
 * when it comes.
 */
static enum err reserve(struct call *call, struct fail *fail)
{
	struct conn *conn = call->conn;
	struct limits *limits = conn->rpc->env.limits;
	const struct wire_request *request = &call->call.request;
	int64_t page = page_bytes(request), kept = 0;

	call->waits = request->method == WIRE_STATUS && request->status.wait_ms > 0;
	if (call->waits) {
		page = WAIT_BYTES;
		kept = limits_value(limits, LIMIT_REPLY_BYTES) / 2;
	}
	if (page > 0 && !limits_allow(limits, LIMIT_REPLY_BYTES, page + kept))
		return too_many_replies(limits, call->waits, fail);
	call->held = page;
	limits_use(limits, LIMIT_REPLY_BYTES, page);
	if (!call->waits)
		conn->reserved += page;
	return ERR_OK;
}

static void release(struct call *call)
{
	limits_use(call->conn->rpc->env.limits, LIMIT_REPLY_BYTES, -call->held);
	if (!call->waits)
		call->conn->reserved -= call->held;
}

/* Whether the page that a long poll has brought can be sent. */
static enum err check_room(const struct call *call, size_t len, struct fail *fail)
{
	struct limits *limits = call->conn->rpc->env.limits;
	int64_t unsent = conn_unsent(call->conn), most = limits_value(limits, LIMIT_UNSENT_BYTES);

	if (!call->waits || len <= LIMITS_FREE_BYTES)
		return ERR_OK;
	if (!limits_allow(limits, LIMIT_REPLY_BYTES, (int64_t)len))
		return too_many_replies(limits, false, fail);
	if (unsent >= most)
		return fail_set(fail, ERR_BUSY,
		    "%" PRId64 " bytes of replies were not read, and max-unsent-bytes is %" PRId64,
		    unsent, most);
	return ERR_OK;
}

/* ---- calls ---- */

static void call_link(struct call *call)
{
	struct conn *conn = call->conn;

	call->next = conn->calls;
	call->link = &conn->calls;
	if (call->next)
		call->next->link = &call->next;
	conn->calls = call;
	conn->in_flight++;
}

static void call_free(struct call *call)
{
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	call->conn->in_flight--;
	wire_request_free(&call->call.request);
	wire_reply_free(&call->call.reply);
	free(call);
}

static void log_call(const struct conn *conn, const struct api_call *call)
{
	log_debug(log_msg("request"), log_str("method", wire_method_name(call->request.method)),
	    log_str("result", err_name(call->reply.fail.err)), log_int("uid", conn->peer.uid),
	    log_int("pid", conn->peer.pid));
}

static void write_text(struct call *call, struct buf *text)
{
	struct api_call *api_call = &call->call;
	struct fail *fail = &api_call->reply.fail;

	if (!fail->err) {
		wire_write_reply(
		    api_call->request.id, api_call->request.method, &api_call->reply, text);
		if (!check_room(call, text->len, fail))
			return;
		buf_free(text);
	}
	call->conn->rpc->env.stats->errors++;
	wire_write_error(api_call->request.id, fail, text);
}

static void on_done(struct api_call *api_call)
{
	struct call *call = (struct call *)api_call;
	struct conn *conn = call->conn;
	struct buf text = {0};

	release(call);
	write_text(call, &text);
	log_call(conn, api_call);
	conn_send(conn, &text);
	call_free(call);
	conn_go_on(conn);
}

static void refuse(struct call *call, const struct fail *fail)
{
	call->conn->rpc->env.stats->errors++;
	conn_send_error(call->conn, call->call.request.id, fail);
	free(call);
}

void call_start(struct conn *conn, const char *line, size_t len)
{
	const struct door_env *env = &conn->rpc->env;
	struct call *call = xcalloc(1, sizeof(*call));
	struct fail fail;

	call->conn = conn;
	call->call.done = on_done;
	snprintf(
	    call->call.principal, sizeof(call->call.principal), "uid:%u", (unsigned)conn->peer.uid);
	call->call.scopes = conn->scopes;
	env->stats->requests++;
	if (wire_read_request(line, len, env->conf->max_id, &call->call.request, &fail)) {
		refuse(call, &fail);
		return;
	}
	if (reserve(call, &fail)) {
		wire_request_free(&call->call.request);
		refuse(call, &fail);
		return;
	}
	call_link(call);
	api_start(env->api, &call->call);
}

void call_hurry_all(struct conn *conn)
{
	for (struct call *call = conn->calls; call; call = call->next)
		api_hurry(&call->call);
}
