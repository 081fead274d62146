#include "fuzz.h"

#include "idlist.h"
#include "idtext.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT 5000 /* ids */

/* The same text, which comes in pieces. */
static enum err read_pieces(const char *text, size_t len, size_t piece, struct idlist *ids)
{
	struct idtext in;
	struct fail fail = {.err = ERR_OK};
	size_t at = 0;

	idtext_start(&in, "fuzz", true, 0, LIMIT);
	do {
		size_t n = len - at < piece ? len - at : piece;
		size_t max;

		idtext_add(&in, text + at, n);
		at += n;
		do {
			max = ids->n + piece;
			if (idtext_read(&in, max, ids, &fail))
				return fail.err;
		} while (ids->n == max);
	} while (!idtext_ended(&in));
	return ERR_OK;
}

static void check_list(const struct idlist *ids)
{
	struct buf text = {0};
	struct idlist back = {0};
	struct fail fail = {.err = ERR_OK};

	if (ids->n > LIMIT)
		abort();
	for (size_t i = 0; i < ids->n; i++)
		if (ids->v[i] < 1)
			abort();
	if (ids->n == 0)
		return;
	idlist_format(ids->v, ids->n, ',', &text);
	if (idlist_parse_text(&back, text.data, text.len, LIMIT, "fuzz", &fail) ||
	    back.n != ids->n || memcmp(back.v, ids->v, ids->n * sizeof(*ids->v)) != 0)
		abort();
	idlist_free(&back);
	buf_free(&text);
}

int fuzz_ids(const uint8_t *data, size_t size)
{
	struct idlist whole = {0}, pieces = {0};
	struct fail fail = {.err = ERR_OK};
	const char *text = (const char *)data + 1;
	enum err err;

	if (size == 0)
		return 0;
	err = idlist_parse_text(&whole, text, size - 1, LIMIT, "fuzz", &fail);
	if (err != read_pieces(text, size - 1, 1 + data[0] % 100, &pieces))
		abort();
	if (err && !fail.text[0])
		abort();
	if (!err && (whole.n != pieces.n || (whole.n > 0 && memcmp(whole.v, pieces.v,
								whole.n * sizeof(*whole.v)) != 0)))
		abort();
	if (!err)
		check_list(&whole);
	idlist_free(&whole);
	idlist_free(&pieces);
	return 0;
}
