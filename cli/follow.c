#include "follow.h"

#include "clock.h"
#include "err.h"
#include "exits.h"
#include "interrupt.h"
#include "out.h"
#include "page.h"
#include "util.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* How many ingestions are asked about at a time: fewer than the daemon works on per connection. */
#define OPEN_MAX_REQUESTS 32
/* How long the daemon may hold an answer back. It shows that the daemon lives, so not too long. */
#define WAIT_MS 20000
#define RETRY_MS 200
#define REDRAW_MS 1000
#define REPLY_MIN_NS NS_PER_S
#define RETRY_FOR_NS (10 * NS_PER_S)

/* How a run stands. */
struct run {
	struct client poller; /* a connection of its own: `changed` may use the other one */
	bool *asked; /* per ingestion: a request is open */
	size_t open;
	int64_t begun;
	int64_t until; /* CLOCK_NEVER: no timeout */
	int64_t heard; /* when the last answer came */
	int64_t failing_since; /* 0: all is well */
};

static int64_t now_ns(void)
{
	return clock_boot_ns(clock_system());
}

int64_t follow_done(const struct counts *counts)
{
	return counts->by_status[BATCH_COMPLETED] + counts->by_status[BATCH_FAILED] +
	       counts->by_status[BATCH_CANCELLED];
}

/* ---- asking ---- */

/* Asks about one ingestion, not its batches: at first for its state, then for the next change. */
static int ask(struct follow *follow, struct run *run, size_t i, struct fail *fail)
{
	const struct followed *one = &follow->list[i];
	struct wire_request request = {
	    .method = WIRE_STATUS,
	    .status = {.ingestion = one->uuid,
		.limit = 0,
		.wait_ms = one->now.version > 0 ? WAIT_MS : 0,
		.since = one->now.version},
	};
	int status;

	snprintf(request.id, sizeof(request.id), "%zu", i);
	status = client_send(&run->poller, &request, fail);
	if (!status) {
		run->asked[i] = true;
		run->open++;
	}
	return status;
}

static int ask_all(struct follow *follow, struct run *run, struct fail *fail)
{
	int status = 0;

	for (size_t i = 0; !status && i < follow->n && run->open < OPEN_MAX_REQUESTS; i++)
		if (!follow->list[i].final && !run->asked[i])
			status = ask(follow, run, i, fail);
	return status;
}

static int take_news(
    struct follow *follow, struct followed *one, const struct ingestion *news, struct fail *fail)
{
	struct ingestion last = one->now;
	int status;

	one->now = *news;
	one->final = ingestion_status_is_final(ingestion_status_of(news));
	if (news->version == last.version)
		return 0;
	status = follow->changed(follow, one, fail);
	if (status) {
		one->now = last;
		one->final = false;
	}
	return status;
}

/* Takes one answer, if there is one before the deadline. */
static int listen_for(struct follow *follow, struct run *run, int64_t deadline, struct fail *fail)
{
	struct wire_reply reply;
	size_t i;
	int status = client_receive(&run->poller, WIRE_STATUS, deadline, &reply, fail);

	if (status)
		return status;
	run->heard = now_ns();
	i = strtoul(reply.id, NULL, 10);
	if (i >= follow->n || !run->asked[i]) {
		wire_reply_free(&reply);
		return 0;
	}
	run->asked[i] = false;
	run->open--;
	*fail = reply.fail;
	client_name_missing(&follow->list[i].uuid, fail);
	status = fail->err ? err_exit_status(fail->err)
	                   : take_news(follow, &follow->list[i], &reply.status.ingestion, fail);
	wire_reply_free(&reply);
	return status;
}

static int connect_again(struct follow *follow, struct run *run, struct fail *fail)
{
	memset(run->asked, 0, follow->n * sizeof(*run->asked));
	run->open = 0;
	run->heard = now_ns();
	if (follow->client->fd < 0) {
		int status = client_reopen(follow->client, fail);

		if (status)
			return status;
	}
	return client_reopen(&run->poller, fail);
}

