/* The envelope of JSON-RPC 2.0 around the methods. */
#include "wire.h"

#include "utf8.h"
#include "util.h"
#include "wire_codec.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_MAX_MS (24 * 60 * 60 * 1000) /* that a client believes */

static const struct wire_codec *const codecs[WIRE_METHOD_COUNT] = {
    [WIRE_HELLO] = &wire_codec_hello,
    [WIRE_PING] = &wire_codec_ping,
    [WIRE_VERSION] = &wire_codec_version,
    [WIRE_SUBMIT] = &wire_codec_submit,
    [WIRE_APPEND] = &wire_codec_append,
    [WIRE_SEAL] = &wire_codec_seal,
    [WIRE_CANCEL] = &wire_codec_cancel,
    [WIRE_STATUS] = &wire_codec_status,
    [WIRE_REPORT] = &wire_codec_report,
    [WIRE_RETRY] = &wire_codec_retry,
    [WIRE_BUMP] = &wire_codec_bump,
    [WIRE_BULK] = &wire_codec_bulk,
    [WIRE_PAUSE] = &wire_codec_pause,
    [WIRE_RESUME] = &wire_codec_resume,
    [WIRE_DRAIN] = &wire_codec_drain,
    [WIRE_RATE] = &wire_codec_rate,
    [WIRE_RELOAD] = &wire_codec_reload,
    [WIRE_LIST] = &wire_codec_list,
    [WIRE_STATS] = &wire_codec_stats,
    [WIRE_NODES] = &wire_codec_nodes,
};

const struct wire_codec *wire_codec_of(enum wire_method method)
{
	return codecs[method];
}

const char *wire_method_name(enum wire_method method)
{
	return codecs[method]->method;
}

bool wire_get_text(const cJSON *item, char *to, size_t size)
{
	const char *text = json_get_str(item);

	if (!text || strlen(text) >= size)
		return false;
	strcpy(to, text);
	return true;
}

bool wire_get_uuid(const cJSON *item, struct uuid *uuid)
{
	const char *text = json_get_str(item);

	return text && uuid_parse(text, uuid);
}

void wire_add_uuid(cJSON *object, const char *name, const struct uuid *uuid)
{
	char text[UUID_TEXT_SIZE];

	uuid_format(uuid, text);
	cJSON_AddStringToObject(object, name, text);
}

enum err wire_read_ingestion_id(const cJSON *params, struct uuid *uuid, struct fail *fail)
{
	const char *text = json_get_str(json_get(params, "ingestion_id"));

	if (!text)
		return fail_set(fail, ERR_INVALID, "\"ingestion_id\" must be a string with a UUID");
	if (!uuid_parse(text, uuid))
		return fail_set(fail, ERR_INVALID, "\"%.64s\" is not a UUID", text);
	return ERR_OK;
}

enum err wire_read_ids(
    const struct json_doc *doc, const cJSON *params, struct idlist *ids, struct fail *fail)
{
	const int64_t *v;
	size_t n;

	if (!json_get_ids(doc, json_get(params, "ids"), &v, &n))
		return fail_set(fail, ERR_INVALID, "\"ids\" must be an array of integers");
	if (n == 0)
		return fail_set(fail, ERR_INVALID, "\"ids\" is empty: at least one id is needed");
	idlist_add(ids, v, n);
	return ERR_OK;
}

enum err wire_read_bool(const cJSON *params, const char *name, bool *value, struct fail *fail)
{
	const cJSON *item = json_get(params, name);

	*value = cJSON_IsTrue(item);
	if (item && !cJSON_IsBool(item))
		return fail_set(fail, ERR_INVALID, "\"%s\" must be true or false", name);
	return ERR_OK;
}

enum err wire_read_priority(
    const cJSON *item, bool *has, enum priority *priority, struct fail *fail)
{
	const char *name = json_get_str(item);

	*has = item != NULL;
	if (!item || (name && priority_by_name(name, priority)))
		return ERR_OK;
	if (!name)
		return fail_set(
		    fail, ERR_INVALID, "\"priority\" must be a string: HIGH, MEDIUM or LOW");
	return fail_set(
	    fail, ERR_INVALID, "priority \"%.40s\" is not one of HIGH, MEDIUM, LOW", name);
}

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

enum err wire_read_label(const cJSON *item, char label[LABEL_MAX + 1], struct fail *fail)
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

