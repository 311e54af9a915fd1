/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <unistd.h>

#include "lib/hash.h"
#include "lib/macro.h"
#include "tests/unit/check.h"

TEST(hash_sha256_vector)
{
	char hex[SHA256_HEX];

	sha256_hex("abc", 3, hex);
	CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(hash_md5_vector)
{
	char hex[MD5_HEX];

	md5_hex("abc", 3, hex);
	CHECK_STR(hex, "900150983cd24fb0d6963f7d28e17f72");
	CLEANUP(hash_free_p) struct hash *parts = hash_new_md5();
	hash_add(parts, "a", 1);
	hash_add(parts, "bc", 2);
	hash_md5_hex(parts, hex);
	CHECK_STR(hex, "900150983cd24fb0d6963f7d28e17f72");
}

TEST(hash_sha256_fd_keeps_the_position)
{
	CLEANUP(close_p) int fd = memfd_create("hash", MFD_CLOEXEC);
	struct error err = { 0 };
	char hex[SHA256_HEX], want[SHA256_HEX];

	CHECK(write(fd, "abc", 3) == 3);
	CHECK(sha256_fd(fd, hex, &err) == 0 && lseek(fd, 0, SEEK_CUR) == 3);
	sha256_hex("abc", 3, want);
	CHECK_STR(hex, want);
	CHECK(sha256_fd(-1, hex, &err) == -1 && strstr(err.text, "sha256"));
}

TEST(hash_field_is_unambiguous)
{
	char one[SHA256_HEX], two[SHA256_HEX];
	struct hash *a = hash_new(), *b = hash_new();

	hash_field(a, "x", "1\ny=1:2");
	hash_field(b, "x", "1");
	hash_field(b, "y", "2");
	hash_hex(a, one);
	hash_hex(b, two);
	hash_free(a);
	hash_free(b);
	CHECK(strcmp(one, two) != 0);
}

TEST(hash_field_format)
{
	CLEANUP(hash_free_p) struct hash *fields = hash_new(), *plain = hash_new();
	char one[SHA256_HEX], two[SHA256_HEX];

	hash_field(fields, "x", "12");
	hash_field(fields, "y", NULL);
	hash_add(plain, "x=2:12\ny=-\n", 11);
	hash_hex(fields, one);
	hash_hex(plain, two);
	CHECK_STR(one, two);
}
