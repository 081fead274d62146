/* The verb nodes: who shares the store, and what each of them does. */
#include "api_verbs.h"

#include "utf8.h"
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- a store that nobody shares ---- */

/* Two daemons of one machine have different sockets. */
static void own_name(const struct api *api, char name[NODE_NAME_MAX + 1])
{
	char host[64] = "", text[sizeof(host) + 256];

	gethostname(host, sizeof(host) - 1);
	snprintf(text, sizeof(text), "%s:%s", host, api->env.conf->socket);
	utf8_clean(name, NODE_NAME_MAX + 1, text);
}

static void fill_settings(const struct conf *conf, struct node *node)
{
	node->interval_ns = conf->interval_ns;
	node->settle_ns = conf_settle_ns(conf);
	node->pack = conf->pack;
	node->max_attempts = conf->max_attempts;
	node->batch_size = conf->batch_size;
	node->concurrency = conf->concurrency;
}

static void fill_figures(const struct api *api, struct node_figures *figures)
{
	const struct stats *own = api->env.stats;
	int64_t slots;

	engine_running(api->env.engine, &slots, &figures->running);
	figures->attempts = own->attempts;
	figures->retries = own->retries;
	figures->interrupted = own->interrupted;
	for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++)
		figures->failed += own->failures[i];
}

/* The only one: this daemon, now. */
static void fill_own(const struct api *api, struct node_list *list)
{
	const struct api_env *env = &api->env;
	struct node *node = xcalloc(1, sizeof(*node));

	uuid_parse(env->node, &node->uuid);
	own_name(api, node->name);
	snprintf(node->version, sizeof(node->version), "%s", env->version.version);
	node->asked = node->alive = true;
	node->seen_ms = clock_utc_ms(env->clock);
	node->started_ms = api->started_ms;
	fill_settings(env->conf, node);
	fill_figures(api, &node->figures);
	*list = (struct node_list){.v = node, .n = 1};
}

/* ---- the verb ---- */

/* The node that answers knows its figures; the store has those of its last sign of life. */
static void fill_asked(const struct api *api, struct node_list *list)
{
	struct uuid own;

	if (!uuid_parse(api->env.node, &own))
		return;
	for (size_t i = 0; i < list->n; i++) {
		struct node *node = &list->v[i];

		node->asked = node->alive && memcmp(&node->uuid, &own, sizeof(own)) == 0;
		if (node->asked)
			fill_figures(api, &node->figures);
	}
}

static void nodes_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;
	struct wire_nodes_reply *nodes = &pending->call->reply.nodes;

	if (!op->op.fail.err) {
		/* The list goes from the operation to the reply. */
		nodes->list = op->op.nodes.list;
		op->op.nodes.list = (struct node_list){0};
		if (nodes->list.n == 0)
			fill_own(pending->api, &nodes->list);
		else
			fill_asked(pending->api, &nodes->list);
		nodes->alive = node_list_sum(&nodes->list, &nodes->together);
		if (nodes->list.n > WIRE_NODES_MAX)
			nodes->list.n = WIRE_NODES_MAX;
	}
	api_finish(pending);
}

void api_nodes(struct api *api, struct api_call *call)
{
	struct pending *pending =
	    api_pending_new(api, call, sizeof(*pending), STORE_NODES, nodes_done);

	api_post_or_finish(pending);
}
