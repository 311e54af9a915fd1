/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "builder/tree/tree_database.h"
#include "builder/tree/tree_date.h"
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

/* The largest package is unpacked first, so each of the two is the larger one once. */
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

/* The package with the lower number defines the mode of a shared directory. */
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

/* Both files of the database exist, and are empty. */
TEST(tree_unpack_without_packages)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };

	tree_bench_open(&b);
	CHECK(tree_bench_unpack(&b, true, 1, &err) == 0);
	CHECK_CONTENT(&b, LAYER_STATUS, "");
	CHECK_CONTENT(&b, LAYER_INTERESTS, "");
	tree_bench_tree(&b, "base");
	CHECK(tree_bench_unpack(&b, false, 1, &err) == 0);
	CHECK_CONTENT(&b, DPKG_STATUS, "");
	CHECK_CONTENT(&b, DPKG "/arch", "all\n");
}

/* Joining a layer without packages changes nothing. */
TEST(tree_join_status_without_packages)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };

	tree_bench_open(&b);
	CHECK(tree_bench_unpack(&b, true, 1, &err) == 0);
	CHECK(file_write_in(b.rootfd, DPKG_STATUS, "Package: one\n\n", 14, 0644, &err) == 0);
	CHECK(tree_join_status(b.root, &err) == 0);
	CHECK_CONTENT(&b, DPKG_STATUS, "Package: one\n\n");
	CHECK(!file_exists_in(b.rootfd, LAYER_STATUS) && !file_exists_in(b.rootfd, DPKG_TRIGGERS));
	/* Once only. */
	CHECK(tree_join_status(b.root, &err) < 0 && strstr(err.text, LAYER_STATUS));
}

TEST(tree_join_status_needs_both_files)
{
	static const char *const files[] = { LAYER_STATUS, LAYER_INTERESTS };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP(tree_bench_done) struct tree_bench b;
		struct error err = { 0 };
		tree_bench_open(&b);
		CHECK(tree_bench_unpack(&b, true, 1, &err) == 0);
		CHECK(file_write_in(b.rootfd, DPKG_STATUS, "Package: one\n\n", 14, 0644, &err) == 0);
		CHECK(tree_remove(b.rootfd, files[i], &err) == 0);
		CHECK(tree_join_status(b.root, &err) < 0 && strstr(err.text, strrchr(files[i], '/') + 1));
		CHECK_CONTENT(&b, DPKG_STATUS, "Package: one\n\n");
	}
}

/* The loader's directory of amd64 is a link, too, and dash's package needs a /bin/sh before it is configured. */
TEST(tree_unpack_prepares_a_base)
{
	static const struct maker_member dash[] = { { .path = "./bin/dash", .content = "dash", .mode = S_IFREG | 0755 },
						    { 0 } };
	CLEANUP(tree_bench_done) struct tree_bench b;
	CLEANUP(text_done) struct text deb = { 0 };
	struct error err = { 0 };

	tree_bench_open(&b);
	maker_deb((const struct maker_member[]){ { .path = "./control",
						   .content = "Package: dash\nVersion: 1.0\nArchitecture: amd64\n" },
						 { 0 } },
		  dash, &deb);
	tree_bench_put(&b, "dash", &deb);
	b.packages.at[0].architecture = (char *)"amd64";
	CHECK_STR(tree_bench_unpack(&b, false, 1, &err) < 0 ? err.text : "", "");
	CHECK_CONTENT(&b, "bin/sh", "dash");
	CHECK_CONTENT(&b, DPKG "/arch", "amd64\n");
	CHECK(readlinkat(b.rootfd, "lib64", (char[16]){ 0 }, 16) == strlen("usr/lib64"));
}

