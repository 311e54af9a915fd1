/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary files in memory and on disk. */
#include "builder/cache/tmpfile.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check.h"

#define MORE_THAN_ANY_MEMORY (1ull << 62)

TEST(tmpfile_open_small_is_in_memory)
{
	struct error err = { 0 };
	CLEANUP(close_p) int fd = tmpfile_open(1, &err);
	struct statfs fs;
	char byte;

	CHECK(fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC);
	CHECK(write_all(fd, "x", 1) == 0 && pread_all(fd, &byte, 1, 0) == 0 && byte == 'x');
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

TEST(tmpfile_open_large_is_in_tmpdir)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX";
	struct error err = { 0 };
	struct stat file, dir;

	CHECK(mkdtemp(path));
	setenv("TMPDIR", path, 1);
	CLEANUP(close_p) int fd = tmpfile_open(MORE_THAN_ANY_MEMORY, &err);
	bool ok = fd >= 0 && fstat(fd, &file) == 0 && stat(path, &dir) == 0 && file.st_dev == dir.st_dev;
	CHECK(rmdir(path) == 0); /* so the file has no name in it */
	CHECK(ok && file.st_nlink == 0);
	CHECK(tmpfile_open(MORE_THAN_ANY_MEMORY, &err) < 0);
	CHECK(strstr(err.text, path) && strstr(err.text, "TMPDIR"));
	unsetenv("TMPDIR");
}
