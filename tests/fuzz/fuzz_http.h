/* The fuzz target of the HTTP parser; a unit test gives it the corpus and the table of requests. */
#ifndef INGESTD_FUZZ_HTTP_H
#define INGESTD_FUZZ_HTTP_H

#include <stddef.h>
#include <stdint.h>

/*
 * The first byte decides how the stream, all behind the second, is cut, the second one bounds
 * bodies: to 2^(byte % 24) bytes. Aborts with a line on stderr when the parser did what it must
 * not; else 0.
 */
int fuzz_http(const uint8_t *data, size_t size);

#endif
