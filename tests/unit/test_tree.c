/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tree_bench.h"

static const struct maker_member plain[] = {
	{ .path = "./" },
	{ .path = "./bin/" },
	{ .path = "./bin/tool", .content = "tool", .mode = S_IFREG | 04755 },
	{ .path = "./bin/same", .original = "./bin/tool" },
	{ .path = "./etc/" },
	{ .path = "./etc/conf", .content = "abc" },
	{ .path = "./usr/" },
	{ .path = "./usr/link", .target = "../etc/conf" },
	{ .path = "./usr/private/", .mode = S_IFDIR | 01770 },
	{ 0 },
};

TEST(tree_unpack_base)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };
	struct stat tool, same, dir;

	tree_bench_open(&b);
	tree_bench_add(&b, "one", "", plain);
	CHECK(tree_bench_unpack(&b, false, 2, &err) == 0);
	CHECK_CONTENT(&b, "bin/tool", "tool");
	CHECK_CONTENT(&b, "usr/link", "abc");
	CHECK(fstatat(b.rootfd, "usr/bin/tool", &tool, 0) == 0 && fstatat(b.rootfd, "usr/bin/same", &same, 0) == 0);
	CHECK((tool.st_mode & 07777) == 04755 && tool.st_ino == same.st_ino && tool.st_mtime == MAKER_TIME);
	CHECK(fstatat(b.rootfd, "usr/private", &dir, 0) == 0);
	CHECK((dir.st_mode & 07777) == 01770 && dir.st_mtime == MAKER_TIME);
	CHECK(readlinkat(b.rootfd, "bin", (char[16]){ 0 }, 16) == 7);
	CHECK_CONTENT(&b, "var/lib/dpkg/status",
		      "Package: one\nStatus: install ok unpacked\nVersion: 1.0\nArchitecture: all\nDescription: d\n"
		      "Conffiles:\n /etc/conf 900150983cd24fb0d6963f7d28e17f72\n\n");
	CHECK_CONTENT(&b, "var/lib/dpkg/info/one.list",
		      "/.\n/bin\n/bin/tool\n/bin/same\n/etc\n/etc/conf\n/usr\n/usr/link\n/usr/private\n");
	CHECK_CONTENT(&b, "var/lib/dpkg/info/one.postinst", "#!/bin/sh\n");
	CHECK_CONTENT(&b, "var/lib/dpkg/triggers/File", "/usr/watched one/noawait\n");
	CHECK_CONTENT(&b, "var/lib/dpkg/triggers/named", "one\n");
	CHECK_CONTENT(&b, "var/lib/dpkg/info/format", "1\n");
	CHECK(!file_exists_in(b.rootfd, "var/lib/dpkg/info/one.control"));
}

TEST(tree_join_status_of_a_layer)
{
	static const struct maker_member upper[] = { { .path = "./usr/" },
						     { .path = "./usr/watched/" },
						     { .path = "./usr/watched/new", .content = "x" },
						     { .path = "./lib/" },
						     { .path = "./lib/low", .content = "y" },
						     { 0 } };
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };

	tree_bench_open(&b);
	tree_bench_add(&b, "two", "", upper);
	CHECK(tree_bench_unpack(&b, true, 1, &err) == 0);
	/* /lib is a link in the base, so a layer brings no directory of that name. */
	CHECK(!file_exists_in(b.rootfd, "lib"));
	CHECK_CONTENT(&b, "usr/lib/low", "y");
	CHECK(!file_exists_in(b.rootfd, "var/lib/dpkg/status"));
	CHECK(!file_exists_in(b.rootfd, "var/lib/dpkg/triggers/File"));
	/* The union of both is made by hand here. */
	CHECK(file_write_in(b.rootfd, "var/lib/dpkg/status", "Package: one\n\n", 14, 0644, &err) == 0);
	CHECK(file_write_in(b.rootfd, "var/lib/dpkg/triggers/File", "/usr/watched one\n", 17, 0644, &err) == 0);
	CHECK(tree_join_status(b.root, &err) == 0);
	CLEANUP(free_p) char *status = tree_bench_content(&b, "var/lib/dpkg/status");
	CHECK(text_starts(status, "Package: one\n\nPackage: two\nStatus: install ok unpacked\n"));
	CHECK_CONTENT(&b, "var/lib/dpkg/triggers/Unincorp", "/usr/watched -\n");
	CHECK_CONTENT(&b, "var/lib/dpkg/triggers/File", "/usr/watched one\n/usr/watched two/noawait\n");
	CHECK_CONTENT(&b, "var/lib/dpkg/triggers/named", "two\n");
	CHECK(!file_exists_in(b.rootfd, "var/lib/dpkg/layer-status"));
	CHECK(!file_exists_in(b.rootfd, "var/lib/dpkg/layer-interests"));
}

TEST(tree_adopt_takes_mode_of_base)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };
	struct stat st;

	tree_bench_open(&b);
	CHECK(mkdirat(b.dir, "base", 0755) == 0 && mkdirat(b.dir, "base/x", 0755) == 0 &&
	      mkdirat(b.rootfd, "x", 0755) == 0);
	CHECK(fchmodat(b.dir, "base/x", 01711, 0) == 0);
	CLEANUP(free_p) char *base = xasprintf("%s/base", b.path);
	CHECK(tree_adopt(base, b.root, &err) == 0);
	CHECK(fstatat(b.rootfd, "x", &st, 0) == 0 && (st.st_mode & 07777) == 01711);
	CHECK(file_write_in(b.rootfd, "x/file", "", 0, 0644, &err) == 0 &&
	      file_write_in(b.dir, "base/x/file", "", 0, 0644, &err) == 0);
	CHECK(tree_adopt(base, b.root, &err) < 0);
	CHECK(strstr(err.text, "/x/file is in a package of the base"));
}

