#include "idlist.h"

#include "idtext.h"
#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 40 /* bytes of a wrong value that an error shows */

static void reserve(struct idlist *list, size_t more)
{
	size_t need = list->n + more;

	if (need > list->cap) {
		list->cap = need < 2 * list->cap ? 2 * list->cap : need;
		list->v = xreallocarray(list->v, list->cap, sizeof(*list->v));
	}
}

void idlist_push(struct idlist *list, int64_t id)
{
	reserve(list, 1);
	list->v[list->n++] = id;
}

void idlist_add(struct idlist *list, const int64_t *ids, size_t n)
{
	if (n == 0)
		return;
	reserve(list, n);
	memcpy(list->v + list->n, ids, n * sizeof(*ids));
	list->n += n;
}

void idlist_free(struct idlist *list)
{
	free(list->v);
	*list = (struct idlist){0};
}

bool idlist_parse_id(const char *text, size_t len, int64_t *id)
{
	return parse_u63(text, len, id) && *id >= 1;
}

enum err idlist_read_id(
    const char *text, size_t len, int64_t max_id, const char *where, int64_t *id, struct fail *fail)
{
	if (idlist_parse_id(text, len, id) && *id <= max_id)
		return ERR_OK;
	return fail_set(fail, ERR_INVALID, "%s: %.*s%s is not an integer from 1 to %" PRId64, where,
	    (int)(len < SHOWN_MAX ? len : SHOWN_MAX), text, len < SHOWN_MAX ? "" : "...", max_id);
}

enum err idlist_parse_text(struct idlist *list, const char *text, size_t len, size_t limit,
    const char *where, struct fail *fail)
{
	struct idtext reader;

	idtext_start(&reader, where, len > 0 && memchr(text, '\n', len), list->n, limit);
	idtext_add(&reader, text, len);
	/* All of it at once: `limit` bounds the list. */
	if (len > 0 && idtext_read(&reader, SIZE_MAX, list, fail))
		return fail->err;
	idtext_add(&reader, NULL, 0);
	return idtext_read(&reader, SIZE_MAX, list, fail);
}

void idlist_format(const int64_t *ids, size_t n, char separator, struct buf *out)
{
	char digits[24];

	for (size_t i = 0; i < n; i++) {
		char *end = digits + sizeof(digits), *at = end;
		uint64_t rest = (uint64_t)ids[i];

		do
			*--at = (char)('0' + rest % 10);
		while (rest /= 10);
		if (i > 0)
			*--at = separator;
		buf_add(out, at, (size_t)(end - at));
	}
}
