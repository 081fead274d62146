#include "outcomes.h"

#include "utf8.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void outcomes_init(struct outcomes *outcomes, const struct idlist *ids)
{
	*outcomes = (struct outcomes){.ids = ids};
}

void outcomes_free(struct outcomes *outcomes)
{
	for (size_t i = 0; outcomes->results && i < outcomes->ids->n; i++)
		free(outcomes->results[i].message);
	free(outcomes->results);
	free(outcomes->said);
	free(outcomes->order);
	outcomes_init(outcomes, outcomes->ids);
}

bool outcomes_word(const char *word, size_t len, enum outcome *outcome)
{
	static const struct {
		const char *word;
		enum outcome outcome;
	} words[] = {{"ok", OUTCOME_COMPLETED}, {"retry", OUTCOME_RETRY}, {"fail", OUTCOME_FAILED}};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strlen(words[i].word) == len && memcmp(words[i].word, word, len) == 0) {
			*outcome = words[i].outcome;
			return true;
		}
	return false;
}

/* ---- the list ---- */

/* By id, then by place. */
static int compare_places(const void *a, const void *b, void *arg)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	const int64_t *v = ((const struct idlist *)arg)->v;

	return v[x] != v[y] ? (v[x] > v[y]) - (v[x] < v[y]) : (x > y) - (x < y);
}

static void make_order(struct outcomes *outcomes)
{
	size_t n = outcomes->ids->n;

	outcomes->order = xcalloc(n, sizeof(*outcomes->order));
	for (size_t i = 0; i < n; i++)
		outcomes->order[i] = i;
	qsort_r(outcomes->order, n, sizeof(*outcomes->order), compare_places,
	    (void *)(uintptr_t)outcomes->ids);
}

/* The first place in the order with this id, or one with a larger one. */
static size_t find_id(struct outcomes *outcomes, int64_t id)
{
	size_t low = 0, high = outcomes->ids->n;

	if (!outcomes->order)
		make_order(outcomes);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (outcomes->ids->v[outcomes->order[middle]] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void say(struct outcomes *outcomes, size_t place, enum outcome outcome, const char *message)
{
	struct result *result = &outcomes->results[place];

	free(result->message);
	result->outcome = outcome;
	result->message = *message ? xstrdup(message) : NULL;
	outcomes->said[place] = true;
}

bool outcomes_say(struct outcomes *outcomes, int64_t id, enum outcome outcome, const char *message)
{
	const struct idlist *ids = outcomes->ids;
	size_t first = find_id(outcomes, id);
	char cleaned[ATTEMPT_ID_ERROR_MAX + 1];

	if (first == ids->n || ids->v[outcomes->order[first]] != id)
		return false;
	if (!outcomes->results) {
		outcomes->results = xcalloc(ids->n, sizeof(*outcomes->results));
		outcomes->said = xcalloc(ids->n, sizeof(*outcomes->said));
	}
	/* Nothing needs an explanation when all is well. */
	utf8_clean(
	    cleaned, sizeof(cleaned), message && outcome != OUTCOME_COMPLETED ? message : "");
	say(outcomes, outcomes->order[first], outcome, cleaned);
	return true;
}

void outcomes_spread(struct outcomes *outcomes)
{
	const int64_t *v = outcomes->ids->v;
	const size_t *order = outcomes->order;

	for (size_t i = 1; outcomes->results && i < outcomes->ids->n; i++) {
		const struct result *result = &outcomes->results[order[i - 1]];

		if (v[order[i]] == v[order[i - 1]] && outcomes->said[order[i - 1]])
			say(outcomes, order[i], result->outcome,
			    result->message ? result->message : "");
	}
}

/* ---- what follows ---- */

/* How many ids are not done, by what was said of them, and the first one of these. */
static size_t count_not_done(const struct outcomes *outcomes, size_t *first)
{
	size_t n = 0;

	for (size_t i = outcomes->ids->n; i-- > 0;)
		if (outcomes->said[i] && outcomes->results[i].outcome != OUTCOME_COMPLETED) {
			*first = i;
			n++;
		}
	return n;
}

static char *message_of_ids(const struct outcomes *outcomes, size_t n, size_t first)
{
	const struct result *result = &outcomes->results[first];
	char many[80] = "";

	if (n > 1)
		snprintf(many, sizeof(many), "%zu of %zu ids were not done; ", n, outcomes->ids->n);
	return xasprintf("%sid %" PRId64 ": %s", many, outcomes->ids->v[first], result->message);
}

/* For ids of which nobody said why: the message of the attempt is about another one. */
static void say_why(const struct outcomes *outcomes)
{
	for (size_t i = 0; i < outcomes->ids->n; i++) {
		struct result *result = &outcomes->results[i];

		if (result->outcome != OUTCOME_COMPLETED && !result->message)
			result->message = xstrdup(
			    result->outcome == OUTCOME_RETRY ? "to be tried again" : "failed");
	}
}

/* Why, when it was the ids that decided. */
static void judge_ids(struct ending *ending, const struct outcomes *outcomes)
{
	size_t first = 0, n = count_not_done(outcomes, &first);

	say_why(outcomes);
	free(ending->message);
	ending->failure = n > 0 ? FAILURE_IDS : FAILURE_NONE;
	ending->message = n > 0 ? message_of_ids(outcomes, n, first) : NULL;
}

/* Ids of which nothing was said share the fate of the run; returns how many they are. */
static size_t fill_in(struct outcomes *outcomes, enum outcome outcome)
{
	size_t n = 0;

	for (size_t i = 0; i < outcomes->ids->n; i++)
		if (!outcomes->said[i]) {
			outcomes->results[i].outcome = outcome;
			n++;
		}
	return n;
}

void outcomes_settle(struct outcomes *outcomes, struct ending *ending)
{
	size_t silent;

	if (!outcomes->results)
		return;
	outcomes_spread(outcomes);
	silent = fill_in(outcomes, ending->outcome);
	if (silent == 0 || ending->outcome == OUTCOME_COMPLETED)
		judge_ids(ending, outcomes);
	ending->results = outcomes->results;
	ending->n = outcomes->ids->n;
	outcomes->results = NULL;
}
