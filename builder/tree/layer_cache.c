/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/layer_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "builder/archive/tarball.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/macro.h"

/* The mtime of files that the build itself made. It is later than any SOURCE_DATE_EPOCH, so an artifact always
 * replaces it by its own date, whenever the layer was made. It is the last second that XFS without bigtime can
 * store. */
#define LAYER_STAMP INT32_MAX

static int open_chunks(int file, int root, struct chunks **ret, struct error *err)
{
	if (chunks_open(file, ret, err) < 0)
		return -1;
	chunks_locate(*ret, root);
	return 0;
}

int layer_cache_load(struct cache *cache, const char *key, const char *path, struct chunks **ret_chunks,
		     struct error *err)
{
	CLEANUP(free_p) char *entry = xasprintf("%s.tar.zst", key), *name = xasprintf("trees/%s", entry);

	if (!cache_has(cache, "trees", entry))
		return 0;
	CLEANUP(close_p) int file = openat(cache->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (file < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "open %s/%s", cache->path, name);
	CLEANUP(close_p) int root = dir_open(AT_FDCWD, path, err);
	if (root < 0)
		return -1;
	if (tarball_unpack(file, name, root, err) < 0 || (ret_chunks && open_chunks(file, root, ret_chunks, err) < 0))
		return error_wrap(err, "cached tree %s/%s (remove the file to rebuild it)", cache->path, name);
	return 1;
}

static int write_layer(const struct tarball *tarball, int file, struct error *err)
{
	if (tarball_write(tarball, file, NULL, err) < 0 || chunks_index_write(tarball->index, file, err) < 0)
		return error_wrap(err, "save a tree in the cache");
	return 0;
}

/* The file is in the scratch directory until it is complete. */
static int save_in(struct cache *cache, const char *scratch, int scratchfd, const char *key,
		   const struct tarball *tarball, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s.tar.zst", key);
	CLEANUP(free_p) char *source = xasprintf("%s/%s", scratch, name);
	CLEANUP(close_p) int file = openat(scratchfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (file < 0)
		return error_errno(err, errno, "create %s/%s", cache->path, source);
	if (write_layer(tarball, file, err) < 0)
		return -1;
	return cache_publish(cache, source, "trees", name, err);
}

int layer_cache_save(struct cache *cache, const char *key, const char *path, time_t started, int level,
		     const struct chunks *chunks, struct error *err)
{
	CLEANUP(close_p) int root = dir_open(AT_FDCWD, path, err);
	CLEANUP(chunks_index_done) struct chunks_index index = { .level = level };
	CLEANUP(free_p) char *scratch = NULL;
	CLEANUP(close_p) int scratchfd = -1;
	const struct tarball tarball = { .rootfd = root,
					 .compression = COMPRESSION_ZSTD,
					 .level = level,
					 .newest = started - 1,
					 .stamp = LAYER_STAMP,
					 .chunks = chunks,
					 .index = &index };

	if (root < 0 || cache_scratch(cache, &scratch, &scratchfd, err) < 0)
		return -1;
	int rc = save_in(cache, scratch, scratchfd, key, &tarball, err);
	struct error ignored = { 0 };
	if (tree_remove(cache->fd, scratch, &ignored) < 0)
		log_debug("%s", ignored.text); /* the next build removes it */
	return rc;
}
