/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * X.509 certificates and keys in PEM text (libcrypto, or Mbed TLS). "Whole" means that the text parses: a file that a power cut left empty,
 * truncated or full of zeros is not whole. Of several certificates in a text the first one counts, as it does for a TLS server.
 */
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "lib/error.h"
#include "lib/hash.h"
#include "lib/macro.h"

/* SHA-256 of the DER SubjectPublicKeyInfo, by which kubeadm pins a CA. name is for the message; ERROR_INPUT when not whole. */
int certificate_spki_sha256(const char *name, const char *pem, size_t len, char ret_hex[SHA256_HEX], struct error *err)
	MUST_CHECK;
bool certificate_whole(const char *pem, size_t len);
bool certificate_key_whole(const char *pem, size_t len);        /* a private key, without a passphrase */
bool certificate_public_key_whole(const char *pem, size_t len); /* a public key alone */
/* True when the private key belongs to the certificate; false also when either is not whole. */
bool certificate_has_key(const char *pem, size_t len, const char *key, size_t key_len);
/* Its validity; ret_from may be NULL. False when it is not whole. */
bool certificate_dates(const char *pem, size_t len, time_t *ret_from, time_t *ret_until);
/* True when the CA's key made the certificate's signature. Dates are not checked. */
bool certificate_signed_by(const char *pem, size_t len, const char *ca, size_t ca_len);
