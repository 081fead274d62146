/*
 * What the tests of the stores share: a store of any kind on a clock that stands still until a
 * test turns it, and the operations as plain calls.
 */
#ifndef INGESTD_STORE_FIXTURE_H
#define INGESTD_STORE_FIXTURE_H

#include "store.h"
#include "store_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND 1000000000LL
#define MS 1000000LL
#define HOUR_MS (60 * 60 * 1000LL)

struct fixture;

struct backend {
	const char *name;
	/* Several nodes may share it: it goes by its own clock, and after opening only a beat says
	 * what an earlier process has left behind. */
	bool shared;
	/* Fills store and found. */
	enum err (*open)(struct fixture *fx, struct fail *fail);
	/* NULL, or: makes the store's own clock show what the fixture's does. */
	void (*turn_clock)(struct fixture *fx);
	/* NULL, or: a turn was committed. */
	void (*committed)(struct fixture *fx);
	/* The full check of a store that is closed; NULL: there is none. */
	bool (*check)(struct fixture *fx, struct fail *fail);
};

extern const struct backend backend_memory, backend_sqlite, backend_postgres;

/* The clock of a server, in microseconds; what store_time is to other stores. */
struct server_clock {
	int64_t us, boot_ns; /* it showed `us` at `boot_ns` of the same boot */
	int64_t shown_us; /* what it shows now; 0: nothing yet */
	int64_t written_us, written_utc_ms; /* at the last commit */
	char boot_id[40];
};

struct fixture {
	const struct backend *backend;
	struct clock clock;
	int64_t boot_ns;
	int64_t utc_ms;
	struct store_settings settings;
	struct store *store; /* open */
	struct store_found found;
	struct store_mem_disk *disk; /* of the oracle */
	char dir[256]; /* of SQLite; empty while there is none */
	char path[300];
	bool has_database; /* of PostgreSQL: it is this fixture's now */
	struct server_clock server;
	uint64_t uuids; /* made so far */
	bool in_turn; /* the test holds a turn open */
	int64_t rate_ns; /* as set_rate() has set it; 0: that of the settings */
};

/* A store at the defaults: one batch of 3 every 5 s, no settle time, no packing; a batch is tried
 * five times at most, with a minute or two in between. */
void fixture_init(struct fixture *fx, const struct backend *backend);
void fixture_free(struct fixture *fx);

void fixture_open(struct fixture *fx);
void fixture_close(struct fixture *fx);
/* As after a crash between two turns. */
void fixture_reopen(struct fixture *fx);
/* The same, but the machine was restarted: its clock begins at `boot_ns`. */
void fixture_reboot(struct fixture *fx, int64_t boot_ns);

/* Makes the clock's boot id from a number. */
void fixture_set_boot(struct fixture *fx, int boot);

/* The same ones in the same order in every fixture. */
struct uuid fixture_uuid(struct fixture *fx);

/* A turn of several operations; without it each call below is a turn of its own. */
void turn_begin(struct fixture *fx);
void turn_commit(struct fixture *fx);
void turn_rollback(struct fixture *fx);

/* A moment that the store has worked out: with its own clock it may be less than a microsecond
 * late.
 */
void assert_moment(struct fixture *fx, int64_t moment, int64_t expected);

/* Runs `op` and expects that the store can do it; the answer is in op->fail. */
void do_op(struct fixture *fx, struct store_op *op);

struct submitted {
	struct uuid uuid;
	int64_t seq;
	int64_t batches;
};

/* ids first, first + 1, ... */
struct submitted submit_range(
    struct fixture *fx, enum priority priority, int64_t first, size_t n, int64_t batch_size);
/* Three ids from `first` on, which are one batch. */
struct submitted submit_batch(struct fixture *fx, enum priority priority, int64_t first);

/* The caller frees it with store_op_reset(). */
struct store_op claim(struct fixture *fx);

/* Claims and expects exactly one batch, which begins with this id; turns the clock on by an
 * interval first and reports the start at once, so that the ledger is never in the way. */
struct store_attempt claim_next(struct fixture *fx, int64_t first_id);

/* Claims and expects nothing; returns the wake-up. */
int64_t claim_nothing(struct fixture *fx);

enum err started(struct fixture *fx, struct store_attempt attempt, int64_t slot_start);
/* All ids came out like this. */
enum err finish(
    struct fixture *fx, struct store_attempt attempt, enum outcome outcome, const char *message);

