/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef INGESTD_UTF8_H
#define INGESTD_UTF8_H

#include <stddef.h>

/*
 * Length in bytes (1 to 4) of the character at `at`, of which `left` bytes can be read; 0 when the
 * bytes there are not valid UTF-8. NUL is a character of length 1.
 */
size_t utf8_length(const char *at, size_t left);

/*
 * Copies the string `from` into to[size] and replaces what a terminal or a log must not see
 * (invalid UTF-8, C0 and C1 control characters) by '?'. Cuts at a character. The result is
 * NUL-terminated.
 */
void utf8_clean(char *to, size_t size, const char *from);

/* Whether the character of `length` bytes at `at` is a C0 or C1 control character or DEL. */
int utf8_is_control(const char *at, size_t length);

#endif
