/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/recipe/word.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/macro.h"
#include "lib/text.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

static bool only(const char *s, const char *allowed)
{
	return *s && s[strspn(s, allowed)] == '\0';
}

static bool starts_with_one_of(const char *s, const char *allowed)
{
	return *s && strchr(allowed, *s);
}

bool word_is_name(const char *s)
{
	size_t len = strlen(s);

	return len <= 63 && only(s, LOWER DIGIT "-.") && isalnum((unsigned char)s[0]) &&
	       isalnum((unsigned char)s[len - 1]) && !strstr(s, "..") && !strstr(s, ".-") && !strstr(s, "-.");
}

bool word_is_package(const char *s)
{
	return strlen(s) >= 2 && starts_with_one_of(s, LOWER DIGIT) && only(s, LOWER DIGIT "+-.");
}

bool word_is_version(const char *s)
{
	return starts_with_one_of(s, DIGIT) && only(s, LOWER UPPER DIGIT ".+-~:");
}

bool word_is_file_name(const char *s)
{
	return starts_with_one_of(s, LOWER UPPER DIGIT "_") && only(s, LOWER UPPER DIGIT "_-.+");
}

bool word_is_path(const char *s)
{
	if (s[0] != '/' || !s[1])
		return false;
	while (*s == '/') {
		size_t len = strcspn(++s, "/");

		if (len == 0 || (len == 1 && s[0] == '.') || (len == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		s += len;
	}
	return true;
}

bool word_is_unit(const char *s)
{
	static const char *const suffixes[] = { ".service", ".socket", ".timer", ".target", ".path", ".mount" };

	if (!starts_with_one_of(s, LOWER UPPER DIGIT "_") || !only(s, LOWER UPPER DIGIT "_-.@:\\"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (text_ends(s, suffixes[i]))
			return true;
	return false;
}

bool word_is_url(const char *s)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (const char *c = s; *c; c++)
		if (!isgraph((unsigned char)*c) || *c == '"' || *c == '\\')
			return false;
	if (text_starts(s, "file:///"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (text_starts(s, schemes[i]))
			return s[strlen(schemes[i])] && s[strlen(schemes[i])] != '/';
	return false;
}

bool word_is_hex(const char *s, size_t digits)
{
	return strlen(s) == digits && only(s, DIGIT "abcdefABCDEF");
}

/* A number without sign or leading zeros, as versions have them. */
static bool take_number(const char **s, int *ret)
{
	size_t len = strspn(*s, DIGIT);

	if (len == 0 || len > 4 || (len > 1 && **s == '0'))
		return false;
	*ret = atoi(*s);
	*s += len;
	return true;
}

bool word_is_release(const char *s, int *ret_major, int *ret_minor, int *ret_patch)
{
	int major, minor, patch = -1;

	if (!take_number(&s, &major) || *s++ != '.' || !take_number(&s, &minor))
		return false;
	if (*s == '.' && (s++, !take_number(&s, &patch)))
		return false;
	if (*s)
		return false;
	*ret_major = major;
	*ret_minor = minor;
	*ret_patch = patch;
	return true;
}
