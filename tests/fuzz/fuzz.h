/*
 * What reads bytes of strangers, given any bytes. Each function takes one input and aborts when
 * something is not as it must be. `make fuzz` runs them under libFuzzer, and the unit test
 * test_fuzz runs them over tests/fuzz/corpus/NAME.
 */
#ifndef INGESTD_FUZZ_H
#define INGESTD_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* A line as a request. */
int fuzz_request(const uint8_t *data, size_t size);

/* A line as a reply; the first byte says to which method ('a' is the first one). */
int fuzz_reply(const uint8_t *data, size_t size);

/* A text of ids and ranges; the first byte says how long the pieces are in which it comes. */
int fuzz_ids(const uint8_t *data, size_t size);

/* What a command writes to stdout; the first byte says how long the pieces are in which it comes.
 */
int fuzz_outcome(const uint8_t *data, size_t size);

/*
 * A stream of HTTP requests: the first byte decides how the stream, all behind the second, is cut,
 * the second one bounds bodies: to 2^(byte % 24) bytes.
 */
int fuzz_http(const uint8_t *data, size_t size);

#endif
