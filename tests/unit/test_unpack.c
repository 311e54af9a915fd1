/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "builder/tree/tree.h"
#include "lib/hash.h"
#include "tests/unit/deb_maker.h"

/* A tree, a cache and some packages in it, all in a directory that goes at the end. */
struct bench {
	char path[32];
	int dir;
	struct cache cache;
	VEC(struct lock_package) packages;
	char *root;
	int rootfd;
};

static void bench_tree(struct bench *b, const char *name)
{
	struct error err = { 0 };

	free(b->root);
	close_p(&b->rootfd);
	b->root = xasprintf("%s/%s", b->path, name);
	if (dir_make(AT_FDCWD, b->root, 0755, &err) < 0)
		abort();
	b->rootfd = dir_open(AT_FDCWD, b->root, &err);
}

static void bench_open(struct bench *b)
{
	struct error err = { 0 };

	*b = (struct bench){ .rootfd = -1 };
	strcpy(b->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(b->path))
		abort();
	b->dir = dir_open(AT_FDCWD, b->path, &err);
	CLEANUP(free_p) char *cache = xasprintf("%s/cache", b->path);
	setenv("NODEKILN_CACHE", cache, 1);
	if (cache_open(&b->cache, &err) < 0)
		abort();
	bench_tree(b, "tree");
}

static void bench_done(struct bench *b)
{
	struct error err = { 0 };

	for (size_t i = 0; i < b->packages.n; i++) {
		free(b->packages.at[i].name);
		free(b->packages.at[i].sha256);
	}
	vec_done(&b->packages);
	cache_close(&b->cache);
	free(b->root);
	close_p(&b->rootfd);
	close_p(&b->dir);
	if (tree_remove(AT_FDCWD, b->path, &err) < 0)
		printf("# %s\n", err.text);
}

/* Any bytes as package NAME 1.0 all. */
static void bench_put(struct bench *b, const char *name, const struct text *deb)
{
	struct error err = { 0 };
	char hex[SHA256_HEX];

	sha256_hex(deb->data, deb->len, hex);
	CLEANUP(free_p) char *file = xasprintf("files/%s", hex);
	if (file_write(b->cache.fd, file, deb->data, deb->len, 0644, &err) < 0)
		abort();
	vec_push(&b->packages, (struct lock_package){ .name = xstrdup(name),
						      .version = (char *)"1.0",
						      .architecture = (char *)"all",
						      .sha256 = xstrdup(hex),
						      .size = deb->len });
}

static void bench_add(struct bench *b, const char *name, const char *fields, const struct maker_member *data)
{
	CLEANUP(text_done) struct text deb = { 0 };
	CLEANUP(free_p)
	char *control = xasprintf("Package: %s\nVersion: 1.0\nArchitecture: all\n%sDescription: d\n", name, fields);
	struct maker_member members[] = {
		{ .path = "./control", .content = control },
		{ .path = "./conffiles", .content = "/etc/conf\n" },
		{ .path = "./triggers", .content = "interest-noawait /usr/watched\ninterest named\n" },
		{ .path = "./postinst", .content = "#!/bin/sh\n", .mode = S_IFREG | 0755 },
		{ 0 },
	};

	maker_deb(members, data, &deb);
	bench_put(b, name, &deb);
}

static int bench_unpack(struct bench *b, bool layer, unsigned threads, struct error *err)
{
	return tree_unpack(b->root, (struct tree_packages){ b->packages.at, b->packages.n }, &b->cache, layer, threads,
			   err);
}

static char *content(struct bench *b, const char *path)
{
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	return file_read_in(b->rootfd, path, 1 << 20, &t, &err) < 0 ? xstrdup("(missing)") : text_take(&t);
}

#define CHECK_CONTENT(b, path, want)                                                                                   \
	do {                                                                                                           \
		CLEANUP(free_p) char *content_ = content(b, path);                                                     \
		CHECK_STR(content_, want);                                                                             \
	} while (0)

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

