/*
 * Random operations, on SQLite and on the oracle, which must give the same answers. SEED and STEPS
 * in the environment override what is done; the seed is printed.
 */
#include "fixture.h"

#include "rng.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ATTEMPTS_KEPT 64
#define OPS_IN_TURN 4

/* One attempt as each of the stores names it. */
struct pair {
	struct store_attempt a, b;
};

struct both {
	struct fixture *fx[2]; /* oracle, SQLite */
	struct rng rng;
	struct pair attempts[ATTEMPTS_KEPT]; /* the last ones, current or not */
	size_t n_attempts;
	struct uuid uuids[4096]; /* all that was ever submitted, rolled back or not */
	size_t n_uuids;
	struct idlist ids;
	char label[LABEL_MAX + 1];
	char message[64];
};

static void same(const char *what, int64_t a, int64_t b)
{
	if (a != b)
		fail_msg("%s: %" PRId64 " in memory, %" PRId64 " in SQLite", what, a, b);
}

/* ---- comparing answers ---- */

static void same_claims(struct both *both, struct store_claim *a, struct store_claim *b)
{
	same("claim: batches", (int64_t)a->n, (int64_t)b->n);
	same("claim: interval", a->interval_ns, b->interval_ns);
	if (a->n == 0)
		same("claim: wake-up", a->wake, b->wake);
	for (size_t i = 0; i < a->n; i++) {
		struct store_claimed *x = &a->batches[i], *y = &b->batches[i];

		assert_memory_equal(&x->uuid, &y->uuid, sizeof(x->uuid));
		same("claim: index", x->attempt.index, y->attempt.index);
		same("claim: attempt", x->attempt.attempt, y->attempt.attempt);
		same("claim: priority", x->priority, y->priority);
		assert_string_equal(x->label, y->label);
		same("claim: ids", (int64_t)x->ids.n, (int64_t)y->ids.n);
		assert_memory_equal(x->ids.v, y->ids.v, x->ids.n * sizeof(*x->ids.v));
		both->attempts[both->n_attempts++ % ATTEMPTS_KEPT] =
		    (struct pair){x->attempt, y->attempt};
	}
}

static void same_ingestions(const struct ingestion *a, const struct ingestion *b)
{
	same("status: seq", a->seq, b->seq);
	same("status: priority", a->priority, b->priority);
	assert_string_equal(a->label, b->label);
	same("status: batch size", a->batch_size, b->batch_size);
	same("status: version", a->version, b->version);
	same("status: created", a->created_ms, b->created_ms);
	same("status: started", a->started_ms, b->started_ms);
	same("status: finished", a->finished_ms, b->finished_ms);
	assert_memory_equal(&a->counts, &b->counts, sizeof(a->counts));
}

static void same_batches(const struct batch *a, const struct batch *b)
{
	same("batch: index", a->index, b->index);
	same("batch: status", a->status, b->status);
	same("batch: attempts", a->attempts, b->attempts);
	same("batch: started", a->started_ms, b->started_ms);
	same("batch: finished", a->finished_ms, b->finished_ms);
	same("batch: ids", (int64_t)a->ids_n, (int64_t)b->ids_n);
	same("batch: ids at", (int64_t)a->ids_at, (int64_t)b->ids_at);
	same("batch: has an error", a->error != NULL, b->error != NULL);
	if (a->error)
		assert_string_equal(a->error, b->error);
}

static void same_pages(const struct status_page *a, const struct status_page *b)
{
	same_ingestions(&a->ingestion, &b->ingestion);
	same("page: batches", (int64_t)a->n, (int64_t)b->n);
	same("page: next", a->next_batch, b->next_batch);
	for (size_t i = 0; i < a->n; i++)
		same_batches(&a->batches[i], &b->batches[i]);
	same("page: ids", (int64_t)a->ids.n, (int64_t)b->ids.n);
	if (a->ids.n > 0)
		assert_memory_equal(a->ids.v, b->ids.v, a->ids.n * sizeof(*a->ids.v));
}

