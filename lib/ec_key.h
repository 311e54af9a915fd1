/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Private keys on the curve P-256 as 64 hex digits, big-endian: one word without a line break, so that the agent finds and wipes
 * every copy (agent/secrets.h).
 */
#include <stdbool.h>

#include "lib/macro.h"
#include "lib/text.h"

#define EC_KEY_DIGITS 64

/* 64 hex digits. Zeros, which are no key, are accepted: a wiped configuration stays readable. */
bool ec_key_is_valid(const char *hex);
/* Appends the key as PEM text: an ECPrivateKey (RFC 5915) without the public key, which readers compute. hex is valid. */
void ec_key_pem(const char *hex, struct text *ret);
