#include "sim.h"

#include "util.h"

#include <inttypes.h>
#include <string.h>

static void copy(struct model_state_all *to, const struct model_state_all *from)
{
	memcpy(
	    to->ingestions, from->ingestions, (size_t)from->n_ingestions * sizeof(*to->ingestions));
	memcpy(to->batches, from->batches, (size_t)from->n_batches * sizeof(*to->batches));
	to->n_ingestions = from->n_ingestions;
	to->n_batches = from->n_batches;
	to->slots = from->slots;
	to->last_sent = from->last_sent;
	to->start_known = from->start_known;
	to->last_start = from->last_start;
	to->ready = from->ready;
	to->ready_first = from->ready_first;
	to->ready_last = from->ready_last;
	to->pause = from->pause;
	to->pause_until_ms = from->pause_until_ms;
	to->hold_first = from->hold_first;
	to->hold_last = from->hold_last;
	to->rate_ns = from->rate_ns;
}

void model_begin(struct model *model)
{
	copy(&model->before, &model->now);
	model->in_turn = true;
}

void model_commit(struct model *model)
{
	model->in_turn = false;
}

void model_rollback(struct model *model)
{
	if (model->in_turn)
		copy(&model->now, &model->before);
	model->in_turn = false;
}

int model_find(const struct model *model, const struct uuid *uuid)
{
	for (int i = 0; i < model->now.n_ingestions; i++)
		if (memcmp(&model->now.ingestions[i].uuid, uuid, sizeof(*uuid)) == 0)
			return i;
	return -1;
}

int model_batch(const struct model *model, const struct uuid *uuid, int64_t index)
{
	int i = model_find(model, uuid);
	const struct model_ingestion *ingestion = &model->now.ingestions[i < 0 ? 0 : i];

	if (i < 0 || index < 0 || index >= ingestion->n_batches)
		return -1;
	return ingestion->first_batch + (int)index;
}

int64_t model_length(const struct model *model, const struct model_batch *batch)
{
	const struct model_ingestion *ingestion = &model->now.ingestions[batch->ingestion];
	int64_t n = 0;

	for (int64_t id = batch->index * ingestion->batch_size;
	     id < ingestion->n_ids && n < ingestion->batch_size; id++)
		n++;
	return n;
}

size_t model_left(
    struct model *model, const struct model_batch *batch, struct model_id *left[MAX_IDS])
{
	struct model_ingestion *ingestion = &model->now.ingestions[batch->ingestion];
	int64_t first = batch->index * ingestion->batch_size;
	size_t n = 0;

	for (int64_t i = first; i < first + model_length(model, batch); i++)
		if (ingestion->ids[i].outcome == ID_PENDING)
			left[n++] = &ingestion->ids[i];
	return n;
}

int model_count(const struct model *model, enum model_state state)
{
	int n = 0;

	for (int i = 0; i < model->now.n_batches; i++)
		n += model->now.batches[i].state == state;
	return n;
}

/* ---- who is next, and when ---- */

bool model_goes_before(const struct model *model, int a, int b)
{
	const struct model_batch *x = &model->now.batches[a], *y = &model->now.batches[b];
	const struct model_ingestion *p = &model->now.ingestions[x->ingestion];
	const struct model_ingestion *q = &model->now.ingestions[y->ingestion];

	if (p->priority != q->priority)
		return p->priority < q->priority;
	if (p->seq != q->seq)
		return p->seq < q->seq;
	return x->index < y->index;
}

int model_next(const struct model *model)
{
	int best = -1;

	for (int i = 0; i < model->now.n_batches; i++)
		if (model->now.batches[i].state == MODEL_WAITING &&
		    (best < 0 || model_goes_before(model, i, best)))
			best = i;
	return best;
}

int64_t model_slot_at(const struct model *model, int64_t ready)
{
	const struct model_state_all *now = &model->now;

	if (now->slots > 0 && !now->start_known)
		return CLOCK_NEVER;
	if (now->slots == 0)
		return now->ready ? ready + model->settle_ns : INT64_MIN;
	if (now->ready && ready + model->settle_ns > now->last_start + model_interval(model))
		return ready + model->settle_ns;
	return now->last_start + model_interval(model);
}

bool model_is_final(const struct model *model, const struct model_ingestion *ingestion)
{
	for (int i = 0; i < ingestion->n_batches; i++)
		if (model->now.batches[ingestion->first_batch + i].state < MODEL_COMPLETED)
			return false;
	return true;
}

/* The wall clock, when the clock of the boot shows this. */
static int64_t utc_ms_at(const struct world *world, int64_t boot_ns)
{
	return (boot_ns + world->boot_at) / MS + world->utc_offset;
}

bool model_is_kept_back(const struct world *world, int64_t first, int64_t last)
{
	const struct model_state_all *now = &world->model.now;

	(void)first;
	if (now->pause != PAUSE_NONE &&
	    (now->pause_until_ms == 0 || utc_ms_at(world, last) < now->pause_until_ms))
		return true;
	return last < now->hold_first;
}

bool model_may_be_kept_back(const struct world *world, int64_t first, int64_t last)
{
	const struct model_state_all *now = &world->model.now;

	(void)last;
	if (now->pause != PAUSE_NONE &&
	    (now->pause_until_ms == 0 || utc_ms_at(world, first) <= now->pause_until_ms + 1))
		return true;
	return first < now->hold_last;
}