/* A page that must exist; the caller frees it. */
struct status_page status_from(struct fixture *fx, const struct uuid *uuid, int64_t from_batch);
struct status_page status_of(struct fixture *fx, const struct uuid *uuid);
int64_t version_of(struct fixture *fx, const struct uuid *uuid);
enum batch_status batch_status_of(struct fixture *fx, const struct uuid *uuid, int64_t index);

/* ---- fixture_attempt.c ---- */

/* Another policy, with which the store is opened again. */
void reopen_with_retry(struct fixture *fx, int64_t max_attempts, int64_t base_ms, int64_t max_ms);

/* Like claim_next(), but expects all of these ids: "1 2 3". */
struct store_attempt claim_ids(struct fixture *fx, const char *ids);

/* The answer is in the result; nothing needs to be freed. */
struct store_op try_finish(
    struct fixture *fx, struct store_attempt attempt, const struct ending *ending);

/*
 * A result for each of the ids that were claimed, a letter for each: c completed, r to be tried
 * again, f failed, i interrupted, u unknown. A capital has a message of its own, "own 0" if it is
 * the first.
 */
struct store_op finish_ids(
    struct fixture *fx, struct store_attempt attempt, const char *results, const char *message);

/* All ids are to be tried again; returns the delay. */
int64_t try_again(struct fixture *fx, struct store_attempt attempt);

/* One page; the caller frees it with store_op_reset(). */
struct store_op try_report(struct fixture *fx, const struct uuid *uuid,
    const struct report_filter *filter, int64_t from, int64_t limit);
/* All pages, joined; the caller frees it. */
struct report_page report_all(
    struct fixture *fx, const struct uuid *uuid, const struct report_filter *filter, int64_t limit);

/* What has become of the ids, with the attempts and the error if there is one:
 * "1 completed 1, 2 failed 1 (why), 3 pending 0". */
void assert_report(struct fixture *fx, const struct uuid *uuid, const char *expected);

/* A batch of a status, with its output; the caller frees it with batch_free(). */
struct batch batch_of(struct fixture *fx, const struct uuid *uuid, int64_t index);
void batch_free(struct batch *batch);
/* Its status, attempts, ids completed and failed, ids that were given up if there are any, and the
 * error: "retrying 1 2 0 (why)", "cancelled 1 0 1, 2 cancelled, 3 unknown". */
void assert_batch(struct fixture *fx, const struct uuid *uuid, int64_t index, const char *expected);

void assert_status(struct fixture *fx, const struct uuid *uuid, enum ingestion_status expected);

/* ---- fixture_upload.c ---- */

#define NO_KEY ((struct store_key){"test", ""})
#define KEY(name) ((struct store_key){"test", name})

/* What `n` ids from `first` on are called; the caller frees the list. */
struct idlist id_range(int64_t first, size_t n);

/* Operations whose answer, refusals included, is in the result. Nothing needs to be freed. */
struct store_op try_submit(struct fixture *fx, struct store_key key, enum priority priority,
    const char *label, int64_t first, size_t n);
struct store_op try_open(
    struct fixture *fx, struct store_key key, enum priority priority, const char *label);
struct store_op try_append(
    struct fixture *fx, const struct uuid *uuid, int64_t offset, int64_t first, size_t n);
struct store_op try_seal(struct fixture *fx, const struct uuid *uuid, int64_t expected);
/* It is "uid:1" who wishes it. */
enum err try_cancel(struct fixture *fx, const struct uuid *uuid);

/* The same where nothing stands against it: LOW, without label, in batches of 3. */
struct uuid open_upload(struct fixture *fx, struct store_key key);
/* The id at place p of the list is first + p. Returns how many are there now. */
int64_t append(
    struct fixture *fx, const struct uuid *uuid, int64_t first, int64_t offset, size_t n);
struct submitted seal(struct fixture *fx, const struct uuid *uuid);
/* An upload from open to seal, in parts of `part` ids. */
struct submitted upload(
    struct fixture *fx, struct store_key key, int64_t first, size_t n, size_t part);

/* All that is due; returns the milliseconds until more is. The list, if wanted, has room for
 * SWEPT_MAX, and *n of them were cancelled. */
#define SWEPT_MAX 512
int64_t sweep(struct fixture *fx, struct uuid *cancelled, size_t *n);

/* Time passes, by both clocks. */
void pass_ms(struct fixture *fx, int64_t ms);

/* What status shows but for the batches. */
struct ingestion look_at(struct fixture *fx, const struct uuid *uuid);

