#include "http_fields.h"

#include "utf8.h"

#include <arpa/inet.h>
#include <string.h>

#define F HTTP_FIELD
#define T (HTTP_FIELD | HTTP_TOKEN)
#define U (HTTP_FIELD | HTTP_TARGET)
#define B (HTTP_FIELD | HTTP_TOKEN | HTTP_TARGET)

/*
 * In targets: the characters of RFC 3986 but '#', because fragments are not sent (RFC 9112 section
 * 3.2), and the five of ^ ` { | } that browsers send as they are.
 */
/* clang-format off */
const unsigned char http_chars[256] = {
    ['\t'] = F | HTTP_SPACE, [' '] = F | HTTP_SPACE,
    ['0' ... '9'] = B, ['A' ... 'Z'] = B, ['a' ... 'z'] = B,
    ['!'] = B, ['$'] = B, ['%'] = B, ['&'] = B, ['\''] = B, ['*'] = B, ['+'] = B, ['-'] = B,
    ['.'] = B, ['^'] = B, ['_'] = B, ['`'] = B, ['|'] = B, ['~'] = B,
    ['#'] = T,
    ['('] = U, [')'] = U, [','] = U, ['/'] = U, [':'] = U, [';'] = U, ['='] = U, ['?'] = U,
    ['@'] = U, ['['] = U, [']'] = U, ['{'] = U, ['}'] = U,
    ['"'] = F, ['<'] = F, ['>'] = F, ['\\'] = F,
    [0x80 ... 0xff] = F, /* obs-text */
};
/* clang-format on */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static void copy_lower(char *to, const char *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = lower(from[i]);
	to[len] = '\0';
}

int http_hex(char c)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_equal(const char *text, size_t len, const char *word)
{
	for (size_t i = 0; i < len; i++)
		if (word[i] == '\0' || lower(text[i]) != lower(word[i]))
			return false;
	return word[len] == '\0';
}

static const char *skip_space(const char *at)
{
	while (http_is(*at, HTTP_SPACE))
		at++;
	return at;
}

static const char *skip_token(const char *at)
{
	while (http_is(*at, HTTP_TOKEN))
		at++;
	return at;
}

/* Behind the quoted string (section 5.6.4) that starts at `at`; NULL: it does not end. */
static const char *skip_quoted(const char *at)
{
	for (at++; *at != '"'; at++) {
		if (*at == '\\')
			at++;
		if (*at == '\0')
			return NULL;
	}
	return at + 1;
}

bool http_list_next(const char **at, const char **element, size_t *len)
{
	const char *end;

	if (!*at)
		return false;
	*element = end = skip_space(*at);
	while (*end != '\0' && *end != ',') {
		const char *behind = *end == '"' ? skip_quoted(end) : end + 1;

		/* Never to be looked at again, lest many quotes take quadratic time. */
		end = behind ? behind : end + strlen(end);
	}
	*at = *end == ',' ? end + 1 : NULL;
	while (end > *element && http_is(end[-1], HTTP_SPACE))
		end--;
	*len = (size_t)(end - *element);
	return true;
}

bool http_list_has(const char *list, const char *token)
{
	const char *element;
	size_t len;

	while (http_list_next(&list, &element, &len))
		if (http_equal(element, len, token))
			return true;
	return false;
}

/* Goes over the next ";name=value" (section 5.6.6), or an empty one; *at is behind the type or the
 * parameter before. */
static enum http_found skip_parameter(const char **at)
{
	const char *c = skip_space(*at), *end;

	if (*c == '\0')
		return HTTP_MISSING;
	if (*c != ';')
		return HTTP_BAD;
	*at = c = skip_space(c + 1);
	if (*c == '\0' || *c == ';')
		return HTTP_FOUND;
	end = skip_token(c);
	if (end == c || *end != '=')
		return HTTP_BAD;
	c = end + 1;
	end = *c == '"' ? skip_quoted(c) : skip_token(c);
	if (!end || end == c)
		return HTTP_BAD;
	*at = end;
	return HTTP_FOUND;
}

