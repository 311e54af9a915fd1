/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cache/digest.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"

typedef int add_entry(struct hash *h, int dirfd, const char *name, struct error *err);
static int add_children(struct hash *h, int dirfd, const char *name, add_entry *add, struct error *err);

static int list_sorted(int fd, const char *name, struct strings *ret, struct error *err)
{
	CLEANUP(closedir_p) DIR *dir = fdopendir(dup(fd));
	const struct dirent *e;

	if (!dir)
		return error_errno(err, errno, "read directory %s", name);
	while ((errno = 0, e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			strings_add(ret, e->d_name);
	if (errno)
		return error_errno(err, errno, "read directory %s", name);
	strings_sort(ret);
	return 0;
}

static int digest_file(struct hash *h, int dirfd, const char *name, struct error *err)
{
	CLEANUP(close_p) int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char hex[SHA256_HEX];

	if (fd < 0)
		return error_errno(err, errno, "open %s", name);
	if (sha256_fd(fd, hex, err) < 0)
		return error_wrap(err, "%s", name);
	hash_field(h, "file", hex);
	return 0;
}

static int digest_entry(struct hash *h, int dirfd, const char *name, struct error *err)
{
	char target[4096], mode[16];
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at %s", name);
	/* Write permission of group and others depends on the umask at checkout, and does not get into an image. */
	snprintf(mode, sizeof mode, "%o", (unsigned)(st.st_mode & (S_IFMT | (S_ISLNK(st.st_mode) ? 0 : 07755))));
	hash_field(h, "name", name);
	hash_field(h, "mode", mode);
	if (S_ISREG(st.st_mode))
		return digest_file(h, dirfd, name, err);
	if (S_ISDIR(st.st_mode))
		return add_children(h, dirfd, name, digest_entry, err);
	if (!S_ISLNK(st.st_mode))
		return error_set(err, ERROR_INPUT, "%s is neither a file, a directory nor a symlink; remove it", name);
	ssize_t n = readlinkat(dirfd, name, target, sizeof target - 1);
	if (n < 0)
		return error_errno(err, errno, "read link %s", name);
	target[n] = '\0';
	hash_field(h, "link", target);
	return 0;
}

static int add_children(struct hash *h, int dirfd, const char *name, add_entry *add, struct error *err)
{
	CLEANUP(close_p) int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(strings_done) struct strings names = { 0 };

	if (fd < 0)
		return error_errno(err, errno, "open directory %s", name);
	if (list_sorted(fd, name, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (add(h, fd, names.at[i], err) < 0)
			return error_wrap(err, "%s", name);
	hash_field(h, "end", NULL);
	return 0;
}

int digest_directory(struct hash *h, const char *path, struct error *err)
{
	return add_children(h, AT_FDCWD, path, digest_entry, err);
}

static int state_entry(struct hash *h, int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at %s", name);
	CLEANUP(free_p)
	char *state = xasprintf("%o %ju %jd %jd.%09ld", (unsigned)st.st_mode, (uintmax_t)st.st_ino,
				(intmax_t)st.st_size, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	hash_field(h, "name", name);
	hash_field(h, "state", state);
	return S_ISDIR(st.st_mode) ? add_children(h, dirfd, name, state_entry, err) : 0;
}

int digest_state(struct hash *h, const char *path, struct error *err)
{
	return add_children(h, AT_FDCWD, path, state_entry, err);
}
