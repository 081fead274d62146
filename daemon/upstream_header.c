#include "upstream_header.h"

#include "util.h"

#include <string.h>
#include <strings.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TOKEN LETTERS "0123456789!#$%&'*+-.^_`|~"

/* Ours, or the business of one connection. The last one stands for all that begin so. */
static const char *const taken[] = {"Host", "Content-Length", "Content-Type", "Content-Encoding",
    "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "TE", "Trailer", "Expect",
    "Idempotency-Key", "Ingest-Attempt", "webhook-"};

static bool is_taken(const char *name, size_t len)
{
	for (size_t i = 0; i < COUNT_OF(taken); i++) {
		size_t wanted = strlen(taken[i]);
		bool same = taken[i][wanted - 1] == '-' ? len >= wanted : len == wanted;

		if (same && strncasecmp(name, taken[i], wanted) == 0)
			return true;
	}
	return false;
}

static bool is_clean(const char *value)
{
	for (const unsigned char *c = (const unsigned char *)value; *c; c++)
		if ((*c < ' ' && *c != '\t') || *c == 0x7f)
			return false;
	return true;
}

enum err upstream_header_check(const char *text, struct fail *fail)
{
	size_t len = strspn(text, TOKEN);
	const char *value = text + len + 1;

	if (len == 0 || text[len] != ':')
		return fail_set(
		    fail, ERR_INVALID, "this is not a header of the form \"NAME: VALUE\"");
	if (is_taken(text, len))
		return fail_set(fail, ERR_INVALID,
		    "the header %.*s is not yours to set: the handler does", (int)len, text);
	if (strlen(text) > UPSTREAM_HEADER_MAX)
		return fail_set(fail, ERR_INVALID, "the header %.*s has %zu bytes, more than %d",
		    len < 80 ? (int)len : 80, text, strlen(text), UPSTREAM_HEADER_MAX);
	if (!is_clean(value))
		return fail_set(fail, ERR_INVALID,
		    "the value of the header %.*s has a control character",
		    len < 80 ? (int)len : 80, text);
	if (!value[strspn(value, " \t")])
		return fail_set(fail, ERR_INVALID, "the header %.*s has no value", (int)len, text);
	return ERR_OK;
}
