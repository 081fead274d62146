/* Files with secrets: who may read them, and their lines. */
#ifndef INGESTD_UPSTREAM_FILE_H
#define INGESTD_UPSTREAM_FILE_H

#include "err.h"

#include <stddef.h>

#define UPSTREAM_FILE_MAX 65536 /* bytes */

/*
 * Calls line(arg, text, fail) for each line but empty ones and those that begin with '#'; `text` is
 * without white space at its ends, and valid during the call only. Refuses a file that others than
 * its owner may write, or may read unless root owns it, since then it was set up so. Errors:
 * ERR_INVALID; the text names `option`, the path, the line and what `line` said, never a content.
 */
enum err upstream_file_read(const char *option, const char *path,
    enum err (*line)(void *arg, const char *text, struct fail *fail), void *arg, struct fail *fail);

#endif
