/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/secret_wipe.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

#define CHUNK (64 << 10)

/* File names of cloud-init's copies of user-data and vendor-data, and of files that it derives from them. */
static const char *const copies[] = {
	"user-data",
	"vendor-data",
	"cloud-config.txt",
	"vendor-cloud-config.txt",
	"vendor2-cloud-config.txt",
	"obj.pkl",
	"combined-cloud-config.json",
	"instance-data-sensitive.json",
};

static bool is_copy(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(copies); i++)
		if (text_starts(name, copies[i]))
			return true;
	return false;
}

/* What was found in a file. */
struct content {
	size_t found;
	bool compressed;
};

/* Wipes one window of the file. Windows overlap by the maximum length of a copy of a secret. */
static int wipe_chunk(int fd, const struct secret_wipe *w, char *bytes, size_t n, off_t at, struct content *c)
{
	size_t found = secrets_zero(w->secrets, bytes, n);

	c->found += found;
	c->compressed = c->compressed || secrets_hidden_by_gzip(bytes, n);
	return found && !w->only_look ? pwrite_all(fd, bytes, n, at) : 0;
}

static int wipe_content(int fd, const struct secret_wipe *w, struct content *c)
{
	CLEANUP(free_p) char *bytes = xmalloc(CHUNK);
	ssize_t n;

	for (off_t at = 0; (n = pread(fd, bytes, CHUNK, at)) > 0; at += n - SECRETS_SPAN_MAX)
		if (wipe_chunk(fd, w, bytes, (size_t)n, at, c) < 0)
			return -1;
		else if (n <= SECRETS_SPAN_MAX)
			break;
	explicit_bzero(bytes, CHUNK);
	return n < 0 ? -1 : 0;
}

static int empty_file(int fd, off_t size)
{
	static const char zeros[4096];

	for (off_t at = 0; at < size; at += (off_t)sizeof zeros)
		if (pwrite_all(fd, zeros, sizeof zeros, at) < 0)
			return -1;
	if (fsync(fd) < 0)
		return -1;
	return ftruncate(fd, 0);
}

static int wipe_file(int dirfd, const char *name, const char *path, struct secret_wipe *w, off_t size,
		     struct error *err)
{
	int mode = w->only_look ? O_RDONLY : O_RDWR;
	CLEANUP(close_p) int fd = openat(dirfd, name, mode | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct content c = { 0 };

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || wipe_content(fd, w, &c) < 0)
		return error_errno(err, errno, "look for secrets in /%s", path);
	bool opaque = size && (c.compressed || w->secrets->zeroed) && is_copy(name);
	if (w->only_look && (c.found || opaque))
		return error_set(err, ERROR_FAILED,
				 "/%s still holds a secret of this node after it was wiped; remove it", path);
	if (w->only_look || (!c.found && !opaque))
		return 0;
	w->changed++;
	log_debug("wiped /%s", path);
	if ((opaque && empty_file(fd, size) < 0) || fsync(fd) < 0)
		return error_errno(err, errno, "wipe /%s", path);
	return 0;
}

static int visit(int dirfd, const char *name, const char *path, unsigned depth, struct secret_wipe *w,
		 struct error *err);

/* Takes ownership of fd. Visits only entries that begin with prefix. */
static int visit_entries(int fd, const char *path, const char *prefix, unsigned depth, struct secret_wipe *w,
			 struct error *err)
{
	CLEANUP(closedir_p) DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		close(fd);
		return error_errno(err, errno, "read directory /%s", path);
	}
	while ((errno = 0, entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || !text_starts(entry->d_name, prefix))
			continue;
		CLEANUP(free_p) char *below = xasprintf("%s/%s", path, entry->d_name);
		if (visit(dirfd(dir), entry->d_name, below, depth + 1, w, err) < 0)
			return -1;
	}
	return errno ? error_errno(err, errno, "read directory /%s", path) : 0;
}

static int visit_directory(int dirfd, const char *name, const char *path, unsigned depth, struct secret_wipe *w,
			   struct error *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "open directory /%s", path);
	return visit_entries(fd, path, "", depth, w, err);
}

static int visit(int dirfd, const char *name, const char *path, unsigned depth, struct secret_wipe *w,
		 struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "look at /%s", path);
	if (depth > SECRET_WIPE_DEPTH_MAX || w->files >= SECRET_WIPE_FILES_MAX)
		return error_set(err, ERROR_FAILED,
				 "/%s: more than %d files, or deeper than %d directories; check whether it holds "
				 "secrets of this node",
				 path, SECRET_WIPE_FILES_MAX, SECRET_WIPE_DEPTH_MAX);
	if (S_ISDIR(st.st_mode))
		return visit_directory(dirfd, name, path, depth, w, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	w->files++;
	return wipe_file(dirfd, name, path, w, st.st_size, err);
}

int secret_wipe_path(int rootfd, const char *path, struct secret_wipe *w, struct error *err)
{
	const char *base;
	CLEANUP(close_p) int parent = file_open_parent_in(rootfd, path, false, &base);

	if (parent < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : error_errno(err, errno, "look at /%s", path);
	return visit(parent, base, path, 0, w, err);
}

int secret_wipe_prefix(int rootfd, const char *directory, const char *prefix, struct secret_wipe *w, struct error *err)
{
	int fd = file_open_in(rootfd, directory, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : error_errno(err, errno, "look at /%s", directory);
	return visit_entries(fd, directory, prefix, 0, w, err);
}
