#include "limits.h"

#include "log.h"
#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define USER_BUCKETS 256
#define NOT_COUNTED (-1)

/* How each limit is shown: the option, where its value is, in which unit. */
static const struct row {
	const char *name;
	size_t offset; /* in struct conf; 0: there is no option */
	int64_t unit;
} rows[LIMIT_COUNT] = {
#define FIELD(name) offsetof(struct conf, name)
    [LIMIT_CONNECTIONS] = {"max-connections", FIELD(max_connections), 1},
    [LIMIT_CONNECTIONS_PER_UID] = {"max-connections-per-uid", FIELD(max_connections_per_uid), 1},
    [LIMIT_IN_FLIGHT] = {"max-in-flight", FIELD(max_in_flight), 1},
    [LIMIT_MESSAGE_BYTES] = {"max-message-bytes", FIELD(max_message_bytes), 1},
    [LIMIT_BUFFER_BYTES] = {"max-buffer-bytes", FIELD(max_buffer_bytes), 1},
    [LIMIT_UNSENT_BYTES] = {"max-unsent-bytes", FIELD(max_unsent_bytes), 1},
    [LIMIT_REPLY_BYTES] = {"max-reply-bytes", FIELD(max_reply_bytes), 1},
    [LIMIT_QUEUED] = {"max-queued", FIELD(max_queued), 1},
    [LIMIT_QUEUED_BYTES] = {"max-queued-bytes", FIELD(max_queued_bytes), 1},
    [LIMIT_UPLOADS] = {"max-uploads", FIELD(max_uploads), 1},
    [LIMIT_UPLOAD_BYTES] = {"max-upload-bytes", FIELD(max_upload_bytes), 1},
    [LIMIT_REQUEST_TIMEOUT] = {"request-timeout", FIELD(request_timeout_ns), NS_PER_MS},
    [LIMIT_SEND_TIMEOUT] = {"send-timeout", FIELD(send_timeout_ns), NS_PER_MS},
    [LIMIT_DESCRIPTORS] = {"descriptors", 0, 1},
#undef FIELD
};

_Static_assert(LIMIT_COUNT <= WIRE_STATS_LIMITS, "stats shows all limits");

/* A user who has connections. */
struct user {
	struct user *next;
	uid_t uid;
	int64_t connections;
};

struct limits {
	const struct conf *conf;
	int64_t used[LIMIT_COUNT];
	int64_t hits[LIMIT_COUNT];
	int64_t descriptors; /* that may be open */
	int64_t runs; /* descriptors that runs take */
	struct user *users[USER_BUCKETS];
	void (*measure)(void *arg);
	void *measure_arg;
};

/* ---- values ---- */

static int64_t option_value(const struct limits *limits, enum limit which)
{
	const struct row *row = &rows[which];

	return *(const int64_t *)(const void *)((const char *)limits->conf + row->offset) /
	       row->unit;
}

/* What the descriptors allow. */
static int64_t most_connections(const struct limits *limits)
{
	int64_t most = limits->descriptors - LIMITS_DESCRIPTORS_KEPT;

	most -= limits->runs < most / 2 ? limits->runs : most / 2;
	return most > 1 ? most : 1;
}

int64_t limits_value(const struct limits *limits, enum limit which)
{
	int64_t value, most;

	if (which == LIMIT_DESCRIPTORS)
		return limits->descriptors;
	value = option_value(limits, which);
	most = which == LIMIT_CONNECTIONS ? most_connections(limits) : value;
	return value < most ? value : most;
}

int64_t limits_used(const struct limits *limits, enum limit which)
{
	return limits->used[which];
}

void limits_use(struct limits *limits, enum limit which, int64_t delta)
{
	limits->used[which] += delta;
}

void limits_set_used(struct limits *limits, enum limit which, int64_t used)
{
	limits->used[which] = used;
}

void limits_hit(struct limits *limits, enum limit which)
{
	limits->hits[which]++;
}

bool limits_allow(struct limits *limits, enum limit which, int64_t more)
{
	if (more <= limits_value(limits, which) - limits->used[which])
		return true;
	limits_hit(limits, which);
	return false;
}

int64_t limits_most_unsent(const struct limits *limits)
{
	int64_t most = limits_value(limits, LIMIT_UNSENT_BYTES);
	int64_t all = limits_used(limits, LIMIT_REPLY_BYTES);

	if (all >= limits_value(limits, LIMIT_REPLY_BYTES) && most > LIMITS_FREE_BYTES)
		return LIMITS_FREE_BYTES;
	return most;
}

bool limits_receive(struct limits *limits, int64_t *counted, int64_t held)
{
	int64_t beyond = held - LIMITS_FREE_BYTES;
	int64_t more = (beyond > 0 ? beyond : 0) - *counted;
	bool alone = limits->used[LIMIT_BUFFER_BYTES] == *counted;

	if (more > 0 && !alone && !limits_allow(limits, LIMIT_BUFFER_BYTES, more))
		return false;
	*counted += more;
	limits_use(limits, LIMIT_BUFFER_BYTES, more);
	return true;
}

