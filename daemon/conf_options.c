/* The table of the options and how their values are read. */
#include "conf.h"

#include "exec_limits.h"
#include "log.h"
#include "util.h"
#include "wire.h"

#include <inttypes.h>
#include <string.h>

static enum err bad_value(
    const struct conf_option *option, const char *text, const char *wanted, struct fail *fail)
{
	return fail_set(fail, ERR_INVALID, "%s: \"%.80s\" is not %s", option->name, text, wanted);
}

static enum err read_text(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	if (!*text && *option->fallback)
		return bad_value(option, text, "a value", fail);
	*(const char **)field = text;
	return ERR_OK;
}

static enum err read_path(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	if (!*text)
		return bad_value(option, text, "a path", fail);
	*(const char **)field = text;
	return ERR_OK;
}

static enum err read_number(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	int64_t value;

	if (!parse_u63(text, strlen(text), &value) || value < option->min || value > option->max)
		return fail_set(fail, ERR_INVALID,
		    "%s: \"%.80s\" is not an integer from %" PRId64 " to %" PRId64, option->name,
		    text, option->min, option->max);
	*(int64_t *)field = value;
	return ERR_OK;
}

static enum err read_size(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	int64_t value;

	if (!parse_size(text, &value) || value < option->min || value > option->max)
		return fail_set(fail, ERR_INVALID,
		    "%s: \"%.80s\" is not a size (such as 64m) from %" PRId64 " to %" PRId64
		    " bytes",
		    option->name, text, option->min, option->max);
	*(int64_t *)field = value;
	return ERR_OK;
}

static enum err out_of_range(
    const struct conf_option *option, const char *text, const char *what, struct fail *fail)
{
	char min[DURATION_TEXT_SIZE], max[DURATION_TEXT_SIZE];

	format_duration(option->min, min);
	format_duration(option->max, max);
	return fail_set(fail, ERR_INVALID, "%s: %s of \"%.40s\" is not in the range from %s to %s",
	    option->name, what, text, min, max);
}

static enum err read_duration(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	int64_t value;

	if (!parse_duration(text, &value))
		return bad_value(option, text, "a duration (such as 300ms or 5s)", fail);
	if (value < option->min || value > option->max)
		return out_of_range(option, text, "the duration", fail);
	*(int64_t *)field = value;
	return ERR_OK;
}

static enum err read_auto(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	if (strcmp(text, "auto") != 0)
		return read_duration(option, text, field, fail);
	*(int64_t *)field = CONF_AUTO;
	return ERR_OK;
}

static enum err read_rate(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	int64_t value;

	if (!parse_rate(text, &value))
		return bad_value(option, text, "a rate N/DURATION (such as 1/5s)", fail);
	if (value < option->min || value > option->max)
		return out_of_range(option, text, "the interval", fail);
	*(int64_t *)field = value;
	return ERR_OK;
}

static enum err read_node_name(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return bad_value(option, text, "visible ASCII", fail);
	if (len == 0 || len > NODE_NAME_MAX)
		return fail_set(fail, ERR_INVALID, "%s: \"%.40s\" is not a name of 1 to %d bytes",
		    option->name, text, NODE_NAME_MAX);
	*(const char **)field = text;
	return ERR_OK;
}

static enum err read_switch(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	static const char *const words[] = {"no", "yes", "false", "true", "0", "1"};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(text, words[i]) == 0) {
			*(bool *)field = i % 2;
			return ERR_OK;
		}
	return bad_value(option, text, "yes or no", fail);
}

static enum err read_auth(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	*(bool *)field = strcmp(text, "token") == 0;
	return *(bool *)field || strcmp(text, "none") == 0
	           ? ERR_OK
	           : bad_value(option, text, "token or none", fail);
}

static enum err read_priority(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	enum priority priority;

	if (strcmp(text, "none") == 0)
		*(int64_t *)field = 0;
	else if (priority_by_name(text, &priority))
		*(int64_t *)field = priority;
	else
		return bad_value(option, text, "one of HIGH, MEDIUM, LOW, none", fail);
	return ERR_OK;
}

static enum err read_level(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	int level = log_level_by_name(text);

	if (level < 0)
		return bad_value(option, text, "one of error, warn, info, debug", fail);
	*(int64_t *)field = level;
	return ERR_OK;
}

