/* Which kind of store a URL means, and how a URL may be shown. */
#include "store.h"

#include "buf.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

static const struct kind_row {
	const struct store_kind *kind;
	bool whole; /* the store is given the whole URL, not only what follows the scheme */
} kinds[] = {
    {&store_sqlite, false},
    {&store_postgres, true},
};

static bool begins_with(const char *url, const char *scheme)
{
	return scheme && strncmp(url, scheme, strlen(scheme)) == 0;
}

const struct store_kind *store_kind_of(const char *url, const char **where)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const struct store_kind *kind = kinds[i].kind;
		const char *scheme = begins_with(url, kind->scheme)  ? kind->scheme
		                     : begins_with(url, kind->alias) ? kind->alias
		                                                     : NULL;

		if (!scheme)
			continue;
		*where = kinds[i].whole ? url : url + strlen(scheme);
		return kind;
	}
	return NULL;
}

/* ---- without the password ---- */

#define HIDDEN "***"

static const char *later(const char *a, const char *b)
{
	return a > b ? a : b;
}

/* The last '@' in text[0, len). */
static const char *last_at(const char *text, size_t len)
{
	for (const char *at = text + len; at > text; at--)
		if (at[-1] == '@')
			return at - 1;
	return NULL;
}

/*
 * The '@' behind the user and the password, NULL when there are none. A password should have no
 * '/',
 * '?' or '@' of its own; whoever wrote one anyway must not find it in a log.
 */
static const char *end_of_user(const char *authority)
{
	const char *strict = last_at(authority, strcspn(authority, "/"));
	const char *loose = last_at(authority, strcspn(authority, "?"));

	if (!strict || !loose)
		return strict ? strict : loose;
	return later(strict, loose);
}

/* Writes the URL up to its query and returns what was left. */
static const char *show_authority(const char *url, struct buf *shown)
{
	const char *slashes = strstr(url, "://");
	const char *authority = slashes ? slashes + 3 : url;
	const char *end = slashes ? end_of_user(authority) : NULL;
	const char *colon = end ? memchr(authority, ':', (size_t)(end - authority)) : NULL;

	if (!colon)
		return url;
	buf_add(shown, url, (size_t)(colon + 1 - url));
	buf_add_str(shown, HIDDEN);
	return end;
}

/* Whether a parameter of that name is: password, sslpassword. */
static bool is_secret(const char *name, size_t len)
{
	static const char suffix[] = "password";
	size_t n = sizeof(suffix) - 1;

	return len >= n && memcmp(name + len - n, suffix, n) == 0;
}

char *store_shown(const char *url)
{
	struct buf shown = {0};
	const char *rest = show_authority(url, &shown);

	while (*rest) {
		/* One parameter, or what stands before the first of them, with its delimiter. */
		size_t delimiter = strchr("?& ", *rest) != NULL;
		size_t len = delimiter + strcspn(rest + delimiter, "?& ");
		const char *equals = memchr(rest, '=', len);
		const char *name = rest + delimiter;

		/* A name with an escape may be any. */
		if (equals && (is_secret(name, (size_t)(equals - name)) ||
				  (delimiter && memchr(name, '%', (size_t)(equals - name))))) {
			buf_add(&shown, rest, (size_t)(equals + 1 - rest));
			buf_add_str(&shown, HIDDEN);
		} else {
			buf_add(&shown, rest, len);
		}
		rest += len;
	}
	return shown.data ? shown.data : xstrdup("");
}
