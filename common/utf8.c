#include "utf8.h"

#include <string.h>

/* The well-formed byte sequences of RFC 3629 section 4: ranges of the first and second byte. */
static const struct form {
	unsigned char first_min, first_max, second_min, second_max, length;
} forms[] = {
    {0x00, 0x7f, 0, 0, 1},
    {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static size_t matches(const struct form *form, const unsigned char *at, size_t left)
{
	if (at[0] < form->first_min || at[0] > form->first_max || left < form->length)
		return 0;
	if (form->length > 1 && (at[1] < form->second_min || at[1] > form->second_max))
		return 0;
	for (size_t i = 2; i < form->length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return form->length;
}

size_t utf8_length(const char *at, size_t left)
{
	for (size_t i = 0; left > 0 && i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t length = matches(&forms[i], (const unsigned char *)at, left);

		if (length > 0)
			return length;
	}
	return 0;
}

int utf8_is_control(const char *at, size_t length)
{
	unsigned char first = (unsigned char)at[0];

	if (length == 1)
		return first < 0x20 || first == 0x7f;
	return length == 2 && first == 0xc2 && (unsigned char)at[1] < 0xa0;
}

void utf8_clean(char *to, size_t size, const char *from)
{
	size_t left = strlen(from), used = 0;

	while (left > 0) {
		size_t length = utf8_length(from, left);
		int bad = length == 0 || utf8_is_control(from, length);
		size_t out = bad ? 1 : length;

		if (used + out >= size)
			break;
		memcpy(to + used, bad ? "?" : from, out);
		used += out;
		length = length ? length : 1;
		from += length;
		left -= length;
	}
	to[used] = '\0';
}
