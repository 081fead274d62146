#include "http_request.h"

#include "http_fields.h"
#include "util.h"

#include <string.h>

/* The work of http_request_read(). Its functions return false after they have set *error. */
struct reader {
	struct http_request *request;
	struct buf *head; /* has room for all that is appended: pointers into it stay */
	uint64_t body_max;
	struct http_error *error;
	const char *path; /* in the target, encoded */
	const char *authority; /* of a target in absolute form, or NULL */
	size_t authority_len;
	const char *singles[7]; /* see below */
};

/*
 * Fields that have one value (RFC 9110 section 5.3). With two of them a proxy may have looked at
 * the one and we at the other.
 */
enum single {
	AUTHORIZATION,
	CONTENT_LENGTH,
	CONTENT_TYPE,
	HOST,
	IDEMPOTENCY_KEY,
	ORIGIN,
	TRANSFER_ENCODING,
};

static const struct {
	const char *name, *twice;
} singles[] = {
    [AUTHORIZATION] = {"authorization", "more than one Authorization"},
    [CONTENT_LENGTH] = {"content-length", "more than one Content-Length"},
    [CONTENT_TYPE] = {"content-type", "more than one Content-Type"},
    [HOST] = {"host", "more than one Host"},
    [IDEMPOTENCY_KEY] = {"idempotency-key", "more than one Idempotency-Key"},
    [ORIGIN] = {"origin", "more than one Origin"},
    [TRANSFER_ENCODING] = {"transfer-encoding", "more than one Transfer-Encoding"},
};

static bool refuse(struct reader *r, int status, const char *text)
{
	*r->error = (struct http_error){status, text};
	return false;
}

/* ---- header fields ---- */

bool http_header_next(
    const struct http_request *request, const char **at, const char **name, const char **value)
{
	if (!*at)
		*at = request->fields;
	if (*at == request->fields_end)
		return false;
	*name = *at;
	*value = *name + strlen(*name) + 1;
	*at = *value + strlen(*value) + 1;
	return true;
}

/* As http_header_next(), for the fields of one name. */
static bool next_of(
    const struct http_request *request, const char **at, const char *wanted, const char **value)
{
	const char *name;

	while (http_header_next(request, at, &name, value))
		if (http_equal(name, strlen(name), wanted))
			return true;
	return false;
}

const char *http_header(const struct http_request *request, const char *name)
{
	const char *at = NULL, *value;

	return next_of(request, &at, name, &value) ? value : NULL;
}

bool http_header_has(const struct http_request *request, const char *name, const char *token)
{
	const char *at = NULL, *value;

	while (next_of(request, &at, name, &value))
		if (http_list_has(value, token))
			return true;
	return false;
}

static bool find_singles(struct reader *r)
{
	const char *at = NULL, *name, *value;

	while (http_header_next(r->request, &at, &name, &value))
		for (size_t i = 0; i < COUNT_OF(singles); i++) {
			if (strcmp(name, singles[i].name) != 0)
				continue;
			if (r->singles[i])
				return refuse(r, 400, singles[i].twice);
			r->singles[i] = value;
		}
	return true;
}

/* ---- target and host: RFC 9112 sections 3.2 and 3.3 ---- */

/* absolute-form, which servers must take (section 3.2.2) though only proxies get it. */
static bool split_absolute(struct reader *r)
{
	const char *target = r->request->target;
	size_t scheme = strcspn(target, ":/?");

	if (strncmp(target + scheme, "://", 3) != 0)
		return refuse(r, 400, "the target must be a path that starts with '/', or a URL");
	/* RFC 9110 section 7.4: nothing secures this connection, as far as we know. */
	if (http_equal(target, scheme, "https"))
		return refuse(r, 421, "https is not spoken here");
	if (!http_equal(target, scheme, "http"))
		return refuse(r, 400, "the target is a URL of another scheme than http");
	r->authority = target + scheme + 3;
	r->authority_len = strcspn(r->authority, "/?");
	r->path = r->authority + r->authority_len;
	return true;
}

static bool split_target(struct reader *r)
{
	struct http_request *request = r->request;
	bool options = strcmp(request->method, "OPTIONS") == 0;

	r->path = request->target;
	if (strcmp(request->target, "*") == 0) {
		if (!options)
			return refuse(r, 400, "the target * is for OPTIONS only");
	} else if (*request->target != '/' && !split_absolute(r)) {
		return false;
	}
	request->query = strchr(r->path, '?');
	if (request->query)
		request->query++;
	/* An absolute URL may lack a path (RFC 9112 section 3.2.4, RFC 9110 section 4.2.3). */
	if (*r->path == '\0' || *r->path == '?')
		r->path = options && !request->query ? "*" : "/";
	return true;
}

