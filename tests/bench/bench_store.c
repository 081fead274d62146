/*
 * The store by itself, without a daemon:
 *
 *     bench_store fill PATH N       submits N ingestions and completes the older half of them
 *     bench_store wait PATH N       submits N ingestions, which wait
 *     bench_store claim PATH N      takes, starts and ends N batches; prints nanoseconds for each
 *
 * Time is turned by hand, so that no slot is waited for. Costs are medians over turns of TURN
 * operations with one commit each, as under load.
 */
#include "store.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TURN 256

struct bench {
	struct clock clock;
	int64_t now_ns;
	struct store *store;
	int64_t submitted;
};

static void die(const char *what, const struct fail *fail)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, fail->text);
	exit(1);
}

static int64_t boot_ns(void *arg)
{
	return ((struct bench *)arg)->now_ns;
}

static int64_t utc_ms(void *arg)
{
	return 1700000000000 + ((struct bench *)arg)->now_ns / NS_PER_MS;
}

static void run(struct bench *bench, struct store_op *op)
{
	if (store_run(bench->store, op) != STORE_DONE || op->fail.err)
		die("an operation failed", &op->fail);
}

static void begin(struct bench *bench)
{
	struct fail fail;

	if (store_begin(bench->store, &fail) != STORE_DONE)
		die("no turn could begin", &fail);
}

static void commit(struct bench *bench)
{
	struct fail fail;

	if (store_commit(bench->store, &fail) != STORE_DONE)
		die("a commit failed", &fail);
}

static void open_store(struct bench *bench, const char *path)
{
	static const struct store_settings settings = {.interval_ns = 1,
	    .slot_ids = 3,
	    .key_expiry_ms = 86400000,
	    .upload_expiry_ms = 3600000,
	    .max_uploads = 10,
	    .max_upload_ids = 1000,
	    .retry = {.max_attempts = 5, .base_ms = 1000, .max_ms = 60000}};
	struct store_found found;
	struct fail fail;

	bench->clock = (struct clock){.boot_ns = boot_ns, .utc_ms = utc_ms, .arg = bench};
	strcpy(bench->clock.boot_id, "bench");
	bench->now_ns = NS_PER_S;
	if (store_sqlite_open(&bench->store, path, &settings, &bench->clock, &found, &fail))
		die(path, &fail);
	/* After what another run has left. */
	bench->now_ns += 1000 * 86400 * NS_PER_S;
}

/* Three ids, a key, any priority: what a client of today sends. */
static void submit_one(struct bench *bench, struct idlist *ids)
{
	struct store_op op = {.verb = STORE_SUBMIT};
	char key[UUID_TEXT_SIZE];
	struct uuid uuid = uuid_v7(utc_ms(bench));

	uuid_format(&uuid, key);
	ids->v[0] = ++bench->submitted;
	op.submit = (struct store_submit){.uuid = uuid_v7(utc_ms(bench)),
	    .priority = (enum priority)(bench->submitted % PRIORITY_COUNT + PRIORITY_HIGH),
	    .label = "bench",
	    .batch_size = 3,
	    .ids = ids,
	    .key = {.principal = "uid:1000", .text = key}};
	run(bench, &op);
}

static void cycle(struct bench *bench)
{
	static const struct ending completed = {.outcome = OUTCOME_COMPLETED};
	struct store_op claim = {.verb = STORE_CLAIM}, op;

	bench->now_ns += NS_PER_MS;
	run(bench, &claim);
	if (claim.claim.n != 1) {
		fprintf(stderr, "bench_store: nothing to claim\n");
		exit(1);
	}
	op = (struct store_op){.verb = STORE_STARTED,
	    .started = {.attempt = claim.claim.batches[0].attempt,
		.utc_ms = utc_ms(bench),
		.slot_start = bench->now_ns}};
	run(bench, &op);
	op = (struct store_op){.verb = STORE_FINISH,
	    .finish = {.attempt = claim.claim.batches[0].attempt, .ending = &completed}};
	run(bench, &op);
	store_op_reset(&claim);
}

static void submit_many(struct bench *bench, int64_t n)
{
	struct idlist ids = {0};

	for (int64_t id = 1; id <= 3; id++)
		idlist_push(&ids, id);
	for (int64_t at = 0; at < n; at += TURN) {
		begin(bench);
		for (int64_t i = at; i < n && i < at + TURN; i++)
			submit_one(bench, &ids);
		commit(bench);
		bench->now_ns += NS_PER_MS;
	}
	idlist_free(&ids);
}

static void fill(struct bench *bench, int64_t n)
{
	submit_many(bench, n);
	for (int64_t at = 0; at < n / 2; at += TURN) {
		begin(bench);
		for (int64_t i = at; i < n / 2 && i < at + TURN; i++)
			cycle(bench);
		commit(bench);
	}
}

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void claim(struct bench *bench, int64_t n)
{
	size_t turns = (size_t)(n / TURN);
	int64_t *ns = xcalloc(turns, sizeof(*ns));

	for (size_t turn = 0; turn < turns; turn++) {
		int64_t start = wall_ns();

		begin(bench);
		for (int i = 0; i < TURN; i++)
			cycle(bench);
		commit(bench);
		ns[turn] = (wall_ns() - start) / TURN;
	}
	qsort(ns, turns, sizeof(*ns), by_size);
	printf("%" PRId64 "\n", ns[turns / 2]);
	free(ns);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	int64_t n;

	if (argc != 4 || !parse_u63(argv[3], strlen(argv[3]), &n) || n < TURN) {
		fprintf(stderr, "usage: bench_store fill|wait|claim PATH N (at least %d)\n", TURN);
		return 2;
	}
	open_store(&bench, argv[2]);
	if (strcmp(argv[1], "fill") == 0)
		fill(&bench, n);
	else if (strcmp(argv[1], "wait") == 0)
		submit_many(&bench, n);
	else
		claim(&bench, n);
	store_close(bench.store);
	return 0;
}
