/* Holds each answer of the store against the model. */
#include "sim.h"

#include "util.h"

#include <inttypes.h>
#include <stdio.h>
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
	for (int64_t i = 0; i < left; i++)
		ingestion->ids[i] = (struct model_id){.id = submit->ids->v[i]};
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

/* All of them, with or without an outcome. */
static void check_ids(
    struct world *world, const struct model_batch *batch, const int64_t *ids, size_t n)
{
	const struct model_ingestion *ingestion = &world->model.now.ingestions[batch->ingestion];
	int64_t first = batch->index * ingestion->batch_size;

	require(world, (int64_t)n == model_length(&world->model, batch), "number of ids");
	for (size_t i = 0; i < n; i++)
		require(world, ids[i] == ingestion->ids[first + (int64_t)i].id, "ids of a batch");
}

static void check_left(
    struct world *world, const struct model_batch *batch, const struct idlist *ids)
{
	struct model_id *left[MAX_IDS];
	size_t n = model_left(&world->model, batch, left);

	require(world, ids->n == n && n > 0, "number of ids that are left");
	for (size_t i = 0; i < n; i++)
		require(world, ids->v[i] == left[i]->id, "ids that are left");
}

/* Nothing stands in line for certain: the wake-up is the earliest return, if that is known. */
static void saw_idle(struct world *world, const struct store_claim *claim, int64_t last)
{
	const struct model_state_all *now = &world->model.now;
	int64_t earliest = CLOCK_NEVER, latest = CLOCK_NEVER;

	for (int i = 0; i < now->n_batches; i++) {
		const struct model_batch *batch = &now->batches[i];

		if (model_may_be_due(batch, last))
			return; /* it may stand there already */
		if (batch->state == MODEL_LATER && batch->due_first < earliest)
			earliest = batch->due_first;
		if (batch->state == MODEL_LATER && batch->due_last < latest)
			latest = batch->due_last;
	}
	require(world, claim->idle, "the line is empty");
	if (latest != CLOCK_NEVER && earliest > latest)
		earliest = latest;
	require(world, claim->wake >= earliest && claim->wake <= latest,
	    "wake-up at %" PRId64 ", due at %" PRId64, claim->wake, earliest);
}

static void saw_no_slot(
    struct world *world, const struct store_claim *claim, int64_t first, int64_t last)
{
	struct model *model = &world->model;
	int64_t earliest = model_slot_at(model, model->now.ready_first);
	int64_t latest = model_slot_at(model, model->now.ready_last);

	if (model_next(model) < 0) {
		saw_idle(world, claim, last);
		return;
	}
	require(world, !claim->idle, "the line is not empty");
	if (model_may_be_kept_back(world, first, last))
		return;
	require(world, first < latest, "a slot was due and was not given");
	require(world, claim->wake >= earliest && claim->wake <= latest,
	    "wake-up at %" PRId64 ", slot at %" PRId64, claim->wake, earliest);
}

/* The batch that was claimed: the first in line, or one that may have become due before it. */
static struct model_batch *claimed_batch(
    struct world *world, const struct store_claimed *claimed, int64_t last)
{
	struct model *model = &world->model;
	int next = model_next(model);
	int i = model_batch(model, &claimed->uuid, claimed->attempt.index);
	struct model_batch *batch = &model->now.batches[i < 0 ? 0 : i];

	require(world, i >= 0, "a batch was claimed that there is not");
	if (i != next)
		require(world,
		    model_may_be_due(batch, last) &&
			(next < 0 || model_goes_before(model, i, next)),
		    "another batch's turn is now");
	return batch;
}

static void saw_claimed(struct world *world, const struct store_claimed *claimed, int place,
    int64_t last, int64_t *taken)
{
	struct model *model = &world->model;
	struct model_batch *batch = claimed_batch(world, claimed, last);
	struct model_ingestion *ingestion = &model->now.ingestions[batch->ingestion];

	require(world, claimed->attempt.attempt == batch->attempts + 1, "number of the attempt");
	require(world, claimed->priority == (enum priority)ingestion->priority, "priority");
	require(world, ingestion->number == 0 || ingestion->number == claimed->attempt.ingestion,
	    "internal number of an ingestion");
	ingestion->number = claimed->attempt.ingestion;
	check_left(world, batch, &claimed->ids);
	batch->state = MODEL_CLAIMED;
	batch->claimed = true;
	batch->priority = ingestion->priority;
	batch->attempts++;
	batch->slot = model->now.slots;
	batch->place = place;
	ingestion->version++;
	*taken += (int64_t)claimed->ids.n;
}

