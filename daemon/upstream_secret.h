/* Secrets and signatures of Standard Webhooks 1.0.0. Pure. */
#ifndef INGESTD_UPSTREAM_SECRET_H
#define INGESTD_UPSTREAM_SECRET_H

#include "buf.h"
#include "err.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of a secret, as the specification has them. */
#define UPSTREAM_SECRET_MIN 24
#define UPSTREAM_SECRET_MAX 64

struct upstream_secret {
	unsigned char key[UPSTREAM_SECRET_MAX];
	size_t len;
};

/* Reads whsec_BASE64. Errors: ERR_INVALID; the text does not show the secret. */
enum err upstream_secret_read(struct upstream_secret *secret, const char *text, struct fail *fail);

/* Appends "v1," and the signature of the message. */
void upstream_secret_sign(const struct upstream_secret *secret, const char *id, int64_t timestamp,
    const char *body, size_t len, struct buf *out);

#endif