/* A package with a directory in the place of a file of the database: each of these files has to be written. */
TEST(tree_unpack_needs_its_database)
{
	static const struct {
		struct maker_member member[2];
		bool layer;
		const char *says;
	} bad[] = {
		{ { { .path = "./var/lib/dpkg/status/" } }, false, "write status" },
		{ { { .path = "./var/lib/dpkg/layer-status/" } }, true, "layer-status" },
		{ { { .path = "./var/lib/dpkg/layer-interests/" } }, true, "layer-interests" },
		{ { { .path = "./var/lib/dpkg/triggers/File/" } }, false, "File" },
		{ { { .path = "./var/lib/dpkg/triggers/named/" } }, false, "named" },
		{ { { .path = "./var/lib/dpkg/info/bad.list/" } }, false, "bad.list" },
		{ { { .path = "./var/lib/dpkg/info/format/" } }, false, "format" },
		{ { { .path = "./var/lib/dpkg/arch/" } }, false, "arch" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(tree_bench_done) struct tree_bench b;
		struct error err = { 0 };
		tree_bench_open(&b);
		tree_bench_add(&b, "bad", "", bad[i].member);
		CHECK(tree_bench_unpack(&b, bad[i].layer, 1, &err) < 0);
		CHECK_STR(strstr(err.text, bad[i].says) ? bad[i].says : err.text, bad[i].says);
	}
}

TEST(tree_unpack_needs_its_merged_directories)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };

	tree_bench_open(&b);
	CHECK(mkdirat(b.rootfd, "bin", 0755) == 0);
	CHECK(tree_bench_unpack(&b, false, 1, &err) < 0 && strstr(err.text, "create the link bin"));
}

TEST(tree_functions_need_their_directories)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };

	tree_bench_open(&b);
	CHECK(tree_adopt("/nonexistent", b.root, &err) < 0 && tree_adopt(b.root, "/nonexistent", &err) < 0);
	CHECK(tree_join_status("/nonexistent", &err) < 0);
	CHECK(tree_unpack("/nonexistent", (struct tree_packages){ 0 }, &b.cache, true, 1, &err) < 0);
	CHECK(strstr(err.text, "/nonexistent"));
}

TEST(tree_overlay_refuses_what_it_cannot_copy)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };

	tree_bench_open(&b);
	CLEANUP(free_p) char *overlay = xasprintf("%s/overlay", b.path);
	CHECK(tree_overlay(overlay, b.root, &err) < 0);
	CHECK(mkdirat(b.dir, "overlay", 0755) == 0 && mkfifoat(b.dir, "overlay/fifo", 0644) == 0);
	CHECK(tree_overlay(overlay, b.root, &err) < 0 && err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "fifo of the overlay is neither file, directory nor link"));
	CHECK(unlinkat(b.dir, "overlay/fifo", 0) == 0);
	/* A file in the place of a directory. */
	CHECK(file_write_in(b.dir, "overlay/x/y", "", 0, 0644, &err) == 0);
	CHECK(file_write_in(b.rootfd, "x", "", 0, 0644, &err) == 0);
	CHECK(tree_overlay(overlay, b.root, &err) < 0 && strstr(err.text, "create directory /x"));
}

TEST(tree_date_of_newest_changelog)
{
	CLEANUP(tree_bench_done) struct tree_bench b;
	struct error err = { 0 };
	time_t date;

	tree_bench_open(&b);
	CHECK(tree_date(b.rootfd, &date, &err) == 0 && date == TREE_DATE_OLDEST);
	static const struct {
		const char *file;
		time_t mtime, date;
	} docs[] = {
		{ "a/copyright", 1700000000, TREE_DATE_OLDEST },
		{ "a/changelog.Debian.gz", 1600000000, 1600000000 },
		{ "b/changelog.gz", 1600000001, 1600000001 },
		{ "c/changelog.Debian.amd64.gz", 1500000000, 1600000001 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(docs); i++) {
		CLEANUP(free_p) char *file = xasprintf("usr/share/doc/%s", docs[i].file);
		const struct timespec times[2] = { { 0 }, { .tv_sec = docs[i].mtime } };
		CHECK(file_write_in(b.rootfd, file, "", 0, 0644, &err) == 0 &&
		      utimensat(b.rootfd, file, times, 0) == 0);
		CHECK(tree_date(b.rootfd, &date, &err) == 0 && date == docs[i].date);
	}
	/* A link is no changelog. */
	CHECK(symlinkat("/etc/passwd", b.rootfd, "usr/share/doc/a/changelog.gz") == 0);
	CHECK(tree_date(b.rootfd, &date, &err) == 0 && date == 1600000001);
	CHECK(tree_remove(b.rootfd, "usr/share/doc", &err) == 0);
	CHECK(file_write_in(b.rootfd, "usr/share/doc", "", 0, 0644, &err) == 0);
	CHECK(tree_date(b.rootfd, &date, &err) < 0);
}
