/*
 * The verb bulk: one page of the list, and a change of each ingestion on it. Each change is an
 * operation of its own, and few of them are in the queue at a time: what others submit does not
 * wait behind all of them.
 */
#include "api_verbs.h"

#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* In the queue at a time: operations, and the rows that they may change. */
#define BULK_OPS 32
#define BULK_ROWS 1000

struct change {
	struct storeq_op op; /* first */
	struct bulk *bulk;
	struct change *next; /* of those that are not in use */
	int64_t rows; /* that it may change */
	int64_t retried; /* batches, in all of its steps */
};

struct bulk {
	struct pending pending; /* first; reads the page */
	struct list_page page; /* owned */
	size_t at; /* the first ingestion that has not been begun */
	struct change changes[BULK_OPS];
	struct change *idle;
	size_t running;
	int64_t rows; /* of those that run */
	struct fail fail; /* the first failure that ends it all */
};

static void log_step(const struct bulk *bulk)
{
	const struct api_call *call = bulk->pending.call;
	const struct wire_bulk_reply *reply = &call->reply.bulk;
	char what[96];

	snprintf(what, sizeof(what), "%s %" PRId64 " of %" PRId64 " ingestions",
	    wire_method_name(call->request.bulk.verb), reply->changed, reply->matched);
	api_log_control(call, what);
}

static void finish(struct bulk *bulk)
{
	if (!bulk->pending.call->request.bulk.dry_run && bulk->page.n > 0)
		log_step(bulk);
	bulk->pending.op.op.fail = bulk->fail;
	list_page_free(&bulk->page);
	api_finish(&bulk->pending);
}

/* ---- one ingestion ---- */

/* Batches that have no row yet are changed together. */
static int64_t rows_of(const struct ingestion *ingestion)
{
	int64_t tried = ingestion->counts.attempts;

	return 1 + (tried < STORE_CONTROL_STEPS ? tried : STORE_CONTROL_STEPS);
}

static void fill_op(const struct bulk *bulk, const struct uuid *uuid, struct store_op *op)
{
	const struct api_call *call = bulk->pending.call;
	const struct wire_bulk *request = &call->request.bulk;

	*op = (struct store_op){.verb = STORE_CANCEL};
	if (request->verb == WIRE_CANCEL) {
		op->cancel = (struct store_cancel){.uuid = *uuid, .who = call->principal};
	} else if (request->verb == WIRE_RETRY) {
		op->verb = STORE_RETRY;
		op->retry = (struct store_retry){.uuid = *uuid, .cancelled = request->cancelled};
	} else {
		op->verb = STORE_BUMP;
		op->bump = (struct store_bump){.uuid = *uuid, .priority = request->to_priority};
	}
}

static void free_change(struct change *change)
{
	struct bulk *bulk = change->bulk;

	change->next = bulk->idle;
	bulk->idle = change;
	bulk->running--;
	bulk->rows -= change->rows;
}

/* It has become another one since the page was read, or never could be changed like that. */
static bool is_refusal(enum err err)
{
	return err == ERR_WRONG_STATE || err == ERR_NOT_FOUND;
}

static void count(struct change *change)
{
	struct bulk *bulk = change->bulk;
	struct wire_bulk_reply *reply = &bulk->pending.call->reply.bulk;
	const struct store_op *op = &change->op.op;

	if (!op->fail.err && (op->verb != STORE_RETRY || change->retried > 0))
		reply->changed++;
	else if (!op->fail.err || is_refusal(op->fail.err))
		reply->refused++;
	else if (!bulk->fail.err)
		bulk->fail = op->fail;
}

static void go_on(struct bulk *bulk);

static void change_done(struct storeq_op *op)
{
	struct change *change = (struct change *)op;
	struct bulk *bulk = change->bulk;

	if (!op->op.fail.err) {
		if (op->op.verb == STORE_RETRY)
			change->retried += op->op.retry.batches;
		if (api_changed_by(bulk->pending.api, &op->op) &&
		    storeq_post(bulk->pending.api->env.queue, op))
			return;
	}
	count(change);
	store_op_reset(&op->op);
	free_change(change);
	go_on(bulk);
}

/* False: the queue is full. */
static bool begin(struct bulk *bulk)
{
	const struct ingestion *ingestion = &bulk->page.v[bulk->at];
	struct change *change = bulk->idle;

	fill_op(bulk, &ingestion->uuid, &change->op.op);
	if (!storeq_post(bulk->pending.api->env.queue, &change->op))
		return false;
	bulk->idle = change->next;
	change->rows = rows_of(ingestion);
	change->retried = 0;
	bulk->rows += change->rows;
	bulk->running++;
	bulk->at++;
	return true;
}

static bool has_room(const struct bulk *bulk)
{
	return bulk->running == 0 ||
	       (bulk->idle && bulk->rows + rows_of(&bulk->page.v[bulk->at]) <= BULK_ROWS);
}

/* ---- the page ---- */

/*
 * Begins what there is room for. Where the queue is full it is others' turn: what runs goes on with
 * the rest when it is done; when nothing runs, that is the answer.
 */
static void go_on(struct bulk *bulk)
{
	while (!bulk->fail.err && bulk->at < bulk->page.n && has_room(bulk))
		if (!begin(bulk)) {
			if (bulk->running == 0)
				bulk->fail = bulk->idle->op.op.fail;
			break;
		}
	if (bulk->running == 0)
		finish(bulk);
}

static void page_done(struct storeq_op *op)
{
	struct bulk *bulk = (struct bulk *)op;
	struct wire_bulk_reply *reply = &bulk->pending.call->reply.bulk;

	bulk->fail = op->op.fail;
	bulk->page = op->op.list.page;
	op->op.list.page = (struct list_page){0};
	reply->matched = (int64_t)bulk->page.n;
	strcpy(reply->next, bulk->page.next);
	if (bulk->pending.call->request.bulk.dry_run)
		bulk->at = bulk->page.n;
	go_on(bulk);
}

void api_bulk(struct api *api, struct api_call *call)
{
	const struct wire_bulk *request = &call->request.bulk;
	struct bulk *bulk = api_pending_new(api, call, sizeof(*bulk), STORE_LIST, page_done);
	struct store_list *list = &bulk->pending.op.op.list;

	for (size_t i = 0; i < BULK_OPS; i++) {
		struct change *change = &bulk->changes[i];

		change->op.done = change_done;
		change->bulk = bulk;
		change->next = bulk->idle;
		bulk->idle = change;
	}
	list->filter = request->filter;
	list->filter.before_ms = api_before_ms(api, request->older_than_ms);
	list->limit = request->limit;
	strcpy(list->cursor, request->cursor);
	api_post_or_finish(&bulk->pending);
}
