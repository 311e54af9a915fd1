/* SPDX-License-Identifier: Apache-2.0 */
/* The difference of two trees. First both are compared, then the tree is changed, so that the comparison sees the
 * original number of hard links. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "builder/tree/overlayfs.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"
#include "lib/vec.h"

#define XATTR_MAX 65536 /* of a value, and of all names: the kernel's own limit */

/* A directory that stays, with its times, which change when entries in it are removed. */
struct kept_directory {
	char *path; /* owned */
	struct timespec times[2];
};

struct overlayfs_diff {
	int treefd, basefd;           /* owned */
	struct strings same, removed; /* equal in both trees, a directory after its entries; in base only */
	VEC(struct kept_directory) kept;
};

static void diff_done(struct overlayfs_diff *s)
{
	for (size_t i = 0; i < s->kept.n; i++)
		free(s->kept.at[i].path);
	vec_done(&s->kept);
	strings_done(&s->same);
	strings_done(&s->removed);
	close_p(&s->treefd);
	close_p(&s->basefd);
}

static bool same_looks(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec;
}

/* Attributes in another order count as different, which does no harm (see same_entry). */
static bool same_attributes(int a, int b)
{
	static char names[XATTR_MAX], in_a[XATTR_MAX], in_b[XATTR_MAX];
	ssize_t all = flistxattr(a, names, sizeof names);

	if (all != flistxattr(b, in_b, sizeof in_b) || (all > 0 && memcmp(names, in_b, (size_t)all)))
		return false;
	for (const char *name = names; name < names + all; name += strlen(name) + 1) {
		ssize_t n = fgetxattr(a, name, in_a, sizeof in_a);
		if (n < 0 || n != fgetxattr(b, name, in_b, sizeof in_b) || memcmp(in_a, in_b, (size_t)n))
			return false;
	}
	return true;
}

static bool same_bytes(int a, int b, size_t n)
{
	if (!n)
		return true;
	void *in_a = mmap(NULL, n, PROT_READ, MAP_PRIVATE, a, 0), *in_b = mmap(NULL, n, PROT_READ, MAP_PRIVATE, b, 0);
	bool same = in_a != MAP_FAILED && in_b != MAP_FAILED && memcmp(in_a, in_b, n) == 0;
	if (in_a != MAP_FAILED)
		munmap(in_a, n);
	if (in_b != MAP_FAILED)
		munmap(in_b, n);
	return same;
}

static bool same_target(int treefd, int basefd, const char *name)
{
	char tree[PATH_MAX], base[PATH_MAX];
	ssize_t n = readlinkat(treefd, name, tree, sizeof tree);

	return n >= 0 && n == readlinkat(basefd, name, base, sizeof base) && memcmp(tree, base, (size_t)n) == 0;
}

/* Two entries that are not both directories. In doubt they count as different: the layer is then larger than
 * necessary. */
