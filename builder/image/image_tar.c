/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/archive/tar.h"
#include "builder/image/image_internal.h"
#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/text.h"

/* "./etc/passwd" and "etc/passwd" become "/etc/passwd"; "." becomes "/"; NULL when it leads elsewhere. */
static char *absolute(const char *path)
{
	CLEANUP(text_done) struct text ret = { 0 };

	while (*path) {
		size_t len;
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && memcmp(path, "..", 2) == 0)
			return NULL;
		if (len && !(len == 1 && *path == '.')) {
			text_add(&ret, "/");
			text_addn(&ret, path, len);
		}
		path += len;
	}
	if (!ret.len)
		text_add(&ret, "/");
	return text_take(&ret);
}

#define CONTENT_SKIPPED (UINT64_MAX - 1)

/* Appends the member's content to the spool; returns its offset there. */
static int keep_content(struct image *image, struct tar_reader *reader, uint64_t size, uint64_t *ret_place,
			struct error *err)
{
	const void *block;
	off_t offset;
	size_t n;
	int rc;

	*ret_place = image->held;
	while ((rc = tar_read_data(reader, &block, &n, &offset, err)) > 0) {
		if (offset < 0 || (uint64_t)offset > size || n > size - (uint64_t)offset)
			return error_set(err, ERROR_FAILED, "a member's data extends beyond its size");
		if (spool_reserve(&image->spool, n, err) < 0)
			return -1;
		if (pwrite_all(image->spool.fd, block, n, (off_t)image->held + offset) < 0)
			return error_errno(err, errno, "store the archive's contents");
	}
	image->held += size;
	return rc;
}

/* Zeros that the archive leaves out. */
static void add_hole(struct hash *h, uint64_t len)
{
	static const char zeros[1 << 16];

	for (; len; len -= len < sizeof zeros ? len : sizeof zeros)
		hash_add(h, zeros, len < sizeof zeros ? (size_t)len : sizeof zeros);
}

static int digest_content(struct tar_reader *reader, uint64_t size, char **ret_hex, struct error *err)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	char hex[SHA256_HEX];
	const void *block;
	uint64_t at = 0;
	off_t offset;
	size_t n;
	int rc;

	while ((rc = tar_read_data(reader, &block, &n, &offset, err)) > 0) {
		if (offset < 0 || (uint64_t)offset < at || (uint64_t)offset > size || n > size - (uint64_t)offset)
			return error_set(err, ERROR_FAILED, "a member's data extends beyond its size");
		add_hole(h, (uint64_t)offset - at);
		hash_add(h, block, n);
		at = (uint64_t)offset + n;
	}
	add_hole(h, size - at);
	hash_hex(h, hex);
	*ret_hex = xstrdup(hex);
	return rc;
}

static int take_content(struct image *image, struct tar_reader *reader, image_want_fn *want, struct image_node *node,
			struct error *err)
{
	enum image_want wanted = want(&node->entry);

	node->handle = CONTENT_SKIPPED;
	if (wanted == IMAGE_KEEP)
		return keep_content(image, reader, node->entry.size, &node->handle, err);
	return wanted == IMAGE_DIGEST ? digest_content(reader, node->entry.size, &node->entry.sha256, err) : 0;
}

/* A hard link is marked and keeps its target in link until all members are known and sorted. */
#define HARD_LINK UINT64_MAX

static int add_hard_link(struct image *image, const struct tar_entry *e, char *path, struct error *err)
{
	char *original = absolute(e->original);

	if (!original) {
		free(path);
		return error_set(err, ERROR_FAILED, "the hard link %s leads out of the tree", e->path);
	}
	return image_index_add(&image->index,
			       (struct image_node){ .entry = { .path = path, .link = original }, .handle = HARD_LINK },
			       err);
}

static int resolve_hard_link(const struct image *image, struct image_node *node, struct error *err)
{
	const struct image_node *original = image_index_find(&image->index, node->entry.link);
	char *path = node->entry.path;

	if (!original || original->handle == HARD_LINK)
		return error_set(err, ERROR_FAILED, "%s is a hard link to %s, which is not in the archive", path,
				 node->entry.link);
	free(node->entry.link);
	*node = *original;
	node->entry.path = path;
	node->entry.link = xstrdup_or_null(original->entry.link);
	node->entry.attributes = xstrdup_or_null(original->entry.attributes);
	node->entry.sha256 = xstrdup_or_null(original->entry.sha256);
	return 0;
}

static int finish(struct image *image, struct error *err)
{
	image_index_sort(&image->index);
	for (size_t i = 0; i < image->index.n; i++) {
		if (image->index.at[i].handle == HARD_LINK && resolve_hard_link(image, &image->index.at[i], err) < 0)
			return -1;
	}
	if (image->index.n == 0)
		return error_set(err, ERROR_FAILED, "the archive is empty");
	image->content = image->spool.fd;
	return ftruncate(image->content, (off_t)image->held) < 0
		       ? error_errno(err, errno, "store the archive's contents")
		       : 0;
}

static int add_member(struct image *image, struct tar_reader *reader, image_want_fn *want, const struct tar_entry *e,
		      struct error *err)
{
	CLEANUP(strings_done) struct strings attributes = { 0 };
	char *path = absolute(e->path);
	struct image_node node = {
		.entry = { .path = path, .mode = e->mode, .uid = e->uid, .gid = e->gid, .mtime = e->mtime }
	};

	if (!path)
		return error_set(err, ERROR_FAILED, "the member %s leads out of the tree", e->path);
	if (e->original)
		return add_hard_link(image, e, path, err);
	if (S_ISREG(e->mode)) {
		node.entry.size = e->size;
		if (take_content(image, reader, want, &node, err) < 0) {
			free(node.entry.sha256);
			free(path);
			return -1;
		}
	}
	if (e->target)
		node.entry.link = xstrdup(e->target);
	for (size_t i = 0; i < e->xattrs; i++)
		image_attribute(&attributes, e->xattr[i].name, e->xattr[i].value, e->xattr[i].size);
	node.entry.attributes = image_attributes(&attributes);
	return image_index_add(&image->index, node, err);
}

static int read_members(struct image *image, image_want_fn *want, bool *ret_any, struct error *err)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *reader = NULL;
	const struct tar_entry *entry;
	int rc = tar_read_fd(image->fd, "it", &reader, err);

	while (rc == 0 && (rc = tar_read_next(reader, &entry, err)) > 0) {
		*ret_any = true;
		rc = add_member(image, reader, want, entry, err);
	}
	return rc;
}

int image_tar_load(struct image *image, image_want_fn *want, struct error *err)
{
	struct error why;
	bool any = false;

	if (read_members(image, want, &any, err) == 0)
		return finish(image, err);
	why = *err;
	if (any)
		return -1;
	return error_set(err, why.class, "this is neither a disk nor a tar archive (%s)", why.text);
}

int image_tar_read(struct image *image, const struct image_node *node, uint64_t from, size_t len, struct text *ret,
		   struct error *err)
{
	CLEANUP(free_p) char *bytes = xmalloc(len + 1);

	if (node->handle == CONTENT_SKIPPED)
		return error_set(err, ERROR_FAILED, "its content was not kept");
	if (pread_all(image->content, bytes, len, (off_t)(node->handle + from)) < 0)
		return error_errno(err, errno, "read what the archive holds");
	text_addn(ret, bytes, len);
	return 0;
}
