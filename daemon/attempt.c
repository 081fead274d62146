#include "attempt.h"

#include <stdlib.h>
#include <string.h>

void ending_free(struct ending *ending)
{
	for (size_t i = 0; i < ending->n; i++)
		free(ending->results[i].message);
	free(ending->results);
	free(ending->message);
	free(ending->out.text);
	free(ending->err.text);
	*ending = (struct ending){0};
}

enum outcome ending_outcome(const struct ending *ending, size_t i)
{
	return ending->results ? ending->results[i].outcome : ending->outcome;
}

const char *ending_message(const struct ending *ending, size_t i)
{
	return ending->results ? ending->results[i].message : NULL;
}

struct tally ending_tally(const struct ending *ending, size_t ids)
{
	struct tally tally = {{0}};

	for (size_t i = 0; i < ids; i++)
		tally.ids[ending_outcome(ending, i)]++;
	return tally;
}

/* Nobody wishes the batch to be given up. */
static struct verdict goes_on(const struct tally *tally, const struct situation *situation)
{
	bool stopped = tally->ids[OUTCOME_INTERRUPTED] + tally->ids[OUTCOME_UNKNOWN] > 0;
	bool exhausted = !stopped && situation->attempt >= situation->max_attempts;
	int64_t again = tally->ids[OUTCOME_RETRY];
	struct verdict verdict = {.status = BATCH_RETRYING, .counts = !stopped};

	if (exhausted)
		verdict.retry = ID_FAILED;
	if (stopped || (again > 0 && !exhausted))
		return verdict;
	verdict.status = situation->failed + tally->ids[OUTCOME_FAILED] + again > 0
	                     ? BATCH_FAILED
	                     : BATCH_COMPLETED;
	return verdict;
}

struct verdict attempt_verdict(const struct tally *tally, const struct situation *situation)
{
	int64_t given_up = tally->ids[OUTCOME_RETRY] + tally->ids[OUTCOME_INTERRUPTED] +
	                   tally->ids[OUTCOME_UNKNOWN];

	if (!situation->cancelling || given_up == 0)
		return goes_on(tally, situation);
	return (struct verdict){.status = BATCH_CANCELLED,
	    .counts = true,
	    .retry = ID_CANCELLED,
	    .interrupted = ID_CANCELLED,
	    .unknown = ID_UNKNOWN};
}

enum id_outcome verdict_outcome(const struct verdict *verdict, enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_COMPLETED:
		return ID_COMPLETED;
	case OUTCOME_FAILED:
		return ID_FAILED;
	case OUTCOME_RETRY:
		return verdict->retry;
	case OUTCOME_INTERRUPTED:
		return verdict->interrupted;
	case OUTCOME_UNKNOWN:
		break;
	}
	return verdict->unknown;
}

/* One step of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators). */
static uint64_t mix(uint64_t state, uint64_t value)
{
	uint64_t z = (state ^ value) + 0x9e3779b97f4a7c15U;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

static uint64_t hash(const struct uuid *ingestion, int64_t index, int64_t attempt)
{
	uint64_t state = 0;

	for (size_t i = 0; i < sizeof(ingestion->bytes); i++)
		state = mix(state, ingestion->bytes[i]);
	return mix(mix(state, (uint64_t)index), (uint64_t)attempt);
}

int64_t retry_delay_ms(
    const struct retry_policy *policy, const struct uuid *ingestion, int64_t index, int64_t attempt)
{
	int64_t delay = policy->base_ms < policy->max_ms ? policy->base_ms : policy->max_ms;
	int64_t half;

	for (int64_t i = 1; i < attempt && delay < policy->max_ms; i++)
		delay = delay > policy->max_ms / 2 ? policy->max_ms : 2 * delay;
	half = delay / 2;
	return delay - (int64_t)(hash(ingestion, index, attempt) % (uint64_t)(half + 1));
}