/* One exchange: asks what is not asked yet, and takes the next answer. */
static int exchange(struct follow *follow, struct run *run, int64_t deadline, struct fail *fail)
{
	int status = 0;

	if (run->poller.fd < 0)
		status = connect_again(follow, run, fail);
	if (!status)
		status = ask_all(follow, run, fail);
	if (!status && run->open > 0)
		status = listen_for(follow, run, deadline, fail);
	if (status == CLIENT_NOTHING &&
	    now_ns() - run->heard > WAIT_MS * NS_PER_MS + run->poller.reply_ms * NS_PER_MS) {
		client_close(&run->poller);
		fail_set(fail, ERR_INTERNAL, "the daemon does not answer any more");
		return EXITS_BUSY;
	}
	return status == CLIENT_NOTHING ? 0 : status;
}

/*
 * Whether to try again after this failure: a daemon that is being restarted refuses, ends its
 * connections, is gone for a moment.
 */
static bool is_passing(struct follow *follow, struct run *run, int status, const struct fail *fail)
{
	int64_t now = now_ns();

	if (status != EXITS_UNREACHABLE && fail->err != ERR_BUSY && fail->err != ERR_LIMITED &&
	    fail->err != ERR_DRAINING)
		return false;
	if (run->failing_since == 0) {
		run->failing_since = now;
		bar_clear(&follow->bar);
		if (!follow->quiet)
			out_say("%s; trying again for %d s", fail->text,
			    (int)(RETRY_FOR_NS / NS_PER_S));
	}
	return now - run->failing_since < RETRY_FOR_NS;
}

/* ---- showing ---- */

/* What is known about all of them together. */
struct sum {
	bool known; /* anything at all */
	int64_t done, total; /* batches */
	int64_t ids; /* of uploads that are not sealed: they have no batches yet */
	size_t final;
	int64_t first_ms; /* when the first one was submitted */
};

static struct sum sum_up(const struct follow *follow, int64_t utc_ms)
{
	struct sum sum = {.first_ms = utc_ms};

	for (size_t i = 0; i < follow->n; i++) {
		const struct followed *one = &follow->list[i];

		sum.known = sum.known || one->now.version > 0 || one->now.counts.batches > 0;
		sum.final += one->final;
		sum.done += follow_done(&one->now.counts);
		sum.total += one->now.counts.batches;
		if (one->now.stage == STAGE_RECEIVING)
			sum.ids += one->now.counts.ids;
		if (one->now.created_ms > 0 && one->now.created_ms < sum.first_ms)
			sum.first_ms = one->now.created_ms;
	}
	return sum;
}

#define STATE_SIZE 64

static void format_state(const struct follow *follow, const struct sum *sum,
    char status[STATE_SIZE], char priority[STATE_SIZE])
{
	const struct ingestion *one = &follow->list[0].now;

	snprintf(status, STATE_SIZE, "  %zu/%zu ingestions", sum->final, follow->n);
	priority[0] = '\0';
	if (follow->n > 1)
		return;
	snprintf(status, STATE_SIZE, "  %s", ingestion_status_name(ingestion_status_of(one)));
	if (one->version > 0)
		snprintf(priority, STATE_SIZE, "  %s", priority_name(one->priority));
}

static void draw(struct follow *follow)
{
	int64_t utc_ms = clock_utc_ms(clock_system());
	struct sum sum = sum_up(follow, utc_ms);
	struct bar_state state = {.done = sum.done, .total = sum.total};
	char count[64], status[STATE_SIZE], priority[STATE_SIZE];
	char elapsed[BAR_TIME_SIZE + 2] = "  ";

	if (!sum.known)
		return;
	if (sum.total > 0)
		snprintf(count, sizeof(count), "  %" PRId64 "/%" PRId64, sum.done, sum.total);
	else
		snprintf(count, sizeof(count), "  %" PRId64 " ids", sum.ids);
	format_state(follow, &sum, status, priority);
	bar_format_time(utc_ms - sum.first_ms, elapsed + 2);
	bar_add(&state, count, BAR_ALWAYS);
	bar_add(&state, sum.total > 0 ? " batches" : "", 1);
	bar_add(&state, status, 4);
	bar_add(&state, priority, 2);
	bar_add(&state, elapsed, 3);
	bar_draw(&follow->bar, &state);
}

