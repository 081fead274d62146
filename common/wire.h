/*
 * The wire format between ingestctl and ingestd: JSON-RPC 2.0 (jsonrpc.org/specification), one
 * message per line. Both programs use this module and nothing else to make and read messages;
 * ingestd-protocol(7) describes the same for people.
 */
#ifndef INGESTD_WIRE_H
#define INGESTD_WIRE_H

#include "buf.h"
#include "digest.h"
#include "err.h"
#include "idlist.h"
#include "model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_PROTOCOL 1
#define WIRE_MAX_MESSAGE (1024 * 1024) /* default limit of a line in bytes, newline not counted */
#define WIRE_ID_MAX 64 /* bytes of a request id that is a string */
#define WIRE_CLIENT_MAX 128 /* bytes of the client's name in `hello` */

/* ---- lines ---- */

/*
 * Cuts a stream into lines. It remembers how far it has looked, so a long line that comes in many
 * pieces is scanned once.
 */
struct wire_lines {
	struct buf in;
	size_t start; /* of the next line */
	size_t scanned; /* up to here there is no newline */
	size_t max; /* longest line allowed */
};

enum wire_lines_result { WIRE_LINE, WIRE_MORE, WIRE_TOO_LONG };

/* Appends bytes that have arrived. */
void wire_lines_add(struct wire_lines *lines, const char *data, size_t len);

/*
 * The next line without its newline; it stays valid until the next call on `lines`. Blank lines are
 * skipped. WIRE_MORE: no complete line is there. WIRE_TOO_LONG: the line passes the limit, complete
 * or not; nothing sensible can follow.
 */
enum wire_lines_result wire_lines_next(struct wire_lines *lines, const char **line, size_t *len);

/* What is left behind the last newline once the peer has closed: WIRE_LINE or WIRE_MORE (nothing).
 */
enum wire_lines_result wire_lines_rest(struct wire_lines *lines, const char **line, size_t *len);

void wire_lines_free(struct wire_lines *lines);

/* ---- messages ---- */

enum wire_method {
	WIRE_HELLO,
	WIRE_PING,
	WIRE_VERSION,
	WIRE_SUBMIT,
	WIRE_APPEND,
	WIRE_SEAL,
	WIRE_CANCEL,
	WIRE_STATUS,
	WIRE_LIST,
	WIRE_STATS,
	WIRE_REPORT,
	WIRE_RETRY,
	WIRE_BUMP,
	WIRE_BULK,
	WIRE_PAUSE,
	WIRE_RESUME,
	WIRE_DRAIN,
	WIRE_RATE,
	WIRE_RELOAD,
	WIRE_NODES,
};
#define WIRE_METHOD_COUNT 20

/* What a daemon allows; a client learns it from `hello`. */
struct wire_limits {
	int64_t max_message_bytes;
	int64_t max_id;
	int64_t max_ids; /* in one ingestion */
	int64_t batch_size;
};

struct wire_submit {
	bool has_priority;
	enum priority priority;
	char label[LABEL_MAX + 1]; /* empty: none */
	char key[KEY_MAX + 1]; /* empty: none */
	bool open; /* begins an upload: the ids come with append */
	struct idlist ids; /* empty if `open` */
};

/* A part of an upload: the ids from this place of the list on. */
struct wire_append {
	struct uuid ingestion;
	int64_t offset;
	struct idlist ids;
};

struct wire_seal {
	struct uuid ingestion;
	int64_t ids; /* how many there should be; -1: not said */
	bool has_digest;
	struct digest digest; /* of these; unless has_digest is set, not said */
};

struct wire_cancel {
	struct uuid ingestion;
};

struct wire_retry {
	struct uuid ingestion;
	bool cancelled; /* what was cancelled, too, not only what has failed */
};

struct wire_bump {
	struct uuid ingestion;
	enum priority priority;
};

enum wire_until { WIRE_UNTIL_CHANGE, WIRE_UNTIL_FINAL };

#define WIRE_WAIT_MAX_MS (60 * 60 * 1000)

struct wire_status {
	struct uuid ingestion;
	int64_t from_batch;
	int64_t limit; /* most batches on the page; 0: none at all */
	int64_t wait_ms; /* how long the answer may be held back; 0: not at all */
	int64_t since; /* WIRE_UNTIL_CHANGE: the version that is known; 0: that of now */
	enum wire_until until;
	bool output; /* with what the handler wrote */
};

#define WIRE_STATUS_LIMIT 1000 /* the largest and the default */

struct wire_report {
	struct uuid ingestion;
	struct report_filter filter;
	int64_t from; /* position of the first id to look at */
	int64_t limit; /* most entries on the page */
};

