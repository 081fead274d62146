#include "wire_upstream.h"

#include "util.h"
#include "wire_codec.h"

#include <stdlib.h>

void wire_write_batch(const struct wire_batch *batch, struct buf *out)
{
	cJSON *object = cJSON_CreateObject();

	wire_add_uuid(object, "ingestion_id", batch->ingestion);
	wire_add_uuid(object, "batch_id", batch->batch);
	json_add_ids(object, "ids", batch->ids->v, batch->ids->n);
	cJSON_AddStringToObject(object, "priority", priority_name(batch->priority));
	if (*batch->label)
		cJSON_AddStringToObject(object, "label", batch->label);
	json_print(object, out);
	cJSON_Delete(object);
}

static const char *read_said(const cJSON *item, struct wire_said *said)
{
	const cJSON *message = json_get(item, "message");

	said->status = json_get_str(json_get(item, "status"));
	said->message = json_get_str(message);
	if (!cJSON_IsObject(item))
		return "is not an object";
	if (!json_get_id(json_get(item, "id"), &said->id))
		return "has no \"id\" from 1 to 9223372036854775807";
	if (!said->status)
		return "has no string \"status\"";
	return said->message || !message || cJSON_IsNull(message)
	           ? NULL
	           : "has a \"message\" that is no string";
}

static enum err read_results(const cJSON *results, struct wire_answer *answer, struct fail *fail)
{
	const cJSON *item;

	if (!cJSON_IsArray(results))
		return fail_set(fail, ERR_INVALID, "\"results\" is not an array");
	answer->v = xcalloc((size_t)cJSON_GetArraySize(results), sizeof(*answer->v));
	cJSON_ArrayForEach(item, results)
	{
		const char *why = read_said(item, &answer->v[answer->n]);

		if (why)
			return fail_set(fail, ERR_INVALID, "results[%zu] %s", answer->n, why);
		answer->n++;
	}
	return ERR_OK;
}

enum err wire_read_answer(
    const char *text, size_t len, struct wire_answer *answer, struct fail *fail)
{
	const cJSON *results;

	*answer = (struct wire_answer){.n = 0};
	if (json_parse(text, len, INT64_MAX, &answer->doc, fail))
		return fail->err;
	answer->detail = json_get_str(json_get(answer->doc.root, "detail"));
	results = json_get(answer->doc.root, "results");
	answer->has_results = results;
	return results ? read_results(results, answer, fail) : ERR_OK;
}

void wire_answer_free(struct wire_answer *answer)
{
	json_free(&answer->doc);
	free(answer->v);
	*answer = (struct wire_answer){.n = 0};
}
