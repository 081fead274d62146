/* The method nodes. */
#include "json.h"
#include "wire_test.h"

#define NODE_START                                                                                 \
	"{\"node_id\":\"" UUID "\",\"name\":\"a\",\"version\":\"1\",\"asked\":true,\"alive\":true"
#define NODE_REST                                                                                  \
	",\"pack\":false,\"interval_ns\":1,\"settle_ns\":0,\"max_attempts\":1,\"batch_size\":1,"   \
	"\"concurrency\":1,\"running\":0,\"attempts\":0,\"retries\":0,\"interrupted\":0,"          \
	"\"failed\":0"
#define NODE NODE_START ",\"lease_ms\":1" NODE_REST "}"
#define TOGETHER                                                                                   \
	"\"together\":{\"alive\":1,\"running\":0,\"attempts\":0,\"retries\":0,\"interrupted\":0,"  \
	"\"failed\":0}"
#define REPLY(result) "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" result "}"

static struct node some_node(const char *name)
{
	struct node node = {.version = "0.1.0",
	    .asked = true,
	    .alive = true,
	    .started_ms = 1795352548123,
	    .seen_ms = 1795352550000,
	    .lease_ms = 14210,
	    .interval_ns = 5000000000,
	    .settle_ns = 300000000,
	    .pack = true,
	    .max_attempts = 5,
	    .batch_size = 3,
	    .concurrency = 2,
	    .figures = {.running = 1,
		.attempts = JSON_MAX_EXACT,
		.retries = 4,
		.interrupted = 6,
		.failed = 7}};

	assert_true(uuid_parse(UUID, &node.uuid));
	snprintf(node.name, sizeof(node.name), "%s", name);
	return node;
}

static void assert_same_node(const struct node *got, const struct node *wanted)
{
	assert_memory_equal(&got->uuid, &wanted->uuid, sizeof(struct uuid));
	assert_string_equal(got->name, wanted->name);
	assert_string_equal(got->version, wanted->version);
	assert_int_equal(got->asked, wanted->asked);
	assert_int_equal(got->alive, wanted->alive);
	assert_int_equal(got->started_ms, wanted->started_ms);
	assert_int_equal(got->seen_ms, wanted->seen_ms);
	assert_int_equal(got->lease_ms, wanted->lease_ms);
	assert_int_equal(got->interval_ns, wanted->interval_ns);
	assert_int_equal(got->settle_ns, wanted->settle_ns);
	assert_int_equal(got->pack, wanted->pack);
	assert_int_equal(got->max_attempts, wanted->max_attempts);
	assert_int_equal(got->batch_size, wanted->batch_size);
	assert_int_equal(got->concurrency, wanted->concurrency);
	assert_memory_equal(&got->figures, &wanted->figures, sizeof(struct node_figures));
}

static void nodes_come_back(void **state)
{
	struct node all[] = {some_node("atlas"), some_node("")};
	struct wire_reply reply = {
	    .nodes = {.list = {.v = all, .n = COUNT_OF(all)},
		.alive = 1,
		.together = {
		    .running = 1, .attempts = 8, .retries = 9, .interrupted = 10, .failed = 11}}};
	struct wire_reply back;

	(void)state;
	/* The other one differs in all that has two values. */
	memset(all[1].name, 'n', NODE_NAME_MAX);
	memset(all[1].version, 'v', NODE_VERSION_MAX);
	all[1].version[NODE_VERSION_MAX] = '\0';
	all[1].asked = all[1].alive = all[1].pack = false;
	all[1].lease_ms = 0;
	back = reply_back(WIRE_NODES, &reply);
	assert_int_equal(back.nodes.list.n, 2);
	assert_same_node(&back.nodes.list.v[0], &all[0]);
	assert_same_node(&back.nodes.list.v[1], &all[1]);
	assert_int_equal(back.nodes.alive, 1);
	assert_memory_equal(
	    &back.nodes.together, &reply.nodes.together, sizeof(struct node_figures));
	wire_reply_free(&back);
}

