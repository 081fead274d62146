#include "upstream_reply.h"

#include "exec_output.h"
#include "outcomes.h"
#include "utf8.h"
#include "util.h"
#include "wire_upstream.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OUTPUT_MAX 4096 /* bytes of a body that are kept to be shown */
#define PIECE_SIZE 200 /* of what the other side says, in an error */
#define REST_MAX_S (365 * 86400)
#define RETRY_AFTER "retry-after:"

void upstream_reply_init(struct upstream_reply *reply, int64_t max)
{
	*reply = (struct upstream_reply){.max = max};
}

void upstream_reply_free(struct upstream_reply *reply)
{
	buf_free(&reply->body);
}

/* ---- what arrives ---- */

/* Seconds, or a date (RFC 9110, 10.2.3); one that has passed means now. What is neither is not
 * there. */
static void read_retry_after(struct upstream_reply *reply, const char *text, int64_t utc_ms)
{
	int64_t seconds, date_s;

	if (parse_u63(text, strlen(text), &seconds)) {
		reply->has_rest = true;
	} else if (strchr(text, ':') && (date_s = curl_getdate(text, NULL)) > 0) {
		reply->has_rest = true;
		seconds = (date_s * 1000 - utc_ms + 999) / 1000;
	} else {
		return;
	}
	seconds = seconds < 0 ? 0 : seconds > REST_MAX_S ? REST_MAX_S : seconds;
	reply->rest_ms = seconds * 1000;
}

void upstream_reply_header(
    struct upstream_reply *reply, const char *line, size_t len, int64_t utc_ms)
{
	size_t name = strlen(RETRY_AFTER);
	char value[64];

	/* An answer before the answer (100, 103) has a header of its own. */
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		reply->has_rest = false;
	if (len < name || strncasecmp(line, RETRY_AFTER, name) != 0)
		return;
	line += name;
	len -= name;
	for (; len > 0 && strchr(" \t", *line); len--)
		line++;
	while (len > 0 && strchr(" \t\r\n", line[len - 1]))
		len--;
	if (len >= sizeof(value))
		return;
	snprintf(value, sizeof(value), "%.*s", (int)len, line);
	read_retry_after(reply, value, utc_ms);
}

bool upstream_reply_body(struct upstream_reply *reply, const char *data, size_t len)
{
	size_t room = (size_t)reply->max - reply->body.len;

	reply->too_long = len > room;
	buf_add(&reply->body, data, reply->too_long ? room : len);
	return !reply->too_long;
}

/* ---- what it says ---- */

