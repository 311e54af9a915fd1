/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/crypto/hmac.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

/* libcrypto's HMAC fails only when memory is exhausted. */
void hmac_sha256_hex(const void *key, size_t key_len, const void *data, size_t len, char ret_hex[SHA256_HEX])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!HMAC(EVP_sha256(), key, (int)key_len, data, len, sum, &n) || 2 * n != SHA256_HEX - 1)
		abort();
	for (unsigned i = 0; i < n; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", sum[i]);
}
