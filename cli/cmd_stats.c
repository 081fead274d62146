/* The command stats. */
#include "args.h"
#include "client.h"
#include "cmd.h"
#include "control.h"
#include "exits.h"
#include "out.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct opt opts[] = {
    {ARGS_JSON, "json", NULL, "JSON instead of text", NULL},
    {0},
};

/* The only option is --json, and there are no operands. `arg` is the flag. */
static int take_arg(void *arg, int key, const char *value)
{
	if (key == ARGS_OPERAND)
		return out_fail(EXITS_USAGE, "unexpected argument \"%.64s\"", value);
	*(bool *)arg = true;
	return ARGS_GO_ON;
}

/* ---- numbers for people ---- */

#define SIZE_TEXT_SIZE 24

static const char *size_text(int64_t bytes, char text[SIZE_TEXT_SIZE])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < COUNT_OF(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(text, SIZE_TEXT_SIZE, unit > 0 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

static double ms_of_us(int64_t us)
{
	return (double)us / 1000;
}

/* ---- the page ---- */

static void print_daemon(const struct wire_stats_reply *stats)
{
	char up[DURATION_TEXT_SIZE], memory[SIZE_TEXT_SIZE];

	printf("%-12s ingestd %s, up %s, %s of memory\n", "daemon", stats->version,
	    out_span(stats->uptime_ms * NS_PER_MS, up), size_text(stats->rss_bytes, memory));
}

static void print_dispatch(const struct wire_stats_reply *stats)
{
	char interval[DURATION_TEXT_SIZE], settle[DURATION_TEXT_SIZE], next[DURATION_TEXT_SIZE];
	char base[DURATION_TEXT_SIZE], max[DURATION_TEXT_SIZE];

	format_duration(stats->interval_ns, interval);
	format_duration(stats->settle_ns, settle);
	printf("%-12s a slot every %s, batches of %" PRId64 "%s, concurrency %" PRId64
	       ", settle %s\n",
	    "rate", interval, stats->batch_size, stats->pack ? ", packed" : "", stats->concurrency,
	    settle);
	format_duration(stats->retry_base_ms * NS_PER_MS, base);
	format_duration(stats->retry_max_ms * NS_PER_MS, max);
	printf("%-12s up to %" PRId64 " attempts, %s apart at first, at most %s\n", "retries",
	    stats->max_attempts, base, max);
	printf("%-12s %" PRId64 " batch%s in %" PRId64 " slot%s", "running", stats->running_batches,
	    stats->running_batches == 1 ? "" : "es", stats->running_slots,
	    stats->running_slots == 1 ? "" : "s");
	if (stats->next_slot_ms >= 0)
		printf(", the next slot in %s", out_span(stats->next_slot_ms * NS_PER_MS, next));
	printf("\n");
}

/* How long the queue is, at the rate in force; packed slots take more than one batch. */
static void print_backlog(const struct wire_stats_reply *stats)
{
	int64_t batches = 0, ids = 0, later = 0;
	char time[DURATION_TEXT_SIZE];

	for (int i = 0; i < PRIORITY_COUNT; i++) {
		batches += lane_waiting(&stats->lanes[i]);
		ids += stats->lanes[i].ids;
		later += stats->lanes[i].later;
	}
	printf("%-12s %" PRId64 " batch%s with %" PRId64 " id%s", "waiting", batches,
	    batches == 1 ? "" : "es", ids, ids == 1 ? "" : "s");
	if (batches > 0 && stats->interval_ns < INT64_MAX / batches)
		printf(", started in %s %s", stats->pack ? "at most" : "about",
		    out_span(batches * stats->interval_ns, time));
	if (later > 0)
		printf("; %" PRId64 " more to be tried again later", later);
	printf("\n");
}

/* Those that began since the start of the daemon, and how they ended. */
static void print_attempts(const struct wire_stats_reply *stats)
{
	int64_t ended = durations_count(&stats->durations);
	char mean[DURATION_TEXT_SIZE];

	printf("%-12s %" PRId64 ", %" PRId64 " of them retries", "attempts", stats->attempts,
	    stats->retries);
	if (ended > 0)
		printf(", %s on average", out_span(stats->durations.sum_us / ended * 1000, mean));
	for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++)
		if (stats->failures[i] > 0)
			printf(", %" PRId64 " failed (%s)", stats->failures[i],
			    failure_name((enum failure)i));
	if (stats->interrupted > 0)
		printf(", %" PRId64 " interrupted", stats->interrupted);
	printf("\n");
}

static void print_lanes(const struct wire_stats_reply *stats)
{
	char age[DURATION_TEXT_SIZE];

	printf("\n%-8s  %11s  %10s  %7s  %6s  %7s  %10s  %7s  %9s\n", "PRIORITY", "WAITING IDS",
	    "BATCHES", "OLDEST", "LATER", "RUNNING", "COMPLETED", "FAILED", "CANCELLED");
	for (int i = 0; i < PRIORITY_COUNT; i++) {
		const struct lane_total *lane = &stats->lanes[i];

		if (stats->oldest_waiting_ms[i] < 0)
			strcpy(age, "-");
		else
			out_span(stats->oldest_waiting_ms[i] * NS_PER_MS, age);
		printf("%-8s  %11" PRId64 "  %10" PRId64 "  %7s  %6" PRId64 "  %7" PRId64
		       "  %10" PRId64 "  %7" PRId64 "  %9" PRId64 "\n",
		    priority_name((enum priority)(i + PRIORITY_HIGH)), lane->ids,
		    lane_waiting(lane), age, lane->later, lane->batches[BATCH_TRIGGERED],
		    lane->batches[BATCH_COMPLETED], lane->batches[BATCH_FAILED],
		    lane->batches[BATCH_CANCELLED]);
	}
	printf("\n");
}

static void print_clients(const struct wire_stats_reply *stats)
{
	printf("%-12s %" PRId64 " not complete, with %" PRId64 " ids\n", "uploads", stats->uploads,
	    stats->upload_ids);
	printf("%-12s %" PRId64 " open; %" PRId64 " accepted, %" PRId64 " refused, %" PRId64
	       " dropped\n",
	    "connections", stats->connections, stats->accepted, stats->refused, stats->dropped);
	printf("%-12s %" PRId64 " answered, %" PRId64 " of them with an error; %" PRId64
	       " wait for news\n",
	    "requests", stats->requests, stats->errors, stats->waiting);
}

static void print_store(const struct wire_stats_reply *stats)
{
	char bytes[SIZE_TEXT_SIZE], wal[SIZE_TEXT_SIZE], left[SIZE_TEXT_SIZE],
	    queued[SIZE_TEXT_SIZE];

	printf("%-12s %s: %s", "store", stats->store, size_text(stats->store_bytes, bytes));
	/* A server's log and disk are not seen. */
	if (stats->free_bytes >= 0)
		printf(" and %s of log, %s free", size_text(stats->wal_bytes, wal),
		    size_text(stats->free_bytes, left));
	printf("\n");
	printf("%-12s %" PRId64 " with %" PRId64 " operations, %.1f ms on average, %.1f ms the "
	       "last, %.1f ms the longest\n",
	    "commits", stats->commits, stats->operations, ms_of_us(stats->commit_mean_us),
	    ms_of_us(stats->commit_last_us), ms_of_us(stats->commit_max_us));
	if (stats->notices > 0)
		printf("%-12s %" PRId64 " wait to be told\n", "notices", stats->notices);
	printf("%-12s %" PRId64 " operations, %s\n", "queued", stats->queued,
	    size_text(stats->queued_bytes, queued));
}

static void print_limits(const struct wire_stats_reply *stats)
{
	if (stats->n_limits == 0)
		return;
	printf("\n%-24s  %16s  %16s  %10s\n", "LIMIT", "VALUE", "IN USE", "HITS");
	for (size_t i = 0; i < stats->n_limits; i++) {
		const struct wire_limit *limit = &stats->limits[i];
		char used[24] = "-";

		if (limit->used >= 0)
			snprintf(used, sizeof(used), "%" PRId64, limit->used);
		printf("%-24s  %16" PRId64 "  %16s  %10" PRId64 "\n", limit->name, limit->limit,
		    used, limit->hits);
	}
}

static void print_stats(const struct wire_stats_reply *stats)
{
	print_daemon(stats);
	print_dispatch(stats);
	control_print_pause(&stats->control);
	print_backlog(stats);
	print_attempts(stats);
	print_lanes(stats);
	print_clients(stats);
	print_store(stats);
	print_limits(stats);
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct client client = CLIENT_INIT;
	struct wire_request request = {.method = WIRE_STATS};
	struct wire_reply reply;
	struct buf out = {0};
	struct fail fail;
	bool json = false;
	int status = args_parse(&cmd_stats, env, argc, argv, take_arg, &json);

	if (status != ARGS_GO_ON)
		return status;
	status = client_open(&client, env->socket, &fail);
	if (!status)
		status = client_call(&client, &request, &reply, &fail);
	client_close(&client);
	if (status)
		return out_fail(status, "%s", fail.text);
	if (json) {
		wire_write_result(WIRE_STATS, &reply, &out);
		out_data(&out);
	} else {
		print_stats(&reply.stats);
	}
	wire_reply_free(&reply);
	return EXITS_YES;
}

const struct cmd cmd_stats = {
    .name = "stats",
    .summary = "Shows what the daemon does, what waits, and how near its limits are",
    .operands = "",
    .opts = opts,
    .exits = "0  shown\n3  the daemon is not reachable",
    .example = "ingestctl stats --json | jq .dispatch",
    .run = run,
};
