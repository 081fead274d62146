/* The method nodes. */
#include "wire_codec.h"

#include "util.h"

#include <stddef.h>

/* The plain numbers of a node: name in the answer, place in the struct. */
static const struct field {
	const char *name;
	size_t offset;
} settings[] =
    {
	{"interval_ns", offsetof(struct node, interval_ns)},
	{"settle_ns", offsetof(struct node, settle_ns)},
	{"max_attempts", offsetof(struct node, max_attempts)},
	{"batch_size", offsetof(struct node, batch_size)},
	{"concurrency", offsetof(struct node, concurrency)},
},
  figures[] = {
      {"running", offsetof(struct node_figures, running)},
      {"attempts", offsetof(struct node_figures, attempts)},
      {"retries", offsetof(struct node_figures, retries)},
      {"interrupted", offsetof(struct node_figures, interrupted)},
      {"failed", offsetof(struct node_figures, failed)},
};

static void write_fields(const struct field *fields, size_t n, const void *from, cJSON *object)
{
	for (size_t i = 0; i < n; i++)
		json_add_int(object, fields[i].name,
		    *(const int64_t *)(const void *)((const char *)from + fields[i].offset));
}

static bool read_fields(const struct field *fields, size_t n, const cJSON *object, void *to)
{
	for (size_t i = 0; i < n; i++)
		if (!json_get_int(json_get(object, fields[i].name), 0, JSON_MAX_EXACT,
			(int64_t *)(void *)((char *)to + fields[i].offset)))
			return false;
	return true;
}

static void write_node(const struct node *node, cJSON *object)
{
	wire_add_uuid(object, "node_id", &node->uuid);
	cJSON_AddStringToObject(object, "name", node->name);
	cJSON_AddStringToObject(object, "version", node->version);
	cJSON_AddBoolToObject(object, "asked", node->asked);
	cJSON_AddBoolToObject(object, "alive", node->alive);
	wire_add_time(object, "started_at", node->started_ms);
	wire_add_time(object, "seen_at", node->seen_ms);
	if (node->lease_ms > 0)
		json_add_int(object, "lease_ms", node->lease_ms);
	else
		cJSON_AddNullToObject(object, "lease_ms");
	cJSON_AddBoolToObject(object, "pack", node->pack);
	write_fields(settings, COUNT_OF(settings), node, object);
	write_fields(figures, COUNT_OF(figures), &node->figures, object);
}

static void write_nodes_result(const struct wire_reply *reply, cJSON *result)
{
	const struct wire_nodes_reply *nodes = &reply->nodes;
	cJSON *list = cJSON_AddArrayToObject(result, "nodes"), *object;

	for (size_t i = 0; i < nodes->list.n; i++) {
		object = cJSON_CreateObject();
		cJSON_AddItemToArray(list, object);
		write_node(&nodes->list.v[i], object);
	}
	object = cJSON_AddObjectToObject(result, "together");
	json_add_int(object, "alive", nodes->alive);
	write_fields(figures, COUNT_OF(figures), &nodes->together, object);
}

static bool read_node(const cJSON *object, struct node *node)
{
	const cJSON *asked = json_get(object, "asked"), *alive = json_get(object, "alive"),
		    *pack = json_get(object, "pack"), *lease = json_get(object, "lease_ms");

	node->asked = cJSON_IsTrue(asked);
	node->alive = cJSON_IsTrue(alive);
	node->pack = cJSON_IsTrue(pack);
	return cJSON_IsBool(asked) && cJSON_IsBool(alive) && cJSON_IsBool(pack) &&
	       wire_get_uuid(json_get(object, "node_id"), &node->uuid) &&
	       wire_get_text(json_get(object, "name"), node->name, sizeof(node->name)) &&
	       wire_get_text(json_get(object, "version"), node->version, sizeof(node->version)) &&
	       wire_get_time(json_get(object, "started_at"), &node->started_ms) &&
	       wire_get_time(json_get(object, "seen_at"), &node->seen_ms) &&
	       (cJSON_IsNull(lease) || json_get_int(lease, 1, JSON_MAX_EXACT, &node->lease_ms)) &&
	       read_fields(settings, COUNT_OF(settings), object, node) &&
	       read_fields(figures, COUNT_OF(figures), object, &node->figures);
}

static bool read_nodes_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct wire_nodes_reply *nodes = &reply->nodes;
	const cJSON *list = json_get(result, "nodes"), *together = json_get(result, "together"),
		    *item;

	(void)doc;
	if (!cJSON_IsArray(list) ||
	    !json_get_int(json_get(together, "alive"), 0, JSON_MAX_EXACT, &nodes->alive) ||
	    !read_fields(figures, COUNT_OF(figures), together, &nodes->together))
		return false;
	nodes->list.v = xcalloc((size_t)cJSON_GetArraySize(list), sizeof(struct node));
	cJSON_ArrayForEach(
	    item, list) if (!read_node(item, &nodes->list.v[nodes->list.n++])) return false;
	return true;
}

static const char *const no_params[] = {NULL};

const struct wire_codec wire_codec_nodes = {
    .method = "nodes",
    .params = no_params,
    .read_result = read_nodes_result,
    .write_result = write_nodes_result,
};
