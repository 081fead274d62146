/*
 * The log: one line of logfmt per event on stderr, written with one write(2).
 *
 *     log_info(log_msg("batch started"), log_str("ingestion_id", id), log_int("attempt", 1));
 *
 * Foreign bytes are escaped: a line of the log is always one line of valid UTF-8 text.
 */
#ifndef INGESTD_LOG_H
#define INGESTD_LOG_H

#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_field {
	const char *key; /* NULL ends the list */
	const char *text; /* NULL: a number */
	int64_t number;
};

static inline struct log_field log_str(const char *key, const char *text)
{
	return (struct log_field){.key = key, .text = text ? text : ""};
}

static inline struct log_field log_int(const char *key, int64_t number)
{
	return (struct log_field){.key = key, .number = number};
}

static inline struct log_field log_msg(const char *text)
{
	return log_str("msg", text);
}

/* Events above this level are dropped; LOG_INFO at start. Thread-safe. */
void log_set_level(enum log_level level);

/* "error", "warn", "info", "debug"; -1 for another name. */
int log_level_by_name(const char *name);

/* Thread-safe. A value longer than 1 KiB is cut. */
void log_write(enum log_level level, const struct log_field *fields);

#define log_fields(...) ((const struct log_field[]){__VA_ARGS__, {0}})
#define log_error(...) log_write(LOG_ERROR, log_fields(__VA_ARGS__))
#define log_warn(...) log_write(LOG_WARN, log_fields(__VA_ARGS__))
#define log_info(...) log_write(LOG_INFO, log_fields(__VA_ARGS__))
#define log_debug(...) log_write(LOG_DEBUG, log_fields(__VA_ARGS__))

#endif
