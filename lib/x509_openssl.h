/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Certificates and keys of libcrypto, for the files that use it (certificate_openssl.c reads them, builder/seed/pki_x509.c makes them):
 * CLEANUP() of its types, and PEM in memory. What fails leaves nothing in libcrypto's queue of errors. libcrypto asks for the passphrase
 * of an encrypted PEM on the terminal; these functions fail.
 */
#include <openssl/x509.h>

#include "lib/macro.h"

void x509_bio_free_p(BIO **bio);
void x509_free_p(X509 **certificate);
void x509_key_free_p(EVP_PKEY **key);

/* NULL: pem, len bytes (NULL = none), is not a whole certificate or key. The caller owns the result. */
X509 *x509_read(const char *pem, size_t len) MUST_CHECK;
EVP_PKEY *x509_read_key(const char *pem, size_t len) MUST_CHECK;
EVP_PKEY *x509_read_public_key(const char *pem, size_t len) MUST_CHECK;