void wire_add_time(cJSON *object, const char *name, int64_t utc_ms)
{
	char text[TIME_TEXT_SIZE];

	if (utc_ms == 0)
		return;
	format_time(utc_ms, text);
	cJSON_AddStringToObject(object, name, text);
}

bool wire_get_time(const cJSON *item, int64_t *utc_ms)
{
	const char *text = json_get_str(item);

	*utc_ms = 0;
	return !item || (text && parse_time(text, utc_ms));
}

bool wire_get_count(const cJSON *object, const char *name, int64_t *count)
{
	const cJSON *item = json_get(object, name);

	return !item || json_get_int(item, 0, JSON_MAX_EXACT, count);
}

/* ---- requests ---- */

/* The id: an integer or a string, kept as the sender wrote it. */
static enum err read_id(
    const struct json_doc *doc, const cJSON *root, struct wire_request *request, struct fail *fail)
{
	const cJSON *id = json_get(root, "id");

	if (!id)
		return fail_set(fail, ERR_INVALID_REQUEST,
		    "the member \"id\" is missing: a request without it could not be answered");
	if (!doc->id || !(cJSON_IsString(id) || cJSON_IsNumber(id)) ||
	    (cJSON_IsNumber(id) && memchr(doc->id, '.', doc->id_len)) ||
	    (cJSON_IsNumber(id) &&
		(memchr(doc->id, 'e', doc->id_len) || memchr(doc->id, 'E', doc->id_len))))
		return fail_set(fail, ERR_INVALID_REQUEST, "\"id\" must be an integer or a string");
	if (doc->id_len >= sizeof(request->id) ||
	    (cJSON_IsString(id) ? strlen(id->valuestring) : doc->id_len) > WIRE_ID_MAX)
		return fail_set(
		    fail, ERR_INVALID_REQUEST, "\"id\" is longer than %d bytes", WIRE_ID_MAX);
	memcpy(request->id, doc->id, doc->id_len);
	request->id[doc->id_len] = '\0';
	return ERR_OK;
}

static enum err read_method(const cJSON *root, struct wire_request *request, struct fail *fail)
{
	const char *name = json_get_str(json_get(root, "method"));

	if (!name)
		return fail_set(fail, ERR_INVALID_REQUEST, "\"method\" must be a string");
	for (int i = 0; i < WIRE_METHOD_COUNT; i++)
		if (strcmp(codecs[i]->method, name) == 0) {
			request->method = (enum wire_method)i;
			return ERR_OK;
		}
	return fail_set(fail, ERR_UNKNOWN_METHOD, "unknown method \"%.64s\"", name);
}

static enum err read_params(
    const struct json_doc *doc, const cJSON *root, struct wire_request *request, struct fail *fail)
{
	const struct wire_codec *codec = codecs[request->method];
	const cJSON *params = json_get(root, "params");

	if (params && !cJSON_IsObject(params))
		return fail_set(fail, ERR_INVALID, "\"params\" must be an object");
	if (json_only(params, codec->params, "\"params\"", fail))
		return fail->err;
	if (doc->ids_fail.err) {
		*fail = doc->ids_fail;
		return fail->err;
	}
	return codec->read_params ? codec->read_params(doc, params, request, fail) : ERR_OK;
}

static enum err read_envelope(
    const struct json_doc *doc, struct wire_request *request, struct fail *fail)
{
	static const char *const members[] = {"jsonrpc", "id", "method", "params", NULL};
	const char *version = json_get_str(json_get(doc->root, "jsonrpc"));

	if (cJSON_IsArray(doc->root))
		return fail_set(fail, ERR_INVALID_REQUEST,
		    "batches are not supported: send one request per line");
	if (!cJSON_IsObject(doc->root))
		return fail_set(fail, ERR_INVALID_REQUEST, "a request must be an object");
	if (read_id(doc, doc->root, request, fail))
		return fail->err;
	if (!version || strcmp(version, "2.0") != 0)
		return fail_set(fail, ERR_INVALID_REQUEST, "\"jsonrpc\" must be \"2.0\"");
	if (json_only(doc->root, members, "the request", fail)) {
		fail->err = ERR_INVALID_REQUEST;
		return fail->err;
	}
	return read_method(doc->root, request, fail);
}

