/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "builder/sandbox/sandbox.h"
#include "builder/tree/overlayfs.h"
#include "lib/file.h"
#include "lib/job.h"
#include "tests/unit/check.h"
#include "tests/unit/restricted.h"

/* Two trees with the same content. */
struct trees {
	char path[32], tree[64], base[64];
	int at[2]; /* of both; tree first */
};

static void put(int fd, const char *name, const char *text)
{
	struct error err = { 0 };

	if (file_write_in(fd, name, text, strlen(text), 0644, &err) < 0)
		abort();
}

/* The same mtime everywhere, so that only later changes differ. */
static void date(int fd, const char *name)
{
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	if (utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		abort();
}

static void fill(int fd)
{
	static const char *const files[] = { "etc/same",   "etc/changed",  "etc/removed",
					     "etc/linked", "usr/lib/deep", "old/a" };
	static const char *const directories[] = { "etc", "usr/lib", "usr", "old", "." };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		put(fd, files[i], "before");
		date(fd, files[i]);
	}
	if (symlinkat("same", fd, "etc/link") < 0)
		abort();
	date(fd, "etc/link");
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		date(fd, directories[i]);
}

static void trees_open(struct trees *t)
{
	struct error err = { 0 };

	strcpy(t->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(t->path))
		abort();
	snprintf(t->tree, sizeof t->tree, "%s/tree", t->path);
	snprintf(t->base, sizeof t->base, "%s/base", t->path);
	for (int i = 0; i < 2; i++) {
		const char *path = i ? t->base : t->tree;
		if (mkdir(path, 0755) < 0 || (t->at[i] = dir_open(AT_FDCWD, path, &err)) < 0)
			abort();
		fill(t->at[i]);
	}
}

static void trees_done(struct trees *t)
{
	struct error err = { 0 };

	close_p(&t->at[0]);
	close_p(&t->at[1]);
	if (tree_remove(AT_FDCWD, t->path, &err) < 0)
		printf("# %s\n", err.text);
}

static struct stat look(int fd, const char *name)
{
	struct stat st = { 0 };

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		st.st_mode = 0;
	return st;
}

#define CHECK_MISSING(fd, name) CHECK(look(fd, name).st_mode == 0)
#define CHECK_THERE(fd, name) CHECK(look(fd, name).st_mode != 0)

TEST(overlayfs_copy_subtract_equal_trees)
{
	CLEANUP(trees_done) struct trees t;
	struct error err = { 0 };

	trees_open(&t);
	CHECK(overlayfs_copy_subtract(t.tree, t.base, &err) == 0);
	CHECK_MISSING(t.at[0], "etc");
	CHECK_MISSING(t.at[0], "usr");
	CHECK(look(t.at[0], ".").st_mtime == 1000);
	CHECK_THERE(t.at[1], "etc/same");
}

TEST(overlayfs_copy_subtract_keeps_changes)
{
	CLEANUP(trees_done) struct trees t;
	struct error err = { 0 };

	trees_open(&t);
	put(t.at[0], "etc/changed", "after.");
	date(t.at[0], "etc/changed"); /* same size and mtime */
	CHECK(fchmodat(t.at[0], "usr/lib/deep", 0600, 0) == 0);
	CLEANUP(free_p) char *noted = xasprintf("%s/old/a", t.tree);
	bool notes = setxattr(noted, "user.note", "x", 1, 0) == 0; /* a tmpfs may not support it */
	put(t.at[0], "new/file", "");
	date(t.at[0], "etc");
	CHECK(overlayfs_copy_subtract(t.tree, t.base, &err) == 0);
	CHECK_THERE(t.at[0], "etc/changed");
	CHECK_THERE(t.at[0], "usr/lib/deep");
	CHECK_THERE(t.at[0], "new/file");
	CHECK_MISSING(t.at[0], "etc/same");
	CHECK_MISSING(t.at[0], "etc/link");
	CHECK((look(t.at[0], "old/a").st_mode != 0) == notes);
	CHECK(look(t.at[0], "etc").st_mtime == 1000);
	CHECK(look(t.at[0], "usr").st_mtime == 1000);
}

TEST(overlayfs_copy_subtract_makes_whiteouts)
{
	CLEANUP(trees_done) struct trees t;
	struct error err = { 0 };

	trees_open(&t);
	CHECK(tree_remove(t.at[0], "etc/removed", &err) == 0);
	CHECK(tree_remove(t.at[0], "old", &err) == 0);
	CHECK(overlayfs_copy_subtract(t.tree, t.base, &err) == 0);
	CHECK(S_ISCHR(look(t.at[0], "etc/removed").st_mode) &&
	      look(t.at[0], "etc/removed").st_rdev == OVERLAYFS_WHITEOUT);
	CHECK(S_ISCHR(look(t.at[0], "old").st_mode));
}

/* Two trees in an overlay, on a tmpfs; only the second has an entry. */
static int subtract_on_overlay(void *path, struct error *err)
{
	static const char *const names[] = { "lower", "upper", "work", "merged", "merged/tree", "merged/base/removed" };
	char *at[ARRAY_SIZE(names)];

	if (sandbox_private_mounts(err) < 0 || sandbox_mount_tmpfs(path, 1 << 20, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		at[i] = xasprintf("%s/%s", (const char *)path, names[i]);
		if ((i == 4 && sandbox_mount_overlay(at[0], at[1], at[2], at[3], err) < 0) ||
		    dir_make(AT_FDCWD, at[i], 0755, err) < 0)
			return -1;
	}
	CLEANUP(free_p) char *base = xasprintf("%s/base", at[3]);
	return overlayfs_copy_subtract(at[4], base, err);
}

TEST(overlayfs_copy_subtract_on_an_overlay)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX";
	struct job job = { 0 };
	struct error err = { 0 };

	if (geteuid() != 0)
		SKIP("needs root");
	if (!mkdtemp(path))
		abort();
	CHECK(job_start(&job, subtract_on_overlay, path, &err) == 0);
	CHECK_STR(job_wait(&job, &err) < 0 ? err.text : "", "");
	CHECK(rmdir(path) == 0);
}

