/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * X.509 certificates and keys in PEM text (libcrypto). A file that a power cut left empty, short or full of zeros is not whole;
 * of a text with several certificates the first counts, as it does for those who serve with it.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "lib/hash.h"

/* Of the DER SubjectPublicKeyInfo: what kubeadm pins a CA by. name is for the message. */
int certificate_spki_sha256(const char *name, const char *pem, size_t len, char ret_hex[SHA256_HEX], struct error *err)
	MUST_CHECK;
bool certificate_whole(const char *pem, size_t len);
bool certificate_key_whole(const char *pem, size_t len);        /* a private key, without a passphrase */
bool certificate_public_key_whole(const char *pem, size_t len); /* a public key alone */
/* The key is the certificate's; false when either is not whole. */
bool certificate_has_key(const char *pem, size_t len, const char *key, size_t key_len);
/* The CA's key made the certificate's signature. Dates are nobody's business here. */
bool certificate_signed_by(const char *pem, size_t len, const char *ca, size_t ca_len);
