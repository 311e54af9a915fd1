/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/archive/kept_xattr.h"
#include "builder/tree/tree.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"
#include "lib/text.h"
#include "lib/vec.h"

#define LINK_MAX_BYTES 4096

/* A file with several names: the first that was copied, which the others are links to. */
struct first_copy {
	dev_t device;
	ino_t inode;
	char *path; /* owned */
};

struct overlay {
	int rootfd;       /* borrowed */
	struct text path; /* of the current entry, relative to the root, without a leading '/' */
	VEC(struct first_copy) copies;
};

static void overlay_done(struct overlay *o)
{
	for (size_t i = 0; i < o->copies.n; i++)
		free(o->copies.at[i].path);
	vec_done(&o->copies);
	text_done(&o->path);
}

/* Group and other write depend on the umask of the checkout; in an image only root may write. */
static mode_t image_mode(mode_t mode)
{
	return mode & 07755;
}

/* Opens the directory of the current file or link and removes an existing entry of its name. */
static int clear_place(struct overlay *o, const char **ret_base, struct error *err)
{
	int parent = file_open_parent_in(o->rootfd, o->path.data, true, ret_base);

	if (parent < 0)
		return error_errno(err, errno, "open the directory of /%s", o->path.data);
	if (unlinkat(parent, *ret_base, 0) < 0 && errno != ENOENT) {
		error_errno(err, errno, "replace /%s", o->path.data);
		close_p(&parent);
		return -1;
	}
	return parent;
}

