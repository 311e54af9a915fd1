/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/deb_recompress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/archive/deb.h"
#include "builder/archive/frames.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/macro.h"

#define DIRECTORY "repacked"
#define LEVEL 1 /* read often and never transferred, so speed matters more than size */
#define HEADER "%-16s%-12d%-6d%-6d%-8o%-10llu`\n"
#define HEADER_LEN 60

/* The first bytes of a data archive in xz. */
static const uint8_t xz_magic[] = { 0xfd, '7', 'z', 'X', 'Z', 0 };

static bool is_xz(const struct deb *deb)
{
	return deb->data_size > sizeof xz_magic && !memcmp(deb->data, xz_magic, sizeof xz_magic);
}

/* The data archive as zstd frames, at fd's position. */
static int write_data(const struct deb *deb, int fd, struct error *err)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	CLEANUP(frames_free_p) struct frames *frames = frames_new(fd, LEVEL);
	const void *block;
	size_t n;
	off_t offset;
	int rc;

	if (tar_read_unpacked(deb->data, deb->data_size, deb->name, &r, err) < 0)
		return -1;
	while ((rc = tar_read_data(r, &block, &n, &offset, err)) > 0)
		if (frames_add(frames, block, n) < 0)
			return error_errno(err, errno, "recompress %s", deb->name);
	if (rc < 0)
		return -1;
	if (frames_flush(frames) < 0)
		return error_errno(err, errno, "recompress %s", deb->name);
	return 0;
}

/* Copies all that precedes the data archive's header; that header is written last, when the size is known. */
static int write_package(const struct mapped_file *package, const struct deb *deb, int fd, struct error *err)
{
	size_t start = (size_t)(deb->data - package->bytes), before = start - HEADER_LEN;
	char header[HEADER_LEN + 1];

	if (write_all(fd, package->bytes, before) < 0 || lseek(fd, (off_t)start, SEEK_SET) < 0)
		return error_errno(err, errno, "recompress %s", deb->name);
	if (write_data(deb, fd, err) < 0)
		return -1;
	off_t end = lseek(fd, 0, SEEK_END);
	snprintf(header, sizeof header, HEADER, "data.tar.zst", 0, 0, 0, 0100644,
		 (unsigned long long)end - (unsigned long long)start);
	if (end < 0 || pwrite_all(fd, header, HEADER_LEN, (off_t)before) < 0)
		return error_errno(err, errno, "recompress %s", deb->name);
	return 0;
}

int deb_recompress_write(const struct mapped_file *package, const char *name, int fd, struct error *err)
{
	CLEANUP(deb_done) struct deb deb = { 0 };

	if (deb_open(package->bytes, package->n, name, &deb, err) < 0)
		return -1;
	if (!is_xz(&deb))
		return 0;
	if (write_package(package, &deb, fd, err) < 0)
		return -1;
	return 1;
}

/* Writes into the scratch directory, then renames into the cache. */
static int recompress_in(struct cache *cache, const char *scratch, int scratchfd, const struct mapped_file *package,
			 const char *sha256, const char *name, int *ret_fd, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s/%s", scratch, sha256);
	CLEANUP(close_p) int fd = openat(scratchfd, sha256, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return error_errno(err, errno, "create %s/%s", cache->path, file);
	int rc = deb_recompress_write(package, name, fd, err);
	if (rc > 0 && cache_publish(cache, file, DIRECTORY, sha256, err) < 0)
		return -1;
	*ret_fd = rc > 0 ? TAKE_FD(fd) : -1;
	return rc;
}

/* 1 with *ret_fd, 0 if the package is not in xz. */
static int recompress(struct cache *cache, const struct mapped_file *package, const char *sha256, const char *name,
		      int *ret_fd, struct error *err)
{
	CLEANUP(free_p) char *scratch = NULL;
	CLEANUP(close_p) int scratchfd = -1;
	struct error ignored = { 0 };

	if (cache_scratch(cache, &scratch, &scratchfd, err) < 0)
		return -1;
	int rc = recompress_in(cache, scratch, scratchfd, package, sha256, name, ret_fd, err);
	if (tree_remove(cache->fd, scratch, &ignored) < 0)
		log_debug("%s", ignored.text); /* the next build removes it */
	return rc;
}

/* Returns the cached file, or -1. One without a good seal is removed. */
static int find(struct cache *cache, const char *sha256)
{
	CLEANUP(free_p) char *file = xasprintf(DIRECTORY "/%s", sha256);

	if (faccessat(cache->fd, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (!seal_check(cache, file)) {
		unlinkat(cache->fd, file, 0);
		return -1;
	}
	cache_touch(cache, file);
	return openat(cache->fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

int deb_recompress_open(struct cache *cache, const char *sha256, const char *name, struct mapped_file *ret,
			struct error *err)
{
	CLEANUP(mapped_file_done) struct mapped_file package = { 0 };
	CLEANUP(close_p) int recompressed = find(cache, sha256);
	struct error why = { 0 };

	if (recompressed < 0) {
		CLEANUP(close_p) int fd = cache_file(cache, sha256, err);
		if (fd < 0 || mapped_file_open(fd, name, &package, err) < 0)
			return -1;
		if (recompress(cache, &package, sha256, name, &recompressed, &why) < 0)
			log_debug("%s is not recompressed: %s", name, why.text);
	}
	if (recompressed >= 0)
		return mapped_file_open(recompressed, name, ret, err);
	*ret = TAKE(package);
	return 0;
}
