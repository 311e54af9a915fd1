/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/dpkg_version.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/macro.h"

/* '~' sorts before the end, the end before letters, letters before all other characters. */
static int weight(char c, bool end)
{
	if (end || isdigit((unsigned char)c))
		return 0;
	if (isalpha((unsigned char)c))
		return c;
	return c == '~' ? -1 : c + 256;
}

/* Alternates between the two rules: a run of non-digits is compared by weight, then a number by value. */
static int compare_part(const char *a, size_t na, const char *b, size_t nb)
{
	const char *ea = a + na, *eb = b + nb;

	while (a < ea || b < eb) {
		int first = 0;
		while ((a < ea && !isdigit((unsigned char)*a)) || (b < eb && !isdigit((unsigned char)*b))) {
			int wa = weight(a < ea ? *a : 0, a >= ea), wb = weight(b < eb ? *b : 0, b >= eb);
			if (wa != wb)
				return wa - wb;
			a++, b++;
		}
		while (a < ea && *a == '0')
			a++;
		while (b < eb && *b == '0')
			b++;
		for (; a < ea && b < eb && isdigit((unsigned char)*a) && isdigit((unsigned char)*b); a++, b++)
			if (!first)
				first = *a - *b;
		if (a < ea && isdigit((unsigned char)*a))
			return 1;
		if (b < eb && isdigit((unsigned char)*b))
			return -1;
		if (first)
			return first;
	}
	return 0;
}

int dpkg_version_compare(const char *a, const char *b)
{
	const char *ca = strchr(a, ':'), *cb = strchr(b, ':');
	unsigned long ea = ca ? strtoul(a, NULL, 10) : 0, eb = cb ? strtoul(b, NULL, 10) : 0;

	if (ea != eb)
		return ea < eb ? -1 : 1;
	a = ca ? ca + 1 : a;
	b = cb ? cb + 1 : b;
	const char *ra = strrchr(a, '-'), *rb = strrchr(b, '-');
	size_t ua = ra ? (size_t)(ra - a) : strlen(a), ub = rb ? (size_t)(rb - b) : strlen(b);
	int upstream = compare_part(a, ua, b, ub);
	if (upstream)
		return upstream;
	/* A missing revision equals revision 0, because an empty part compares equal to 0. */
	return compare_part(ra ? ra + 1 : "", ra ? strlen(ra + 1) : 0, rb ? rb + 1 : "", rb ? strlen(rb + 1) : 0);
}

bool dpkg_version_satisfies(const char *version, const char *relation)
{
	static const struct {
		const char *sign;
		bool less, equal, greater;
	} signs[] = {
		{ "<<", true, false, false }, { "<=", true, true, false }, { ">=", false, true, true },
		{ ">>", false, false, true }, { "=", false, true, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		size_t n = strlen(signs[i].sign);
		if (strncmp(relation, signs[i].sign, n))
			continue;
		int order = dpkg_version_compare(version, relation + n + strspn(relation + n, " "));
		return order < 0 ? signs[i].less : order > 0 ? signs[i].greater : signs[i].equal;
	}
	return false;
}