static void same_answers(struct both *both, struct store_op *a, struct store_op *b)
{
	same("error", a->fail.err, b->fail.err);
	if (a->fail.err)
		return;
	if (a->verb == STORE_SUBMIT) {
		same("submit: seq", a->submit.seq, b->submit.seq);
		same("submit: batches", a->submit.batches, b->submit.batches);
	} else if (a->verb == STORE_CLAIM) {
		same_claims(both, &a->claim, &b->claim);
	} else if (a->verb == STORE_STATUS) {
		same_pages(&a->status.page, &b->status.page);
	}
}

static void run_both(struct both *both, struct store_op *a, struct store_op *b)
{
	do_op(both->fx[0], a);
	do_op(both->fx[1], b);
	same_answers(both, a, b);
	store_op_reset(a);
	store_op_reset(b);
}

/* ---- operations ---- */

static void random_ids(struct both *both)
{
	static const int64_t border[] = {3, 64, 65, 1024, 1025, 2049};
	int64_t n = rng_range(&both->rng, 1, 20);

	if (rng_chance(&both->rng, 10))
		n = border[rng_range(&both->rng, 0, COUNT_OF(border) - 1)];
	both->ids.n = 0;
	for (int64_t i = 0; i < n; i++)
		idlist_push(&both->ids, (int64_t)(rng_next(&both->rng) >> 1) | 1);
}

static void random_submit(struct both *both)
{
	struct store_op a = {.verb = STORE_SUBMIT}, b;

	random_ids(both);
	snprintf(both->label, sizeof(both->label), rng_chance(&both->rng, 50) ? "" : "label %d",
	    (int)rng_range(&both->rng, 0, 999));
	a.submit = (struct store_submit){
	    .uuid = fixture_uuid(both->fx[0]),
	    .priority = (enum priority)rng_range(&both->rng, PRIORITY_HIGH, PRIORITY_LOW),
	    .label = both->label,
	    .batch_size = rng_chance(&both->rng, 70) ? 3 : rng_range(&both->rng, 1, 700),
	    .ids = &both->ids,
	    .key = {"test", ""},
	};
	if (both->n_uuids < COUNT_OF(both->uuids))
		both->uuids[both->n_uuids++] = a.submit.uuid;
	b = a;
	run_both(both, &a, &b);
}

static void random_claim(struct both *both)
{
	struct store_op a = {.verb = STORE_CLAIM}, b = a;

	run_both(both, &a, &b);
}

