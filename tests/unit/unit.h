/* What every unit test includes: cmocka and a few assertions of our own. */
#ifndef INGESTD_UNIT_H
#define INGESTD_UNIT_H

#include "err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST cmocka_unit_test
#define RUN(tests) cmocka_run_group_tests(tests, NULL, NULL)

static inline void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

static inline void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" contains \"%s\"", text, part);
}

/* The error, and something that its text has to name. */
static inline void assert_fail(const struct fail *fail, enum err err, const char *part)
{
	if (fail->err != err)
		fail_msg(
		    "error %s instead of %s: %s", err_name(fail->err), err_name(err), fail->text);
	assert_contains(fail->text, part);
}

/*
 * A copy of exactly `len` bytes on the heap, without a NUL, so that a sanitizer sees reads behind
 * it.
 */
static inline char *exact_copy(const void *data, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

/* Numbers that are random enough and the same in each run (splitmix64). */
static inline uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

#endif
