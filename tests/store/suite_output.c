/* What the handler wrote: that of the last attempt that has ended is kept. */
#include "fixture.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

static struct store_op finish_with(struct fixture *fx, struct store_attempt attempt,
    enum outcome outcome, const char *out, const char *err)
{
	struct ending ending = {.outcome = outcome};
	struct store_op op;

	if (out)
		ending.out = (struct output){xstrdup(out), (int64_t)strlen(out) + 1000};
	if (err)
		ending.err = (struct output){xstrdup(err), (int64_t)strlen(err)};
	op = try_finish(fx, attempt, &ending);
	assert_int_equal(op.fail.err, ERR_OK);
	ending_free(&ending);
	return op;
}

static void assert_text(const struct output *output, const char *expected, int64_t more)
{
	if (expected) {
		assert_string_equal(output->text, expected);
		assert_int_equal(output->bytes, (int64_t)strlen(expected) + more);
	} else {
		assert_null(output->text);
		assert_int_equal(output->bytes, 0);
	}
}

static void assert_output(
    struct fixture *fx, const struct uuid *uuid, const char *out, const char *err)
{
	struct batch batch = batch_of(fx, uuid, 0);

	assert_text(&batch.out, out, 1000);
	assert_text(&batch.err, err, 0);
	batch_free(&batch);
}

static void is_kept(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);

	assert_output(fx, &it.uuid, NULL, NULL);
	finish_with(fx, claim_next(fx, 1), OUTCOME_COMPLETED, "line 1\nline 'two'\n", "\xc3\xa4");
	assert_output(fx, &it.uuid, "line 1\nline 'two'\n", "\xc3\xa4");
	fixture_reboot(fx, SECOND);
	assert_output(fx, &it.uuid, "line 1\nline 'two'\n", "\xc3\xa4");
}

static void one_may_be_missing(struct fixture *fx)
{
	struct submitted a = submit_batch(fx, PRIORITY_LOW, 1),
			 b = submit_batch(fx, PRIORITY_LOW, 11);

	finish_with(fx, claim_next(fx, 1), OUTCOME_FAILED, NULL, "err");
	finish_with(fx, claim_next(fx, 11), OUTCOME_FAILED, "out", NULL);
	assert_output(fx, &a.uuid, NULL, "err");
	assert_output(fx, &b.uuid, "out", NULL);
}

static void is_told_when_asked_for(struct fixture *fx)
{
	struct submitted it = submit_batch(fx, PRIORITY_LOW, 1);
	struct status_page page;

	finish_with(fx, claim_next(fx, 1), OUTCOME_FAILED, "out", "err");
	page = status_of(fx, &it.uuid);
	assert_text(&page.batches[0].out, NULL, 0);
	assert_text(&page.batches[0].err, NULL, 0);
	status_page_free(&page);
}

static void is_that_of_the_last_attempt(struct fixture *fx)
{
	struct submitted it;
	struct store_attempt attempt;

	reopen_with_retry(fx, 9, 0, 0);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	finish_with(fx, claim_next(fx, 1), OUTCOME_RETRY, "out 1", "err 1");
	attempt = claim_next(fx, 1);
	assert_output(fx, &it.uuid, "out 1", "err 1");
	finish_with(fx, attempt, OUTCOME_RETRY, "out 2", NULL);
	assert_output(fx, &it.uuid, "out 2", NULL);
	finish_with(fx, claim_next(fx, 1), OUTCOME_INTERRUPTED, NULL, "err 3");
	assert_output(fx, &it.uuid, NULL, "err 3");
	finish_with(fx, claim_next(fx, 1), OUTCOME_COMPLETED, NULL, NULL);
	assert_output(fx, &it.uuid, NULL, NULL);
}

static void a_crash_leaves_none(struct fixture *fx)
{
	struct submitted it;

	reopen_with_retry(fx, 9, 0, 0);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	finish_with(fx, claim_next(fx, 1), OUTCOME_RETRY, "out", "err");
	claim_next(fx, 1);
	fixture_reopen(fx);
	assert_output(fx, &it.uuid, NULL, NULL);
}

static void rollback_leaves_the_last(struct fixture *fx)
{
	struct submitted it;
	struct store_attempt attempt;

	reopen_with_retry(fx, 9, 0, 0);
	it = submit_batch(fx, PRIORITY_LOW, 1);
	finish_with(fx, claim_next(fx, 1), OUTCOME_RETRY, "out", "err");
	attempt = claim_next(fx, 1);
	turn_begin(fx);
	finish_with(fx, attempt, OUTCOME_COMPLETED, "new", NULL);
	turn_rollback(fx);
	assert_output(fx, &it.uuid, "out", "err");
}

/* How many pages it takes to see all batches. */
static int count_pages(struct fixture *fx, const struct uuid *uuid, bool output)
{
	int64_t next = 0, n = 0;
	int pages = 0;

	for (; next >= 0; pages++) {
		struct store_op op = {.verb = STORE_STATUS};

		op.status.uuid = *uuid;
		op.status.from_batch = next;
		op.status.limit = STORE_PAGE_BATCHES;
		op.status.output = output;
		do_op(fx, &op);
		n += (int64_t)op.status.page.n;
		next = op.status.page.next_batch;
		store_op_reset(&op);
	}
	assert_int_equal(n, 60);
	return pages;
}

static void counts_for_the_size_of_a_page(struct fixture *fx)
{
	enum { LONG = 10000 };
	struct submitted it = submit_range(fx, PRIORITY_LOW, 1, 60, 1);
	char text[LONG + 1];

	memset(text, 'o', LONG);
	text[LONG] = '\0';
	for (int i = 1; i <= 60; i++)
		finish_with(fx, claim_next(fx, i), OUTCOME_COMPLETED, text, text);
	assert_int_equal(count_pages(fx, &it.uuid, false), 1);
	/* 20420 bytes per batch. */
	assert_int_equal(count_pages(fx, &it.uuid, true), 3);
}

const struct suite_test suite_output[] = {
    {"output is kept", is_kept},
    {"there may be output of one kind only", one_may_be_missing},
    {"output is told when it is asked for", is_told_when_asked_for},
    {"output is that of the last attempt that has ended", is_that_of_the_last_attempt},
    {"a crash leaves no output", a_crash_leaves_none},
    {"a rolled back turn leaves the last output", rollback_leaves_the_last},
    {"output counts for the size of a page", counts_for_the_size_of_a_page},
    {0},
};
