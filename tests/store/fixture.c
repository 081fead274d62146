#include "fixture.h"

#include "util.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int64_t fixture_boot_ns(void *arg)
{
	return ((struct fixture *)arg)->boot_ns;
}

static int64_t fixture_utc_ms(void *arg)
{
	return ((struct fixture *)arg)->utc_ms;
}

static enum err open_memory(struct fixture *fx, struct fail *fail)
{
	(void)fail;
	if (!fx->disk)
		fx->disk = store_mem_disk_new();
	fx->store = store_mem_open(&fx->settings, &fx->clock, fx->disk, &fx->found);
	return ERR_OK;
}

static void make_dir(struct fixture *fx)
{
	const char *parent = getenv("TMPDIR");

	snprintf(fx->dir, sizeof(fx->dir), "%s/ingestd-store-XXXXXX", parent ? parent : "/tmp");
	assert_non_null(mkdtemp(fx->dir));
	snprintf(fx->path, sizeof(fx->path), "%s/ingestd.db", fx->dir);
}

static enum err open_sqlite(struct fixture *fx, struct fail *fail)
{
	if (!fx->dir[0])
		make_dir(fx);
	return store_sqlite_open(&fx->store, fx->path, &fx->settings, &fx->clock, &fx->found, fail);
}

static bool check_sqlite(struct fixture *fx, struct fail *fail)
{
	return store_sqlite_check(fx->path, fail);
}

const struct backend backend_memory = {.name = "memory", .open = open_memory};
const struct backend backend_sqlite = {
    .name = "sqlite", .open = open_sqlite, .check = check_sqlite};

void fixture_init(struct fixture *fx, const struct backend *backend)
{
	*fx = (struct fixture){
	    .backend = backend,
	    .clock = {.boot_ns = fixture_boot_ns, .utc_ms = fixture_utc_ms, .arg = fx},
	    .boot_ns = 1000 * SECOND,
	    .utc_ms = 1700000000000,
	    .settings = {.interval_ns = 5 * SECOND,
		.slot_ids = 3,
		.key_expiry_ms = 24 * HOUR_MS,
		.upload_expiry_ms = HOUR_MS,
		.max_uploads = 4,
		.max_upload_ids = 1000000,
		.retry = {5, 60000, 120000},
		.max_hold_ms = HOUR_MS,
		.node_name = "here",
		.version = "test",
		/* Longer than the time that any test lets pass. */
		.lease_ms = 100000 * HOUR_MS,
		.poll_ns = 0, /* nobody else is there */
		.concurrency = 1},
	};
	fixture_set_boot(fx, 1);
}

static void remove_dir(const char *dir)
{
	char path[600];
	struct dirent *entry;
	DIR *open_dir = opendir(dir);

	while (open_dir && (entry = readdir(open_dir))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		unlink(path);
	}
	if (open_dir)
		closedir(open_dir);
	rmdir(dir);
}

void fixture_free(struct fixture *fx)
{
	fixture_close(fx);
	if (fx->disk)
		store_mem_disk_free(fx->disk);
	if (fx->dir[0])
		remove_dir(fx->dir);
}

/* What an earlier process of the same name has left behind gets back into line, which others do
 * when they are opened. */
static void recover_shared(struct fixture *fx)
{
	struct store_op op = {.verb = STORE_BEAT, .beat = {.renew = true, .recovered = true}};
	struct store_stats after;

	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	fx->found.interrupted = op.beat.reaped;
	store_op_reset(&op);
	after = stats(fx);
	fx->found.waiting = fx->found.later = 0;
	for (int i = 0; i < PRIORITY_COUNT; i++) {
		fx->found.waiting += lane_waiting(&after.lanes[i]);
		fx->found.later += after.lanes[i].later;
	}
}

void fixture_open(struct fixture *fx)
{
	struct fail fail = {0};

	if (fx->backend->open(fx, &fail))
		fail_msg("the store cannot be opened: %s", fail.text);
	fx->in_turn = false;
	if (fx->backend->shared)
		recover_shared(fx);
}

void fixture_close(struct fixture *fx)
{
	store_close(fx->store);
	fx->store = NULL;
}

void fixture_reopen(struct fixture *fx)
{
	fixture_close(fx);
	fixture_open(fx);
}

void fixture_reboot(struct fixture *fx, int64_t boot_ns)
{
	fixture_close(fx);
	fixture_set_boot(fx, atoi(fx->clock.boot_id) + 1);
	fx->boot_ns = boot_ns;
	fixture_open(fx);
}

void fixture_set_boot(struct fixture *fx, int boot)
{
	snprintf(
	    fx->clock.boot_id, sizeof(fx->clock.boot_id), "%08d-0000-4000-8000-000000000000", boot);
}

struct uuid fixture_uuid(struct fixture *fx)
{
	struct uuid uuid = {.bytes = {0x01, 0x9b, 0x2c, 0x6e, [6] = 0x70, [8] = 0x80}};
	uint64_t n = ++fx->uuids;

	for (int i = 15; i > 8; i--, n >>= 8)
		uuid.bytes[i] = (uint8_t)n;
	return uuid;
}

