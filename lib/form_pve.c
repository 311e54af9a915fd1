/* SPDX-License-Identifier: Apache-2.0 */
/* Proxmox VE's words, and what must not be shown. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/form.h"
#include "lib/text.h"

#define FINGERPRINT_HEX 64 /* SHA-256 */
#define TOKEN_LENGTH 23
#define UUID_LENGTH 36
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"

static bool is_word(const char *s, const char *also)
{
	if (!isalnum((unsigned char)*s))
		return false;
	while (*s && (isalnum((unsigned char)*s) || strchr(also, *s)))
		s++;
	return !*s;
}

bool form_is_pve_url(const char *s)
{
	static const char scheme[] = "https://";

	/* The path is ours to choose. */
	return text_starts(s, scheme) && form_is_endpoint(s + strlen(scheme));
}

bool form_is_pve_node(const char *s)
{
	return is_word(s, "-") && strlen(s) <= 63 && !text_ends(s, "-");
}

bool form_is_region(const char *s)
{
	return is_word(s, "-_.") && strlen(s) <= 63;
}

bool form_is_pve_token(const char *s)
{
	const char *bang = strchr(s, '!'), *at = bang ? memrchr(s, '@', (size_t)(bang - s)) : NULL;

	if (!at || at == s || !isalpha((unsigned char)bang[1]) || !is_word(bang + 1, "-_."))
		return false;
	CLEANUP(free_p) char *realm = xstrndup(at + 1, (size_t)(bang - at - 1));
	for (const char *c = s; c < at; c++)
		if (!isgraph((unsigned char)*c) || strchr(":/@", *c))
			return false;
	return is_word(realm, "-_.");
}

static bool is_uuid(const char *s)
{
	for (int i = 0; i < UUID_LENGTH; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

bool form_is_uuid(const char *s)
{
	return is_uuid(s) && !s[UUID_LENGTH];
}

/* Hex digits; colons may stand between pairs, all or none. */
bool form_is_fingerprint(const char *s)
{
	size_t step = s[0] && s[1] && s[2] == ':' ? 3 : 2, n = strlen(s);

	if (n != FINGERPRINT_HEX / 2 * step - (step - 2))
		return false;
	for (size_t i = 0; i < n; i++)
		if (i % step == 2 ? s[i] != ':' : !isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

bool form_is_certificate(const char *s)
{
	if (strstr(s, "PRIVATE KEY"))
		return false;
	return form_is_path(s) || (strstr(s, PEM_BEGIN) && strstr(s, "-----END CERTIFICATE-----"));
}

void form_tidy_lower(char **s)
{
	for (char *c = *s; *c; c++)
		*c = (char)tolower((unsigned char)*c);
}

void form_tidy_fingerprint(char **s)
{
	struct text t = { 0 };
	size_t digits = 0;

	for (const char *c = *s; *c; c++)
		if (*c != ':')
			text_addf(&t, "%s%c", digits && digits % 2 == 0 ? ":" : "", toupper((unsigned char)*c)),
				digits++;
	free(*s);
	*s = text_take(&t);
}

static size_t hex_run(const char *s)
{
	size_t n = 0;

	while (isxdigit((unsigned char)s[n]))
		n++;
	return n;
}

/* How long the secret is that begins at s; 0 when none does. CA hashes, which are public, say "sha256:" before. */
static size_t secret_length(const char *start, const char *s)
{
	static const char public[] = "sha256:";
	size_t n = strlen(public);

	if (strlen(s) >= UUID_LENGTH && is_uuid(s))
		return UUID_LENGTH;
	if (hex_run(s) >= FINGERPRINT_HEX)
		return (size_t)(s - start) >= n && !memcmp(s - n, public, n) ? 0 : hex_run(s);
	if (strlen(s) >= TOKEN_LENGTH) {
		CLEANUP(free_p) char *word = xstrndup(s, TOKEN_LENGTH);
		return form_is_token(word) ? TOKEN_LENGTH : 0;
	}
	return 0;
}

void form_hide_secrets(char *message)
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
