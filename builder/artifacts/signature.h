/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The OpenPGP signature of SHA256SUMS: SHA256SUMS.gpg, detached and binary, as importctl(1) and `gpgv SHA256SUMS.gpg SHA256SUMS` expect
 * it. GnuPG makes it (gpg) and checks it (gpgv). Every change of SHA256SUMS removes it, so that no old signature is left.
 */
#include "lib/error.h"

#define SIGNATURE_FILE "SHA256SUMS.gpg"

/* ERROR_TRUST when gpg has no secret key of that name: a fingerprint, a key id or a user id. Call it before a build. */
int signature_key_check(const char *key, struct error *err) MUST_CHECK;
/* Signs the SHA256SUMS of a directory. */
int signature_make(const char *directory, const char *key, struct error *err) MUST_CHECK;
/* Whether SHA256SUMS.gpg of the directory is a good signature of these bytes by a key of the keyring (binary, as for gpgv).
 * ERROR_TRUST when not, ERROR_INPUT when the keyring cannot be read. */
int signature_check(const char *directory, const char *keyring, const char *sums, size_t len, struct error *err)
	MUST_CHECK;
