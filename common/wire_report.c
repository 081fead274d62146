/* The method report. */
#include "wire_codec.h"

#include "util.h"

#include <inttypes.h>
#include <string.h>

/* ---- params ---- */

static enum err read_report(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	const cJSON *from = json_get(params, "from_position"), *limit = json_get(params, "limit");
	const cJSON *failed = json_get(params, "failed"), *id = json_get(params, "id");
	struct wire_report *report = &request->report;

	(void)doc;
	report->limit = WIRE_REPORT_LIMIT;
	report->filter.failed = cJSON_IsTrue(failed);
	if (wire_read_ingestion_id(params, &report->ingestion, fail))
		return fail->err;
	if (failed && !cJSON_IsBool(failed))
		return fail_set(fail, ERR_INVALID, "\"failed\" must be true or false");
	if (id && !json_get_id(id, &report->filter.id))
		return fail_set(
		    fail, ERR_INVALID, "\"id\" must be an integer from 1 to %" PRId64, INT64_MAX);
	if (from && !json_get_int(from, 0, IDLIST_MAX, &report->from))
		return fail_set(fail, ERR_INVALID,
		    "\"from_position\" must be an integer from 0 to %d", IDLIST_MAX);
	if (limit && !json_get_int(limit, 1, WIRE_REPORT_LIMIT, &report->limit))
		return fail_set(fail, ERR_INVALID, "\"limit\" must be an integer from 1 to %d",
		    WIRE_REPORT_LIMIT);
	return ERR_OK;
}

static void write_report(const struct wire_request *request, cJSON *params)
{
	const struct wire_report *report = &request->report;

	wire_add_uuid(params, "ingestion_id", &report->ingestion);
	if (report->filter.failed)
		cJSON_AddTrueToObject(params, "failed");
	if (report->filter.id > 0)
		json_add_int(params, "id", report->filter.id);
	if (report->from > 0)
		json_add_int(params, "from_position", report->from);
	if (report->limit != WIRE_REPORT_LIMIT)
		json_add_int(params, "limit", report->limit);
}

static const char *const report_params[] = {
    "ingestion_id", "failed", "id", "from_position", "limit", NULL};

/* ---- result ---- */

static cJSON *new_entry(const struct report_entry *entry)
{
	cJSON *object = cJSON_CreateObject();

	json_add_int(object, "position", entry->position);
	json_add_int(object, "id", entry->id);
	json_add_int(object, "batch", entry->batch);
	cJSON_AddStringToObject(object, "outcome", id_outcome_name(entry->outcome));
	json_add_int(object, "attempts", entry->attempts);
	wire_add_time(object, "started_at", entry->started_ms);
	wire_add_time(object, "finished_at", entry->finished_ms);
	if (entry->error)
		cJSON_AddStringToObject(object, "error", entry->error);
	return object;
}

void wire_write_entry(const struct report_entry *entry, struct buf *out)
{
	cJSON *object = new_entry(entry);

	json_print(object, out);
	buf_add(out, "\n", 1);
	cJSON_Delete(object);
}

static void write_report_result(const struct wire_reply *reply, cJSON *result)
{
	const struct report_page *page = &reply->report.page;
	cJSON *entries;

	wire_add_uuid(result, "ingestion_id", &reply->report.ingestion);
	entries = cJSON_AddArrayToObject(result, "entries");
	for (size_t i = 0; i < page->n; i++)
		cJSON_AddItemToArray(entries, new_entry(&page->v[i]));
	if (page->next >= 0)
		json_add_int(result, "next_position", page->next);
}

static bool read_entry(const cJSON *item, struct report_entry *entry)
{
	const char *outcome = json_get_str(json_get(item, "outcome"));
	const char *error = json_get_str(json_get(item, "error"));

	entry->error = error ? xstrdup(error) : NULL;
	return json_get_int(json_get(item, "position"), 0, IDLIST_MAX, &entry->position) &&
	       json_get_id(json_get(item, "id"), &entry->id) &&
	       json_get_int(json_get(item, "batch"), 0, IDLIST_MAX, &entry->batch) && outcome &&
	       id_outcome_by_name(outcome, &entry->outcome) &&
	       json_get_int(json_get(item, "attempts"), 0, JSON_MAX_EXACT, &entry->attempts) &&
	       wire_get_time(json_get(item, "started_at"), &entry->started_ms) &&
	       wire_get_time(json_get(item, "finished_at"), &entry->finished_ms);
}

static bool read_report_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct report_page *page = &reply->report.page;
	const cJSON *entries = json_get(result, "entries");
	const cJSON *next = json_get(result, "next_position");
	const cJSON *item;

	(void)doc;
	page->next = -1;
	if (!wire_get_uuid(json_get(result, "ingestion_id"), &reply->report.ingestion) ||
	    !cJSON_IsArray(entries) || (next && !json_get_int(next, 0, IDLIST_MAX, &page->next)))
		return false;
	cJSON_ArrayForEach(
	    item, entries) if (!read_entry(item, report_page_add(page))) return false;
	return true;
}

const struct wire_codec wire_codec_report = {
    .method = "report",
    .params = report_params,
    .read_params = read_report,
    .write_params = write_report,
    .read_result = read_report_result,
    .write_result = write_report_result,
};
