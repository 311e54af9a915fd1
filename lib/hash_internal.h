/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What hash_openssl.c and hash_mbedtls.c implement for hash.c, in addition to hash_new(), hash_add() and hash_free(). A program is
 * linked with one of them.
 */
#include "lib/hash.h"

#define SHA256_SIZE 32
#define MD5_SIZE 16

void hash_sum(struct hash *h, unsigned char ret_sum[SHA256_SIZE]); /* ends the digest */
void hmac_sha256_sum(const void *key, size_t key_len, const void *data, size_t len, unsigned char ret_sum[SHA256_SIZE]);
void md5_sum(const void *data, size_t len, unsigned char ret_sum[MD5_SIZE]);
