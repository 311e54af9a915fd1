/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* HMAC-SHA-256 (RFC 2104, libcrypto). */
#include "lib/hash.h"

void hmac_sha256_hex(const void *key, size_t key_len, const void *data, size_t len, char ret_hex[SHA256_HEX]);
