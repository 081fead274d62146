/* Lists that do not fit into one message: open, one append after the other, seal. */
#include "upload_parts.h"

#include "clock.h"
#include "exits.h"
#include "interrupt.h"
#include "out.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ID_BYTES 20 /* of the longest id, with a comma */
#define ENVELOPE_MAX 512 /* bytes of an append without its ids */
#define RETRY_PARTS_NS (30 * NS_PER_S)

static int64_t now_ns(void)
{
	return clock_boot_ns(clock_system());
}

/* ---- how far it is ---- */

/* The first `n` have arrived. */
static void advance(struct upload *upload, size_t n)
{
	struct idlist *ids = &upload->ids;

	digester_add(&upload->digester, ids->v, n);
	upload->arrived += (int64_t)n;
	upload->failing_since = 0;
	ids->n -= n;
	memmove(ids->v, ids->v + n, ids->n * sizeof(*ids->v));
}

/* How many ids go into one part: whole blocks of the digest, if possible, fit best. */
static size_t part_ids(const struct upload *upload)
{
	int64_t bytes = upload->client->hello.limits.max_message_bytes;
	size_t n;

	if (bytes > UPLOAD_MESSAGE_MAX)
		bytes = UPLOAD_MESSAGE_MAX;
	n = (size_t)(bytes - ENVELOPE_MAX) / ID_BYTES;
	return n > DIGEST_BLOCK ? n - n % DIGEST_BLOCK : n;
}

/* How many ids there will be, or -1. */
static int64_t total_ids(const struct upload *upload)
{
	return upload->has_content ? upload->content_n : input_estimate(upload->input);
}

static void draw(struct upload *upload)
{
	int64_t ns = now_ns() - upload->begun, total = total_ids(upload);
	double speed = (double)(upload->arrived - upload->skipped) * (double)NS_PER_S /
	               (double)(ns > 0 ? ns : 1);
	char count[40], rate[40], time[BAR_TIME_SIZE], text[BAR_TIME_SIZE + 16];
	struct bar_state state = {0};

	if (total > 0) {
		state.total = total;
		state.done = upload->arrived < total ? upload->arrived : total;
	}
	snprintf(count, sizeof(count), "  %" PRId64 " ids", upload->arrived);
	snprintf(rate, sizeof(rate), "  %.0f/s", speed);
	if (total > 0 && speed > 0) {
		bar_format_time((int64_t)((double)(total - state.done) * 1000 / speed), time);
		/* Without hours, if there are none. */
		snprintf(text, sizeof(text), "  %s left",
		    strncmp(time, "00:", 3) == 0 ? time + 3 : time);
	} else {
		bar_format_time(ns / NS_PER_MS, time);
		snprintf(text, sizeof(text), "  %s", time);
	}
	bar_add(&state, count, BAR_ALWAYS);
	bar_add(&state, rate, 1);
	bar_add(&state, text, 2);
	bar_draw(&upload->bar, &state);
}

static int say_interrupted(struct upload *upload)
{
	char text[UPLOAD_COMMAND_SIZE];

	bar_clear(&upload->bar);
	return out_fail(EXITS_INTERRUPTED, "interrupted after %" PRId64 " ids; %s continues",
	    upload->arrived, upload_same_command(upload, text));
}

/* ---- in parts ---- */

static int conflict(const struct upload *upload, struct fail *fail)
{
	char id[UUID_TEXT_SIZE];

	uuid_format(&upload->ingestion, id);
	fail_set(fail, ERR_CONFLICT,
	    "other ids, or another priority or label, were submitted with the key %s before, as %s",
	    upload->key, id);
	return err_exit_status(fail->err);
}

/* Reads what the daemon has already, without sending it, and compares. */
static int catch_up(struct upload *upload, const struct wire_submit_reply *has, struct fail *fail)
{
	struct digest digest;

	while (upload->arrived < has->received) {
		size_t n = part_ids(upload);
		int status;

		if ((int64_t)n > has->received - upload->arrived)
			n = (size_t)(has->received - upload->arrived);
		status = upload_fill(upload, n, fail);
		if (status)
			return status;
		if (upload->ids.n < n)
			return conflict(upload, fail);
		if (interrupt_came)
			return EXITS_INTERRUPTED;
		advance(upload, n);
	}
	digest = digester_value(&upload->digester);
	return digest_equal(&digest, &has->digest) ? 0 : conflict(upload, fail);
}

