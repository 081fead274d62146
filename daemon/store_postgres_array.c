/*
 * Arrays in the binary format of PostgreSQL (src/include/utils/array.h): number of dimensions,
 * whether there are NULLs, the type of the elements; length and lower bound; then for each element
 * its length, -1 for NULL, and its bytes.
 */
#include "store_postgres.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

struct array_head {
	uint32_t dimensions, nulls, type, length, lower_bound;
};

/* Types of elements (pg_type.dat). */
static uint32_t element_type(char letter)
{
	return letter == 't' ? 25 : letter == 'b' ? 17 : 20;
}

void pg_array_begin(struct buf *array)
{
	static const struct array_head none;

	array->len = 0;
	buf_add(array, &none, sizeof(none));
}

void pg_array_put(struct buf *array, const void *bytes, size_t n)
{
	uint32_t length = htonl(bytes ? (uint32_t)n : UINT32_MAX);

	buf_add(array, &length, sizeof(length));
	if (bytes)
		buf_add(array, bytes, n);
}

void pg_array_put_number(struct buf *array, int64_t number, bool is_null)
{
	uint64_t bytes = htobe64((uint64_t)number);

	pg_array_put(array, is_null ? NULL : &bytes, sizeof(bytes));
}

void pg_array_end(struct buf *array, char type, int64_t n)
{
	struct array_head head = {.dimensions = htonl(1),
	    .nulls = htonl(1),
	    .type = htonl(element_type(type)),
	    .length = htonl((uint32_t)n),
	    .lower_bound = htonl(1)};

	memcpy(array->data, &head, sizeof(head));
}
