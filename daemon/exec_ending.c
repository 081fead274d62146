#include "exec_ending.h"

#include "utf8.h"
#include "util.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define TEXT_SIZE (ATTEMPT_ERROR_MAX + 1)

__attribute__((format(printf, 1, 2))) static char *message(const char *format, ...)
{
	char text[2 * TEXT_SIZE], cleaned[TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	utf8_clean(cleaned, sizeof(cleaned), text);
	return xstrdup(cleaned);
}

/* ---- the command as a whole ---- */

static void fails(struct ending *ending, enum failure failure, const char *why, const char *line)
{
	*ending = (struct ending){.outcome = OUTCOME_RETRY,
	    .failure = failure,
	    .message = message("%s%s%s", why, *line ? ": " : "", line)};
}

static void by_signal(struct ending *ending, const struct exec_end *end)
{
	const char *name = sigdescr_np(end->status);
	char why[80];

	if (name)
		snprintf(why, sizeof(why), "ended by signal %d (%s)", end->status, name);
	else
		snprintf(why, sizeof(why), "ended by signal %d", end->status);
	fails(ending, FAILURE_SIGNAL, why, end->last_line);
}

static void by_exit(struct ending *ending, const struct exec_end *end)
{
	char why[32];

	snprintf(why, sizeof(why), "exit status %d", end->status);
	fails(ending, end->status == EX_TEMPFAIL ? FAILURE_TRY_AGAIN : FAILURE_EXIT, why,
	    end->last_line);
}

static void by_timeout(struct ending *ending, const struct exec_end *end)
{
	char duration[DURATION_TEXT_SIZE], why[64];

	format_duration(end->timeout_ns, duration);
	snprintf(why, sizeof(why), "timed out after %s", duration);
	fails(ending, FAILURE_TIMEOUT, why, end->last_line);
}

static void judge_command(struct ending *ending, const struct exec_end *end)
{
	if (end->cause == EXEC_TIMED_OUT)
		by_timeout(ending, end);
	else if (!end->signaled && end->status == 0)
		ending->outcome = OUTCOME_COMPLETED;
	else if (end->cause == EXEC_CANCELLED)
		ending->outcome = OUTCOME_INTERRUPTED;
	else if (end->signaled)
		by_signal(ending, end);
	else
		by_exit(ending, end);
}

/* ---- single ids ---- */

/* How many ids are not done, by their own lines, and the first one of these. */
static size_t count_not_done(const struct exec_outcomes *outcomes, size_t *first)
{
	size_t n = 0;

	for (size_t i = outcomes->ids->n; i-- > 0;)
		if (outcomes->said[i] && outcomes->results[i].outcome != OUTCOME_COMPLETED) {
			*first = i;
			n++;
		}
	return n;
}

static char *message_of_ids(const struct exec_outcomes *outcomes, size_t n, size_t first)
{
	const struct result *result = &outcomes->results[first];
	char many[80] = "";

	if (n > 1)
		snprintf(many, sizeof(many), "%zu of %zu ids were not done; ", n, outcomes->ids->n);
	return message("%sid %" PRId64 ": %s", many, outcomes->ids->v[first], result->message);
}

/* For ids whose line does not say why: the message of the attempt is about another one. */
static void say_why(const struct exec_outcomes *outcomes)
{
	for (size_t i = 0; i < outcomes->ids->n; i++) {
		struct result *result = &outcomes->results[i];

		if (result->outcome != OUTCOME_COMPLETED && !result->message)
			result->message = xstrdup(
			    result->outcome == OUTCOME_RETRY ? "to be tried again" : "failed");
	}
}

/* Why, when the lines of the ids decided it. */
static void judge_ids(struct ending *ending, const struct exec_outcomes *outcomes)
{
	size_t first = 0, n = count_not_done(outcomes, &first);

	say_why(outcomes);
	free(ending->message);
	ending->failure = n > 0 ? FAILURE_IDS : FAILURE_NONE;
	ending->message = n > 0 ? message_of_ids(outcomes, n, first) : NULL;
}

/* Ids without a line share the fate of the command; returns how many they are. */
static size_t fill_in(struct exec_outcomes *outcomes, enum outcome outcome)
{
	size_t n = 0;

	for (size_t i = 0; i < outcomes->ids->n; i++)
		if (!outcomes->said[i]) {
			outcomes->results[i].outcome = outcome;
			n++;
		}
	return n;
}

void exec_ending(struct ending *ending, struct exec_outcomes *outcomes, const struct exec_end *end)
{
	size_t silent;

	*ending = (struct ending){0};
	judge_command(ending, end);
	if (!outcomes->results)
		return;
	silent = fill_in(outcomes, ending->outcome);
	if (silent == 0 || ending->outcome == OUTCOME_COMPLETED)
		judge_ids(ending, outcomes);
	ending->results = outcomes->results;
	ending->n = outcomes->ids->n;
	outcomes->results = NULL;
}
