/* The nodes that share a store: their names, values and leases. */
#include "store_postgres.h"

#include "log.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_STEP_MS 10

/* ---- the name ---- */

/*
 * A session of ours that was lost on the way may still be there for the server, with our name and
 * perhaps with a transaction that holds the ledger.
 */
static void end_last_session(struct pg_store *store)
{
	if (store->me.backend > 0)
		pg_run(
		    store->conn, PG_SESSION_END, "it", store->me.backend, store->me.backend_start);
	pg_reset(store->conn, PG_SESSION_END);
}

/* One try. False: somebody else has it, or *fail is set. */
static bool try_name(struct pg_store *store, struct fail *fail)
{
	struct pg_conn *conn = store->conn;
	bool held = false;

	fail->err = ERR_OK;
	end_last_session(store);
	if (pg_run(conn, PG_NAME_LOCK, "t", store->sql.settings.node_name) == SQL_ROW) {
		held = pg_number(conn, PG_NAME_LOCK, 0) != 0;
		if (held) {
			store->me.backend = pg_number(conn, PG_NAME_LOCK, 1);
			snprintf(store->me.backend_start, sizeof(store->me.backend_start), "%s",
			    pg_text(conn, PG_NAME_LOCK, 2));
			store->me.session = pg_conn_session(conn);
		}
	}
	pg_reset(conn, PG_NAME_LOCK);
	if (pg_conn_sync(conn))
		return held;
	pg_conn_failed(conn, fail);
	return false;
}

enum err pg_hold_name(struct pg_store *store, int64_t patience_ms, struct fail *fail)
{
	fail->err = ERR_OK;
	if (pg_conn_session(store->conn) == store->me.session)
		return ERR_OK;
	for (int64_t ms = 0; ms <= patience_ms; ms += NAME_STEP_MS) {
		if (ms > 0)
			nanosleep(&(struct timespec){.tv_nsec = NAME_STEP_MS * NS_PER_MS}, NULL);
		if (try_name(store, fail) || fail->err)
			return fail->err;
	}
	return fail_set(fail, ERR_CONFLICT,
	    "a node named \"%s\" is connected to %s already (--node-name)",
	    store->sql.settings.node_name, store->sql.shown);
}

/* ---- joining ---- */

/* Values that all nodes need to have in common. */
struct common {
	const char *option;
	int64_t theirs, ours;
	bool is_duration;
};

static void say(char *text, size_t size, const struct common *value, int64_t number)
{
	char duration[DURATION_TEXT_SIZE];

	if (value->is_duration) {
		format_duration(number, duration);
		snprintf(text, size, "%s", duration);
	} else {
		snprintf(text, size, "%" PRId64, number);
	}
}

/* Compares with the node in the row. */
static enum err check_values(struct pg_store *store, struct fail *fail)
{
	const struct store_settings *s = &store->sql.settings;
	struct pg_conn *conn = store->conn;
	const struct common values[] = {
	    {"--rate: one batch every", pg_number(conn, PG_NODES_ALIVE, 1), s->interval_ns, true},
	    {"--settle", pg_number(conn, PG_NODES_ALIVE, 2), s->settle_ns, true},
	    {"--pack", pg_number(conn, PG_NODES_ALIVE, 3), s->pack, false},
	    {"--max-attempts", pg_number(conn, PG_NODES_ALIVE, 4), s->retry.max_attempts, false},
	    {"--slot-guard", pg_number(conn, PG_NODES_ALIVE, 5), s->slot_guard_ns, true},
	};

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		char theirs[DURATION_TEXT_SIZE], ours[DURATION_TEXT_SIZE];

		if (values[i].theirs == values[i].ours)
			continue;
		say(theirs, sizeof(theirs), &values[i], values[i].theirs);
		say(ours, sizeof(ours), &values[i], values[i].ours);
		return fail_set(fail, ERR_CONFLICT,
		    "node %.80s is alive with %s %s, and this one has %s: all nodes need the same",
		    pg_text(conn, PG_NODES_ALIVE, 0), values[i].option, theirs, ours);
	}
	return ERR_OK;
}

/* Looks at the others. */
static enum err compare(struct pg_store *store, bool *alone, struct fail *fail)
{
	int code = pg_run(
	    store->conn, PG_NODES_ALIVE, "it", store->time.ms, store->sql.settings.node_name);

