/* The verb report. */
#include "api_verbs.h"

static void report_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;

	/* The page goes from the operation to the reply. */
	pending->call->reply.report.ingestion = op->op.report.uuid;
	pending->call->reply.report.page = op->op.report.page;
	op->op.report.page = (struct report_page){0};
	api_finish(pending);
}

void api_report(struct api *api, struct api_call *call)
{
	const struct wire_report *request = &call->request.report;
	struct pending *pending =
	    api_pending_new(api, call, sizeof(*pending), STORE_REPORT, report_done);
	struct store_report *report = &pending->op.op.report;

	report->uuid = request->ingestion;
	report->filter = request->filter;
	report->from = request->from;
	report->limit = request->limit;
	api_post_or_finish(pending);
}
