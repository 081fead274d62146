/* The oracle's attempts: how they begin, and what is left of them when they have ended. */
#include "store_mem_state.h"

#include "util.h"

#include <string.h>

/* ---- started ---- */

/* The batch, or NULL when there is none or when it was never claimed. */
static struct batch_row *find_batch(const struct state *state, int64_t number, int64_t index)
{
	const struct ingestion_row *owner;
	struct batch_row *row;

	if (number < NUMBER_BASE || number - NUMBER_BASE >= (int64_t)state->n_ingestions)
		return NULL;
	owner = &state->ingestions[number - NUMBER_BASE];
	if (index < 0 || index >= owner->ingestion.counts.batches)
		return NULL;
	row = batch_at(state, owner, index);
	return row->claimed ? row : NULL;
}

static struct batch_row *find_attempt(
    const struct state *state, const struct store_attempt *attempt, struct fail *fail)
{
	struct batch_row *row = find_batch(state, attempt->ingestion, attempt->index);

	if (!row)
		fail_set(fail, ERR_NOT_FOUND, NULL);
	else if (row->batch.status == BATCH_TRIGGERED && row->batch.attempts == attempt->attempt)
		return row;
	else
		fail_set(fail, ERR_STALE_ATTEMPT, NULL);
	return NULL;
}

void mem_started(struct store_mem *mem, struct state *state, struct store_op *op)
{
	const struct store_started *started = &op->started;
	struct batch_row *row = find_attempt(state, &started->attempt, &op->fail);
	struct ingestion *owner;

	(void)mem;
	/* Even when the attempt is refused: it did start. */
	if (started->slot_start != LEDGER_NONE)
		ledger_started(&state->ledger, started->slot_start);
	if (!row)
		return;
	owner = owner_of(state, row);
	row->batch.started_ms = started->utc_ms;
	if (owner->started_ms == 0)
		owner->started_ms = started->utc_ms;
	owner->version++;
}

/* ---- stories ---- */

static char *keep_text(struct store_mem_disk *disk, const char *text)
{
	return text ? disk_keep(disk, xstrdup(text)) : NULL;
}

/* How the story of an id goes on: the i-th of those that were given out. */
static void tell(const struct store_mem *mem, struct story *story, const struct batch *batch,
    const struct ending *ending, size_t i, const struct verdict *verdict)
{
	enum outcome outcome = ending_outcome(ending, i);
	const char *message = ending_message(ending, i);

	story->outcome = verdict_outcome(verdict, outcome);
	story->error = NULL;
	if (outcome != OUTCOME_COMPLETED)
		story->error = keep_text(mem->disk, message ? message : ending->message);
	if (story->outcome == ID_PENDING)
		return;
	story->attempt = batch->attempts;
	story->started_ms = batch->started_ms;
	story->finished_ms = clock_utc_ms(mem->clock);
}

static const struct story *tell_all(const struct store_mem *mem, const struct state *state,
    const struct batch_row *row, const struct ending *ending, const struct verdict *verdict)
{
	int64_t length = length_of(state, row);
	struct story *stories = disk_keep(mem->disk, xcalloc((size_t)length, sizeof(*stories)));
	size_t given = 0;

	for (int64_t i = 0; i < length; i++) {
		stories[i] = story_of(row, i);
		if (stories[i].outcome == ID_PENDING)
			tell(mem, &stories[i], &row->batch, ending, given++, verdict);
	}
	return stories;
}

/* ---- the end of an attempt ---- */

/* Its attempt runs, so the ingestion is not final. */
static bool is_cancelling(const struct state *state, const struct batch_row *row)
{
	return owner_of(state, row)->cancelled_by[0];
}

static struct output keep_output(struct store_mem_disk *disk, const struct output *output)
{
	return (struct output){keep_text(disk, output->text), output->bytes};
}

static struct verdict verdict_of(const struct store_mem *mem, const struct state *state,
    const struct batch_row *row, const struct ending *ending)
{
	struct tally tally = ending_tally(ending, (size_t)count_ids(state, row, ID_PENDING));

	return attempt_verdict(
	    &tally, &(struct situation){.failed = count_ids(state, row, ID_FAILED),
			.attempt = row->batch.attempts - row->attempts_before,
			.max_attempts = mem->settings.retry.max_attempts,
			.cancelling = is_cancelling(state, row)});
}

/* The batch has its new status then. */
static struct verdict end_attempt(
    struct store_mem *mem, struct state *state, struct batch_row *row, const struct ending *ending)
{
	struct verdict verdict = verdict_of(mem, state, row, ending);
	struct batch *batch = &row->batch;

	owner_of(state, row)->version++;
	row->stories = tell_all(mem, state, row, ending, &verdict);
	batch->status = verdict.status;
	batch->out = keep_output(mem->disk, &ending->out);
	batch->err = keep_output(mem->disk, &ending->err);
	batch->error = NULL;
	if (verdict.status != BATCH_COMPLETED)
		batch->error = keep_text(mem->disk, ending->message);
	if (!verdict.counts)
		batch->attempts--;
	if (verdict.status != BATCH_RETRYING)
		batch->finished_ms = clock_utc_ms(mem->clock);
	mem_end(mem, state, &state->ingestions[row->owner]);
	return verdict;
}

void mem_crash(struct store_mem *mem, struct state *state, struct batch_row *row)
{
	char message[] = ATTEMPT_CRASHED;

	end_attempt(mem, state, row,
	    &(struct ending){.outcome = is_cancelling(state, row) ? OUTCOME_UNKNOWN : OUTCOME_RETRY,
		.message = message});
}

void mem_finish(struct store_mem *mem, struct state *state, struct store_op *op)
{
	struct store_finish *finish = &op->finish;
	struct batch_row *row = find_attempt(state, &finish->attempt, &op->fail);
	bool idle = waiting(state) == 0;
	struct verdict verdict;

	if (!row)
		return;
	verdict = end_attempt(mem, state, row, finish->ending);
	finish->due_ms = 0;
	if (verdict.status == BATCH_RETRYING && verdict.counts)
		finish->due_ms = retry_delay_ms(&mem->settings.retry, &owner_of(state, row)->uuid,
		    row->batch.index, row->batch.attempts - row->attempts_before);
	if (finish->due_ms > 0)
		row->due_ms = now_ms(mem) + finish->due_ms;
	if (idle && in_line(row))
		ledger_ready(&state->ledger, clock_boot_ns(mem->clock));
	if (finish->ending->hold_ms > 0)
		control_hold(mem, state, finish->ending->hold_ms);
	finish->status = verdict.status;
	finish->failed = count_ids(state, row, ID_FAILED);
}
