#include "model.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

static const char *const priority_names[] = {
    [PRIORITY_HIGH] = "HIGH",
    [PRIORITY_MEDIUM] = "MEDIUM",
    [PRIORITY_LOW] = "LOW",
};

static const char *const batch_names[BATCH_STATUS_COUNT] = {
    [BATCH_YET_TO_START] = "yet_to_start",
    [BATCH_TRIGGERED] = "triggered",
    [BATCH_RETRYING] = "retrying",
    [BATCH_COMPLETED] = "completed",
    [BATCH_FAILED] = "failed",
    [BATCH_CANCELLED] = "cancelled",
};

static const char *const ingestion_names[INGESTION_STATUS_COUNT] = {
    [INGESTION_YET_TO_START] = "yet_to_start",
    [INGESTION_TRIGGERED] = "triggered",
    [INGESTION_COMPLETED] = "completed",
    [INGESTION_FAILED] = "failed",
    [INGESTION_RECEIVING] = "receiving",
    [INGESTION_CANCELLED] = "cancelled",
    [INGESTION_CANCELLING] = "cancelling",
};

static const char *const id_outcome_names[ID_OUTCOME_COUNT] = {
    [ID_PENDING] = "pending",
    [ID_COMPLETED] = "completed",
    [ID_FAILED] = "failed",
    [ID_CANCELLED] = "cancelled",
    [ID_UNKNOWN] = "unknown",
};

static const char *const failure_names[FAILURE_COUNT] = {
    [FAILURE_IDS] = "ids",
    [FAILURE_TRY_AGAIN] = "try_again",
    [FAILURE_EXIT] = "exit",
    [FAILURE_SIGNAL] = "signal",
    [FAILURE_TIMEOUT] = "timeout",
    [FAILURE_START] = "start",
    [FAILURE_NETWORK] = "network",
    [FAILURE_STATUS] = "status",
    [FAILURE_REPLY] = "reply",
};

static const char *const pause_names[] = {
    [PAUSE_NONE] = "none",
    [PAUSE_PAUSED] = "paused",
    [PAUSE_DRAINING] = "draining",
};

const int64_t duration_bounds_ms[DURATION_BUCKETS] = {5, 10, 25, 50, 100, 250, 500, 1000, 2500,
    5000, 10000, 30000, 60000, 300000, 1800000, INT64_MAX};

