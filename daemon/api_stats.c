/* The verb stats: what the store knows about itself, and what the loop knows. */
#include "api_verbs.h"

#include "utf8.h"
#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t waiting_ids(const struct store_stats *store)
{
	int64_t ids = 0;

	for (size_t i = 0; i < PRIORITY_COUNT; i++)
		ids += store->lanes[i].ids;
	return ids;
}

/* How long nothing is started, by somebody's wish; INT64_MAX: until further notice. */
static int64_t held_ms(const struct api *api, const struct control *control)
{
	int64_t paused_ms = 0;

	if (control->pause != PAUSE_NONE) {
		if (control->pause_until_ms == 0)
			return INT64_MAX;
		paused_ms = control->pause_until_ms - clock_utc_ms(api->env.clock);
	}
	return paused_ms > control->hold_ms ? paused_ms : control->hold_ms;
}

/* How long until the next start; -1 when nothing waits, or when it depends on what runs. */
static int64_t next_slot_ms(
    const struct api *api, const struct store_stats *store, int64_t running_slots)
{
	int64_t next = ledger_next_slot(&store->ledger), now = clock_boot_ns(api->env.clock);
	int64_t held = held_ms(api, &store->control);

	if (waiting_ids(store) == 0 || running_slots >= api->env.conf->concurrency ||
	    next == CLOCK_NEVER || held == INT64_MAX)
		return -1;
	if (next < now + held * NS_PER_MS)
		next = now + held * NS_PER_MS;
	return next > now ? (next - now + NS_PER_MS - 1) / NS_PER_MS : 0;
}

/* How long the first one in line has been waiting; the clock may have been set back since. */
static int64_t oldest_waiting_ms(const struct lane_total *lane, int64_t now_ms)
{
	if (lane->oldest_ms == 0)
		return -1;
	return now_ms > lane->oldest_ms ? now_ms - lane->oldest_ms : 0;
}

static void fill_lanes(const struct store_stats *store, struct wire_stats_reply *stats)
{
	for (size_t i = 0; i < PRIORITY_COUNT; i++) {
		stats->lanes[i] = store->lanes[i];
		stats->oldest_waiting_ms[i] = oldest_waiting_ms(&store->lanes[i], stats->utc_ms);
	}
}

static void fill_process(const struct api *api, struct wire_stats_reply *stats)
{
	const struct api_env *env = &api->env;
	int64_t up_ns = clock_boot_ns(env->clock) - env->stats->started_ns;

	snprintf(stats->version, sizeof(stats->version), "%s", env->version.version);
	stats->utc_ms = clock_utc_ms(env->clock);
	stats->uptime_ms = up_ns / NS_PER_MS;
	stats->rss_bytes = stats_rss_bytes();
}

static void fill_dispatch(
    const struct api *api, const struct store_stats *store, struct wire_stats_reply *stats)
{
	engine_running(api->env.engine, &stats->running_slots, &stats->running_batches);
	stats->interval_ns = store->ledger.interval_ns;
	stats->settle_ns = store->ledger.settle_ns;
	stats->pack = store->ledger.pack;
	stats->batch_size = api->env.conf->batch_size;
	stats->concurrency = api->env.conf->concurrency;
	stats->next_slot_ms = next_slot_ms(api, store, stats->running_slots);
	stats->control = store->control;
	stats->notices = store->notices;
	stats->max_attempts = api->env.conf->max_attempts;
	stats->retry_base_ms = api->env.conf->retry_base_ns / NS_PER_MS;
	stats->retry_max_ms = api->env.conf->retry_max_ns / NS_PER_MS;
	fill_lanes(store, stats);
	stats->uploads = store->uploads;
	stats->upload_ids = store->upload_ids;
}

static void fill_store(
    const struct api *api, const struct store_stats *store, struct wire_stats_reply *stats)
{
	struct storeq_figures queue;
	char *shown = store_shown(api->env.conf->store);

	storeq_figures(api->env.queue, &queue);
	utf8_clean(stats->store, sizeof(stats->store), shown);
	free(shown);
	stats->store_bytes = store->bytes;
	stats->wal_bytes = store->wal_bytes;
	stats->free_bytes = store->free_bytes;
	stats->queued = queue.queued;
	stats->queued_bytes = queue.queued_bytes;
	stats->commits = queue.commits;
	stats->operations = queue.operations;
	stats->commit_last_us = queue.commit_last_ns / 1000;
	stats->commit_mean_us = queue.commit_mean_ns / 1000;
	stats->commit_max_us = queue.commit_max_ns / 1000;
	stats->commit_age_ms =
	    queue.committed_at == 0
		? -1
		: (clock_boot_ns(api->env.clock) - queue.committed_at) / NS_PER_MS;
}

static void fill_attempts(const struct api *api, struct wire_stats_reply *stats)
{
	const struct stats *own = api->env.stats;

	stats->attempts = own->attempts;
	stats->retries = own->retries;
	stats->interrupted = own->interrupted;
	memcpy(stats->failures, own->failures, sizeof(stats->failures));
	stats->durations = own->durations;
}

static void fill_doors(const struct api *api, struct wire_stats_reply *stats)
{
	const struct stats *own = api->env.stats;

	stats->connections = limits_used(api->env.limits, LIMIT_CONNECTIONS);
	stats->accepted = own->accepted;
	stats->refused = own->refused;
	stats->dropped = own->dropped;
	stats->requests = own->requests;
	stats->errors = own->errors;
	stats->waiting = own->waiting;
}

/* What others count is told to the limits before they are listed. */
static void fill_limits(struct limits *limits, struct wire_stats_reply *stats)
{
	limits_set_used(limits, LIMIT_QUEUED, stats->queued);
	limits_set_used(limits, LIMIT_QUEUED_BYTES, stats->queued_bytes);
	limits_set_used(limits, LIMIT_UPLOADS, stats->uploads);
	limits_set_used(limits, LIMIT_UPLOAD_BYTES, stats->upload_ids * (int64_t)sizeof(int64_t));
	stats->n_limits = limits_list(limits, stats->limits);
}

static void stats_done(struct storeq_op *op)
{
	struct pending *pending = (struct pending *)op;
	struct wire_stats_reply *stats = &pending->call->reply.stats;

	if (!op->op.fail.err) {
		fill_process(pending->api, stats);
		fill_dispatch(pending->api, &op->op.stats, stats);
		fill_attempts(pending->api, stats);
		fill_store(pending->api, &op->op.stats, stats);
		fill_doors(pending->api, stats);
		fill_limits(pending->api->env.limits, stats);
	}
	api_finish(pending);
}

void api_stats(struct api *api, struct api_call *call)
{
	struct pending *pending =
	    api_pending_new(api, call, sizeof(*pending), STORE_STATS, stats_done);

	api_post_or_finish(pending);
}
