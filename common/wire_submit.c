/* The method submit, and those of an upload: append, seal. */
#include "wire_codec.h"

#include <string.h>

/* ---- submit ---- */

static enum err read_key(const cJSON *item, char key[KEY_MAX + 1], struct fail *fail)
{
	const char *text = json_get_str(item);

	if (!item)
		return ERR_OK;
	if (!text || !key_is_valid(text))
		return fail_set(fail, ERR_INVALID,
		    "\"key\" must be a string of 1 to %d visible ASCII characters", KEY_MAX);
	strcpy(key, text);
	return ERR_OK;
}

static enum err read_open(const cJSON *params, struct wire_submit *submit, struct fail *fail)
{
	const cJSON *open = json_get(params, "open");

	if (open && !cJSON_IsBool(open))
		return fail_set(fail, ERR_INVALID, "\"open\" must be true or false");
	submit->open = cJSON_IsTrue(open);
	if (submit->open && json_get(params, "ids"))
		return fail_set(fail, ERR_INVALID,
		    "\"ids\" and \"open\" exclude each other: send them with append");
	return ERR_OK;
}

static enum err read_submit(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	struct wire_submit *submit = &request->submit;

	if (read_open(params, submit, fail) ||
	    (!submit->open && wire_read_ids(doc, params, &submit->ids, fail)) ||
	    wire_read_priority(
		json_get(params, "priority"), &submit->has_priority, &submit->priority, fail) ||
	    wire_read_label(json_get(params, "label"), submit->label, fail))
		return fail->err;
	return read_key(json_get(params, "key"), submit->key, fail);
}

static void write_submit(const struct wire_request *request, cJSON *params)
{
	const struct wire_submit *submit = &request->submit;

	if (submit->has_priority)
		cJSON_AddStringToObject(params, "priority", priority_name(submit->priority));
	if (submit->label[0])
		cJSON_AddStringToObject(params, "label", submit->label);
	if (submit->key[0])
		cJSON_AddStringToObject(params, "key", submit->key);
	if (submit->open)
		cJSON_AddTrueToObject(params, "open");
	else
		json_add_ids(params, "ids", submit->ids.v, submit->ids.n);
}

/* What an upload has so far; only the answer to `open` says so. */
static bool read_received(const cJSON *result, struct wire_submit_reply *submit)
{
	const char *digest = json_get_str(json_get(result, "digest"));
	const cJSON *sealed = json_get(result, "sealed");

	submit->open = json_get(result, "received") != NULL;
	if (!submit->open)
		return true;
	submit->sealed = cJSON_IsTrue(sealed);
	return cJSON_IsBool(sealed) && digest && digest_parse(digest, &submit->digest) &&
	       json_get_int(json_get(result, "received"), 0, JSON_MAX_EXACT, &submit->received);
}

static bool read_submit_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct wire_submit_reply *submit = &reply->submit;

	(void)doc;
	if (!wire_get_uuid(json_get(result, "ingestion_id"), &submit->ingestion) ||
	    !read_received(result, submit))
		return false;
	submit->replayed = cJSON_IsTrue(json_get(result, "replayed"));
	if (submit->open && !submit->sealed)
		return true;
	return json_get_int(json_get(result, "seq"), 1, JSON_MAX_EXACT, &submit->seq) &&
	       json_get_int(json_get(result, "id_count"), 1, JSON_MAX_EXACT, &submit->ids) &&
	       json_get_int(json_get(result, "batch_count"), 1, JSON_MAX_EXACT, &submit->batches);
}

static void write_submit_result(const struct wire_reply *reply, cJSON *result)
{
	const struct wire_submit_reply *submit = &reply->submit;
	char digest[DIGEST_TEXT_SIZE];

	wire_add_uuid(result, "ingestion_id", &submit->ingestion);
	if (submit->open) {
		digest_format(&submit->digest, digest);
		json_add_int(result, "received", submit->received);
		cJSON_AddStringToObject(result, "digest", digest);
		cJSON_AddBoolToObject(result, "sealed", submit->sealed);
	}
	if (submit->seq > 0) {
		json_add_int(result, "seq", submit->seq);
		json_add_int(result, "id_count", submit->ids);
		json_add_int(result, "batch_count", submit->batches);
	}
	if (submit->replayed)
		cJSON_AddTrueToObject(result, "replayed");
}

