/* Those who submit lists and ask for their status. */
#include "sim.h"

#include "util.h"

#include <stdlib.h>

/* From the seed: the waits between attempts follow from it. */
static struct uuid new_uuid(struct world *world)
{
	struct uuid uuid;

	for (size_t i = 0; i < sizeof(uuid.bytes); i++)
		uuid.bytes[i] = (uint8_t)rng_next(&world->rng);
	return uuid;
}

static void accept_or_try_again(struct client *client, bool accepted)
{
	struct world *world = client->world;

	client->state = accepted ? CLIENT_ACCEPTED : CLIENT_UNSENT;
	if (accepted)
		return;
	client->op.op.submit.uuid = new_uuid(world);
	event_add(world, world->now + world->settings.interval_ns, EVENT_SUBMIT, client);
}

/* Those without an answer look whether their list is there, and send it again if it is not. */
void clients_look(struct world *world)
{
	for (int i = 0; i < world->n_clients; i++) {
		struct client *client = &world->clients[i];

		if (client->state == CLIENT_SENT)
			accept_or_try_again(
			    client, model_find(&world->model, &client->op.op.submit.uuid) >= 0);
	}
}

static void submit_done(struct storeq_op *op)
{
	struct client *client = op->arg;
	struct world *world = client->world;
	int i = model_find(&world->model, &op->op.submit.uuid);

	world_trace(world, "client: %s", err_name(op->op.fail.err));
	if (op->op.fail.err == ERR_UNKNOWN_OUTCOME && !world->profile->away)
		return; /* the process ends, and the client looks then */
	require(world,
	    (i >= 0) == (op->op.fail.err == ERR_OK) || op->op.fail.err == ERR_UNKNOWN_OUTCOME,
	    "a client was told %s, which is not true", err_name(op->op.fail.err));
	accept_or_try_again(client, i >= 0);
	if (i < 0)
		return;
	if (op->op.fail.err == ERR_OK)
		require(world, op->op.submit.seq == world->model.now.ingestions[i].seq,
		    "seq of a client");
	engine_kick(world->engine);
}

void client_submit(struct client *client)
{
	struct world *world = client->world;

	if (!world->up || world->stopping) {
		event_add(world, world->now + world->settings.interval_ns, EVENT_SUBMIT, client);
		return;
	}
	client->state = CLIENT_SENT;
	client->sent = ++world->event_number;
	if (!storeq_post(world->queue, &client->op)) {
		require(world, world->store_busy, "the queue is full");
		accept_or_try_again(client, false);
	}
}

struct client *world_client(
    struct world *world, int64_t at, enum priority priority, const int64_t *ids, size_t n)
{
	struct client *client = &world->clients[world->n_clients++];

	*client = (struct client){
	    .world = world, .priority = priority, .batch_size = world->settings.slot_ids};
	idlist_add(&client->ids, ids, n);
	client->op.done = submit_done;
	client->op.arg = client;
	client->op.op.verb = STORE_SUBMIT;
	client->op.op.submit = (struct store_submit){
	    .uuid = new_uuid(world),
	    .priority = priority,
	    .label = "",
	    .batch_size = client->batch_size,
	    .ids = &client->ids,
	    .key = {"sim", ""},
	};
	event_add(world, at, EVENT_SUBMIT, client);
	return client;
}

static void look_done(struct storeq_op *op)
{
	store_op_reset(&op->op);
	free(op);
}

/* Someone asks for a status; the model checks the answer where it is made. */
void client_looks(struct world *world)
{
	struct client *client = &world->clients[rng_range(&world->rng, 0, world->n_clients - 1)];
	struct storeq_op *op;

	if (!world->up)
		return;
	op = xcalloc(1, sizeof(*op));
	op->done = look_done;
	if (rng_chance(&world->rng, 50)) {
		op->op.verb = STORE_STATUS;
		op->op.status.uuid = client->op.op.submit.uuid;
		op->op.status.limit = STORE_PAGE_BATCHES;
	} else {
		op->op.verb = STORE_REPORT;
		op->op.report.uuid = client->op.op.submit.uuid;
		op->op.report.limit = MAX_IDS;
		op->op.report.filter.failed = rng_chance(&world->rng, 50);
	}
	if (!storeq_post(world->queue, op))
		free(op);
}

void client_random(struct world *world, int64_t horizon)
{
	int64_t ids[MAX_IDS], n = rng_range(&world->rng, 1, 12);
	struct client *client;

	for (int64_t i = 0; i < n; i++)
		ids[i] = (int64_t)(rng_next(&world->rng) >> 1) | 1;
	client = world_client(world, world->now + rng_range(&world->rng, 0, horizon),
	    (enum priority)rng_range(&world->rng, PRIORITY_HIGH, PRIORITY_LOW), ids, (size_t)n);
	if (rng_chance(&world->rng, 20))
		client->op.op.submit.batch_size = rng_range(&world->rng, 1, 5);
}
