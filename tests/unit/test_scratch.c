/* SPDX-License-Identifier: Apache-2.0 */
/* The working directory of a build, in jobs: each has its own mount namespace. */
#include "builder/cache/scratch.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tests/unit/check_job.h"
#include "tests/unit/own_cache.h"
#include "tests/unit/restricted.h"

#define MORE_THAN_ANY_MEMORY (1ull << 60)

static int in_memory(void *context, struct error *err)
{
	struct own_cache *w = context;
	struct scratch s = { 0 };
	CLEANUP(free_p) char *made = NULL;
	struct statfs fs;

	if (scratch_open(&w->cache, SCRATCH_MEMORY, 1 << 20, &s, err) < 0)
		return -1;
	EXPECT(s.kind == SCRATCH_MEMORY && statfs(s.path, &fs) == 0 && fs.f_type == TMPFS_MAGIC);
	if (scratch_directory(&s, "tree", &made, err) < 0)
		return -1;
	EXPECT(text_starts(made, s.path) && text_ends(made, "/tree") && access(made, W_OK) == 0);
	CLEANUP(free_p) char *path = xstrdup(s.path);
	scratch_close(&s);
	EXPECT(!s.path && access(path, F_OK) < 0);
	scratch_close(&s);
	return 0;
}

TEST(scratch_open_in_memory)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	if (geteuid() != 0)
		SKIP("needs root");
	CHECK(own_cache_open(&w) == 0);
	CHECK_STR(check_job(in_memory, &w), "");
}

static int on_disk(void *context, struct error *err)
{
	struct own_cache *w = context;
	struct scratch s = { 0 };

	if (scratch_open(&w->cache, SCRATCH_AUTO, MORE_THAN_ANY_MEMORY, &s, err) < 0)
		return -1;
	EXPECT(s.kind == SCRATCH_DISK && access(s.path, W_OK) == 0);
	CLEANUP(free_p) char *path = xstrdup(s.path);
	scratch_forget(&s);
	EXPECT(!s.path && access(path, F_OK) == 0);
	if (scratch_open(&w->cache, SCRATCH_DISK, 1, &s, err) < 0)
		return -1;
	EXPECT(s.kind == SCRATCH_DISK);
	scratch_close(&s);
	return 0;
}

TEST(scratch_open_on_disk_when_memory_is_short)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	if (geteuid() != 0)
		SKIP("needs root");
	CHECK(own_cache_open(&w) == 0);
	CHECK_STR(check_job(on_disk, &w), "");
}

static int restricted(void *context, struct error *err)
{
	struct own_cache *w = context;
	struct scratch s = { 0 };

	if (restricted_enter(err) < 0 || scratch_open(&w->cache, SCRATCH_MEMORY, 1, &s, err) < 0)
		return -1;
	EXPECT(s.kind == SCRATCH_DISK && access(s.path, W_OK) == 0);
	scratch_close(&s);
	return 0;
}

/* Nothing can be mounted: even a wish for memory gets the disk. */
TEST(scratch_open_on_disk_in_a_restricted_build)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	if (geteuid() != 0)
		SKIP("needs root");
	CHECK(own_cache_open(&w) == 0);
	CHECK_STR(check_job(restricted, &w), "");
}