static bool same_entry(int treefd, int basefd, const char *name, const struct stat *tree, const struct stat *base)
{
	if (!same_looks(tree, base) || tree->st_nlink != base->st_nlink || tree->st_size != base->st_size)
		return false;
	if (S_ISLNK(tree->st_mode))
		return same_target(treefd, basefd, name);
	if (!S_ISREG(tree->st_mode))
		return tree->st_rdev == base->st_rdev;
	CLEANUP(close_p) int a = openat(treefd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(close_p) int b = openat(basefd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return a >= 0 && b >= 0 && same_attributes(a, b) && same_bytes(a, b, (size_t)tree->st_size);
}

typedef int entry_fn(struct overlayfs_diff *s, int treefd, int basefd, const char *name, const char *path, bool *same,
		     struct error *err);

/* Calls fn for each entry of the directory listed, which is treefd or basefd. */
static int each_entry(struct overlayfs_diff *s, int listed, int treefd, int basefd, const char *path, entry_fn *fn,
		      bool *same, struct error *err)
{
	int copy = openat(listed, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir)
		return error_errno(err, errno, "read directory /%s", path);
	while ((errno = 0, entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		CLEANUP(free_p) char *child = xasprintf("%s%s%s", path, *path ? "/" : "", entry->d_name);
		if (fn(s, treefd, basefd, entry->d_name, child, same, err) < 0)
			return -1;
	}
	return errno ? error_errno(err, errno, "read directory /%s", path) : 0;
}

static int compare_directories(struct overlayfs_diff *s, int treefd, int basefd, const char *path, bool *ret_same,
			       struct error *err);

static int compare_entry(struct overlayfs_diff *s, int treefd, int basefd, const char *name, const char *path,
			 bool *same, struct error *err)
{
	struct stat tree, base;
	bool equal = false;

	if (fstatat(treefd, name, &tree, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at /%s", path);
	if (fstatat(basefd, name, &base, AT_SYMLINK_NOFOLLOW) < 0) {
		*same = false;
		return errno == ENOENT ? 0 : error_errno(err, errno, "look at /%s", path);
	}
	if (S_ISDIR(tree.st_mode) && S_ISDIR(base.st_mode)) {
		CLEANUP(close_p) int a = dir_open_in(treefd, name, err);
		CLEANUP(close_p) int b = a < 0 ? -1 : dir_open_in(basefd, name, err);
		if (b < 0 || compare_directories(s, a, b, path, &equal, err) < 0)
			return -1;
	} else {
		equal = same_entry(treefd, basefd, name, &tree, &base);
	}
	if (equal)
		strings_add(&s->same, path);
	*same &= equal;
	return 0;
}

static int find_removed(struct overlayfs_diff *s, int treefd, int basefd UNUSED, const char *name, const char *path,
			bool *same, struct error *err)
{
	if (faccessat(treefd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return error_errno(err, errno, "look at /%s", path);
	strings_add(&s->removed, path);
	*same = false;
	return 0;
}

static int compare_directories(struct overlayfs_diff *s, int treefd, int basefd, const char *path, bool *ret_same,
			       struct error *err)
{
	struct stat tree, base;

	if (fstat(treefd, &tree) < 0 || fstat(basefd, &base) < 0)
		return error_errno(err, errno, "look at /%s", path);
	*ret_same = same_looks(&tree, &base) && same_attributes(treefd, basefd);
	if (each_entry(s, treefd, treefd, basefd, path, compare_entry, ret_same, err) < 0 ||
	    each_entry(s, basefd, treefd, basefd, path, find_removed, ret_same, err) < 0)
		return -1;
	if (!*ret_same || !*path)
		vec_push(&s->kept, (struct kept_directory){ xstrdup(path), { tree.st_atim, tree.st_mtim } });
	return 0;
}

static int remove_same(const struct overlayfs_diff *s, struct error *err)
{
	for (size_t i = 0; i < s->same.n; i++)
		if (tree_remove(s->treefd, s->same.at[i], err) < 0)
			return -1;
	return 0;
}

static int make_whiteouts(const struct overlayfs_diff *s, struct error *err)
{
	for (size_t i = 0; i < s->removed.n; i++)
		if (mknodat(s->treefd, s->removed.at[i], S_IFCHR, OVERLAYFS_WHITEOUT) < 0)
			return error_errno(err, errno, "create a whiteout for /%s", s->removed.at[i]);
	return 0;
}

static int restore_times(const struct overlayfs_diff *s, struct error *err)
{
	for (size_t i = 0; i < s->kept.n; i++) {
		const struct kept_directory *k = &s->kept.at[i];
		if (utimensat(s->treefd, *k->path ? k->path : ".", k->times, AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, errno, "set the time of /%s", k->path);
	}
	return 0;
}

int overlayfs_copy_subtract(const char *tree, const char *base, struct error *err)
{
	CLEANUP(diff_done) struct overlayfs_diff s = { .treefd = -1, .basefd = -1 };
	bool same;

	s.treefd = dir_open(AT_FDCWD, tree, err);
	s.basefd = s.treefd < 0 ? -1 : dir_open(AT_FDCWD, base, err);
	if (s.basefd < 0 || compare_directories(&s, s.treefd, s.basefd, "", &same, err) < 0 ||
	    remove_same(&s, err) < 0 || make_whiteouts(&s, err) < 0)
		return -1;
	return restore_times(&s, err);
}
