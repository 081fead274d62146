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
	const cJSON *id = json_get(params, "ingestion_id");
	const cJSON *from = json_get(params, "from_batch");
	const char *text = json_get_str(id);

	(void)doc;
	if (!text)
		return fail_set(fail, ERR_INVALID, "\"ingestion_id\" must be a string with a UUID");
	if (!uuid_parse(text, &request->status.ingestion))
		return fail_set(fail, ERR_INVALID, "\"%.64s\" is not a UUID", text);
	if (from && !json_get_int(from, 0, IDLIST_MAX, &request->status.from_batch))
		return fail_set(fail, ERR_INVALID, "\"from_batch\" must be an integer from 0 to %d",
		    IDLIST_MAX);
	return read_wait(params, &request->status, fail);
}

static void write_status(const struct wire_request *request, cJSON *params)
{
	wire_add_uuid(params, "ingestion_id", &request->status.ingestion);
	if (request->status.from_batch > 0)
		json_add_int(params, "from_batch", request->status.from_batch);
	if (request->status.wait_ms == 0)
		return;
	json_add_int(params, "wait_ms", request->status.wait_ms);
	if (request->status.since > 0)
		json_add_int(params, "since", request->status.since);
	cJSON_AddStringToObject(params, "until", until_names[request->status.until]);
}

static const char *const status_params[] = {
    "ingestion_id", "from_batch", "wait_ms", "since", "until", NULL};

/* ---- result: writing ---- */

static void add_time(cJSON *object, const char *name, int64_t utc_ms)
{
	char text[TIME_TEXT_SIZE];

	if (utc_ms == 0)
		return;
	format_time(utc_ms, text);
	cJSON_AddStringToObject(object, name, text);
}

static void add_counts(cJSON *object, const struct counts *counts)
{
	cJSON *list = cJSON_AddObjectToObject(object, "counts");

	json_add_int(list, "ids", counts->ids);
	json_add_int(list, "batches", counts->batches);
	for (int i = 0; i < BATCH_STATUS_COUNT; i++)
		json_add_int(list, batch_status_name((enum batch_status)i), counts->by_status[i]);
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
	add_time(object, "started_at", batch->started_ms);
	add_time(object, "finished_at", batch->finished_ms);
	if (batch->error)
		cJSON_AddStringToObject(object, "error", batch->error);
	return object;
}

static void write_status_result(const struct wire_reply *reply, cJSON *result)
{
	const struct status_page *page = &reply->status;
	const struct ingestion *ingestion = &page->ingestion;
	cJSON *batches;

	wire_add_uuid(result, "ingestion_id", &ingestion->uuid);
	cJSON_AddStringToObject(
	    result, "status", ingestion_status_name(counts_status(&ingestion->counts)));
	cJSON_AddStringToObject(result, "priority", priority_name(ingestion->priority));
	if (ingestion->label[0])
		cJSON_AddStringToObject(result, "label", ingestion->label);
	json_add_int(result, "seq", ingestion->seq);
	json_add_int(result, "version", ingestion->version);
	json_add_int(result, "batch_size", ingestion->batch_size);
	add_time(result, "created_at", ingestion->created_ms);
	add_time(result, "started_at", ingestion->started_ms);
	add_time(result, "finished_at", ingestion->finished_ms);
	add_counts(result, &ingestion->counts);
	batches = cJSON_AddArrayToObject(result, "batches");
	for (size_t i = 0; i < page->n; i++)
		cJSON_AddItemToArray(batches, new_batch(page, &page->batches[i]));
	if (page->next_batch >= 0)
		json_add_int(result, "next_batch", page->next_batch);
}

/* ---- result: reading ---- */

/* A time that may be missing. */
static bool read_time(const cJSON *item, int64_t *utc_ms)
{
	const char *text = json_get_str(item);

	*utc_ms = 0;
	return !item || (text && parse_time(text, utc_ms));
}

static bool read_counts(const cJSON *object, struct counts *counts)
{
	bool ok = json_get_int(json_get(object, "ids"), 1, JSON_MAX_EXACT, &counts->ids) &&
	          json_get_int(json_get(object, "batches"), 1, JSON_MAX_EXACT, &counts->batches);

	for (int i = 0; ok && i < BATCH_STATUS_COUNT; i++)
		ok = json_get_int(json_get(object, batch_status_name((enum batch_status)i)), 0,
		    JSON_MAX_EXACT, &counts->by_status[i]);
	return ok;
}

static bool read_ingestion(const cJSON *result, struct ingestion *ingestion)
{
	const char *priority = json_get_str(json_get(result, "priority"));
	const cJSON *label = json_get(result, "label");

	return wire_get_uuid(json_get(result, "ingestion_id"), &ingestion->uuid) && priority &&
	       priority_by_name(priority, &ingestion->priority) &&
	       (!label || wire_get_text(label, ingestion->label, sizeof(ingestion->label))) &&
	       json_get_int(json_get(result, "seq"), 1, JSON_MAX_EXACT, &ingestion->seq) &&
	       json_get_int(json_get(result, "version"), 1, JSON_MAX_EXACT, &ingestion->version) &&
	       json_get_int(
		   json_get(result, "batch_size"), 1, JSON_MAX_EXACT, &ingestion->batch_size) &&
	       read_time(json_get(result, "created_at"), &ingestion->created_ms) &&
	       read_time(json_get(result, "started_at"), &ingestion->started_ms) &&
	       read_time(json_get(result, "finished_at"), &ingestion->finished_ms) &&
	       read_counts(json_get(result, "counts"), &ingestion->counts);
}

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
	       read_time(json_get(item, "started_at"), &batch->started_ms) &&
	       read_time(json_get(item, "finished_at"), &batch->finished_ms);
}

static bool read_status_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct status_page *page = &reply->status;
	const cJSON *batches = json_get(result, "batches");
	const cJSON *next = json_get(result, "next_batch");
	const cJSON *item;

	page->next_batch = -1;
	if (!read_ingestion(result, &page->ingestion) || !cJSON_IsArray(batches) ||
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
