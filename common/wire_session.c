/* The methods about the connection and the daemon itself: hello, ping, version. */
#include "wire_codec.h"

#include "utf8.h"

#include <string.h>

static const char *const no_params[] = {NULL};

/* ---- hello ---- */

static enum err read_hello(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	const cJSON *client = json_get(params, "client");

	(void)doc;
	if (client && !wire_get_text(client, request->client, sizeof(request->client)))
		return fail_set(fail, ERR_INVALID,
		    "\"client\" must be a string of at most %d bytes", WIRE_CLIENT_MAX);
	return ERR_OK;
}

static void write_hello(const struct wire_request *request, cJSON *params)
{
	if (request->client[0])
		cJSON_AddStringToObject(params, "client", request->client);
}

static bool read_hello_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct wire_hello_reply *hello = &reply->hello;
	const cJSON *limits = json_get(result, "limits");

	(void)doc;
	return json_get_int(json_get(result, "protocol"), 1, INT32_MAX, &hello->protocol) &&
	       wire_get_text(json_get(result, "version"), hello->version, sizeof(hello->version)) &&
	       json_get_int(json_get(limits, "max_message_bytes"), 1, JSON_MAX_EXACT,
		   &hello->limits.max_message_bytes) &&
	       json_get_int(
		   json_get(limits, "max_ids"), 1, JSON_MAX_EXACT, &hello->limits.max_ids) &&
	       json_get_int(
		   json_get(limits, "batch_size"), 1, JSON_MAX_EXACT, &hello->limits.batch_size);
}

static void write_hello_result(const struct wire_reply *reply, cJSON *result)
{
	const struct wire_hello_reply *hello = &reply->hello;
	cJSON *limits;

	json_add_int(result, "protocol", hello->protocol);
	cJSON_AddStringToObject(result, "version", hello->version);
	limits = cJSON_AddObjectToObject(result, "limits");
	json_add_int(limits, "max_message_bytes", hello->limits.max_message_bytes);
	json_add_int(limits, "max_id", hello->limits.max_id);
	json_add_int(limits, "max_ids", hello->limits.max_ids);
	json_add_int(limits, "max_label_bytes", LABEL_MAX);
	json_add_int(limits, "max_key_bytes", KEY_MAX);
	json_add_int(limits, "batch_size", hello->limits.batch_size);
	/* What later versions can do beyond this protocol version; nothing so far. */
	cJSON_AddArrayToObject(result, "features");
}

static const char *const hello_params[] = {"client", NULL};

const struct wire_codec wire_codec_hello = {
    .method = "hello",
    .params = hello_params,
    .read_params = read_hello,
    .write_params = write_hello,
    .read_result = read_hello_result,
    .write_result = write_hello_result,
};

/* ---- ping ---- */

static void write_ping_result(const struct wire_reply *reply, cJSON *result)
{
	(void)reply;
	cJSON_AddBoolToObject(result, "pong", 1);
}

const struct wire_codec wire_codec_ping = {
    .method = "ping",
    .params = no_params,
    .write_result = write_ping_result,
};

/* ---- version ---- */

static bool read_version_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct wire_version_reply *version = &reply->version;
	const cJSON *libraries = json_get(result, "libraries");

	(void)doc;
	wire_get_text(
	    json_get(libraries, "libevent"), version->libevent, sizeof(version->libevent));
	wire_get_text(json_get(libraries, "sqlite"), version->sqlite, sizeof(version->sqlite));
	wire_get_text(json_get(libraries, "cjson"), version->cjson, sizeof(version->cjson));
	return wire_get_text(
	    json_get(result, "version"), version->version, sizeof(version->version));
}

static void write_version_result(const struct wire_reply *reply, cJSON *result)
{
	cJSON *libraries;

	cJSON_AddStringToObject(result, "version", reply->version.version);
	json_add_int(result, "protocol", WIRE_PROTOCOL);
	libraries = cJSON_AddObjectToObject(result, "libraries");
	cJSON_AddStringToObject(libraries, "libevent", reply->version.libevent);
	cJSON_AddStringToObject(libraries, "sqlite", reply->version.sqlite);
	/* Set in a client that prints what a daemon has said; the daemon's own comes from here,
	 * where cJSON is used. */
	cJSON_AddStringToObject(
	    libraries, "cjson", reply->version.cjson[0] ? reply->version.cjson : cJSON_Version());
}

const struct wire_codec wire_codec_version = {
    .method = "version",
    .params = no_params,
    .read_result = read_version_result,
    .write_result = write_version_result,
};
