/* Attempts, what becomes of them, and what is told about that, as plain calls. */
#include "fixture.h"

#include "buf.h"
#include "util.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void reopen_with_retry(struct fixture *fx, int64_t max_attempts, int64_t base_ms, int64_t max_ms)
{
	fx->settings.retry = (struct retry_policy){max_attempts, base_ms, max_ms};
	fixture_reopen(fx);
}

struct store_attempt claim_ids(struct fixture *fx, const char *ids)
{
	struct buf text = {0};
	struct store_attempt attempt;
	struct store_op op;

	fx->boot_ns += fx->settings.interval_ns;
	op = claim(fx);
	assert_int_equal(op.claim.n, 1);
	for (size_t i = 0; i < op.claim.batches[0].ids.n; i++)
		buf_printf(&text, "%s%" PRId64, i ? " " : "", op.claim.batches[0].ids.v[i]);
	assert_string_equal(text.data, ids);
	attempt = op.claim.batches[0].attempt;
	buf_free(&text);
	store_op_reset(&op);
	assert_int_equal(started(fx, attempt, fx->boot_ns), ERR_OK);
	return attempt;
}

/* ---- endings ---- */

struct store_op try_finish(
    struct fixture *fx, struct store_attempt attempt, const struct ending *ending)
{
	struct store_op op = {.verb = STORE_FINISH};

	op.finish = (struct store_finish){.attempt = attempt, .ending = ending};
	do_op(fx, &op);
	op.finish.ending = NULL;
	return op;
}

static enum outcome outcome_of(char letter)
{
	static const char letters[] = {[OUTCOME_COMPLETED] = 'c',
	    [OUTCOME_RETRY] = 'r',
	    [OUTCOME_FAILED] = 'f',
	    [OUTCOME_INTERRUPTED] = 'i',
	    [OUTCOME_UNKNOWN] = 'u'};
	const char *at = memchr(letters, tolower(letter), sizeof(letters));

	assert_non_null(at);
	return (enum outcome)(at - letters);
}

struct store_op finish_ids(
    struct fixture *fx, struct store_attempt attempt, const char *results, const char *message)
{
	struct ending ending = {.n = strlen(results)};
	struct store_op op;

	ending.message = message ? xstrdup(message) : NULL;
	ending.results = xcalloc(ending.n, sizeof(*ending.results));
	for (size_t i = 0; i < ending.n; i++) {
		ending.results[i].outcome = outcome_of(results[i]);
		if (isupper(results[i]))
			ending.results[i].message = xasprintf("own %zu", i);
	}
	op = try_finish(fx, attempt, &ending);
	ending_free(&ending);
	return op;
}

int64_t try_again(struct fixture *fx, struct store_attempt attempt)
{
	struct store_op op = try_finish(fx, attempt, &(struct ending){.outcome = OUTCOME_RETRY});

	assert_int_equal(op.fail.err, ERR_OK);
	assert_int_equal(op.finish.status, BATCH_RETRYING);
	return op.finish.due_ms;
}

/* ---- reports ---- */

struct store_op try_report(struct fixture *fx, const struct uuid *uuid,
    const struct report_filter *filter, int64_t from, int64_t limit)
{
	struct store_op op = {.verb = STORE_REPORT};

	op.report.uuid = *uuid;
	op.report.filter = *filter;
	op.report.from = from;
	op.report.limit = limit;
	do_op(fx, &op);
	return op;
}

struct report_page report_all(
    struct fixture *fx, const struct uuid *uuid, const struct report_filter *filter, int64_t limit)
{
	struct report_page all = {.next = 0};

	while (all.next >= 0) {
		struct store_op op = try_report(fx, uuid, filter, all.next, limit);
		struct report_page *page = &op.report.page;

		assert_int_equal(op.fail.err, ERR_OK);
		assert_true((int64_t)page->n <= limit);
		assert_true(page->next == -1 || page->next > all.next);
		for (size_t i = 0; i < page->n; i++) {
			*report_page_add(&all) = page->v[i];
			page->v[i].error = NULL;
		}
		all.next = page->next;
		store_op_reset(&op);
	}
	return all;
}

static void add_error(struct buf *text, const char *error)
{
	if (error)
		buf_printf(text, " (%s)", error);
}

void assert_report(struct fixture *fx, const struct uuid *uuid, const char *expected)
{
	struct report_page all = report_all(fx, uuid, &(struct report_filter){0}, 1000);
	struct buf text = {0};

	for (size_t i = 0; i < all.n; i++) {
		const struct report_entry *entry = &all.v[i];

		assert_int_equal(entry->position, i);
		buf_printf(&text, "%s%" PRId64 " %s %" PRId64, i ? ", " : "", entry->id,
		    id_outcome_name(entry->outcome), entry->attempts);
		add_error(&text, entry->error);
	}
	assert_string_equal(text.data ? text.data : "", expected);
	buf_free(&text);
	report_page_free(&all);
}

/* ---- batches ---- */

struct batch batch_of(struct fixture *fx, const struct uuid *uuid, int64_t index)
{
	struct store_op op = {.verb = STORE_STATUS};
	struct batch batch;

	op.status.uuid = *uuid;
	op.status.from_batch = index;
	op.status.limit = 1;
	op.status.output = true;
	do_op(fx, &op);
	assert_int_equal(op.fail.err, ERR_OK);
	assert_int_equal(op.status.page.n, 1);
	batch = op.status.page.batches[0];
	op.status.page.batches[0] = (struct batch){0};
	store_op_reset(&op);
	return batch;
}

void batch_free(struct batch *batch)
{
	free(batch->error);
	free(batch->out.text);
	free(batch->err.text);
	*batch = (struct batch){0};
}

void assert_batch(struct fixture *fx, const struct uuid *uuid, int64_t index, const char *expected)
{
	struct batch batch = batch_of(fx, uuid, index);
	struct buf text = {0};

	buf_printf(&text, "%s %" PRId64 " %" PRId64 " %" PRId64, batch_status_name(batch.status),
	    batch.attempts, batch.ids_completed, batch.ids_failed);
	if (batch.ids_cancelled > 0)
		buf_printf(&text, ", %" PRId64 " cancelled", batch.ids_cancelled);
	if (batch.ids_unknown > 0)
		buf_printf(&text, ", %" PRId64 " unknown", batch.ids_unknown);
	add_error(&text, batch.error);
	assert_string_equal(text.data, expected);
	buf_free(&text);
	batch_free(&batch);
}

void assert_status(struct fixture *fx, const struct uuid *uuid, enum ingestion_status expected)
{
	struct ingestion it = look_at(fx, uuid);

	assert_string_equal(
	    ingestion_status_name(ingestion_status_of(&it)), ingestion_status_name(expected));
}
