/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/file.h"

#include <dirent.h>
#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/macro.h"

#define COPY_CHUNK (1 << 20)

int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int pwrite_all(int fd, const void *data, size_t len, off_t offset)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

int pread_all(int fd, void *data, size_t len, off_t offset)
{
	char *p = data;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENODATA;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

static int copy_by_hand(int in, int out, struct error *err)
{
	CLEANUP(free_p) char *buffer = xmalloc(COPY_CHUNK);

	for (;;) {
		ssize_t n = read(in, buffer, COPY_CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno, "read while copying");
		if (n == 0)
			return 0;
		if (write_all(out, buffer, (size_t)n) < 0)
			return error_errno(err, errno, "write while copying");
	}
}

uint64_t file_free_space(int fd)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) < 0 || !fs.f_blocks)
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

int copy_all(int in, int out, struct error *err)
{
	for (;;) {
		ssize_t n = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
		if (n == 0)
			return 0;
		if (n > 0 || errno == EINTR)
			continue;
		if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
			return error_errno(err, errno, "copy a file");
		/* Pipes, other file systems, old kernels: the offsets are where the kernel stopped. */
		return copy_by_hand(in, out, err);
	}
}

int file_read_fd(int fd, const char *name, size_t limit, struct text *ret, struct error *err)
{
	CLEANUP(text_done) struct text t = { 0 };
	char chunk[16384];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno, "read %s", name);
		text_addn(&t, chunk, (size_t)n);
		if (t.len > limit)
			return error_set(err, ERROR_FAILED, "read %s: it is larger than the limit of %s", name,
					 text_bytes(limit));
		if (n == 0)
			break;
	}
	text_done(ret);
	*ret = TAKE(t);
	return 0;
}

int file_read(int dirfd, const char *name, size_t limit, struct text *ret, struct error *err)
{
	CLEANUP(close_p) int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open %s", name);
	return file_read_fd(fd, name, limit, ret, err);
}

int file_read_in(int rootfd, const char *path, size_t limit, struct text *ret, struct error *err)
{
	CLEANUP(close_p) int fd = file_open_in(rootfd, path, O_RDONLY, 0);

	if (fd < 0)
		return error_errno(err, errno, "open %s", path);
	return file_read_fd(fd, path, limit, ret, err);
}

/* name is the last component; the temporary file is in the same directory so that rename(2) works. */
static int write_and_rename(int dirfd, const char *name, const void *data, size_t len, mode_t mode, bool durable,
			    struct error *err)
{
	CLEANUP(free_p) char *temporary = xasprintf("%s.%d.new", name, (int)getpid());
	CLEANUP(close_p) int fd = -1;

	/* A process with the same PID may have left one behind at a power cut. */
	unlinkat(dirfd, temporary, 0);
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, errno, "write %s", name);
	if (write_all(fd, data, len) == 0 && fchmod(fd, mode) == 0 && (!durable || fsync(fd) == 0) &&
	    renameat(dirfd, temporary, dirfd, name) == 0)
		return 0;
	error_errno(err, errno, "write %s", name);
	unlinkat(dirfd, temporary, 0);
	return -1;
}

int file_write(int dirfd, const char *name, const void *data, size_t len, mode_t mode, struct error *err)
{
	return write_and_rename(dirfd, name, data, len, mode, false, err);
}

int file_write_durable(const char *path, const void *data, size_t len, mode_t mode, struct error *err)
{
	CLEANUP(free_p) char *directory = xstrdup(path);
	char *slash = strrchr(directory, '/');

	if (slash)
		*slash = '\0';
	CLEANUP(close_p) int parent = dir_open(AT_FDCWD, !slash ? "." : *directory ? directory : "/", err);
	if (parent < 0 || write_and_rename(parent, slash ? slash + 1 : path, data, len, mode, true, err) < 0)
		return -1;
	if (fsync(parent) < 0)
		return error_errno(err, errno, "sync the directory of %s", path);
	return 0;
}

int file_write_in(int rootfd, const char *path, const void *data, size_t len, mode_t mode, struct error *err)
{
	const char *base;
	CLEANUP(close_p) int parent = file_open_parent_in(rootfd, path, true, &base);

	if (parent < 0)
		return error_errno(err, errno, "open the directory of %s", path);
	return write_and_rename(parent, base, data, len, mode, false, err);
}

