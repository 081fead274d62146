/* Holds each answer of the store against the model. */
#include "sim.h"

#include "util.h"

#include <inttypes.h>
#include <string.h>

/* ---- what the store did ---- */

/* Lists that wait for the store together are taken in the order in which they came. */
static void check_order(struct world *world, const struct uuid *uuid)
{
	for (int i = 0; i < world->n_clients; i++) {
		const struct client *client = &world->clients[i];

		if (memcmp(&client->op.op.submit.uuid, uuid, sizeof(*uuid)) != 0)
			continue;
		require(world, client->sent > world->model.now.last_sent,
		    "a list has jumped the queue");
		world->model.now.last_sent = client->sent;
		return;
	}
	world_fail(world, __FILE__, __LINE__, "a list that nobody sent");
}

static void saw_submit(
    struct world *world, const struct store_submit *submit, int64_t first, int64_t last)
{
	struct model *model = &world->model;
	struct model_state_all *now = &model->now;
	struct model_ingestion *ingestion = &now->ingestions[now->n_ingestions];
	int64_t left = (int64_t)submit->ids->n;

	require(world, now->n_ingestions < MAX_CLIENTS, "too many ingestions");
	require(world, model_find(model, &submit->uuid) < 0, "submitted twice");
	check_order(world, &submit->uuid);
	model_becomes_ready(model, first, last);
	*ingestion = (struct model_ingestion){
	    .uuid = submit->uuid,
	    .priority = submit->priority,
	    .seq = now->n_ingestions + 1,
	    .batch_size = submit->batch_size,
	    .n_ids = left,
	    .first_batch = now->n_batches,
	    .version = 1,
	};
	memcpy(ingestion->ids, submit->ids->v, submit->ids->n * sizeof(*ingestion->ids));
	for (; left > 0; left -= submit->batch_size)
		now->batches[now->n_batches++] = (struct model_batch){
		    .ingestion = now->n_ingestions,
		    .index = ingestion->n_batches++,
		    .state = MODEL_WAITING,
		};
	now->n_ingestions++;
	require(world, submit->seq == ingestion->seq, "submission number %" PRId64, submit->seq);
	require(world, submit->batches == ingestion->n_batches, "number of batches");
}

static void check_ids(
    struct world *world, const struct model_batch *batch, const int64_t *ids, size_t n)
{
	const struct model_ingestion *ingestion = &world->model.now.ingestions[batch->ingestion];

	require(world, (int64_t)n == model_length(&world->model, batch), "number of ids");
	require(world,
	    memcmp(ids, ingestion->ids + batch->index * ingestion->batch_size, n * sizeof(*ids)) ==
		0,
	    "ids of a batch");
}

static void saw_no_slot(struct world *world, const struct store_claim *claim, int64_t first)
{
	struct model *model = &world->model;
	int64_t earliest = model_slot_at(model, model->now.ready_first);
	int64_t latest = model_slot_at(model, model->now.ready_last);

	if (model_next(model) < 0) {
		require(world, claim->wake == CLOCK_NEVER, "nothing waits, but there is a wake-up");
		return;
	}
	require(world, first < latest, "a slot was due and was not given");
	require(world, claim->wake >= earliest && claim->wake <= latest,
	    "wake-up at %" PRId64 ", slot at %" PRId64, claim->wake, earliest);
}

static void saw_claimed(
    struct world *world, const struct store_claimed *claimed, int place, int64_t *taken)
{
	struct model *model = &world->model;
	int next = model_next(model);
	struct model_batch *batch = &model->now.batches[next < 0 ? 0 : next];
	struct model_ingestion *ingestion = &model->now.ingestions[batch->ingestion];

