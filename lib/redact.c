/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/macro.h"
#include "lib/validate.h"

#define KEY_LENGTH 64
#define TOKEN_LENGTH 23
#define UUID_LENGTH 36

static size_t hex_run(const char *s)
{
	size_t n = 0;

	while (isxdigit((unsigned char)s[n]))
		n++;
	return n;
}

static bool begins_with(const char *s, size_t length, bool (*is_valid)(const char *))
{
	CLEANUP(free_p) char *word = xstrndup(s, length);

	return is_valid(word);
}

/* "user:password" of "https://user:password@host/". */
static size_t userinfo_length(const char *start, const char *s)
{
	static const char before[] = "://";
	size_t n = strcspn(s, " \t/?#\"'\\@");

	if ((size_t)(s - start) < strlen(before) || memcmp(s - strlen(before), before, strlen(before)))
		return 0;
	return s[n] == '@' ? n : 0;
}

/* What is signed or shown to a server: "?X-Amz-Signature=...", "--token=...", "Bearer ...". */
static size_t value_length(const char *start, const char *s)
{
	static const struct {
		const char *name;
		size_t min; /* shorter ones are words of a sentence */
	} names[] = {
		{ "ignature=", 1 }, { "oken=", 1 },      { "assword=", 1 }, { "ecret=", 1 },
		{ "&sig=", 1 },     { "redential=", 1 }, { "Bearer ", 16 }, { "Basic ", 16 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t before = strlen(names[i].name), n = strcspn(s, " \t&\"'\\,;)");
		if ((size_t)(s - start) >= before && !memcmp(s - before, names[i].name, before))
			return n >= names[i].min ? n : 0;
	}
	return 0;
}

/* The length of the secret that begins at s; 0 when none does. A CA hash, which is public, has "sha256:" before its digits. */
static size_t secret_length(const char *start, const char *s)
{
	static const char public[] = "sha256:";
	size_t n = strlen(public);

	if (begins_with(s, UUID_LENGTH, uuid_is_valid))
		return UUID_LENGTH;
	if (hex_run(s) >= KEY_LENGTH)
		return (size_t)(s - start) >= n && !memcmp(s - n, public, n) ? 0 : hex_run(s);
	if (begins_with(s, TOKEN_LENGTH, bootstrap_token_is_valid))
		return TOKEN_LENGTH;
	n = userinfo_length(start, s);
	return n ? n : value_length(start, s);
}

void redact_secrets(char *message)
{
	static const char hidden[] = "(hidden)";

	for (char *s = message; *s; s++) {
		size_t n = secret_length(message, s), shown = n < strlen(hidden) ? n : strlen(hidden);
		if (!n)
			continue;
		if (shown == strlen(hidden))
			memcpy(s, hidden, shown);
		else
			memset(s, '*', shown);
		memmove(s + shown, s + n, strlen(s + n) + 1);
		s += shown - 1;
	}
}
