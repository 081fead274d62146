#include "unit.h"

#include "http_metrics.h"
#include "util.h"

#include <ctype.h>

static char *written(const struct wire_stats_reply *stats)
{
	struct buf out = {0};

	http_metrics_write(stats, &out);
	assert_int_equal(strlen(out.data), out.len);
	return out.data;
}

static struct wire_stats_reply filled(void)
{
	struct wire_stats_reply stats = {.version = "1.2.3", .next_slot_ms = -1};

	stats.uptime_ms = 61500;
	stats.rss_bytes = INT64_MAX;
	stats.interval_ns = 5000000000;
	stats.requests = 12;
	stats.errors = 3;
	stats.commit_mean_us = 1;
	stats.lanes[0].ids = 7;
	stats.lanes[2].batches[BATCH_COMPLETED] = 8;
	stats.lanes[1].ingestions[INGESTION_FAILED] = 9;
	stats.attempts = 20;
	stats.retries = 6;
	stats.interrupted = 4;
	stats.failures[FAILURE_IDS] = 2;
	stats.failures[FAILURE_TIMEOUT] = 3;
	durations_add(&stats.durations, 4000);
	durations_add(&stats.durations, 10000);
	durations_add(&stats.durations, 2000000000);
	stats.lanes[1].later = 5;
	stats.oldest_waiting_ms[1] = 2500;
	stats.oldest_waiting_ms[2] = -1;
	stats.retry_base_ms = 500;
	stats.limits[0] = (struct wire_limit){.name = "max-queued", .limit = 10, .used = 4};
	stats.limits[1] =
	    (struct wire_limit){.name = "send-timeout", .limit = 30, .used = -1, .hits = 2};
	stats.n_limits = 2;
	return stats;
}

static void assert_line(const char *text, const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	assert_contains(text, whole);
}

static void figures_are_in_base_units(void **state)
{
	struct wire_stats_reply stats = filled();
	char *text = written(&stats);

	(void)state;
	assert_line(text, "ingestd_build_info{version=\"1.2.3\"} 1");
	assert_line(text, "ingestd_uptime_seconds 61.5");
	/* Every digit of a count, though Prometheus keeps doubles. */
	assert_line(text, "process_resident_memory_bytes 9223372036854775807");
	assert_line(text, "ingestd_slot_interval_seconds 5");
	assert_line(text, "ingestd_store_commit_mean_seconds 1e-06");
	assert_line(text, "ingestd_requests_total 12");
	assert_line(text, "ingestd_request_errors_total 3");
	free(text);
}

static void lanes_and_limits_have_labels(void **state)
{
	struct wire_stats_reply stats = filled();
	char *text = written(&stats);

	(void)state;
	assert_line(text, "ingestd_waiting_ids{priority=\"HIGH\"} 7");
	assert_line(text, "ingestd_waiting_ids{priority=\"LOW\"} 0");
	assert_line(text, "ingestd_batches{priority=\"LOW\",status=\"completed\"} 8");
	assert_line(text, "ingestd_ingestions{priority=\"MEDIUM\",status=\"failed\"} 9");
	assert_line(text, "ingestd_limit{name=\"max-queued\"} 10");
	assert_line(text, "ingestd_limit_used{name=\"max-queued\"} 4");
	assert_line(text, "ingestd_limit_hits_total{name=\"send-timeout\"} 2");
	/* Nothing of a time is in use. */
	assert_lacks(text, "ingestd_limit_used{name=\"send-timeout\"}");
	free(text);
}

static void the_next_slot_is_there_when_it_is_known(void **state)
{
	struct wire_stats_reply stats = filled();
	char *text = written(&stats);

	(void)state;
	assert_lacks(text, "ingestd_next_slot_seconds");
	free(text);
	stats.next_slot_ms = 1250;
	text = written(&stats);
	assert_line(text, "ingestd_next_slot_seconds 1.250");
	free(text);
}

