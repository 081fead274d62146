#include "http_reply.h"

#include "util.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static const struct {
	int status;
	const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *http_reason(int status)
{
	for (size_t i = 0; i < COUNT_OF(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

void http_reply_field(struct http_reply *reply, const char *name, const char *format, ...)
{
	char value[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	buf_printf(&reply->fields, "%s: %s\r\n", name, value);
}

/* An IMF-fixdate (RFC 9110 section 5.6.7); strftime(3) would use the words of the locale. */
static void write_date(int64_t utc_ms, struct buf *out)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(utc_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	buf_printf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n", days + 3 * tm.tm_wday,
	    tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
}

/* A reply without a body has no length either: 204 and 304 (RFC 9110 section 8.6). */
static bool has_body(const struct http_reply *reply)
{
	return reply->status != 204 && reply->status != 304;
}

void http_reply_write(
    const struct http_reply *reply, const struct http_delivery *delivery, struct buf *out)
{
	buf_printf(out, "HTTP/1.1 %d %s\r\n", reply->status, http_reason(reply->status));
	write_date(delivery->utc_ms, out);
	if (has_body(reply)) {
		if (reply->type)
			buf_printf(out, "Content-Type: %s\r\n", reply->type);
		buf_printf(out, "Content-Length: %zu\r\n", reply->body.len);
	}
	if (delivery->close)
		buf_add_str(out, "Connection: close\r\n");
	if (reply->fields.len > 0)
		buf_add(out, reply->fields.data, reply->fields.len);
	buf_add_str(out, "\r\n");
	if (has_body(reply) && !delivery->head && reply->body.len > 0)
		buf_add(out, reply->body.data, reply->body.len);
}

void http_reply_free(struct http_reply *reply)
{
	buf_free(&reply->fields);
	buf_free(&reply->body);
	*reply = (struct http_reply){0};
}
