/*
 * The options of the daemon: one table, from which flags, environment variables, keys of the config
 * file, --help, --print-config and the checks of the manual are made.
 *
 * Every option `--batch-size` is also INGESTD_BATCH_SIZE in the environment and `batch-size` in the
 * file; flags go before the environment, that before the file, that before the default.
 */
#ifndef INGESTD_CONF_H
#define INGESTD_CONF_H

#include "err.h"
#include "model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_OPTION_COUNT 61
#define CONF_AUTO (-1)

struct conf {
	const char *config; /* path of the config file, or "" */
	const char *socket; /* path; NULL when there is none and none is needed */
	const char *socket_group; /* "" for none */
	const char *store; /* URL */
	const char *node_name; /* "": there is no default, and none was given */
	int64_t interval_ns; /* --rate */
	int64_t batch_size;
	int64_t concurrency;
	int64_t settle_ns; /* or CONF_AUTO; see conf_settle_ns() */
	bool pack;
	int64_t slot_guard_ns, poll_ns; /* or CONF_AUTO; see conf_slot_guard_ns(), conf_poll_ns() */
	int64_t lease_ns;
	const char *handler; /* spec */
	int64_t max_attempts;
	int64_t retry_base_ns, retry_max_ns;
	int64_t max_hold_ns;
	const char *notify; /* spec of a handler; "" for none */
	int64_t exec_timeout_ns; /* 0: none */
	int64_t exec_grace_ns; /* between TERM and KILL */
	int64_t exec_output; /* bytes that are kept of each stream */
	int64_t exec_nice;
	const char *exec_limits; /* NAME=VALUE,...; "" for none */
	const char *http_ca; /* path; "" for the system's */
	const char *upstream_header; /* NAME: VALUE; "" for none */
	const char *upstream_header_file, *upstream_secret_file; /* "" for none */
	int64_t upstream_connect_timeout_ns, upstream_first_byte_timeout_ns, upstream_timeout_ns;
	int64_t upstream_max_reply; /* bytes */
	int64_t max_id;
	int64_t default_priority; /* enum priority; 0: there is none */
	int64_t max_message_bytes;
	int64_t min_free_bytes;
	int64_t max_connections, max_connections_per_uid;
	int64_t max_in_flight; /* requests per connection */
	int64_t max_buffer_bytes; /* of requests that are being received, all together */
	int64_t max_unsent_bytes; /* of replies to one connection */
	int64_t max_reply_bytes; /* of replies, all together */
	int64_t max_queued; /* requests that wait for the store */
	int64_t max_queued_bytes;
	int64_t max_uploads, max_upload_bytes;
	int64_t request_timeout_ns, send_timeout_ns;
	int64_t upload_expiry_ns, key_expiry_ns;
	const char *socket_access; /* rules of access.h; "" for none */
	const char *http; /* addresses, separated by commas; "" for none */
	bool http_auth; /* tokens are needed where others than this machine can connect */
	const char *http_token_file; /* "" for none */
	const char *http_allow_host; /* names, separated by commas; "" for none */
	int64_t http_accepted_status; /* of POST /ingest */
	int64_t http_max_body;
	int64_t http_header_timeout_ns, http_idle_timeout_ns;
	int64_t shutdown_grace_ns;
	int64_t log_level; /* enum log_level */

	const char *migrate_from; /* of CONF_MIGRATE: URL; borrowed from argv; else NULL */

	/* Where each value came from: the text in force and what to call its source. */
	struct conf_value {
		char *text; /* owned */
		char *origin; /* owned */
	} values[CONF_OPTION_COUNT];
};

struct conf_option {
	const char *name;
	const char *argument; /* what --help calls the value; NULL: a switch */
	const char *fallback; /* default, as text; NULL: conf_load() works it out */
	bool reloadable; /* a running daemon takes a new value on SIGHUP */
	int64_t min, max; /* range of a number */
	enum err (*read)(
	    const struct conf_option *option, const char *text, void *field, struct fail *fail);
	size_t offset; /* of the field in struct conf */
	const char *help;
};

/* The table; `config` is the first row. */
extern const struct conf_option conf_options[CONF_OPTION_COUNT];

/* The row of that name, or NULL. */
const struct conf_option *conf_option_by_name(const char *name);

/* Besides options the command line can ask for one of these. */
enum conf_action {
	CONF_RUN,
	CONF_HELP,
	CONF_VERSION,
	CONF_PRINT,
	CONF_CHECK_CONFIG,
	CONF_CHECK_STORE,
	CONF_INIT_STORE,
	CONF_STORE_SCHEMA,
	CONF_MIGRATE,
};

/* Whether it is about a daemon that runs: what only that needs must be there. */
static inline bool conf_action_serves(enum conf_action action)
{
	return action == CONF_RUN || action == CONF_CHECK_CONFIG;
}

/*
 * Reads command line, environment and file. Returns ERR_INVALID with a text that names the value
 * and where it stands. Free with conf_free() in any case.
 */
enum err conf_load(
    struct conf *conf, int argc, char **argv, enum conf_action *action, struct fail *fail);

void conf_free(struct conf *conf);

/*
 * Takes over the values of reloadable options from `fresh`, which was loaded in the same way and
 * gets the old ones instead: a second call takes it all back.
 */
void conf_reload(struct conf *conf, struct conf *fresh);

/* Logs the options that differ and need a restart for their new value. */
void conf_warn_of_restart(const struct conf *conf, const struct conf *fresh);

/* Puts an interval, from elsewhere than all these, in the place of --rate. */
void conf_set_interval(struct conf *conf, int64_t interval_ns, const char *origin);

/* Where the value of the option of that name came from. */
const char *conf_origin(const struct conf *conf, const char *name);

/* These times as they are in force: as given, or by the rule for `auto`. */
int64_t conf_settle_ns(const struct conf *conf);
int64_t conf_slot_guard_ns(const struct conf *conf);
int64_t conf_poll_ns(const struct conf *conf);

/* Writes all options as a config file, with the origin of each value as comment. The store's
 * password is not shown. */
void conf_print(const struct conf *conf, FILE *out);

void conf_print_help(FILE *out);

/* ---- conf_file.c ---- */

/*
 * Reads `key = value` lines. '#' at the start of a line or after white space starts a comment; a
 * value in double quotes is taken as it is. Calls set(arg, option, value, origin) for each, where
 * origin is "PATH:LINE". Stops at the first error, which names the line.
 */
typedef enum err conf_set_fn(void *arg, const struct conf_option *option, const char *value,
    const char *origin, struct fail *fail);
enum err conf_file_read(const char *path, conf_set_fn *set, void *arg, struct fail *fail);

#endif