static int copy_link(struct overlay *o, int dirfd, const char *name, struct error *err)
{
	char target[LINK_MAX_BYTES];
	const char *base;
	ssize_t n = readlinkat(dirfd, name, target, sizeof target);

	if (n < 0 || (size_t)n == sizeof target)
		return error_errno(err, n < 0 ? errno : ENAMETOOLONG, "read the link %s", o->path.data);
	target[n] = '\0';
	CLEANUP(close_p) int parent = clear_place(o, &base, err);
	if (parent < 0)
		return -1;
	if (symlinkat(target, parent, base) < 0 || fchownat(parent, base, 0, 0, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "create the link /%s", o->path.data);
	return 0;
}

/* Attributes last: a change of owner clears capabilities, and an ACL has the group's mode. */
static int fill_file(struct overlay *o, int in, int out, mode_t mode, struct error *err)
{
	if (copy_sparse(in, out, err) < 0)
		return error_wrap(err, "/%s", o->path.data);
	if (fchown(out, 0, 0) < 0 || fchmod(out, image_mode(mode)) < 0)
		return error_errno(err, errno, "set owner and mode of /%s", o->path.data);
	return kept_xattr_copy(in, out, o->path.data, err);
}

static int copy_file(struct overlay *o, int dirfd, const char *name, mode_t mode, struct error *err)
{
	CLEANUP(close_p) int in = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	const char *base;

	if (in < 0)
		return error_errno(err, errno, "open %s of the overlay", o->path.data);
	CLEANUP(close_p) int parent = clear_place(o, &base, err);
	if (parent < 0)
		return -1;
	CLEANUP(close_p) int out = openat(parent, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return error_errno(err, errno, "create /%s", o->path.data);
	return fill_file(o, in, out, mode, err);
}

/* 1 when the file was linked to its first copy; 0 when it has to be copied, also since the first is on another mount. */
static int link_file(struct overlay *o, const struct stat *st, struct error *err)
{
	const char *base, *first_base;

	for (size_t i = 0; i < o->copies.n; i++) {
		const struct first_copy *c = &o->copies.at[i];
		if (c->device != st->st_dev || c->inode != st->st_ino)
			continue;
		CLEANUP(close_p) int parent = clear_place(o, &base, err);
		CLEANUP(close_p)
		int first = parent < 0 ? -1 : file_open_parent_in(o->rootfd, c->path, false, &first_base);
		if (parent < 0)
			return -1;
		if (first >= 0 && linkat(first, first_base, parent, base, 0) == 0)
			return 1;
		return first >= 0 && errno == EXDEV ? 0
						    : error_errno(err, errno, "link /%s to /%s", o->path.data, c->path);
	}
	vec_push(&o->copies, (struct first_copy){ st->st_dev, st->st_ino, xstrdup(o->path.data) });
	return 0;
}

static int put_file(struct overlay *o, int dirfd, const char *name, const struct stat *st, struct error *err)
{
	int linked = st->st_nlink > 1 ? link_file(o, st, err) : 0;

	if (linked)
		return linked < 0 ? -1 : 0;
	return copy_file(o, dirfd, name, st->st_mode, err);
}

/* An existing directory, or a link to one, is left as it is. 1 when it was made. */
static int make_directory(struct overlay *o, mode_t mode, struct error *err)
{
	CLEANUP(close_p) int there = file_open_in(o->rootfd, o->path.data, O_PATH | O_DIRECTORY, 0);
	const char *base;

	if (there >= 0)
		return 0;
	CLEANUP(close_p) int parent = file_open_parent_in(o->rootfd, o->path.data, true, &base);
	if (parent < 0 || mkdirat(parent, base, 0700) < 0 || fchownat(parent, base, 0, 0, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(parent, base, image_mode(mode), 0) < 0)
		return error_errno(err, errno, "create directory /%s", o->path.data);
	return 1;
}

static int copy_children(struct overlay *o, int fd, struct error *err);

/* Its attributes after its entries, which would inherit a default ACL. */
static int copy_directory(struct overlay *o, int dirfd, const char *name, mode_t mode, struct error *err)
{
	int made = make_directory(o, mode, err);
	CLEANUP(close_p)
	int fd = made < 0 ? -1 : openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (made < 0)
		return -1;
	if (fd < 0)
		return error_errno(err, errno, "open %s of the overlay", o->path.data);
	if (copy_children(o, fd, err) < 0)
		return -1;
	if (!made)
		return 0;
	CLEANUP(close_p) int out = file_open_in(o->rootfd, o->path.data, O_RDONLY | O_DIRECTORY, 0);
	return out < 0 ? error_errno(err, errno, "open directory /%s", o->path.data)
		       : kept_xattr_copy(fd, out, o->path.data, err);
}

static int copy_entry(struct overlay *o, int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at %s of the overlay", o->path.data);
	if (S_ISLNK(st.st_mode))
		return copy_link(o, dirfd, name, err);
	if (S_ISREG(st.st_mode))
		return put_file(o, dirfd, name, &st, err);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ERROR_INPUT, "%s of the overlay is neither file, directory nor link",
				 o->path.data);
	return copy_directory(o, dirfd, name, st.st_mode, err);
}

static int copy_children(struct overlay *o, int fd, struct error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	CLEANUP(closedir_p) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	size_t len = o->path.len;

	if (!dir) {
		error_errno(err, errno, "read %s of the overlay", len ? o->path.data : "the top");
		close_p(&copy);
		return -1;
	}
	while ((errno = 0, entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		text_addf(&o->path, "%s%s", len ? "/" : "", entry->d_name);
		if (copy_entry(o, fd, entry->d_name, err) < 0)
			return -1;
		o->path.len = len;
		o->path.data[len] = '\0';
	}
	return errno ? error_errno(err, errno, "read %s of the overlay", len ? o->path.data : "the top") : 0;
}

int tree_overlay_in(int overlayfd, int rootfd, const char *path, struct error *err)
{
	CLEANUP(overlay_done) struct overlay o = { .rootfd = rootfd };

	if (*path && dir_make_in(rootfd, path, 0755, err) < 0)
		return -1;
	text_add(&o.path, path);
	return copy_children(&o, overlayfd, err);
}

int tree_overlay(const char *overlay, const char *root, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, err);
	CLEANUP(close_p) int fd = rootfd < 0 ? -1 : dir_open(AT_FDCWD, overlay, err);

	if (fd < 0)
		return -1;
	return tree_overlay_in(fd, rootfd, "", err) < 0 ? error_wrap(err, "overlay %s", overlay) : 0;
}

int tree_overlay_paths(const char *overlay, struct strings *ret, struct error *err)
{
	char *roots[] = { (char *)overlay, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	size_t prefix = strlen(overlay);
	const FTSENT *e;

	if (!walk)
		return error_errno(err, errno, "read %s", overlay);
	while ((errno = 0, e = fts_read(walk)))
		if (e->fts_level > 0 && e->fts_info != FTS_D && e->fts_info != FTS_DP)
			strings_addf(ret, "/%s", e->fts_path + prefix + strspn(e->fts_path + prefix, "/"));
	int failed = errno;
	fts_close(walk);
	return failed ? error_errno(err, failed, "read %s", overlay) : 0;
}
