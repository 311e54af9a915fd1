/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629, section 3, has it. */
#include "lib/macro.h"
#include "lib/text.h"

/* By the number of bytes that follow the first one: the first byte's fixed bits, and the least character that needs so many. */
static const struct form {
	unsigned char mask, mark;
	uint32_t least;
} forms[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };

/* The number of bytes; 0: this is not UTF-8. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *ret)
{
	for (size_t n = 0; n < ARRAY_SIZE(forms); n++) {
		if ((s[0] & forms[n].mask) != forms[n].mark)
			continue;
		uint32_t c = s[0] & (unsigned char)~forms[n].mask;
		for (size_t i = 1; i <= n; i++) {
			if (i == len || (s[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[i] & 0x3f);
		}
		*ret = c;
		return c >= forms[n].least && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) ? n + 1 : 0;
	}
	return 0;
}

size_t text_character(const char *s, size_t len, uint32_t *ret)
{
	size_t n = decode((const unsigned char *)s, len, ret);

	if (!n)
		*ret = TEXT_NO_CHARACTER;
	return n ? n : 1;
}

bool text_is_utf8(const char *s, size_t len)
{
	for (uint32_t c; len;) {
		size_t n = text_character(s, len, &c);
		if (c == TEXT_NO_CHARACTER)
			return false;
		s += n;
		len -= n;
	}
	return true;
}
