/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tls_pin.h"

#include <ctype.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/hash.h"
#include "lib/macro.h"

struct tls_pin {
	struct strings sums;   /* owned; 64 lower-case hex digits each */
	char *host;            /* owned; without the brackets of an IPv6 address */
	char seen[SHA256_HEX]; /* of the last leaf */
	char shown[3 * 32];    /* the same as "AA:BB:..." */
};

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

	for (size_t i = 0; i < fingerprints->n; i++) {
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
}

const char *tls_pin_seen(const struct tls_pin *pin)
{
	return pin->shown;
}

static void remember(struct tls_pin *pin, X509 *leaf)
{
	unsigned char *der = NULL;
	int len = i2d_X509(leaf, &der);

	if (len < 0)
		return; /* seen stays "", which is never listed */
	sha256_hex(der, (size_t)len, pin->seen);
	OPENSSL_free(der);
	for (size_t i = 0; i < 32; i++)
		snprintf(pin->shown + 3 * i, 4, "%c%c%s", toupper(pin->seen[2 * i]), toupper(pin->seen[2 * i + 1]),
			 i < 31 ? ":" : "");
}

/* Called instead of OpenSSL's own verification; 1 = trusted. */
static int verify(X509_STORE_CTX *store, void *context)
{
	struct tls_pin *pin = context;
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(store);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);

	pin->seen[0] = '\0';
	if (leaf)
		remember(pin, leaf);
	if (strings_has(&pin->sums, pin->seen)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (!X509_VERIFY_PARAM_set1_ip_asc(param, pin->host) && !X509_VERIFY_PARAM_set1_host(param, pin->host, 0))
		return 0;
	return X509_verify_cert(store) == 1;
}

void tls_pin_install(struct tls_pin *pin, void *ssl_ctx)
{
	SSL_CTX_set_cert_verify_callback(ssl_ctx, verify, pin);
}
