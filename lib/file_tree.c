/* SPDX-License-Identifier: Apache-2.0 */
/* Walks whole trees depth first, by directory fds: when another process replaces a directory by a symlink, the walk
 * does not follow it. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"

/* Called for each entry of a directory; name is relative to dirfd. */
typedef int entry_fn(int dirfd, const char *name, void *context, struct error *err);

/* Takes over fd, an open directory called name. */
static int each_entry(int fd, const char *name, entry_fn *fn, void *context, struct error *err)
{
	CLEANUP(closedir_p) DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		error_errno(err, errno, "read directory %s", name);
		close(fd);
		return -1;
	}
	while ((errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    fn(fd, entry->d_name, context, err) < 0)
			return -1;
	if (errno)
		return error_errno(err, errno, "read directory %s", name);
	return 0;
}

static int open_directory(int dirfd, const char *name, struct error *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open directory %s", name);
	return fd;
}

static entry_fn remove_entry;

/* context: the dev_t that the whole tree must be on. */
static int remove_directory(int dirfd, const char *name, void *context, struct error *err)
{
	const dev_t *device = context;
	int fd = open_directory(dirfd, name, err);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_dev != *device) {
		close(fd);
		return error_set(err, ERROR_FAILED, "remove %s: something is mounted there; unmount it first", name);
	}
	if (each_entry(fd, name, remove_entry, context, err) < 0)
		return -1;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_errno(err, errno, "remove directory %s", name);
	return 0;
}

static int remove_entry(int dirfd, const char *name, void *context, struct error *err)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR || errno == EPERM)
		return remove_directory(dirfd, name, context, err);
	return error_errno(err, errno, "remove %s", name);
}

int tree_remove(int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "look at %s", name);
	return remove_entry(dirfd, name, &st.st_dev, err);
}

static int size_entry(int dirfd, const char *name, void *context, struct error *err)
{
	return tree_size(dirfd, name, context, err);
}

int tree_size(int dirfd, const char *name, uint64_t *bytes, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at %s", name);
	if (S_ISREG(st.st_mode))
		*bytes += (uint64_t)(file_is_sparse(&st) ? st.st_blocks * 512 : st.st_size);
	if (!S_ISDIR(st.st_mode))
		return 0;
	int fd = open_directory(dirfd, name, err);
	if (fd < 0)
		return -1;
	return each_entry(fd, name, size_entry, bytes, err);
}
