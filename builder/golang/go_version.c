/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/golang/go_version.h"

#include <stddef.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/text.h"

#define DIGITS "0123456789"
#define IDENTIFIER DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"

/* A part of a version; it is borrowed and not terminated. */
struct part {
	const char *at;
	size_t len;
};

struct version {
	struct part number[3];  /* major, minor, patch: digits */
	struct part prerelease; /* with its '-'; len 0 = none */
};

/* A number without leading zeros; *s is then after it. */
static bool take_number(const char **s, struct part *ret)
{
	*ret = (struct part){ *s, strspn(*s, DIGITS) };
	*s += ret->len;
	return ret->len > 0 && (*ret->at != '0' || ret->len == 1);
}

static bool is_number(struct part p)
{
	return strspn(p.at, DIGITS) >= p.len;
}

/* The identifiers after '-' or '+', separated by dots; *s is then after them. strict: numbers have no leading zeros. */
static bool take_identifiers(const char **s, bool strict, struct part *ret)
{
	ret->at = *s;
	do {
		struct part p = { *s + 1, strspn(*s + 1, IDENTIFIER) };

		if (!p.len || (strict && p.len > 1 && *p.at == '0' && is_number(p)))
			return false;
		*s = p.at + p.len;
	} while (**s == '.');
	ret->len = (size_t)(*s - ret->at);
	return true;
}

static bool parse(const char *s, struct version *ret)
{
	static const char zero[] = "0";
	struct part build;

	*ret = (struct version){ { { zero, 1 }, { zero, 1 }, { zero, 1 } }, { zero, 0 } };
	if (*s++ != 'v')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ret->number); i++) {
		if (!take_number(&s, &ret->number[i]))
			return false;
		if (!*s)
			return true;
		if (i + 1 < ARRAY_SIZE(ret->number) && *s++ != '.')
			return false;
	}
	if (*s == '-' && !take_identifiers(&s, true, &ret->prerelease))
		return false;
	if (*s == '+' && !take_identifiers(&s, false, &build))
		return false;
	return !*s;
}

/* As bytes; a beginning is less than the whole. */
static int compare_text(struct part a, struct part b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int c = memcmp(a.at, b.at, len);

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* Of any length: 20 digits and more occur. */
static int compare_number(struct part a, struct part b)
{
	return a.len != b.len ? (a.len > b.len ? 1 : -1) : memcmp(a.at, b.at, a.len);
}

/* Takes the identifier after the separator at the beginning of *rest. */
static struct part next_identifier(struct part *rest)
{
	struct part p = { rest->at + 1, 0 };

	while (p.len + 1 < rest->len && p.at[p.len] != '.')
		p.len++;
	*rest = (struct part){ p.at + p.len, rest->len - 1 - p.len };
	return p;
}

static int compare_identifier(struct part a, struct part b)
{
	bool a_number = is_number(a), b_number = is_number(b);

	if (a_number != b_number)
		return a_number ? -1 : 1;
	return a_number ? compare_number(a, b) : compare_text(a, b);
}

static int compare_prerelease(struct part a, struct part b)
{
	if (!a.len || !b.len)
		return !a.len - !b.len;
	while (a.len && b.len) {
		struct part x = next_identifier(&a), y = next_identifier(&b);
		int c = compare_identifier(x, y);

		if (c)
			return c;
	}
	return (a.len > 0) - (b.len > 0);
}

bool go_version_is_valid(const char *version)
{
	struct version v;

	return parse(version, &v);
}

bool go_version_is_release(const char *version)
{
	struct version v;

	return parse(version, &v) && !v.prerelease.len;
}

int go_version_compare(const char *a, const char *b)
{
	struct version v, w;
	bool v_valid = parse(a, &v), w_valid = parse(b, &w);
	int c = 0;

	if (!v_valid || !w_valid)
		return v_valid - w_valid;
	for (size_t i = 0; i < ARRAY_SIZE(v.number) && !c; i++)
		c = compare_number(v.number[i], w.number[i]);
	return c ? c : compare_prerelease(v.prerelease, w.prerelease);
}

char *go_version_of_debian(const char *debian)
{
	size_t len = strcspn(debian, "-+"), number = strcspn(debian, "-+~");
	static const char candidate[] = "~rc";

	if (number < len && text_starts(debian + number, candidate))
		return xasprintf("v%.*s.0-rc.%.*s", (int)number, debian, (int)(len - number - strlen(candidate)),
				 debian + number + strlen(candidate));
	return xasprintf("v%.*s", (int)number, debian);
}
