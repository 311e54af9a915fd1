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

/* The length of the secret that begins at s; 0 when none does. A CA hash, which is public, has "sha256:" before its digits. */
static size_t secret_length(const char *start, const char *s)
{
	static const char public[] = "sha256:";
	size_t n = strlen(public);

	if (begins_with(s, UUID_LENGTH, uuid_is_valid))
		return UUID_LENGTH;
	if (hex_run(s) >= KEY_LENGTH)
		return (size_t)(s - start) >= n && !memcmp(s - n, public, n) ? 0 : hex_run(s);
	return begins_with(s, TOKEN_LENGTH, bootstrap_token_is_valid) ? TOKEN_LENGTH : 0;
}

void redact_secrets(char *message)
{
	static const char hidden[] = "(hidden)";

	for (char *s = message; *s; s++) {
		size_t n = secret_length(message, s);
		if (!n)
			continue;
		memcpy(s, hidden, strlen(hidden));
		memmove(s + strlen(hidden), s + n, strlen(s + n) + 1);
		s += strlen(hidden) - 1;
	}
}
