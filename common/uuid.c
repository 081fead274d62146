#include "uuid.h"

#include "util.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Sets the fields of RFC 9562 section 4: version and variant. */
static void stamp(struct uuid *uuid, int version)
{
	uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | version << 4);
	uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
}

struct uuid uuid_v7(int64_t utc_ms)
{
	struct uuid uuid;

	/* Up to 256 bytes from the urandom source are never cut short or interrupted
	 * (getrandom(2)). */
	if (getrandom(uuid.bytes, sizeof(uuid.bytes), 0) != sizeof(uuid.bytes))
		abort();
	for (int i = 0; i < 6; i++)
		uuid.bytes[i] = (uint8_t)(utc_ms >> (40 - 8 * i));
	stamp(&uuid, 7);
	return uuid;
}

struct uuid uuid_v5(const struct uuid *space, const char *name, size_t len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct uuid uuid;

	if (!context || !EVP_DigestInit_ex(context, EVP_sha1(), NULL) ||
	    !EVP_DigestUpdate(context, space->bytes, sizeof(space->bytes)) ||
	    !EVP_DigestUpdate(context, name, len) || !EVP_DigestFinal_ex(context, digest, NULL))
		abort();
	EVP_MD_CTX_free(context);
	memcpy(uuid.bytes, digest, sizeof(uuid.bytes));
	stamp(&uuid, 5);
	return uuid;
}

struct uuid uuid_batch(const struct uuid *ingestion, int64_t index)
{
	char name[24];
	int len = snprintf(name, sizeof(name), "%" PRId64, index);

	return uuid_v5(ingestion, name, (size_t)len);
}

void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_SIZE])
{
	static const char hex[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		*text++ = hex[uuid->bytes[i] >> 4];
		*text++ = hex[uuid->bytes[i] & 15];
	}
	*text = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(const char *text, struct uuid *uuid)
{
	if (strlen(text) != UUID_TEXT_SIZE - 1)
		return false;
	for (int i = 0; i < 16; i++) {
		int high, low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		high = hex_value(*text++);
		low = hex_value(*text++);
		if (high < 0 || low < 0)
			return false;
		uuid->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool uuid_prefix(const char *prefix, struct uuid *low, struct uuid *high)
{
	char first[UUID_TEXT_SIZE] = "00000000-0000-0000-0000-000000000000";
	char last[UUID_TEXT_SIZE] = "ffffffff-ffff-ffff-ffff-ffffffffffff";
	size_t len = strlen(prefix);

	if (len >= UUID_TEXT_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		if (prefix[i] >= 'A' && prefix[i] <= 'F')
			return false;
	memcpy(first, prefix, len);
	memcpy(last, prefix, len);
	return uuid_parse(first, low) && uuid_parse(last, high);
}
