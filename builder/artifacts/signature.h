/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The OpenPGP signature of SHA256SUMS: SHA256SUMS.gpg, detached and binary, as importctl(1) and `gpgv SHA256SUMS.gpg SHA256SUMS` expect
 * it. GnuPG makes it (gpg) and checks it (gpgv). Every change of SHA256SUMS removes it, so that no old signature is left.
 */
#include "lib/error.h"
#include "lib/text.h"

#define SIGNATURE_FILE "SHA256SUMS.gpg"

/* The public keys that belong to the user's secret keys of that name (a fingerprint, a key id or a user id), as a keyring of gpgv.
 * ERROR_TRUST when there is no such secret key. Call it before a build. */
int signature_keyring(const char *key, struct text *ret, struct error *err) MUST_CHECK;
/* Signs these bytes, which the SHA256SUMS of the directory must have: ERROR_TRUST when it has others. */
int signature_make(const char *directory, const char *key, const struct text *sums, struct error *err) MUST_CHECK;
/* Whether SHA256SUMS.gpg of the directory is a good signature of these bytes by a key of the keyring (binary, as for gpgv).
 * ERROR_TRUST when not, ERROR_INPUT when the keyring cannot be read. */
int signature_check(const char *directory, const char *keyring, const char *sums, size_t len, struct error *err)
	MUST_CHECK;
