/*
 * Slots that several nodes share.
 *
 * The database's clock is the only one that counts. It is read, as c, when the ledger is locked;
 * here that was somewhere between asked_at and answered_at. A claim takes a slot at S, which is c
 * and what has passed here since, and commits that the batch starts at S + guard at the latest. So
 * it may be started, once the commit is known, until asked_at + (S - c) + guard by the local clock;
 * later than that it is given back. What is reported of the start lowers the bound: by the
 * database's clock that was no later than c + (start - asked_at).
 */
#include "store_postgres.h"

#include "util.h"

#include <string.h>

/* ---- looking ---- */

/* When the first batch that is not in line gets there; CLOCK_NEVER: there is none. */
static int64_t next_due(struct pg_store *store)
{
	int64_t due = CLOCK_NEVER;

	if (pg_rows(store->conn, PG_DUE_FIRST) == SQL_ROW)
		due = sql_after(
		    store->time.ns, pg_number(store->conn, PG_DUE_FIRST, 0) - store->time.ms);
	pg_reset(store->conn, PG_DUE_FIRST);
	return due;
}

static int64_t later_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Whether it is worth to lock the ledger; else when it may be, by the database's clock. */
static bool may_start(struct pg_store *store, struct store_claim *claim)
{
	int64_t now = store->time.ns, due = next_due(store);
	int64_t slot =
	    later_of(ledger_next_slot(&store->sql.now.ledger), sql_control_not_before(&store->sql));

	claim->idle = sql_waiting(&store->sql) == 0;
	claim->wake = claim->idle ? due : slot;
	/* What is due gets into line even where nothing may be started. */
	return claim->wake <= now || due <= now;
}

/* Looks without a lock, in one round trip: most of the time there is nothing to do. */
static enum store_result look(
    struct pg_store *store, struct store_claim *claim, bool *due, struct fail *fail)
{
	enum store_result result;

	*due = true;
	if (store->locked)
		return STORE_DONE;
	pg_send(store->conn, PG_DUE_FIRST, "");
	result = pg_look(store, fail);
	if (result != STORE_DONE)
		return result;
	*due = may_start(store, claim);
	if (!pg_conn_sync(store->conn))
		return sql_failed(&store->sql, PG_FAILED, fail);
	return STORE_DONE;
}

/* ---- claiming ---- */

/* What others do in the meantime is noticed after a while. */
static void wake_in_time(struct pg_store *store, struct store_claim *claim)
{
	int64_t poll = pg_poll_at(store);
	int64_t wake = claim->wake == LEDGER_NONE ? LEDGER_NONE : pg_local(store, claim->wake);

	claim->wake = wake < poll ? wake : poll;
}

static void remember(struct pg_store *store, const struct store_claim *claim)
{
	store->slot = xreallocarray(store->slot, claim->n, sizeof(*store->slot));
	store->n_slot = claim->n;
	for (size_t i = 0; i < claim->n; i++)
		store->slot[i] = claim->batches[i].attempt;
	store->taken =
	    xreallocarray(store->taken, store->n_taken + claim->n, sizeof(*store->taken));
	for (size_t i = 0; i < claim->n; i++)
		store->taken[store->n_taken++] = claim->batches[i].attempt;
}

/* Until more is known the slot's start is the latest that is allowed. */
static void take_slot(struct pg_store *store, struct store_claim *claim)
{
	int64_t guard = store->sql.settings.slot_guard_ns;

	store->slot_ns = store->sql.now.ledger.last_claim;
	store->slot_boot_ns = store->asked_at + (store->slot_ns - store->time.ns);
	store->sql.now.ledger.last_start = store->slot_ns + guard;
	claim->fire_before = store->slot_boot_ns + guard;
	remember(store, claim);
}

/* Whether this node may claim at all: the others must count on it. */
static bool has_lease(const struct pg_store *store)
{
	return store->me.recovered && clock_boot_ns(store->clock) < store->me.lease_end;
}

static enum store_result claim_now(struct pg_store *store, struct store_op *op)
{
	/* The lock may have taken a while, and the batch would have to start that much earlier. */
	enum store_result result = pg_read_clock(store, &op->fail);

	return result == STORE_DONE ? sql_claim(&store->sql.store, op) : result;
}

enum store_result pg_claim(struct store *base, struct store_op *op)
{
	struct pg_store *store = (struct pg_store *)base;
	struct store_claim *claim = &op->claim;
	enum store_result result = STORE_DONE;
	bool due = has_lease(store);

	claim->wake = LEDGER_NONE;
	if (due)
		result = look(store, claim, &due, &op->fail);
	if (result == STORE_DONE && due) {
		result = pg_lock(store, &op->fail);
		if (result == STORE_DONE && !store->lease_over)
			result = claim_now(store, op);
		else
			claim->wake = CLOCK_NEVER;
	} else if (result == STORE_DONE && !has_lease(store)) {
		claim->wake = CLOCK_NEVER;
	}
	if (result != STORE_DONE || op->fail.err)
		return result;
	claim->interval_ns = store->sql.now.ledger.interval_ns;
	if (claim->n > 0)
		take_slot(store, claim);
	else
		wake_in_time(store, claim);
	return STORE_DONE;
}

/* ---- the start ---- */

/* Whether nobody has taken a slot since this attempt got its own. */
static bool is_last(const struct pg_store *store, const struct store_attempt *attempt)
{
	if (store->sql.now.ledger.last_claim != store->slot_ns)
		return false;
	for (size_t i = 0; i < store->n_slot; i++)
		if (memcmp(&store->slot[i], attempt, sizeof(*attempt)) == 0)
			return true;
	return false;
}

enum store_result pg_started(struct store *base, struct store_op *op)
{
	struct pg_store *store = (struct pg_store *)base;
	int64_t local = op->started.slot_start;
	enum store_result result = pg_lock(store, &op->fail);

	if (result != STORE_DONE)
		return result;
	if (local != LEDGER_NONE && is_last(store, &op->started.attempt))
		op->started.slot_start = store->slot_ns + (local - store->slot_boot_ns);
	else
		op->started.slot_start = LEDGER_NONE;
	result = sql_started(base, op);
	op->started.slot_start = local; /* it may be run again */
	return result;
}
