/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/image_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "builder/image/image_internal.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/input.h"

#define DIGEST_CHUNK (1u << 20)

/* The file's first bytes decide what it is; its name does not matter. */
enum format { FORMAT_QCOW2, FORMAT_RAW, FORMAT_TAR };

static enum format format_of(int fd)
{
	static const struct {
		off_t at;
		const char *magic;
		enum format format;
	} magics[] = {
		{ 0, "QFI\xfb", FORMAT_QCOW2 },
		{ 512, "EFI PART", FORMAT_RAW },
		{ 510, "\x55\xaa", FORMAT_RAW },
	};
	char bytes[8];

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		size_t len = strlen(magics[i].magic);
		if (pread(fd, bytes, len, magics[i].at) == (ssize_t)len && memcmp(bytes, magics[i].magic, len) == 0)
			return magics[i].format;
	}
	return FORMAT_TAR;
}

int image_open(const char *path, struct image **ret, struct error *err)
{
	CLEANUP(image_close_p) struct image *image = xcalloc(1, sizeof *image);

	image->content = -1;
	image->spool = (struct spool)SPOOL_EMPTY;
	image->path = xstrdup(path);
	image->fd = input_open(path, err);
	if (image->fd < 0)
		return -1;
	if (spool_open(&image->spool, err) < 0)
		return -1;
	*ret = TAKE(image);
	return 0;
}

int image_load(struct image *image, image_want_fn *want, struct error *err)
{
	enum format format = format_of(image->fd);

	image->kind = format == FORMAT_TAR ? IMAGE_TARBALL : IMAGE_DISK;
	if (lseek(image->fd, 0, SEEK_SET) < 0)
		return error_errno(err, errno, "%s", image->path);
	if ((format == FORMAT_TAR ? image_tar_load(image, want, err)
				  : image_disk_load(image, format == FORMAT_QCOW2, err)) < 0 ||
	    image_index_check(&image->index, err) < 0) {
		if (err->class == ERROR_FAILED)
			err->class = ERROR_INPUT;
		return error_wrap(err, "%s", image->path);
	}
	return 0;
}

int image_fd(const struct image *image)
{
	return image->fd;
}

void image_close_p(struct image **image)
{
	if (!*image)
		return;
	ext4_discard_p(&(*image)->root);
	partitions_done(&(*image)->partitions);
	image_index_done(&(*image)->index);
	spool_close(&(*image)->spool);
	close_p(&(*image)->fd);
	free((*image)->path);
	free(*image);
	*image = NULL;
}

enum image_kind image_kind(const struct image *image)
{
	return image->kind;
}

uint64_t image_virtual_size(const struct image *image)
{
	return image->size;
}

size_t image_partitions(const struct image *image, const struct image_partition **ret)
{
	*ret = image->partitions.at;
	return image->partitions.n;
}

int image_stat(struct image *image, const char *path, const struct image_entry **ret, struct error *err UNUSED)
{
	const struct image_node *node = image_index_resolve(&image->index, path, false);

	if (!node)
		return 0;
	*ret = &node->entry;
	return 1;
}

int image_follow(struct image *image, const char *path, const struct image_entry **ret, struct error *err UNUSED)
{
	const struct image_node *node = image_index_resolve(&image->index, path, true);

	if (!node)
		return 0;
	*ret = &node->entry;
	return 1;
}

int image_read_part(struct image *image, const struct image_entry *e, uint64_t from, size_t len, struct text *ret,
		    struct error *err)
{
	/* Entries are never made outside of nodes. */
	const struct image_node *node =
		(const struct image_node *)((const char *)e - offsetof(struct image_node, entry));

	if (from >= e->size)
		return 0;
	if (len > e->size - from)
		len = (size_t)(e->size - from);
	if ((image->kind == IMAGE_DISK ? image_disk_read : image_tar_read)(image, node, from, len, ret, err) < 0)
		return error_wrap(err, "%s: %s", image->path, e->path);
	return 0;
}

int image_read(struct image *image, const char *path, size_t limit, struct text *ret, struct error *err)
{
	const struct image_node *node = image_index_resolve(&image->index, path, true);

	if (!node)
		return error_set(err, ERROR_FAILED, "%s: it has no %s", image->path, path);
	if (!S_ISREG(node->entry.mode))
		return error_set(err, ERROR_FAILED, "%s: its %s is not a regular file", image->path, path);
	if (node->entry.size > limit)
		return error_set(err, ERROR_FAILED, "%s: its %s is larger than %s", image->path, path,
				 text_bytes(limit));
	return image_read_part(image, &node->entry, 0, (size_t)node->entry.size, ret, err);
}

int image_content_digest(struct image *image, const struct image_entry *e, char ret_hex[SHA256_HEX], struct error *err)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	CLEANUP(text_done) struct text part = { 0 };

	if (e->sha256) {
		memcpy(ret_hex, e->sha256, SHA256_HEX);
		return 0;
	}
	for (uint64_t from = 0; from < e->size; from += part.len) {
		part.len = 0;
		if (image_read_part(image, e, from, DIGEST_CHUNK, &part, err) < 0)
			return -1;
		if (!part.len)
			return error_set(err, ERROR_FAILED, "%s: %s ends too early", image->path, e->path);
		hash_add(h, part.data, part.len);
	}
	hash_hex(h, ret_hex);
	return 0;
}

int image_digest(struct image *image, uint64_t start, uint64_t size, char ret_hex[SHA256_HEX], struct error *err)
{
	CLEANUP(free_p) char *buffer = xmalloc(DIGEST_CHUNK);
	CLEANUP(hash_free_p) struct hash *h = hash_new();

	while (size) {
		size_t n = size < DIGEST_CHUNK ? (size_t)size : DIGEST_CHUNK;
		if (pread_all(image->content, buffer, n, (off_t)start) < 0)
			return error_errno(err, errno, "%s: read its disk", image->path);
		hash_add(h, buffer, n);
		start += n;
		size -= n;
	}
	hash_hex(h, ret_hex);
	return 0;
}

int image_walk(struct image *image, int (*entry)(void *context, const struct image_entry *e, struct error *err),
	       void *context, struct error *err)
{
	for (size_t i = 0; i < image->index.n; i++) {
		if (entry(context, &image->index.at[i].entry, err) < 0)
			return -1;
	}
	return 0;
}
