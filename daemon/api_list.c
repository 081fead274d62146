/* The verb list. */
#include "api_verbs.h"

#include <string.h>

static void list_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;

	/* The page goes from the operation to the reply. */
	pending->call->reply.list = op->op.list.page;
	op->op.list.page = (struct list_page){0};
	api_finish(pending);
}

void api_list(struct api *api, struct api_call *call)
{
	const struct wire_list *request = &call->request.list;
	struct pending *pending =
	    api_pending_new(api, call, sizeof(*pending), STORE_LIST, list_done);
	struct store_list *list = &pending->op.op.list;

	list->filter = request->filter;
	list->filter.before_ms = api_before_ms(api, request->older_than_ms);
	list->limit = request->limit;
	strcpy(list->cursor, request->cursor);
	api_post_or_finish(pending);
}
