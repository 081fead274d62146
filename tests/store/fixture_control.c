/* What people wish, and what is told of ends, as plain calls. */
#include "fixture.h"

#include "util.h"

#include <string.h>

/* ---- of all ---- */

static struct control set_control(struct fixture *fx, const struct store_control *wish)
{
	struct store_op op = {.verb = STORE_CONTROL, .control = *wish};

	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	return op.control.now;
}

struct control pause_all(struct fixture *fx, const char *who, int64_t until_ms)
{
	return set_control(
	    fx, &(struct store_control){.verb = STORE_PAUSE, .who = who, .until_ms = until_ms});
}

struct control drain_all(struct fixture *fx, const char *who)
{
	return set_control(fx, &(struct store_control){.verb = STORE_DRAIN, .who = who});
}

struct control resume_all(struct fixture *fx, const char *who, bool clear_hold)
{
	return set_control(fx,
	    &(struct store_control){.verb = STORE_RESUME, .who = who, .clear_hold = clear_hold});
}

struct control set_rate(struct fixture *fx, const char *who, int64_t interval_ns)
{
	fx->rate_ns = interval_ns;
	return set_control(fx,
	    &(struct store_control){.verb = STORE_RATE, .who = who, .interval_ns = interval_ns});
}

void finish_with_hold(struct fixture *fx, struct store_attempt attempt, int64_t hold_ms)
{
	struct ending ending = {.outcome = OUTCOME_INTERRUPTED, .hold_ms = hold_ms};

	assert_int_equal(try_finish(fx, attempt, &ending).fail.err, ERR_OK);
}

/* ---- of one ---- */

struct store_op try_cancel_by(struct fixture *fx, const struct uuid *uuid, const char *who)
{
	struct store_op op = {.verb = STORE_CANCEL};

	op.cancel = (struct store_cancel){.uuid = *uuid, .who = who};
	do_op(fx, &op);
	return op;
}

struct store_op try_retry(struct fixture *fx, const struct uuid *uuid, bool cancelled)
{
	struct store_op op = {.verb = STORE_RETRY};

	op.retry = (struct store_retry){.uuid = *uuid, .cancelled = cancelled};
	do_op(fx, &op);
	return op;
}

enum err try_bump(struct fixture *fx, const struct uuid *uuid, enum priority priority)
{
	struct store_op op = {.verb = STORE_BUMP};

	do {
		op.bump = (struct store_bump){.uuid = *uuid, .priority = priority};
		do_op(fx, &op);
	} while (!op.fail.err && op.bump.more);
	return op.fail.err;
}

void cancel(
    struct fixture *fx, const struct uuid *uuid, enum ingestion_status status, int64_t running)
{
	struct store_op op = try_cancel_by(fx, uuid, "uid:1");

	assert_int_equal(op.fail.err, ERR_OK);
	assert_string_equal(ingestion_status_name(op.cancel.status), ingestion_status_name(status));
	assert_int_equal(op.cancel.running, running);
	assert_false(op.cancel.more);
	assert_status(fx, uuid, status);
}

void retry(struct fixture *fx, const struct uuid *uuid, bool cancelled, int64_t batches)
{
	struct store_op op = try_retry(fx, uuid, cancelled);

	assert_int_equal(op.fail.err, ERR_OK);
	assert_int_equal(op.retry.batches, batches);
	assert_false(op.retry.more);
	assert_status(fx, uuid, op.retry.status);
}

void bump(struct fixture *fx, const struct uuid *uuid, enum priority priority)
{
	assert_int_equal(try_bump(fx, uuid, priority), ERR_OK);
	assert_int_equal(look_at(fx, uuid).priority, priority);
}

/* ---- notices ---- */

struct store_notice notice(struct fixture *fx)
{
	struct store_op op = {.verb = STORE_NOTICE};

	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	return op.notice;
}

int64_t notice_of(struct fixture *fx, const struct uuid *uuid, int64_t n)
{
	struct store_notice it = notice(fx);

	assert_true(it.found);
	assert_memory_equal(&it.ingestion.uuid, uuid, sizeof(*uuid));
	assert_int_equal(it.attempt, n);
	return it.ingestion.version;
}

int64_t no_notice(struct fixture *fx)
{
	struct store_notice it = notice(fx);

	assert_false(it.found);
	return it.next_ms;
}

enum err try_told(
    struct fixture *fx, const struct uuid *uuid, int64_t version, bool told, int64_t retry_ms)
{
	struct store_op op = {.verb = STORE_TOLD};

	op.told = (struct store_told){*uuid, version, told, retry_ms, false};
	do_op(fx, &op);
	return op.fail.err;
}

/* ---- many ---- */

void run_slot(struct fixture *fx, int64_t n, enum outcome outcome)
{
	struct ending ending = {.outcome = outcome};
	struct store_op op;

	fx->boot_ns += fx->settings.interval_ns;
	op = claim(fx);
	assert_int_equal(op.claim.n, n);
	turn_begin(fx);
	for (size_t i = 0; i < op.claim.n; i++) {
		bool last = i + 1 == op.claim.n;
		struct store_attempt attempt = op.claim.batches[i].attempt;

		assert_int_equal(started(fx, attempt, last ? fx->boot_ns : LEDGER_NONE), ERR_OK);
		assert_int_equal(try_finish(fx, attempt, &ending).fail.err, ERR_OK);
	}
	turn_commit(fx);
	store_op_reset(&op);
}

struct submitted submit_many(struct fixture *fx, int64_t first, int64_t n, int64_t claimed)
{
	struct submitted it;

	fx->settings.pack = true;
	fx->settings.slot_ids = claimed;
	fx->settings.retry = (struct retry_policy){5, 0, 0};
	fixture_reopen(fx);
	it = submit_range(fx, PRIORITY_LOW, first, (size_t)n, 1);
	run_slot(fx, claimed, OUTCOME_RETRY);
	return it;
}
