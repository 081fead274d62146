#include "wire_http.h"

#include "wire_codec.h"

#include <string.h>

/* ---- ingest ---- */

static enum err read_ingest(
    const struct json_doc *doc, struct wire_submit *submit, struct fail *fail)
{
	const cJSON *root = doc->root;

	if (!cJSON_IsObject(root))
		return fail_set(fail, ERR_INVALID, "the body must be a JSON object");
	if (!json_get(root, "ids"))
		return fail_set(fail, ERR_INVALID, "\"ids\" is missing");
	if (doc->ids_fail.err) {
		*fail = doc->ids_fail;
		return fail->err;
	}
	if (wire_read_ids(doc, root, &submit->ids, fail) ||
	    wire_read_priority(
		json_get(root, "priority"), &submit->has_priority, &submit->priority, fail))
		return fail->err;
	return wire_read_label(json_get(root, "label"), submit->label, fail);
}

enum err wire_http_read_ingest(
    const char *text, size_t len, int64_t max_id, struct wire_submit *submit, struct fail *fail)
{
	struct json_doc doc;

	*submit = (struct wire_submit){.has_priority = false};
	if (json_parse(text, len, max_id, &doc, fail))
		return fail->err;
	fail->err = ERR_OK;
	if (read_ingest(&doc, submit, fail))
		idlist_free(&submit->ids);
	json_free(&doc);
	return fail->err;
}

static void print(cJSON *object, struct buf *out)
{
	json_print(object, out);
	buf_add(out, "\n", 1);
	cJSON_Delete(object);
}

void wire_http_write_ingest(const struct uuid *ingestion, struct buf *out)
{
	cJSON *object = cJSON_CreateObject();

	wire_add_uuid(object, "ingestion_id", ingestion);
	print(object, out);
}

/* ---- params ---- */

static enum err read_params(enum wire_method method, const struct uuid *ingestion,
    const struct json_doc *doc, struct wire_request *request, struct fail *fail)
{
	const struct wire_codec *codec = wire_codec_of(method);

	if (!cJSON_IsObject(doc->root))
		return fail_set(fail, ERR_INVALID, "the body must be a JSON object");
	if (ingestion && json_get(doc->root, "ingestion_id"))
		return fail_set(fail, ERR_INVALID, "unknown member \"ingestion_id\" in the body");
	if (json_only(doc->root, codec->params, "the body", fail))
		return fail->err;
	if (ingestion)
		wire_add_uuid(doc->root, "ingestion_id", ingestion);
	return codec->read_params ? codec->read_params(doc, doc->root, request, fail) : ERR_OK;
}

enum err wire_http_read_params(enum wire_method method, const struct uuid *ingestion,
    const char *text, size_t len, struct wire_request *request, struct fail *fail)
{
	static const char nothing[] = "{}";
	struct json_doc doc;

	if (len == 0) {
		text = nothing;
		len = strlen(nothing);
	}
	if (json_parse(text, len, INT64_MAX, &doc, fail))
		return fail->err;
	fail->err = ERR_OK;
	read_params(method, ingestion, &doc, request, fail);
	json_free(&doc);
	return fail->err;
}

/* ---- pages ---- */

void wire_http_write_page(
    enum wire_method method, const struct wire_reply *reply, const char *next, struct buf *out)
{
	cJSON *object = cJSON_CreateObject();

	wire_codec_of(method)->write_result(reply, object);
	cJSON_DeleteItemFromObjectCaseSensitive(object, "next_batch");
	cJSON_DeleteItemFromObjectCaseSensitive(object, "next_cursor");
	cJSON_DeleteItemFromObjectCaseSensitive(object, "next_position");
	if (next)
		cJSON_AddStringToObject(object, "next", next);
	print(object, out);
}

/* ---- problems ---- */

void wire_http_write_problem(const struct wire_problem *problem, struct buf *out)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "type", "about:blank");
	cJSON_AddStringToObject(object, "title", problem->title);
	json_add_int(object, "status", problem->status);
	cJSON_AddStringToObject(object, "detail", problem->text);
	cJSON_AddStringToObject(object, "error", problem->text);
	cJSON_AddStringToObject(object, "code", problem->code);
	cJSON_AddStringToObject(object, "instance", problem->instance);
	if (problem->retry_ms > 0)
		json_add_int(object, "retry_after_ms", problem->retry_ms);
	print(object, out);
}
