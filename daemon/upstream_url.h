/* The address of the server behind the handler http. Pure. */
#ifndef INGESTD_UPSTREAM_URL_H
#define INGESTD_UPSTREAM_URL_H

#include "err.h"

/*
 * Whether the text is a URL that begins with http:// or https:// and has neither a user nor a
 * fragment. Errors: ERR_INVALID; a password is not in the text.
 */
enum err upstream_url_check(const char *url, struct fail *fail);

#endif
