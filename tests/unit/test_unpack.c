/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tree_bench.h"

/* Members that are refused; nothing of them may exist outside the tree afterwards. */
static const struct {
	struct maker_member member[3];
	const char *says;
} hostile[] = {
	{ { { .path = "../outside", .content = "x" } }, "a name with '..'" },
	{ { { .path = "./a/../../outside", .content = "x" } }, "a name with '..'" },
	{ { { .path = "/outside", .content = "x" } }, "absolute" },
	{ { { .path = "./hard", .original = "../cache/files" } }, "a name with '..'" },
	{ { { .path = "./null", .mode = S_IFCHR | 0666 } }, "device node" },
	{ { { .path = "./line\nbreak", .content = "x" } }, "line break" },
	{ { { .path = "./dir/" }, { .path = "./dir", .content = "x" } }, "is a directory in one" },
	{ { { .path = "./hard", .original = "./missing" } }, "link hard to missing" },
};

TEST(unpack_refuses_hostile_members)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		CLEANUP(tree_bench_done) struct tree_bench b;
		struct error err = { 0 };
		tree_bench_open(&b);
		tree_bench_add(&b, "bad", "", hostile[i].member);
		CHECK(tree_bench_unpack(&b, false, 1, &err) < 0);
		CHECK(strstr(err.text, hostile[i].says));
		CHECK(faccessat(b.dir, "outside", F_OK, AT_SYMLINK_NOFOLLOW) < 0);
		CHECK(access("/outside", F_OK) < 0);
	}
}

/* Links to / and to parents are resolved within the tree. */
TEST(unpack_links_stay_inside)
{
	static const struct maker_member members[] = { { .path = "./up", .target = "../../../.." },
						       { .path = "./up/outside", .content = "1" },
						       { .path = "./abs", .target = "/" },
						       { .path = "./abs/inside", .content = "2" },
						       { 0 } };
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };

	tree_bench_open(&b);
	tree_bench_add(&b, "links", "", members);
	CHECK(tree_bench_unpack(&b, false, 1, &err) == 0);
	CHECK_CONTENT(&b, "outside", "1");
	CHECK_CONTENT(&b, "inside", "2");
	CHECK(faccessat(b.dir, "outside", F_OK, AT_SYMLINK_NOFOLLOW) < 0);
}
