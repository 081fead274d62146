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
	const cJSON *output = json_get(params, "output");
	struct wire_status *status = &request->status;

	(void)doc;
	status->limit = WIRE_STATUS_LIMIT;
	status->output = cJSON_IsTrue(output);
	if (wire_read_ingestion_id(params, &status->ingestion, fail))
		return fail->err;
	if (from && !json_get_int(from, 0, IDLIST_MAX, &status->from_batch))
		return fail_set(fail, ERR_INVALID, "\"from_batch\" must be an integer from 0 to %d",
		    IDLIST_MAX);
	if (limit && !json_get_int(limit, 0, WIRE_STATUS_LIMIT, &status->limit))
		return fail_set(fail, ERR_INVALID, "\"limit\" must be an integer from 0 to %d",
		    WIRE_STATUS_LIMIT);
	if (output && !cJSON_IsBool(output))
		return fail_set(fail, ERR_INVALID, "\"output\" must be true or false");
	return read_wait(params, status, fail);
}

static void write_status(const struct wire_request *request, cJSON *params)
{
	wire_add_uuid(params, "ingestion_id", &request->status.ingestion);
	if (request->status.from_batch > 0)
		json_add_int(params, "from_batch", request->status.from_batch);
	if (request->status.limit != WIRE_STATUS_LIMIT)
		json_add_int(params, "limit", request->status.limit);
	if (request->status.output)
		cJSON_AddTrueToObject(params, "output");
	if (request->status.wait_ms == 0)
		return;
	json_add_int(params, "wait_ms", request->status.wait_ms);
	if (request->status.since > 0)
		json_add_int(params, "since", request->status.since);
	cJSON_AddStringToObject(params, "until", until_names[request->status.until]);
}

static const char *const status_params[] = {
    "ingestion_id", "from_batch", "limit", "wait_ms", "since", "until", "output", NULL};

/* ---- result: writing ---- */

static void add_output(cJSON *object, const char *name, const struct output *output)
{
	cJSON *part;

	if (!output->text)
		return;
	part = cJSON_AddObjectToObject(object, name);
	cJSON_AddStringToObject(part, "text", output->text);
	json_add_int(part, "bytes", output->bytes);
}

/* What has become of its ids, once it was claimed. */
static void add_outcomes(cJSON *object, const struct batch *batch)
{
	if (batch->status == BATCH_YET_TO_START)
		return;
	json_add_int(object, "ids_completed", batch->ids_completed);
	json_add_int(object, "ids_failed", batch->ids_failed);
	if (batch->status != BATCH_CANCELLED)
		return;
	json_add_int(object, "ids_cancelled", batch->ids_cancelled);
	json_add_int(object, "ids_unknown", batch->ids_unknown);
}

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
	add_outcomes(object, batch);
	wire_add_time(object, "started_at", batch->started_ms);
	wire_add_time(object, "finished_at", batch->finished_ms);
	wire_add_time(object, "retry_at", batch->retry_ms);
	if (batch->error)
		cJSON_AddStringToObject(object, "error", batch->error);
	add_output(object, "stdout", &batch->out);
	add_output(object, "stderr", &batch->err);
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

static bool read_output(const cJSON *object, struct output *output)
{
	const char *text = json_get_str(json_get(object, "text"));

	if (!object)
		return true;
	output->text = text ? xstrdup(text) : NULL;
	return text && json_get_int(json_get(object, "bytes"), 0, JSON_MAX_EXACT, &output->bytes);
}

/* Older daemons say nothing of single ids. */
static bool read_outcomes(const cJSON *item, struct batch *batch)
{
	return wire_get_count(item, "ids_completed", &batch->ids_completed) &&
	       wire_get_count(item, "ids_failed", &batch->ids_failed) &&
	       wire_get_count(item, "ids_cancelled", &batch->ids_cancelled) &&
	       wire_get_count(item, "ids_unknown", &batch->ids_unknown) &&
	       wire_get_time(json_get(item, "retry_at"), &batch->retry_ms) &&
	       read_output(json_get(item, "stdout"), &batch->out) &&
	       read_output(json_get(item, "stderr"), &batch->err);
}

static bool read_batch(const struct json_doc *doc, const cJSON *item, struct status_page *page)
{
	struct batch *batch = status_page_add(page);
	const char *status = json_get_str(json_get(item, "status"));
	const char *error = json_get_str(json_get(item, "error"));
	const int64_t *ids;

	batch->error = error ? xstrdup(error) : NULL;
	if (!json_get_ids(doc, json_get(item, "ids"), &ids, &batch->ids_n))
		return false;
	batch->ids_at = page->ids.n;
	idlist_add(&page->ids, ids, batch->ids_n);
	return json_get_int(json_get(item, "index"), 0, JSON_MAX_EXACT, &batch->index) && status &&
	       batch_status_by_name(status, &batch->status) &&
	       wire_get_count(item, "attempts", &batch->attempts) && read_outcomes(item, batch) &&
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
