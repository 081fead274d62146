/* The method stats. */
#include "wire_codec.h"

#include "util.h"

#include <stddef.h>
#include <string.h>

/* The plain numbers: group and name in the answer, place in the struct. */
static const struct field {
	const char *group, *name;
	size_t offset;
	bool is_new; /* older daemons do not have it */
} fields[] = {
#define FIELD(group, name, member)                                                                 \
	{                                                                                          \
		group, name, offsetof(struct wire_stats_reply, member), false                      \
	}
#define NEW_FIELD(group, name, member)                                                             \
	{                                                                                          \
		group, name, offsetof(struct wire_stats_reply, member), true                       \
	}
    FIELD(NULL, "uptime_ms", uptime_ms),
    FIELD(NULL, "rss_bytes", rss_bytes),
    FIELD("dispatch", "interval_ns", interval_ns),
    FIELD("dispatch", "settle_ns", settle_ns),
    FIELD("dispatch", "batch_size", batch_size),
    FIELD("dispatch", "concurrency", concurrency),
    FIELD("dispatch", "running_slots", running_slots),
    FIELD("dispatch", "running_batches", running_batches),
    NEW_FIELD("dispatch", "max_attempts", max_attempts),
    NEW_FIELD("dispatch", "retry_base_ms", retry_base_ms),
    NEW_FIELD("dispatch", "retry_max_ms", retry_max_ms),
    NEW_FIELD("notices", "waiting", notices),
    NEW_FIELD("attempts", "total", attempts),
    NEW_FIELD("attempts", "retries", retries),
    NEW_FIELD("attempts", "interrupted", interrupted),
    FIELD("uploads", "open", uploads),
    FIELD("uploads", "ids", upload_ids),
    FIELD("connections", "open", connections),
    FIELD("connections", "accepted", accepted),
    FIELD("connections", "refused", refused),
    FIELD("connections", "dropped", dropped),
    FIELD("requests", "total", requests),
    FIELD("requests", "errors", errors),
    FIELD("requests", "waiting", waiting),
    FIELD("store", "bytes", store_bytes),
    FIELD("store", "wal_bytes", wal_bytes),
    FIELD("store", "free_bytes", free_bytes),
    FIELD("store", "queued", queued),
    FIELD("store", "queued_bytes", queued_bytes),
    FIELD("store", "operations", operations),
    FIELD("store", "commits", commits),
    FIELD("store", "commit_last_us", commit_last_us),
    FIELD("store", "commit_mean_us", commit_mean_us),
    FIELD("store", "commit_max_us", commit_max_us),
#undef FIELD
#undef NEW_FIELD
};

/* ---- writing ---- */

static void write_fields(const struct wire_stats_reply *stats, cJSON *result)
{
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		const struct field *field = &fields[i];
		cJSON *group = result;
		int64_t value;

		if (field->group)
			group = cJSON_GetObjectItemCaseSensitive(result, field->group);
		if (!group)
			group = cJSON_AddObjectToObject(result, field->group);
		value = *(const int64_t *)((const char *)stats + field->offset);
		json_add_int(group, field->name, value > 0 ? value : 0);
	}
}

/* Failures by kind, and how long attempts took: a count for each range of times. */
static void write_attempts(const struct wire_stats_reply *stats, cJSON *attempts)
{
	cJSON *list = cJSON_AddObjectToObject(attempts, "failures");

	for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++)
		json_add_int(list, failure_name((enum failure)i), stats->failures[i]);
	json_add_int(attempts, "duration_sum_us", stats->durations.sum_us);
	list = cJSON_AddArrayToObject(attempts, "durations");
	for (int i = 0; i < DURATION_BUCKETS; i++) {
		cJSON *bucket = cJSON_CreateObject();

		cJSON_AddItemToArray(list, bucket);
		if (i < DURATION_BUCKETS - 1)
			json_add_int(bucket, "up_to_ms", duration_bounds_ms[i]);
		json_add_int(bucket, "count", stats->durations.counts[i]);
	}
}

