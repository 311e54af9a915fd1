/* SPDX-License-Identifier: Apache-2.0 */
/* Digests by Mbed TLS. */
#include <mbedtls/md.h>
#include <mbedtls/md5.h>
#include <mbedtls/sha256.h>
#include <stdlib.h>

#include "lib/alloc.h"
#include "lib/hash_internal.h"

struct hash {
	mbedtls_sha256_context ctx;
};

/* Without an accelerator these functions cannot fail. */
static void must(int rc)
{
	if (rc != 0)
		abort();
}

struct hash *hash_new(void)
{
	struct hash *h = xcalloc(1, sizeof *h);

	mbedtls_sha256_init(&h->ctx);
	must(mbedtls_sha256_starts(&h->ctx, 0));
	return h;
}

void hash_add(struct hash *h, const void *data, size_t len)
{
	must(mbedtls_sha256_update(&h->ctx, data, len));
}

void hash_sum(struct hash *h, unsigned char ret_sum[SHA256_SIZE])
{
	must(mbedtls_sha256_finish(&h->ctx, ret_sum));
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	mbedtls_sha256_free(&h->ctx);
	free(h);
}

void hmac_sha256_sum(const void *key, size_t key_len, const void *data, size_t len, unsigned char ret_sum[SHA256_SIZE])
{
	must(mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key, key_len, data, len, ret_sum));
}

void md5_sum(const void *data, size_t len, unsigned char ret_sum[MD5_SIZE])
{
	must(mbedtls_md5(data, len, ret_sum));
}