/* Packing ends at the first batch that does not fit: that which is next now. */
static void check_full(struct world *world, int64_t taken, int64_t last)
{
	struct model *model = &world->model;
	int next = model_next(model);
	struct model_id *left[MAX_IDS];

	for (int i = 0; i < model->now.n_batches; i++)
		if (model_may_be_due(&model->now.batches[i], last) &&
		    model_goes_before(model, i, next))
			return; /* that may have been next */
	require(world,
	    !model->pack || taken + (int64_t)model_left(model, &model->now.batches[next], left) >
				model->slot_ids,
	    "slot not full");
}

static void saw_claim(
    struct world *world, const struct store_claim *claim, int64_t first, int64_t last)
{
	struct model *model = &world->model;
	int64_t taken = 0;

	model_line_up(model, first);
	require(world, !world->stopping || world->may_claim, "a claim after the stop");
	require(world, claim->interval_ns == model_interval(model), "interval of a claim");
	if (claim->n == 0) {
		saw_no_slot(world, claim, first, last);
		return;
	}
	require(world, last >= model_slot_at(model, model->now.ready_first),
	    "a slot was given too early");
	require(world, !model_is_kept_back(world, first, last),
	    "a slot was given although nothing was to start");
	world->interval_ns = claim->interval_ns;
	model->now.slots++;
	model->now.start_known = false;
	for (size_t i = 0; i < claim->n; i++) {
		saw_claimed(world, &claim->batches[i], (int)i, last, &taken);
		require(
		    world, i == 0 || (model->pack && taken <= model->slot_ids), "slot too full");
	}
	if (model_next(model) < 0)
		model->now.ready = false;
	else
		check_full(world, taken, last);
	for (int i = 0; i < model->now.n_batches; i++)
		model->now.batches[i].maybe = model_may_be_due(&model->now.batches[i], last);
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

/* Whether a batch of the slot was cancelled before the handler got it. */
static bool slot_is_unwanted(struct world *world, int slot)
{
	const struct model_state_all *now = &world->model.now;

	for (int i = 0; i < now->n_batches; i++)
		if (now->batches[i].slot == slot &&
		    (now->batches[i].state == MODEL_CANCELLED ||
			now->ingestions[now->batches[i].ingestion].cancelling))
			return true;
	return false;
}

/* The latest start in a slot; all of them must be known, or INT64_MIN: nobody can tell. */
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
	if (n > 0 && slot_is_unwanted(world, slot))
		return INT64_MIN;
	require(world, n == 0, "the start of a slot was told before all of it was started");
	return latest;
}

static void saw_started(struct world *world, const struct store_op *op)
{
	const struct store_started *started = &op->started;
	struct model *model = &world->model;
	struct model_batch *batch = batch_of(world, &started->attempt);
	bool current = is_current(batch, &started->attempt);
	int64_t start;

	require(world, op->fail.err == (current ? ERR_OK : ERR_STALE_ATTEMPT), "answer to a start");
	if (current)
		model->now.ingestions[batch->ingestion].version++;
	if (started->slot_start == LEDGER_NONE)
		return;
	/* The turn that had it first was lost, but it took place, and it went on from there. */
	if (world->profile->away && batch->slot != model->now.slots)
		return;
	require(world, batch->slot == model->now.slots, "start of a slot that is not the last");
	start = slot_start(world, batch->slot);
	require(world, started->slot_start == start || start == INT64_MIN,
	    "the start that was told is not the actual one");
	model->now.start_known = true;
	model->now.last_start = started->slot_start;
}

/* What the handler said must be what the store is told. */
static void check_ending(
    struct world *world, const struct model_batch *batch, const struct store_finish *finish)
{
	int i = (int)(batch - world->model.now.batches);
	const struct job *job = worker_job(world, i, finish->attempt.attempt);
	const struct ending *ending = finish->ending;

