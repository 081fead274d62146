/*
 * The limits of the daemon: what each allows, how much of it is in use, how often it was hit. The
 * values are those of the options, read at each use, so a reload counts at once. Bookkeeping only:
 * who hits a limit acts. For the loop's thread alone.
 */
#ifndef INGESTD_LIMITS_H
#define INGESTD_LIMITS_H

#include "conf.h"
#include "wire.h"

#include <sys/types.h>

enum limit {
	LIMIT_CONNECTIONS,
	LIMIT_CONNECTIONS_PER_UID,
	LIMIT_IN_FLIGHT,
	LIMIT_MESSAGE_BYTES,
	LIMIT_BUFFER_BYTES,
	LIMIT_UNSENT_BYTES,
	LIMIT_REPLY_BYTES,
	LIMIT_QUEUED,
	LIMIT_QUEUED_BYTES,
	LIMIT_UPLOADS,
	LIMIT_UPLOAD_BYTES,
	LIMIT_REQUEST_TIMEOUT, /* in milliseconds */
	LIMIT_SEND_TIMEOUT, /* in milliseconds */
	LIMIT_DESCRIPTORS, /* no option: what limits_fit_descriptors() got from the system */
};
#define LIMIT_COUNT 14

/* Descriptors that are kept for others than connections and runs: the store, refusals. */
#define LIMITS_DESCRIPTORS_KEPT 64

/* Whose connections those on TCP are: they have no user, and are counted as one. */
#define LIMITS_NO_UID ((uid_t)-1)

struct limits;

/* `conf` is borrowed. */
struct limits *limits_new(const struct conf *conf);

void limits_free(struct limits *limits);

/*
 * Raises the limit of open descriptors (RLIMIT_NOFILE) as far as max-connections, and what `runs`
 * of the handler take, need it and the system allows it. Where that is not enough, fewer
 * connections are taken, which is logged; a half is theirs at least. To be called at the start and
 * after a reload.
 */
void limits_fit_descriptors(struct limits *limits, int64_t runs);

int64_t limits_value(const struct limits *limits, enum limit which);

int64_t limits_used(const struct limits *limits, enum limit which);

/* Adds to what is in use, or takes from it. */
void limits_use(struct limits *limits, enum limit which, int64_t delta);

/* Whether so much more can be used; no is counted as a hit. */
bool limits_allow(struct limits *limits, enum limit which, int64_t more);

/*
 * What one connection may hold of a request, or leave unread of its replies, without that it counts
 * against what all connections share.
 */
#define LIMITS_FREE_BYTES (16 * 1024)

/*
 * Bytes of replies that one connection may leave unread before no more of its requests are read:
 * while too much is unread altogether, no more than LIMITS_FREE_BYTES.
 */
int64_t limits_most_unsent(const struct limits *limits);

/*
 * A connection is about to hold `held` bytes of a request in all; *counted is what of them counts
 * in LIMIT_BUFFER_BYTES so far, 0 at first. False: that would be too much altogether, and nothing
 * has changed but for a hit. While nobody else holds anything there is room, or a limit of the size
 * of a request could be more than ever fits.
 */
bool limits_receive(struct limits *limits, int64_t *counted, int64_t held);

/* The connection ends. */
void limits_receive_end(struct limits *limits, int64_t *counted);

/* The limit was hit. */
void limits_hit(struct limits *limits, enum limit which);

/*
 * Counts a connection of this user. Beyond one of the two limits of connections nothing is counted
 * but a hit, and the answer is ERR_LIMITED.
 */
enum err limits_admit(struct limits *limits, uid_t uid, struct fail *fail);

/* A connection that was admitted has ended. */
void limits_leave(struct limits *limits, uid_t uid);

/*
 * What is in use of limits that hold for each connection alone is too much work to be always up to
 * date: limits_list() asks for the highest values by limits_set_used() in this callback.
 */
void limits_set_measure(struct limits *limits, void (*measure)(void *arg), void *arg);
void limits_set_used(struct limits *limits, enum limit which, int64_t used);

/* Writes all limits down and returns how many they are. */
size_t limits_list(struct limits *limits, struct wire_limit list[WIRE_STATS_LIMITS]);

#endif
