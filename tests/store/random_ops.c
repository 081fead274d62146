#include "random.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

void run_both(struct both *both, struct store_op *a, struct store_op *b)
{
	do_op(both->fx[0], a);
	do_op(both->fx[1], b);
	same_answers(both, a, b);
	store_op_reset(a);
	store_op_reset(b);
}

/* ---- new ingestions ---- */

static void random_ids(struct both *both)
{
	static const int64_t border[] = {3, 63, 64, 65, 1023, 1024, 1025, 2049};
	int64_t n = rng_range(&both->rng, 1, 20);

	if (rng_chance(&both->rng, 10))
		n = border[rng_range(&both->rng, 0, COUNT_OF(border) - 1)];
	both->ids.n = 0;
	for (int64_t i = 0; i < n; i++)
		idlist_push(&both->ids, (int64_t)(rng_next(&both->rng) >> 1) | 1);
}

/* In no order, unlike those of real life. */
static struct uuid random_uuid(struct both *both)
{
	struct uuid uuid = fixture_uuid(both->fx[0]);

	uuid.bytes[1] = (uint8_t)rng_range(&both->rng, 0, 255);
	uuid.bytes[3] = (uint8_t)rng_range(&both->rng, 0, 255);
	if (both->n_uuids < COUNT_OF(both->uuids))
		both->uuids[both->n_uuids++] = uuid;
	return uuid;
}

static struct store_key no_key(void)
{
	return (struct store_key){"uid:1", ""};
}

/*
 * One of a few keys. What is submitted under it is nearly always the same, but not the same for all
 * of them.
 */
static struct store_key random_key(struct both *both, enum priority *priority)
{
	static const char *const labels[] = {"", "one", "two"};
	int number = (int)rng_range(&both->rng, 0, 11);
	struct rng content = {(uint64_t)number};

	snprintf(both->key, sizeof(both->key), "key %d", number);
	snprintf(both->label, sizeof(both->label), "%s", labels[number % 3]);
	*priority = (enum priority)(PRIORITY_HIGH + number % PRIORITY_COUNT);
	both->ids.n = 0;
	for (int64_t n = number % 2 ? 1100 * rng_range(&content, 0, 2) + number : number + 1; n > 0;
	     n--)
		idlist_push(&both->ids, (int64_t)(rng_next(&content) >> 1) | 1);
	if (rng_chance(&both->rng, 5))
		both->ids.v[both->ids.n - 1] ^= 2;
	if (rng_chance(&both->rng, 5))
		*priority = PRIORITY_LOW;
	return (struct store_key){rng_chance(&both->rng, 50) ? "uid:1" : "uid:2", both->key};
}

static void submit(struct both *both, struct store_key key, enum priority priority)
{
	struct store_op a = {.verb = STORE_SUBMIT}, b;

	a.submit = (struct store_submit){
	    .uuid = random_uuid(both),
	    .priority = priority,
	    .label = both->label,
	    .batch_size = rng_chance(&both->rng, 70) ? 3 : rng_range(&both->rng, 1, 700),
	    .ids = &both->ids,
	    .key = key,
	};
	b = a;
	run_both(both, &a, &b);
}

void random_whole(struct both *both)
{
	random_ids(both);
	snprintf(both->label, sizeof(both->label), rng_chance(&both->rng, 50) ? "" : "label %d",
	    (int)rng_range(&both->rng, 0, 9));
	submit(both, no_key(), (enum priority)rng_range(&both->rng, PRIORITY_HIGH, PRIORITY_LOW));
}

static void random_keyed(struct both *both)
{
	enum priority priority;
	struct store_key key = random_key(both, &priority);

	submit(both, key, priority);
}

/* ---- uploads ---- */

static void random_open(struct both *both)
{
	struct store_op a = {.verb = STORE_OPEN}, b;
	enum priority priority;
	struct store_key key = random_key(both, &priority);

	a.open = (struct store_open){
	    .uuid = random_uuid(both),
	    .priority = priority,
	    .label = both->label,
	    .batch_size = rng_chance(&both->rng, 70) ? 3 : rng_range(&both->rng, 1, 700),
	    .key = rng_chance(&both->rng, 60) ? key : no_key(),
	};
	b = a;
	run_both(both, &a, &b);
	if (!a.fail.err && !a.open.sealed)
		both->uploads[both->n_uploads++ % UPLOADS_KEPT] = a.open.ingestion;
}

/* One of the last uploads; sometimes anything else. */
static struct uuid random_upload(struct both *both)
{
	int64_t known = both->n_uploads < UPLOADS_KEPT ? (int64_t)both->n_uploads : UPLOADS_KEPT;

	if (known > 0 && !rng_chance(&both->rng, 3))
		return both->uploads[rng_range(&both->rng, 0, known - 1)];
	if (both->n_uuids > 0)
		return both->uuids[rng_range(&both->rng, 0, (int64_t)both->n_uuids - 1)];
	return (struct uuid){{0}};
}

/* How many ids it has; 0 when it is not there. */
static int64_t received(struct both *both, const struct uuid *uuid)
{
	struct store_op op = {.verb = STORE_STATUS};

	op.status.uuid = *uuid;
	do_op(both->fx[0], &op);
	return op.fail.err ? 0 : op.status.page.ingestion.counts.ids;
}

