#include "err.h"

#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct entry {
	const char *name;
	int rpc_code;
	int http_status;
	int exit_status;
	int64_t retry_ms;
	const char *text;
} entries[ERR_COUNT] = {[ERR_OK] = {"ok", 0, 200, 0, 0, "no error"},
#define X(symbol, name, rpc, http, exit, retry, text)                                              \
	[ERR_##symbol] = {name, rpc, http, exit, retry, text},
    ERR_LIST(X)
#undef X
};

const char *err_name(enum err err)
{
	return entries[err].name;
}

int err_rpc_code(enum err err)
{
	return entries[err].rpc_code;
}

int err_http_status(enum err err)
{
	return entries[err].http_status;
}

int err_exit_status(enum err err)
{
	return entries[err].exit_status;
}

int64_t fail_retry_ms(const struct fail *fail)
{
	return fail->retry_ms > 0 ? fail->retry_ms : entries[fail->err].retry_ms;
}

enum err err_by_name(const char *name)
{
	/* Downwards, so that "invalid" is the error about parameters and not the one about form. */
	for (int err = ERR_COUNT - 1; err > ERR_OK; err--)
		if (strcmp(entries[err].name, name) == 0)
			return (enum err)err;
	return ERR_INTERNAL;
}

enum err fail_set(struct fail *fail, enum err err, const char *format, ...)
{
	char text[2 * sizeof(fail->text)];
	va_list args;

	va_start(args, format);
	if (format)
		vsnprintf(text, sizeof(text), format, args);
	else
		snprintf(text, sizeof(text), "%s", entries[err].text);
	va_end(args);
	fail->err = err;
	fail->retry_ms = 0;
	utf8_clean(fail->text, sizeof(fail->text), text);
	return err;
}
