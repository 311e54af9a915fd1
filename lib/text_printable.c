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
	{ 0x061c, 0x061c }, /* marks of direction */
	{ 0x200e, 0x200f },
	{ 0x2028, 0x202e }, /* line and paragraph separators, embeddings and overrides of direction */
	{ 0x2066, 0x2069 }, /* isolates of direction */
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

static void replace(char *s, const char *kept)
{
	size_t len = strlen(s);

	for (uint32_t c; len;) {
		size_t n = text_character(s, len, &c);

		if (text_is_hidden(c) && (c >= ' ' || !strchr(kept, (int)c)))
			memset(s, c == '\t' ? ' ' : '?', n);
		s += n;
		len -= n;
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
