/*
 * Turns of the PostgreSQL store. A turn that changes something locks the ledger first, so that the
 * turns of all nodes follow each other; one that only looks does without. Everything is read inside
 * of the transaction, and nothing is remembered from the turn before.
 */
#include "store_postgres.h"

#include "log.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

/* ---- the driver of store_sql.h ---- */

static struct pg_conn *conn_of(const struct sql_store *store)
{
	return ((const struct pg_store *)store)->conn;
}

/* The arguments are those of SQL_KEY_FIND. */
static bool is_new_key(struct pg_store *store, va_list args)
{
	const char *text, *principal;
	va_list copy;

	va_copy(copy, args);
	text = va_arg(copy, const char *);
	principal = va_arg(copy, const char *);
	va_end(copy);
	return pg_keys_absent(store->keys, text, principal);
}

static int first(struct sql_store *base, enum sql sql, const char *types, va_list args)
{
	struct pg_store *store = (struct pg_store *)base;
	int code;

	if (sql == SQL_INGESTION_ADD)
		return pg_group_add(store->group, store->conn, types, args);
	if (sql == SQL_KEY_FIND && is_new_key(store, args))
		return SQL_DONE;
	if (store->ahead[sql]) {
		store->ahead[sql] = false;
		return pg_rows(store->conn, (int)sql);
	}
	code = pg_group_flush(store->group, store->conn);
	return code == SQL_DONE ? pg_first(store->conn, (int)sql, types, args) : code;
}

/* What goes wrong shows when it is asked for. */
static void ahead(struct sql_store *base, enum sql sql, const char *types, va_list args)
{
	struct pg_store *store = (struct pg_store *)base;

	if (pg_group_flush(store->group, store->conn) != SQL_DONE)
		return;
	store->ahead[sql] = pg_send_args(store->conn, (int)sql, types, args) == SQL_DONE;
}

static int next(struct sql_store *store, enum sql sql)
{
	return pg_next(conn_of(store), (int)sql);
}

static void reset(struct sql_store *store, enum sql sql)
{
	pg_reset(conn_of(store), (int)sql);
}

static bool is_null(struct sql_row row, int column)
{
	return pg_is_null(conn_of(row.store), (int)row.sql, column);
}

static int64_t number(struct sql_row row, int column)
{
	return pg_number(conn_of(row.store), (int)row.sql, column);
}

static const char *text(struct sql_row row, int column)
{
	return pg_text(conn_of(row.store), (int)row.sql, column);
}

static const void *blob(struct sql_row row, int column, size_t *size)
{
	return pg_blob(conn_of(row.store), (int)row.sql, column, size);
}

static enum store_result failed(struct sql_store *store, int code, struct fail *fail)
{
	if (code == PG_FAILED)
		return pg_conn_failed(conn_of(store), fail);
	fail_set(fail, ERR_INTERNAL, "the store %s is damaged: its rows contradict each other",
	    store->shown);
	log_error(log_msg("store damaged"), log_str("store", store->shown));
	return STORE_UNDONE;
}

/* It was that late when the answer came, or later; since then it went on here as there. */
static void now(const struct sql_store *base, struct sql_time *time)
{
	const struct pg_store *store = (const struct pg_store *)base;
	int64_t passed = clock_boot_ns(store->clock) - store->answered_at;

	*time = store->time;
	time->ns += passed;
	time->ms += passed / NS_PER_MS;
	time->utc_ms = clock_utc_ms(store->clock);
}

static int summary(struct sql_store *base, struct summary *found, struct sql_time *time)
{
	struct pg_store *store = (struct pg_store *)base;

	*found = base->now;
	*time = sql_time(base);
	/* For people, and for when the next slot is: in this machine's time. */
	if (found->ledger.last_claim != LEDGER_NONE)
		found->ledger.last_claim = pg_local(store, found->ledger.last_claim);
	if (found->ledger.last_start != LEDGER_NONE)
		found->ledger.last_start = pg_local(store, found->ledger.last_start);
	if (found->ledger.ready_since != LEDGER_NONE)
		found->ledger.ready_since = pg_local(store, found->ledger.ready_since);
	return SQL_DONE;
}

static int64_t disk_free(const struct sql_store *store)
{
	(void)store;
	return -1;
}

static void size(struct sql_store *store, int64_t *bytes, int64_t *wal_bytes)
{
	bool found = pg_run(conn_of(store), PG_SIZE, "") == SQL_ROW;

	*bytes = found ? pg_number(conn_of(store), PG_SIZE, 0) : 0;
	*wal_bytes = 0;
}

