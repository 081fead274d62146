/*
 * Strict JSON (RFC 8259) with exact 64-bit ids, on top of cJSON.
 *
 * cJSON keeps numbers as doubles and accepts much that is not JSON. So one lexical pass goes first:
 * it refuses what cJSON does not refuse, and it reads every array that is the value of a member
 * named "ids" straight into packed integers; cJSON never sees those. A single id is a member named
 * "id" of an object within the outermost one; cJSON gets it as a string.
 */
#ifndef INGESTD_JSON_H
#define INGESTD_JSON_H

#include "buf.h"
#include "err.h"
#include "idlist.h"

#include <stdbool.h>
#include <stdint.h>

struct cJSON; /* cjson/cJSON.h; only json.c and wire*.c include it */

#define JSON_MAX_DEPTH 32
#define JSON_MAX_VALUES 65536 /* in one text, ids not counted */
#define JSON_MAX_MEMBERS 64 /* in one object */
#define JSON_MAX_NUMBER 63 /* characters of a number, ids not counted */
#define JSON_MAX_EXACT                                                                             \
	(((int64_t)1 << 53) - 1) /* a double up to here is no other integer rounded */

struct json_span {
	size_t at, n;
};

struct json_doc {
	struct cJSON *root; /* owned */
	struct idlist ids; /* the elements of all "ids" arrays */
	struct json_span *spans; /* owned; which of them belong to which array */
	size_t n_spans;
	struct fail ids_fail; /* the first element that is no id; ERR_OK when all are */
	const char
	    *id; /* the value of the top-level member "id" as it stands in the text, or NULL */
	size_t id_len;
};

/*
 * Reads one JSON text of `len` bytes. Ids must be 1..max_id, as integer or as string of digits; a
 * wrong element is reported in doc->ids_fail, so that the rest of the message is still known. Other
 * faults: ERR_PARSE_ERROR with the position, doc is empty then. `text` must outlive doc (doc->id).
 */
enum err json_parse(
    const char *text, size_t len, int64_t max_id, struct json_doc *doc, struct fail *fail);

/* Frees the content. */
void json_free(struct json_doc *doc);

/* Member of an object by its exact name, or NULL; also when `object` is NULL or something else. */
const struct cJSON *json_get(const struct cJSON *object, const char *name);

/* The ids of `array`, a value of a member "ids" of this document. False: it is not an array. */
bool json_get_ids(
    const struct json_doc *doc, const struct cJSON *array, const int64_t **ids, size_t *n);

/* The id that is the value of a member "id", exactly; false when `item` is missing or no id. */
bool json_get_id(const struct cJSON *item, int64_t *id);

/* The string, or NULL when `item` is missing or not a string. */
const char *json_get_str(const struct cJSON *item);

/* An integer in [min, max], at most JSON_MAX_EXACT; false otherwise. */
bool json_get_int(const struct cJSON *item, int64_t min, int64_t max, int64_t *value);

/*
 * Checks that each member of `object` is one of the names (a list that NULL ends). On failure *fail
 * is ERR_INVALID and names the member; `what` says where it was found.
 */
enum err json_only(
    const struct cJSON *object, const char *const *names, const char *what, struct fail *fail);

/* Writers: add a member to an object that was made with cJSON. Integers are exact. */
void json_add_int(struct cJSON *object, const char *name, int64_t value);
void json_add_ids(struct cJSON *object, const char *name, const int64_t *ids, size_t n);

/* Appends the text of `item`, without line breaks. */
void json_print(const struct cJSON *item, struct buf *out);

#endif