static bool decode_target(struct reader *r)
{
	const char *query = r->request->query;
	size_t len = strcspn(r->path, "?");
	char *path = buf_reserve(r->head, len);
	ssize_t decoded = http_decode(r->path, len, HTTP_DECODE_PATH, path);

	if (decoded < 0 || (query && http_decode(query, strlen(query), HTTP_DECODE_FORM, NULL) < 0))
		return refuse(
		    r, 400, "the target has a '%' without two hexadecimal digits, or %00");
	r->head->len += (size_t)decoded + 1;
	r->request->path = path;
	return true;
}

/* RFC 9112 section 3.2: exactly one valid Host in HTTP/1.1, also when the target overrides it. */
static bool read_host(struct reader *r)
{
	struct http_request *request = r->request;
	const char *field = r->singles[HOST];
	char *host = buf_reserve(r->head, HTTP_HOST_MAX);

	if (!field && request->minor > 0)
		return refuse(r, 400, "HTTP/1.1 needs a Host");
	if (field && !http_host_read(field, strlen(field), host, &request->port))
		return refuse(r, 400, "Host is not HOST or HOST:PORT");
	if (r->authority && !http_host_read(r->authority, r->authority_len, host, &request->port))
		return refuse(r, 400, "the URL in the target has no valid HOST or HOST:PORT");
	if (field || r->authority) {
		request->host = host;
		r->head->len += strlen(host) + 1;
	}
	return true;
}

/* ---- framing: RFC 9112 section 6 ---- */

/*
 * Section 6.1: a coding that we do not know is 501; "chunked" must be there once. Parameters and
 * all ways to hide the word make it another coding.
 */
static bool read_coding(struct reader *r)
{
	const char *list = r->singles[TRANSFER_ENCODING], *coding;
	size_t len, chunked = 0;

	if (r->singles[CONTENT_LENGTH])
		return refuse(r, 400, "both Content-Length and Transfer-Encoding");
	if (r->request->minor == 0)
		return refuse(r, 400, "Transfer-Encoding in HTTP/1.0");
	while (http_list_next(&list, &coding, &len)) {
		if (len == 0)
			return refuse(r, 400, "an empty transfer coding");
		if (!http_equal(coding, len, "chunked"))
			return refuse(r, 501, "the only transfer coding known here is chunked");
		chunked++;
	}
	if (chunked != 1)
		return refuse(r, 400, "chunked must be applied once");
	r->request->framing = HTTP_CHUNKED;
	return true;
}

/*
 * Section 6.2: digits and nothing else. No list of equal values, which section 6.3 lets us refuse;
 * no leading zero, with which some would read octal.
 */
static bool read_length(struct reader *r)
{
	const char *text = r->singles[CONTENT_LENGTH];
	size_t digits = strspn(text, "0123456789");
	uint64_t length = 0;

	if (digits == 0 || text[digits] != '\0' || (digits > 1 && text[0] == '0'))
		return refuse(r, 400, "Content-Length is not one decimal number");
	for (size_t i = 0; i < digits; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');

		if (length > (r->body_max - digit) / 10 || digit > r->body_max)
			return refuse(r, 413, "the body is longer than allowed");
		length = length * 10 + digit;
	}
	r->request->framing = HTTP_LENGTH;
	r->request->length = length;
	return true;
}

static bool read_framing(struct reader *r)
{
	if (r->singles[TRANSFER_ENCODING])
		return read_coding(r);
	return r->singles[CONTENT_LENGTH] ? read_length(r) : true;
}

/* ---- the connection ---- */

/* RFC 9110 section 10.1.1: there is one expectation, HTTP/1.0 has none, and no body needs none. */
static bool read_expect(struct reader *r)
{
	struct http_request *request = r->request;
	bool body = request->framing == HTTP_CHUNKED || request->length > 0;
	const char *at = NULL, *value;

	while (next_of(request, &at, "expect", &value)) {
		if (!http_equal(value, strlen(value), "100-continue"))
			return refuse(r, 417, "the only expectation known here is 100-continue");
		request->expect_continue = body && request->minor > 0;
	}
	return true;
}

/* RFC 9112 section 9.3. */
static void read_connection(struct http_request *request)
{
	request->keep_alive =
	    !http_header_has(request, "connection", "close") &&
	    (request->minor > 0 || http_header_has(request, "connection", "keep-alive"));
}

bool http_request_read(
    struct http_request *request, struct buf *head, uint64_t body_max, struct http_error *error)
{
	struct reader r = {.request = request, .head = head, .body_max = body_max, .error = error};
	size_t fields_end = head->len;

	buf_reserve(head, strlen(head->data + strlen(head->data) + 1) + 300);
	*request = (struct http_request){.minor = request->minor};
	request->method = head->data;
	request->target = request->method + strlen(request->method) + 1;
	request->fields = request->target + strlen(request->target) + 1;
	request->fields_end = head->data + fields_end;
	if (!split_target(&r) || !decode_target(&r) || !find_singles(&r) || !read_host(&r) ||
	    !read_framing(&r) || !read_expect(&r))
		return false;
	read_connection(request);
	return true;
}
