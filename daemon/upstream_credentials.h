/* What the handler http shows to the server behind it, and whose certificates it trusts. */
#ifndef INGESTD_UPSTREAM_CREDENTIALS_H
#define INGESTD_UPSTREAM_CREDENTIALS_H

#include "buf.h"
#include "conf.h"
#include "err.h"
#include "upstream_secret.h"

#define UPSTREAM_HEADERS_MAX 64
#define UPSTREAM_SECRETS_MAX 16
#define UPSTREAM_CA_MAX (8 << 20) /* bytes */

struct upstream_credentials {
	char *headers[UPSTREAM_HEADERS_MAX]; /* owned; "Name: value" */
	size_t headers_n;
	struct upstream_secret secrets[UPSTREAM_SECRETS_MAX];
	size_t secrets_n;
	struct buf ca; /* PEM; empty: the system's */
};

/*
 * Reads the options http-ca, upstream-header, upstream-header-file and upstream-secret-file with
 * their files. Errors: ERR_INVALID; nothing is to be freed then.
 */
enum err upstream_credentials_read(
    struct upstream_credentials *credentials, const struct conf *conf, struct fail *fail);

/* Frees the content, and wipes it. */
void upstream_credentials_free(struct upstream_credentials *credentials);

#endif
