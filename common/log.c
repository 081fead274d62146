#include "log.h"

#include "buf.h"
#include "clock.h"
#include "utf8.h"
#include "util.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define VALUE_MAX 1024

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static _Atomic enum log_level max_level = LOG_INFO;

void log_set_level(enum log_level level)
{
	max_level = level;
}

int log_level_by_name(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(level_names); i++)
		if (strcmp(level_names[i], name) == 0)
			return (int)i;
	return -1;
}

static void add_quoted(struct buf *line, const char *text)
{
	size_t left = strnlen(text, VALUE_MAX);

	buf_add(line, "\"", 1);
	while (left > 0) {
		size_t length = utf8_length(text, left);

		if (*text == '"' || *text == '\\')
			buf_printf(line, "\\%c", *text);
		else if (*text == '\n')
			buf_add_str(line, "\\n");
		else if (length == 0)
			buf_printf(line, "\\x%02x", (unsigned char)*text);
		else if (utf8_is_control(text, length))
			buf_printf(line, "\\u%04x",
			    (unsigned)(unsigned char)text[length - 1]); /* U+00xx either way */
		else
			buf_add(line, text, length);
		length = length ? length : 1;
		text += length;
		left -= length;
	}
	buf_add(line, "\"", 1);
}

static void add_field(struct buf *line, const struct log_field *field)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "._-/:@+,";

	buf_printf(line, " %s=", field->key);
	if (!field->text)
		buf_printf(line, "%" PRId64, field->number);
	else if (*field->text && field->text[strspn(field->text, plain)] == '\0' &&
		 strlen(field->text) < VALUE_MAX)
		buf_add_str(line, field->text);
	else
		add_quoted(line, field->text);
}

void log_write(enum log_level level, const struct log_field *fields)
{
	struct buf line = {0};
	char time[TIME_TEXT_SIZE];
	size_t written = 0;

	if (level > max_level)
		return;
	format_time(clock_utc_ms(clock_system()), time);
	buf_printf(&line, "ts=%s level=%s", time, level_names[level]);
	for (; fields->key; fields++)
		add_field(&line, fields);
	buf_add(&line, "\n", 1);
	while (written < line.len) {
		ssize_t n = write(STDERR_FILENO, line.data + written, line.len - written);

		if (n < 0 && errno != EINTR)
			break; /* nowhere to complain to */
		written += n > 0 ? (size_t)n : 0;
	}
	buf_free(&line);
}