int file_open_in(int rootfd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	int fd;

	/* EAGAIN: a rename elsewhere in the tree while the kernel resolved `..`; openat2(2) says to retry. */
	do
		fd = (int)syscall(SYS_openat2, rootfd, path, &how, sizeof how);
	while (fd < 0 && errno == EAGAIN);
	return fd;
}

bool file_still_there(int dirfd, const char *name, int fd)
{
	struct stat named, opened;

	return fstatat(dirfd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &opened) == 0 &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

bool file_exists_in(int rootfd, const char *path)
{
	CLEANUP(close_p) int fd = file_open_in(rootfd, path, O_PATH | O_NOFOLLOW, 0);

	return fd >= 0;
}

/* Creates each missing component of path below rootfd, as the guest would see it. */
static int make_parents_in(int rootfd, const char *path, mode_t mode)
{
	CLEANUP(free_p) char *copy = xstrdup(path);

	for (char *slash = copy; slash; *slash = '/') {
		slash = strchr(slash + strspn(slash, "/"), '/');
		if (slash)
			*slash = '\0';
		const char *base = strrchr(copy, '/');
		base = base ? base + 1 : copy;
		if (*base) {
			CLEANUP(free_p) char *parent = xstrndup(copy, (size_t)(base - copy));
			CLEANUP(close_p) int fd = file_open_in(rootfd, *parent ? parent : ".", O_PATH | O_DIRECTORY, 0);
			if (fd < 0 || (mkdirat(fd, base, mode) < 0 && errno != EEXIST))
				return -1;
		}
		if (!slash)
			break;
	}
	return 0;
}

int file_open_parent_in(int rootfd, const char *path, bool make, const char **ret_base)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	CLEANUP(free_p) char *parent = xstrndup(path, (size_t)(base - path));

	if (!*base || !strcmp(base, ".") || !strcmp(base, "..")) {
		errno = EINVAL;
		return -1;
	}
	const char *name = *parent ? parent : ".";
	int fd = file_open_in(rootfd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 && errno == ENOENT && make && make_parents_in(rootfd, parent, 0755) == 0)
		fd = file_open_in(rootfd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0)
		*ret_base = base;
	return fd;
}

int dir_make(int dirfd, const char *path, mode_t mode, struct error *err)
{
	CLEANUP(free_p) char *copy = xstrdup(path);

	for (char *p = copy + 1; *copy && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST)
			return error_errno(err, errno, "create directory %s", copy);
		*p = '/';
	}
	if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST)
		return error_errno(err, errno, "create directory %s", copy);
	return 0;
}

int dir_make_parent(const char *path, mode_t mode, struct error *err)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(free_p) char *parent = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
	CLEANUP(free_p) char *inside = xasprintf("%s/.", parent);

	if (*parent && dir_make(AT_FDCWD, parent, mode, err) < 0)
		return -1;
	return access(inside, W_OK | X_OK) < 0 ? error_errno(err, errno, "write %s", path) : 0;
}

int dir_make_in(int rootfd, const char *path, mode_t mode, struct error *err)
{
	if (make_parents_in(rootfd, path, mode) < 0)
		return error_errno(err, errno, "create directory %s", path);
	return 0;
}

int dir_open_in(int rootfd, const char *path, struct error *err)
{
	int fd = file_open_in(rootfd, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return error_errno(err, errno, "open directory %s", path);
	return fd;
}

bool dir_is_empty(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			return false;
	return dir;
}

/* That user has the rights of root. */
static bool called_sudo(uid_t uid)
{
	const char *text = geteuid() == 0 ? getenv("SUDO_UID") : NULL;
	char *end = NULL;
	unsigned long number = text ? strtoul(text, &end, 10) : 0;

	return end && end != text && !*end && number == uid;
}

int file_check_own(int fd, const char *path, mode_t forbidden, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "look at %s", path);
	if (st.st_uid != geteuid() && !called_sudo(st.st_uid))
		return error_set(err, ERROR_TRUST,
				 "%s belongs to another user, who can change it; choose a place of your own", path);
	if (st.st_mode & forbidden)
		return error_set(
			err, ERROR_TRUST,
			"%s has the mode %04o, which gives rights to other users; if you trust what is there, run "
			"`chmod %s %s`",
			path, (unsigned)st.st_mode & 07777,
			forbidden & (S_IRGRP | S_IROTH) ? "go="
			: forbidden & S_IWGRP           ? "go-w"
							: "o-w",
			path);
	return 0;
}

int dir_open(int dirfd, const char *path, struct error *err)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open directory %s", path);
	return fd;
}
