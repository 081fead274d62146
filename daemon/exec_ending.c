#include "exec_ending.h"

#include "utf8.h"
#include "util.h"

#include <stdarg.h>
#include <stdio.h>
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

void exec_ending(struct ending *ending, struct exec_outcomes *outcomes, const struct exec_end *end)
{
	*ending = (struct ending){0};
	judge_command(ending, end);
	outcomes_settle(&outcomes->of_ids, ending);
}
