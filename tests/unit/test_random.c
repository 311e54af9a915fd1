/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/random.h"
#include "tests/unit/check.h"

TEST(random_word_uses_the_whole_alphabet)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	char word[2001], other[2001];

	random_word(alphabet, 2000, word);
	random_word(alphabet, 2000, other);
	CHECK(strlen(word) == 2000 && strspn(word, alphabet) == 2000 && strcmp(word, other) != 0);
	for (const char *c = alphabet; *c; c++)
		CHECK(strchr(word, *c)); /* one is absent with a probability of 1e-23 */
	random_word("x", 3, word);
	CHECK_STR(word, "xxx");
}
