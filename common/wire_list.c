/* The method list, and how an ingestion is written in any answer. */
#include "wire_codec.h"

#include <string.h>

/* ---- an ingestion ---- */

static void add_counts(cJSON *object, const struct counts *counts)
{
	cJSON *list = cJSON_AddObjectToObject(object, "counts");

	json_add_int(list, "ids", counts->ids);
	json_add_int(list, "batches", counts->batches);
	for (int i = 0; i < BATCH_STATUS_COUNT; i++)
		json_add_int(list, batch_status_name((enum batch_status)i), counts->by_status[i]);
	json_add_int(list, "ids_completed", counts->ids_completed);
	json_add_int(list, "ids_failed", counts->ids_failed);
	json_add_int(list, "ids_cancelled", counts->ids_cancelled);
	json_add_int(list, "ids_unknown", counts->ids_unknown);
	json_add_int(list, "attempts", counts->attempts);
	json_add_int(list, "retries", counts->retries);
}

void wire_add_ingestion(cJSON *object, const struct ingestion *ingestion)
{
	wire_add_uuid(object, "ingestion_id", &ingestion->uuid);
	cJSON_AddStringToObject(
	    object, "status", ingestion_status_name(ingestion_status_of(ingestion)));
	cJSON_AddStringToObject(object, "priority", priority_name(ingestion->priority));
	if (ingestion->label[0])
		cJSON_AddStringToObject(object, "label", ingestion->label);
	if (ingestion->seq > 0)
		json_add_int(object, "seq", ingestion->seq);
	json_add_int(object, "version", ingestion->version);
	json_add_int(object, "batch_size", ingestion->batch_size);
	wire_add_time(object, "created_at", ingestion->created_ms);
	wire_add_time(object, "started_at", ingestion->started_ms);
	wire_add_time(object, "finished_at", ingestion->finished_ms);
	if (ingestion->cancelled_by[0])
		cJSON_AddStringToObject(object, "cancelled_by", ingestion->cancelled_by);
	add_counts(object, &ingestion->counts);
}

void wire_write_ingestion(const struct ingestion *ingestion, struct buf *out)
{
	cJSON *object = cJSON_CreateObject();

	wire_add_ingestion(object, ingestion);
	json_print(object, out);
	cJSON_Delete(object);
}

static bool get_counts(const cJSON *object, struct counts *counts)
{
	bool ok = json_get_int(json_get(object, "ids"), 0, JSON_MAX_EXACT, &counts->ids) &&
	          json_get_int(json_get(object, "batches"), 0, JSON_MAX_EXACT, &counts->batches);

	for (int i = 0; ok && i < BATCH_CANCELLED; i++)
		ok = json_get_int(json_get(object, batch_status_name((enum batch_status)i)), 0,
		    JSON_MAX_EXACT, &counts->by_status[i]);
	/* Older daemons do not have the others. */
	return ok && wire_get_count(object, "cancelled", &counts->by_status[BATCH_CANCELLED]) &&
	       wire_get_count(object, "ids_completed", &counts->ids_completed) &&
	       wire_get_count(object, "ids_failed", &counts->ids_failed) &&
	       wire_get_count(object, "ids_cancelled", &counts->ids_cancelled) &&
	       wire_get_count(object, "ids_unknown", &counts->ids_unknown) &&
	       wire_get_count(object, "attempts", &counts->attempts) &&
	       wire_get_count(object, "retries", &counts->retries);
}

/* The stage shows in the status, and in that only what was sealed has a number. */
static bool get_stage(const cJSON *object, enum stage *stage)
{
	const char *name = json_get_str(json_get(object, "status"));
	bool has_seq = json_get(object, "seq") != NULL;
	enum ingestion_status status;

	if (!name || !ingestion_status_by_name(name, &status))
		return false;
	*stage = status == INGESTION_RECEIVING               ? STAGE_RECEIVING
	         : status == INGESTION_CANCELLED && !has_seq ? STAGE_CANCELLED
	                                                     : STAGE_SEALED;
	return true;
}

bool wire_get_ingestion(const cJSON *object, struct ingestion *ingestion)
{
	const char *priority = json_get_str(json_get(object, "priority"));
	const cJSON *label = json_get(object, "label"), *seq = json_get(object, "seq");
	const cJSON *by = json_get(object, "cancelled_by");

	return wire_get_uuid(json_get(object, "ingestion_id"), &ingestion->uuid) &&
	       get_stage(object, &ingestion->stage) && priority &&
	       priority_by_name(priority, &ingestion->priority) &&
	       (!label || wire_get_text(label, ingestion->label, sizeof(ingestion->label))) &&
	       (!by || wire_get_text(by, ingestion->cancelled_by, PRINCIPAL_MAX + 1)) &&
	       ((!seq && ingestion->stage != STAGE_SEALED) ||
		   json_get_int(seq, 1, JSON_MAX_EXACT, &ingestion->seq)) &&
	       json_get_int(json_get(object, "version"), 1, JSON_MAX_EXACT, &ingestion->version) &&
	       json_get_int(
		   json_get(object, "batch_size"), 1, JSON_MAX_EXACT, &ingestion->batch_size) &&
	       wire_get_time(json_get(object, "created_at"), &ingestion->created_ms) &&
	       wire_get_time(json_get(object, "started_at"), &ingestion->started_ms) &&
	       wire_get_time(json_get(object, "finished_at"), &ingestion->finished_ms) &&
	       get_counts(json_get(object, "counts"), &ingestion->counts);
}

