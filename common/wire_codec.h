/*
 * What each method puts into `params` and `result`; wire.c adds the envelope. Only wire*.c include
 * this. A method is one row of wire_codecs and its functions in a wire_*.c file.
 */
#ifndef INGESTD_WIRE_CODEC_H
#define INGESTD_WIRE_CODEC_H

#include "json.h"
#include "wire.h"

#include <cjson/cJSON.h>

struct wire_codec {
	const char *method;
	const char *const *params; /* the allowed members, a list that NULL ends */
	/* `params` is an object or NULL, its member names are checked; doc holds the ids. */
	enum err (*read_params)(const struct json_doc *doc, const cJSON *params,
	    struct wire_request *request, struct fail *fail);
	void (*write_params)(const struct wire_request *request, cJSON *params);
	/* False: something that this protocol version promises is missing or malformed. */
	bool (*read_result)(
	    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply);
	void (*write_result)(const struct wire_reply *reply, cJSON *result);
};

/* A missing entry of a row means: nothing to read or write. */
extern const struct wire_codec wire_codec_hello, wire_codec_ping, wire_codec_version,
    wire_codec_submit, wire_codec_append, wire_codec_seal, wire_codec_cancel, wire_codec_status,
    wire_codec_report, wire_codec_list, wire_codec_stats, wire_codec_retry, wire_codec_bump,
    wire_codec_bulk, wire_codec_pause, wire_codec_resume, wire_codec_drain, wire_codec_rate,
    wire_codec_reload, wire_codec_nodes;

/* The row of a method. */
const struct wire_codec *wire_codec_of(enum wire_method method);

/* Copies the string `item` into to[size]; false when it is missing, no string, or too long. */
bool wire_get_text(const cJSON *item, char *to, size_t size);

/* Reads a UUID in text form; false when `item` is missing or something else. */
bool wire_get_uuid(const cJSON *item, struct uuid *uuid);

void wire_add_uuid(cJSON *object, const char *name, const struct uuid *uuid);

/* Reads the parameter `ingestion_id`, which must be there. */
enum err wire_read_ingestion_id(const cJSON *params, struct uuid *uuid, struct fail *fail);

/* Reads the parameter `ids`, which must be there and not empty. */
enum err wire_read_ids(
    const struct json_doc *doc, const cJSON *params, struct idlist *ids, struct fail *fail);

/* Reads a priority, "HIGH", "MEDIUM" or "LOW"; false in *has when `item` is missing. */
enum err wire_read_priority(
    const cJSON *item, bool *has, enum priority *priority, struct fail *fail);

/* Reads a truth; false when `item` is missing. `name` is for the error. */
enum err wire_read_bool(const cJSON *params, const char *name, bool *value, struct fail *fail);

/* Reads a label; an empty one when `item` is missing. */
enum err wire_read_label(const cJSON *item, char label[LABEL_MAX + 1], struct fail *fail);

/* A time as text; none for 0. Reading: false when it is there and malformed. */
void wire_add_time(cJSON *object, const char *name, int64_t utc_ms);
bool wire_get_time(const cJSON *item, int64_t *utc_ms);

/* Reads a number that may be missing, and stays 0 then; false when it is something else. */
bool wire_get_count(const cJSON *object, const char *name, int64_t *count);

/*
 * The members of a filter that list and bulk share: status, priority, label and older_than_ms. Each
 * may be missing.
 */
enum err wire_read_filter(
    const cJSON *params, struct list_filter *filter, int64_t *older_than_ms, struct fail *fail);
void wire_add_filter(cJSON *params, const struct list_filter *filter, int64_t older_than_ms);

/*
 * Pause, hold, and who has set them: members of `object`; and who has set the rate: of `rate`, only
 * when it is not that of the options. What is read there is the rate in force then.
 */
void wire_add_pause(cJSON *object, const struct control *control);
bool wire_get_pause(const cJSON *object, struct control *control);
void wire_add_rated(cJSON *rate, const struct control *control, const char *who, const char *at);
bool wire_get_rated(const cJSON *rate, struct control *control, const char *who, const char *at,
    int64_t interval_ns);

/* An ingestion without its batches, as status and list show it. */
void wire_add_ingestion(cJSON *object, const struct ingestion *ingestion);
bool wire_get_ingestion(const cJSON *object, struct ingestion *ingestion);

#endif