void model_becomes_ready(struct model *model, int64_t first, int64_t last)
{
	if (model_next(model) >= 0)
		return;
	/* The store may know of one that became due before, or may find out about it later. */
	for (int i = 0; i < model->now.n_batches; i++)
		if (model_may_be_due(&model->now.batches[i], last) &&
		    model->now.batches[i].due_first < first)
			first = model->now.batches[i].due_first;
	model->now.ready = true;
	model->now.ready_first = first;
	model->now.ready_last = last;
}

bool model_may_be_due(const struct model_batch *batch, int64_t last)
{
	return batch->state == MODEL_LATER && batch->due_first <= last;
}

void model_line_up(struct model *model, int64_t now)
{
	int64_t first = CLOCK_NEVER, last = CLOCK_NEVER;
	bool alone = model_next(model) < 0;

	for (int i = 0; i < model->now.n_batches; i++) {
		struct model_batch *batch = &model->now.batches[i];

		if (!model_may_be_due(batch, now))
			continue;
		/* The line may have been there before it, and then nothing waits for the settle
		 * time. */
		if (batch->maybe)
			first = INT64_MIN;
		if (batch->due_first < first)
			first = batch->due_first;
		if (batch->due_last > now)
			continue;
		if (batch->due_last < last)
			last = batch->due_last;
		batch->state = MODEL_WAITING;
	}
	if (!alone || last == CLOCK_NEVER)
		return;
	model->now.ready = true;
	model->now.ready_first = first;
	model->now.ready_last = last;
}

/* ---- open ---- */

/* Nobody knows how far it was with what nobody wants any more. */
static void crash_unwanted(struct world *world, struct model_batch *batch)
{
	struct model_id *left[MAX_IDS];

	for (size_t n = model_left(&world->model, batch, left); n > 0; n--) {
		strcpy(left[n - 1]->error, ATTEMPT_CRASHED);
		left[n - 1]->outcome = ID_UNKNOWN;
		left[n - 1]->attempts = batch->attempts;
	}
	batch->state = MODEL_CANCELLED;
	world->model.now.ingestions[batch->ingestion].version++;
}

/* An attempt that ran when the process died counts, and has failed. */
static void crash(struct world *world, struct model_batch *batch)
{
	struct model *model = &world->model;
	bool last = batch->attempts - batch->forgiven >= world->settings.retry.max_attempts;
	struct model_id *left[MAX_IDS];

	if (model->now.ingestions[batch->ingestion].cancelling) {
		crash_unwanted(world, batch);
		return;
	}

	for (size_t n = model_left(model, batch, left); n > 0; n--) {
		strcpy(left[n - 1]->error, ATTEMPT_CRASHED);
		if (!last)
			continue;
		left[n - 1]->outcome = ID_FAILED;
		left[n - 1]->attempts = batch->attempts;
	}
	batch->state = last ? MODEL_FAILED : MODEL_WAITING;
	model->now.ingestions[batch->ingestion].version++;
}

/*
 * A restart costs the store's time up to two milliseconds, which it rounds off. In a new boot only
 * the wall clock can tell how long the machine was off, if it is right.
 */
static void lose_time(struct world *world, struct model_batch *batch, bool same_boot)
{
	if (same_boot) {
		batch->due_last += 2 * MS;
		return;
	}
	batch->due_first = INT64_MIN;
	batch->due_last = world_boot_ns(world) + (world->settings.retry.max_ms + 2) * MS;
}

void model_open(struct world *world, bool same_boot, const struct store_found *found)
{
	struct model *model = &world->model;
	struct model_state_all *now = &model->now;
	int interrupted = model_count(model, MODEL_CLAIMED);

	require(world, found->interrupted == interrupted, "open: %" PRId64 " interrupted, not %d",
	    found->interrupted, interrupted);
	for (int i = 0; i < now->n_batches; i++) {
		if (now->batches[i].state == MODEL_CLAIMED)
			crash(world, &now->batches[i]);
		if (now->batches[i].state == MODEL_LATER)
			lose_time(world, &now->batches[i], same_boot);
		now->batches[i].maybe = model_may_be_due(&now->batches[i], world_boot_ns(world));
	}
	require(world,
	    found->waiting + found->later ==
		model_count(model, MODEL_WAITING) + model_count(model, MODEL_LATER),
	    "open: waiting");
	require(world, found->waiting >= model_count(model, MODEL_WAITING), "open: in line");
	for (int i = 0; i < now->n_ingestions; i++)
		now->ingestions[i].cancelling = false;
	if (!same_boot && now->hold_last != INT64_MIN) {
		now->hold_first = INT64_MIN;
		now->hold_last = world_boot_ns(world) + (world->settings.max_hold_ms + 2) * MS;
	} else if (now->hold_last != INT64_MIN) {
		now->hold_last += 2 * MS;
	}
	now->ready = false;
	model->interval_ns = world->settings.interval_ns;
	model->settle_ns = world->settings.settle_ns;
	model->slot_ids = world->settings.slot_ids;
	model->pack = world->settings.pack;
	if (now->slots > 0 && !(same_boot && now->start_known)) {
		now->start_known = true;
		now->last_start = world_boot_ns(world);
	}
}
