#include "upstream_secret.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "whsec_"
#define TEXT_MAX (4 * ((UPSTREAM_SECRET_MAX + 2) / 3))
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/* Reads base64 with its padding (RFC 4648, 4); false when it is something else. */
static bool decode(const char *text, unsigned char *to, size_t *n)
{
	size_t len = strlen(text), digits = strspn(text, BASE64), padding = len - digits;

	if (len == 0 || len % 4 != 0 || padding > 2 || strspn(text + digits, "=") != padding ||
	    EVP_DecodeBlock(to, (const unsigned char *)text, (int)len) < 0)
		return false;
	*n = len / 4 * 3 - padding;
	return true;
}

static enum err bad_length(const char *how, int limit, struct fail *fail)
{
	return fail_set(fail, ERR_INVALID, "the secret has %s than %d bytes", how, limit);
}

enum err upstream_secret_read(struct upstream_secret *secret, const char *text, struct fail *fail)
{
	unsigned char key[TEXT_MAX];
	size_t n = 0;

	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return fail_set(
		    fail, ERR_INVALID, "this is not a secret of the form " PREFIX "BASE64");
	text += strlen(PREFIX);
	if (strlen(text) > TEXT_MAX)
		return bad_length("more", UPSTREAM_SECRET_MAX, fail);
	if (!decode(text, key, &n))
		return fail_set(
		    fail, ERR_INVALID, "what follows " PREFIX " is not base64 with its padding");
	if (n < UPSTREAM_SECRET_MIN)
		return bad_length("fewer", UPSTREAM_SECRET_MIN, fail);
	if (n > UPSTREAM_SECRET_MAX)
		return bad_length("more", UPSTREAM_SECRET_MAX, fail);
	memcpy(secret->key, key, n);
	secret->len = n;
	OPENSSL_cleanse(key, sizeof(key));
	return ERR_OK;
}

void upstream_secret_sign(const struct upstream_secret *secret, const char *id, int64_t timestamp,
    const char *body, size_t len, struct buf *out)
{
	unsigned char mac[EVP_MAX_MD_SIZE], text[4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1];
	struct buf content = {0};
	unsigned int n;

	buf_printf(&content, "%s.%" PRId64 ".", id, timestamp);
	buf_add(&content, body, len);
	if (!HMAC(EVP_sha256(), secret->key, (int)secret->len, (unsigned char *)content.data,
		content.len, mac, &n))
		abort();
	buf_free(&content);
	EVP_EncodeBlock(text, mac, (int)n);
	buf_printf(out, "v1,%s", (char *)text);
}
