#include "follow.h"

#include "clock.h"
#include "err.h"
#include "exits.h"
#include "out.h"
#include "page.h"
#include "util.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

/* What has just been submitted often ends soon; what takes long need not be watched closely. */
#define PAUSE_MIN_MS 50
#define PAUSE_MAX_MS 500
#define RETRY_MS 200
#define REPLY_MIN_MS 1000
#define RETRY_FOR_NS (10 * NS_PER_S)

/* How a run stands. */
struct run {
	int64_t until; /* CLOCK_NEVER: no timeout */
	int64_t failing_since; /* 0: the last round went well */
	int64_t pause_ms;
};

static volatile sig_atomic_t stopped; /* a signal handler has no other place to write to */

static void on_interrupt(int number)
{
	(void)number;
	stopped = 1;
}

/*
 * Calls that wait return with EINTR. A second signal ends the program at once. Who started this
 * program with SIGINT ignored, as a shell without job control does for "&", meant it.
 */
static void catch_interrupt(void)
{
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
	struct sigaction old;

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGINT, &action, NULL);
}

static int64_t now_ns(void)
{
	return clock_boot_ns(clock_system());
}

int64_t follow_done(const struct counts *counts)
{
	return counts->by_status[BATCH_COMPLETED] + counts->by_status[BATCH_FAILED];
}

/* ---- polling ---- */

static int poll_one(struct follow *follow, struct followed *one, struct fail *fail)
{
	/* Only what stands above the batches matters here: the last one makes the smallest page. */
	int64_t batches = one->now.counts.batches;
	struct ingestion last = one->now;
	struct wire_reply reply;
	int status =
	    client_status(follow->client, &one->uuid, batches > 0 ? batches - 1 : 0, &reply, fail);

	if (status)
		return status;
	one->now = reply.status.ingestion;
	one->final = ingestion_status_is_final(counts_status(&one->now.counts));
	wire_reply_free(&reply);
	if (one->now.version == last.version)
		return 0;
	status = follow->changed(follow, one, fail);
	if (status) {
		one->now = last;
		one->final = false;
	}
	return status;
}

static int poll_all(struct follow *follow, struct fail *fail)
{
	int status = follow->client->fd < 0 ? client_reopen(follow->client, fail) : 0;

	for (size_t i = 0; !status && !stopped && i < follow->n; i++)
		if (!follow->list[i].final)
			status = poll_one(follow, &follow->list[i], fail);
	return status;
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

/* Sleeps; a signal cuts it short. */
static void pause_before_next(struct run *run)
{
	int64_t ms = run->failing_since ? RETRY_MS : run->pause_ms;

	if (run->until != CLOCK_NEVER) {
		int64_t left_ms = (run->until - now_ns()) / NS_PER_MS + 1;

		ms = left_ms < ms ? left_ms : ms;
	}
	poll(NULL, 0, ms > 0 ? (int)ms : 0);
	run->pause_ms += run->pause_ms / 4;
	if (run->pause_ms > PAUSE_MAX_MS)
		run->pause_ms = PAUSE_MAX_MS;
}

/* ---- showing ---- */

static void draw(struct follow *follow)
{
	int64_t utc_ms = clock_utc_ms(clock_system()), first_ms = utc_ms;
	char status[48];
	struct bar_state state = {.status = status};
	size_t final = 0;

	for (size_t i = 0; i < follow->n; i++) {
		const struct followed *one = &follow->list[i];

		final += one->final;
		state.done += follow_done(&one->now.counts);
		state.total += one->now.counts.batches;
		if (one->now.created_ms > 0 && one->now.created_ms < first_ms)
			first_ms = one->now.created_ms;
	}
	state.elapsed_ms = utc_ms - first_ms;
	snprintf(status, sizeof(status), "%zu/%zu ingestions", final, follow->n);
	if (follow->n == 1) {
		state.priority = priority_name(follow->list[0].now.priority);
		state.status = ingestion_status_name(counts_status(&follow->list[0].now.counts));
	}
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
			out_say("interrupted; %s is still queued: ingestctl%s%s wait %s", id,
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
			page_summary(&one->now.counts, summary);
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

/* A daemon that hangs must not make the wait much longer than the user has said. But one that does
 * not hang gets the time to answer, also when the user asks for no wait at all. */
static void limit_reply_time(struct follow *follow, const struct run *run)
{
	int64_t left_ms = CLIENT_REPLY_MS;

	if (run->until != CLOCK_NEVER)
		left_ms = (run->until - now_ns()) / NS_PER_MS + 1;
	if (run->failing_since && left_ms > RETRY_FOR_NS / NS_PER_MS)
		left_ms = RETRY_FOR_NS / NS_PER_MS;
	if (left_ms < REPLY_MIN_MS)
		left_ms = REPLY_MIN_MS;
	follow->client->reply_ms = left_ms < CLIENT_REPLY_MS ? left_ms : CLIENT_REPLY_MS;
}

#define GO_ON (-1)

/* One round. Returns GO_ON or the exit status. */
static int turn(struct follow *follow, struct run *run)
{
	struct fail fail = {0};
	int status;

	limit_reply_time(follow, run);
	status = poll_all(follow, &fail);
	if (stopped)
		return say_interrupted(follow);
	if (!status)
		run->failing_since = 0;
	if (!status && all_final(follow)) {
		bar_clear(&follow->bar);
		return 0;
	}
	if (now_ns() >= run->until)
		return say_timed_out(follow);
	if (status && !is_passing(follow, run, status, &fail)) {
		bar_clear(&follow->bar);
		return out_fail(status, "%s", fail.text);
	}
	if (!status)
		draw(follow);
	return GO_ON;
}

int follow_run(struct follow *follow)
{
	struct run run = {.until = CLOCK_NEVER, .pause_ms = PAUSE_MIN_MS};
	int status;

	if (follow->timeout_ns >= 0)
		run.until = now_ns() + follow->timeout_ns;
	catch_interrupt();
	follow->client->stop = &stopped;
	while ((status = turn(follow, &run)) == GO_ON)
		pause_before_next(&run);
	return status;
}