static const struct sql_driver driver = {
    .first = first,
    .ahead = ahead,
    .next = next,
    .reset = reset,
    .is_null = is_null,
    .number = number,
    .text = text,
    .blob = blob,
    .failed = failed,
    .time = now,
    .summary = summary,
    .disk_free = disk_free,
    .size = size,
};

/* ---- time ---- */

int64_t pg_local(const struct pg_store *store, int64_t ns)
{
	int64_t local;

	return ns == CLOCK_NEVER ||
	               __builtin_add_overflow(ns - store->time.ns, store->answered_at, &local)
	           ? CLOCK_NEVER
	           : local;
}

int64_t pg_poll_at(struct pg_store *store)
{
	int64_t poll = store->sql.settings.poll_ns;

	if (poll == 0)
		return CLOCK_NEVER;
	/* A generator will do (Knuth's MMIX): from three quarters to five quarters. */
	store->jitter = store->jitter * 6364136223846793005U + 1442695040888963407U;
	return clock_boot_ns(store->clock) + poll / 4 * 3 +
	       (int64_t)((store->jitter >> 33) % (uint64_t)(poll / 2 + 1));
}

/* ---- reading the ledger ---- */

/*
 * A ledger in the future comes from a clock that was set back, on this machine or in a failover.
 * What started before that has long started: from now on, with the guard for a slot that was just
 * taken, a full interval is enough.
 */
static void clamp(struct pg_store *store)
{
	struct ledger *ledger = &store->sql.now.ledger;
	int64_t latest = store->time.ns + store->sql.settings.slot_guard_ns;

	if (ledger->last_start != LEDGER_NONE && ledger->last_start > latest) {
		log_warn(log_msg("the database's clock was set back, a full interval is waited"),
		    log_int("ms", (ledger->last_start - latest) / NS_PER_MS));
		ledger->last_start = latest;
	}
	if (ledger->ready_since != LEDGER_NONE && ledger->ready_since > store->time.ns)
		ledger->ready_since = store->time.ns;
	/* How long ago the last start really was is not known any more. */
	if (store->leapt && ledger->last_claim != LEDGER_NONE &&
	    ledger->last_start < store->time.ns)
		ledger->last_start = store->time.ns;
}

/* By how much two clocks may differ in their speed while both are being corrected. */
#define DRIFT(elapsed) ((elapsed) / 1000 + NS_PER_MS)

/*
 * Whether more time has passed by the database's clock than by ours since an earlier look: somebody
 * has set it, or it is another server's now.
 */
static void notice_leap(struct pg_store *store, int64_t before_ns)
{
	int64_t most = store->answered_at - store->time_asked;
	int64_t ahead = store->time.ns - before_ns - most;

	store->time_asked = store->asked_at;
	if (before_ns == 0 || ahead <= DRIFT(most))
		return;
	log_warn(log_msg("the database's clock was set on, a full interval is waited"),
	    log_int("ms", ahead / NS_PER_MS));
	store->leapt = true;
}

enum store_result pg_look(struct pg_store *store, struct fail *fail)
{
	int64_t before_ns = store->time.ns;
	int code;

	store->asked_at = clock_boot_ns(store->clock);
	pg_send(store->conn, PG_MOMENT_READ, "");
	code = pg_rows(store->conn, PG_MOMENT_READ);
	store->answered_at = clock_boot_ns(store->clock);
	if (code == SQL_ROW &&
	    !pg_summary_take(store->conn, &store->sql.committed, &store->time, &store->turn))
		code = SQL_CORRUPT;
	pg_reset(store->conn, PG_MOMENT_READ);
	if (code != SQL_ROW)
		return sql_failed(&store->sql, code, fail);
	store->sql.now = store->sql.committed;
	/* What people see is in the time of the node that they ask. */
	store->sql.due_shift_ms = clock_utc_ms(store->clock) - store->time.ms;
	notice_leap(store, before_ns);
	return STORE_DONE;
}

/* How long the lock may take before the clock is read again: about a round trip. */
#define SHORT_NS (2 * NS_PER_MS)

enum store_result pg_read_clock(struct pg_store *store, struct fail *fail)
{
	int64_t asked_at = clock_boot_ns(store->clock);
	int code;

	/* Asking again takes time, too. */
	if (store->exact || store->answered_at - store->asked_at < SHORT_NS)
		return STORE_DONE;
	code = pg_run(store->conn, PG_CLOCK, "");
	if (code != SQL_ROW)
		return sql_failed(&store->sql, code == SQL_DONE ? SQL_CORRUPT : code, fail);
	store->asked_at = store->time_asked = asked_at;
	store->answered_at = clock_boot_ns(store->clock);
	store->time = pg_time_of(pg_number(store->conn, PG_CLOCK, 0), store->time.ms);
	pg_reset(store->conn, PG_CLOCK);
	store->exact = true;
	return STORE_DONE;
}

