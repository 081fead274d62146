#include "random.h"

#include "util.h"

/* The slot that was claimed last. */
static void start_slot(struct both *both)
{
	struct pair *last = &both->attempts[(both->n_attempts - 1) % ATTEMPTS_KEPT];
	struct store_op a = {.verb = STORE_STARTED}, b;

	a.started.utc_ms = both->fx[0]->utc_ms;
	a.started.slot_start = both->fx[0]->boot_ns;
	b = a;
	a.started.attempt = last->a;
	b.started.attempt = last->b;
	run_both(both, &a, &b);
}

void random_claim(struct both *both)
{
	struct store_op a = {.verb = STORE_CLAIM}, b = a;
	size_t before = both->n_attempts;

	run_both(both, &a, &b);
	if (both->shared && both->n_attempts > before)
		start_slot(both);
}

/* Mostly one of the last attempts; sometimes one that never was. */
static struct pair random_attempt(struct both *both)
{
	struct pair pair = {.a = {7, 0, 1}, .b = {7, 0, 1}};
	int64_t known =
	    both->n_attempts < ATTEMPTS_KEPT ? (int64_t)both->n_attempts : ATTEMPTS_KEPT;

	if (known > 0) {
		int64_t back =
		    rng_range(&both->rng, 1, rng_chance(&both->rng, 70) && known > 3 ? 3 : known);

		pair = both->attempts[(both->n_attempts - (size_t)back) % ATTEMPTS_KEPT];
	} else {
		pair.b.ingestion += 1000000000;
	}
	if (rng_chance(&both->rng, 3)) {
		int64_t more = rng_range(&both->rng, -1, 1);

		pair.a.attempt += more;
		pair.b.attempt += more;
	}
	if (rng_chance(&both->rng, 3)) {
		int64_t more = rng_range(&both->rng, 0, 3);

		pair.a.index += more;
		pair.b.index += more;
	}
	return pair;
}

void random_started(struct both *both)
{
	struct pair pair = random_attempt(both);
	struct store_op a = {.verb = STORE_STARTED}, b;
	struct fixture *fx = both->fx[0];

	a.started.utc_ms = fx->utc_ms;
	a.started.slot_start = !both->shared && rng_chance(&both->rng, 80)
	                           ? fx->boot_ns - rng_range(&both->rng, 0, 2) * SECOND
	                           : LEDGER_NONE;
	b = a;
	a.started.attempt = pair.a;
	b.started.attempt = pair.b;
	run_both(both, &a, &b);
}

/* ---- endings ---- */

/* How many ids an attempt of this batch would have been given. */
static size_t pending(struct both *both, const struct uuid *uuid, int64_t index)
{
	struct store_op op = {.verb = STORE_STATUS};
	const struct batch *batch;
	int64_t n = 0;

	op.status.uuid = *uuid;
	op.status.from_batch = index;
	op.status.limit = 1;
	do_op(both->fx[0], &op);
	batch = op.status.page.batches;
	if (op.status.page.n > 0)
		n = (int64_t)batch->ids_n - batch->ids_completed - batch->ids_failed -
		    batch->ids_cancelled - batch->ids_unknown;
	store_op_reset(&op);
	return (size_t)n;
}

static char *random_text(struct both *both, int percent)
{
	int number = (int)rng_range(&both->rng, 0, 999);

	return rng_chance(&both->rng, percent) ? xasprintf("reason %d", number) : NULL;
}

static struct output random_output(struct both *both)
{
	struct output output = {.text = random_text(both, 30)};

	if (output.text)
		output.bytes = rng_range(&both->rng, 1, 100000);
	return output;
}

/* Interruptions are rare: one is enough for all of the attempt. */
static enum outcome random_outcome(struct both *both)
{
	return (enum outcome)(rng_chance(&both->rng, 5)
				  ? rng_range(&both->rng, OUTCOME_INTERRUPTED, OUTCOME_UNKNOWN)
				  : rng_range(&both->rng, OUTCOME_COMPLETED, OUTCOME_FAILED));
}

static struct ending random_ending(struct both *both, size_t ids)
{
	struct ending ending = {.outcome = random_outcome(both),
	    .message = random_text(both, 60),
	    .out = random_output(both),
	    .err = random_output(both)};

	if (rng_chance(&both->rng, 10))
		ending.hold_ms = rng_range(&both->rng, 1, 20000);
	if (ids == 0 || rng_chance(&both->rng, 50))
		return ending;
	ending.n = ids;
	ending.results = xcalloc(ids, sizeof(*ending.results));
	for (size_t i = 0; i < ids; i++)
		ending.results[i] = (struct result){random_outcome(both), random_text(both, 30)};
	return ending;
}

void random_finish(struct both *both)
{
	struct pair pair = random_attempt(both);
	struct ending ending = random_ending(both, pending(both, &pair.uuid, pair.a.index));
	struct store_op a = {.verb = STORE_FINISH}, b;

	a.finish.ending = &ending;
	b = a;
	a.finish.attempt = pair.a;
	b.finish.attempt = pair.b;
	run_both(both, &a, &b);
	ending_free(&ending);
}
