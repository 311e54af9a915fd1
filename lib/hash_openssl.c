/* SPDX-License-Identifier: Apache-2.0 */
/* Digests by libcrypto. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "lib/alloc.h"
#include "lib/hash_internal.h"

struct hash {
	EVP_MD_CTX *ctx;
};

/* libcrypto's digests fail only when memory is exhausted. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

static struct hash *start(const EVP_MD *kind)
{
	struct hash *h = xcalloc(1, sizeof *h);

	h->ctx = EVP_MD_CTX_new();
	must(h->ctx != NULL);
	must(EVP_DigestInit_ex(h->ctx, kind, NULL));
	return h;
}

struct hash *hash_new(void)
{
	return start(EVP_sha256());
}

struct hash *hash_new_md5(void)
{
	return start(EVP_md5());
}

void hash_add(struct hash *h, const void *data, size_t len)
{
	must(EVP_DigestUpdate(h->ctx, data, len));
}

void hash_sum(struct hash *h, unsigned char ret_sum[SHA256_SIZE])
{
	must(EVP_DigestFinal_ex(h->ctx, ret_sum, NULL));
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void hmac_sha256_sum(const void *key, size_t key_len, const void *data, size_t len, unsigned char ret_sum[SHA256_SIZE])
{
	must(HMAC(EVP_sha256(), key, (int)key_len, data, len, ret_sum, NULL) != NULL);
}
