/* The methods that change one ingestion: cancel, retry, bump. */
#include "wire_codec.h"

/* ---- cancel ---- */

static enum err read_cancel(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	(void)doc;
	return wire_read_ingestion_id(params, &request->cancel.ingestion, fail);
}

static void write_cancel(const struct wire_request *request, cJSON *params)
{
	wire_add_uuid(params, "ingestion_id", &request->cancel.ingestion);
}

static bool read_cancel_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	const char *status = json_get_str(json_get(result, "status"));

	(void)doc;
	return wire_get_uuid(json_get(result, "ingestion_id"), &reply->cancel.ingestion) &&
	       status && ingestion_status_by_name(status, &reply->cancel.status);
}

static void write_cancel_result(const struct wire_reply *reply, cJSON *result)
{
	wire_add_uuid(result, "ingestion_id", &reply->cancel.ingestion);
	cJSON_AddStringToObject(result, "status", ingestion_status_name(reply->cancel.status));
}

static const char *const cancel_params[] = {"ingestion_id", NULL};

const struct wire_codec wire_codec_cancel = {
    .method = "cancel",
    .params = cancel_params,
    .read_params = read_cancel,
    .write_params = write_cancel,
    .read_result = read_cancel_result,
    .write_result = write_cancel_result,
};

/* ---- retry ---- */

static enum err read_retry(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	(void)doc;
	if (wire_read_ingestion_id(params, &request->retry.ingestion, fail))
		return fail->err;
	return wire_read_bool(params, "cancelled", &request->retry.cancelled, fail);
}

static void write_retry(const struct wire_request *request, cJSON *params)
{
	wire_add_uuid(params, "ingestion_id", &request->retry.ingestion);
	if (request->retry.cancelled)
		cJSON_AddTrueToObject(params, "cancelled");
}

static bool read_retry_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	const char *status = json_get_str(json_get(result, "status"));

	(void)doc;
	return wire_get_uuid(json_get(result, "ingestion_id"), &reply->retry.ingestion) && status &&
	       ingestion_status_by_name(status, &reply->retry.status) &&
	       json_get_int(json_get(result, "batches"), 0, JSON_MAX_EXACT, &reply->retry.batches);
}

static void write_retry_result(const struct wire_reply *reply, cJSON *result)
{
	wire_add_uuid(result, "ingestion_id", &reply->retry.ingestion);
	cJSON_AddStringToObject(result, "status", ingestion_status_name(reply->retry.status));
	json_add_int(result, "batches", reply->retry.batches);
}

static const char *const retry_params[] = {"ingestion_id", "cancelled", NULL};

const struct wire_codec wire_codec_retry = {
    .method = "retry",
    .params = retry_params,
    .read_params = read_retry,
    .write_params = write_retry,
    .read_result = read_retry_result,
    .write_result = write_retry_result,
};

/* ---- bump ---- */

static enum err read_bump(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	struct wire_bump *bump = &request->bump;
	bool has;

	(void)doc;
	if (wire_read_ingestion_id(params, &bump->ingestion, fail) ||
	    wire_read_priority(json_get(params, "priority"), &has, &bump->priority, fail))
		return fail->err;
	return has ? ERR_OK
	           : fail_set(fail, ERR_INVALID, "\"priority\" is missing: HIGH, MEDIUM or LOW");
}

static void write_bump(const struct wire_request *request, cJSON *params)
{
	wire_add_uuid(params, "ingestion_id", &request->bump.ingestion);
	cJSON_AddStringToObject(params, "priority", priority_name(request->bump.priority));
}

static bool read_bump_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	const char *priority = json_get_str(json_get(result, "priority"));

	(void)doc;
	return wire_get_uuid(json_get(result, "ingestion_id"), &reply->bump.ingestion) &&
	       priority && priority_by_name(priority, &reply->bump.priority);
}

static void write_bump_result(const struct wire_reply *reply, cJSON *result)
{
	wire_add_uuid(result, "ingestion_id", &reply->bump.ingestion);
	cJSON_AddStringToObject(result, "priority", priority_name(reply->bump.priority));
}

static const char *const bump_params[] = {"ingestion_id", "priority", NULL};

const struct wire_codec wire_codec_bump = {
    .method = "bump",
    .params = bump_params,
    .read_params = read_bump,
    .write_params = write_bump,
    .read_result = read_bump_result,
    .write_result = write_bump_result,
};