/* ---- params ---- */

static enum err read_status_filter(const cJSON *item, struct list_filter *filter, struct fail *fail)
{
	const char *name = json_get_str(item);

	filter->has_status = item != NULL;
	if (!item || (name && ingestion_status_by_name(name, &filter->status)))
		return ERR_OK;
	return fail_set(fail, ERR_INVALID,
	    "status \"%.40s\" is not one of yet_to_start, triggered, completed, failed, receiving, "
	    "cancelled, cancelling",
	    name ? name : "");
}

static enum err read_prefix(const cJSON *item, char prefix[UUID_TEXT_SIZE], struct fail *fail)
{
	struct uuid low, high;

	if (!item)
		return ERR_OK;
	if (!wire_get_text(item, prefix, UUID_TEXT_SIZE) || !uuid_prefix(prefix, &low, &high))
		return fail_set(fail, ERR_INVALID,
		    "\"id_prefix\" must be the beginning of an ingestion id, in lower case");
	return ERR_OK;
}

enum err wire_read_filter(
    const cJSON *params, struct list_filter *filter, int64_t *older_than_ms, struct fail *fail)
{
	const cJSON *older = json_get(params, "older_than_ms");

	if (read_status_filter(json_get(params, "status"), filter, fail) ||
	    wire_read_priority(
		json_get(params, "priority"), &filter->has_priority, &filter->priority, fail) ||
	    wire_read_label(json_get(params, "label"), filter->label, fail))
		return fail->err;
	if (older && !json_get_int(older, 1, WIRE_OLDER_MAX_MS, older_than_ms))
		return fail_set(fail, ERR_INVALID,
		    "\"older_than_ms\" must be an integer from 1 to %lld", WIRE_OLDER_MAX_MS);
	return ERR_OK;
}

static enum err read_list(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	struct wire_list *list = &request->list;
	const cJSON *limit = json_get(params, "limit"), *cursor = json_get(params, "cursor");
	const cJSON *seq = json_get(params, "seq");

	(void)doc;
	list->limit = WIRE_LIST_DEFAULT;
	if (limit && !json_get_int(limit, 1, WIRE_LIST_LIMIT, &list->limit))
		return fail_set(fail, ERR_INVALID, "\"limit\" must be an integer from 1 to %d",
		    WIRE_LIST_LIMIT);
	if (cursor && !wire_get_text(cursor, list->cursor, sizeof(list->cursor)))
		return fail_set(
		    fail, ERR_INVALID, "\"cursor\" must be the \"next_cursor\" of another page");
	if (seq && !json_get_int(seq, 1, JSON_MAX_EXACT, &list->filter.seq))
		return fail_set(fail, ERR_INVALID, "\"seq\" must be the number of a submission");
	if (read_prefix(json_get(params, "id_prefix"), list->filter.id_prefix, fail))
		return fail->err;
	return wire_read_filter(params, &list->filter, &list->older_than_ms, fail);
}

void wire_add_filter(cJSON *params, const struct list_filter *filter, int64_t older_than_ms)
{
	if (filter->has_status)
		cJSON_AddStringToObject(params, "status", ingestion_status_name(filter->status));
	if (filter->has_priority)
		cJSON_AddStringToObject(params, "priority", priority_name(filter->priority));
	if (filter->label[0])
		cJSON_AddStringToObject(params, "label", filter->label);
	if (older_than_ms > 0)
		json_add_int(params, "older_than_ms", older_than_ms);
}

static void write_list(const struct wire_request *request, cJSON *params)
{
	const struct wire_list *list = &request->list;
	const struct list_filter *filter = &list->filter;

	wire_add_filter(params, filter, list->older_than_ms);
	if (filter->id_prefix[0])
		cJSON_AddStringToObject(params, "id_prefix", filter->id_prefix);
	if (filter->seq > 0)
		json_add_int(params, "seq", filter->seq);
	json_add_int(params, "limit", list->limit);
	if (list->cursor[0])
		cJSON_AddStringToObject(params, "cursor", list->cursor);
}

/* ---- result ---- */

static bool read_list_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	const cJSON *items = json_get(result, "ingestions"),
		    *next = json_get(result, "next_cursor");
	const cJSON *item;

	(void)doc;
	if (!cJSON_IsArray(items) ||
	    (next && !wire_get_text(next, reply->list.next, sizeof(reply->list.next))))
		return false;
	cJSON_ArrayForEach(
	    item, items) if (!wire_get_ingestion(item, list_page_add(&reply->list))) return false;
	return true;
}

static void write_list_result(const struct wire_reply *reply, cJSON *result)
{
	const struct list_page *page = &reply->list;
	cJSON *items = cJSON_AddArrayToObject(result, "ingestions");

	for (size_t i = 0; i < page->n; i++) {
		cJSON *item = cJSON_CreateObject();

		wire_add_ingestion(item, &page->v[i]);
		cJSON_AddItemToArray(items, item);
	}
	if (page->next[0])
		cJSON_AddStringToObject(result, "next_cursor", page->next);
}

static const char *const list_params[] = {
    "status", "priority", "label", "older_than_ms", "id_prefix", "seq", "limit", "cursor", NULL};

const struct wire_codec wire_codec_list = {
    .method = "list",
    .params = list_params,
    .read_params = read_list,
    .write_params = write_list,
    .read_result = read_list_result,
    .write_result = write_list_result,
};
