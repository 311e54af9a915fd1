/* SPDX-License-Identifier: Apache-2.0 */
/* Whole trees: depth first, by directory fds, so that nothing swapped under us leads elsewhere. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"

static int remove_entry(int dirfd, const char *name, dev_t device, struct error *err);

static int remove_children(int fd, const char *name, dev_t device, struct error *err)
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
		    remove_entry(fd, entry->d_name, device, err) < 0)
			return -1;
	return errno ? error_errno(err, errno, "read directory %s", name) : 0;
}

static int remove_directory(int dirfd, const char *name, dev_t device, struct error *err)
{
	struct stat st;
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open directory %s", name);
	if (fstat(fd, &st) == 0 && st.st_dev != device) {
		close(fd);
		return error_set(err, ERROR_FAILED, "remove %s: something is mounted there; unmount it first", name);
	}
	if (remove_children(fd, name, device, err) < 0)
		return -1;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_errno(err, errno, "remove directory %s", name);
	return 0;
}

static int remove_entry(int dirfd, const char *name, dev_t device, struct error *err)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR || errno == EPERM)
		return remove_directory(dirfd, name, device, err);
	return error_errno(err, errno, "remove %s", name);
}

int tree_remove(int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "look at %s", name);
	return remove_entry(dirfd, name, st.st_dev, err);
}

static int size_children(int fd, const char *name, uint64_t *bytes, struct error *err)
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
		    tree_size(fd, entry->d_name, bytes, err) < 0)
			return -1;
	return errno ? error_errno(err, errno, "read directory %s", name) : 0;
}

int tree_size(int dirfd, const char *name, uint64_t *bytes, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at %s", name);
	if (S_ISREG(st.st_mode))
		*bytes += (uint64_t)st.st_size;
	if (!S_ISDIR(st.st_mode))
		return 0;
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_errno(err, errno, "open directory %s", name) : size_children(fd, name, bytes, err);
}
