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
			assert_string_equal(type, total ? "counter" : "gauge");
			continue;
		}
		assert_true(type[0] != '\0');
		assert_int_equal(strncmp(line, family, strlen(family)), 0);
		assert_true(line[strlen(family)] == ' ' || line[strlen(family)] == '{');
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
	    TEST(the_text_is_as_prometheus_wants_it),
	};

	return RUN(tests);
}