	require(world, next >= 0, "a batch was claimed, but none waits");
	require(world, memcmp(&claimed->uuid, &ingestion->uuid, sizeof(ingestion->uuid)) == 0,
	    "another ingestion's turn is now");
	require(world, claimed->attempt.index == batch->index, "another batch's turn is now");
	require(world, claimed->attempt.attempt == batch->attempts + 1, "number of the attempt");
	require(world, claimed->priority == (enum priority)ingestion->priority, "priority");
	require(world, ingestion->number == 0 || ingestion->number == claimed->attempt.ingestion,
	    "internal number of an ingestion");
	ingestion->number = claimed->attempt.ingestion;
	check_ids(world, batch, claimed->ids.v, claimed->ids.n);
	batch->state = MODEL_CLAIMED;
	batch->attempts++;
	batch->slot = model->now.slots;
	batch->place = place;
	ingestion->version++;
	*taken += (int64_t)claimed->ids.n;
}

static void saw_claim(
    struct world *world, const struct store_claim *claim, int64_t first, int64_t last)
{
	struct model *model = &world->model;
	int64_t taken = 0;
	int next;

	require(world, !world->stopping || world->may_claim, "a claim after the stop");
	require(world, claim->interval_ns == model->interval_ns, "interval of a claim");
	if (claim->n == 0) {
		saw_no_slot(world, claim, first);
		return;
	}
	require(world, last >= model_slot_at(model, model->now.ready_first),
	    "a slot was given too early");
	model->now.slots++;
	model->now.start_known = false;
	for (size_t i = 0; i < claim->n; i++) {
		saw_claimed(world, &claim->batches[i], (int)i, &taken);
		require(
		    world, i == 0 || (model->pack && taken <= model->slot_ids), "slot too full");
	}
	next = model_next(model);
	if (next < 0)
		model->now.ready = false;
	else
		require(world,
		    !model->pack ||
			taken + model_length(model, &model->now.batches[next]) > model->slot_ids,
		    "slot not full");
}

/* The batch that an attempt names. The engine asks only for what it was given, so there is one. */
static struct model_batch *batch_of(struct world *world, const struct store_attempt *attempt)
{
	struct model_state_all *now = &world->model.now;

	for (int i = 0; i < now->n_batches; i++)
		if (now->ingestions[now->batches[i].ingestion].number == attempt->ingestion &&
		    now->batches[i].index == attempt->index)
			return &now->batches[i];
	world_fail(world, __FILE__, __LINE__, "an attempt of a batch that there is not");
}

static bool is_current(const struct model_batch *batch, const struct store_attempt *attempt)
{
	return batch->state == MODEL_CLAIMED && batch->attempts == attempt->attempt;
}

/* The latest start in a slot; all of them must be known. */
static int64_t slot_start(struct world *world, int slot)
{
	const struct model_state_all *now = &world->model.now;
	int64_t latest = INT64_MIN;
	int n = 0;

	for (int i = 0; i < now->n_batches; i++)
		n += now->batches[i].slot == slot;
	for (const struct job *job = world->jobs; job; job = job->next) {
		if (job->slot != slot)
			continue;
		require(world, job->started, "the start of a slot was told before it was known");
		if (job->start > latest)
			latest = job->start;
		n--;
	}
	require(world, n == 0, "the start of a slot was told before all of it was started");
	return latest;
}

static void saw_started(struct world *world, const struct store_op *op)
{
	const struct store_started *started = &op->started;
	struct model *model = &world->model;
	struct model_batch *batch = batch_of(world, &started->attempt);
	bool current = is_current(batch, &started->attempt);

	require(world, op->fail.err == (current ? ERR_OK : ERR_STALE_ATTEMPT), "answer to a start");
	if (current)
		model->now.ingestions[batch->ingestion].version++;
	if (started->slot_start == LEDGER_NONE)
		return;
	require(world, batch->slot == model->now.slots, "start of a slot that is not the last");
	require(world, started->slot_start == slot_start(world, batch->slot),
	    "the start that was told is not the actual one");
	model->now.start_known = true;
	model->now.last_start = started->slot_start;
}

/* What the handler said must be what the store is told. */
static void check_outcome(
    struct world *world, const struct model_batch *batch, const struct store_finish *finish)
{
	int i = (int)(batch - world->model.now.batches);
	const struct job *job = worker_job(world, i, finish->attempt.attempt);

