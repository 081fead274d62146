#include "random.h"

#include <inttypes.h>

void same(const char *what, int64_t a, int64_t b)
{
	if (a != b)
		fail_msg("%s: %" PRId64 " in memory, %" PRId64 " in the other store", what, a, b);
}

static void same_claims(struct both *both, struct store_claim *a, struct store_claim *b)
{
	same("claim: batches", (int64_t)a->n, (int64_t)b->n);
	same("claim: interval", a->interval_ns, b->interval_ns);
	same("claim: idle", a->idle, b->idle);
	if (a->n == 0)
		same("claim: wake-up", a->wake, b->wake);
	for (size_t i = 0; i < a->n; i++) {
		struct store_claimed *x = &a->batches[i], *y = &b->batches[i];

		assert_memory_equal(&x->uuid, &y->uuid, sizeof(x->uuid));
		same("claim: index", x->attempt.index, y->attempt.index);
		same("claim: attempt", x->attempt.attempt, y->attempt.attempt);
		same("claim: priority", x->priority, y->priority);
		assert_string_equal(x->label, y->label);
		same("claim: whole", x->whole, y->whole);
		same("claim: ids", (int64_t)x->ids.n, (int64_t)y->ids.n);
		assert_memory_equal(x->ids.v, y->ids.v, x->ids.n * sizeof(*x->ids.v));
		both->attempts[both->n_attempts++ % ATTEMPTS_KEPT] =
		    (struct pair){x->uuid, x->attempt, y->attempt};
	}
}

static void same_ingestions(const struct ingestion *a, const struct ingestion *b)
{
	assert_memory_equal(&a->uuid, &b->uuid, sizeof(a->uuid));
	same("status: stage", a->stage, b->stage);
	same("status: seq", a->seq, b->seq);
	same("status: priority", a->priority, b->priority);
	assert_string_equal(a->label, b->label);
	same("status: batch size", a->batch_size, b->batch_size);
	same("status: version", a->version, b->version);
	same("status: created", a->created_ms, b->created_ms);
	same("status: started", a->started_ms, b->started_ms);
	same("status: finished", a->finished_ms, b->finished_ms);
	assert_string_equal(a->cancelled_by, b->cancelled_by);
	assert_memory_equal(&a->counts, &b->counts, sizeof(a->counts));
}

static void same_texts(const char *what, const char *a, const char *b)
{
	same(what, a != NULL, b != NULL);
	if (a)
		assert_string_equal(a, b);
}

static void same_batches(const struct batch *a, const struct batch *b)
{
	same("batch: index", a->index, b->index);
	same("batch: status", a->status, b->status);
	same("batch: attempts", a->attempts, b->attempts);
	same("batch: started", a->started_ms, b->started_ms);
	same("batch: finished", a->finished_ms, b->finished_ms);
	same("batch: ids", (int64_t)a->ids_n, (int64_t)b->ids_n);
	same("batch: ids at", (int64_t)a->ids_at, (int64_t)b->ids_at);
	same("batch: ids completed", a->ids_completed, b->ids_completed);
	same("batch: ids failed", a->ids_failed, b->ids_failed);
	same("batch: ids cancelled", a->ids_cancelled, b->ids_cancelled);
	same("batch: ids unknown", a->ids_unknown, b->ids_unknown);
	same("batch: retry", a->retry_ms, b->retry_ms);
	same_texts("batch: has an error", a->error, b->error);
	same_texts("batch: has output", a->out.text, b->out.text);
	same_texts("batch: has error output", a->err.text, b->err.text);
	same("batch: bytes of output", a->out.bytes, b->out.bytes);
	same("batch: bytes of error output", a->err.bytes, b->err.bytes);
}

static void same_pages(const struct status_page *a, const struct status_page *b)
{
	same_ingestions(&a->ingestion, &b->ingestion);
	same("page: batches", (int64_t)a->n, (int64_t)b->n);
	same("page: next", a->next_batch, b->next_batch);
	for (size_t i = 0; i < a->n; i++)
		same_batches(&a->batches[i], &b->batches[i]);
	same("page: ids", (int64_t)a->ids.n, (int64_t)b->ids.n);
	if (a->ids.n > 0)
		assert_memory_equal(a->ids.v, b->ids.v, a->ids.n * sizeof(*a->ids.v));
}

static void same_entries(const struct report_entry *a, const struct report_entry *b)
{
	same("report: position", a->position, b->position);
	same("report: id", a->id, b->id);
	same("report: batch", a->batch, b->batch);
	same("report: outcome", a->outcome, b->outcome);
	same("report: attempts", a->attempts, b->attempts);
	same("report: started", a->started_ms, b->started_ms);
	same("report: finished", a->finished_ms, b->finished_ms);
	same_texts("report: has an error", a->error, b->error);
}

void same_reports(const struct report_page *a, const struct report_page *b)
{
	same("report: ids", (int64_t)a->n, (int64_t)b->n);
	for (size_t i = 0; i < a->n; i++)
		same_entries(&a->v[i], &b->v[i]);
}

void same_lists(const struct list_page *a, const struct list_page *b)
{
	same("list: ingestions", (int64_t)a->n, (int64_t)b->n);
	for (size_t i = 0; i < a->n; i++)
		same_ingestions(&a->v[i], &b->v[i]);
}