	fail->err = ERR_OK;
	*alone = code == SQL_DONE;
	while (code == SQL_ROW && !check_values(store, fail))
		code = pg_next(store->conn, PG_NODES_ALIVE);
	pg_reset(store->conn, PG_NODES_ALIVE);
	if (!sql_went_well(code))
		sql_failed(&store->sql, code, fail);
	return fail->err;
}

/* The id of earlier processes of this name, or a new one. */
static int read_uuid(struct pg_store *store, struct uuid *uuid)
{
	size_t bytes;
	int code = pg_run(store->conn, PG_NODE_OF_NAME, "t", store->sql.settings.node_name);
	const void *known =
	    code == SQL_ROW ? pg_blob(store->conn, PG_NODE_OF_NAME, 0, &bytes) : NULL;

	if (known && bytes == sizeof(uuid->bytes))
		memcpy(uuid->bytes, known, sizeof(uuid->bytes));
	else
		*uuid = uuid_v7(clock_utc_ms(store->clock));
	pg_reset(store->conn, PG_NODE_OF_NAME);
	return sql_went_well(code) ? SQL_DONE : code;
}

/* A new row, with a new number. SQL_DONE or an error. */
static int add_node(struct pg_store *store)
{
	const struct store_settings *s = &store->sql.settings;
	int code = pg_run(store->conn, PG_NODE_ADD, "bttiiiiiiiii", store->after.uuid.bytes,
	    (int64_t)sizeof(store->after.uuid.bytes), s->node_name, s->version,
	    store->time.ms + s->lease_ms, store->time.ms, s->interval_ns, s->settle_ns,
	    (int64_t)s->pack, s->retry.max_attempts, s->slot_ids, s->concurrency, s->slot_guard_ns);

	if (code != SQL_ROW)
		return code == SQL_DONE ? SQL_CORRUPT : code;
	store->after.num = pg_number(store->conn, PG_NODE_ADD, 0);
	store->after.lease_end = store->asked_at + s->lease_ms * NS_PER_MS;
	/* In this turn we are still who we were: nothing is to be claimed. */
	store->lease_over = true;
	pg_reset(store->conn, PG_NODE_ADD);
	return SQL_DONE;
}

enum err pg_join(struct pg_store *store, bool *alone, struct fail *fail)
{
	struct ledger *ledger = &store->sql.now.ledger;
	int code;

	if (compare(store, alone, fail))
		return fail->err;
	code = read_uuid(store, &store->after.uuid);
	if (code == SQL_DONE)
		code = add_node(store);
	if (code != SQL_DONE) {
		sql_failed(&store->sql, code, fail);
		return fail->err;
	}
	if (*alone) {
		sql_control_apply(&store->sql);
		ledger->settle_ns = store->sql.settings.settle_ns;
		ledger->pack = store->sql.settings.pack;
		ledger->ready_since = LEDGER_NONE;
	}
	return ERR_OK;
}

/* Whether a batch still runs by its row: its outcome was not recorded. */
static bool owns_batches(struct pg_store *store)
{
	bool owns = sql_first(&store->sql, SQL_BATCHES_RUNNING, "i", store->me.num) != SQL_DONE;

	sql_reset(sql_row(&store->sql, SQL_BATCHES_RUNNING));
	return owns;
}

void pg_leave(struct pg_store *store)
{
	const struct store_ops *ops = store->sql.store.ops;
	struct fail fail;

	if (pg_conn_is_lost(store->conn) || ops->begin(&store->sql.store, &fail) != STORE_DONE)
		return;
	/* What still runs is left to the lease, or to the next process of this name. */
	if (pg_lock(store, &fail) == STORE_DONE && !owns_batches(store) &&
	    pg_run(store->conn, PG_NODE_LEAVE, "ii", store->time.ms, store->me.num) == SQL_DONE &&
	    ops->commit(&store->sql.store, &fail) == STORE_DONE)
		return;
	ops->rollback(&store->sql.store, &fail);
}

/* ---- signs of life ---- */

/*
 * Batches of nodes that are gone get back into line, by whoever notices first. We are not: where
 * the database's clock was set on, our lease has ended by it, but what runs here is ours until
 * somebody else says that it is not.
 */
