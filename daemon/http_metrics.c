#include "http_metrics.h"

#include "util.h"

#include <inttypes.h>
#include <stddef.h>

/* A metric with one value; `per` is how many of the struct's units are one of the metric's. */
static const struct metric {
	const char *name, *type, *help;
	size_t offset;
	double per;
} metrics[] = {
#define METRIC(name, type, member, per, help)                                                      \
	{                                                                                          \
		name, type, help, offsetof(struct wire_stats_reply, member), per                   \
	}
    METRIC("ingestd_uptime_seconds", "gauge", uptime_ms, 1e3, "Time since the start."),
    METRIC("process_resident_memory_bytes", "gauge", rss_bytes, 1, "Resident memory."),
    METRIC("ingestd_slot_interval_seconds", "gauge", interval_ns, 1e9,
	"Shortest distance between two starts."),
    METRIC("ingestd_batch_size", "gauge", batch_size, 1, "Ids per batch of new ingestions."),
    METRIC("ingestd_concurrency", "gauge", concurrency, 1, "Slots that may run at a time."),
    METRIC("ingestd_running_slots", "gauge", running_slots, 1, "Slots that run."),
    METRIC("ingestd_running_batches", "gauge", running_batches, 1, "Batches that run."),
    METRIC("ingestd_hold_seconds", "gauge", control.hold_ms, 1e3,
	"How long the other side still wants nothing."),
    METRIC("ingestd_notices_waiting", "gauge", notices, 1,
	"Ends of ingestions that have not been told yet."),
    METRIC("ingestd_max_attempts", "gauge", max_attempts, 1, "Attempts that a batch gets."),
    METRIC("ingestd_retry_base_seconds", "gauge", retry_base_ms, 1e3,
	"Longest wait before the second attempt."),
    METRIC("ingestd_retry_max_seconds", "gauge", retry_max_ms, 1e3,
	"Longest wait before any attempt."),
    METRIC("ingestd_attempts_total", "counter", attempts, 1, "Attempts begun."),
    METRIC("ingestd_retries_total", "counter", retries, 1,
	"Attempts begun that were not the first of their batch."),
    METRIC("ingestd_attempts_interrupted_total", "counter", interrupted, 1,
	"Attempts that the daemon stopped."),
    METRIC("ingestd_uploads", "gauge", uploads, 1, "Uploads that are not sealed."),
    METRIC("ingestd_upload_ids", "gauge", upload_ids, 1, "Ids in these."),
    METRIC("ingestd_connections", "gauge", connections, 1, "Open connections."),
    METRIC("ingestd_connections_accepted_total", "counter", accepted, 1, "Connections taken."),
    METRIC("ingestd_connections_refused_total", "counter", refused, 1,
	"Connections refused because of a limit."),
    METRIC("ingestd_connections_dropped_total", "counter", dropped, 1,
	"Connections ended because the client misbehaved."),
    METRIC("ingestd_requests_total", "counter", requests, 1, "Requests."),
    METRIC("ingestd_request_errors_total", "counter", errors, 1, "Requests that were refused."),
    METRIC("ingestd_long_polls", "gauge", waiting, 1, "Requests that wait for a change."),
    METRIC("ingestd_store_bytes", "gauge", store_bytes, 1, "Size of the store's main file."),
    METRIC("ingestd_store_wal_bytes", "gauge", wal_bytes, 1, "Size of its write-ahead log."),
    METRIC("ingestd_store_free_bytes", "gauge", free_bytes, 1, "Free space on its disk."),
    METRIC("ingestd_store_queued", "gauge", queued, 1, "Requests that wait for the store."),
    METRIC("ingestd_store_queued_bytes", "gauge", queued_bytes, 1, "Memory of these."),
    METRIC("ingestd_store_operations_total", "counter", operations, 1, "Operations written."),
    METRIC("ingestd_store_commits_total", "counter", commits, 1, "Transactions committed."),
    METRIC("ingestd_store_commit_last_seconds", "gauge", commit_last_us, 1e6,
	"Time of the last commit."),
    METRIC("ingestd_store_commit_mean_seconds", "gauge", commit_mean_us, 1e6,
	"Mean time of a commit since the start."),
    METRIC("ingestd_store_commit_max_seconds", "gauge", commit_max_us, 1e6,
	"Longest commit since the start."),
#undef METRIC
};

static void write_head(const char *name, const char *type, const char *help, struct buf *out)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_plain(const struct wire_stats_reply *stats, struct buf *out)
{
	for (size_t i = 0; i < COUNT_OF(metrics); i++) {
		const struct metric *metric = &metrics[i];
		int64_t value =
		    *(const int64_t *)(const void *)((const char *)stats + metric->offset);

		if (value < 0) /* not known */
			continue;
		write_head(metric->name, metric->type, metric->help, out);
		if (metric->per > 1)
			buf_printf(out, "%s %.9g\n", metric->name, (double)value / metric->per);
		else
			buf_printf(out, "%s %" PRId64 "\n", metric->name, value);
	}
}

