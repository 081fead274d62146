#include "fuzz.h"

#include "wire.h"

#include <stdlib.h>
#include <string.h>

static struct buf written(enum wire_method method, const struct wire_reply *reply)
{
	struct buf line = {0};

	if (reply->fail.err)
		wire_write_error("1", &reply->fail, &line);
	else
		wire_write_reply("1", method, reply, &line);
	if (memchr(line.data, '\n', line.len) != line.data + line.len - 1)
		abort();
	return line;
}

/* A reply that could be read can be written, read and written to the same bytes. */
static void check_reply(enum wire_method method, const struct wire_reply *reply)
{
	struct buf line = written(method, reply), again;
	struct wire_reply back;
	struct fail fail;

	if (!wire_read_reply(line.data, line.len - 1, method, &back, &fail))
		abort();
	again = written(method, &back);
	if (line.len != again.len || memcmp(line.data, again.data, line.len) != 0)
		abort();
	wire_reply_free(&back);
	buf_free(&line);
	buf_free(&again);
}

int fuzz_reply(const uint8_t *data, size_t size)
{
	enum wire_method method;
	struct wire_reply reply;
	struct fail fail = {.err = ERR_OK};

	if (size == 0)
		return 0;
	method = (enum wire_method)((data[0] + 256 - 'a') % 256 % WIRE_METHOD_COUNT);
	if (wire_read_reply((const char *)data + 1, size - 1, method, &reply, &fail)) {
		/* No client asks for the largest id. */
		reply.hello.limits.max_id = 0;
		check_reply(method, &reply);
		wire_reply_free(&reply);
	} else if (!fail.err || !fail.text[0]) {
		abort();
	}
	return 0;
}
