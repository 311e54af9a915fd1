/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What no two guests may have in common, by content instead of by path: private keys, and what is random. Pure; the content may have any
 * bytes. Each returns NULL, or a clause for a finding: "has a private key".
 */
#include <stdbool.h>
#include <stddef.h>

/* A private key of a known format: PEM, DER, OpenSSH, dropbear, PGP, age, PuTTY, DNSSEC, Tor, Java; also in base64. */
const char *secret_key_what(const char *content, size_t len);

/* Bytes or words without order, as keys, cookies and names of machines have. Only for files that nothing accounts for: what is
 * published looks like that, too. is_private: other users cannot read the file, so less is enough. */
const char *secret_random_what(const char *content, size_t len, bool is_private);
#define SECRET_RANDOM_MAX 8192 /* bytes of a file; larger ones are data */
