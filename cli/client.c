#include "client.h"

#include "clock.h"
#include "exits.h"
#include "util.h"
#include "version.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connecting takes no time but when more clients wait than the daemon's backlog holds. */
#define CONNECT_MS 5000

static int64_t now_ns(void)
{
	return clock_boot_ns(clock_system());
}

static int lost(const struct client *client, const char *what, struct fail *fail)
{
	fail_set(fail, ERR_INTERNAL, "the connection to %s ended%s", client->path, what);
	return EXITS_UNREACHABLE;
}

static int no_reply(const struct client *client, struct fail *fail)
{
	fail_set(fail, ERR_INTERNAL, "no reply within %.3g s", (double)client->reply_ms / 1000);
	return EXITS_BUSY;
}

/* ---- bytes ---- */

/* Waits until the descriptor is ready for `events` (poll(2)), CLIENT_NOTHING if it is not in time.
 */
static int wait_ready(
    const struct client *client, short events, int64_t deadline, struct fail *fail)
{
	struct pollfd pfd = {.fd = client->fd, .events = events};

	for (;;) {
		int64_t left_ms = (deadline - now_ns()) / NS_PER_MS + 1;
		int n =
		    poll(&pfd, 1, left_ms > 0 ? (int)(left_ms < INT_MAX ? left_ms : INT_MAX) : 0);

		if (n > 0)
			return 0;
		if (client->stop && *client->stop) {
			fail_set(fail, ERR_INTERNAL, "interrupted");
			return EXITS_INTERRUPTED;
		}
		if (n == 0)
			return CLIENT_NOTHING;
		if (errno != EINTR)
			return lost(client, " with an error", fail);
	}
}