struct store_stats stats(struct fixture *fx);

/* One page; the caller frees it with store_op_reset(). */
struct store_op try_list(
    struct fixture *fx, const struct list_filter *filter, int64_t limit, const char *cursor);
/* All pages, joined; the caller frees it. */
struct list_page list_all(struct fixture *fx, const struct list_filter *filter, int64_t limit);

/* The batches of an ingestion, page by page, hold the ids first, first + 1, ... */
void check_pages(struct fixture *fx, const struct submitted *it, int64_t first, size_t n);

/* The next claims give the ids first, first + 1, ... `most` claims are looked at. */
void check_claims(struct fixture *fx, int64_t first, int64_t n, int64_t batch_size, int most);

/* ---- fixture_control.c ---- */

struct control pause_all(struct fixture *fx, const char *who, int64_t until_ms);
struct control drain_all(struct fixture *fx, const char *who);
struct control resume_all(struct fixture *fx, const char *who, bool clear_hold);
struct control set_rate(struct fixture *fx, const char *who, int64_t interval_ns);

/* Interrupted, since the other side wants nothing for so long. */
void finish_with_hold(struct fixture *fx, struct store_attempt attempt, int64_t hold_ms);

/* Operations whose answer, refusals included, is in the result. */
struct store_op try_cancel_by(struct fixture *fx, const struct uuid *uuid, const char *who);
struct store_op try_retry(struct fixture *fx, const struct uuid *uuid, bool cancelled);
/* In as many steps as it takes. */
enum err try_bump(struct fixture *fx, const struct uuid *uuid, enum priority priority);

/* What must be possible in one step; returns the status and how many batches run. */
void cancel(
    struct fixture *fx, const struct uuid *uuid, enum ingestion_status status, int64_t running);
/* The same; so many batches wait again. */
void retry(struct fixture *fx, const struct uuid *uuid, bool cancelled, int64_t batches);
void bump(struct fixture *fx, const struct uuid *uuid, enum priority priority);

struct store_notice notice(struct fixture *fx);
/* Expects one of this ingestion, given out for the n-th time; returns its version. */
int64_t notice_of(struct fixture *fx, const struct uuid *uuid, int64_t n);
/* Expects none that is due; returns the milliseconds until one is. */
int64_t no_notice(struct fixture *fx);
enum err try_told(
    struct fixture *fx, const struct uuid *uuid, int64_t version, bool told, int64_t retry_ms);

/* Batches of one id from `first` on; `claimed` of them wait to be tried again, now and for the
 * second time. Ends with a store that packs up to so many into a slot. */
struct submitted submit_many(struct fixture *fx, int64_t first, int64_t n, int64_t claimed);
/* Claims a slot in which there are n batches, and ends all of them like this. */
void run_slot(struct fixture *fx, int64_t n, enum outcome outcome);

/* One behaviour that every store has. */
struct suite_test {
	const char *name;
	void (*run)(struct fixture *fx);
};

/* Each ends with an empty entry. */
extern const struct suite_test suite_submit[], suite_claim[], suite_slot[], suite_attempt[],
    suite_turn[], suite_reopen[], suite_page[], suite_key[], suite_upload[], suite_open[],
    suite_cancel[], suite_sweep[], suite_list[], suite_stats[], suite_retry[], suite_outcome[],
    suite_report[], suite_output[], suite_control[], suite_cancel_sealed[], suite_again[],
    suite_bump[], suite_notice[];
/* Only for SQLite. */
extern const struct suite_test suite_sqlite[], suite_sqlite_upload[];
extern const struct suite_test suite_sqlite_attempt[], suite_sqlite_check[], suite_sqlite_whole[];
extern const struct suite_test suite_sqlite_control[];
/* Only for PostgreSQL. */
extern const struct suite_test suite_postgres[];
/* Only for the oracle. */
extern const struct suite_test suite_memory[];

/* Random operations on the oracle and on another store, compared. The answers must be equal. */
void random_operations(struct fixture *other);

/* ---- fixture_postgres.c ---- */

/* Whether there is a server for the tests, INGESTD_TEST_POSTGRES; makes a database on it, which is
 * removed at exit. */
bool postgres_prepare(void);

/* Statements of somebody else in the database of the store. */
void postgres_do(const char *sql);
int64_t postgres_number(const char *sql);

/* A second connection to the store that is open, for reads; for store_close(). */
struct store *postgres_reader(struct fixture *fx);

#endif
