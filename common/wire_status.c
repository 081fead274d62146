/* The method status. */
#include "wire_codec.h"

#include "util.h"

#include <string.h>

/* ---- params ---- */

static const char *const until_names[] = {
    [WIRE_UNTIL_CHANGE] = "change",
    [WIRE_UNTIL_FINAL] = "final",
};

static enum err read_until(const cJSON *item, enum wire_until *until, struct fail *fail)
{
	const char *name = json_get_str(item);

	for (size_t i = 0; name && i < COUNT_OF(until_names); i++)
		if (strcmp(until_names[i], name) == 0) {
			*until = (enum wire_until)i;
			return ERR_OK;
		}
	if (!item)
		return ERR_OK;
	return fail_set(fail, ERR_INVALID, "\"until\" must be \"change\" or \"final\"");
}

/* The members of a long poll. */
static enum err read_wait(const cJSON *params, struct wire_status *status, struct fail *fail)
{
	const cJSON *wait = json_get(params, "wait_ms"), *since = json_get(params, "since");

	if (wait && !json_get_int(wait, 0, WIRE_WAIT_MAX_MS, &status->wait_ms))
		return fail_set(fail, ERR_INVALID, "\"wait_ms\" must be an integer from 0 to %d",
		    WIRE_WAIT_MAX_MS);
	if (since && !json_get_int(since, 0, JSON_MAX_EXACT, &status->since))
		return fail_set(fail, ERR_INVALID, "\"since\" must be the version of a status");
	return read_until(json_get(params, "until"), &status->until, fail);
}

static enum err read_status(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	const cJSON *from = json_get(params, "from_batch"), *limit = json_get(params, "limit");
	struct wire_status *status = &request->status;

	(void)doc;
	status->limit = WIRE_STATUS_LIMIT;
	if (wire_read_ingestion_id(params, &status->ingestion, fail))
		return fail->err;
	if (from && !json_get_int(from, 0, IDLIST_MAX, &status->from_batch))
		return fail_set(fail, ERR_INVALID, "\"from_batch\" must be an integer from 0 to %d",
		    IDLIST_MAX);
	if (limit && !json_get_int(limit, 0, WIRE_STATUS_LIMIT, &status->limit))
		return fail_set(fail, ERR_INVALID, "\"limit\" must be an integer from 0 to %d",
		    WIRE_STATUS_LIMIT);
	return read_wait(params, status, fail);
}

static void write_status(const struct wire_request *request, cJSON *params)
{
	wire_add_uuid(params, "ingestion_id", &request->status.ingestion);
	if (request->status.from_batch > 0)
		json_add_int(params, "from_batch", request->status.from_batch);
	if (request->status.limit != WIRE_STATUS_LIMIT)
		json_add_int(params, "limit", request->status.limit);
	if (request->status.wait_ms == 0)
		return;
	json_add_int(params, "wait_ms", request->status.wait_ms);
	if (request->status.since > 0)
		json_add_int(params, "since", request->status.since);
	cJSON_AddStringToObject(params, "until", until_names[request->status.until]);
}

static const char *const status_params[] = {
    "ingestion_id", "from_batch", "limit", "wait_ms", "since", "until", NULL};

/* ---- result: writing ---- */

static cJSON *new_batch(const struct status_page *page, const struct batch *batch)
{
	struct uuid id = uuid_batch(&page->ingestion.uuid, batch->index);
	cJSON *object = cJSON_CreateObject();

	wire_add_uuid(object, "batch_id", &id);
	json_add_int(object, "index", batch->index);
	json_add_ids(object, "ids", page->ids.v + batch->ids_at, batch->ids_n);
	cJSON_AddStringToObject(object, "status", batch_status_name(batch->status));
	if (batch->attempts > 0)
		json_add_int(object, "attempts", batch->attempts);
	wire_add_time(object, "started_at", batch->started_ms);
	wire_add_time(object, "finished_at", batch->finished_ms);
	if (batch->error)
		cJSON_AddStringToObject(object, "error", batch->error);
	return object;
}

static void write_status_result(const struct wire_reply *reply, cJSON *result)
{
	const struct status_page *page = &reply->status;
	cJSON *batches;

	wire_add_ingestion(result, &page->ingestion);
	batches = cJSON_AddArrayToObject(result, "batches");
	for (size_t i = 0; i < page->n; i++)
		cJSON_AddItemToArray(batches, new_batch(page, &page->batches[i]));
	if (page->next_batch >= 0)
		json_add_int(result, "next_batch", page->next_batch);
}

/* ---- result: reading ---- */

static bool read_batch(const struct json_doc *doc, const cJSON *item, struct status_page *page)
{
	struct batch *batch = status_page_add(page);
	const char *status = json_get_str(json_get(item, "status"));
	const cJSON *attempts = json_get(item, "attempts");
	const char *error = json_get_str(json_get(item, "error"));
	const int64_t *ids;

	batch->error = error ? xstrdup(error) : NULL;
	if (!json_get_ids(doc, json_get(item, "ids"), &ids, &batch->ids_n))
		return false;
	batch->ids_at = page->ids.n;
	idlist_add(&page->ids, ids, batch->ids_n);
	return json_get_int(json_get(item, "index"), 0, JSON_MAX_EXACT, &batch->index) && status &&
	       batch_status_by_name(status, &batch->status) &&
	       (!attempts || json_get_int(attempts, 0, JSON_MAX_EXACT, &batch->attempts)) &&
	       wire_get_time(json_get(item, "started_at"), &batch->started_ms) &&
	       wire_get_time(json_get(item, "finished_at"), &batch->finished_ms);
}

static bool read_status_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct status_page *page = &reply->status;
	const cJSON *batches = json_get(result, "batches");
	const cJSON *next = json_get(result, "next_batch");
	const cJSON *item;

	page->next_batch = -1;
	if (!wire_get_ingestion(result, &page->ingestion) || !cJSON_IsArray(batches) ||
	    (next && !json_get_int(next, 0, JSON_MAX_EXACT, &page->next_batch)))
		return false;
	cJSON_ArrayForEach(item, batches) if (!read_batch(doc, item, page)) return false;
	return true;
}

const struct wire_codec wire_codec_status = {
    .method = "status",
    .params = status_params,
    .read_params = read_status,
    .write_params = write_status,
    .read_result = read_status_result,
    .write_result = write_status_result,
};