	if (!job) {
		require(world,
		    (world->interrupted ||
			world->model.now.ingestions[batch->ingestion].cancelling) &&
			ending->outcome == OUTCOME_INTERRUPTED && !ending->results,
		    "an outcome of a batch that never ran");
		return;
	}
	require(world, job->done, "an outcome of a batch that still runs");
	for (size_t k = 0; k < job->n; k++)
		require(world,
		    job->outcomes[k] ==
			(ending->results ? ending->results[k].outcome : ending->outcome),
		    "another outcome than the handler's");
}

/* The text that an id keeps of an attempt which did not complete it. */
static void keep_error(struct model_id *id, const struct ending *ending, size_t i)
{
	const char *message = ending->results && ending->results[i].message
	                          ? ending->results[i].message
	                          : ending->message;

	snprintf(id->error, sizeof(id->error), "%s", message ? message : "");
}

/* What the attempt has left of its ids: how many to be tried again; *stopped: it does not count. */
static int settle_ids(
    struct world *world, struct model_batch *batch, const struct ending *ending, bool *stopped)
{
	bool last = batch->attempts - batch->forgiven >= world->settings.retry.max_attempts;
	bool unwanted = world->model.now.ingestions[batch->ingestion].cancelling;
	struct model_id *left[MAX_IDS];
	size_t n = model_left(&world->model, batch, left);
	int again = 0;

	*stopped = false;
	for (size_t i = 0; i < n; i++)
		*stopped |= !unwanted && (ending_outcome(ending, i) == OUTCOME_INTERRUPTED ||
					     ending_outcome(ending, i) == OUTCOME_UNKNOWN);
	for (size_t i = 0; i < n; i++) {
		enum outcome outcome = ending_outcome(ending, i);

		left[i]->error[0] = '\0';
		if (outcome != OUTCOME_COMPLETED)
			keep_error(left[i], ending, i);
		if (outcome == OUTCOME_COMPLETED)
			left[i]->outcome = ID_COMPLETED;
		else if (outcome == OUTCOME_FAILED)
			left[i]->outcome = ID_FAILED;
		else if (unwanted)
			left[i]->outcome = outcome == OUTCOME_UNKNOWN ? ID_UNKNOWN : ID_CANCELLED;
		else if (outcome == OUTCOME_RETRY && last && !*stopped)
			left[i]->outcome = ID_FAILED;
		left[i]->attempts = batch->attempts;
		again += left[i]->outcome == ID_PENDING;
	}
	return again;
}

static bool has(
    struct world *world, const struct model_batch *batch, enum id_outcome a, enum id_outcome b)
{
	const struct model_ingestion *ingestion = &world->model.now.ingestions[batch->ingestion];
	int64_t first = batch->index * ingestion->batch_size;

	for (int64_t i = first; i < first + model_length(&world->model, batch); i++)
		if (ingestion->ids[i].outcome == a || ingestion->ids[i].outcome == b)
			return true;
	return false;
}

/* What a batch has come to whose ids all have an outcome. */
static enum model_state end_of(struct world *world, const struct model_batch *batch)
{
	if (has(world, batch, ID_CANCELLED, ID_UNKNOWN))
		return MODEL_CANCELLED;
	return has(world, batch, ID_FAILED, ID_FAILED) ? MODEL_FAILED : MODEL_COMPLETED;
}

/* The wait grows twofold up to a bound, and at most a half of it is left out. */
static void check_delay(struct world *world, int64_t attempt, int64_t delay_ms)
{
	const struct retry_policy *policy = &world->settings.retry;
	double full = (double)policy->base_ms;

	while (--attempt > 0)
		full *= 2;
	if (full > (double)policy->max_ms)
		full = (double)policy->max_ms;
	require(world, (double)delay_ms <= full && (double)delay_ms >= full / 2 - 1,
	    "a delay of %" PRId64 " ms instead of %.0f", delay_ms, full);
}