#define WIRE_REPORT_LIMIT 1000 /* the largest and the default */
#define WIRE_LIST_LIMIT 1000 /* the largest */
#define WIRE_LIST_DEFAULT 100

/* The most that "older than" can say. */
#define WIRE_OLDER_MAX_MS (365LL * 86400 * 1000)

struct wire_list {
	struct list_filter filter; /* without before_ms */
	int64_t older_than_ms; /* submitted so long ago, or longer; 0: any */
	int64_t limit; /* most ingestions on the page */
	char cursor[LIST_CURSOR_SIZE]; /* where the last page ended; empty: from the newest on */
};

#define WIRE_BULK_LIMIT 500 /* the largest and the default */

/* One step of a change of all ingestions that fit: those of one page of the list. */
struct wire_bulk {
	enum wire_method verb; /* WIRE_CANCEL, WIRE_RETRY or WIRE_BUMP */
	struct list_filter filter; /* status, priority, label; something of it is set */
	int64_t older_than_ms; /* or this */
	bool cancelled; /* WIRE_RETRY: as there */
	enum priority to_priority; /* WIRE_BUMP */
	bool dry_run; /* only counts */
	int64_t limit; /* most ingestions in this step */
	char cursor[LIST_CURSOR_SIZE]; /* where the last step ended */
};

#define WIRE_PAUSE_MAX_MS (365LL * 86400 * 1000) /* from now */

struct wire_pause {
	int64_t until_ms; /* UTC; 0: until somebody resumes */
};

struct wire_resume {
	bool clear_hold;
};

struct wire_drain {
	int64_t wait_ms; /* how long the answer may be held back while something runs */
};

#define WIRE_INTERVAL_MIN_NS 1000LL
#define WIRE_INTERVAL_MAX_NS (100LL * 86400 * 1000000000)

struct wire_rate {
	int64_t interval_ns; /* 0: that of the daemon's options again */
};

struct wire_request {
	char
	    id[WIRE_ID_MAX * 6 + 3]; /* as it was written, a valid JSON text; "null" when unknown */
	enum wire_method method;
	char client[WIRE_CLIENT_MAX + 1]; /* hello */
	struct wire_submit submit;
	struct wire_append append;
	struct wire_seal seal;
	struct wire_cancel cancel;
	struct wire_status status;
	struct wire_report report;
	struct wire_list list;
	struct wire_retry retry;
	struct wire_bump bump;
	struct wire_bulk bulk;
	struct wire_pause pause;
	struct wire_resume resume;
	struct wire_drain drain;
	struct wire_rate rate;
};

struct wire_hello_reply {
	int64_t protocol;
	char version[32];
	struct wire_limits limits;
};

struct wire_version_reply {
	char version[32];
	char libevent[32], sqlite[32], cjson[32];
};

/* Of submit and seal. */
struct wire_submit_reply {
	struct uuid ingestion;
	int64_t seq; /* this and the next two: 0 for an upload that is not sealed */
	int64_t ids;
	int64_t batches;
	bool replayed; /* it was there already: the key was known, or it was sealed before */
	bool open; /* answers `open`; the rest is only set then */
	bool sealed;
	int64_t received; /* ids that have arrived so far */
	struct digest digest; /* of these (digest.h) */
};

struct wire_append_reply {
	struct uuid ingestion;
	int64_t received; /* ids that have arrived so far */
};

struct wire_cancel_reply {
	struct uuid ingestion;
	enum ingestion_status status;
};

struct wire_retry_reply {
	struct uuid ingestion;
	enum ingestion_status status;
	int64_t batches; /* that wait again */
};

struct wire_bump_reply {
	struct uuid ingestion;
	enum priority priority;
};

/* Of one step. */
struct wire_bulk_reply {
	int64_t matched; /* ingestions that the filter asks for */
	int64_t changed; /* of these */
	int64_t refused; /* the others: it was not possible, or there was nothing to do */
	char next[LIST_CURSOR_SIZE]; /* where to go on; empty: nothing follows */
};

/* Of pause, resume, drain and rate. */
struct wire_control_reply {
	struct control control;
	int64_t interval_ns; /* in force */
	int64_t running_batches;
	int64_t waiting_batches; /* in line, or to be there later */
};

struct wire_report_reply {
	struct uuid ingestion;
	struct report_page page;
};

/* One bound of the daemon: its value, what of it is in use now, how often it was hit. */
struct wire_limit {
	char name[32]; /* of the option that sets it */
	int64_t limit;
	int64_t used; /* -1: not counted */
	int64_t hits;
};

#define WIRE_STATS_LIMITS 24

struct wire_stats_reply {
	char version[32];
	int64_t utc_ms; /* when this was true */
	int64_t uptime_ms;
	int64_t rss_bytes; /* of the daemon's memory */

