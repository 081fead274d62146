/* A temporary file without a name: it is gone with the program, however that ends. */
#ifndef INGESTCTL_SPOOL_H
#define INGESTCTL_SPOOL_H

#include "err.h"

#include <stddef.h>

/* A new empty file in $TMPDIR, else in /tmp. Returns its descriptor, or -1 with *fail set. */
int spool_open(struct fail *fail);

/* Writes all of it behind what is there. */
enum err spool_write(int fd, const char *data, size_t len, struct fail *fail);

#endif
