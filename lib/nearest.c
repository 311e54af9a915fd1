/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/nearest.h"

#include <string.h>

#include "lib/macro.h"

#define WORD_MAX 40

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The optimal string alignment distance. rows[i % 3]: from the first i letters of a to the first k of b. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], n = strlen(a), m = strlen(b);

	if (n > WORD_MAX || m > WORD_MAX)
		return SIZE_MAX;
	for (size_t k = 0; k <= m; k++)
		rows[0][k] = k;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t k = 1; k <= m; k++) {
			now[k] = least(last[k - 1] + (a[i - 1] != b[k - 1]), least(last[k], now[k - 1]) + 1);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				now[k] = least(now[k], before[k - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

const char *nearest_word(const char *word, const struct strings *words)
{
	const char *found = NULL;
	size_t best = (strlen(word) + 2) / 3 + 1;

	for (size_t i = 0; i < words->n; i++) {
		size_t n = distance(word, words->at[i]);

		if (n < best && n < strlen(words->at[i])) {
			best = n;
			found = words->at[i];
		}
	}
	return found;
}

void nearest_add(const char *word, const struct strings *words, struct text *ret)
{
	const char *near = nearest_word(word, words);

	if (near)
		text_addf(ret, "; did you mean %s?", near);
}
