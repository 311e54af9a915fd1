/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/tree/tree.h"
#include "lib/file.h"
#include "lib/macro.h"
#include "lib/text.h"

#define LINK_MAX_BYTES 4096

struct overlay {
	int rootfd;       /* owned */
	struct text path; /* of the current entry, relative to the root, without a leading '/' */
};

static void overlay_done(struct overlay *o)
{
	close_p(&o->rootfd);
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
	if (copy_all(in, out, err) < 0)
		return error_wrap(err, "/%s", o->path.data);
	if (fchown(out, 0, 0) < 0 || fchmod(out, image_mode(mode)) < 0)
		return error_errno(err, errno, "set owner and mode of /%s", o->path.data);
	return 0;
}

/* An existing directory, or a link to one, is left as it is. */
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
	return 0;
}

static int copy_children(struct overlay *o, int fd, struct error *err);

static int copy_entry(struct overlay *o, int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at %s of the overlay", o->path.data);
	if (S_ISLNK(st.st_mode))
		return copy_link(o, dirfd, name, err);
	if (S_ISREG(st.st_mode))
		return copy_file(o, dirfd, name, st.st_mode, err);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ERROR_INPUT, "%s of the overlay is neither file, directory nor link",
				 o->path.data);
	if (make_directory(o, st.st_mode, err) < 0)
		return -1;
	CLEANUP(close_p) int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "open %s of the overlay", o->path.data);
	return copy_children(o, fd, err);
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

int tree_overlay(const char *overlay, const char *root, struct error *err)
{
	CLEANUP(overlay_done) struct overlay o = { .rootfd = dir_open(AT_FDCWD, root, err) };
	CLEANUP(close_p) int fd = o.rootfd < 0 ? -1 : dir_open(AT_FDCWD, overlay, err);

	if (fd < 0)
		return -1;
	if (copy_children(&o, fd, err) < 0)
		return error_wrap(err, "overlay %s", overlay);
	return 0;
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