static void random_append(struct both *both)
{
	struct store_op a = {.verb = STORE_APPEND}, b;
	struct uuid uuid = random_upload(both);
	int64_t offset = received(both, &uuid);

	random_ids(both);
	if (rng_chance(&both->rng, 30))
		offset -= rng_range(&both->rng, 0, offset);
	else if (rng_chance(&both->rng, 5))
		offset += rng_range(&both->rng, 1, 2000);
	a.append = (struct store_append){.uuid = uuid, .offset = offset, .ids = &both->ids};
	b = a;
	run_both(both, &a, &b);
}

static void random_seal(struct both *both)
{
	static const struct digest other = {{1}};
	struct store_op a = {.verb = STORE_SEAL}, b;
	struct uuid uuid = random_upload(both);

	a.seal = (struct store_seal){.uuid = uuid, .expected = -1};
	if (rng_chance(&both->rng, 50))
		a.seal.expected = received(both, &uuid) + rng_chance(&both->rng, 10);
	if (rng_chance(&both->rng, 10))
		a.seal.digest = &other;
	b = a;
	run_both(both, &a, &b);
}

static void random_cancel(struct both *both)
{
	struct store_op a = {.verb = STORE_CANCEL}, b;

	a.cancel.uuid = random_upload(both);
	b = a;
	run_both(both, &a, &b);
}

/* How many sweeps it takes is each store's own business. */
static void random_sweep(struct both *both)
{
	struct uuid cancelled[2][SWEPT_MAX];
	size_t n[2];
	int64_t next[2];

	for (int i = 0; i < 2; i++)
		next[i] = sweep(both->fx[i], cancelled[i], &n[i]);
	same("sweep: cancelled", (int64_t)n[0], (int64_t)n[1]);
	same("sweep: next", next[0], next[1]);
	assert_memory_equal(cancelled[0], cancelled[1], n[0] * sizeof(struct uuid));
}

/* ---- batches ---- */

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

/* ---- reads ---- */

void compare_status(struct both *both, const struct uuid *uuid, int64_t from_batch, int64_t limit)
{
	struct store_op a = {.verb = STORE_STATUS}, b;

	a.status.uuid = *uuid;
	a.status.from_batch = from_batch;
	a.status.limit = limit;
	b = a;
	run_both(both, &a, &b);
}

static void random_status(struct both *both)
{
	if (both->n_uuids == 0)
		return;
	compare_status(both, &both->uuids[rng_range(&both->rng, 0, (int64_t)both->n_uuids - 1)],
	    rng_chance(&both->rng, 50) ? 0 : rng_range(&both->rng, 0, 900),
	    rng_chance(&both->rng, 50) ? STORE_PAGE_BATCHES : rng_range(&both->rng, 0, 20));
}

/* Page by page, each store with its own cursors. */
void compare_lists(struct both *both, const struct list_filter *filter, int64_t limit)
{
	struct store_op ops[2] = {{.verb = STORE_LIST}, {.verb = STORE_LIST}};

	do {
		for (int i = 0; i < 2; i++) {
			char cursor[LIST_CURSOR_SIZE];

			strcpy(cursor, ops[i].list.page.next);
			store_op_reset(&ops[i]);
			ops[i] = try_list(both->fx[i], filter, limit, cursor);
		}
		same("list: error", ops[0].fail.err, ops[1].fail.err);
		same_lists(&ops[0].list.page, &ops[1].list.page);
		same("list: goes on", ops[0].list.page.next[0] != 0, ops[1].list.page.next[0] != 0);
	} while (ops[0].list.page.next[0]);
	store_op_reset(&ops[0]);
	store_op_reset(&ops[1]);
}

static void random_prefix(struct both *both, char prefix[UUID_TEXT_SIZE])
{
	if (both->n_uuids == 0)
		return;
	uuid_format(&both->uuids[rng_range(&both->rng, 0, (int64_t)both->n_uuids - 1)], prefix);
	prefix[rng_chance(&both->rng, 50) ? 36 : rng_range(&both->rng, 1, 8)] = 0;
}

static void random_list(struct both *both)
{
	struct list_filter filter = {.has_status = rng_chance(&both->rng, 50),
	    .status = (enum ingestion_status)rng_range(&both->rng, 0, INGESTION_STATUS_COUNT - 1),
	    .has_priority = rng_chance(&both->rng, 30),
	    .priority = (enum priority)rng_range(&both->rng, PRIORITY_HIGH, PRIORITY_LOW)};

	if (rng_chance(&both->rng, 20))
		strcpy(filter.label, "label 1");
	if (rng_chance(&both->rng, 10))
		filter.seq = rng_range(&both->rng, 1, 200);
	if (rng_chance(&both->rng, 30))
		random_prefix(both, filter.id_prefix);
	compare_lists(
	    both, &filter, rng_chance(&both->rng, 50) ? 1000 : rng_range(&both->rng, 1, 50));
}

void compare_stats(struct both *both)
{
	struct store_op a = {.verb = STORE_STATS}, b = {.verb = STORE_STATS};

	/* Totals are written at the end of a turn; nobody reads them before. */
	if (!both->fx[0]->in_turn)
		run_both(both, &a, &b);
}

void random_op(struct both *both)
{
	static const struct {
		int weight;
		void (*run)(struct both *both);
	} ops[] = {{10, random_whole}, {8, random_keyed}, {6, random_open}, {14, random_append},
	    {4, random_seal}, {1, random_cancel}, {3, random_sweep}, {18, random_claim},
	    {15, random_started}, {13, random_finish}, {4, random_status}, {2, random_list},
	    {2, compare_stats}};
	int64_t dice = rng_range(&both->rng, 0, 99);
	size_t i = 0;

	while (i + 1 < COUNT_OF(ops) && dice >= ops[i].weight)
		dice -= ops[i++].weight;
	ops[i].run(both);
}
