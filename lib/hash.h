/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * SHA-256, streaming and at once; and cache keys: SHA-256 over labelled fields.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/macro.h"

#define MD5_HEX 33
#define SHA256_HEX 65 /* 64 lower-case hex digits and a NUL */

struct hash; /* opaque: one running digest */

struct hash *hash_new(void) MUST_CHECK;
void hash_add(struct hash *h, const void *data, size_t len);
/* Adds "label=len:text\n", so that different lists of fields never give the same bytes; a NULL text adds "label=-\n". */
void hash_field(struct hash *h, const char *label, const char *text);
void hash_hex(struct hash *h, char ret_hex[SHA256_HEX]); /* ends the digest */
/* For dpkg's database only, which has MD5 sums: a digest that hash_md5_hex() ends. */
struct hash *hash_new_md5(void) MUST_CHECK;
void hash_md5_hex(struct hash *h, char ret_hex[MD5_HEX]);
void hash_free(struct hash *h);
void hash_free_p(struct hash **h);

void sha256_hex(const void *data, size_t len, char ret_hex[SHA256_HEX]);
/* HMAC-SHA-256 (RFC 2104). */
void hmac_sha256_hex(const void *key, size_t key_len, const void *data, size_t len, char ret_hex[SHA256_HEX]);
/* The same at once. */
void md5_hex(const void *data, size_t len, char ret_hex[MD5_HEX]);
/* The digest of the whole file; the file position is neither used nor moved. */
int sha256_fd(int fd, char ret_hex[SHA256_HEX], struct error *err) MUST_CHECK;
