/* SPDX-License-Identifier: Apache-2.0 */
/* What may reach a terminal or a log: lines of printable UTF-8. */
#include <string.h>

#include "lib/macro.h"
#include "lib/text.h"

/* Characters that change how a terminal or a reader sees what follows. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x7f, 0x9f },     /* DEL, and the C1 controls: 0x9b begins an escape sequence */
	{ 0x200e, 0x200f }, /* marks of direction */
	{ 0x2028, 0x202e }, /* line and paragraph separators, embeddings and overrides of direction */
	{ 0x2066, 0x2069 }, /* isolates of direction */
	{ 0xd800, 0xdfff }, /* surrogates: not UTF-8 */
};

bool text_is_hidden(uint32_t c)
{
	if (c < ' ' || c == TEXT_NO_CHARACTER)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return true;
	return false;
}

/* 0 when it is not UTF-8 in its shortest form. */
static size_t decode(const unsigned char *s, uint32_t *ret)
{
	static const struct {
		unsigned char mask, mark;
		uint32_t least;
	} forms[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };

	for (size_t n = 0; n < ARRAY_SIZE(forms); n++) {
		if ((s[0] & forms[n].mask) != forms[n].mark)
			continue;
		*ret = s[0] & (unsigned char)~forms[n].mask;
		for (size_t i = 1; i <= n; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			*ret = *ret << 6 | (s[i] & 0x3f);
		}
		return *ret >= forms[n].least && *ret <= 0x10ffff ? n + 1 : 0;
	}
	return 0;
}

size_t text_character(const char *s, uint32_t *ret)
{
	size_t n = decode((const unsigned char *)s, ret);

	if (!n)
		*ret = TEXT_NO_CHARACTER;
	return n ? n : 1;
}

static void replace(char *s, const char *kept)
{
	for (uint32_t c; *s;) {
		size_t n = text_character(s, &c);

		if (text_is_hidden(c) && (c >= ' ' || !strchr(kept, (int)c)))
			memset(s, c == '\t' ? ' ' : '?', n);
		s += n;
	}
}

void text_make_printable(char *s)
{
	replace(s, "");
}

void text_make_printable_lines(char *s)
{
	replace(s, "\n\t");
}