static enum err read_limits(
    const struct conf_option *option, const char *text, void *field, struct fail *fail)
{
	struct exec_limits limits;
	struct fail why;

	if (exec_limits_read(&limits, text, &why))
		return fail_set(fail, ERR_INVALID, "%s: %s", option->name, why.text);
	*(const char **)field = text;
	return ERR_OK;
}

#define FIELD(name) .offset = offsetof(struct conf, name)

const struct conf_option conf_options[CONF_OPTION_COUNT] = {
    {"config", "FILE", "", false, 0, 0, read_text, FIELD(config),
	"read options from FILE, one `key = value` per line"},
    {"socket", "PATH", NULL, false, 0, 0, read_path, FIELD(socket),
	"listen on this Unix domain socket"},
    {"socket-group", "GROUP", "", false, 0, 0, read_text, FIELD(socket_group),
	"let members of GROUP connect, too (mode 0660 instead of 0600)"},
    {"store", "URL", NULL, false, 0, 0, read_path, FIELD(store),
	"keep everything in this store: sqlite:PATH or postgresql://..., which several nodes can "
	"share"},
    {"node-name", "NAME", NULL, false, 0, 0, read_node_name, FIELD(node_name),
	"name of this node among those that share the store; the default is HOST:SOCKET"},
    {"rate", "N/DURATION", "1/5s", false, 1000, 365 * 86400 * NS_PER_S, read_rate,
	FIELD(interval_ns), "never start more than N batches per DURATION, evenly spaced"},
    {"batch-size", "N", "3", false, 1, 10000, read_number, FIELD(batch_size),
	"ids per batch, for new ingestions"},
    {"concurrency", "N", "1", false, 1, 1000, read_number, FIELD(concurrency),
	"slots that may run at the same time"},
    {"settle", "DURATION", "auto", false, 0, 3600 * NS_PER_S, read_auto, FIELD(settle_ns),
	"wait of an idle daemon before its first slot, so that what arrives together is ordered "
	"by priority; auto: the smaller of 300ms and a tenth of the interval"},
    {"pack", NULL, "no", false, 0, 0, read_switch, FIELD(pack),
	"let a slot take further whole batches while their ids fit into one batch size"},
    {"slot-guard", "DURATION", "auto", false, NS_PER_MS, 3600 * NS_PER_S, read_auto,
	FIELD(slot_guard_ns),
	"where several nodes share the store: how much later than its slot a batch may be started; "
	"auto: a tenth of the interval, but 50ms at least and 250ms at most"},
    {"lease", "DURATION", "30s", false, 3 * NS_PER_S, 3600 * NS_PER_S, read_duration,
	FIELD(lease_ns),
	"where several nodes share the store: what a node had started runs again when nothing was "
	"heard of that node for so long"},
    {"poll", "DURATION", "auto", false, 10 * NS_PER_MS, 60 * NS_PER_S, read_auto, FIELD(poll_ns),
	"where several nodes share the store: how long what others have done may go unnoticed; "
	"auto: the interval, but 50ms at least and 1s at most"},
    {"handler", "SPEC", "simulate:delay=1s", false, 0, 0, read_text, FIELD(handler),
	"what a batch is given to: simulate:delay=DURATION[,fail=ID,...], exec:COMMAND or "
	"http:URL"},
    {"max-attempts", "N", "5", false, 1, 1000, read_number, FIELD(max_attempts),
	"attempts of a batch; what is not done after the last one has failed"},
    {"retry-base", "DURATION", "10s", false, NS_PER_MS, 86400 * NS_PER_S, read_duration,
	FIELD(retry_base_ns),
	"wait before the second attempt; it doubles with each one, and a random share of up to a "
	"half is left out"},
    {"retry-max", "DURATION", "1h", false, NS_PER_MS, 365 * 86400 * NS_PER_S, read_duration,
	FIELD(retry_max_ns), "longest wait before an attempt"},
    {"max-hold", "DURATION", "1h", false, NS_PER_MS, 365 * 86400 * NS_PER_S, read_duration,
	FIELD(max_hold_ns), "longest time for which the other side can ask for a rest"},
    {"notify", "SPEC", "", false, 0, 0, read_text, FIELD(notify),
	"tell of the end of each ingestion: exec:COMMAND or http:URL"},
    {"exec-timeout", "DURATION", "10m", true, 0, 365 * 86400 * NS_PER_S, read_duration,
	FIELD(exec_timeout_ns), "end a command that runs for longer; 0s: never"},
    {"exec-grace", "DURATION", "5s", true, 0, 3600 * NS_PER_S, read_duration, FIELD(exec_grace_ns),
	"wait after SIGTERM before a command is killed"},
    {"exec-output", "SIZE", "4k", true, 0, 64 << 10, read_size, FIELD(exec_output),
	"keep so much of what a command writes to stdout, and so much of stderr: beginning and "
	"end"},
    {"exec-nice", "N", "0", true, 0, 19, read_number, FIELD(exec_nice),
	"nice value of commands, on top of that of the daemon"},
    {"exec-limits", "LIST", "", true, 0, 0, read_limits, FIELD(exec_limits),
	"limits of commands: NAME=VALUE,... with the names as, core, cpu, data, fsize, nofile, "
	"nproc, stack"},
    {"http-ca", "FILE", "", true, 0, 0, read_text, FIELD(http_ca),
	"certificates (PEM) of those whose servers the handler http trusts, instead of the "
	"system's"},
    {"upstream-header", "HEADER", "", true, 0, 0, read_text, FIELD(upstream_header),
	"send this header, NAME: VALUE, with each call of the handler http; several, and secret "
	"ones: see --upstream-header-file"},
    {"upstream-header-file", "FILE", "", true, 0, 0, read_text, FIELD(upstream_header_file),
	"send these headers, too, one NAME: VALUE per line; nobody else may read the file"},
    {"upstream-secret-file", "FILE", "", true, 0, 0, read_text, FIELD(upstream_secret_file),
	"sign each call (Standard Webhooks) by each of these secrets, one whsec_BASE64 per line; "
	"nobody else may read the file"},
    {"upstream-connect-timeout", "DURATION", "10s", true, NS_PER_MS, 3600 * NS_PER_S, read_duration,
	FIELD(upstream_connect_timeout_ns),
	"time for a connection of the handler http, TLS included, to be made"},
    {"upstream-first-byte-timeout", "DURATION", "30s", true, NS_PER_MS, 86400 * NS_PER_S,
	read_duration, FIELD(upstream_first_byte_timeout_ns),
	"time for the answer to begin once the call is about to leave"},
    {"upstream-timeout", "DURATION", "60s", true, NS_PER_MS, 86400 * NS_PER_S, read_duration,
	FIELD(upstream_timeout_ns), "time for a whole call of the handler http"},
    {"upstream-max-reply", "SIZE", "1m", true, 1024, 64 << 20, read_size, FIELD(upstream_max_reply),
	"longest body of an answer that the handler http accepts"},
    {"max-id", "N", "9223372036854775807", true, 1, INT64_MAX, read_number, FIELD(max_id),
	"the largest id that is accepted"},
    {"default-priority", "P", "none", true, 0, 0, read_priority, FIELD(default_priority),
	"HIGH, MEDIUM or LOW for submissions without a priority; none: refuse them"},
    {"max-message-bytes", "SIZE", "1m", true, 1024, 64 << 20, read_size, FIELD(max_message_bytes),
	"longest request, as one line"},
    {"min-free", "SIZE", "64m", false, 0, INT64_MAX, read_size, FIELD(min_free_bytes),
	"refuse submissions when the disk of the store has less free space"},
    {"max-connections", "N", "4096", true, 1, 1000000, read_number, FIELD(max_connections),
	"connections at a time; more are refused"},
    {"max-connections-per-uid", "N", "2048", true, 1, 1000000, read_number,
	FIELD(max_connections_per_uid), "of these, connections of one user"},
    {"max-in-flight", "N", "64", true, 1, 4096, read_number, FIELD(max_in_flight),
	"requests of one connection that are worked on at a time; more stay unread"},
    {"max-buffer-bytes", "SIZE", "32m", true, 1 << 20, (int64_t)1 << 40, read_size,
	FIELD(max_buffer_bytes),
	"requests that are being received, of all connections together; the first 16 KiB of each "
	"do not count"},
    {"max-unsent-bytes", "SIZE", "1m", true, 1024, (int64_t)1 << 30, read_size,
	FIELD(max_unsent_bytes),
	"replies that one connection leaves unread before no more of its requests are read"},
    {"max-reply-bytes", "SIZE", "64m", true, 1 << 20, (int64_t)1 << 40, read_size,
	FIELD(max_reply_bytes),
	"unread replies of all connections together; beyond it long ones are refused"},
    {"max-queued", "N", "4096", true, 1, 1000000, read_number, FIELD(max_queued),
	"requests that wait for the store; more are refused"},
    {"max-queued-bytes", "SIZE", "64m", true, 1 << 20, (int64_t)1 << 40, read_size,
	FIELD(max_queued_bytes), "memory of the requests that wait for the store"},
    {"max-uploads", "N", "1000", false, 0, 1000000000, read_number, FIELD(max_uploads),
	"uploads that are open at a time"},
    {"max-upload-bytes", "SIZE", "4g", false, 0, (int64_t)1 << 50, read_size,
	FIELD(max_upload_bytes), "ids in open uploads, 8 bytes each"},
    {"upload-expiry", "DURATION", "1h", false, NS_PER_S / 10, 365 * 86400 * NS_PER_S, read_duration,
	FIELD(upload_expiry_ns), "give an upload up when so long nothing has arrived"},
    {"key-expiry", "DURATION", "24h", false, NS_PER_S / 10, 365 * 86400 * NS_PER_S, read_duration,
	FIELD(key_expiry_ns), "remember the key of a submission so long after its end"},
    {"request-timeout", "DURATION", "30s", true, NS_PER_S / 10, 3600 * NS_PER_S, read_duration,
	FIELD(request_timeout_ns), "time for a request to arrive whole once it has begun"},
    {"send-timeout", "DURATION", "30s", true, NS_PER_S / 10, 3600 * NS_PER_S, read_duration,
	FIELD(send_timeout_ns), "drop a connection that reads nothing of its replies for so long"},
    {"socket-access", "RULES", "", true, 0, 0, read_text, FIELD(socket_access),
	"what users of the socket may do: user:NAME=SCOPES, group:NAME=SCOPES, *=SCOPES, with "
	"commas between; scopes are read, submit, admin, joined by '+'"},
    {"http", "HOST:PORT", "", false, 0, 0, read_text, FIELD(http),
	"serve HTTP on this address; several are separated by commas"},
    {"http-auth", "HOW", "token", false, 0, 0, read_auth, FIELD(http_auth),
	"token or none: whether HTTP clients need a token where others than this machine can "
	"connect"},
    {"http-token-file", "FILE", "", true, 0, 0, read_text, FIELD(http_token_file),
	"names, scopes and SHA-256 hashes of the tokens of HTTP clients"},
    {"http-allow-host", "NAME", "", true, 0, 0, read_text, FIELD(http_allow_host),
	"accept these in the field Host, too, on addresses of this machine; several are separated "
	"by commas"},
    {"http-accepted-status", "STATUS", "200", true, 200, 202, read_number,
	FIELD(http_accepted_status), "answer POST /ingest with 200, 201 or 202"},
    {"http-max-body", "SIZE", "16m", true, 1024, 1 << 30, read_size, FIELD(http_max_body),
	"longest body of an HTTP request"},
    {"http-header-timeout", "DURATION", "10s", true, NS_PER_S / 10, 3600 * NS_PER_S, read_duration,
	FIELD(http_header_timeout_ns),
	"time for the header of an HTTP request to arrive; the body must come with 1 KiB/s after "
	"it"},
    {"http-idle-timeout", "DURATION", "60s", true, NS_PER_S / 10, 86400 * NS_PER_S, read_duration,
	FIELD(http_idle_timeout_ns), "close an HTTP connection that has been idle for so long"},
    {"shutdown-grace", "DURATION", "10s", true, 0, 3600 * NS_PER_S, read_duration,
	FIELD(shutdown_grace_ns), "time that running batches have to end after SIGTERM"},
    {"log-level", "LEVEL", "info", true, 0, 0, read_level, FIELD(log_level),
	"error, warn, info or debug"},
};

const struct conf_option *conf_option_by_name(const char *name)
{
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++)
		if (strcmp(conf_options[i].name, name) == 0)
			return &conf_options[i];
	return NULL;
}
