/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/text.h"
#include "tests/unit/check.h"
#include "tests/unit/heap.h"

TEST(text_add_grows)
{
	CLEANUP(text_done) struct text t = { 0 };

	for (int i = 0; i < 1000; i++)
		text_addf(&t, "%d,", i % 10);
	CHECK(t.len == 2000);
	CHECK(text_starts(t.data, "0,1,2,"));
	CHECK(text_ends(t.data, "8,9,"));
}

TEST(text_size_units)
{
	static const char *const bad[] = { "", "G", "-1", "1X", "1GB", "1 G", "99999999999999999999", "17179869184G" };
	unsigned long long n;

	CHECK(text_size("4096", &n) && n == 4096);
	CHECK(text_size("10G", &n) && n == 10ull << 30);
	CHECK(text_size("3MiB", &n) && n == 3ull << 20);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!text_size(bad[i], &n));
}

TEST(text_bytes_units)
{
	CHECK_STR(text_bytes(9), "9 B");
	CHECK_STR(text_bytes(1536), "1.5 KiB");
	CHECK_STR(text_bytes(212ull << 20), "212 MiB");
}

TEST(strings_argv_ends_with_null)
{
	CLEANUP(strings_done) struct strings l = { 0 };

	strings_add_all(&l, "b", "a", NULL);
	strings_addf(&l, "%d", 3);
	strings_sort(&l);
	CHECK(l.n == 3 && strings_argv(&l)[3] == NULL);
	CHECK_STR(l.at[0], "3");
	CHECK(strings_has(&l, "b") && !strings_has(&l, "c"));
}

TEST(text_wipe_overwrites_what_is_there)
{
	CLEANUP(text_done) struct text t = { 0 };

	text_wipe(&t); /* nothing: no bytes to touch */
	CHECK(!t.data);
	text_add(&t, "secret");
	text_wipe(&t);
	CHECK(t.len == 6 && memcmp(t.data, "\0\0\0\0\0\0", 6) == 0);
}

TEST(text_is_utf8_as_rfc_3629)
{
	static const char *const good[] = {
		"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x99\x82", "\xf4\x8f\xbf\xbf"
	};
	static const char *const bad[] = {
		"\x80",
		"\xc3",
		"\xc3"
		"a",
		"\xc0\xaf",
		"\xe0\x80\xaf",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xff",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(text_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!text_is_utf8(bad[i], strlen(bad[i])));
	CHECK(!text_is_utf8("\xc3\xa4", 1) && text_is_utf8("a\0b", 3));
}

/* A text that grows leaves nothing where it was. */
TEST(text_wipe_done_leaves_no_secret_in_the_heap)
{
#define SECRET "0123456789abcdef0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef"
	struct text t = { 0 }, between = { 0 };

	if (!HEAP_IS_OURS)
		SKIP("needs the heap of the C library");
	for (unsigned i = 0; i < 100; i++) {
		text_addf(&t, "%s%u", SECRET, i);
		text_add(&t, SECRET);
		text_add(&between, "no block can grow in its place");
	}
	text_wipe_done(&t);
	text_done(&between);
	CHECK(!heap_has(SECRET));
}
