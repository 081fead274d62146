/* The method bulk. */
#include "wire_codec.h"

#include "util.h"

#include <string.h>

static const enum wire_method verbs[] = {WIRE_CANCEL, WIRE_RETRY, WIRE_BUMP};

/* ---- params ---- */

static enum err read_verb(const cJSON *item, enum wire_method *verb, struct fail *fail)
{
	const char *name = json_get_str(item);

	for (size_t i = 0; name && i < COUNT_OF(verbs); i++)
		if (strcmp(wire_method_name(verbs[i]), name) == 0) {
			*verb = verbs[i];
			return ERR_OK;
		}
	return fail_set(fail, ERR_INVALID, "\"verb\" must be \"cancel\", \"retry\" or \"bump\"");
}

/* What only one of the verbs has. */
static enum err read_own(const cJSON *params, struct wire_bulk *bulk, struct fail *fail)
{
	const cJSON *to = json_get(params, "to_priority");
	const char *name = json_get_str(to);

	if (wire_read_bool(params, "cancelled", &bulk->cancelled, fail))
		return fail->err;
	if (json_get(params, "cancelled") && bulk->verb != WIRE_RETRY)
		return fail_set(fail, ERR_INVALID, "only \"retry\" takes \"cancelled\"");
	if (bulk->verb != WIRE_BUMP)
		return to ? fail_set(fail, ERR_INVALID, "only \"bump\" takes \"to_priority\"")
		          : ERR_OK;
	if (!name || !priority_by_name(name, &bulk->to_priority))
		return fail_set(fail, ERR_INVALID,
		    "\"bump\" needs \"to_priority\": \"HIGH\", \"MEDIUM\" or \"LOW\"");
	return ERR_OK;
}

/* Everything there is, by a slip, would be too much. */
static enum err read_what(const cJSON *params, struct wire_bulk *bulk, struct fail *fail)
{
	const struct list_filter *filter = &bulk->filter;

	if (wire_read_filter(params, &bulk->filter, &bulk->older_than_ms, fail))
		return fail->err;
	if (filter->has_status || filter->has_priority || filter->label[0] ||
	    bulk->older_than_ms > 0)
		return ERR_OK;
	return fail_set(fail, ERR_INVALID,
	    "which ingestions? at least one of \"status\", \"priority\", \"label\", "
	    "\"older_than_ms\" is needed");
}

static enum err read_bulk(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	struct wire_bulk *bulk = &request->bulk;
	const cJSON *limit = json_get(params, "limit"), *cursor = json_get(params, "cursor");

	(void)doc;
	bulk->limit = WIRE_BULK_LIMIT;
	if (read_verb(json_get(params, "verb"), &bulk->verb, fail) ||
	    read_own(params, bulk, fail) || read_what(params, bulk, fail) ||
	    wire_read_bool(params, "dry_run", &bulk->dry_run, fail))
		return fail->err;
	if (limit && !json_get_int(limit, 1, WIRE_BULK_LIMIT, &bulk->limit))
		return fail_set(fail, ERR_INVALID, "\"limit\" must be an integer from 1 to %d",
		    WIRE_BULK_LIMIT);
	if (cursor && !wire_get_text(cursor, bulk->cursor, sizeof(bulk->cursor)))
		return fail_set(
		    fail, ERR_INVALID, "\"cursor\" must be the \"next_cursor\" of another step");
	return ERR_OK;
}

static void write_bulk(const struct wire_request *request, cJSON *params)
{
	const struct wire_bulk *bulk = &request->bulk;

	cJSON_AddStringToObject(params, "verb", wire_method_name(bulk->verb));
	wire_add_filter(params, &bulk->filter, bulk->older_than_ms);
	if (bulk->cancelled)
		cJSON_AddTrueToObject(params, "cancelled");
	if (bulk->verb == WIRE_BUMP)
		cJSON_AddStringToObject(params, "to_priority", priority_name(bulk->to_priority));
	if (bulk->dry_run)
		cJSON_AddTrueToObject(params, "dry_run");
	if (bulk->limit != WIRE_BULK_LIMIT)
		json_add_int(params, "limit", bulk->limit);
	if (bulk->cursor[0])
		cJSON_AddStringToObject(params, "cursor", bulk->cursor);
}

/* ---- result ---- */

static bool read_bulk_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct wire_bulk_reply *bulk = &reply->bulk;
	const cJSON *next = json_get(result, "next_cursor");

	(void)doc;
	return json_get_int(json_get(result, "matched"), 0, JSON_MAX_EXACT, &bulk->matched) &&
	       json_get_int(json_get(result, "changed"), 0, JSON_MAX_EXACT, &bulk->changed) &&
	       json_get_int(json_get(result, "refused"), 0, JSON_MAX_EXACT, &bulk->refused) &&
	       (!next || wire_get_text(next, bulk->next, sizeof(bulk->next)));
}

static void write_bulk_result(const struct wire_reply *reply, cJSON *result)
{
	const struct wire_bulk_reply *bulk = &reply->bulk;

	json_add_int(result, "matched", bulk->matched);
	json_add_int(result, "changed", bulk->changed);
	json_add_int(result, "refused", bulk->refused);
	if (bulk->next[0])
		cJSON_AddStringToObject(result, "next_cursor", bulk->next);
}

static const char *const bulk_params[] = {"verb", "status", "priority", "label", "older_than_ms",
    "cancelled", "to_priority", "dry_run", "limit", "cursor", NULL};

const struct wire_codec wire_codec_bulk = {
    .method = "bulk",
    .params = bulk_params,
    .read_params = read_bulk,
    .write_params = write_bulk,
    .read_result = read_bulk_result,
    .write_result = write_bulk_result,
};
