#include "exec_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_SIZE (64 * 1024) /* at a time, so that one who writes much holds nobody up */
#define DRAIN_MAX (1024 * 1024)

static void close_stream(struct exec_stream *stream)
{
	if (stream->fd < 0)
		return;
	event_free(stream->readable);
	close(stream->fd);
	stream->fd = -1;
}

/* Reads once and returns how much there was; 0: nothing, for now or for ever. */
static size_t read_once(struct exec_stream *stream)
{
	static char data[READ_SIZE]; /* of the loop's thread */
	ssize_t n = stream->fd < 0 ? 0 : read(stream->fd, data, sizeof(data));

	if (n > 0 && stream->outcomes)
		exec_outcomes_add(stream->outcomes, data, (size_t)n, &stream->output);
	else if (n > 0)
		exec_output_add(&stream->output, data, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_stream(stream);
	return n > 0 ? (size_t)n : 0;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	(void)fd, (void)events;
	read_once(arg);
}

void exec_stream_open(struct exec_stream *stream, struct event_base *base, int fd, size_t max,
    struct exec_outcomes *outcomes)
{
	stream->fd = fd;
	stream->outcomes = outcomes;
	exec_output_init(&stream->output, max);
	stream->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, stream);
	if (!stream->readable)
		abort();
	event_priority_set(stream->readable, 1); /* as clients */
	event_add(stream->readable, NULL);
}

void exec_stream_drain(struct exec_stream *stream)
{
	size_t sum = 0, n;

	while (sum < DRAIN_MAX && (n = read_once(stream)) > 0)
		sum += n;
	close_stream(stream);
}