static void attempts_are_counted(void **state)
{
	struct wire_stats_reply stats = filled();
	char *text = written(&stats);

	(void)state;
	assert_line(text, "ingestd_attempts_total 20");
	assert_line(text, "ingestd_retries_total 6");
	assert_line(text, "ingestd_attempts_interrupted_total 4");
	assert_line(text, "ingestd_attempts_failed_total{kind=\"ids\"} 2");
	assert_line(text, "ingestd_attempts_failed_total{kind=\"timeout\"} 3");
	assert_line(text, "ingestd_attempts_failed_total{kind=\"start\"} 0");
	assert_line(text, "ingestd_later_batches{priority=\"MEDIUM\"} 5");
	assert_line(text, "ingestd_oldest_waiting_seconds{priority=\"MEDIUM\"} 2.500");
	assert_line(text, "ingestd_oldest_waiting_seconds{priority=\"LOW\"} 0.000");
	assert_line(text, "ingestd_retry_base_seconds 0.5");
	free(text);
}

/* Each bucket has those below it, and the last one all. */
static void the_histogram_adds_up(void **state)
{
	struct wire_stats_reply stats = filled();
	char *text = written(&stats);

	(void)state;
	assert_line(text, "# TYPE ingestd_handler_duration_seconds histogram");
	assert_line(text, "ingestd_handler_duration_seconds_bucket{le=\"0.005\"} 1");
	assert_line(text, "ingestd_handler_duration_seconds_bucket{le=\"0.01\"} 2");
	assert_line(text, "ingestd_handler_duration_seconds_bucket{le=\"1800\"} 2");
	assert_line(text, "ingestd_handler_duration_seconds_bucket{le=\"+Inf\"} 3");
	assert_line(text, "ingestd_handler_duration_seconds_sum 2000.014");
	assert_line(text, "ingestd_handler_duration_seconds_count 3");
	free(text);
}

/* The parts of a histogram have names of their own. */
static const char *behind_name(const char *line, const char *family, const char *type)
{
	static const char *const parts[] = {"_bucket", "_sum", "_count"};
	const char *rest = line + strlen(family);

	assert_int_equal(strncmp(line, family, strlen(family)), 0);
	for (size_t i = 0; strcmp(type, "histogram") == 0 && i < COUNT_OF(parts); i++)
		if (strncmp(rest, parts[i], strlen(parts[i])) == 0)
			return rest + strlen(parts[i]);
	return rest;
}

/* The format: a family is its HELP, its TYPE, and then its series, each once. */
static void the_text_is_as_prometheus_wants_it(void **state)
{
	struct wire_stats_reply stats = filled();
	char *text = written(&stats), *rest, *line, family[128] = "", type[32] = "";
	const char *seen[512];
	size_t n = 0;

	(void)state;
	assert_int_equal(text[strlen(text) - 1], '\n');
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char name[128];
		double value;

		if (sscanf(line, "# HELP %127s", family) == 1) {
			assert_string_not_equal(line + strlen("# HELP ") + strlen(family), " ");
			type[0] = '\0';
			continue;
		}
		if (sscanf(line, "# TYPE %127s %31s", name, type) == 2) {
			bool total =
			    strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;

			assert_string_equal(name, family);
			if (strcmp(type, "histogram") != 0)
				assert_string_equal(type, total ? "counter" : "gauge");
			continue;
		}
		assert_true(type[0] != '\0');
		assert_true(behind_name(line, family, type)[0] &&
			    strchr(" {", *behind_name(line, family, type)));
		assert_int_equal(sscanf(strrchr(line, ' '), "%lf", &value), 1);
		*strrchr(line, ' ') = '\0';
		assert_true(n < COUNT_OF(seen));
		for (size_t i = 0; i < n; i++)
			assert_string_not_equal(seen[i], line);
		seen[n++] = line;
	}
	assert_true(n > 60);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(figures_are_in_base_units),
	    TEST(lanes_and_limits_have_labels),
	    TEST(the_next_slot_is_there_when_it_is_known),
	    TEST(attempts_are_counted),
	    TEST(the_histogram_adds_up),
	    TEST(the_text_is_as_prometheus_wants_it),
	};

	return RUN(tests);
}
