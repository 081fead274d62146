#include "upstream_credentials.h"

#include "upstream_file.h"
#include "upstream_header.h"
#include "util.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- headers and secrets ---- */

static enum err add_header(void *arg, const char *text, struct fail *fail)
{
	struct upstream_credentials *credentials = arg;

	if (upstream_header_check(text, fail))
		return fail->err;
	if (credentials->headers_n == UPSTREAM_HEADERS_MAX)
		return fail_set(fail, ERR_INVALID, "more than %d headers", UPSTREAM_HEADERS_MAX);
	credentials->headers[credentials->headers_n++] = xstrdup(text);
	return ERR_OK;
}

static enum err add_secret(void *arg, const char *text, struct fail *fail)
{
	struct upstream_credentials *credentials = arg;

	if (credentials->secrets_n == UPSTREAM_SECRETS_MAX)
		return fail_set(fail, ERR_INVALID, "more than %d secrets", UPSTREAM_SECRETS_MAX);
	return upstream_secret_read(&credentials->secrets[credentials->secrets_n++], text, fail);
}

static enum err read_headers(
    struct upstream_credentials *credentials, const struct conf *conf, struct fail *fail)
{
	struct fail why;

	if (*conf->upstream_header && add_header(credentials, conf->upstream_header, &why))
		return fail_set(fail, why.err, "upstream-header: %s", why.text);
	return *conf->upstream_header_file
	           ? upstream_file_read("upstream-header-file", conf->upstream_header_file,
			 add_header, credentials, fail)
	           : ERR_OK;
}

/* A file without any would leave everything unsigned. */
static enum err read_secrets(
    struct upstream_credentials *credentials, const struct conf *conf, struct fail *fail)
{
	const char *path = conf->upstream_secret_file;

	if (!*path)
		return ERR_OK;
	if (upstream_file_read("upstream-secret-file", path, add_secret, credentials, fail))
		return fail->err;
	return credentials->secrets_n > 0
	           ? ERR_OK
	           : fail_set(
			 fail, ERR_INVALID, "upstream-secret-file: %.200s: it has no secret", path);
}

/* ---- certificates ---- */

static const char *read_ca_file(struct buf *ca, const char *path)
{
	FILE *file = fopen(path, "re");
	const char *why = NULL;
	char piece[4096];
	size_t n;

	if (!file)
		return strerror(errno);
	while (ca->len <= UPSTREAM_CA_MAX && (n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(ca, piece, n);
	if (ferror(file))
		why = strerror(errno);
	else if (ca->len > UPSTREAM_CA_MAX)
		why = "it has more than 8 MiB";
	fclose(file);
	return why;
}

static bool has_certificate(const struct buf *ca)
{
	BIO *bio = BIO_new_mem_buf(ca->data, (int)ca->len);
	X509 *first = bio ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;

	X509_free(first);
	BIO_free(bio);
	ERR_clear_error();
	return first;
}

static enum err read_ca(
    struct upstream_credentials *credentials, const struct conf *conf, struct fail *fail)
{
	const char *why;

	if (!*conf->http_ca)
		return ERR_OK;
	why = read_ca_file(&credentials->ca, conf->http_ca);
	if (!why && !has_certificate(&credentials->ca))
		why = "it has no certificate (PEM)";
	return why ? fail_set(fail, ERR_INVALID, "http-ca: %.200s: %s", conf->http_ca, why)
	           : ERR_OK;
}

/* ---- all of it ---- */

enum err upstream_credentials_read(
    struct upstream_credentials *credentials, const struct conf *conf, struct fail *fail)
{
	*credentials = (struct upstream_credentials){.headers_n = 0};
	if (!read_headers(credentials, conf, fail) && !read_secrets(credentials, conf, fail) &&
	    !read_ca(credentials, conf, fail))
		return ERR_OK;
	upstream_credentials_free(credentials);
	return fail->err;
}

void upstream_credentials_free(struct upstream_credentials *credentials)
{
	for (size_t i = 0; i < credentials->headers_n; i++) {
		OPENSSL_cleanse(credentials->headers[i], strlen(credentials->headers[i]));
		free(credentials->headers[i]);
	}
	buf_free(&credentials->ca);
	OPENSSL_cleanse(credentials, sizeof(*credentials));
}