/* Some ids are to be tried again. */
static void goes_on(struct world *world, struct model_batch *batch,
    const struct store_finish *finish, bool stopped, int64_t first, int64_t last)
{
	require(world, finish->status == BATCH_RETRYING, "the batch goes on");
	if (stopped) {
		batch->attempts--;
		world->given[batch - world->model.now.batches] = batch->attempts;
		require(world, finish->due_ms == 0, "an interrupted batch is due at once");
	} else {
		check_delay(world, batch->attempts - batch->forgiven, finish->due_ms);
	}
	if (finish->due_ms == 0) {
		model_becomes_ready(&world->model, first, last);
		batch->state = MODEL_WAITING;
		return;
	}
	batch->state = MODEL_LATER;
	/* The store counts in milliseconds. */
	batch->due_first = first + (finish->due_ms - 2) * MS;
	batch->due_last = last + (finish->due_ms + 2) * MS;
	batch->maybe = false;
}

static enum batch_status shown_as(enum model_state state)
{
	static const enum batch_status statuses[] = {
	    [MODEL_CLAIMED] = BATCH_TRIGGERED,
	    [MODEL_COMPLETED] = BATCH_COMPLETED,
	    [MODEL_FAILED] = BATCH_FAILED,
	    [MODEL_CANCELLED] = BATCH_CANCELLED,
	};

	return statuses[state];
}

/* The other side wants a rest. A longer one that it has asked for before stays. */
static void saw_hold(struct world *world, int64_t hold_ms, int64_t first, int64_t last)
{
	struct model_state_all *now = &world->model.now;

	if (hold_ms > world->settings.max_hold_ms)
		hold_ms = world->settings.max_hold_ms;
	if (first + (hold_ms - 2) * MS > now->hold_first)
		now->hold_first = first + (hold_ms - 2) * MS;
	if (last + (hold_ms + 2) * MS > now->hold_last)
		now->hold_last = last + (hold_ms + 2) * MS;
}

static void saw_finish(struct world *world, const struct store_op *op, int64_t first, int64_t last)
{
	const struct store_finish *finish = &op->finish;
	struct model_batch *batch = batch_of(world, &finish->attempt);
	struct model_ingestion *ingestion = &world->model.now.ingestions[batch->ingestion];
	bool stopped;

	/* The turn that had it first was lost, but it took place. */
	if (world->profile->away && !is_current(batch, &finish->attempt)) {
		require(world, op->fail.err == ERR_STALE_ATTEMPT, "an outcome was taken twice");
		return;
	}
	require(world, is_current(batch, &finish->attempt) && op->fail.err == ERR_OK,
	    "an outcome was told twice, or too late");
	check_ending(world, batch, finish);
	if (settle_ids(world, batch, finish->ending, &stopped) > 0) {
		goes_on(world, batch, finish, stopped, first, last);
	} else {
		batch->state = end_of(world, batch);
		require(world, finish->status == shown_as(batch->state), "what the batch came to");
	}
	if (finish->ending->hold_ms > 0)
		saw_hold(world, finish->ending->hold_ms, first, last);
	if (model_is_final(&world->model, ingestion))
		ingestion->cancelling = false;
	ingestion->version++;
}

/* ---- wishes ---- */

static bool any(
    const struct world *world, const struct model_ingestion *ingestion, enum model_state state)
{
	for (int i = 0; i < ingestion->n_batches; i++)
		if (world->model.now.batches[ingestion->first_batch + i].state == state)
			return true;
	return false;
}

static struct model_ingestion *wished_for(struct world *world, const struct uuid *uuid)
{
	int i = model_find(&world->model, uuid);

	return i < 0 ? NULL : &world->model.now.ingestions[i];
}

static void give_up(struct world *world, struct model_batch *batch)
{
	struct model_id *left[MAX_IDS];

	for (size_t n = model_left(&world->model, batch, left); n > 0; n--) {
		left[n - 1]->outcome = ID_CANCELLED;
		left[n - 1]->attempts = batch->attempts;
	}
	batch->state = MODEL_CANCELLED;
}