/* In an overlay both names become one file of the upper directory. */
TEST(overlayfs_copy_subtract_keeps_hard_links)
{
	CLEANUP(trees_done) struct trees t;
	struct error err = { 0 };

	trees_open(&t);
	CHECK(linkat(t.at[0], "etc/linked", t.at[0], "etc/again", 0) == 0);
	CHECK(overlayfs_copy_subtract(t.tree, t.base, &err) == 0);
	CHECK(look(t.at[0], "etc/linked").st_nlink == 2);
	CHECK_THERE(t.at[0], "etc/again");
}

/* A stack of two lower trees and an upper one, below path. */
struct stack {
	char path[32];
	bool restricted;
};

static void make_stack(int fd)
{
	static const char *const directories[] = { "bottom", "middle", "upper", "work", "target" };

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		if (mkdirat(fd, directories[i], 0755) < 0)
			abort();
	put(fd, "bottom/etc/one", "bottom");
	put(fd, "bottom/etc/two", "bottom");
	put(fd, "bottom/deep/a/b", "bottom");
	put(fd, "bottom/kind", "a file");
	put(fd, "middle/etc/two", "middle");
	put(fd, "middle/kind/now", "a directory");
	put(fd, "upper/etc/three", "upper");
}

static int change_target(int fd, struct error *err)
{
	struct stat st;

	/* The topmost tree wins, whatever is below. */
	CLEANUP(text_done) struct text text = { 0 };
	if (file_read_in(fd, "target/etc/two", 100, &text, err) < 0 || strcmp(text.data, "middle") != 0 ||
	    fstatat(fd, "target/kind/now", &st, 0) < 0 || fstatat(fd, "target/etc/three", &st, 0) < 0 ||
	    fstatat(fd, "target/deep/a/b", &st, 0) < 0)
		return error_set(err, ERROR_FAILED, "the stack is not as it should be: %s", text.data);
	put(fd, "target/etc/one", "changed");
	put(fd, "target/new", "new");
	if (unlinkat(fd, "target/etc/two", 0) < 0 || tree_remove(fd, "target/deep", err) < 0)
		return error_set(err, ERROR_FAILED, "cannot remove");
	return 0;
}

static int check_upper(int fd, struct error *err)
{
	static const char *const missing[] = { "upper/kind", "upper/deep/a", "upper/bottom" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++)
		if (fstatat(fd, missing[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			return error_set(err, ERROR_FAILED, "%s is there", missing[i]);
	if (!S_ISCHR(look(fd, "upper/etc/two").st_mode) || !S_ISCHR(look(fd, "upper/deep").st_mode))
		return error_set(err, ERROR_FAILED, "whiteouts are missing");
	if (!S_ISREG(look(fd, "upper/etc/one").st_mode) || !S_ISREG(look(fd, "upper/etc/three").st_mode) ||
	    !S_ISREG(look(fd, "upper/new").st_mode))
		return error_set(err, ERROR_FAILED, "changes are missing");
	return 0;
}

static int use_stack(void *context, struct error *err)
{
	const struct stack *k = context;

	if ((k->restricted ? restricted_enter(err) : sandbox_private_mounts(err)) < 0 ||
	    (!k->restricted && sandbox_mount_tmpfs(k->path, 1 << 20, err) < 0))
		return -1;
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, k->path, err);
	make_stack(fd);
	CLEANUP(free_p) char *bottom = xasprintf("%s/bottom", k->path), *middle = xasprintf("%s/middle", k->path);
	CLEANUP(free_p) char *upper = xasprintf("%s/upper", k->path), *work = xasprintf("%s/work", k->path);
	CLEANUP(free_p) char *target = xasprintf("%s/target", k->path);
	struct overlayfs stack = { .lower = { middle, bottom }, .upper = upper, .work = work, .target = target };
	if (overlayfs_open(&stack, err) < 0 || change_target(fd, err) < 0 || overlayfs_close(&stack, err) < 0)
		return -1;
	if (strcmp(overlayfs_suffix(), k->restricted ? ".copied" : "") != 0)
		return error_set(err, ERROR_FAILED, "the suffix is %s", overlayfs_suffix());
	return check_upper(fd, err);
}

static int run_stack(bool restricted, struct error *err)
{
	struct stack k = { "/tmp/nodekiln-test.XXXXXX", restricted };
	CLEANUP(job_stop) struct job job = { 0 };

	if (!mkdtemp(k.path))
		abort();
	int rc = job_start(&job, use_stack, &k, err);
	if (rc == 0)
		rc = job_wait(&job, err);
	struct error ignored = { 0 };
	if (tree_remove(AT_FDCWD, k.path, &ignored) < 0)
		printf("# %s\n", ignored.text);
	return rc;
}

TEST(overlayfs_mounted)
{
	struct error err = { 0 };

	if (geteuid() != 0)
		SKIP("needs root");
	CHECK_STR(run_stack(false, &err) < 0 ? err.text : "", "");
}

/* Copied trees end as the mounted ones do. */
TEST(overlayfs_copied)
{
	struct error err = { 0 };

	if (geteuid() != 0)
		SKIP("needs root");
	CHECK_STR(run_stack(true, &err) < 0 ? err.text : "", "");
}
