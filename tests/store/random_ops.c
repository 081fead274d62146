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

	if (both->quiet)
		n = rng_range(&both->rng, 1, 5);
	else if (rng_chance(&both->rng, 10))
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

struct uuid any_uuid(struct both *both)
{
	if (both->n_uuids == 0)
		return (struct uuid){{0}};
	return both->uuids[rng_range(&both->rng, 0, (int64_t)both->n_uuids - 1)];
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

struct uuid random_upload(struct both *both)
{
	int64_t known = both->n_uploads < UPLOADS_KEPT ? (int64_t)both->n_uploads : UPLOADS_KEPT;

	if (known > 0 && !rng_chance(&both->rng, 3))
		return both->uploads[rng_range(&both->rng, 0, known - 1)];
	return any_uuid(both);
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

void random_op(struct both *both)
{
	enum { SUBMITTING = 4 }; /* the first ones */
	static const struct {
		int weight;
		void (*run)(struct both *both);
	} ops[] = {{10, random_whole}, {8, random_keyed}, {6, random_open}, {12, random_append},
	    {4, random_seal}, {3, random_sweep}, {34, random_claim}, {18, random_started},
	    {20, random_finish}, {4, random_cancel}, {5, random_retry}, {4, random_bump},
	    {5, random_control}, {4, random_notice}, {3, random_told}, {3, random_status},
	    {3, random_report}, {2, random_list}, {4, compare_stats}};
	int64_t dice = rng_range(&both->rng, 0, 151);
	size_t i = 0;

	while (i + 1 < COUNT_OF(ops) && dice >= ops[i].weight)
		dice -= ops[i++].weight;
	if (both->quiet && i < SUBMITTING)
		(rng_chance(&both->rng, 10) ? random_whole : random_claim)(both);
	else
		ops[i].run(both);
}
