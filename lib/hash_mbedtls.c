/* SPDX-License-Identifier: Apache-2.0 */
/* Digests by Mbed TLS. */
#include <mbedtls/md.h>
#include <mbedtls/md5.h>
#include <mbedtls/sha256.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/alloc.h"
#include "lib/hash_internal.h"

struct hash {
	bool is_md5;
	union {
		mbedtls_sha256_context sha256;
		mbedtls_md5_context md5;
	};
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

	mbedtls_sha256_init(&h->sha256);
	must(mbedtls_sha256_starts(&h->sha256, 0));
	return h;
}

struct hash *hash_new_md5(void)
{
	struct hash *h = xcalloc(1, sizeof *h);

	h->is_md5 = true;
	mbedtls_md5_init(&h->md5);
	must(mbedtls_md5_starts(&h->md5));
	return h;
}

void hash_add(struct hash *h, const void *data, size_t len)
{
	must(h->is_md5 ? mbedtls_md5_update(&h->md5, data, len) : mbedtls_sha256_update(&h->sha256, data, len));
}

void hash_sum(struct hash *h, unsigned char ret_sum[SHA256_SIZE])
{
	must(h->is_md5 ? mbedtls_md5_finish(&h->md5, ret_sum) : mbedtls_sha256_finish(&h->sha256, ret_sum));
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	if (h->is_md5)
		mbedtls_md5_free(&h->md5);
	else
		mbedtls_sha256_free(&h->sha256);
	free(h);
}

void hmac_sha256_sum(const void *key, size_t key_len, const void *data, size_t len, unsigned char ret_sum[SHA256_SIZE])
{
	must(mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key, key_len, data, len, ret_sum));
}