static int reap(struct pg_store *store, int64_t *reaped)
{
	struct fail fail;
	int code = SQL_DONE;

	/* What was seen without the lock may have been seen by others, too. */
	if (pg_lock(store, &fail) != STORE_DONE)
		return PG_FAILED;
	while ((code = pg_run(store->conn, PG_NODE_LATE, "ii", store->time.ms, store->after.num)) ==
	       SQL_ROW) {
		int64_t num = pg_number(store->conn, PG_NODE_LATE, 0), before = *reaped;

		pg_reset(store->conn, PG_NODE_LATE);
		code = sql_recover_running(&store->sql, num, reaped);
		if (code == SQL_DONE)
			code = pg_run(store->conn, PG_NODE_GONE, "i", num);
		if (code != SQL_DONE)
			break;
		log_warn(log_msg("the lease of a node has ended"), log_int("node", num),
		    log_int("interrupted", *reaped - before));
	}
	pg_reset(store->conn, PG_NODE_LATE);
	return code;
}

/* What earlier processes of our name have left behind: their handlers have been ended. */
static int recover_own(struct pg_store *store, int64_t *reaped)
{
	const char *name = store->sql.settings.node_name;
	int code;

	while (
	    (code = pg_run(store->conn, PG_NODE_BEFORE, "ti", name, store->after.num)) == SQL_ROW) {
		int64_t num = pg_number(store->conn, PG_NODE_BEFORE, 0);

		pg_reset(store->conn, PG_NODE_BEFORE);
		code = sql_recover_running(&store->sql, num, reaped);
		if (code == SQL_DONE)
			code = pg_run(store->conn, PG_NODE_REMOVE, "i", num);
		if (code != SQL_DONE)
			break;
	}
	pg_reset(store->conn, PG_NODE_BEFORE);
	store->after.recovered = true;
	/* A backlog that is found does not settle. */
	if (*reaped > 0)
		store->sql.now.ledger.ready_since = LEDGER_NONE;
	return code == SQL_DONE ? sql_recover_cancelling(&store->sql) : code;
}

/* The row of this node; a new one when the others have given it up. */
static int renew(struct pg_store *store, struct store_beat *beat)
{
	const struct node_figures *f = &beat->figures;
	int64_t lease_ms = store->sql.settings.lease_ms;
	int code = pg_run(store->conn, PG_NODE_RENEW, "iiiiiiii", store->time.ms + lease_ms,
	    store->time.ms, f->running, f->attempts, f->retries, f->interrupted, f->failed,
	    store->me.num);

	pg_reset(store->conn, PG_NODE_RENEW);
	if (code == SQL_DONE) {
		log_warn(log_msg("the others had given this node up, it joins again"));
		beat->joined_again = true;
		return add_node(store);
	}
	store->after.lease_end = store->asked_at + lease_ms * NS_PER_MS;
	return code == SQL_ROW ? SQL_DONE : code;
}

static int renew_all(struct pg_store *store, struct store_beat *beat)
{
	int code = renew(store, beat);

	if (code == SQL_DONE && beat->recovered)
		code = recover_own(store, &beat->reaped);
	if (code == SQL_DONE)
		code = pg_run(store->conn, PG_NODES_FORGET, "i", store->time.ms - STORE_GONE_MS);
	return code;
}

/* Batches that run here and are not wanted any more, by whomever it was said. */
static int read_cancelled(struct pg_store *store, struct store_beat *beat)
{
	int code = pg_run(store->conn, PG_CANCELLED_HERE, "i", store->me.num);

	for (; code == SQL_ROW; code = pg_next(store->conn, PG_CANCELLED_HERE)) {
		size_t bytes;
		const void *uuid = pg_blob(store->conn, PG_CANCELLED_HERE, 0, &bytes);

		if (!uuid || bytes != sizeof(*beat->cancelled))
			return SQL_CORRUPT;
		beat->cancelled =
		    xreallocarray(beat->cancelled, beat->n + 1, sizeof(*beat->cancelled));
		memcpy(&beat->cancelled[beat->n++], uuid, bytes);
	}
	pg_reset(store->conn, PG_CANCELLED_HERE);
	return code;
}

/* Whether there were other turns than our own since the last beat. */
static bool has_moved(struct pg_store *store)
{
	bool moved = store->turn != store->after.seen_turn + store->after.own_turns;

	store->after.seen_turn = store->turn;
	store->after.own_turns = 0;
	return moved;
}