static void turn_clock(struct fixture *fx)
{
	if (fx->backend->turn_clock)
		fx->backend->turn_clock(fx);
}

void assert_moment(struct fixture *fx, int64_t moment, int64_t expected)
{
	if (fx->backend->shared)
		assert_in_range(moment, expected, expected + 999);
	else
		assert_true(moment == expected);
}

void turn_begin(struct fixture *fx)
{
	struct fail fail;

	turn_clock(fx);
	assert_int_equal(store_begin(fx->store, &fail), STORE_DONE);
	fx->in_turn = true;
}

void turn_commit(struct fixture *fx)
{
	struct fail fail;

	assert_int_equal(store_commit(fx->store, &fail), STORE_DONE);
	fx->in_turn = false;
	if (fx->backend->committed)
		fx->backend->committed(fx);
}

void turn_rollback(struct fixture *fx)
{
	struct fail fail;

	assert_int_not_equal(store_rollback(fx->store, &fail), STORE_UNKNOWN);
	fx->in_turn = false;
}

void do_op(struct fixture *fx, struct store_op *op)
{
	bool own_turn = !fx->in_turn;

	if (own_turn) {
		turn_begin(fx);
		store_expect(fx->store, op);
	} else {
		turn_clock(fx);
	}
	if (store_run(fx->store, op) != STORE_DONE)
		fail_msg("the store cannot do this: %s", op->fail.text);
	if (own_turn)
		turn_commit(fx);
}

struct submitted submit_range(
    struct fixture *fx, enum priority priority, int64_t first, size_t n, int64_t batch_size)
{
	struct idlist ids = {0};
	struct store_op op = {.verb = STORE_SUBMIT};

	for (size_t i = 0; i < n; i++)
		idlist_push(&ids, first + (int64_t)i);
	op.submit = (struct store_submit){
	    .uuid = fixture_uuid(fx),
	    .priority = priority,
	    .label = "",
	    .batch_size = batch_size,
	    .ids = &ids,
	    .key = {"test", ""},
	};
	do_op(fx, &op);
	idlist_free(&ids);
	assert_int_equal(op.fail.err, ERR_OK);
	assert_memory_equal(&op.submit.ingestion, &op.submit.uuid, sizeof(struct uuid));
	assert_false(op.submit.replayed);
	return (struct submitted){op.submit.uuid, op.submit.seq, op.submit.batches};
}

struct submitted submit_batch(struct fixture *fx, enum priority priority, int64_t first)
{
	return submit_range(fx, priority, first, 3, 3);
}

struct store_op claim(struct fixture *fx)
{
	struct store_op op = {.verb = STORE_CLAIM};

	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	assert_int_equal(
	    op.claim.interval_ns, fx->rate_ns ? fx->rate_ns : fx->settings.interval_ns);
	return op;
}

struct store_attempt claim_next(struct fixture *fx, int64_t first_id)
{
	struct store_op op;
	struct store_attempt attempt;

	fx->boot_ns += fx->settings.interval_ns;
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	assert_int_equal(op.claim.batches[0].ids.v[0], first_id);
	attempt = op.claim.batches[0].attempt;
	store_op_reset(&op);
	assert_int_equal(started(fx, attempt, fx->boot_ns), ERR_OK);
	return attempt;
}

int64_t claim_nothing(struct fixture *fx)
{
	struct store_op op = claim(fx);

	assert_int_equal(op.claim.n, 0);
	return op.claim.wake;
}

enum err started(struct fixture *fx, struct store_attempt attempt, int64_t slot_start)
{
	struct store_op op = {.verb = STORE_STARTED};

	op.started = (struct store_started){attempt, fx->utc_ms, slot_start};
	do_op(fx, &op);
	return op.fail.err;
}

enum err finish(
    struct fixture *fx, struct store_attempt attempt, enum outcome outcome, const char *message)
{
	struct ending ending = {.outcome = outcome, .message = message ? xstrdup(message) : NULL};
	struct store_op op = try_finish(fx, attempt, &ending);

	ending_free(&ending);
	return op.fail.err;
}

struct status_page status_from(struct fixture *fx, const struct uuid *uuid, int64_t from_batch)
{
	struct store_op op = {.verb = STORE_STATUS};

	op.status.uuid = *uuid;
	op.status.from_batch = from_batch;
	op.status.limit = STORE_PAGE_BATCHES;
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	return op.status.page;
}

struct status_page status_of(struct fixture *fx, const struct uuid *uuid)
{
	return status_from(fx, uuid, 0);
}

int64_t version_of(struct fixture *fx, const struct uuid *uuid)
{
	struct status_page page = status_of(fx, uuid);
	int64_t version = page.ingestion.version;

	status_page_free(&page);
	return version;
}

enum batch_status batch_status_of(struct fixture *fx, const struct uuid *uuid, int64_t index)
{
	struct status_page page = status_from(fx, uuid, index);
	enum batch_status status;

	assert_true(page.n > 0);
	status = page.batches[0].status;
	status_page_free(&page);
	return status;
}
