#include "digest.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* digest = SHA-256(data) */
static void hash(const void *data, size_t len, struct digest *digest)
{
	if (!EVP_Digest(data, len, digest->bytes, NULL, EVP_sha256(), NULL))
		abort();
}

struct digest digest_begin(enum priority priority, const char *label)
{
	char header[64 + LABEL_MAX];
	int len =
	    snprintf(header, sizeof(header), "ingestd 1\n%s\n%s\n", priority_name(priority), label);
	struct digest digest;

	hash(header, (size_t)len, &digest);
	return digest;
}

/* At most one block. */
static void add_block(struct digest *digest, const int64_t *ids, size_t n)
{
	struct {
		struct digest before;
		uint64_t ids[DIGEST_BLOCK];
	} input = {.before = *digest};

	for (size_t i = 0; i < n; i++)
		input.ids[i] = htole64((uint64_t)ids[i]);
	hash(&input, sizeof(input.before) + n * sizeof(*input.ids), digest);
}

void digest_add(struct digest *digest, const int64_t *ids, size_t n)
{
	while (n > 0) {
		size_t part = n < DIGEST_BLOCK ? n : DIGEST_BLOCK;

		add_block(digest, ids, part);
		ids += part;
		n -= part;
	}
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void digest_format(const struct digest *digest, char text[DIGEST_TEXT_SIZE])
{
	for (size_t i = 0; i < sizeof(digest->bytes); i++)
		snprintf(text + 2 * i, 3, "%02x", digest->bytes[i]);
}

bool digest_parse(const char *text, struct digest *digest)
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(text) != DIGEST_TEXT_SIZE - 1 || strspn(text, digits) != DIGEST_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < sizeof(digest->bytes); i++)
		digest->bytes[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 |
					     (strchr(digits, text[2 * i + 1]) - digits));
	return true;
}

void digester_begin(struct digester *digester, enum priority priority, const char *label)
{
	digester->blocks = digest_begin(priority, label);
	digester->n = 0;
}

void digester_add(struct digester *digester, const int64_t *ids, size_t n)
{
	while (n > 0) {
		size_t room = DIGEST_BLOCK - digester->n, part = n < room ? n : room;

		memcpy(digester->rest + digester->n, ids, part * sizeof(*ids));
		digester->n += part;
		ids += part;
		n -= part;
		if (digester->n == DIGEST_BLOCK) {
			add_block(&digester->blocks, digester->rest, DIGEST_BLOCK);
			digester->n = 0;
		}
	}
}

struct digest digester_value(const struct digester *digester)
{
	struct digest digest = digester->blocks;

	digest_add(&digest, digester->rest, digester->n);
	return digest;
}
