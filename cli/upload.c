#include "upload.h"

#include "clock.h"
#include "exits.h"
#include "interrupt.h"
#include "out.h"
#include "upload_parts.h"
#include "util.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* As many ids as can be in one message: a digit and a comma for each. */
#define FIRST_READ (UPLOAD_MESSAGE_MAX / 2)
#define RETRY_MS 200 /* where the daemon does not say */
#define RETRY_WHOLE_NS (10 * NS_PER_S)

static int64_t now_ns(void)
{
	return clock_boot_ns(clock_system());
}

/* ---- the ids that come next ---- */

int upload_fill(struct upload *upload, size_t n, struct fail *fail)
{
	size_t wanted = n > upload->ids.n ? n - upload->ids.n : 0;

	if (upload->ended || wanted == 0)
		return 0;
	if (input_read(upload->input, wanted, &upload->ids, fail))
		return interrupt_came ? EXITS_INTERRUPTED : err_exit_status(fail->err);
	upload->ended = upload->ids.n < n;
	return 0;
}

/* ---- what the user sees ---- */

void upload_say(struct upload *upload, const char *format, ...)
{
	char text[512];
	va_list args;

	if (upload->quiet)
		return;
	bar_clear(&upload->bar);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	out_say("%s", text);
}

const char *upload_same_command(const struct upload *upload, char text[UPLOAD_COMMAND_SIZE])
{
	snprintf(text, UPLOAD_COMMAND_SIZE, "the same command%s%s",
	    upload->key_is_given ? "" : " with --key ", upload->key_is_given ? "" : upload->key);
	return text;
}

/* ---- trouble ---- */

bool upload_is_lost(const struct upload *upload, int status)
{
	return upload->client->fd < 0 && (status == EXITS_UNREACHABLE || status == EXITS_BUSY);
}

bool upload_is_passing(
    struct upload *upload, int status, const struct fail *fail, bool also_busy, int64_t for_ns)
{
	int64_t now = now_ns();

	if (!upload_is_lost(upload, status) && fail->err != ERR_UNKNOWN_OUTCOME &&
	    !(also_busy && fail_retry_ms(fail) > 0))
		return false;
	if (upload->failing_since == 0) {
		upload->failing_since = now;
		upload_say(
		    upload, "%s; trying again for %d s", fail->text, (int)(for_ns / NS_PER_S));
	}
	return now - upload->failing_since < for_ns;
}

void upload_rest(struct upload *upload, const struct fail *fail, int64_t for_ns)
{
	int64_t left_ms = (upload->failing_since + for_ns - now_ns()) / NS_PER_MS;
	int64_t ms = fail_retry_ms(fail);

	if (ms == 0)
		ms = RETRY_MS;
	if (ms > left_ms)
		ms = left_ms > 0 ? left_ms : 0;
	client_close(upload->client);
	poll(NULL, 0, (int)ms);
}

/* ---- in one message ---- */

static size_t digits(int64_t id)
{
	size_t n = 1;

	while (id /= 10)
		n++;
	return n;
}

/* Whether all ids are here and fit into one message. Counted before the message is made. */
static bool fits(const struct upload *upload, struct wire_request *request)
{
	int64_t max = upload->client->hello.limits.max_message_bytes;
	struct buf envelope = {0};
	size_t bytes;

	if (!upload->ended)
		return false;
	request->submit.ids = (struct idlist){0};
	wire_write_request(request, &envelope);
	bytes = envelope.len + upload->ids.n;
	buf_free(&envelope);
	for (size_t i = 0; i < upload->ids.n; i++)
		bytes += digits(upload->ids.v[i]);
	return bytes <= (size_t)(max < UPLOAD_MESSAGE_MAX ? max : UPLOAD_MESSAGE_MAX);
}

struct wire_request upload_submit_request(const struct upload *upload)
{
	struct wire_request request = {
	    .method = WIRE_SUBMIT,
	    .submit = {.has_priority = true, .priority = upload->priority},
	};

	strcpy(request.submit.label, upload->label);
	strcpy(request.submit.key, upload->key);
	/* It is part of the length. */
	snprintf(request.id, sizeof(request.id), "%" PRId64, upload->client->next_id + 1);
	return request;
}

/* `sent`: an answer to this was lost already, so what has become of it is unknown. */
static int try_whole(struct upload *upload, bool *sent, struct wire_reply *reply, struct fail *fail)
{
	struct wire_request request = upload_submit_request(upload);
	int status = 0;

	if (upload->client->fd < 0)
		status = client_reopen(upload->client, fail);
	if (status)
		return status;
	request.submit.ids = upload->ids; /* borrowed */
	status = client_call(upload->client, &request, reply, fail);
	if (status == EXITS_INTERRUPTED || upload_is_lost(upload, status)
		? upload->client->sent
		: status && fail->err == ERR_UNKNOWN_OUTCOME)
		*sent = true;
	return status;
}

/* Why a single message has failed, and what is known about the ids. */
static int say_failed(const struct upload *upload, int status, bool sent, const struct fail *fail)
{
	const char *why = interrupt_came ? "interrupted" : fail->text;
	char text[UPLOAD_COMMAND_SIZE];

	if (interrupt_came)
		status = EXITS_INTERRUPTED;
	else if (sent)
		status = err_exit_status(ERR_UNKNOWN_OUTCOME);
	if (sent)
		return out_fail(status,
		    "%s; it is unknown whether the ids were submitted, but %s does it once", why,
		    upload_same_command(upload, text));
	return out_fail(status, "%s%s", why, interrupt_came ? ", nothing was submitted" : "");
}

/*
 * Returns CLIENT_NOTHING when it has to be an upload: under this key there is one that was not
 * sealed.
 */
static int send_whole(struct upload *upload, struct wire_submit_reply *result)
{
	struct wire_reply reply;
	struct fail fail;
	bool sent = false;
	int status;

	while ((status = try_whole(upload, &sent, &reply, &fail)) != 0) {
		if (interrupt_came)
			break;
		if (fail.err == ERR_IN_PROGRESS)
			return CLIENT_NOTHING;
		/* Without an answer for so long there will hardly be one soon. */
		if (status == EXITS_BUSY && upload->client->fd < 0)
			break;
		if (!upload_is_passing(upload, status, &fail, sent, RETRY_WHOLE_NS))
			break;
		upload_rest(upload, &fail, RETRY_WHOLE_NS);
		if (interrupt_came)
			break;
	}
	if (status)
		return say_failed(upload, status, sent, &fail);
	*result = reply.submit;
	result->replayed = result->replayed && !sent;
	wire_reply_free(&reply);
	return 0;
}

/* ---- the whole ---- */

int upload_run(struct upload *upload, struct wire_submit_reply *result)
{
	struct wire_request request;
	struct fail fail;
	int status = upload_fill(upload, FIRST_READ, &fail);

	if (!status)
		status = client_open(upload->client, upload->socket, &fail);
	if (status)
		return out_fail(status, "%s", fail.text);
	interrupt_catch();
	upload->client->stop = &interrupt_came;
	request = upload_submit_request(upload);
	status = fits(upload, &request) ? send_whole(upload, result) : CLIENT_NOTHING;
	return status == CLIENT_NOTHING ? upload_in_parts(upload, result) : status;
}

void upload_free(struct upload *upload)
{
	idlist_free(&upload->ids);
}