static int send_all(
    struct client *client, const struct buf *data, int64_t deadline, struct fail *fail)
{
	for (size_t at = 0; at < data->len;) {
		ssize_t n =
		    send(client->fd, data->data + at, data->len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		int status = 0;

		if (n >= 0)
			at += (size_t)n;
		else if (errno == EAGAIN)
			status = wait_ready(client, POLLOUT, deadline, fail);
		else if (errno == EPIPE)
			return 0; /* it may have said why before it closed */
		else if (errno != EINTR)
			status = lost(client, " while the request was sent", fail);
		if (status)
			return status;
	}
	client->sent = true;
	return 0;
}

/* Takes what has arrived into client->lines. */
static int receive_some(struct client *client, struct fail *fail)
{
	char data[64 * 1024];
	ssize_t n = recv(client->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n > 0)
		wire_lines_add(&client->lines, data, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		return lost(client, " before the reply", fail);
	return 0;
}

static int receive_line(
    struct client *client, const char **line, size_t *len, int64_t deadline, struct fail *fail)
{
	for (;;) {
		int status;

		switch (wire_lines_next(&client->lines, line, len)) {
		case WIRE_LINE:
			return 0;
		case WIRE_TOO_LONG:
			fail_set(fail, ERR_INTERNAL, "the reply from %s is longer than %d bytes",
			    client->path, CLIENT_REPLY_MAX);
			return EXITS_REFUSED;
		case WIRE_MORE:
			break;
		}
		status = wait_ready(client, POLLIN, deadline, fail);
		if (!status)
			status = receive_some(client, fail);
		if (status)
			return status;
	}
}

/* ---- messages ---- */

static int read_reply(struct client *client, enum wire_method method, const char *line, size_t len,
    struct wire_reply *reply, struct fail *fail)
{
	struct fail why;

	if (wire_read_reply(line, len, method, reply, &why))
		return 0;
	fail_set(fail, ERR_INTERNAL, "%s does not answer as ingestd: %s", client->path, why.text);
	return EXITS_REFUSED;
}

int client_send(struct client *client, const struct wire_request *request, struct fail *fail)
{
	struct buf message = {0};
	int status;

	wire_write_request(request, &message);
	client->sent = false;
	status = send_all(client, &message, now_ns() + client->reply_ms * NS_PER_MS, fail);
	buf_free(&message);
	if (status == CLIENT_NOTHING)
		status = no_reply(client, fail);
	if (status)
		client_close(client);
	return status;
}

int client_receive(struct client *client, enum wire_method method, int64_t deadline,
    struct wire_reply *reply, struct fail *fail)
{
	const char *line;
	size_t len;
	int status = receive_line(client, &line, &len, deadline, fail);

	if (!status)
		status = read_reply(client, method, line, len, reply, fail);
	if (status && status != CLIENT_NOTHING)
		client_close(client);
	return status;
}

int client_call(struct client *client, struct wire_request *request, struct wire_reply *reply,
    struct fail *fail)
{
	int64_t deadline = now_ns() + client->reply_ms * NS_PER_MS;
	int status;

	snprintf(request->id, sizeof(request->id), "%" PRId64, ++client->next_id);
	status = client_send(client, request, fail);
	if (!status)
		status = client_receive(client, request->method, deadline, reply, fail);
	if (status == CLIENT_NOTHING) {
		/* A reply that comes too late must not be taken for the next one. */
		client_close(client);
		return no_reply(client, fail);
	}
	if (status || !reply->fail.err)
		return status;
	*fail = reply->fail;
	wire_reply_free(reply);
	return err_exit_status(fail->err);
}

void client_name_missing(const struct uuid *ingestion, struct fail *fail)
{
	char id[UUID_TEXT_SIZE];

	if (fail->err != ERR_NOT_FOUND)
		return;
	uuid_format(ingestion, id);
	fail_set(fail, ERR_NOT_FOUND, "ingestion %s not found", id);
}

int client_status(struct client *client, const struct wire_status *status, struct wire_reply *reply,
    struct fail *fail)
{
	struct wire_request request = {.method = WIRE_STATUS, .status = *status};
	int result = client_call(client, &request, reply, fail);

	if (result)
		client_name_missing(&status->ingestion, fail);
	return result;
}

int client_report(struct client *client, const struct wire_report *report, struct wire_reply *reply,
    struct fail *fail)
{
	struct wire_request request = {.method = WIRE_REPORT, .report = *report};
	int result = client_call(client, &request, reply, fail);

	if (result)
		client_name_missing(&report->ingestion, fail);
	return result;
}

int client_list(struct client *client, const struct wire_list *list, struct wire_reply *reply,
    struct fail *fail)
{
	struct wire_request request = {.method = WIRE_LIST, .list = *list};

	for (;;) {
		int status = client_call(client, &request, reply, fail);

		if (status || reply->list.n > 0 || !reply->list.next[0])
			return status;
		strcpy(request.list.cursor, reply->list.next);
		wire_reply_free(reply);
	}
}

/* ---- connections ---- */

static int hello(struct client *client, struct fail *fail)
{
	struct wire_request request = {
	    .method = WIRE_HELLO, .client = "ingestctl " INGESTD_VERSION};
	struct wire_reply reply;
	int status = client_call(client, &request, &reply, fail);

	if (status)
		return status;
	client->hello = reply.hello;
	wire_reply_free(&reply);
	if (client->hello.protocol == WIRE_PROTOCOL)
		return 0;
	fail_set(fail, ERR_INTERNAL,
	    "ingestd %s speaks protocol %" PRId64 ", this ingestctl (%s) protocol %d",
	    client->hello.version, client->hello.protocol, INGESTD_VERSION, WIRE_PROTOCOL);
	return EXITS_REFUSED;
}

int client_reopen(struct client *client, struct fail *fail)
{
	struct fail why;
	int status;

	client_close(client);
	client->fd = sock_connect(client->path, CONNECT_MS, &why);
	if (client->fd < 0 && why.err == ERR_INVALID) {
		*fail = why;
		return EXITS_USAGE;
	}
	if (client->fd < 0) {
		fail_set(fail, ERR_INTERNAL, "%s; is ingestd running? (--socket, INGESTD_SOCKET)",
		    why.text);
		return EXITS_UNREACHABLE;
	}
	status = hello(client, fail);
	if (status)
		client_close(client);
	return status;
}

int client_open(struct client *client, const char *socket, struct fail *fail)
{
	const char *env = getenv("INGESTD_SOCKET");

	if (socket) {
		client->path = socket;
	} else if (env && *env) {
		client->path = env;
	} else if (sock_default_path(client->default_path) == 0) {
		client->path = client->default_path;
	} else {
		fail_set(fail, ERR_INVALID,
		    "which socket? give --socket PATH, or set INGESTD_SOCKET or XDG_RUNTIME_DIR");
		return EXITS_USAGE;
	}
	return client_reopen(client, fail);
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	wire_lines_free(&client->lines);
}