static bool is_temporary(long status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

static bool asks_for_rest(const struct upstream_reply *reply, long status)
{
	return reply->has_rest && (status == 429 || status == 503);
}

static void set_message(struct ending *ending, const char *text)
{
	char cleaned[ATTEMPT_ERROR_MAX + 1];

	utf8_clean(cleaned, sizeof(cleaned), text);
	ending->message = xstrdup(cleaned);
}

/* The answer cannot be used, and so its ids are not known to be done. */
__attribute__((format(printf, 3, 4))) static void refuse(
    struct ending *ending, long status, const char *format, ...)
{
	char why[ATTEMPT_ERROR_MAX + 1], text[sizeof(why) + 32];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	snprintf(text, sizeof(text), "HTTP %ld: %s", status, why);
	*ending = (struct ending){.outcome = OUTCOME_RETRY, .failure = FAILURE_REPLY};
	set_message(ending, text);
}

/* The first line, unless a page for people begins there. */
static void first_line(const struct upstream_reply *reply, char line[PIECE_SIZE + 1])
{
	const char *text = reply->body.len > 0 ? reply->body.data : "";

	text += strspn(text, " \t\r\n");
	snprintf(line, PIECE_SIZE + 1, "%.*s", *text == '<' ? 0 : (int)strcspn(text, "\r\n"), text);
}

/* What went wrong, from a status that says so. */
static void judge_status(const struct upstream_reply *reply, long status,
    const struct wire_answer *answer, struct ending *ending)
{
	bool rests = asks_for_rest(reply, status);
	char piece[PIECE_SIZE + 1], rest[DURATION_TEXT_SIZE], text[ATTEMPT_ERROR_MAX + 1];

	*ending = (struct ending){.outcome = rests                  ? OUTCOME_INTERRUPTED
	                                     : is_temporary(status) ? OUTCOME_RETRY
	                                                            : OUTCOME_FAILED,
	    .failure = FAILURE_STATUS,
	    .hold_ms = rests ? reply->rest_ms : 0};
	if (answer->detail)
		snprintf(piece, sizeof(piece), "%s", answer->detail);
	else
		first_line(reply, piece);
	format_duration(ending->hold_ms * NS_PER_MS, rest);
	snprintf(text, sizeof(text), "HTTP %ld%s%s%s%s%s", status,
	    status / 100 == 3 ? " (redirects are not followed)" : "",
	    rests ? ", to be tried again after " : "", rests ? rest : "", *piece ? ": " : "",
	    piece);
	set_message(ending, text);
}

/* False: one of the results has another word; *which says which. */
static bool say_all(struct outcomes *outcomes, const struct wire_answer *answer, size_t *which)
{
	for (size_t i = 0; i < answer->n; i++) {
		const struct wire_said *said = &answer->v[i];
		enum outcome outcome;

		*which = i;
		if (!outcomes_word(said->status, strlen(said->status), &outcome))
			return false;
		outcomes_say(outcomes, said->id, outcome, said->message);
	}
	return true;
}

/* Without the mark that some put before UTF-8 (RFC 8259, 8.1). */
static const char *body_text(const struct upstream_reply *reply, size_t *len)
{
	const char *text = reply->body.len > 0 ? reply->body.data : "";
	size_t mark = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	*len = reply->body.len - mark;
	return text + mark;
}

/* Most servers answer with no results, and not even with JSON. But what was meant to be results
 * must not be taken for that. */
static bool is_other_text(const struct upstream_reply *reply)
{
	size_t len;
	const char *text = body_text(reply, &len);

	return text[strspn(text, " \t\r\n")] != '{' ||
	       !memmem(text, len, "\"results\"", strlen("\"results\""));
}

static void judge_answer(const struct upstream_reply *reply, long status, const struct idlist *ids,
    const struct wire_answer *answer, const struct fail *fail, struct ending *ending)
{
	bool good = status / 100 == 2;
	struct outcomes outcomes;
	size_t which = 0;

	outcomes_init(&outcomes, ids);
	if (!good)
		judge_status(reply, status, answer, ending);
	else
		*ending = (struct ending){.outcome = OUTCOME_COMPLETED};
	if (good && reply->too_long)
		refuse(ending, status,
		    "the answer has more than %" PRId64 " bytes (--upstream-max-reply)",
		    reply->max);
	else if (good && fail->err && !(fail->err == ERR_PARSE_ERROR && is_other_text(reply)))
		refuse(ending, status, "the answer cannot be used: %s", fail->text);
	else if (!fail->err && ids->n > 0 && say_all(&outcomes, answer, &which))
		outcomes_settle(&outcomes, ending);
	else if (!fail->err && ids->n > 0 && good)
		refuse(ending, status,
		    "the answer cannot be used: results[%zu] has the status \"%.40s\", which is "
		    "none of ok, retry, fail",
		    which, answer->v[which].status);
	outcomes_free(&outcomes);
}

void upstream_reply_judge(const struct upstream_reply *reply, long status, const struct idlist *ids,
    struct ending *ending)
{
	struct wire_answer answer;
	struct fail fail;
	size_t len;
	const char *text = body_text(reply, &len);

	wire_read_answer(text, len, &answer, &fail);
	judge_answer(reply, status, ids, &answer, &fail, ending);
	wire_answer_free(&answer);
}

void upstream_reply_output(const struct upstream_reply *reply, struct output *output)
{
	struct exec_output kept;

	exec_output_init(&kept, OUTPUT_MAX);
	exec_output_add(&kept, reply->body.data, reply->body.len);
	exec_output_take(&kept, output);
}