/* Whether the other nodes still count on this one. */
static int read_lease(struct pg_store *store)
{
	int code = pg_rows(store->conn, PG_NODE_MINE);

	store->lease_over = code != SQL_ROW || pg_number(store->conn, PG_NODE_MINE, 1) != 0;
	pg_reset(store->conn, PG_NODE_MINE);
	return code;
}

/* What a turn had claimed that was lost: the engine never heard of it. */
static void give_back_lost(struct pg_store *store)
{
	struct ending ending = {.outcome = OUTCOME_INTERRUPTED};
	struct store_op op = {.verb = STORE_FINISH};

	for (size_t i = 0; i < store->n_lost; i++) {
		op.finish = (struct store_finish){.attempt = store->taken[i], .ending = &ending};
		op.fail.err = ERR_OK;
		if (sql_finish(&store->sql.store, &op) == STORE_DONE && !op.fail.err)
			log_info(log_msg("a batch that was claimed in vain is given back"),
			    log_int("index", op.finish.attempt.index));
	}
}

enum store_result pg_lock(struct pg_store *store, struct fail *fail)
{
	enum store_result result;
	int code;

	if (store->locked)
		return STORE_DONE;
	store->locked = true;
	store->exact = false;
	pg_send(store->conn, PG_BEGIN, "");
	pg_send(store->conn, PG_LEDGER_LOCK, "");
	pg_send(store->conn, PG_NODE_MINE, "i", store->me.num);
	pg_keys_send(store->keys, store->conn);
	/* All this is one round trip: each statement sees what was there when its turn came. */
	result = pg_look(store, fail);
	if (result != STORE_DONE)
		return result;
	code = pg_rows(store->conn, PG_LEDGER_LOCK);
	pg_reset(store->conn, PG_LEDGER_LOCK);
	if (code == SQL_ROW)
		code = read_lease(store);
	if (sql_went_well(code))
		code = pg_keys_take(store->keys, store->conn);
	if (!sql_went_well(code))
		return sql_failed(&store->sql, code, fail);
	clamp(store);
	give_back_lost(store);
	return STORE_DONE;
}

/* ---- turns ---- */

static enum store_result begin(struct store *base, struct fail *fail)
{
	struct pg_store *store = (struct pg_store *)base;

	store->locked = false;
	store->n_taken = store->n_lost;
	pg_keys_clear(store->keys);
	memset(store->ahead, 0, sizeof(store->ahead));
	if (pg_conn_ready(store->conn, fail))
		return STORE_UNDONE;
	/* Somebody may have taken the name meanwhile, but may lose it, too. */
	if (store->me.num > 0 && pg_hold_name(store, 0, fail)) {
		fail->err = ERR_BUSY;
		fail->retry_ms = 1000;
		return STORE_UNDONE;
	}
	store->after = store->me;
	return STORE_DONE;
}

/*
 * Whether the commit has taken place is not known. Front doors say so; the engine asks again, and
 * what was claimed goes back.
 */
static enum store_result lost(struct pg_store *store, struct fail *fail)
{
	struct fail why;

	pg_conn_failed(store->conn, &why);
	fail_set(fail, ERR_UNKNOWN_OUTCOME,
	    "it is unknown whether this was done: the database went away (%.160s)", why.text);
	store->n_lost = store->n_taken;
	pg_group_clear(store->group);
	store->locked = false;
	return STORE_LOST;
}

static enum store_result commit(struct store *base, struct fail *fail)
{
	struct pg_store *store = (struct pg_store *)base;
	int code = SQL_DONE;

	pg_reset_all(store->conn);
	if (store->locked) {
		code = pg_group_flush(store->group, store->conn);
		if (code == SQL_DONE)
			code = pg_summary_write(store);
		if (code == SQL_DONE)
			code = pg_run(store->conn, PG_COMMIT, "");
	}
	/* After a failed statement the server leaves out what follows, the commit too. */
	if (!pg_conn_sync(store->conn)) {
		if (store->locked && pg_conn_is_lost(store->conn))
			return lost(store, fail);
		code = PG_FAILED;
	}
	if (code != SQL_DONE)
		return sql_failed(&store->sql, code, fail);
	if (store->locked) {
		store->n_lost = 0;
		store->leapt = false;
		store->after.own_turns++;
	}
	store->locked = false;
	store->me = store->after;
	store->sql.owner = store->me.num;
	return STORE_DONE;
}

