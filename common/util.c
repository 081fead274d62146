#include "util.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *checked(void *memory)
{
	if (!memory) {
		static const char message[] = "out of memory\n";

		fwrite(message, 1, sizeof(message) - 1, stderr);
		abort();
	}
	return memory;
}

void *xmalloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size));
}

void *xrealloc(void *old, size_t size)
{
	return checked(realloc(old, size ? size : 1));
}

void *xreallocarray(void *old, size_t count, size_t size)
{
	return checked(reallocarray(old, count ? count : 1, size));
}

char *xstrdup(const char *text)
{
	return checked(strdup(text));
}

char *xasprintf(const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return checked(text);
}

bool parse_u63(const char *text, size_t len, int64_t *value)
{
	int64_t result = 0;

	if (len == 0 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		if (__builtin_mul_overflow(result, 10, &result) ||
		    __builtin_add_overflow(result, text[i] - '0', &result))
			return false;
	}
	*value = result;
	return true;
}

static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", NS_PER_MS},
    {"s", NS_PER_S},
    {"m", 60 * NS_PER_S},
    {"h", 3600 * NS_PER_S},
    {"d", 86400 * NS_PER_S},
};

#define DURATION_MAX_NS (365 * 86400 * NS_PER_S)

static const struct unit *unit_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (strlen(units[i].name) == len && memcmp(units[i].name, name, len) == 0)
			return &units[i];
	return NULL;
}

/*
 * Digits behind the decimal point, as a share of `unit`, rounded up to a nanosecond: a rate must
 * not become higher. From the last digit on, so that rounding at each of them rounds the whole.
 */
static int64_t fraction_ns(const char *digits, size_t len, int64_t unit)
{
	int64_t ns = 0;

	while (len-- > 0) {
		ns += (digits[len] - '0') * unit;
		ns = ns / 10 + (ns % 10 != 0);
	}
	return ns;
}

/* One "NUMBER UNIT" at *at, which moves behind it. */
static bool parse_component(const char **at, int64_t *ns)
{
	const char *whole = *at;
	size_t whole_len = strspn(whole, "0123456789");
	const char *fraction = whole + whole_len;
	size_t fraction_len = 0;
	const char *name;
	const struct unit *unit;
	int64_t number;

	if (*fraction == '.') {
		fraction_len = strspn(++fraction, "0123456789");
		if (fraction_len == 0)
			return false;
	}
	name = fraction + fraction_len;
	*at = name + strspn(name, "abcdefghijklmnopqrstuvwxyz");
	unit = unit_by_name(name, (size_t)(*at - name));
	if (!unit || !parse_u63(whole, whole_len, &number) ||
	    __builtin_mul_overflow(number, unit->ns, ns))
		return false;
	return !__builtin_add_overflow(*ns, fraction_ns(fraction, fraction_len, unit->ns), ns);
}

bool parse_duration(const char *text, int64_t *ns)
{
	int64_t sum = 0, part;

	if (strcmp(text, "0") == 0) {
		*ns = 0;
		return true;
	}
	if (*text == '\0')
		return false;
	while (*text) {
		if (!parse_component(&text, &part) || __builtin_add_overflow(sum, part, &sum) ||
		    sum > DURATION_MAX_NS)
			return false;
	}
	*ns = sum;
	return true;
}

bool parse_rate(const char *text, int64_t *interval_ns)
{
	const char *slash = strchr(text, '/');
	const struct unit *unit;
	int64_t count, period;

	if (!slash || !parse_u63(text, (size_t)(slash - text), &count) || count == 0)
		return false;
	unit = unit_by_name(slash + 1, strlen(slash + 1));
	if (unit)
		period = unit->ns;
	else if (!parse_duration(slash + 1, &period))
		return false;
	if (period == 0)
		return false;
	*interval_ns = period / count + (period % count != 0);
	return true;
}

bool parse_size(const char *text, int64_t *bytes)
{
	static const char suffixes[] = "kmg";
	size_t len = strlen(text);
	const char *suffix = len > 1 ? strchr(suffixes, text[len - 1]) : NULL;
	int shift = suffix && *suffix ? 10 * (int)(suffix - suffixes + 1) : 0;

	if (!parse_u63(text, shift ? len - 1 : len, bytes))
		return false;
	return !__builtin_mul_overflow(*bytes, (int64_t)1 << shift, bytes);
}

void format_duration(int64_t ns, char text[DURATION_TEXT_SIZE])
{
	size_t i = COUNT_OF(units) - 1;
	int len;

	/* The largest unit of which there is at least one; fractions only below a minute, where
	 * they stay exact. */
	while (i > 0 && (ns < units[i].ns || (units[i].ns > NS_PER_S && ns % units[i].ns != 0)))
		i--;
	if (ns == 0)
		i = 3;
	len = snprintf(text, DURATION_TEXT_SIZE, "%" PRId64, ns / units[i].ns);
	if (ns % units[i].ns != 0) {
		int64_t unit = units[i].ns, rest = ns % unit;

		text[len++] = '.';
		for (; rest > 0; rest = rest % unit) {
			unit /= 10;
			text[len++] = (char)('0' + rest / unit);
		}
	}
	snprintf(text + len, DURATION_TEXT_SIZE - (size_t)len, "%s", units[i].name);
}

void format_time(int64_t utc_ms, char text[TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)(utc_ms / 1000);
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(text, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, TIME_TEXT_SIZE - len, ".%03dZ", (int)(utc_ms % 1000));
}

bool parse_time(const char *text, int64_t *utc_ms)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	char back[TIME_TEXT_SIZE];
	int64_t ms;

	if (!end || strlen(end) != 5 || end[0] != '.' || end[4] != 'Z')
		return false;
	ms = (end[1] - '0') * 100 + (end[2] - '0') * 10 + (end[3] - '0');
	/* Before 1970 there is nothing to tell, and format_time() could not write it. */
	if (strspn(end + 1, "0123456789") != 3 || timegm(&tm) < 0)
		return false;
	*utc_ms = (int64_t)timegm(&tm) * 1000 + ms;
	format_time(*utc_ms, back);
	return strcmp(back, text) == 0; /* not so: February 30 */
}

bool parse_utc(const char *text, int64_t *utc_ms)
{
	size_t len = strlen(text), whole = strlen("2000-01-01T00:00:00");
	char full[TIME_TEXT_SIZE];
	int digits = (int)len - (int)whole - 2;

	if (len == whole + 1 && text[whole] == 'Z')
		snprintf(full, sizeof(full), "%.*s.000Z", (int)whole, text);
	else if (digits >= 1 && digits <= 3 && text[len - 1] == 'Z')
		snprintf(full, sizeof(full), "%.*s%.*sZ", (int)len - 1, text, 3 - digits, "00");
	else
		return false;
	return parse_time(full, utc_ms);
}