static const struct maker_member file_a[] = { { .path = "./usr/" }, { .path = "./usr/f", .content = "from a" }, { 0 } };
static const struct maker_member file_b[] = { { .path = "./usr/" }, { .path = "./usr/f", .content = "from b" }, { 0 } };
static const struct maker_member dir_f[] = { { .path = "./usr/" }, { .path = "./usr/f/" }, { 0 } };

TEST(tree_unpack_replaces_in_any_order)
{
	static const char *const padding[] = { "", "X-Padding: 1029384756abcdefghijklmnopqrstuvwxyz\n" };

	for (int i = 0; i < 2; i++) {
		CLEANUP(tree_bench_done) struct tree_bench b;
		struct error err = { 0 };
		CLEANUP(free_p) char *fields = xasprintf("Replaces: b (<< 2)\n%s", padding[i]);
		tree_bench_open(&b);
		tree_bench_add(&b, "a", fields, file_a);
		tree_bench_add(&b, "b", padding[!i], file_b);
		b.packages.at[i].size = 1 << 20;
		CHECK(tree_bench_unpack(&b, false, 1, &err) == 0);
		CHECK_CONTENT(&b, "usr/f", "from a");
		CHECK_CONTENT(&b, "var/lib/dpkg/info/a.list", "/usr\n/usr/f\n");
		CHECK_CONTENT(&b, "var/lib/dpkg/info/b.list", "/usr\n");
	}
}

TEST(tree_unpack_conflict)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };

	tree_bench_open(&b);
	tree_bench_add(&b, "a", "Replaces: b (<< 1.0)\n", file_a);
	tree_bench_add(&b, "b", "", file_b);
	CHECK(tree_bench_unpack(&b, false, 2, &err) < 0);
	CHECK(strstr(err.text, "/usr/f is in both"));
}

TEST(tree_unpack_directory_and_file)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };

	tree_bench_open(&b);
	tree_bench_add(&b, "a", "", file_a);
	tree_bench_add(&b, "b", "", dir_f);
	CHECK(tree_bench_unpack(&b, false, 1, &err) < 0);
	CHECK(strstr(err.text, "is a directory in one"));
}

TEST(tree_unpack_shared_directory)
{
	static const struct maker_member first[] = { { .path = "./d/", .mode = S_IFDIR | 0711 }, { 0 } };
	static const struct maker_member second[] = { { .path = "./d/", .mode = S_IFDIR | 0755 }, { 0 } };

	for (int i = 0; i < 2; i++) {
		CLEANUP(tree_bench_done) struct tree_bench b;
		struct error err = { 0 };
		struct stat st;
		tree_bench_open(&b);
		tree_bench_add(&b, "a", "", first);
		tree_bench_add(&b, "b", "", second);
		b.packages.at[i].size = 1 << 20;
		CHECK(tree_bench_unpack(&b, false, 1, &err) == 0);
		CHECK(fstatat(b.rootfd, "d", &st, 0) == 0 && (st.st_mode & 07777) == 0711);
	}
}

TEST(tree_unpack_names_bad_package)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	CLEANUP(text_done) struct text rubbish = { 0 };
	struct error err = { 0 };

	tree_bench_open(&b);
	text_add(&rubbish, "this is no package");
	tree_bench_put(&b, "rubbish", &rubbish);
	CHECK(tree_bench_unpack(&b, false, 1, &err) < 0);
	CHECK(strstr(err.text, "rubbish is not a valid Debian package"));
}

TEST(tree_unpack_checks_identity)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };

	tree_bench_open(&b);
	tree_bench_add(&b, "one", "", plain);
	b.packages.at[0].version = (char *)"2.0";
	CHECK(tree_bench_unpack(&b, false, 1, &err) < 0);
	CHECK(err.class == ERROR_INPUT && strstr(err.text, "nodekiln lock"));
}

TEST(tree_overlay_replaces_files)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };
	struct stat st;

	tree_bench_open(&b);
	CLEANUP(free_p) char *overlay = xasprintf("%s/overlay", b.path);
	CHECK(mkdirat(b.rootfd, "real", 0700) == 0 && symlinkat("real", b.rootfd, "lib") == 0);
	CHECK(symlinkat("nowhere", b.rootfd, "real/f") == 0);
	CHECK(file_write_in(b.dir, "overlay/lib/f", "new", 3, 0777, &err) == 0);
	CHECK(symlinkat("f", b.dir, "overlay/lib/l") == 0);
	CHECK(tree_overlay(overlay, b.root, &err) == 0);
	CHECK_CONTENT(&b, "real/f", "new");
	CHECK_CONTENT(&b, "real/l", "new");
	CHECK(fstatat(b.rootfd, "real/f", &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & 07777) == 0755);
	CHECK(fstatat(b.rootfd, "real", &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(mkdirat(b.rootfd, "real/dir", 0755) == 0);
	CHECK(file_write_in(b.dir, "overlay/lib/dir", "x", 1, 0644, &err) == 0);
	CHECK(tree_overlay(overlay, b.root, &err) < 0);
}