enum err wire_read_request(
    const char *line, size_t len, int64_t max_id, struct wire_request *request, struct fail *fail)
{
	struct json_doc doc;

	memset(request, 0, sizeof(*request));
	strcpy(request->id, "null");
	if (json_parse(line, len, max_id, &doc, fail))
		return fail->err;
	if (!read_envelope(&doc, request, fail))
		read_params(&doc, doc.root, request, fail);
	json_free(&doc);
	if (fail->err)
		wire_request_free(request);
	return fail->err;
}

void wire_request_free(struct wire_request *request)
{
	idlist_free(&request->submit.ids);
	idlist_free(&request->append.ids);
}

/* Starts a message; `id` is JSON text. */
static cJSON *new_message(const char *id)
{
	cJSON *root = cJSON_CreateObject();

	cJSON_AddStringToObject(root, "jsonrpc", "2.0");
	cJSON_AddRawToObject(root, "id", id);
	return root;
}

static void write_message(cJSON *root, struct buf *out)
{
	json_print(root, out);
	buf_add(out, "\n", 1);
	cJSON_Delete(root);
}

void wire_write_request(const struct wire_request *request, struct buf *out)
{
	const struct wire_codec *codec = codecs[request->method];
	cJSON *root = new_message(request->id);

	cJSON_AddStringToObject(root, "method", codec->method);
	if (codec->write_params)
		codec->write_params(request, cJSON_AddObjectToObject(root, "params"));
	write_message(root, out);
}

/* ---- replies ---- */

void wire_write_reply(
    const char *id, enum wire_method method, const struct wire_reply *reply, struct buf *out)
{
	cJSON *root = new_message(id);
	cJSON *result = cJSON_AddObjectToObject(root, "result");

	codecs[method]->write_result(reply, result);
	write_message(root, out);
}

void wire_write_result(enum wire_method method, const struct wire_reply *reply, struct buf *out)
{
	cJSON *result = cJSON_CreateObject();

	codecs[method]->write_result(reply, result);
	write_message(result, out);
}

void wire_write_error(const char *id, const struct fail *fail, struct buf *out)
{
	cJSON *root = new_message(id);
	cJSON *error = cJSON_AddObjectToObject(root, "error");
	cJSON *data;

	json_add_int(error, "code", err_rpc_code(fail->err));
	cJSON_AddStringToObject(error, "message", fail->text);
	data = cJSON_AddObjectToObject(error, "data");
	cJSON_AddStringToObject(data, "code", err_name(fail->err));
	if (fail_retry_ms(fail) > 0)
		json_add_int(data, "retry_after_ms", fail_retry_ms(fail));
	write_message(root, out);
}

static void read_error(const cJSON *error, struct fail *fail)
{
	const cJSON *data = json_get(error, "data");
	const char *name = json_get_str(json_get(data, "code"));
	const char *text = json_get_str(json_get(error, "message"));

	fail_set(
	    fail, name ? err_by_name(name) : ERR_INTERNAL, "%s", text ? text : "no reason given");
	json_get_int(json_get(data, "retry_after_ms"), 1, RETRY_MAX_MS, &fail->retry_ms);
}

bool wire_read_reply(const char *line, size_t len, enum wire_method method,
    struct wire_reply *reply, struct fail *fail)
{
	const struct wire_codec *codec = codecs[method];
	struct json_doc doc;
	const cJSON *error, *result;
	bool ok = true;

	memset(reply, 0, sizeof(*reply));
	if (json_parse(line, len, INT64_MAX, &doc, fail))
		return false;
	if (doc.id && doc.id_len < sizeof(reply->id))
		memcpy(reply->id, doc.id, doc.id_len);
	error = json_get(doc.root, "error");
	result = json_get(doc.root, "result");
	if (error)
		read_error(error, &reply->fail);
	else
		ok = result && !doc.ids_fail.err &&
		     (!codec->read_result || codec->read_result(&doc, result, reply));
	json_free(&doc);
	if (!ok) {
		wire_reply_free(reply);
		fail_set(
		    fail, ERR_INTERNAL, "the daemon's reply to \"%s\" is malformed", codec->method);
	}
	return ok;
}

void wire_reply_free(struct wire_reply *reply)
{
	status_page_free(&reply->status);
	report_page_free(&reply->report.page);
	list_page_free(&reply->list);
	node_list_free(&reply->nodes.list);
}