static const char *const submit_params[] = {"ids", "priority", "label", "key", "open", NULL};

const struct wire_codec wire_codec_submit = {
    .method = "submit",
    .params = submit_params,
    .read_params = read_submit,
    .write_params = write_submit,
    .read_result = read_submit_result,
    .write_result = write_submit_result,
};

/* ---- append ---- */

static enum err read_append(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	struct wire_append *append = &request->append;

	if (wire_read_ingestion_id(params, &append->ingestion, fail))
		return fail->err;
	if (!json_get_int(json_get(params, "offset"), 0, IDLIST_MAX, &append->offset))
		return fail_set(
		    fail, ERR_INVALID, "\"offset\" must be an integer from 0 to %d", IDLIST_MAX);
	return wire_read_ids(doc, params, &append->ids, fail);
}

static void write_append(const struct wire_request *request, cJSON *params)
{
	const struct wire_append *append = &request->append;

	wire_add_uuid(params, "ingestion_id", &append->ingestion);
	json_add_int(params, "offset", append->offset);
	json_add_ids(params, "ids", append->ids.v, append->ids.n);
}

static bool read_append_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct wire_append_reply *append = &reply->append;

	(void)doc;
	return wire_get_uuid(json_get(result, "ingestion_id"), &append->ingestion) &&
	       json_get_int(json_get(result, "received"), 0, JSON_MAX_EXACT, &append->received);
}

static void write_append_result(const struct wire_reply *reply, cJSON *result)
{
	wire_add_uuid(result, "ingestion_id", &reply->append.ingestion);
	json_add_int(result, "received", reply->append.received);
}

static const char *const append_params[] = {"ingestion_id", "offset", "ids", NULL};

const struct wire_codec wire_codec_append = {
    .method = "append",
    .params = append_params,
    .read_params = read_append,
    .write_params = write_append,
    .read_result = read_append_result,
    .write_result = write_append_result,
};

/* ---- seal ---- */

static enum err read_digest(const cJSON *item, struct wire_seal *seal, struct fail *fail)
{
	const char *text = json_get_str(item);

	seal->has_digest = item != NULL;
	if (!item || (text && digest_parse(text, &seal->digest)))
		return ERR_OK;
	return fail_set(fail, ERR_INVALID,
	    "\"digest\" must be a string of 64 hexadecimal digits in lower case");
}

static enum err read_seal(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	const cJSON *ids = json_get(params, "id_count");

	(void)doc;
	request->seal.ids = -1;
	if (wire_read_ingestion_id(params, &request->seal.ingestion, fail))
		return fail->err;
	if (ids && !json_get_int(ids, 1, IDLIST_MAX, &request->seal.ids))
		return fail_set(
		    fail, ERR_INVALID, "\"id_count\" must be an integer from 1 to %d", IDLIST_MAX);
	return read_digest(json_get(params, "digest"), &request->seal, fail);
}

static void write_seal(const struct wire_request *request, cJSON *params)
{
	const struct wire_seal *seal = &request->seal;
	char digest[DIGEST_TEXT_SIZE];

	wire_add_uuid(params, "ingestion_id", &seal->ingestion);
	if (seal->ids >= 0)
		json_add_int(params, "id_count", seal->ids);
	if (!seal->has_digest)
		return;
	digest_format(&seal->digest, digest);
	cJSON_AddStringToObject(params, "digest", digest);
}

static const char *const seal_params[] = {"ingestion_id", "id_count", "digest", NULL};

/* The ingestion is submitted with this, so the answer is that of submit. */
const struct wire_codec wire_codec_seal = {
    .method = "seal",
    .params = seal_params,
    .read_params = read_seal,
    .write_params = write_seal,
    .read_result = read_submit_result,
    .write_result = write_submit_result,
};
