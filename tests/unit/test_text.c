/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/error.h"
#include "lib/hash.h"
#include "lib/text.h"
#include "tests/unit/check.h"

TEST(text_grows)
{
	CLEANUP(text_done) struct text t = { 0 };

	for (int i = 0; i < 1000; i++)
		text_addf(&t, "%d,", i % 10);
	CHECK(t.len == 2000);
	CHECK(text_starts(t.data, "0,1,2,"));
	CHECK(text_ends(t.data, "8,9,"));
}

TEST(text_size_reads_units_and_refuses_the_rest)
{
	static const char *const bad[] = { "", "G", "-1", "1X", "1GB", "1 G", "99999999999999999999", "17179869184G" };
	unsigned long long n;

	CHECK(text_size("4096", &n) && n == 4096);
	CHECK(text_size("10G", &n) && n == 10ull << 30);
	CHECK(text_size("3MiB", &n) && n == 3ull << 20);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!text_size(bad[i], &n));
}

TEST(text_bytes_reads_well)
{
	CHECK_STR(text_bytes(9), "9 B");
	CHECK_STR(text_bytes(1536), "1.5 KiB");
	CHECK_STR(text_bytes(212ull << 20), "212 MiB");
}

TEST(strings_are_argv)
{
	CLEANUP(strings_done) struct strings l = { 0 };

	strings_add_all(&l, "b", "a", NULL);
	strings_addf(&l, "%d", 3);
	strings_sort(&l);
	CHECK(l.n == 3 && strings_argv(&l)[3] == NULL);
	CHECK_STR(l.at[0], "3");
	CHECK(strings_has(&l, "b") && !strings_has(&l, "c"));
}

TEST(error_layers_its_context)
{
	struct error err = { 0 };

	CHECK(error_set(&err, ERROR_TRUST, "bad %s", "sum") == -1);
	CHECK(error_wrap(&err, "recipe '%s'", "x") == -1);
	CHECK_STR(err.text, "recipe 'x': bad sum");
	CHECK(err.class == ERROR_TRUST);
}

TEST(hash_is_sha256)
{
	char hex[SHA256_HEX];

	sha256_hex("abc", 3, hex);
	CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(hash_fields_cannot_be_confused)
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
