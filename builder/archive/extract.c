/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/archive/extract.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/file.h"

int extract_path(const char *member, char ret[TAR_PATH_MAX + 1], struct error *err)
{
	size_t n = 0;

	if (*member == '/')
		return error_set(err, ERROR_FAILED, "the archive has an absolute name: '%s'", member);
	for (const char *part = member; *part; part += strspn(part, "/")) {
		size_t len = strcspn(part, "/");
		if (len == 2 && !strncmp(part, "..", 2))
			return error_set(err, ERROR_FAILED, "the archive has a name with '..': '%s'", member);
		if (n + len + 1 > TAR_PATH_MAX)
			return error_set(err, ERROR_FAILED, "the archive has a name longer than the limit of %d bytes",
					 TAR_PATH_MAX);
		if (len != 1 || *part != '.') {
			if (n)
				ret[n++] = '/';
			memcpy(ret + n, part, len);
			n += len;
		}
		part += len;
	}
	ret[n] = '\0';
	return 0;
}

/* The directory of path's last component; owned by x and valid until the next call. */
static int parent_of(struct extract *x, const char *path, const char **ret_base, struct error *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (x->parentfd >= 0 && strlen(x->parent) == n && !strncmp(x->parent, path, n)) {
		*ret_base = slash ? slash + 1 : path;
		return x->parentfd;
	}
	int fd = file_open_parent_in(x->rootfd, path, true, ret_base);
	if (fd < 0)
		return error_errno(err, errno, "open the directory of %s", path);
	close_p(&x->parentfd);
	free(x->parent);
	x->parentfd = fd;
	x->parent = xstrndup(path, n);
	return fd;
}

static int set_xattrs(int fd, const struct tar_entry *e, const char *path, struct error *err)
{
	for (size_t i = 0; i < e->xattrs; i++)
		if (fsetxattr(fd, e->xattr[i].name, e->xattr[i].value, e->xattr[i].size, 0) < 0)
			return error_errno(err, errno, "set %s of %s", e->xattr[i].name, path);
	return 0;
}

/* The order matters: a change of owner clears setuid bits and capabilities. */
static int stamp_fd(int fd, const struct tar_entry *e, const char *path, struct error *err)
{
	if (fchown(fd, e->uid, e->gid) < 0)
		return error_errno(err, errno, "set the owner of %s", path);
	if (fchmod(fd, e->mode & 07777) < 0)
		return error_errno(err, errno, "set the mode of %s", path);
	return set_xattrs(fd, e, path, err);
}

static void times_of(time_t mtime, struct timespec ret[2])
{
	ret[0] = ret[1] = (struct timespec){ .tv_sec = mtime };
}

static int write_content(int fd, struct tar_reader *r, const struct tar_entry *e, const char *path, struct text *copy,
			 struct error *err)
{
	const void *block;
	size_t n;
	off_t offset, end = 0;
	int rc;

	while ((rc = tar_read_data(r, &block, &n, &offset, err)) > 0) {
		if (pwrite_all(fd, block, n, offset) < 0)
			return error_errno(err, errno, "write %s", path);
		if (copy)
			text_addn(copy, block, n);
		end = offset + (off_t)n;
	}
	if (rc == 0 && (uint64_t)end < e->size && ftruncate(fd, (off_t)e->size) < 0)
		return error_errno(err, errno, "write %s", path);
	return rc;
}

static int make_file(int parent, const char *base, struct tar_reader *r, const struct tar_entry *e, const char *path,
		     struct text *copy, struct error *err)
{
	CLEANUP(close_p) int fd = openat(parent, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct timespec times[2];

	if (fd < 0)
		return error_errno(err, errno, "create %s", path);
	if (write_content(fd, r, e, path, copy, err) < 0 || stamp_fd(fd, e, path, err) < 0)
		return -1;
	times_of(e->mtime, times);
	if (futimens(fd, times) < 0)
		return error_errno(err, errno, "set the time of %s", path);
	return 0;
}

static int make_hard_link(struct extract *x, int parent, const char *base, const struct tar_entry *e, const char *path,
			  struct error *err)
{
	char original[TAR_PATH_MAX + 1];
	const char *original_base;

