/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/layer.h"

#include <errno.h>
#include <unistd.h>

#include "builder/tarball.h"
#include "lib/file.h"

/* Written once and read back soon: speed before size. */
#define LAYER_ZSTD_LEVEL 1

int layer_load(struct cache *cache, const char *key, const char *path, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("trees/%s.tar.zst", key);
	CLEANUP(close_p) int file = openat(cache->fd, name, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "open %s/%s", cache->path, name);
	cache_touch(cache, name);
	CLEANUP(close_p) int root = dir_open(AT_FDCWD, path, err);
	if (root < 0)
		return -1;
	if (tarball_unpack(file, name, root, err) < 0)
		return error_wrap(err, "a cached tree, %s/%s (remove it to have it made again)", cache->path, name);
	return 1;
}

/* The scratch directory holds the one file until it is whole. */
static int save_in(struct cache *cache, const char *scratch, int scratchfd, const char *key, int root,
		   struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s.tar.zst", key);
	CLEANUP(free_p) char *source = xasprintf("%s/%s", scratch, name);
	CLEANUP(close_p) int file = openat(scratchfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct tarball tarball = { .rootfd = root, .compression = COMPRESSION_ZSTD, .level = LAYER_ZSTD_LEVEL };

	if (file < 0)
		return error_errno(err, errno, "create %s/%s", cache->path, source);
	if (tarball_write(&tarball, file, NULL, err) < 0)
		return error_wrap(err, "save a tree in the cache");
	return cache_publish(cache, source, "trees", name, err);
}

int layer_save(struct cache *cache, const char *key, const char *path, struct error *err)
{
	CLEANUP(close_p) int root = dir_open(AT_FDCWD, path, err);
	CLEANUP(free_p) char *scratch = NULL;
	CLEANUP(close_p) int scratchfd = -1;

	if (root < 0 || cache_scratch(cache, &scratch, &scratchfd, err) < 0)
		return -1;
	int rc = save_in(cache, scratch, scratchfd, key, root, err);
	struct error ignored = { 0 };
	if (tree_remove(cache->fd, scratch, &ignored) < 0 && rc == 0)
		rc = 0; /* the next build sweeps it */
	return rc;
}