	int64_t interval_ns, settle_ns; /* in force */
	int64_t batch_size; /* of new ingestions */
	int64_t concurrency;
	bool pack;
	int64_t max_attempts, retry_base_ms, retry_max_ms;
	int64_t next_slot_ms; /* from now; -1: nothing waits, or it depends on what runs */
	struct control control;
	int64_t notices; /* ends of ingestions that have not been told yet */

	int64_t running_slots, running_batches;
	struct lane_total lanes[PRIORITY_COUNT]; /* HIGH first; without oldest_ms, see below */
	/* Age of the oldest ingestion in line, of each lane; -1: nothing stands in line. */
	int64_t oldest_waiting_ms[PRIORITY_COUNT];
	int64_t uploads, upload_ids; /* not sealed yet */

	int64_t attempts; /* that were begun since the start */
	int64_t retries; /* of these: not the first of their batch */
	int64_t interrupted; /* that the daemon stopped */
	int64_t failures[FAILURE_COUNT]; /* attempts that failed, by kind */
	struct durations durations; /* of those that have ended */

	int64_t connections; /* now */
	int64_t accepted, refused, dropped; /* connections since the start */
	int64_t requests, errors; /* since the start; errors are replies that refuse */
	int64_t waiting; /* long polls */

	char store[256]; /* URL */
	int64_t store_bytes, wal_bytes; /* files */
	int64_t free_bytes; /* on their disk; -1: not known */
	int64_t queued, queued_bytes; /* operations that wait for the store */
	int64_t commits, operations; /* since the start */
	int64_t commit_last_us, commit_mean_us, commit_max_us;
	int64_t commit_age_ms; /* since the last one; -1: there was none yet */

	struct wire_limit limits[WIRE_STATS_LIMITS];
	size_t n_limits;
};

#define WIRE_NODES_MAX 1000 /* nodes in one reply */
#define WIRE_NODES_BYTES (WIRE_NODES_MAX * 700) /* that such a reply can take */

struct wire_nodes_reply {
	struct node_list list; /* WIRE_NODES_MAX at most */
	int64_t alive;
	struct node_figures together; /* `running` of those alive, the others of all */
};

struct wire_reply {
	char id[WIRE_ID_MAX + 3]; /* which request it answers, as that wrote it; empty: none */
	struct fail fail; /* not ERR_OK: an error reply, nothing else is set */
	struct wire_hello_reply hello;
	struct wire_version_reply version;
	struct wire_submit_reply submit;
	struct wire_append_reply append;
	struct wire_cancel_reply cancel;
	struct status_page status;
	struct wire_report_reply report;
	struct list_page list;
	struct wire_stats_reply stats;
	struct wire_retry_reply retry;
	struct wire_bump_reply bump;
	struct wire_bulk_reply bulk;
	struct wire_control_reply control;
	struct wire_nodes_reply nodes;
};

const char *wire_method_name(enum wire_method method);

/*
 * Reads one line as a request. On failure *fail says why, request->id is set as far as it could be
 * read (for the error reply) and nothing needs to be freed. Unknown members are refused.
 */
enum err wire_read_request(
    const char *line, size_t len, int64_t max_id, struct wire_request *request, struct fail *fail);

void wire_request_free(struct wire_request *request);

/* Appends a request as one line, newline included. */
void wire_write_request(const struct wire_request *request, struct buf *out);

/* Appends the object that `list` has for an ingestion, alone and without a newline. */
void wire_write_ingestion(const struct ingestion *ingestion, struct buf *out);

/* Appends the reply to a request with this id and method as one line. reply->fail must be ERR_OK.
 */
void wire_write_reply(
    const char *id, enum wire_method method, const struct wire_reply *reply, struct buf *out);

/* Appends an error reply as one line. */
void wire_write_error(const char *id, const struct fail *fail, struct buf *out);

/*
 * Reads one line as the reply to a request of this method. Unknown members are ignored. False: it
 * is no such reply, *fail says why (ERR_INTERNAL). True: reply->fail tells success from an error
 * reply.
 */
bool wire_read_reply(const char *line, size_t len, enum wire_method method,
    struct wire_reply *reply, struct fail *fail);

void wire_reply_free(struct wire_reply *reply);

/*
 * Appends the result of a reply alone, without the JSON-RPC envelope, and a newline: what `--json`
 * prints and what an HTTP body holds.
 */
void wire_write_result(enum wire_method method, const struct wire_reply *reply, struct buf *out);

/* Appends one entry of a report as it stands in the result, and a newline. */
void wire_write_entry(const struct report_entry *entry, struct buf *out);

#endif
