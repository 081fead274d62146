#include "fuzz.h"

#include "wire.h"

#include <stdlib.h>
#include <string.h>

/* What a client writes, the daemon reads, as the same; returns the line. */
static struct buf written(const struct wire_request *request)
{
	struct buf line = {0};

	wire_write_request(request, &line);
	if (memchr(line.data, '\n', line.len) != line.data + line.len - 1)
		abort();
	return line;
}

static void check_request(const struct wire_request *request)
{
	struct buf line = written(request), again;
	struct wire_request back;
	struct fail fail = {.err = ERR_OK};

	if (wire_read_request(line.data, line.len - 1, INT64_MAX, &back, &fail))
		abort();
	again = written(&back);
	if (line.len != again.len || memcmp(line.data, again.data, line.len) != 0)
		abort();
	wire_request_free(&back);
	buf_free(&line);
	buf_free(&again);
}

/* Whatever was refused, the refusal can be read, and nothing is left to free. */
static void check_refusal(const struct wire_request *request, const struct fail *fail)
{
	struct buf line = {0};
	struct wire_reply reply;
	struct fail broken;

	if (!fail->err || !fail->text[0] || request->submit.ids.v || request->append.ids.v)
		abort();
	wire_write_error(request->id, fail, &line);
	if (memchr(line.data, '\n', line.len) != line.data + line.len - 1 ||
	    !wire_read_reply(line.data, line.len - 1, WIRE_PING, &reply, &broken) ||
	    strcmp(reply.fail.text, fail->text) != 0)
		abort();
	wire_reply_free(&reply);
	buf_free(&line);
}

int fuzz_request(const uint8_t *data, size_t size)
{
	struct wire_request request;
	struct fail fail = {.err = ERR_OK};

	if (wire_read_request((const char *)data, size, INT64_MAX, &request, &fail)) {
		check_refusal(&request, &fail);
		return 0;
	}
	check_request(&request);
	wire_request_free(&request);
	return 0;
}