static void write_lanes(const struct wire_stats_reply *stats, struct buf *out)
{
	write_head("ingestd_waiting_ids", "gauge", "Ids in batches that stand in line.", out);
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		buf_printf(out, "ingestd_waiting_ids{priority=\"%s\"} %" PRId64 "\n",
		    priority_name((enum priority)(lane + PRIORITY_HIGH)), stats->lanes[lane].ids);
	write_head("ingestd_oldest_waiting_seconds", "gauge",
	    "Age of the oldest ingestion that stands in line; 0 when none does.", out);
	for (int lane = 0; lane < PRIORITY_COUNT; lane++) {
		int64_t ms = stats->oldest_waiting_ms[lane];

		buf_printf(out, "ingestd_oldest_waiting_seconds{priority=\"%s\"} %.3f\n",
		    priority_name((enum priority)(lane + PRIORITY_HIGH)),
		    (double)(ms > 0 ? ms : 0) / 1e3);
	}
	write_head("ingestd_later_batches", "gauge",
	    "Batches to be tried again that do not stand in line yet.", out);
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		buf_printf(out, "ingestd_later_batches{priority=\"%s\"} %" PRId64 "\n",
		    priority_name((enum priority)(lane + PRIORITY_HIGH)), stats->lanes[lane].later);
	write_head("ingestd_batches", "gauge", "Batches by state.", out);
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		for (int i = 0; i < BATCH_STATUS_COUNT; i++)
			buf_printf(out,
			    "ingestd_batches{priority=\"%s\",status=\"%s\"} %" PRId64 "\n",
			    priority_name((enum priority)(lane + PRIORITY_HIGH)),
			    batch_status_name((enum batch_status)i), stats->lanes[lane].batches[i]);
	write_head("ingestd_ingestions", "gauge", "Ingestions by status.", out);
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		for (int i = 0; i < INGESTION_STATUS_COUNT; i++)
			buf_printf(out,
			    "ingestd_ingestions{priority=\"%s\",status=\"%s\"} %" PRId64 "\n",
			    priority_name((enum priority)(lane + PRIORITY_HIGH)),
			    ingestion_status_name((enum ingestion_status)i),
			    stats->lanes[lane].ingestions[i]);
}

static void write_attempts(const struct wire_stats_reply *stats, struct buf *out)
{
	const struct durations *durations = &stats->durations;
	int64_t count = 0;

	write_head("ingestd_attempts_failed_total", "counter",
	    "Attempts that did not complete their batch, by kind.", out);
	for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++)
		buf_printf(out, "ingestd_attempts_failed_total{kind=\"%s\"} %" PRId64 "\n",
		    failure_name((enum failure)i), stats->failures[i]);
	write_head("ingestd_handler_duration_seconds", "histogram",
	    "Time from start to end of an attempt.", out);
	for (int i = 0; i < DURATION_BUCKETS - 1; i++) {
		count += durations->counts[i];
		buf_printf(out,
		    "ingestd_handler_duration_seconds_bucket{le=\"%.9g\"} %" PRId64 "\n",
		    (double)duration_bounds_ms[i] / 1e3, count);
	}
	count = durations_count(durations);
	buf_printf(out,
	    "ingestd_handler_duration_seconds_bucket{le=\"+Inf\"} %" PRId64 "\n"
	    "ingestd_handler_duration_seconds_sum %.9g\n"
	    "ingestd_handler_duration_seconds_count %" PRId64 "\n",
	    count, (double)durations->sum_us / 1e6, count);
}

static void write_limits(const struct wire_stats_reply *stats, struct buf *out)
{
	write_head("ingestd_limit", "gauge", "What a limit allows.", out);
	for (size_t i = 0; i < stats->n_limits; i++)
		buf_printf(out, "ingestd_limit{name=\"%s\"} %" PRId64 "\n", stats->limits[i].name,
		    stats->limits[i].limit);
	write_head("ingestd_limit_used", "gauge", "What of it is in use.", out);
	for (size_t i = 0; i < stats->n_limits; i++)
		if (stats->limits[i].used >= 0)
			buf_printf(out, "ingestd_limit_used{name=\"%s\"} %" PRId64 "\n",
			    stats->limits[i].name, stats->limits[i].used);
	write_head("ingestd_limit_hits_total", "counter", "How often it was hit.", out);
	for (size_t i = 0; i < stats->n_limits; i++)
		buf_printf(out, "ingestd_limit_hits_total{name=\"%s\"} %" PRId64 "\n",
		    stats->limits[i].name, stats->limits[i].hits);
}

void http_metrics_write(const struct wire_stats_reply *stats, struct buf *out)
{
	write_head("ingestd_build_info", "gauge", "The version, as a label.", out);
	buf_printf(out, "ingestd_build_info{version=\"%s\"} 1\n", stats->version);
	write_plain(stats, out);
	write_head(
	    "ingestd_paused", "gauge", "1 while nothing is started by somebody's wish.", out);
	buf_printf(out, "ingestd_paused %d\n", stats->control.pause != PAUSE_NONE);
	if (stats->next_slot_ms >= 0) {
		write_head("ingestd_next_slot_seconds", "gauge", "Time until the next start.", out);
		buf_printf(
		    out, "ingestd_next_slot_seconds %.3f\n", (double)stats->next_slot_ms / 1e3);
	}
	write_lanes(stats, out);
	write_attempts(stats, out);
	write_limits(stats, out);
}
