/* The connection to ingestd: one request at a time, one reply to each. */
#ifndef INGESTCTL_CLIENT_H
#define INGESTCTL_CLIENT_H

#include "err.h"
#include "sock.h"
#include "wire.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define CLIENT_REPLY_MS 30000
#define CLIENT_REPLY_MAX (4 * 1024 * 1024) /* bytes of a reply; a status page has about 1 MiB */

struct client {
	int fd; /* -1: not connected */
	const char *path;
	char default_path[SOCK_PATH_SIZE];
	struct wire_lines lines;
	struct wire_hello_reply hello; /* what the daemon has said about itself */
	int64_t next_id;
	int64_t reply_ms; /* how long to wait for a reply */
	bool
	    sent; /* the last request has left completely: without a reply its outcome is unknown */
	const volatile sig_atomic_t *stop; /* not 0 after a signal: give up; NULL: no such signal */
};

#define CLIENT_INIT                                                                                \
	{                                                                                          \
		.fd = -1, .reply_ms = CLIENT_REPLY_MS, .lines.max = CLIENT_REPLY_MAX               \
	}

/*
 * Finds the socket (`socket` if not NULL, INGESTD_SOCKET, the default path), connects and exchanges
 * `hello`. The client must be as CLIENT_INIT made it; `socket` must outlive it. Returns 0, or the
 * exit status with *fail set; the client need not be closed then.
 */
int client_open(struct client *client, const char *socket, struct fail *fail);

/* Connects once more to the socket that client_open() found. Returns likewise. */
int client_reopen(struct client *client, struct fail *fail);

/*
 * Sends the request (this sets its id) and reads the reply, to be freed by the caller. Returns 0,
 * or the exit status with *fail set and nothing to free: an error reply (fail->err is its error),
 * or trouble with the connection, which is closed then (client->fd is -1, fail->err ERR_INTERNAL).
 */
int client_call(struct client *client, struct wire_request *request, struct wire_reply *reply,
    struct fail *fail);

/*
 * The two halves of client_call(), for several requests at a time. The caller sets the id of the
 * request and recognises the reply by it. client_receive() returns CLIENT_NOTHING when there is no
 * reply before `deadline` (boot_ns); an error reply is one, too (reply->fail). Trouble with the
 * connection is as with client_call().
 */
#define CLIENT_NOTHING (-1)
int client_send(struct client *client, const struct wire_request *request, struct fail *fail);
int client_receive(struct client *client, enum wire_method method, int64_t deadline,
    struct wire_reply *reply, struct fail *fail);

/* Makes the error about an ingestion that does not exist name it; others stay as they are. */
void client_name_missing(const struct uuid *ingestion, struct fail *fail);

/* A page of an ingestion's status. As client_call(). */
int client_status(struct client *client, const struct wire_status *status, struct wire_reply *reply,
    struct fail *fail);

/* A page of an ingestion's report, which may be empty and yet not the last one. As client_call().
 */
int client_report(struct client *client, const struct wire_report *report, struct wire_reply *reply,
    struct fail *fail);

/* A page of the list that is not empty, unless it is the last one. As client_call(). */
int client_list(struct client *client, const struct wire_list *list, struct wire_reply *reply,
    struct fail *fail);

void client_close(struct client *client);

#endif
