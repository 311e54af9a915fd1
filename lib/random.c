/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/random.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* getrandom(2) never returns fewer bytes than requested up to 256, so it can fail only on a kernel without this system
 * call. */
static unsigned char random_byte(void)
{
	unsigned char byte;

	if (getrandom(&byte, sizeof byte, 0) != sizeof byte)
		abort();
	return byte;
}

void random_word(const char *alphabet, size_t n, char *ret)
{
	/* Bytes from limit on are dropped: modulo would favour the beginning of the alphabet. */
	size_t letters = strlen(alphabet), limit = 256 - 256 % letters;

	for (size_t i = 0; i < n;) {
		unsigned char byte = random_byte();

		if (byte < limit)
			ret[i++] = alphabet[byte % letters];
	}
	ret[n] = '\0';
}
