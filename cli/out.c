#include "out.h"

#include "exits.h"
#include "utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SAY_MAX 1024 /* bytes of one message */
#define RESET "\033[0m"

static void say(const char *format, va_list args)
{
	char text[SAY_MAX], clean[SAY_MAX];

	vsnprintf(text, sizeof(text), format, args);
	utf8_clean(clean, sizeof(clean), text);
	fprintf(stderr, "ingestctl: %s\n", clean);
}

void out_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

int out_fail(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return status;
}

void out_data(struct buf *data)
{
	fwrite(data->data, 1, data->len, stdout);
	fflush(stdout);
	buf_free(data);
}

bool out_flush(void)
{
	return fflush(stdout) == 0 && !ferror(stdout);
}

int out_finish(int status)
{
	if (out_flush())
		return status;
	return out_fail(EXITS_REFUSED, "cannot write to stdout: %s", strerror(errno));
}

bool out_is_live(FILE *file)
{
	const char *term = getenv("TERM");

	return isatty(fileno(file)) && term && *term && strcmp(term, "dumb") != 0;
}

bool out_has_colours(FILE *file)
{
	const char *no = getenv("NO_COLOR");

	return (!no || !*no) && out_is_live(file);
}

const char *out_span(int64_t ns, char text[DURATION_TEXT_SIZE])
{
	int64_t s = ns / NS_PER_S;

	if (s >= 86400)
		snprintf(text, DURATION_TEXT_SIZE, "%" PRId64 "d%" PRId64 "h", s / 86400,
		    s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(
		    text, DURATION_TEXT_SIZE, "%" PRId64 "h%" PRId64 "m", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(text, DURATION_TEXT_SIZE, "%" PRId64 "m%" PRId64 "s", s / 60, s % 60);
	else if (s >= 10)
		snprintf(text, DURATION_TEXT_SIZE, "%" PRId64 "s", s);
	else
		snprintf(text, DURATION_TEXT_SIZE, "%.3gs", (double)(ns / NS_PER_MS) / 1000);
	return text;
}

void out_coloured(const char *text, int width, const char *colour)
{
	bool coloured = *colour && out_has_colours(stdout);

	printf("%s%-*s%s", coloured ? colour : "", width, text, coloured ? RESET : "");
}

int out_width(FILE *file)
{
	struct winsize size;

	if (ioctl(fileno(file), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}