/* After the daemon was away for a moment it must still have what it has acknowledged. */
static int check_same(
    const struct upload *upload, const struct wire_submit_reply *has, struct fail *fail)
{
	if (!upload->opened ||
	    (memcmp(&has->ingestion, &upload->ingestion, sizeof(has->ingestion)) == 0 &&
		has->received >= upload->arrived))
		return 0;
	fail_set(fail, ERR_WRONG_STATE, "the daemon has lost the upload, or it was cancelled");
	return err_exit_status(fail->err);
}

static void say_begun(struct upload *upload, int64_t received)
{
	char text[UPLOAD_COMMAND_SIZE];

	if (!upload->opened)
		upload_say(upload, "sending in parts; if this is interrupted, %s continues it",
		    upload_same_command(upload, text));
	if (received > 0)
		upload_say(upload, "continuing after %" PRId64 " ids", received);
}

static int open_upload(struct upload *upload, struct wire_submit_reply *has, struct fail *fail)
{
	struct wire_request request = upload_submit_request(upload);
	struct wire_reply reply;
	int status;

	request.submit.open = true;
	status = client_call(upload->client, &request, &reply, fail);
	if (status)
		return status;
	*has = reply.submit;
	wire_reply_free(&reply);
	if (!has->open) {
		fail_set(fail, ERR_INTERNAL, "the daemon does not take lists in parts");
		return EXITS_REFUSED;
	}
	status = check_same(upload, has, fail);
	if (status)
		return status;
	upload->ingestion = has->ingestion;
	status = catch_up(upload, has, fail);
	if (status)
		return status;
	if (!has->sealed)
		say_begun(upload, has->received);
	if (!upload->opened)
		upload->skipped = has->received;
	upload->opened = true;
	return 0;
}

/* Sends the first `n` ids, without waiting for the answer. */
static int send_part(struct upload *upload, size_t n, struct fail *fail)
{
	struct wire_request request = {
	    .method = WIRE_APPEND,
	    .append = {.ingestion = upload->ingestion,
		.offset = upload->arrived,
		.ids = {.v = upload->ids.v, .n = n}},
	};

	snprintf(request.id, sizeof(request.id), "%" PRId64, ++upload->client->next_id);
	upload->sent = n;
	return client_send(upload->client, &request, fail);
}

/*
 * A part was refused because of the state. When somebody else, with the same key, has sealed the
 * upload, all is well if that was the same list. Returns 0, or the exit status for *fail.
 */
static int look_overtaken(struct upload *upload, struct fail *fail)
{
	struct wire_reply reply;
	struct fail why;
	int status = client_status(
	    upload->client, &(struct wire_status){.ingestion = upload->ingestion}, &reply, &why);

	if (status) {
		*fail = why;
		return status;
	}
	upload->overtaken = reply.status.ingestion.stage == STAGE_SEALED;
	wire_reply_free(&reply);
	upload->sent = 0;
	return upload->overtaken ? 0 : err_exit_status(fail->err);
}

static int take_answer(struct upload *upload, struct fail *fail)
{
	int64_t deadline = now_ns() + upload->client->reply_ms * NS_PER_MS;
	int64_t expected = upload->arrived + (int64_t)upload->sent;
	struct wire_reply reply;
	int status = client_receive(upload->client, WIRE_APPEND, deadline, &reply, fail);

	if (status == CLIENT_NOTHING) {
		client_close(upload->client);
		fail_set(fail, ERR_INTERNAL, "no answer from the daemon");
		return EXITS_BUSY;
	}
	if (status)
		return status;
	*fail = reply.fail;
	if (!fail->err && reply.append.received < expected)
		fail_set(fail, ERR_INTERNAL, "the daemon has acknowledged too few ids");
	wire_reply_free(&reply);
	if (fail->err == ERR_WRONG_STATE)
		return look_overtaken(upload, fail);
	if (fail->err)
		return err_exit_status(fail->err);
	advance(upload, upload->sent);
	upload->sent = 0;
	return 0;
}

/* While the daemon works on one part, the next one is read. */
static int send_parts(struct upload *upload, struct fail *fail)
{
	size_t part = part_ids(upload), n;

	upload->sent = 0;
	for (;;) {
		int status = upload_fill(upload, upload->sent + part, fail);

		if (!status && upload->sent > 0)
			status = take_answer(upload, fail);
		if (status)
			return status;
		if (interrupt_came)
			return EXITS_INTERRUPTED;
		draw(upload);
		if (upload->ids.n == 0)
			return 0;
		n = upload->ids.n < part ? upload->ids.n : part;
		if (upload->overtaken)
			advance(upload, n);
		else
			status = send_part(upload, n, fail);
		if (status)
			return status;
	}
}

