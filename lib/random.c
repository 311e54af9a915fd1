/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/random.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Up to 256 bytes come at once and whole (getrandom(2)); one fails only in a kernel without the call. */
static unsigned char random_byte(void)
{
	unsigned char byte;

	if (getrandom(&byte, sizeof byte, 0) != sizeof byte)
		abort();
	return byte;
}

void random_word(const char *alphabet, size_t n, char *ret)
{
	/* Bytes beyond the last whole round of the alphabet would favour its beginning. */
	size_t letters = strlen(alphabet), limit = 256 - 256 % letters;

	for (size_t i = 0; i < n;) {
		unsigned char byte = random_byte();

		if (byte < limit)
			ret[i++] = alphabet[byte % letters];
	}
	ret[n] = '\0';
}