static void write_lane(const struct wire_stats_reply *stats, int index, cJSON *lanes)
{
	const struct lane_total *lane = &stats->lanes[index];
	cJSON *object = cJSON_CreateObject(), *list;

	cJSON_AddItemToArray(lanes, object);
	cJSON_AddStringToObject(
	    object, "priority", priority_name((enum priority)(index + PRIORITY_HIGH)));
	json_add_int(object, "waiting_ids", lane->ids);
	if (stats->oldest_waiting_ms[index] >= 0)
		json_add_int(object, "oldest_waiting_ms", stats->oldest_waiting_ms[index]);
	json_add_int(object, "later", lane->later);
	list = cJSON_AddObjectToObject(object, "batches");
	for (int i = 0; i < BATCH_STATUS_COUNT; i++)
		json_add_int(list, batch_status_name((enum batch_status)i), lane->batches[i]);
	list = cJSON_AddObjectToObject(object, "ingestions");
	for (int i = 0; i < INGESTION_STATUS_COUNT; i++)
		json_add_int(
		    list, ingestion_status_name((enum ingestion_status)i), lane->ingestions[i]);
}

static void write_limit(const struct wire_limit *limit, cJSON *limits)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddItemToArray(limits, object);
	cJSON_AddStringToObject(object, "name", limit->name);
	json_add_int(object, "limit", limit->limit);
	if (limit->used >= 0)
		json_add_int(object, "used", limit->used);
	json_add_int(object, "hits", limit->hits);
}

static void write_stats_result(const struct wire_reply *reply, cJSON *result)
{
	const struct wire_stats_reply *stats = &reply->stats;
	cJSON *list;

	cJSON_AddStringToObject(result, "version", stats->version);
	wire_add_time(result, "time", stats->utc_ms);
	write_fields(stats, result);
	write_attempts(stats, cJSON_GetObjectItemCaseSensitive(result, "attempts"));
	list = cJSON_GetObjectItemCaseSensitive(result, "dispatch");
	cJSON_AddBoolToObject(list, "pack", stats->pack);
	if (stats->next_slot_ms >= 0)
		json_add_int(list, "next_slot_ms", stats->next_slot_ms);
	wire_add_pause(list, &stats->control);
	wire_add_rated(list, &stats->control, "rate_set_by", "rate_set_at");
	list = cJSON_GetObjectItemCaseSensitive(result, "store");
	cJSON_AddStringToObject(list, "url", stats->store);
	/* Who does not know this member finds a number all the same. */
	if (stats->free_bytes < 0)
		cJSON_AddTrueToObject(list, "free_unknown");
	if (stats->commit_age_ms >= 0)
		json_add_int(list, "commit_age_ms", stats->commit_age_ms);
	list = cJSON_AddArrayToObject(result, "lanes");
	for (int i = 0; i < PRIORITY_COUNT; i++)
		write_lane(stats, i, list);
	list = cJSON_AddArrayToObject(result, "limits");
	for (size_t i = 0; i < stats->n_limits; i++)
		write_limit(&stats->limits[i], list);
}

/* ---- reading ---- */

static bool read_fields(const cJSON *result, struct wire_stats_reply *stats)
{
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		const struct field *field = &fields[i];
		const cJSON *group = field->group ? json_get(result, field->group) : result;

		if (field->is_new && !json_get(group, field->name))
			continue;
		if (!json_get_int(json_get(group, field->name), 0, JSON_MAX_EXACT,
			(int64_t *)(void *)((char *)stats + field->offset)))
			return false;
	}
	return true;
}

/* Ranges that this version does not know are left out. */
static bool read_duration(const cJSON *bucket, struct durations *durations)
{
	const cJSON *bound = json_get(bucket, "up_to_ms");
	int64_t ms = INT64_MAX;
	int i = 0;

	if (bound && !json_get_int(bound, 0, JSON_MAX_EXACT, &ms))
		return false;
	while (i < DURATION_BUCKETS - 1 && duration_bounds_ms[i] < ms)
		i++;
	return duration_bounds_ms[i] != ms ||
	       json_get_int(json_get(bucket, "count"), 0, JSON_MAX_EXACT, &durations->counts[i]);
}

/* Older daemons say nothing of attempts. */
static bool read_attempts(const cJSON *attempts, struct wire_stats_reply *stats)
{
	const cJSON *failures = json_get(attempts, "failures"), *item;

	for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++)
		if (!wire_get_count(failures, failure_name((enum failure)i), &stats->failures[i]))
			return false;
	cJSON_ArrayForEach(
	    item, json_get(attempts, "durations")) if (!read_duration(item,
							   &stats->durations)) return false;
	return wire_get_count(attempts, "duration_sum_us", &stats->durations.sum_us);
}

