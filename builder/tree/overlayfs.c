/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/overlayfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/archive/tarball.h"
#include "builder/sandbox/rootless.h"
#include "builder/sandbox/sandbox.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/job.h"
#include "lib/macro.h"

/* Before a tree is copied into the target: removes the entries that it replaces or deletes there, and collects its
 * whiteouts, which are not copied. */
struct clearing {
	int targetfd; /* borrowed */
	struct strings whiteouts;
};

static int clear_directory(struct clearing *c, int fd, const char *path, struct error *err);

static int clear_place(struct clearing *c, int dirfd, const char *name, const char *path, struct error *err)
{
	struct stat st, there;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at %s", path);
	bool whiteout = S_ISCHR(st.st_mode) && st.st_rdev == OVERLAYFS_WHITEOUT;
	if (whiteout)
		strings_add(&c->whiteouts, path);
	bool is_there = fstatat(c->targetfd, path, &there, AT_SYMLINK_NOFOLLOW) == 0;
	if (is_there && (whiteout || S_ISDIR(st.st_mode) != S_ISDIR(there.st_mode)) &&
	    tree_remove(c->targetfd, path, err) < 0)
		return -1;
	if (!S_ISDIR(st.st_mode))
		return 0;
	CLEANUP(close_p) int fd = dir_open_in(dirfd, name, err);
	if (fd < 0)
		return -1;
	return clear_directory(c, fd, path, err);
}

static int clear_directory(struct clearing *c, int fd, const char *path, struct error *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir)
		return error_errno(err, errno, "read directory %s", path);
	while ((errno = 0, entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		CLEANUP(free_p) char *child = xasprintf("%s%s%s", path, *path ? "/" : "", entry->d_name);
		if (clear_place(c, fd, entry->d_name, child, err) < 0)
			return -1;
	}
	return errno ? error_errno(err, errno, "read directory %s", path) : 0;
}

static void clearing_done(struct clearing *c)
{
	strings_done(&c->whiteouts);
}

/* One tree while it is copied into the target, as a tar stream through a pipe. */
struct tree_copy {
	struct tarball tarball;
	int from, to; /* owned; a pipe */
};

static void tree_copy_done(struct tree_copy *c)
{
	close_p(&c->from);
	close_p(&c->to);
}

static int write_tree(void *context, struct error *err)
{
	struct tree_copy *c = context;

	close_p(&c->from);
	return tarball_write(&c->tarball, c->to, NULL, err);
}

/* Reads up to the end, so that the writer gets no SIGPIPE: neither if the reader failed, nor for the padding at the
 * archive's end. */
static void read_rest(int fd)
{
	char rest[4096];
	ssize_t n;

	do
		n = read(fd, rest, sizeof rest);
	while (n > 0 || (n < 0 && errno == EINTR));
}

static int copy_tree(const struct tarball *tarball, int targetfd, struct error *err)
{
	CLEANUP(tree_copy_done) struct tree_copy c = { .tarball = *tarball, .from = -1, .to = -1 };
	CLEANUP(job_stop) struct job writer = { 0 };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "create a pipe");
	c.from = ends[0], c.to = ends[1];
	if (job_start(&writer, write_tree, &c, err) < 0)
		return -1;
	close_p(&c.to);
	c.to = -1;
	int rc = tarball_unpack(c.from, "a tree's copy", targetfd, err);
	read_rest(c.from);
	/* So a failure of the writer is never caused by the reader: it is the cause, and the reader's error
	 * is a consequence. */
	struct error writer_err = { 0 };
	if (job_wait(&writer, &writer_err) == 0)
		return rc;
	*err = writer_err;
	return -1;
}

static int put_over(const char *tree, int targetfd, struct error *err)
{
	CLEANUP(close_p) int treefd = dir_open(AT_FDCWD, tree, err);
	CLEANUP(clearing_done) struct clearing c = { .targetfd = targetfd };

	if (treefd < 0 || clear_directory(&c, treefd, "", err) < 0)
		return -1;
	const struct tarball tarball = { .rootfd = treefd,
					 .compression = COMPRESSION_NONE,
					 .leave_out = (const char *const *)strings_argv(&c.whiteouts) };
	return copy_tree(&tarball, targetfd, err);
}

/* Copies the lower trees, and on top of them upper, if it is not NULL. */
static int copy_trees(const struct overlayfs *s, const char *upper, const char *target, struct error *err)
{
	const char *trees[OVERLAYFS_LOWER_MAX + 1] = { upper };
	CLEANUP(close_p) int targetfd = dir_open(AT_FDCWD, target, err);

	if (targetfd < 0)
		return -1;
	for (size_t i = 0; i < OVERLAYFS_LOWER_MAX; i++)
		trees[i + 1] = s->lower[i];
	for (size_t i = ARRAY_SIZE(trees); i-- > 0;)
		if (trees[i] && put_over(trees[i], targetfd, err) < 0)
			return error_wrap(err, "copy %s", trees[i]);
	return 0;
}

int overlayfs_open(const struct overlayfs *s, struct error *err)
{
	CLEANUP(text_done) struct text lower = { 0 };

	if (rootless_restricted())
		return copy_trees(s, s->upper, s->target, err);
	for (size_t i = 0; i < OVERLAYFS_LOWER_MAX && s->lower[i]; i++)
		text_addf(&lower, "%s%s", i ? ":" : "", s->lower[i]);
	return sandbox_mount_overlay(lower.data, s->upper, s->work, s->target, err);
}

/* A single lower tree is compared with the target directly; several are first copied into one, in the work directory,
 * which only an overlay mount needs. */
static int subtract_lower(const struct overlayfs *s, struct error *err)
{
	if (!s->lower[1])
		return overlayfs_copy_subtract(s->target, s->lower[0], err);
	if (copy_trees(s, NULL, s->work, err) < 0 || overlayfs_copy_subtract(s->target, s->work, err) < 0)
		return -1;
	return tree_remove(AT_FDCWD, s->work, err);
}

static int become_upper(const struct overlayfs *s, struct error *err)
{
	if (subtract_lower(s, err) < 0 || tree_remove(AT_FDCWD, s->upper, err) < 0)
		return -1;
	if (rename(s->target, s->upper) < 0)
		return error_errno(err, errno, "rename %s to %s", s->target, s->upper);
	return 0;
}

int overlayfs_close(const struct overlayfs *s, struct error *err)
{
	if (rootless_restricted())
		return become_upper(s, err);
	return sandbox_unmount(s->target, err);
}

const char *overlayfs_suffix(void)
{
	return rootless_restricted() ? ".copied" : rootless() ? ".user" : "";
}