static void same_submits(const struct store_submit *a, const struct store_submit *b)
{
	assert_memory_equal(&a->ingestion, &b->ingestion, sizeof(a->ingestion));
	same("submit: seq", a->seq, b->seq);
	same("submit: batches", a->batches, b->batches);
	same("submit: replayed", a->replayed, b->replayed);
}

static void same_opens(const struct store_open *a, const struct store_open *b)
{
	assert_memory_equal(&a->ingestion, &b->ingestion, sizeof(a->ingestion));
	same("open: received", a->received, b->received);
	same("open: digest", digest_equal(&a->digest, &b->digest), true);
	same("open: replayed", a->replayed, b->replayed);
	same("open: sealed", a->sealed, b->sealed);
	same("open: seq", a->seq, b->seq);
	same("open: batches", a->batches, b->batches);
}

static void same_seals(const struct store_seal *a, const struct store_seal *b)
{
	same("seal: ids", a->ids, b->ids);
	same("seal: seq", a->seq, b->seq);
	same("seal: batches", a->batches, b->batches);
	same("seal: replayed", a->replayed, b->replayed);
}

static void same_finishes(const struct store_finish *a, const struct store_finish *b)
{
	same("finish: status", a->status, b->status);
	same("finish: failed", a->failed, b->failed);
	if (a->status == BATCH_RETRYING)
		same("finish: due", a->due_ms, b->due_ms);
}

static void same_cancels(const struct store_cancel *a, const struct store_cancel *b)
{
	same("cancel: status", a->status, b->status);
	same("cancel: running", a->running, b->running);
	same("cancel: more", a->more, b->more);
}

static void same_retries(const struct store_retry *a, const struct store_retry *b)
{
	same("retry: status", a->status, b->status);
	same("retry: batches", a->batches, b->batches);
	same("retry: more", a->more, b->more);
}

static void same_stamps(const struct stamp *a, const struct stamp *b)
{
	assert_string_equal(a->who, b->who);
	same("control: at", a->at_ms, b->at_ms);
}

static void same_controls(const struct control *a, const struct control *b)
{
	same("control: pause", a->pause, b->pause);
	same("control: until", a->pause_until_ms, b->pause_until_ms);
	same("control: hold", a->hold_ms, b->hold_ms);
	same("control: rate", a->rate_ns, b->rate_ns);
	same_stamps(&a->paused, &b->paused);
	same_stamps(&a->rated, &b->rated);
}

static void same_notices(
    struct both *both, const struct store_notice *a, const struct store_notice *b)
{
	same("notice: found", a->found, b->found);
	if (!a->found) {
		same("notice: next", a->next_ms, b->next_ms);
		return;
	}
	same("notice: attempt", a->attempt, b->attempt);
	same_ingestions(&a->ingestion, &b->ingestion);
	both->notices[both->n_notices++ % NOTICES_KEPT] = *a;
}

static void same_stats(struct both *both, const struct store_stats *a, const struct store_stats *b)
{
	assert_memory_equal(a->lanes, b->lanes, sizeof(a->lanes));
	same("stats: uploads", a->uploads, b->uploads);
	same("stats: ids of uploads", a->upload_ids, b->upload_ids);
	same("stats: notices", a->notices, b->notices);
	same_controls(&a->control, &b->control);
	same("stats: interval", a->ledger.interval_ns, b->ledger.interval_ns);
	same("stats: settle", a->ledger.settle_ns, b->ledger.settle_ns);
	same("stats: pack", a->ledger.pack, b->ledger.pack);
	/* By the clock of another machine. */
	if (both->shared)
		return;
	same("stats: last claim", a->ledger.last_claim, b->ledger.last_claim);
	same("stats: last start", a->ledger.last_start, b->ledger.last_start);
	same("stats: ready since", a->ledger.ready_since, b->ledger.ready_since);
}

void same_answers(struct both *both, struct store_op *a, struct store_op *b)
{
	same("error", a->fail.err, b->fail.err);
	if (a->fail.err)
		return;
	switch (a->verb) {
	case STORE_SUBMIT:
		same_submits(&a->submit, &b->submit);
		break;
	case STORE_OPEN:
		same_opens(&a->open, &b->open);
		break;
	case STORE_APPEND:
		same("append: received", a->append.received, b->append.received);
		break;
	case STORE_SEAL:
		same_seals(&a->seal, &b->seal);
		break;
	case STORE_CLAIM:
		same_claims(both, &a->claim, &b->claim);
		break;
	case STORE_FINISH:
		same_finishes(&a->finish, &b->finish);
		break;
	case STORE_STATUS:
		same_pages(&a->status.page, &b->status.page);
		break;
	case STORE_CANCEL:
		same_cancels(&a->cancel, &b->cancel);
		break;
	case STORE_RETRY:
		same_retries(&a->retry, &b->retry);
		break;
	case STORE_CONTROL:
		same_controls(&a->control.now, &b->control.now);
		break;
	case STORE_NOTICE:
		same_notices(both, &a->notice, &b->notice);
		break;
	case STORE_STATS:
		same_stats(both, &a->stats, &b->stats);
		break;
	default:
		break;
	}
}