/* Nobody will go on with it. That it is gone then is a courtesy: it would expire anyway. */
static void cancel(struct upload *upload)
{
	struct wire_request request = {
	    .method = WIRE_CANCEL, .cancel.ingestion = upload->ingestion};
	struct wire_reply reply;
	struct fail fail;

	/* An answer that is still to come would be taken for that of the cancel. */
	if (upload->sent > 0 || upload->client->fd < 0)
		client_reopen(upload->client, &fail);
	if (upload->client->fd >= 0 && client_call(upload->client, &request, &reply, &fail) == 0)
		wire_reply_free(&reply);
}

/* A list that has changed while it was read must not get a key that was made of what it was. */
static int check_content(struct upload *upload, struct fail *fail)
{
	struct digest digest = digester_value(&upload->digester);

	if (!upload->has_content || digest_equal(&digest, &upload->content))
		return 0;
	cancel(upload);
	fail_set(
	    fail, ERR_INVALID, "the input has changed while it was read, nothing is submitted");
	return err_exit_status(fail->err);
}

static int seal(struct upload *upload, struct wire_submit_reply *result, struct fail *fail)
{
	struct wire_request request = {
	    .method = WIRE_SEAL,
	    .seal = {.ingestion = upload->ingestion,
		.ids = upload->arrived,
		/* Another process may have sent a part, with the same key. */
		.has_digest = true,
		.digest = digester_value(&upload->digester)},
	};
	struct wire_reply reply;
	int status = check_content(upload, fail);

	if (!status)
		status = client_call(upload->client, &request, &reply, fail);
	if (status && upload->overtaken &&
	    (fail->err == ERR_UPLOAD_GAP || fail->err == ERR_CONFLICT))
		return conflict(upload, fail);
	if (status)
		return status;
	*result = reply.submit;
	wire_reply_free(&reply);
	return 0;
}

/* It is there as a whole, if the input has no more than that. */
static int take_sealed(struct upload *upload, const struct wire_submit_reply *has,
    struct wire_submit_reply *result, struct fail *fail)
{
	int status = upload_fill(upload, 1, fail);

	if (!status && upload->ids.n > 0)
		status = conflict(upload, fail);
	*result = *has;
	result->open = false;
	return status;
}

/* From where it stands to the end, unless something comes in between. */
static int try_parts(struct upload *upload, struct wire_submit_reply *result, struct fail *fail)
{
	bool resumes = upload->opened;
	struct wire_submit_reply has;
	int status = 0;

	if (upload->client->fd < 0)
		status = client_reopen(upload->client, fail);
	if (!status)
		status = open_upload(upload, &has, fail);
	if (!status && has.sealed) {
		status = take_sealed(upload, &has, result, fail);
		/* If it was begun here, it was sealed here: only the answer was lost. */
		result->replayed = result->replayed && !resumes;
		return status;
	}
	if (!status)
		status = send_parts(upload, fail);
	if (!status)
		status = seal(upload, result, fail);
	return status;
}

/* Why it has ended, and how to go on. A wrong list may be corrected behind what has arrived. */
static int say_failed(struct upload *upload, int status, const struct fail *fail)
{
	bool is_input = status == EXITS_USAGE && upload->client->fd >= 0;
	char text[UPLOAD_COMMAND_SIZE];

	bar_clear(&upload->bar);
	if (upload->opened && is_input && !upload->key_is_given)
		cancel(upload);
	else if (upload->opened &&
		 (is_input || upload_is_lost(upload, status) || fail_retry_ms(fail) > 0))
		return out_fail(status, "%s; %s continues after %" PRId64 " ids", fail->text,
		    upload_same_command(upload, text), upload->arrived);
	return out_fail(status, "%s", fail->text);
}

int upload_in_parts(struct upload *upload, struct wire_submit_reply *result)
{
	struct fail fail = {0};
	int status;

	upload->begun = now_ns();
	digester_begin(&upload->digester, upload->priority, upload->label);
	while ((status = try_parts(upload, result, &fail)) != 0) {
		if (interrupt_came)
			return say_interrupted(upload);
		if (!upload_is_passing(upload, status, &fail, upload->opened, RETRY_PARTS_NS))
			return say_failed(upload, status, &fail);
		upload_rest(upload, &fail, RETRY_PARTS_NS);
		if (interrupt_came)
			return say_interrupted(upload);
	}
	bar_clear(&upload->bar);
	return 0;
}