static enum store_result rollback(struct store *base, struct fail *fail)
{
	struct pg_store *store = (struct pg_store *)base;

	(void)fail;
	pg_group_clear(store->group);
	pg_reset_all(store->conn);
	if (!pg_conn_is_lost(store->conn)) {
		pg_conn_sync(store->conn);
		pg_run(store->conn, PG_ROLLBACK, "");
		/* A transaction that cannot be ended ends with its session. */
		if (!pg_conn_sync(store->conn))
			pg_conn_drop(store->conn);
	}
	store->locked = false;
	return STORE_DONE;
}

static enum store_result begin_read(struct store *base, struct fail *fail)
{
	struct pg_store *store = (struct pg_store *)base;
	struct fail ignored;

	if (pg_conn_ready(store->conn, fail))
		return STORE_UNDONE;
	pg_send(store->conn, PG_BEGIN_READ, "");
	if (pg_look(store, fail) == STORE_DONE)
		return STORE_DONE;
	/* What did not begin nobody ends: not the transaction either, nor the failure. */
	rollback(base, &ignored);
	return STORE_UNDONE;
}

/* What has the lock has asked already. */
static void expect(struct store *base, const struct store_op *op)
{
	struct pg_store *store = (struct pg_store *)base;

	if (!store->locked && op->verb == STORE_SUBMIT)
		pg_keys_expect(store->keys, &op->submit.key);
}

static enum store_result (*const writes[STORE_VERB_COUNT])(struct store *, struct store_op *) = {
    SQL_WRITES,
};

static enum store_result write(struct store *base, struct store_op *op)
{
	enum store_result result = pg_lock((struct pg_store *)base, &op->fail);

	return result == STORE_DONE ? writes[op->verb](base, op) : result;
}

/* Reads that come to the writer look without a lock. */
static enum store_result (*const reads[STORE_VERB_COUNT])(struct store *, struct store_op *) = {
    SQL_READS,
    [STORE_STATS] = sql_stats,
    [STORE_NODES] = pg_nodes,
};

static enum store_result read(struct store *base, struct store_op *op)
{
	struct pg_store *store = (struct pg_store *)base;
	enum store_result result = store->locked ? STORE_DONE : pg_look(store, &op->fail);

	return result == STORE_DONE ? reads[op->verb](base, op) : result;
}

/* ---- life ---- */

enum err pg_store_new(
    struct pg_store **result, const char *url, const struct clock *clock, struct fail *fail)
{
	struct pg_store *store = xcalloc(1, sizeof(*store));

	*result = store;
	store->sql.driver = &driver;
	store->sql.shown = store_shown(url);
	store->clock = clock;
	store->group = pg_group_new();
	store->keys = pg_keys_new();
	store->jitter = (uint64_t)clock_boot_ns(clock);
	store->me.lease_end = LEDGER_NONE;
	return pg_conn_new(&store->conn, url, clock, fail);
}

static void close_store(struct store *base)
{
	struct pg_store *store = (struct pg_store *)base;

	struct fail ignored;

	/* A turn that is open is lost. */
	rollback(base, &ignored);
	if (store->me.num > 0)
		pg_leave(store);
	pg_conn_free(store->conn);
	pg_group_free(store->group);
	pg_keys_free(store->keys);
	free(store->taken);
	free(store->slot);
	free(store->sql.shown);
	free(store);
}

const struct store_ops store_postgres_ops = {
    .begin = begin,
    .expect = expect,
    .run =
	{
	    [STORE_SUBMIT] = write,
	    [STORE_OPEN] = write,
	    [STORE_APPEND] = write,
	    [STORE_SEAL] = write,
	    [STORE_CANCEL] = write,
	    [STORE_RETRY] = write,
	    [STORE_BUMP] = write,
	    [STORE_CONTROL] = write,
	    [STORE_NOTICE] = write,
	    [STORE_TOLD] = write,
	    [STORE_SWEEP] = write,
	    [STORE_BEAT] = pg_beat,
	    [STORE_CLAIM] = pg_claim,
	    [STORE_STARTED] = pg_started,
	    [STORE_FINISH] = write,
	    [STORE_STATUS] = read,
	    [STORE_REPORT] = read,
	    [STORE_LIST] = read,
	    [STORE_STATS] = read,
	    [STORE_NODES] = read,
	},
    .commit = commit,
    .rollback = rollback,
    .close = close_store,
};

const struct store_ops store_postgres_reader_ops = {
    .begin = begin_read,
    .run =
	{
	    SQL_READS,
	    [STORE_STATS] = sql_stats,
	    [STORE_NODES] = pg_nodes,
	},
    .rollback = rollback,
    .close = close_store,
};
