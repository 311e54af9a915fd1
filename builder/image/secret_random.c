/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "builder/image/secret_key.h"
#include "lib/macro.h"

#define BYTES_MIN 16        /* of a key in bytes */
#define PUBLIC_BYTES_MAX 64 /* of one that every user may read: a name of a machine */
#define WORD_MIN 20         /* characters of a random word in base64 */
#define PRIVATE_WORD_MIN 12 /* the same in a private file */
#define LANGUAGE_MIN 3      /* lower case letters of a word of a language */
#define HEX_MIN 12          /* characters of a random number in hexadecimal */
#define ONE_WORD_MIN 16     /* characters, when the word is all that a private file has */

/* "8-4-4-4-12" hexadecimal digits. */
static bool is_uuid(const char *at, const char *end)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if ((size_t)(end - at) < strlen(form))
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)at[i]) : at[i] != '-')
			return false;
	return true;
}

/* Of how many kinds the characters are, how many differ, and how many are of words of a language. */
struct word {
	size_t len, upper, lower, digits, hex, different, language;
};

static bool is_vowel(char c)
{
	return c && strchr("aeiouy", c);
}

/* The length of a word of a language at the beginning: lower case letters, with a vowel, and maybe a capital before them. */
static size_t language_word(const char *at, const char *end)
{
	const char *p = at + (at < end && isupper((unsigned char)*at));
	size_t lower = 0;
	bool vowel = false;

	for (; p < end && islower((unsigned char)*p); p++, lower++)
		vowel |= is_vowel(*p);
	return lower >= LANGUAGE_MIN && vowel ? (size_t)(p - at) : 0;
}

static struct word look_at(const char *at, const char *end)
{
	struct word w = { 0 };
	bool seen[256] = { false };
	size_t left = 0; /* of a word of a language */

	for (; at < end && (isalnum((unsigned char)*at) || *at == '+' || *at == '='); at++) {
		unsigned char c = (unsigned char)*at;
		w.len++;
		w.upper += isupper(c) != 0;
		w.lower += islower(c) != 0;
		w.digits += isdigit(c) != 0;
		w.hex += isxdigit(c) != 0;
		w.different += !seen[c];
		seen[c] = true;
		if (!left)
			left = language_word(at, end);
		w.language += left > 0;
		left -= left > 0;
	}
	return w;
}

/* Numbers that count, dates and repeated characters have fewer different ones. */
static bool is_random_number(const struct word *w)
{
	return w->len >= HEX_MIN && w->hex == w->len && w->digits >= 3 && w->upper + w->lower >= 2 &&
	       !(w->upper && w->lower) && w->different >= 6;
}

/* A tenth of random letters look like words of a language, and most of an identifier does. */
static bool is_random_word(const struct word *w, bool is_private)
{
	size_t kinds = (w->upper > 0) + (w->lower > 0) + (w->digits > 0), different = w->len < 40 ? w->len / 2 : 20;

	return w->len >= (is_private ? PRIVATE_WORD_MIN : WORD_MIN) && kinds >= (is_private ? 2 : 3) &&
	       w->upper + w->lower >= w->len / 3 && w->language * 2 < w->len && w->different > different;
}

static bool line_is_random(const char *at, const char *end, bool is_private)
{
	while (at < end) {
		struct word w = look_at(at, end);
		if (is_uuid(at, end) || is_random_number(&w) || is_random_word(&w, is_private))
			return true;
		at += w.len ? w.len : 1;
	}
	return false;
}

/* Nothing but one word, such as Erlang's cookie: upper case letters. */
static bool is_one_word(const char *content, size_t len)
{
	while (len && isspace((unsigned char)content[len - 1]))
		len--;
	struct word w = look_at(content, content + len);
	return w.len == len && len >= ONE_WORD_MIN && w.different >= 8 && w.upper + w.lower >= len / 3 &&
	       (w.digits || !w.lower);
}

static bool text_is_random(const char *content, size_t len, bool is_private)
{
	const char *end = content + len, *next;

	if (is_private && is_one_word(content, len))
		return true;
	for (const char *at = content; at < end; at = next + 1) {
		next = memchr(at, '\n', (size_t)(end - at));
		if (!next)
			next = end;
		while (at < next && isspace((unsigned char)*at))
			at++;
		if (at < next && !strchr("#;/", *at) && line_is_random(at, next, is_private))
			return true;
	}
	return false;
}

static bool is_text(const char *content, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)content[i]) && !isspace((unsigned char)content[i]))
			return false;
	return true;
}

/* As many different bytes as random ones have: 256 * (1 - (255/256)^n), less a quarter; and none that is much more frequent. */
static bool bytes_are_random(const char *content, size_t len)
{
	size_t count[256] = { 0 }, different = 0, most = 0;
	double missing = 1;

	for (size_t i = 0; i < len; i++, missing *= 255.0 / 256) {
		size_t n = ++count[(unsigned char)content[i]];
		different += n == 1;
		most = n > most ? n : most;
	}
	return len >= BYTES_MIN && (double)different >= 0.75 * 256 * (1 - missing) && most <= 4 + len / 32;
}

const char *secret_random_what(const char *content, size_t len, bool is_private)
{
	bool random;

	if (!len || len > SECRET_RANDOM_MAX)
		return NULL;
	if (is_text(content, len))
		random = text_is_random(content, len, is_private);
	else
		random = (is_private || len <= PUBLIC_BYTES_MAX) && bytes_are_random(content, len);
	if (!random)
		return NULL;
	return is_private ? "looks like a key" : "looks like the name of a machine";
}