	if (extract_path(e->original, original, err) < 0)
		return -1;
	CLEANUP(close_p) int from = file_open_parent_in(x->rootfd, original, false, &original_base);
	if (from < 0 || linkat(from, original_base, parent, base, 0) < 0)
		return error_errno(err, errno, "link %s to %s", path, original);
	return 0;
}

/* Symbolic links, devices and pipes. */
static int make_special(int parent, const char *base, const struct tar_entry *e, const char *path, struct error *err)
{
	struct timespec times[2];

	if (S_ISLNK(e->mode) ? symlinkat(e->target, parent, base) < 0
			     : mknodat(parent, base, e->mode & (S_IFMT | 07777), e->device) < 0)
		return error_errno(err, errno, "create %s", path);
	if (fchownat(parent, base, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "set the owner of %s", path);
	if (!S_ISLNK(e->mode) && fchmodat(parent, base, e->mode & 07777, 0) < 0)
		return error_errno(err, errno, "set the mode of %s", path);
	times_of(e->mtime, times);
	if (utimensat(parent, base, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "set the time of %s", path);
	return 0;
}

static int make_directory_entry(struct extract *x, const struct tar_entry *e, const char *path, struct error *err)
{
	if (extract_directory(x, path, err) < 0 || extract_stamp(x, path, e, err) < 0)
		return -1;
	vec_push(&x->times, (struct extract_time){ .path = xstrdup(path), .mtime = e->mtime });
	return 0;
}

int extract_entry(struct extract *x, struct tar_reader *r, const struct tar_entry *e, const char *path,
		  struct text *copy, struct error *err)
{
	const char *base;

	if (S_ISDIR(e->mode) || !*path)
		return make_directory_entry(x, e, path, err);
	int parent = parent_of(x, path, &base, err);
	if (parent < 0)
		return -1;
	if (unlinkat(parent, base, 0) < 0 && errno != ENOENT)
		return error_errno(err, errno, "replace %s", path);
	if (e->original)
		return make_hard_link(x, parent, base, e, path, err);
	if (S_ISREG(e->mode))
		return make_file(parent, base, r, e, path, copy, err);
	if (S_ISSOCK(e->mode))
		return 0; /* a socket is useless without the process that listens */
	return make_special(parent, base, e, path, err);
}

int extract_directory(struct extract *x, const char *path, struct error *err)
{
	const char *base;

	if (!*path)
		return 0;
	int parent = parent_of(x, path, &base, err);
	if (parent < 0)
		return -1;
	if (mkdirat(parent, base, 0755) == 0)
		return 0;
	if (errno != EEXIST)
		return error_errno(err, errno, "create directory %s", path);
	CLEANUP(close_p) int fd = file_open_in(x->rootfd, path, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? error_errno(err, errno, "use %s as a directory", path) : 0;
}

static int open_real_directory(struct extract *x, const char *path)
{
	return file_open_in(x->rootfd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

static int set_directory_time(int fd, time_t mtime, const char *path, struct error *err)
{
	struct timespec times[2];

	times_of(mtime, times);
	if (futimens(fd, times) < 0)
		return error_errno(err, errno, "set the time of %s", path);
	return 0;
}

int extract_stamp(struct extract *x, const char *path, const struct tar_entry *e, struct error *err)
{
	CLEANUP(close_p) int fd = open_real_directory(x, path);

	if (fd < 0)
		return errno == ELOOP || errno == ENOTDIR ? 0 : error_errno(err, errno, "open directory %s", path);
	if (stamp_fd(fd, e, path, err) < 0)
		return -1;
	return set_directory_time(fd, e->mtime, path, err);
}

int extract_finish(struct extract *x, struct error *err)
{
	for (size_t i = 0; i < x->times.n; i++) {
		const struct extract_time *t = &x->times.at[i];
		CLEANUP(close_p) int fd = open_real_directory(x, t->path);
		if (fd >= 0 && set_directory_time(fd, t->mtime, t->path, err) < 0)
			return -1;
	}
	return 0;
}

void extract_done(struct extract *x)
{
	for (size_t i = 0; i < x->times.n; i++)
		free(x->times.at[i].path);
	vec_done(&x->times);
	close_p(&x->parentfd);
	x->parentfd = -1;
	free(TAKE(x->parent));
}
