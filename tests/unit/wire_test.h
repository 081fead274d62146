/* What the tests of the wire format share: lines that are read, and messages that come back. */
#ifndef INGESTD_UNIT_WIRE_H
#define INGESTD_UNIT_WIRE_H

#include "unit.h"
#include "util.h"
#include "wire.h"

#define UUID "019b2c6e-1234-7abc-8def-0123456789ab"

/* ---- reading requests ---- */

/* Reads a copy without a NUL behind it. */
static inline enum err read_text(const char *line, struct wire_request *request, struct fail *fail)
{
	char *copy = exact_copy(line, strlen(line));
	enum err err = wire_read_request(copy, strlen(line), INT64_MAX, request, fail);

	free(copy);
	assert_int_equal(err, fail->err);
	return err;
}

static inline void assert_refuses(const char *line, enum err err, const char *why)
{
	struct wire_request request;
	struct fail fail;

	if (!read_text(line, &request, &fail))
		fail_msg("%s is accepted", line);
	assert_fail(&fail, err, why);
	assert_null(request.submit.ids.v);
}

/* A request for `submit` with these params is refused; its id is known to the error reply. */
static inline void assert_refuses_params(const char *method, const char *params, const char *why)
{
	char *line = xasprintf(
	    "{\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"%s\",\"params\":%s}", method, params);
	struct wire_request request;
	struct fail fail;

	if (!read_text(line, &request, &fail))
		fail_msg("%s is accepted", line);
	assert_fail(&fail, ERR_INVALID, why);
	assert_string_equal(request.id, "77");
	free(line);
}

static inline struct wire_request accepted(const char *line)
{
	struct wire_request request;
	struct fail fail;

	if (read_text(line, &request, &fail))
		fail_msg("%s is refused: %s", line, fail.text);
	return request;
}

/* ---- round trips ---- */

/* Writes and reads a request; its id and method are the same then. */
static inline struct wire_request request_back(const struct wire_request *request)
{
	struct wire_request back;
	struct buf out = {0};
	struct fail fail;

	wire_write_request(request, &out);
	assert_ptr_equal(strchr(out.data, '\n'), out.data + out.len - 1);
	if (wire_read_request(out.data, out.len - 1, INT64_MAX, &back, &fail))
		fail_msg("%s is refused: %s", out.data, fail.text);
	buf_free(&out);
	assert_string_equal(back.id, request->id);
	assert_int_equal(back.method, request->method);
	return back;
}

/* Writes and reads a reply. */
static inline struct wire_reply reply_back(enum wire_method method, const struct wire_reply *reply)
{
	struct wire_reply back;
	struct buf out = {0};
	struct fail fail;

	wire_write_reply("7", method, reply, &out);
	assert_ptr_equal(strchr(out.data, '\n'), out.data + out.len - 1);
	if (!wire_read_reply(out.data, out.len - 1, method, &back, &fail))
		fail_msg("%s is refused: %s", out.data, fail.text);
	assert_int_equal(back.fail.err, ERR_OK);
	buf_free(&out);
	return back;
}

/* ---- replies that are none ---- */

static inline void assert_no_reply(enum wire_method method, const char *line)
{
	struct wire_reply reply;
	struct fail fail;
	char *copy = exact_copy(line, strlen(line));

	if (wire_read_reply(copy, strlen(line), method, &reply, &fail))
		fail_msg("%s is taken for a reply to %s", line, wire_method_name(method));
	free(copy);
}

#endif
