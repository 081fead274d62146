#include "sim.h"

#include "util.h"

void event_add(struct world *world, int64_t at, enum event_kind kind, void *arg)
{
	if (world->n_events == world->cap_events) {
		world->cap_events = 2 * world->cap_events + 16;
		world->events =
		    xreallocarray(world->events, world->cap_events, sizeof(*world->events));
	}
	world->events[world->n_events++] = (struct event){at, ++world->event_number, kind, arg};
}

static void remove_at(struct world *world, size_t i)
{
	world->events[i] = world->events[--world->n_events];
}

void event_forget(struct world *world, const void *arg)
{
	for (size_t i = world->n_events; i-- > 0;)
		if (world->events[i].arg == arg)
			remove_at(world, i);
}

bool event_is_planned(const struct world *world, enum event_kind kind)
{
	for (size_t i = 0; i < world->n_events; i++)
		if (world->events[i].kind == kind)
			return true;
	return false;
}

void event_forget_kind(struct world *world, enum event_kind kind)
{
	for (size_t i = world->n_events; i-- > 0;)
		if (world->events[i].kind == kind)
			remove_at(world, i);
}

struct event event_next(struct world *world)
{
	size_t first = 0;
	struct event event;

	for (size_t i = 1; i < world->n_events; i++) {
		const struct event *a = &world->events[i], *b = &world->events[first];

		if (a->at < b->at || (a->at == b->at && a->number < b->number))
			first = i;
	}
	event = world->events[first];
	remove_at(world, first);
	return event;
}

void event_forget_process(struct world *world)
{
	for (size_t i = world->n_events; i-- > 0;)
		if (world->events[i].kind <= EVENT_LAST_OF_PROCESS)
			remove_at(world, i);
}