	if (!job) {
		require(world, world->interrupted && finish->outcome == OUTCOME_INTERRUPTED,
		    "an outcome of a batch that never ran");
		return;
	}
	require(world, job->done, "an outcome of a batch that still runs");
	require(world, job->outcome == finish->outcome, "another outcome than the handler's");
	if (finish->outcome == OUTCOME_FAILED)
		require(world, finish->message && strcmp(finish->message, job->message) == 0,
		    "another reason than the handler's");
}

static void saw_finish(struct world *world, const struct store_op *op, int64_t first, int64_t last)
{
	static const enum model_state states[] = {
	    [OUTCOME_COMPLETED] = MODEL_COMPLETED,
	    [OUTCOME_FAILED] = MODEL_FAILED,
	    [OUTCOME_INTERRUPTED] = MODEL_WAITING,
	};
	const struct store_finish *finish = &op->finish;
	struct model_batch *batch = batch_of(world, &finish->attempt);

	require(world, is_current(batch, &finish->attempt) && op->fail.err == ERR_OK,
	    "an outcome was told twice, or too late");
	check_outcome(world, batch, finish);
	if (finish->outcome == OUTCOME_INTERRUPTED)
		model_becomes_ready(&world->model, first, last);
	batch->state = states[finish->outcome];
	world->model.now.ingestions[batch->ingestion].version++;
}

void model_saw(struct world *world, const struct store_op *op, int64_t first, int64_t last)
{
	world_trace(world, "store: %s %s",
	    (const char *const[]){"submit", "open", "append", "seal", "cancel", "sweep", "claim",
		"started", "finish", "status", "list", "stats"}[op->verb],
	    err_name(op->fail.err));
	if (op->verb == STORE_STARTED)
		saw_started(world, op);
	else if (op->verb == STORE_FINISH)
		saw_finish(world, op, first, last);
	else if (op->fail.err)
		require(world,
		    op->verb == STORE_STATUS && model_find(&world->model, &op->status.uuid) < 0,
		    "refused: %s", op->fail.text);
	else if (op->verb == STORE_SUBMIT)
		saw_submit(world, &op->submit, first, last);
	else if (op->verb == STORE_CLAIM)
		saw_claim(world, &op->claim, first, last);
	else
		model_check_page(world, &op->status.page);
}

/* ---- status ---- */

static bool agrees(const struct model_batch *batch, const struct batch *shown)
{
	static const enum batch_status expected[] = {
	    [MODEL_CLAIMED] = BATCH_TRIGGERED,
	    [MODEL_COMPLETED] = BATCH_COMPLETED,
	    [MODEL_FAILED] = BATCH_FAILED,
	};

	if (batch->state == MODEL_WAITING)
		return shown->status == (batch->attempts > 0 ? BATCH_RETRYING : BATCH_YET_TO_START);
	return shown->status == expected[batch->state];
}

void model_check_page(struct world *world, const struct status_page *page)
{
	const struct model *model = &world->model;
	int i = model_find(model, &page->ingestion.uuid);
	const struct model_ingestion *ingestion = &model->now.ingestions[i < 0 ? 0 : i];
	int64_t total = 0;

	require(world, i >= 0, "status of an ingestion that there is not");
	require(world, page->ingestion.seq == ingestion->seq, "status: submission number");
	require(world, page->ingestion.version == ingestion->version,
	    "status: version %" PRId64 " instead of %" PRId64, page->ingestion.version,
	    ingestion->version);
	require(world, (int)page->n == ingestion->n_batches, "status: number of batches");
	for (int status = 0; status < BATCH_STATUS_COUNT; status++)
		total += page->ingestion.counts.by_status[status];
	require(world, total == ingestion->n_batches, "status: counts");
	for (size_t k = 0; k < page->n; k++) {
		const struct model_batch *batch =
		    &model->now.batches[ingestion->first_batch + (int)k];
		const struct batch *shown = &page->batches[k];

		require(world, agrees(batch, shown), "status: state of batch %zu", k);
		require(world, shown->started_ms != 0 || shown->finished_ms == 0,
		    "status: batch %zu ended, but never started", k);
		require(
		    world, shown->attempts == batch->attempts, "status: attempts of batch %zu", k);
		check_ids(world, batch, page->ids.v + shown->ids_at, shown->ids_n);
	}
}