TEST(unpack_base)
{
	CLEANUP(bench_done) struct bench b;
	struct error err = { 0 };
	struct stat tool, same, dir;

	bench_open(&b);
	bench_add(&b, "one", "", plain);
	CHECK(bench_unpack(&b, false, 2, &err) == 0);
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

TEST(unpack_layer_then_join)
{
	static const struct maker_member upper[] = { { .path = "./usr/" },
						     { .path = "./usr/watched/" },
						     { .path = "./usr/watched/new", .content = "x" },
						     { .path = "./lib/" },
						     { .path = "./lib/low", .content = "y" },
						     { 0 } };
	CLEANUP(bench_done) struct bench b;
	struct error err = { 0 };

	bench_open(&b);
	bench_add(&b, "two", "", upper);
	CHECK(bench_unpack(&b, true, 1, &err) == 0);
	/* /lib is a link in the base, so a layer brings no directory of that name. */
	CHECK(!file_exists_in(b.rootfd, "lib"));
	CHECK_CONTENT(&b, "usr/lib/low", "y");
	CHECK(!file_exists_in(b.rootfd, "var/lib/dpkg/status"));
	CHECK(!file_exists_in(b.rootfd, "var/lib/dpkg/triggers/File"));
	/* The union of both is made by hand here. */
	CHECK(file_write_in(b.rootfd, "var/lib/dpkg/status", "Package: one\n\n", 14, 0644, &err) == 0);
	CHECK(file_write_in(b.rootfd, "var/lib/dpkg/triggers/File", "/usr/watched one\n", 17, 0644, &err) == 0);
	CHECK(tree_join_status(b.root, &err) == 0);
	CLEANUP(free_p) char *status = content(&b, "var/lib/dpkg/status");
	CHECK(text_starts(status, "Package: one\n\nPackage: two\nStatus: install ok unpacked\n"));
	CHECK_CONTENT(&b, "var/lib/dpkg/triggers/Unincorp", "/usr/watched -\n");
	CHECK_CONTENT(&b, "var/lib/dpkg/triggers/File", "/usr/watched one\n/usr/watched two/noawait\n");
	CHECK_CONTENT(&b, "var/lib/dpkg/triggers/named", "two\n");
	CHECK(!file_exists_in(b.rootfd, "var/lib/dpkg/layer-status"));
	CHECK(!file_exists_in(b.rootfd, "var/lib/dpkg/layer-interests"));
}

TEST(adopt_takes_the_base_looks)
{
	CLEANUP(bench_done) struct bench b;
	struct error err = { 0 };
	struct stat st;

	bench_open(&b);
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

/* What a package must not bring; nothing of it may stand outside the tree afterwards. */
static const struct {
	struct maker_member member[3];
	const char *says;
} hostile[] = {
	{ { { .path = "../outside", .content = "x" } }, "leads upwards" },
	{ { { .path = "./a/../../outside", .content = "x" } }, "leads upwards" },
	{ { { .path = "/outside", .content = "x" } }, "absolute" },
	{ { { .path = "./hard", .original = "../cache/files" } }, "leads upwards" },
	{ { { .path = "./null", .mode = S_IFCHR | 0666 } }, "device node" },
	{ { { .path = "./line\nbreak", .content = "x" } }, "line break" },
	{ { { .path = "./dir/" }, { .path = "./dir", .content = "x" } }, "is a directory in one" },
	{ { { .path = "./hard", .original = "./missing" } }, "link hard to missing" },
};

TEST(unpack_hostile)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		CLEANUP(bench_done) struct bench b;
		struct error err = { 0 };
		bench_open(&b);
		bench_add(&b, "bad", "", hostile[i].member);
		CHECK(bench_unpack(&b, false, 1, &err) < 0);
		CHECK(strstr(err.text, hostile[i].says));
		CHECK(faccessat(b.dir, "outside", F_OK, AT_SYMLINK_NOFOLLOW) < 0);
		CHECK(access("/outside", F_OK) < 0);
	}
}

/* Links to /, to parents and to each other lead nowhere but into the tree. */
TEST(unpack_links_stay_inside)
{
	static const struct maker_member members[] = { { .path = "./up", .target = "../../../.." },
						       { .path = "./up/outside", .content = "1" },
						       { .path = "./abs", .target = "/" },
						       { .path = "./abs/inside", .content = "2" },
						       { 0 } };
	CLEANUP(bench_done) struct bench b;
	struct error err = { 0 };

	bench_open(&b);
	bench_add(&b, "links", "", members);
	CHECK(bench_unpack(&b, false, 1, &err) == 0);
	CHECK_CONTENT(&b, "outside", "1");
	CHECK_CONTENT(&b, "inside", "2");
	CHECK(faccessat(b.dir, "outside", F_OK, AT_SYMLINK_NOFOLLOW) < 0);
}