/* Index of `name` in names[first..count), or -1. */
static int find(const char *const *names, int first, int count, const char *name)
{
	for (int i = first; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *priority_name(enum priority priority)
{
	return priority_names[priority];
}

bool priority_by_name(const char *name, enum priority *priority)
{
	int found = find(priority_names, PRIORITY_HIGH, PRIORITY_LOW + 1, name);

	if (found >= 0)
		*priority = (enum priority)found;
	return found >= 0;
}

const char *batch_status_name(enum batch_status status)
{
	return batch_names[status];
}

bool batch_status_by_name(const char *name, enum batch_status *status)
{
	int found = find(batch_names, 0, BATCH_STATUS_COUNT, name);

	if (found >= 0)
		*status = (enum batch_status)found;
	return found >= 0;
}

const char *ingestion_status_name(enum ingestion_status status)
{
	return ingestion_names[status];
}

bool ingestion_status_by_name(const char *name, enum ingestion_status *status)
{
	int found = find(ingestion_names, 0, INGESTION_STATUS_COUNT, name);

	if (found >= 0)
		*status = (enum ingestion_status)found;
	return found >= 0;
}

const char *id_outcome_name(enum id_outcome outcome)
{
	return id_outcome_names[outcome];
}

bool id_outcome_by_name(const char *name, enum id_outcome *outcome)
{
	int found = find(id_outcome_names, 0, ID_OUTCOME_COUNT, name);

	if (found >= 0)
		*outcome = (enum id_outcome)found;
	return found >= 0;
}

const char *pause_name(enum pause pause)
{
	return pause_names[pause];
}

bool pause_by_name(const char *name, enum pause *pause)
{
	int found = find(pause_names, 0, PAUSE_DRAINING + 1, name);

	if (found >= 0)
		*pause = (enum pause)found;
	return found >= 0;
}

const char *failure_name(enum failure failure)
{
	return failure_names[failure];
}

enum ingestion_status counts_status(const struct counts *counts)
{
	int64_t failed = counts->by_status[BATCH_FAILED];
	int64_t cancelled = counts->by_status[BATCH_CANCELLED];

	if (counts->by_status[BATCH_COMPLETED] + failed + cancelled == counts->batches) {
		if (cancelled > 0)
			return INGESTION_CANCELLED;
		return failed > 0 ? INGESTION_FAILED : INGESTION_COMPLETED;
	}
	if (counts->by_status[BATCH_YET_TO_START] == counts->batches)
		return INGESTION_YET_TO_START;
	return INGESTION_TRIGGERED;
}

/* One that is not final although somebody wished its end is on its way there. */
static enum ingestion_status sealed_status(const struct ingestion *ingestion)
{
	enum ingestion_status status = counts_status(&ingestion->counts);

	return ingestion->cancelled_by[0] && !ingestion_status_is_final(status)
	           ? INGESTION_CANCELLING
	           : status;
}

enum ingestion_status ingestion_status_of(const struct ingestion *ingestion)
{
	switch (ingestion->stage) {
	case STAGE_RECEIVING:
		return INGESTION_RECEIVING;
	case STAGE_CANCELLED:
		return INGESTION_CANCELLED;
	default:
		return sealed_status(ingestion);
	}
}

bool ingestion_status_is_final(enum ingestion_status status)
{
	return status == INGESTION_COMPLETED || status == INGESTION_FAILED ||
	       status == INGESTION_CANCELLED;
}

int64_t batches_of(int64_t ids, int64_t batch_size)
{
	return ids / batch_size + (ids % batch_size != 0);
}

int64_t batch_length(int64_t ids, int64_t batch_size, int64_t index)
{
	int64_t left = ids - index * batch_size;

	return left < batch_size ? left : batch_size;
}

/* Makes room for one more behind n; grows at each power of two. */
static void *grown(void *v, size_t n, size_t size)
{
	return n & (n - 1) ? v : xreallocarray(v, n ? 2 * n : 1, size);
}

struct batch *status_page_add(struct status_page *page)
{
	page->batches = grown(page->batches, page->n, sizeof(*page->batches));
	page->batches[page->n] = (struct batch){0};
	return &page->batches[page->n++];
}

void status_page_free(struct status_page *page)
{
	for (size_t i = 0; i < page->n; i++) {
		free(page->batches[i].error);
		free(page->batches[i].out.text);
		free(page->batches[i].err.text);
	}
	free(page->batches);
	idlist_free(&page->ids);
	*page = (struct status_page){0};
}

struct report_entry *report_page_add(struct report_page *page)
{
	page->v = grown(page->v, page->n, sizeof(*page->v));
	page->v[page->n] = (struct report_entry){0};
	return &page->v[page->n++];
}

void report_page_free(struct report_page *page)
{
	for (size_t i = 0; i < page->n; i++)
		free(page->v[i].error);
	free(page->v);
	*page = (struct report_page){0};
}

struct ingestion *list_page_add(struct list_page *page)
{
	page->v = grown(page->v, page->n, sizeof(*page->v));
	page->v[page->n] = (struct ingestion){0};
	return &page->v[page->n++];
}

void list_page_free(struct list_page *page)
{
	free(page->v);
	*page = (struct list_page){0};
}

bool list_filter_matches(const struct list_filter *filter, const struct ingestion *ingestion)
{
	char id[UUID_TEXT_SIZE];

	uuid_format(&ingestion->uuid, id);
	return (!filter->has_status || filter->status == ingestion_status_of(ingestion)) &&
	       (!filter->has_priority || filter->priority == ingestion->priority) &&
	       (!filter->label[0] || strcmp(filter->label, ingestion->label) == 0) &&
	       (filter->seq == 0 || filter->seq == ingestion->seq) &&
	       (filter->before_ms == 0 || ingestion->created_ms < filter->before_ms) &&
	       strncmp(filter->id_prefix, id, strlen(filter->id_prefix)) == 0;
}

bool key_is_valid(const char *text)
{
	size_t len = 0;

	while (text[len] > ' ' && text[len] <= '~')
		len++;
	return text[len] == '\0' && len >= 1 && len <= KEY_MAX;
}

int64_t lane_waiting(const struct lane_total *lane)
{
	return lane->batches[BATCH_YET_TO_START] + lane->batches[BATCH_RETRYING] - lane->later;
}

void durations_add(struct durations *durations, int64_t us)
{
	int i = 0;

	while (i < DURATION_BUCKETS - 1 && us > duration_bounds_ms[i] * 1000)
		i++;
	durations->counts[i]++;
	durations->sum_us += us;
}

int64_t durations_count(const struct durations *durations)
{
	int64_t count = 0;

	for (int i = 0; i < DURATION_BUCKETS; i++)
		count += durations->counts[i];
	return count;
}

void node_list_free(struct node_list *list)
{
	free(list->v);
	*list = (struct node_list){0};
}

/* What ran on a node that is gone is another's by now. */
int64_t node_list_sum(const struct node_list *list, struct node_figures *sum)
{
	int64_t alive = 0;

	*sum = (struct node_figures){0};
	for (size_t i = 0; i < list->n; i++) {
		const struct node *node = &list->v[i];

		alive += node->alive;
		sum->running += node->alive ? node->figures.running : 0;
		sum->attempts += node->figures.attempts;
		sum->retries += node->figures.retries;
		sum->interrupted += node->figures.interrupted;
		sum->failed += node->figures.failed;
	}
	return alive;
}
