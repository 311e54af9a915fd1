/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/hash_internal.h"
#include "lib/macro.h"

#define READ_SIZE (256 * 1024)

void hash_field(struct hash *h, const char *label, const char *text)
{
	CLEANUP(free_p) char *head = text ? xasprintf("%s=%zu:", label, strlen(text)) : xasprintf("%s=-", label);

	hash_add(h, head, strlen(head));
	if (text)
		hash_add(h, text, strlen(text));
	hash_add(h, "\n", 1);
}

/* size is that of the hex text with its NUL. */
static void print_hex(const unsigned char *sum, char *ret_hex, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < (size - 1) / 2; i++) {
		ret_hex[2 * i] = digits[sum[i] >> 4];
		ret_hex[2 * i + 1] = digits[sum[i] & 15];
	}
	ret_hex[size - 1] = '\0';
}

void hash_hex(struct hash *h, char ret_hex[SHA256_HEX])
{
	unsigned char sum[SHA256_SIZE];

	hash_sum(h, sum);
	print_hex(sum, ret_hex, SHA256_HEX);
}

void hash_free_p(struct hash **h)
{
	hash_free(*h);
}

void sha256_hex(const void *data, size_t len, char ret_hex[SHA256_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();

	hash_add(h, data, len);
	hash_hex(h, ret_hex);
}

void hmac_sha256_hex(const void *key, size_t key_len, const void *data, size_t len, char ret_hex[SHA256_HEX])
{
	unsigned char sum[SHA256_SIZE];

	hmac_sha256_sum(key, key_len, data, len, sum);
	print_hex(sum, ret_hex, SHA256_HEX);
}

void hash_md5_hex(struct hash *h, char ret_hex[MD5_HEX])
{
	unsigned char sum[SHA256_SIZE];

	hash_sum(h, sum);
	print_hex(sum, ret_hex, MD5_HEX);
}

void md5_hex(const void *data, size_t len, char ret_hex[MD5_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new_md5();

	hash_add(h, data, len);
	hash_md5_hex(h, ret_hex);
}

int sha256_fd(int fd, char ret_hex[SHA256_HEX], struct error *err)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	CLEANUP(free_p) char *buffer = xmalloc(READ_SIZE);
	ssize_t n;

	for (off_t at = 0; (n = pread(fd, buffer, READ_SIZE, at)) != 0; at += n) {
		if (n < 0 && errno == EINTR) {
			n = 0;
			continue;
		}
		if (n < 0)
			return error_errno(err, errno, "read a file for its sha256");
		hash_add(h, buffer, (size_t)n);
	}
	hash_hex(h, ret_hex);
	return 0;
}
