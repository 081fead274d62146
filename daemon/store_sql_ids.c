/* Lists of ids on disk. */
#include "store_sql.h"

#include "util.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

void *sql_ids_pack(const int64_t *ids, size_t n)
{
	uint64_t *packed = xreallocarray(NULL, n, sizeof(*packed));

	for (size_t i = 0; i < n; i++)
		packed[i] = htole64((uint64_t)ids[i]);
	return packed;
}

static int64_t chunk_key(int64_t num, int64_t chunk)
{
	return num * CHUNKS_MAX + chunk;
}

int sql_chunks_write(
    struct sql_store *store, int64_t num, int64_t chunk, const int64_t *ids, size_t n)
{
	int code = SQL_DONE;

	for (; n > 0 && code == SQL_DONE; chunk++) {
		size_t part = n < CHUNK_IDS ? n : CHUNK_IDS;
		void *packed = sql_ids_pack(ids, part);

		code = sql_first(store, SQL_CHUNK_ADD, "ib", chunk_key(num, chunk), packed,
		    (int64_t)(part * sizeof(int64_t)));
		free(packed);
		ids += part;
		n -= part;
	}
	return code;
}

int sql_chunks_remove(struct sql_store *store, int64_t num, int most, int *removed)
{
	int code = sql_first(store, SQL_CHUNKS_REMOVE, "iii", chunk_key(num, 0),
	    chunk_key(num + 1, 0), (int64_t)most);

	return sql_count(store, SQL_CHUNKS_REMOVE, code, removed);
}

/* Appends the blob in the first column of the row; it must hold n ids. */
static int take_blob(struct sql_store *store, enum sql sql, int64_t n, struct idlist *ids)
{
	struct sql_row row = sql_row(store, sql);
	size_t size;
	const unsigned char *blob = sql_blob(row, 0, &size);
	uint64_t packed;

	if (!blob || size != (size_t)n * sizeof(packed))
		return SQL_CORRUPT;
	for (int64_t i = 0; i < n; i++) {
		memcpy(&packed, blob + (size_t)i * sizeof(packed), sizeof(packed));
		idlist_push(ids, (int64_t)le64toh(packed));
	}
	sql_reset(row);
	return SQL_DONE;
}

/* Offsets and lengths for substr(), which counts bytes from 1. */
static int64_t bytes_at(int64_t id)
{
	return id * (int64_t)sizeof(int64_t) + 1;
}

static int64_t bytes_of(int64_t ids)
{
	return ids * (int64_t)sizeof(int64_t);
}

int sql_chunk_read(
    struct sql_store *store, int64_t num, int64_t first, int64_t n, struct idlist *ids)
{
	int code = sql_first(store, SQL_CHUNK_READ, "iii", bytes_at(first % CHUNK_IDS), bytes_of(n),
	    chunk_key(num, first / CHUNK_IDS));

	if (code == SQL_DONE)
		return SQL_CORRUPT;
	return code == SQL_ROW ? take_blob(store, SQL_CHUNK_READ, n, ids) : code;
}

int sql_ids_read(struct sql_store *store, int64_t num, int64_t total, int64_t first, int64_t n,
    struct idlist *ids)
{
	int code = SQL_DONE;

	if (total <= INLINE_IDS) {
		code = sql_first(store, SQL_INLINE_READ, "iii", bytes_at(first), bytes_of(n), num);
		if (code == SQL_DONE)
			return SQL_CORRUPT;
		return code == SQL_ROW ? take_blob(store, SQL_INLINE_READ, n, ids) : code;
	}
	while (n > 0 && code == SQL_DONE) {
		int64_t room = CHUNK_IDS - first % CHUNK_IDS, here = room < n ? room : n;

		code = sql_chunk_read(store, num, first, here, ids);
		first += here;
		n -= here;
	}
	return code;
}
