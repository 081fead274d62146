/* What upload.c and upload_parts.c, the two halves of upload.h, have in common. */
#ifndef INGESTCTL_UPLOAD_PARTS_H
#define INGESTCTL_UPLOAD_PARTS_H

#include "upload.h"

/* Messages are not longer than this, even if the daemon takes longer ones: each is in memory a few
 * times. */
#define UPLOAD_MESSAGE_MAX WIRE_MAX_MESSAGE

/* Sends the list in parts. As upload_run(). */
int upload_in_parts(struct upload *upload, struct wire_submit_reply *result);

/* Reads until there are `n` ids in upload->ids, or no more. Returns 0 or an exit status. */
int upload_fill(struct upload *upload, size_t n, struct fail *fail);

/* The request for all of it, without ids and with the id that it will get. */
struct wire_request upload_submit_request(const struct upload *upload);

/* A notice for the user, unless they want none. */
void upload_say(struct upload *upload, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define UPLOAD_COMMAND_SIZE (KEY_MAX + 64)
/* What to run to go on with this upload, in words. Returns `text`. */
const char *upload_same_command(const struct upload *upload, char text[UPLOAD_COMMAND_SIZE]);

/* Whether the status means trouble with the connection, and not an error reply. */
bool upload_is_lost(const struct upload *upload, int status);

/*
 * Whether to try again after this failure, for at most `for_ns`: when the connection was lost, or
 * the outcome is unknown, which the key makes harmless. With `also_busy` error replies that pass
 * count too: somebody who has begun already does not give up for them.
 */
bool upload_is_passing(
    struct upload *upload, int status, const struct fail *fail, bool also_busy, int64_t for_ns);

/* Disconnects and waits before the next try; a signal cuts it short. */
void upload_rest(struct upload *upload, const struct fail *fail, int64_t for_ns);

#endif
