/* The method submit. */
#include "wire_codec.h"

#include "utf8.h"

#include <string.h>

static bool has_control(const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t length = utf8_length(text, left);

		if (utf8_is_control(text, length))
			return true;
		text += length;
		left -= length;
	}
	return false;
}

static enum err read_label(const cJSON *item, char label[LABEL_MAX + 1], struct fail *fail)
{
	const char *text = json_get_str(item);

	if (!item)
		return ERR_OK;
	if (!text || !*text)
		return fail_set(fail, ERR_INVALID, "\"label\" must be a string and not empty");
	if (strlen(text) > LABEL_MAX)
		return fail_set(fail, ERR_INVALID, "\"label\" has %zu bytes, more than %d",
		    strlen(text), LABEL_MAX);
	if (has_control(text))
		return fail_set(fail, ERR_INVALID, "\"label\" has a control character");
	strcpy(label, text);
	return ERR_OK;
}

static enum err read_priority(const cJSON *item, struct wire_submit *submit, struct fail *fail)
{
	const char *name = json_get_str(item);

	submit->has_priority = item != NULL;
	if (!item || (name && priority_by_name(name, &submit->priority)))
		return ERR_OK;
	if (!name)
		return fail_set(
		    fail, ERR_INVALID, "\"priority\" must be a string: HIGH, MEDIUM or LOW");
	return fail_set(
	    fail, ERR_INVALID, "priority \"%.40s\" is not one of HIGH, MEDIUM, LOW", name);
}

static enum err read_submit(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	const int64_t *ids;
	size_t n;

	if (!json_get_ids(doc, json_get(params, "ids"), &ids, &n))
		return fail_set(fail, ERR_INVALID, "\"ids\" must be an array of integers");
	if (n == 0)
		return fail_set(fail, ERR_INVALID, "\"ids\" is empty: at least one id is needed");
	if (read_priority(json_get(params, "priority"), &request->submit, fail) ||
	    read_label(json_get(params, "label"), request->submit.label, fail))
		return fail->err;
	idlist_add(&request->submit.ids, ids, n);
	return ERR_OK;
}

static void write_submit(const struct wire_request *request, cJSON *params)
{
	const struct wire_submit *submit = &request->submit;

	if (submit->has_priority)
		cJSON_AddStringToObject(params, "priority", priority_name(submit->priority));
	if (submit->label[0])
		cJSON_AddStringToObject(params, "label", submit->label);
	json_add_ids(params, "ids", submit->ids.v, submit->ids.n);
}

static bool read_submit_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct wire_submit_reply *submit = &reply->submit;

	(void)doc;
	return wire_get_uuid(json_get(result, "ingestion_id"), &submit->ingestion) &&
	       json_get_int(json_get(result, "seq"), 1, JSON_MAX_EXACT, &submit->seq) &&
	       json_get_int(json_get(result, "id_count"), 1, JSON_MAX_EXACT, &submit->ids) &&
	       json_get_int(json_get(result, "batch_count"), 1, JSON_MAX_EXACT, &submit->batches);
}

static void write_submit_result(const struct wire_reply *reply, cJSON *result)
{
	const struct wire_submit_reply *submit = &reply->submit;

	wire_add_uuid(result, "ingestion_id", &submit->ingestion);
	json_add_int(result, "seq", submit->seq);
	json_add_int(result, "id_count", submit->ids);
	json_add_int(result, "batch_count", submit->batches);
}

static const char *const submit_params[] = {"ids", "priority", "label", NULL};

const struct wire_codec wire_codec_submit = {
    .method = "submit",
    .params = submit_params,
    .read_params = read_submit,
    .write_params = write_submit,
    .read_result = read_submit_result,
    .write_result = write_submit_result,
};
