/* Header fields that an administrator adds to the calls of the handler http. Pure. */
#ifndef INGESTD_UPSTREAM_HEADER_H
#define INGESTD_UPSTREAM_HEADER_H

#include "err.h"

#define UPSTREAM_HEADER_MAX 8192 /* bytes of "Name: value" */

/*
 * Whether the text is "Name: value" (RFC 9110, 5.1 and 5.5) and the name is none of those that are
 * ours to send. Errors: ERR_INVALID; the text names the name at most, since values may be secret.
 */
enum err upstream_header_check(const char *text, struct fail *fail);

#endif
