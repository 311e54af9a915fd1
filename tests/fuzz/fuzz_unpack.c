/* SPDX-License-Identifier: Apache-2.0 */
/* A tar of any compression, unpacked below a directory that has links out of it: what is next to the directory stays as it is. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/archive/tarball.h"
#include "lib/alloc.h"
#include "lib/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const canaries[] = { "", "canary", "outside", "outside/file" };

static void need(bool ok)
{
	if (!ok)
		abort();
}

/* On a file system in memory, which is faster. */
static int make_place(char *path)
{
	struct error err = { 0 };
	int fd = mkdtemp(path) ? dir_open(AT_FDCWD, path, &err) : -1;

	need(fd >= 0 && mkdirat(fd, "outside", 0755) == 0 && mkdirat(fd, "root", 0755) == 0);
	need(file_write(fd, "canary", "c", 1, 0644, &err) == 0 &&
	     file_write(fd, "outside/file", "f", 1, 0644, &err) == 0);
	CLEANUP(free_p) char *absolute = xasprintf("%s/outside", path);
	need(symlinkat("../outside", fd, "root/up") == 0 && symlinkat(absolute, fd, "root/absolute") == 0);
	return fd;
}

static void look(int place, struct stat st[ARRAY_SIZE(canaries)])
{
	for (size_t i = 0; i < ARRAY_SIZE(canaries); i++)
		need(fstatat(place, canaries[i], &st[i], AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       a->st_size == b->st_size && a->st_nlink == b->st_nlink && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/dev/shm/nodekiln-fuzz.XXXXXX";
	CLEANUP(close_p) int place = make_place(path), archive = memfd_create("tar", MFD_CLOEXEC);
	struct stat before[ARRAY_SIZE(canaries)], after[ARRAY_SIZE(canaries)];
	struct error err = { 0 };

	look(place, before);
	need(archive >= 0 && write_all(archive, data, size) == 0 && lseek(archive, 0, SEEK_SET) == 0);
	CLEANUP(close_p) int root = openat(place, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(root >= 0);
	if (tarball_unpack(archive, "fuzz", root, &err) < 0)
		need(*err.text);
	look(place, after);
	for (size_t i = 0; i < ARRAY_SIZE(canaries); i++)
		need(same(&before[i], &after[i]));
	need(tree_remove(AT_FDCWD, path, &err) == 0);
	return 0;
}