/* The first end of another node's lease, by the store's clock; CLOCK_NEVER: there is none. */
static int read_next_end(struct pg_store *store, int64_t *ms)
{
	int code = pg_run(store->conn, PG_NODE_ENDS, "i", store->after.num);

	*ms = code == SQL_ROW && !pg_is_null(store->conn, PG_NODE_ENDS, 0)
	          ? pg_number(store->conn, PG_NODE_ENDS, 0)
	          : CLOCK_NEVER;
	pg_reset(store->conn, PG_NODE_ENDS);
	return code == SQL_ROW ? SQL_DONE : code;
}

/* Takes over from nodes whose lease has ended, and says when the next one does. */
static int see_to_others(struct pg_store *store, struct store_beat *beat)
{
	int64_t ms;
	int code = read_next_end(store, &ms);

	if (code == SQL_DONE && ms < store->time.ms) {
		code = reap(store, &beat->reaped);
		if (code == SQL_DONE)
			code = read_next_end(store, &ms);
	}
	if (code == SQL_DONE && ms != CLOCK_NEVER)
		beat->next_end = store->answered_at + (ms + 1 - store->time.ms) * NS_PER_MS;
	return code;
}

enum store_result pg_beat(struct store *base, struct store_op *op)
{
	struct pg_store *store = (struct pg_store *)base;
	struct store_beat *beat = &op->beat;
	bool writes = beat->renew || (beat->recovered && !store->after.recovered);
	enum store_result result = STORE_DONE;
	int code = SQL_DONE;

	/* Another look would forget what the turn has done so far. */
	if (writes)
		result = pg_lock(store, &op->fail);
	else if (!store->locked)
		result = pg_look(store, &op->fail);
	if (result != STORE_DONE)
		return result;
	if (writes)
		code = renew_all(store, beat);
	if (code == SQL_DONE)
		code = see_to_others(store, beat);
	if (code == SQL_DONE)
		code = read_cancelled(store, beat);
	if (code != SQL_DONE)
		return sql_failed(&store->sql, code, &op->fail);
	beat->lease_end = store->after.lease_end;
	beat->moved = has_moved(store);
	return STORE_DONE;
}

/* ---- who is there ---- */

static void take_node(const struct pg_store *store, struct node *node)
{
	struct pg_conn *conn = store->conn;
	const int sql = PG_NODES_READ;
	int64_t left = pg_number(conn, sql, 4) - store->time.ms;
	size_t bytes;
	const void *uuid = pg_blob(conn, sql, 1, &bytes);

	*node = (struct node){.alive = pg_number(conn, sql, 5) == 0 && left > 0,
	    .started_ms = pg_number(conn, sql, 6),
	    .seen_ms = pg_number(conn, sql, 7),
	    .interval_ns = pg_number(conn, sql, 8),
	    .settle_ns = pg_number(conn, sql, 9),
	    .pack = pg_number(conn, sql, 10) != 0,
	    .max_attempts = pg_number(conn, sql, 11),
	    .batch_size = pg_number(conn, sql, 12),
	    .concurrency = pg_number(conn, sql, 13),
	    .figures = {.running = pg_number(conn, sql, 14),
		.attempts = pg_number(conn, sql, 15),
		.retries = pg_number(conn, sql, 16),
		.interrupted = pg_number(conn, sql, 17),
		.failed = pg_number(conn, sql, 18)}};
	node->lease_ms = node->alive ? left : 0;
	if (uuid && bytes == sizeof(node->uuid.bytes))
		memcpy(node->uuid.bytes, uuid, bytes);
	snprintf(node->name, sizeof(node->name), "%s", pg_text(conn, sql, 2));
	snprintf(node->version, sizeof(node->version), "%s", pg_text(conn, sql, 3));
}

enum store_result pg_nodes(struct store *base, struct store_op *op)
{
	struct pg_store *store = (struct pg_store *)base;
	struct node_list *list = &op->nodes.list;
	int code;

	for (code = pg_run(store->conn, PG_NODES_READ, ""); code == SQL_ROW;
	     code = pg_next(store->conn, PG_NODES_READ)) {
		list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
		take_node(store, &list->v[list->n++]);
	}
	return code == SQL_DONE ? STORE_DONE : sql_failed(&store->sql, code, &op->fail);
}
