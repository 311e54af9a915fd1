/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tls_pin.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/macro.h"
#include "lib/tls_pin_internal.h"

static bool parse_sum(const char *text, char ret_hex[SHA256_HEX])
{
	size_t n = 0;

	for (; *text; text++) {
		if (*text == ':')
			continue;
		if (!isxdigit((unsigned char)*text) || n == SHA256_HEX - 1)
			return false;
		ret_hex[n++] = (char)tolower((unsigned char)*text);
	}
	ret_hex[n] = '\0';
	return n == SHA256_HEX - 1;
}

static void tls_pin_free_p(struct tls_pin **pin)
{
	tls_pin_free(*pin);
}

int tls_pin_new(const struct strings *fingerprints, struct tls_pin **ret, struct error *err)
{
	CLEANUP(tls_pin_free_p) struct tls_pin *pin = xcalloc(1, sizeof *pin);
	char sum[SHA256_HEX];

	for (size_t i = 0; fingerprints && i < fingerprints->n; i++) {
		if (!parse_sum(fingerprints->at[i], sum))
			return error_set(
				err, ERROR_INPUT,
				"'%s' is not a SHA-256 fingerprint; it must be 32 pairs of hex digits, AA:BB:...",
				fingerprints->at[i]);
		strings_add(&pin->sums, sum);
	}
	*ret = TAKE(pin);
	return 0;
}

void tls_pin_free(struct tls_pin *pin)
{
	if (!pin)
		return;
	strings_done(&pin->sums);
	free(pin->host);
	free(pin);
}

void tls_pin_expect(struct tls_pin *pin, const char *host)
{
	size_t n = strlen(host);
	bool brackets = n > 2 && host[0] == '[' && host[n - 1] == ']';

	free(pin->host);
	pin->host = brackets ? xstrndup(host + 1, n - 2) : xstrdup(host);
	pin->why[0] = '\0';
}

const char *tls_pin_seen(const struct tls_pin *pin)
{
	return pin->shown;
}

void tls_pin_remember(struct tls_pin *pin, const void *der, size_t len)
{
	sha256_hex(der, len, pin->seen);
	for (size_t i = 0; i < 32; i++)
		snprintf(pin->shown + 3 * i, 4, "%c%c%s", toupper(pin->seen[2 * i]), toupper(pin->seen[2 * i + 1]),
			 i < 31 ? ":" : "");
}

bool tls_pin_lists(const struct tls_pin *pin)
{
	return *pin->seen && strings_has(&pin->sums, pin->seen);
}

const char *tls_pin_why(const struct tls_pin *pin)
{
	return pin->why;
}