/* Mostly one of the last attempts; sometimes one that never was. */
static struct pair random_attempt(struct both *both)
{
	struct pair pair = {{7, 0, 1}, {7, 0, 1}};
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

static void random_started(struct both *both)
{
	struct pair pair = random_attempt(both);
	struct store_op a = {.verb = STORE_STARTED}, b;
	struct fixture *fx = both->fx[0];

	a.started.utc_ms = fx->utc_ms;
	a.started.slot_start = rng_chance(&both->rng, 80)
	                           ? fx->boot_ns - rng_range(&both->rng, 0, 2) * SECOND
	                           : LEDGER_NONE;
	b = a;
	a.started.attempt = pair.a;
	b.started.attempt = pair.b;
	run_both(both, &a, &b);
}

static void random_finish(struct both *both)
{
	struct pair pair = random_attempt(both);
	struct store_op a = {.verb = STORE_FINISH}, b;

	a.finish.outcome =
	    (enum outcome)rng_range(&both->rng, OUTCOME_COMPLETED, OUTCOME_INTERRUPTED);
	snprintf(
	    both->message, sizeof(both->message), "reason %d", (int)rng_range(&both->rng, 0, 99));
	if (a.finish.outcome == OUTCOME_FAILED && rng_chance(&both->rng, 80))
		a.finish.message = both->message;
	b = a;
	a.finish.attempt = pair.a;
	b.finish.attempt = pair.b;
	run_both(both, &a, &b);
}

static void compare_status(struct both *both, const struct uuid *uuid, int64_t from_batch)
{
	struct store_op a = {.verb = STORE_STATUS}, b;

	a.status.uuid = *uuid;
	a.status.from_batch = from_batch;
	a.status.limit = STORE_PAGE_BATCHES;
	b = a;
	run_both(both, &a, &b);
}

static void random_status(struct both *both)
{
	if (both->n_uuids == 0)
		return;
	compare_status(both, &both->uuids[rng_range(&both->rng, 0, (int64_t)both->n_uuids - 1)],
	    rng_chance(&both->rng, 50) ? 0 : rng_range(&both->rng, 0, 900));
}

static void random_op(struct both *both)
{
	static void (*const ops[])(struct both *) = {random_submit, random_submit, random_claim,
	    random_claim, random_claim, random_started, random_started, random_started,
	    random_finish, random_finish, random_status};

	ops[rng_range(&both->rng, 0, COUNT_OF(ops) - 1)](both);
}

/* ---- steps ---- */

static void random_turn(struct both *both)
{
	int64_t n = rng_range(&both->rng, 1, OPS_IN_TURN);
	bool commit = rng_chance(&both->rng, 85);

	for (int i = 0; i < 2; i++)
		turn_begin(both->fx[i]);
	while (n-- > 0)
		random_op(both);
	for (int i = 0; i < 2; i++)
		(commit ? turn_commit : turn_rollback)(both->fx[i]);
}

static void random_time(struct both *both)
{
	both->fx[0]->boot_ns += rng_range(&both->rng, 0, 8000) * MS;
	both->fx[0]->utc_ms += rng_range(&both->rng, -2000, 8000);
}

static void random_reopen(struct both *both)
{
	struct fixture *fx = both->fx[0];

	if (rng_chance(&both->rng, 30)) {
		fixture_set_boot(fx, atoi(fx->clock.boot_id) + 1);
		fx->boot_ns = rng_range(&both->rng, 0, 2000) * SECOND;
	}
	if (rng_chance(&both->rng, 30)) {
		fx->settings.interval_ns = rng_range(&both->rng, 1, 9000) * MS;
		fx->settings.settle_ns = rng_range(&both->rng, 0, 2000) * MS;
		fx->settings.slot_ids = rng_range(&both->rng, 1, 9);
		fx->settings.pack = rng_chance(&both->rng, 50);
	}
	both->fx[1]->settings = fx->settings;
	both->fx[1]->clock = fx->clock;
	for (int i = 0; i < 2; i++)
		fixture_reopen(both->fx[i]);
	same("open: waiting", both->fx[0]->found.waiting, both->fx[1]->found.waiting);
	same("open: interrupted", both->fx[0]->found.interrupted, both->fx[1]->found.interrupted);
}

static void compare_all(struct both *both)
{
	for (size_t i = 0; i < both->n_uuids; i++)
		compare_status(both, &both->uuids[i], 0);
}

static void random_step(struct both *both)
{
	int64_t dice = rng_range(&both->rng, 0, 99);

	if (dice < 60)
		random_op(both);
	else if (dice < 75)
		random_turn(both);
	else if (dice < 97)
		random_time(both);
	else
		random_reopen(both);
}

/* ---- runs ---- */

static int64_t number_from(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoll(text, NULL, 10) : otherwise;
}

/* Whatever happened, the file is sound. */
static void check_file(struct fixture *sqlite)
{
	struct fail fail;

	fixture_close(sqlite);
	if (!store_sqlite_check(sqlite->path, &fail))
		fail_msg("the store is not sound: %s", fail.text);
	fixture_open(sqlite);
}

void random_operations(struct fixture *sqlite)
{
	static int runs;
	int64_t seed = number_from("SEED", (int64_t)time(NULL)) + runs++;
	int64_t steps = number_from("STEPS", 3000);
	struct fixture memory;
	struct both *both = xcalloc(1, sizeof(*both));

	print_message("# random operations: SEED=%" PRId64 " STEPS=%" PRId64 "\n", seed, steps);
	fixture_init(&memory, &backend_memory);
	fixture_open(&memory);
	both->fx[0] = &memory;
	both->fx[1] = sqlite;
	both->rng.state = (uint64_t)seed;
	/* One clock for both. */
	sqlite->clock = memory.clock;
	fixture_reopen(sqlite);
	for (int64_t i = 1; i <= steps; i++) {
		random_step(both);
		if (i % 500 == 0 || i == steps)
			compare_all(both);
	}
	check_file(sqlite);
	fixture_free(&memory);
	idlist_free(&both->ids);
	free(both);
}
