/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What hash_openssl.c and hash_mbedtls.c implement for hash.c, in addition to hash_new(), hash_new_md5(), hash_add() and hash_free(). A program is
 * linked with one of them.
 */
#include "lib/hash.h"

#define SHA256_SIZE 32
#define MD5_SIZE 16

/* Ends the digest; an MD5 sum is in the first MD5_SIZE bytes. */
void hash_sum(struct hash *h, unsigned char ret_sum[SHA256_SIZE]);
void hmac_sha256_sum(const void *key, size_t key_len, const void *data, size_t len, unsigned char ret_sum[SHA256_SIZE]);