static int say_interrupted(struct follow *follow)
{
	const char *socket = follow->socket;

	bar_clear(&follow->bar);
	for (size_t i = 0; i < follow->n; i++) {
		char id[UUID_TEXT_SIZE];

		uuid_format(&follow->list[i].uuid, id);
		if (!follow->list[i].final)
			out_say("interrupted; %s is still %s: ingestctl%s%s wait %s", id,
			    follow->list[i].now.stage == STAGE_RECEIVING ? "receiving" : "queued",
			    socket ? " --socket " : "", socket ? socket : "", id);
	}
	return EXITS_INTERRUPTED;
}

static int say_timed_out(struct follow *follow)
{
	char summary[PAGE_SUMMARY_SIZE], after[DURATION_TEXT_SIZE], id[UUID_TEXT_SIZE];

	bar_clear(&follow->bar);
	format_duration(follow->timeout_ns, after);
	for (size_t i = 0; i < follow->n; i++) {
		const struct followed *one = &follow->list[i];

		if (one->final)
			continue;
		uuid_format(&one->uuid, id);
		snprintf(summary, sizeof(summary), "the daemon has not answered");
		if (one->now.version > 0)
			page_summary(&one->now, summary);
		out_say("timed out after %s; %s is not final: %s", after, id, summary);
	}
	return EXITS_TIMED_OUT;
}

/* ---- the run ---- */

static bool all_final(const struct follow *follow)
{
	for (size_t i = 0; i < follow->n; i++)
		if (!follow->list[i].final)
			return false;
	return true;
}

/* When to look up from listening: to draw the time, and at the timeout. But a daemon that lives
 * gets the time to answer, also when the user asks for no wait at all. */
static int64_t next_deadline(const struct follow *follow, const struct run *run, int64_t now)
{
	int64_t until = run->until;

	if (until < run->begun + REPLY_MIN_NS && run->open > 0)
		until = run->begun + REPLY_MIN_NS;
	if (follow->bar.file && until > now + REDRAW_MS * NS_PER_MS)
		until = now + REDRAW_MS * NS_PER_MS;
	return until < now + WAIT_MS * NS_PER_MS ? until : now + WAIT_MS * NS_PER_MS;
}

static bool is_over(const struct follow *follow, const struct run *run)
{
	int64_t now = now_ns();

	if (now < run->until)
		return false;
	for (size_t i = 0; i < follow->n; i++)
		if (follow->list[i].now.version == 0 && now < run->begun + REPLY_MIN_NS)
			return false;
	return true;
}

#define GO_ON (-1)

/* One round. Returns GO_ON or the exit status. */
static int turn(struct follow *follow, struct run *run)
{
	struct fail fail = {0};
	int status = exchange(follow, run, next_deadline(follow, run, now_ns()), &fail);

	if (interrupt_came)
		return say_interrupted(follow);
	if (!status)
		run->failing_since = 0;
	if (!status && all_final(follow)) {
		bar_clear(&follow->bar);
		return 0;
	}
	if (is_over(follow, run))
		return say_timed_out(follow);
	if (!status) {
		draw(follow);
		return GO_ON;
	}
	if (!is_passing(follow, run, status, &fail)) {
		bar_clear(&follow->bar);
		return out_fail(status, "%s", fail.text);
	}
	client_close(&run->poller);
	poll(NULL, 0, RETRY_MS); /* a signal cuts it short */
	return interrupt_came ? say_interrupted(follow) : GO_ON;
}

int follow_run(struct follow *follow)
{
	struct run run = {.poller = CLIENT_INIT, .until = CLOCK_NEVER, .begun = now_ns()};
	int status;

	run.asked = xcalloc(follow->n, sizeof(*run.asked));
	run.poller.path = follow->client->path;
	run.poller.stop = &interrupt_came;
	follow->client->stop = &interrupt_came;
	if (follow->timeout_ns >= 0)
		run.until = run.begun + follow->timeout_ns;
	interrupt_catch();
	while ((status = turn(follow, &run)) == GO_ON)
		;
	client_close(&run.poller);
	free(run.asked);
	return status;
}