static void saw_cancel(struct world *world, const struct store_op *op)
{
	struct model *model = &world->model;
	struct model_ingestion *ingestion = wished_for(world, &op->cancel.uuid);
	bool over = ingestion && model_is_final(model, ingestion);
	int64_t running = 0;

	require(world, (op->fail.err == ERR_NOT_FOUND) == !ingestion, "cancel: not found");
	if (!ingestion)
		return;
	require(world,
	    (op->fail.err == ERR_WRONG_STATE) == (over && !any(world, ingestion, MODEL_CANCELLED)),
	    "cancel: wrong state");
	for (int i = 0; i < ingestion->n_batches; i++)
		if (model->now.batches[ingestion->first_batch + i].claimed) {
			world->cancels++;
			break;
		}
	if (op->fail.err || over)
		return;
	for (int i = 0; i < ingestion->n_batches; i++) {
		struct model_batch *batch = &model->now.batches[ingestion->first_batch + i];

		if (batch->state == MODEL_WAITING || batch->state == MODEL_LATER)
			give_up(world, batch);
		running += batch->state == MODEL_CLAIMED;
	}
	require(world, op->cancel.running == running && !op->cancel.more, "cancel: what runs");
	require(world, op->cancel.status == (running ? INGESTION_CANCELLING : INGESTION_CANCELLED),
	    "cancel: status");
	if (!ingestion->cancelling)
		ingestion->version++;
	ingestion->cancelling = running > 0;
}

/* The ids of a batch are pending again. */
static void try_again(struct world *world, struct model_batch *batch)
{
	struct model_ingestion *ingestion = &world->model.now.ingestions[batch->ingestion];
	int64_t first = batch->index * ingestion->batch_size;

	for (int64_t i = first; i < first + model_length(&world->model, batch); i++)
		if (ingestion->ids[i].outcome != ID_COMPLETED) {
			ingestion->ids[i].outcome = ID_PENDING;
			ingestion->ids[i].error[0] = '\0';
		}
	batch->state = MODEL_WAITING;
	batch->forgiven = batch->attempts;
}

static void saw_retry(struct world *world, const struct store_op *op, int64_t first, int64_t last)
{
	struct model *model = &world->model;
	struct model_ingestion *ingestion = wished_for(world, &op->retry.uuid);
	int64_t batches = 0;

	require(world, (op->fail.err == ERR_NOT_FOUND) == !ingestion, "retry: not found");
	if (!ingestion)
		return;
	require(world, (op->fail.err == ERR_WRONG_STATE) == ingestion->cancelling,
	    "retry: wrong state");
	if (op->fail.err)
		return;
	for (int i = 0; i < ingestion->n_batches; i++) {
		struct model_batch *batch = &model->now.batches[ingestion->first_batch + i];

		if (batch->state != MODEL_FAILED &&
		    !(op->retry.cancelled && batch->state == MODEL_CANCELLED))
			continue;
		if (batches++ == 0)
			model_becomes_ready(model, first, last);
		try_again(world, batch);
	}
	require(world, op->retry.batches == batches && !op->retry.more, "retry: batches");
	ingestion->version += batches > 0;
}

static void saw_bump(struct world *world, const struct store_op *op)
{
	struct model_ingestion *ingestion = wished_for(world, &op->bump.uuid);

	require(world, (op->fail.err == ERR_NOT_FOUND) == !ingestion, "bump: not found");
	if (!ingestion)
		return;
	require(world,
	    (op->fail.err == ERR_WRONG_STATE) == model_is_final(&world->model, ingestion),
	    "bump: wrong state");
	if (op->fail.err || ingestion->priority == (int)op->bump.priority)
		return;
	ingestion->priority = (int)op->bump.priority;
	ingestion->version++;
}

static void saw_control(struct world *world, const struct store_control *control)
{
	struct model_state_all *now = &world->model.now;

	switch (control->verb) {
	case STORE_PAUSE:
	case STORE_DRAIN:
		now->pause = control->verb == STORE_PAUSE ? PAUSE_PAUSED : PAUSE_DRAINING;
		now->pause_until_ms = control->verb == STORE_PAUSE ? control->until_ms : 0;
		break;
	case STORE_RESUME:
		now->pause = PAUSE_NONE;
		if (control->clear_hold)
			now->hold_first = now->hold_last = INT64_MIN;
		break;
	case STORE_RATE:
		now->rate_ns = control->interval_ns;
		break;
	}
	require(world, control->now.rate_ns == now->rate_ns, "control: rate");
	require(world,
	    now->pause == PAUSE_NONE || now->pause_until_ms || control->now.pause == now->pause,
	    "control: pause");
}

static const struct uuid *asked_for(const struct store_op *op)
{
	return op->verb == STORE_STATUS ? &op->status.uuid : &op->report.uuid;
}