static void a_node_is_written_in_full(void **state)
{
	struct node node = some_node("atlas \"1\"");
	struct wire_reply reply = {
	    .nodes = {.list = {.v = &node, .n = 1}, .alive = 1, .together = {.failed = 7}}};
	struct buf out = {0};

	(void)state;
	wire_write_result(WIRE_NODES, &reply, &out);
	assert_string_equal(out.data,
	    "{\"nodes\":[{\"node_id\":\"" UUID "\",\"name\":\"atlas \\\"1\\\"\","
	    "\"version\":\"0.1.0\",\"asked\":true,\"alive\":true,"
	    "\"started_at\":\"2026-11-22T13:02:28.123Z\",\"seen_at\":\"2026-11-22T13:02:30.000Z\","
	    "\"lease_ms\":14210,\"pack\":true,\"interval_ns\":5000000000,\"settle_ns\":300000000,"
	    "\"max_attempts\":5,\"batch_size\":3,\"concurrency\":2,\"running\":1,"
	    "\"attempts\":9007199254740991,\"retries\":4,\"interrupted\":6,\"failed\":7}],"
	    "\"together\":{\"alive\":1,\"running\":0,\"attempts\":0,\"retries\":0,"
	    "\"interrupted\":0,\"failed\":7}}\n");
	buf_free(&out);
	node.lease_ms = 0;
	wire_write_result(WIRE_NODES, &reply, &out);
	assert_contains(out.data, "\"lease_ms\":null,");
	buf_free(&out);
}

/* The largest reply fits into what is kept free for it, and a client can read it. */
static void many_nodes_fit(void **state)
{
	struct wire_reply reply = {.nodes.list.n = WIRE_NODES_MAX}, back;
	struct buf out = {0};

	(void)state;
	reply.nodes.list.v = xcalloc(WIRE_NODES_MAX, sizeof(struct node));
	for (size_t i = 0; i < WIRE_NODES_MAX; i++) {
		reply.nodes.list.v[i] = some_node("");
		memset(reply.nodes.list.v[i].name, '"', NODE_NAME_MAX);
	}
	wire_write_result(WIRE_NODES, &reply, &out);
	assert_in_range(out.len, 1, WIRE_NODES_BYTES);
	buf_free(&out);
	back = reply_back(WIRE_NODES, &reply);
	assert_int_equal(back.nodes.list.n, WIRE_NODES_MAX);
	wire_reply_free(&back);
	wire_reply_free(&reply);
}

static void there_are_no_params(void **state)
{
	struct wire_request request = {.id = "1", .method = WIRE_NODES};

	(void)state;
	request_back(&request);
	assert_refuses_params("nodes", "{\"name\":\"a\"}", "unknown member \"name\"");
}

static void what_is_no_list_of_nodes_is_refused(void **state)
{
	static const char *const lines[] = {
	    REPLY("{\"nodes\":[" NODE "]}"),
	    REPLY("{" TOGETHER "}"),
	    REPLY("{\"nodes\":{}," TOGETHER "}"),
	    REPLY("{\"nodes\":[1]," TOGETHER "}"),
	    REPLY("{\"nodes\":[" NODE ",{}]," TOGETHER "}"),
	    REPLY("{\"nodes\":[" NODE_START NODE_REST "}]," TOGETHER "}"),
	    REPLY("{\"nodes\":[" NODE_START ",\"lease_ms\":0" NODE_REST "}]," TOGETHER "}"),
	    REPLY("{\"nodes\":[" NODE_START ",\"lease_ms\":1,\"seen_at\":\"now\"" NODE_REST
		  "}]," TOGETHER "}"),
	    REPLY("{\"nodes\":[" NODE "],\"together\":{\"alive\":1}}"),
	};
	struct wire_reply reply;
	struct fail fail;
	const char *good = REPLY("{\"nodes\":[" NODE "]," TOGETHER ",\"more\":1}");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		assert_no_reply(WIRE_NODES, lines[i]);
	assert_true(wire_read_reply(good, strlen(good), WIRE_NODES, &reply, &fail));
	wire_reply_free(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nodes_come_back),
	    TEST(a_node_is_written_in_full),
	    TEST(many_nodes_fit),
	    TEST(there_are_no_params),
	    TEST(what_is_no_list_of_nodes_is_refused),
	};

	return RUN(tests);
}
