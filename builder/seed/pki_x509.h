/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Makes X.509 certificates on the curve P-256 (libcrypto). Private keys are 64 hex digits (lib/ec_key.h), certificates and public keys
 * PEM text; what is returned is owned by the caller.
 */
#include <time.h>

#include "lib/error.h"
#include "lib/macro.h"

struct pki_x509_subject {
	const char *organization; /* borrowed; NULL = none */
	const char *name;         /* borrowed; the common name */
	time_t from, until;
};

/* ret_public: PEM; may be NULL. */
int pki_x509_key(char **ret_hex, char **ret_public, struct error *err) MUST_CHECK;
/* A self-signed certificate authority with this key. */
int pki_x509_authority(const struct pki_x509_subject *subject, const char *key_hex, char **ret, struct error *err)
	MUST_CHECK;
/* A client's certificate, signed by the authority, and its new key. */
int pki_x509_client(const struct pki_x509_subject *subject, const char *ca, const char *ca_key_hex, char **ret,
		    char **ret_key_hex, struct error *err) MUST_CHECK;