static bool read_lane(const cJSON *object, struct wire_stats_reply *stats)
{
	const char *name = json_get_str(json_get(object, "priority"));
	const cJSON *oldest = json_get(object, "oldest_waiting_ms");
	const cJSON *batches = json_get(object, "batches"),
		    *ingestions = json_get(object, "ingestions");
	struct lane_total *lane;
	enum priority priority;
	bool ok;

	if (!name || !priority_by_name(name, &priority))
		return false;
	lane = &stats->lanes[priority - PRIORITY_HIGH];
	ok = json_get_int(json_get(object, "waiting_ids"), 0, JSON_MAX_EXACT, &lane->ids) &&
	     wire_get_count(object, "later", &lane->later) &&
	     (!oldest || json_get_int(oldest, 0, JSON_MAX_EXACT,
			     &stats->oldest_waiting_ms[priority - PRIORITY_HIGH]));
	for (int i = 0; ok && i < BATCH_CANCELLED; i++)
		ok = json_get_int(json_get(batches, batch_status_name((enum batch_status)i)), 0,
		    JSON_MAX_EXACT, &lane->batches[i]);
	for (int i = 0; ok && i < INGESTION_CANCELLING; i++)
		ok = json_get_int(
		    json_get(ingestions, ingestion_status_name((enum ingestion_status)i)), 0,
		    JSON_MAX_EXACT, &lane->ingestions[i]);
	/* Older daemons do not have these. */
	return ok && wire_get_count(batches, "cancelled", &lane->batches[BATCH_CANCELLED]) &&
	       wire_get_count(ingestions, "cancelling", &lane->ingestions[INGESTION_CANCELLING]);
}

/* More limits than this version knows are left out. */
static bool read_limit(const cJSON *object, struct wire_stats_reply *stats)
{
	struct wire_limit *limit = &stats->limits[stats->n_limits];
	const cJSON *used = json_get(object, "used");

	if (stats->n_limits == WIRE_STATS_LIMITS)
		return true;
	stats->n_limits++;
	limit->used = -1;
	return wire_get_text(json_get(object, "name"), limit->name, sizeof(limit->name)) &&
	       json_get_int(json_get(object, "limit"), 0, JSON_MAX_EXACT, &limit->limit) &&
	       json_get_int(json_get(object, "hits"), 0, JSON_MAX_EXACT, &limit->hits) &&
	       (!used || json_get_int(used, 0, JSON_MAX_EXACT, &limit->used));
}

static bool read_stats_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct wire_stats_reply *stats = &reply->stats;
	const cJSON *store = json_get(result, "store"), *age = json_get(store, "commit_age_ms");
	const cJSON *dispatch = json_get(result, "dispatch"),
		    *next = json_get(dispatch, "next_slot_ms"), *item;

	(void)doc;
	stats->next_slot_ms = stats->commit_age_ms = -1;
	for (int i = 0; i < PRIORITY_COUNT; i++)
		stats->oldest_waiting_ms[i] = -1;
	stats->pack = cJSON_IsTrue(json_get(dispatch, "pack"));
	if (!read_fields(result, stats) || !read_attempts(json_get(result, "attempts"), stats) ||
	    !wire_get_text(json_get(result, "version"), stats->version, sizeof(stats->version)) ||
	    !wire_get_time(json_get(result, "time"), &stats->utc_ms) ||
	    !wire_get_text(json_get(store, "url"), stats->store, sizeof(stats->store)) ||
	    (age && !json_get_int(age, 0, JSON_MAX_EXACT, &stats->commit_age_ms)) ||
	    (next && !json_get_int(next, 0, JSON_MAX_EXACT, &stats->next_slot_ms)) ||
	    !wire_get_pause(dispatch, &stats->control) ||
	    !wire_get_rated(
		dispatch, &stats->control, "rate_set_by", "rate_set_at", stats->interval_ns))
		return false;
	if (cJSON_IsTrue(json_get(store, "free_unknown")))
		stats->free_bytes = -1;
	cJSON_ArrayForEach(
	    item, json_get(result, "lanes")) if (!read_lane(item, stats)) return false;
	cJSON_ArrayForEach(
	    item, json_get(result, "limits")) if (!read_limit(item, stats)) return false;
	return true;
}

static const char *const no_params[] = {NULL};

const struct wire_codec wire_codec_stats = {
    .method = "stats",
    .params = no_params,
    .read_result = read_stats_result,
    .write_result = write_stats_result,
};
