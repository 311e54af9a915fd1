/* SPDX-License-Identifier: Apache-2.0 */
/* Verification by OpenSSL. */
#include <openssl/ssl.h>

#include "lib/tls_pin_internal.h"

static void remember(struct tls_pin *pin, X509 *leaf)
{
	unsigned char *der = NULL;
	int len = i2d_X509(leaf, &der);

	if (len < 0)
		return; /* seen stays "", which is never listed */
	tls_pin_remember(pin, der, (size_t)len);
	OPENSSL_free(der);
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
	if (tls_pin_lists(pin)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (!X509_VERIFY_PARAM_set1_ip_asc(param, pin->host) && !X509_VERIFY_PARAM_set1_host(param, pin->host, 0))
		return 0;
	return X509_verify_cert(store) == 1;
}

bool tls_pin_is_needed(const struct strings *fingerprints)
{
	return fingerprints && fingerprints->n;
}

void tls_pin_install(struct tls_pin *pin, void *ssl)
{
	SSL_CTX_set_cert_verify_callback(ssl, verify, pin);
}

bool tls_pin_try_tls12(struct tls_pin *pin UNUSED, const char *message UNUSED)
{
	return false;
}

/* libcurl knows it, and says why. */
bool tls_pin_refused(const struct tls_pin *pin UNUSED, const char *message UNUSED)
{
	return false;
}
