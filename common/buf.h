/* A growing byte buffer. Always NUL-terminated behind `len` once it holds something. */
#ifndef INGESTD_BUF_H
#define INGESTD_BUF_H

#include <stddef.h>

struct buf {
	char *data; /* owned; NULL while empty */
	size_t len;
	size_t cap;
};

/* Appends bytes. Aborts when memory is out: callers bound what they append. */
void buf_add(struct buf *buf, const void *data, size_t len);

void buf_add_str(struct buf *buf, const char *text);

void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for `more` bytes behind `len` and returns where they go. */
char *buf_reserve(struct buf *buf, size_t more);

/* Frees the content; the buffer is empty and can be used again. */
void buf_free(struct buf *buf);

#endif
