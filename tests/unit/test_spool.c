/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "builder/cache/spool.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define PIECE (1u << 20)

static void spool_done(struct spool *s)
{
	spool_close(s);
}

static bool in_memory(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

TEST(spool_moves_to_the_disk_when_it_grows)
{
	CLEANUP(spool_done) struct spool s = SPOOL_EMPTY;
	struct error err = { 0 };
	char got[8] = "";
	off_t hole;

	CHECK(spool_open(&s, &err) == 0 && in_memory(s.fd));
	if (s.disk < 0 || in_memory(s.disk))
		SKIP("needs a /var/tmp on a disk");
	s.memory = 2 * PIECE;
	CHECK(spool_reserve(&s, 2 * PIECE, &err) == 0 && in_memory(s.fd));
	CHECK(pwrite_all(s.fd, "first", 5, 0) == 0 && pwrite_all(s.fd, "last", 4, 64 * PIECE) == 0);
	CHECK(spool_reserve(&s, 1, &err) == 0 && !in_memory(s.fd) && s.disk == -1);
	CHECK(pread_all(s.fd, got, 4, 64 * PIECE) == 0);
	CHECK_STR(got, "last");
	CHECK(pread_all(s.fd, got, 5, 0) == 0);
	CHECK_STR(got, "first");
	hole = lseek(s.fd, 0, SEEK_HOLE);
	CHECK(hole > 0 && hole < 64 * PIECE); /* what was a hole is one */
	CHECK(spool_reserve(&s, PIECE, &err) == 0);
}

TEST(spool_has_a_limit)
{
	CLEANUP(spool_done) struct spool s = SPOOL_EMPTY;
	struct error err = { 0 };

	CHECK(spool_open(&s, &err) == 0);
	s.limit = 3 * PIECE;
	CHECK(spool_reserve(&s, 2 * PIECE, &err) == 0);
	CHECK(spool_reserve(&s, PIECE + 1, &err) < 0 && err.class == ERROR_SPACE);
	CHECK_STR(err.text, "it holds more than 3.0 MiB, the limit for an image's contents");
	CHECK(spool_reserve(&s, UINT64_MAX, &err) < 0 && spool_reserve(&s, PIECE, &err) == 0);
}

TEST(spool_without_a_directory_stays_in_memory)
{
	CLEANUP(spool_done) struct spool s = SPOOL_EMPTY;
	struct error err = { 0 };

	setenv("TMPDIR", "/nonexistent", 1);
	CHECK(spool_open(&s, &err) == 0);
	unsetenv("TMPDIR");
	s.memory = PIECE;
	CHECK(spool_reserve(&s, PIECE, &err) == 0);
	CHECK(spool_reserve(&s, 1, &err) < 0 && err.class == ERROR_SPACE && strstr(err.text, "TMPDIR"));
}
