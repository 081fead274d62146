/* Allocation that aborts, strict reading of numbers and durations, time stamps as text. */
#ifndef INGESTD_UTIL_H
#define INGESTD_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Like malloc(3) and its kin, but abort when memory is out. State is durable, so a crash loses
 * nothing; sizes that a peer controls are bounded before they get here.
 */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *text);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Decimal digits only: no sign, no white space, no leading zero but for "0". False: not a number.
 */
bool parse_u63(const char *text, size_t len, int64_t *value);

/*
 * A duration: a number with a unit (ns us ms s m h d), fractions allowed, several added up: "5s",
 * "100ms", "1.5s", "1h30m". A bare "0" is a duration too. Result in nanoseconds, at most 365 days.
 */
bool parse_duration(const char *text, int64_t *ns);

/*
 * A rate "N/DURATION", for example "1/5s" or "30/m" (a unit alone means one of it). The result is
 * the interval between two starts in nanoseconds, rounded up: a rate is never exceeded by rounding.
 */
bool parse_rate(const char *text, int64_t *interval_ns);

/* A size in bytes: a number, or one with the suffix k, m or g (powers of 1024). */
bool parse_size(const char *text, int64_t *bytes);

#define DURATION_TEXT_SIZE 32
/* The shortest text that parse_duration() reads back to the same value: "5s", "1.5s", "300ms". */
void format_duration(int64_t ns, char text[DURATION_TEXT_SIZE]);

#define TIME_TEXT_SIZE 32
/* RFC 3339 in UTC with milliseconds: 2026-11-22T13:02:28.123Z. */
void format_time(int64_t utc_ms, char text[TIME_TEXT_SIZE]);

/* Reads what format_time() wrote. */
bool parse_time(const char *text, int64_t *utc_ms);

/* The same as people write it: a fraction of 1 to 3 digits, or none. */
bool parse_utc(const char *text, int64_t *utc_ms);

#endif