void limits_receive_end(struct limits *limits, int64_t *counted)
{
	limits_use(limits, LIMIT_BUFFER_BYTES, -*counted);
	*counted = 0;
}

/* ---- descriptors ---- */

/* Raises the limit towards `wanted` and returns what it is then. */
static int64_t raise_descriptors(int64_t wanted)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return wanted;
	if (now.rlim_cur < (rlim_t)wanted && now.rlim_cur < now.rlim_max) {
		rlim_t before = now.rlim_cur;

		now.rlim_cur = now.rlim_max < (rlim_t)wanted ? now.rlim_max : (rlim_t)wanted;
		if (setrlimit(RLIMIT_NOFILE, &now) != 0)
			now.rlim_cur = before;
	}
	return now.rlim_cur < INT32_MAX ? (int64_t)now.rlim_cur : INT32_MAX;
}

void limits_fit_descriptors(struct limits *limits, int64_t runs)
{
	int64_t wanted = option_value(limits, LIMIT_CONNECTIONS);

	limits->runs = runs;
	limits->descriptors = raise_descriptors(wanted + runs + LIMITS_DESCRIPTORS_KEPT);
	if (most_connections(limits) < wanted)
		log_warn(log_msg("too few descriptors for max-connections"),
		    log_int("max_connections", wanted), log_int("descriptors", limits->descriptors),
		    log_int("connections", most_connections(limits)));
}

/* ---- connections ---- */

static struct user **find_user(struct limits *limits, uid_t uid)
{
	struct user **link = &limits->users[uid % USER_BUCKETS];

	while (*link && (*link)->uid != uid)
		link = &(*link)->next;
	return link;
}

static enum err refuse(
    struct limits *limits, enum limit which, int64_t used, struct fail *fail, const char *whose)
{
	limits_hit(limits, which);
	return fail_set(fail, ERR_LIMITED,
	    "there are %" PRId64 " connections%s already, and %s is %" PRId64, used, whose,
	    rows[which].name, limits_value(limits, which));
}

enum err limits_admit(struct limits *limits, uid_t uid, struct fail *fail)
{
	int64_t used = limits->used[LIMIT_CONNECTIONS];
	struct user **link = find_user(limits, uid);
	char whose[48];

	if (used >= limits_value(limits, LIMIT_CONNECTIONS))
		return refuse(limits, LIMIT_CONNECTIONS, used, fail, "");
	if (*link && (*link)->connections >= limits_value(limits, LIMIT_CONNECTIONS_PER_UID)) {
		if (uid == LIMITS_NO_UID)
			strcpy(whose, " of clients on TCP");
		else
			snprintf(whose, sizeof(whose), " of uid %u", (unsigned)uid);
		return refuse(limits, LIMIT_CONNECTIONS_PER_UID, (*link)->connections, fail, whose);
	}
	if (!*link) {
		*link = xcalloc(1, sizeof(**link));
		(*link)->uid = uid;
	}
	(*link)->connections++;
	limits->used[LIMIT_CONNECTIONS]++;
	return ERR_OK;
}

void limits_leave(struct limits *limits, uid_t uid)
{
	struct user **link = find_user(limits, uid), *user = *link;

	limits->used[LIMIT_CONNECTIONS]--;
	if (--user->connections > 0)
		return;
	*link = user->next;
	free(user);
}

static int64_t most_of_one_user(const struct limits *limits)
{
	int64_t most = 0;

	for (size_t i = 0; i < USER_BUCKETS; i++)
		for (const struct user *user = limits->users[i]; user; user = user->next)
			if (user->connections > most)
				most = user->connections;
	return most;
}

/* ---- all of them ---- */

void limits_set_measure(struct limits *limits, void (*measure)(void *arg), void *arg)
{
	limits->measure = measure;
	limits->measure_arg = arg;
}

size_t limits_list(struct limits *limits, struct wire_limit list[WIRE_STATS_LIMITS])
{
	limits->used[LIMIT_CONNECTIONS_PER_UID] = most_of_one_user(limits);
	if (limits->measure)
		limits->measure(limits->measure_arg);
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		list[i] = (struct wire_limit){.limit = limits_value(limits, (enum limit)i),
		    .used = limits->used[i],
		    .hits = limits->hits[i]};
		strcpy(list[i].name, rows[i].name);
	}
	return LIMIT_COUNT;
}

struct limits *limits_new(const struct conf *conf)
{
	static const enum limit not_counted[] = {
	    LIMIT_REQUEST_TIMEOUT, LIMIT_SEND_TIMEOUT, LIMIT_DESCRIPTORS};
	struct limits *limits = xcalloc(1, sizeof(*limits));

	limits->conf = conf;
	limits->descriptors = INT32_MAX;
	for (size_t i = 0; i < COUNT_OF(not_counted); i++)
		limits->used[not_counted[i]] = NOT_COUNTED;
	return limits;
}

void limits_free(struct limits *limits)
{
	for (size_t i = 0; i < USER_BUCKETS; i++)
		while (limits->users[i]) {
			struct user *user = limits->users[i];

			limits->users[i] = user->next;
			free(user);
		}
	free(limits);
}