bool http_media_read(const char *value, struct http_media *media)
{
	const char *slash = skip_token(value), *end;
	enum http_found found;

	if (slash == value || *slash != '/')
		return false;
	end = skip_token(slash + 1);
	if (end == slash + 1 || end - value >= HTTP_MEDIA_TYPE_SIZE)
		return false;
	copy_lower(media->type, value, (size_t)(end - value));
	while ((found = skip_parameter(&end)) == HTTP_FOUND)
		;
	return found == HTTP_MISSING;
}

/* Behind an entity tag (section 8.8.3), *opaque is its part in quotes; NULL: there is none. */
static const char *skip_etag(const char *at, const char **opaque)
{
	if (at[0] == 'W' && at[1] == '/')
		at += 2;
	*opaque = at;
	if (*at != '"')
		return NULL;
	for (at++; *at != '"'; at++)
		if (*at == '\0' || http_is(*at, HTTP_SPACE))
			return NULL;
	return at + 1;
}

bool http_etags_have(const char *list, const char *etag)
{
	const char *want, *have, *end = skip_etag(etag, &want);

	if (!end)
		return false;
	if (strcmp(list, "*") == 0)
		return true;
	for (;;) {
		size_t len;

		while (*list == ',' || http_is(*list, HTTP_SPACE))
			list++;
		list = skip_etag(list, &have);
		if (!list)
			return false;
		len = (size_t)(list - have);
		list = skip_space(list);
		if (*list != ',' && *list != '\0')
			return false;
		if (len == (size_t)(end - want) && memcmp(have, want, len) == 0)
			return true;
	}
}

bool http_accepts_html(const char *accept)
{
	const char *element;
	size_t len;

	while (http_list_next(&accept, &element, &len)) {
		size_t type = 0;

		while (type < len && element[type] != ';' && !http_is(element[type], HTTP_SPACE))
			type++;
		if (http_equal(element, type, "text/html"))
			return true;
	}
	return false;
}

/* Length of the host that `text` starts with; 0: there is none. */
static size_t host_length(const char *text, size_t len)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr binary;
	const char *close;
	size_t n = 0;

	if (len == 0 || *text != '[') {
		while (n < len && (is_alnum(text[n]) || memchr("-._", text[n], 3)))
			n++;
		return n;
	}
	close = memchr(text, ']', len);
	n = close ? (size_t)(close - text) - 1 : sizeof(address);
	if (n >= sizeof(address))
		return 0;
	memcpy(address, text + 1, n);
	address[n] = '\0';
	return inet_pton(AF_INET6, address, &binary) == 1 ? n + 2 : 0;
}

bool http_host_read(const char *text, size_t len, char *name, int *port)
{
	size_t n = host_length(text, len);

	*port = 0;
	if (n == 0 || n > HTTP_HOST_MAX)
		return false;
	copy_lower(name, text, n);
	if (n == len)
		return true;
	/* The port may be empty (RFC 3986 section 3.2.3). */
	if (text[n] != ':' || len - n > strlen(":65535"))
		return false;
	while (++n < len) {
		if (!is_digit(text[n]))
			return false;
		*port = *port * 10 + (text[n] - '0');
	}
	return *port <= 65535;
}

/* The byte that "%XX" at `at` stands for, 0 when it stands for none; `left` bytes can be read. */
static unsigned char escaped(const char *at, size_t left)
{
	int high = left > 2 ? http_hex(at[1]) : -1;
	int low = high >= 0 ? http_hex(at[2]) : -1;

	return (unsigned char)(low >= 0 ? high << 4 | low : 0);
}

