/* Those who wish something of what is queued and running. */
#include "sim.h"

#include "util.h"

#include <stdlib.h>

struct wish {
	struct storeq_op op; /* first */
	struct wish *next; /* all that ever were: a killed process forgets those on their way */
	struct world *world;
	bool last; /* has to be heard */
};

void wishes_free(struct world *world)
{
	while (world->all_wishes) {
		struct wish *wish = world->all_wishes;

		world->all_wishes = wish->next;
		free(wish);
	}
}

static bool post(struct wish *wish)
{
	return storeq_post(wish->world->queue, &wish->op);
}

/* What the api does when the wish is on disk. */
static void tell_engine(struct world *world, const struct store_op *op)
{
	switch (op->verb) {
	case STORE_CANCEL:
		engine_cancel(world->engine, &op->cancel.uuid);
		break;
	case STORE_CONTROL:
		engine_replan(world->engine);
		break;
	default:
		engine_kick(world->engine);
		break;
	}
}

static void wish_done(struct storeq_op *op)
{
	struct wish *wish = (struct wish *)op;
	struct world *world = wish->world;

	world_trace(world, "wish: %s", err_name(op->op.fail.err));
	/* Where the store comes back it tells the engine what was done after all. */
	if (op->op.fail.err == ERR_UNKNOWN_OUTCOME && world->profile->away)
		tell_engine(world, &op->op);
	if (!op->op.fail.err) {
		tell_engine(world, &op->op);
		world->unheard &= !wish->last;
	} else if (wish->last) {
		event_add(world, world->now + SECOND, EVENT_LAST_WISH, NULL);
	}
}

static struct wish *new_wish(struct world *world, enum store_verb verb)
{
	struct wish *wish = xcalloc(1, sizeof(*wish));

	wish->world = world;
	wish->next = world->all_wishes;
	world->all_wishes = wish;
	wish->op.done = wish_done;
	wish->op.op.verb = verb;
	return wish;
}

static void draw_control(struct world *world, struct store_control *control)
{
	static const enum store_control_verb verbs[] = {
	    STORE_PAUSE, STORE_PAUSE, STORE_DRAIN, STORE_RESUME, STORE_RESUME, STORE_RATE};
	int64_t interval = world->settings.interval_ns;

	control->verb = verbs[rng_range(&world->rng, 0, COUNT_OF(verbs) - 1)];
	control->who = "uid:1";
	control->clear_hold = rng_chance(&world->rng, 50);
	if (control->verb == STORE_PAUSE && rng_chance(&world->rng, 60))
		control->until_ms =
		    clock_utc_ms(&world->clock) + rng_range(&world->rng, -1000, 5 * interval / MS);
	if (control->verb == STORE_RATE && rng_chance(&world->rng, 70))
		control->interval_ns = rng_range(&world->rng, interval / 3, 2 * interval);
}

void wish_random(struct world *world)
{
	static const enum store_verb verbs[] = {
	    STORE_CANCEL, STORE_CANCEL, STORE_RETRY, STORE_RETRY, STORE_BUMP, STORE_CONTROL};
	const struct client *client =
	    &world->clients[rng_range(&world->rng, 0, world->n_clients - 1)];
	struct uuid uuid = client->op.op.submit.uuid;
	struct wish *wish;
	struct store_op *op;

	if (!world->up || world->stopping)
		return;
	wish = new_wish(world, verbs[rng_range(&world->rng, 0, COUNT_OF(verbs) - 1)]);
	op = &wish->op.op;
	if (op->verb == STORE_CANCEL)
		op->cancel = (struct store_cancel){.uuid = uuid, .who = "uid:1"};
	else if (op->verb == STORE_RETRY)
		op->retry =
		    (struct store_retry){.uuid = uuid, .cancelled = rng_chance(&world->rng, 50)};
	else if (op->verb == STORE_BUMP)
		op->bump = (struct store_bump){.uuid = uuid,
		    .priority = (enum priority)rng_range(&world->rng, PRIORITY_HIGH, PRIORITY_LOW)};
	else
		draw_control(world, &op->control);
	post(wish);
}

void wish_cancel(struct world *world, const struct client *client)
{
	struct wish *wish;

	if (!world->up || world->stopping)
		return;
	wish = new_wish(world, STORE_CANCEL);
	wish->op.op.cancel =
	    (struct store_cancel){.uuid = client->op.op.submit.uuid, .who = "uid:1"};
	post(wish);
}

void wish_resume(struct world *world)
{
	struct wish *wish;

	world->unheard = true;
	if (!world->up || world->stopping)
		return;
	wish = new_wish(world, STORE_CONTROL);
	wish->last = true;
	wish->op.op.control =
	    (struct store_control){.verb = STORE_RESUME, .who = "uid:2", .clear_hold = true};
	if (!post(wish))
		event_add(world, world->now + SECOND, EVENT_LAST_WISH, NULL);
}