void model_saw(struct world *world, const struct store_op *op, int64_t first, int64_t last)
{
	world_trace(world, "store: %s %s",
	    (const char *const[]){"submit", "open", "append", "seal", "cancel", "retry", "bump",
		"control", "notice", "told", "sweep", "claim", "started", "finish", "status",
		"report", "list", "stats"}[op->verb],
	    err_name(op->fail.err));
	if (op->verb == STORE_STARTED)
		saw_started(world, op);
	else if (op->verb == STORE_FINISH)
		saw_finish(world, op, first, last);
	else if (op->verb == STORE_CANCEL)
		saw_cancel(world, op);
	else if (op->verb == STORE_RETRY)
		saw_retry(world, op, first, last);
	else if (op->verb == STORE_BUMP)
		saw_bump(world, op);
	else if (op->verb == STORE_CONTROL)
		saw_control(world, &op->control);
	else if (op->fail.err)
		require(world,
		    (op->verb == STORE_STATUS || op->verb == STORE_REPORT) &&
			model_find(&world->model, asked_for(op)) < 0,
		    "refused: %s", op->fail.text);
	else if (op->verb == STORE_SUBMIT)
		saw_submit(world, &op->submit, first, last);
	else if (op->verb == STORE_CLAIM)
		saw_claim(world, &op->claim, first, last);
	else if (op->verb == STORE_REPORT)
		model_check_report(world, &op->report);
	else
		model_check_page(world, &op->status.page);
}

/* ---- status ---- */

static bool agrees(const struct model_batch *batch, const struct batch *shown)
{
	if (batch->state == MODEL_LATER)
		return shown->status == BATCH_RETRYING;
	if (batch->state == MODEL_WAITING)
		return shown->status == (batch->claimed ? BATCH_RETRYING : BATCH_YET_TO_START);
	return shown->status == shown_as(batch->state);
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
		/* A crash may come before the start is known, and use up the last attempt. */
		require(world,
		    shown->started_ms != 0 || shown->finished_ms == 0 ||
			shown->status == BATCH_FAILED || shown->status == BATCH_CANCELLED,
		    "status: batch %zu ended, but never started", k);
		require(
		    world, shown->attempts == batch->attempts, "status: attempts of batch %zu", k);
		check_ids(world, batch, page->ids.v + shown->ids_at, shown->ids_n);
	}
}

/* ---- report ---- */

void model_check_report(struct world *world, const struct store_report *report)
{
	const struct model *model = &world->model;
	int i = model_find(model, &report->uuid);
	const struct model_ingestion *ingestion = &model->now.ingestions[i < 0 ? 0 : i];
	const struct report_page *page = &report->page;
	int64_t position = report->from;

	require(world, i >= 0, "report of an ingestion that there is not");
	require(world, page->next == -1, "report: a short list has one page");
	for (size_t k = 0; k < page->n; k++, position++) {
		const struct report_entry *entry = &page->v[k];

		if (report->filter.failed)
			while (position < ingestion->n_ids &&
			       ingestion->ids[position].outcome != ID_FAILED)
				position++;
		require(world, position < ingestion->n_ids, "report: too many ids");
		const struct model_id *id = &ingestion->ids[position];
		const struct model_batch *batch =
		    &model->now
			 .batches[ingestion->first_batch + (int)(position / ingestion->batch_size)];

		require(world, entry->position == position && entry->id == id->id, "report: id");
		require(world, entry->outcome == id->outcome, "report: outcome of an id");
		require(world, entry->batch == batch->index, "report: batch of an id");
		require(world,
		    entry->attempts == (id->outcome == ID_PENDING ? batch->attempts : id->attempts),
		    "report: attempts of an id");
		require(world, strcmp(entry->error ? entry->error : "", id->error) == 0,
		    "report: error \"%s\" instead of \"%s\"", entry->error ? entry->error : "",
		    id->error);
		require(world, (entry->finished_ms != 0) == (id->outcome != ID_PENDING),
		    "report: end of an id");
	}
	for (; report->filter.failed && position < ingestion->n_ids; position++)
		require(world, ingestion->ids[position].outcome != ID_FAILED,
		    "report: an id is missing");
	require(world, position >= ingestion->n_ids, "report: too few ids");
}