static const struct maker_member file_a[] = { { .path = "./usr/" }, { .path = "./usr/f", .content = "from a" }, { 0 } };
static const struct maker_member file_b[] = { { .path = "./usr/" }, { .path = "./usr/f", .content = "from b" }, { 0 } };
static const struct maker_member dir_f[] = { { .path = "./usr/" }, { .path = "./usr/f/" }, { 0 } };

/* Whoever comes first: biggest first makes the order, so each side gets to be the bigger one. */
TEST(unpack_replaces_whatever_the_order)
{
	static const char *const padding[] = { "", "X-Padding: 1029384756abcdefghijklmnopqrstuvwxyz\n" };

	for (int i = 0; i < 2; i++) {
		CLEANUP(bench_done) struct bench b;
		struct error err = { 0 };
		CLEANUP(free_p) char *fields = xasprintf("Replaces: b (<< 2)\n%s", padding[i]);
		bench_open(&b);
		bench_add(&b, "a", fields, file_a);
		bench_add(&b, "b", padding[!i], file_b);
		b.packages.at[i].size = 1 << 20;
		CHECK(bench_unpack(&b, false, 1, &err) == 0);
		CHECK_CONTENT(&b, "usr/f", "from a");
		CHECK_CONTENT(&b, "var/lib/dpkg/info/a.list", "/usr\n/usr/f\n");
		CHECK_CONTENT(&b, "var/lib/dpkg/info/b.list", "/usr\n");
	}
}

TEST(unpack_conflict)
{
	CLEANUP(bench_done) struct bench b;
	struct error err = { 0 };

	bench_open(&b);
	bench_add(&b, "a", "Replaces: b (<< 1.0)\n", file_a);
	bench_add(&b, "b", "", file_b);
	CHECK(bench_unpack(&b, false, 2, &err) < 0);
	CHECK(strstr(err.text, "/usr/f is in both"));
}

TEST(unpack_directory_against_file)
{
	CLEANUP(bench_done) struct bench b;
	struct error err = { 0 };

	bench_open(&b);
	bench_add(&b, "a", "", file_a);
	bench_add(&b, "b", "", dir_f);
	CHECK(bench_unpack(&b, false, 1, &err) < 0);
	CHECK(strstr(err.text, "is a directory in one"));
}

/* The package with the lower number says what a shared directory looks like. */
TEST(unpack_shared_directory)
{
	static const struct maker_member first[] = { { .path = "./d/", .mode = S_IFDIR | 0711 }, { 0 } };
	static const struct maker_member second[] = { { .path = "./d/", .mode = S_IFDIR | 0755 }, { 0 } };

	for (int i = 0; i < 2; i++) {
		CLEANUP(bench_done) struct bench b;
		struct error err = { 0 };
		struct stat st;
		bench_open(&b);
		bench_add(&b, "a", "", first);
		bench_add(&b, "b", "", second);
		b.packages.at[i].size = 1 << 20;
		CHECK(bench_unpack(&b, false, 1, &err) == 0);
		CHECK(fstatat(b.rootfd, "d", &st, 0) == 0 && (st.st_mode & 07777) == 0711);
	}
}

TEST(unpack_says_which_package)
{
	CLEANUP(bench_done) struct bench b;
	CLEANUP(text_done) struct text rubbish = { 0 };
	struct error err = { 0 };

	bench_open(&b);
	text_add(&rubbish, "this is no package");
	bench_put(&b, "rubbish", &rubbish);
	CHECK(bench_unpack(&b, false, 1, &err) < 0);
	CHECK(strstr(err.text, "rubbish is no sound Debian package"));
}

TEST(unpack_checks_the_lock)
{
	CLEANUP(bench_done) struct bench b;
	struct error err = { 0 };

	bench_open(&b);
	bench_add(&b, "one", "", plain);
	b.packages.at[0].version = (char *)"2.0";
	CHECK(bench_unpack(&b, false, 1, &err) < 0);
	CHECK(err.class == ERROR_INPUT && strstr(err.text, "nodekiln lock"));
}

TEST(overlay_over_a_tree)
{
	CLEANUP(bench_done) struct bench b;
	struct error err = { 0 };
	struct stat st;

	bench_open(&b);
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