ssize_t http_decode(const char *from, size_t len, enum http_decoding how, char *to)
{
	ssize_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = from[i];

		if (c == '+' && how == HTTP_DECODE_FORM)
			c = ' ';
		if (c == '%') {
			c = (char)escaped(from + i, len - i);
			if (c == '\0')
				return -1;
			if (c == '/' && how == HTTP_DECODE_PATH)
				c = '%';
			else
				i += 2;
		}
		if (to)
			to[n] = c;
		n++;
	}
	if (to)
		to[n] = '\0';
	return n;
}

static bool is_text(const char *text)
{
	size_t left = strlen(text), n;

	for (; left > 0; text += n, left -= n) {
		n = utf8_length(text, left);
		if (n == 0 || utf8_is_control(text, n))
			return false;
	}
	return true;
}

/* Decodes a name or a value of a query into to[size]. False: one that does not belong there. */
static bool read_form(const char *from, size_t len, char *to, size_t size)
{
	ssize_t n = http_decode(from, len, HTTP_DECODE_FORM, NULL);

	if (n < 0 || (size_t)n >= size)
		return false;
	http_decode(from, len, HTTP_DECODE_FORM, to);
	return is_text(to);
}

enum http_found http_query_next(const char **at, struct http_pair *pair)
{
	const char *piece = *at ? *at + strspn(*at, "&") : "", *equals;
	size_t len = strcspn(piece, "&"), name_len, value_len;

	if (len == 0)
		return HTTP_MISSING;
	*at = piece + len;
	equals = memchr(piece, '=', len);
	name_len = equals ? (size_t)(equals - piece) : len;
	value_len = equals ? len - name_len - 1 : 0;
	if (!read_form(piece, name_len, pair->name, sizeof(pair->name)) ||
	    !read_form(piece + len - value_len, value_len, pair->value, sizeof(pair->value)))
		return HTTP_BAD;
	return name_len > 0 ? HTTP_FOUND : HTTP_BAD;
}

enum http_found http_query_get(const char *query, const char *name, char *value, size_t size)
{
	enum http_found found, result = HTTP_MISSING;
	struct http_pair pair;

	while ((found = http_query_next(&query, &pair)) == HTTP_FOUND) {
		if (strcmp(pair.name, name) != 0)
			continue;
		if (result == HTTP_FOUND || strlen(pair.value) >= size)
			return HTTP_BAD;
		memcpy(value, pair.value, strlen(pair.value) + 1);
		result = HTTP_FOUND;
	}
	return found == HTTP_BAD ? HTTP_BAD : result;
}

/* A String of RFC 9651 into key; behind it, or NULL. */
static const char *read_quoted_key(const char *at, char *key)
{
	size_t len = 0;

	for (at++; *at != '"'; at++) {
		if (*at == '\\' && *++at != '"' && *at != '\\')
			return NULL;
		if (*at == '\0' || len == KEY_MAX)
			return NULL;
		key[len++] = *at;
	}
	key[len] = '\0';
	return at + 1;
}

static const char *read_bare_key(const char *at, char *key)
{
	size_t len = strcspn(at, "\"\\,;");

	if (len > KEY_MAX)
		return NULL;
	memcpy(key, at, len);
	key[len] = '\0';
	return at + len;
}

bool http_key_read(const char *value, char key[KEY_MAX + 1])
{
	const char *end = *value == '"' ? read_quoted_key(value, key) : read_bare_key(value, key);

	return end && *end == '\0' && key_is_valid(key);
}

bool http_is_traceparent(const char *value)
{
	static const char shape[] = "00-00000000000000000000000000000000-0000000000000000-00";

	if (strlen(value) != sizeof(shape) - 1 || strncmp(value, "ff", 2) == 0)
		return false;
	for (size_t i = 0; value[i]; i++)
		if (shape[i] == '-' ? value[i] != '-' : !strchr("0123456789abcdef", value[i]))
			return false;
	return strspn(value + 3, "0") < 32 && strspn(value + 36, "0") < 16;
}
