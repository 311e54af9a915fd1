/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/disk/qcow2.h"
#include "builder/image/image_internal.h"
#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/text.h"

#define DEPTH_MAX 128 /* nested directories; more is a cycle in a broken file system */
#define LINK_MAX_BYTES 4096u

static int load_raw(struct image *image, struct error *err)
{
	struct stat st;

	if (fstat(image->fd, &st) < 0)
		return error_errno(err, errno, "open the raw disk");
	image->content = image->fd;
	image->size = (uint64_t)st.st_size;
	return 0;
}

static int load_qcow2(struct image *image, struct error *err)
{
	struct qcow2_info info;

	if (qcow2_info(image->fd, &info, err) < 0 || spool_reserve(&image->spool, info.allocated, err) < 0)
		return -1;
	image->size = info.size;
	image->content = image->spool.fd;
	return qcow2_read(image->fd, image->content, err);
}

struct walk {
	struct image *image;
	struct text path; /* of the directory that is being listed */
	unsigned depth;
};

static int walk_directory(struct walk *w, uint32_t number, struct error *err);

static int read_link(struct walk *w, uint32_t number, uint64_t size, char **ret, struct error *err)
{
	struct text target = { 0 };

	if (size > LINK_MAX_BYTES)
		return error_set(err, ERROR_FAILED, "the symlink of inode %u has more than %u bytes", number,
				 LINK_MAX_BYTES);
	if (ext4_read(w->image->root, number, 0, size, &target, err) < 0) {
		text_done(&target);
		return -1;
	}
	*ret = text_take(&target);
	return 0;
}

static int add_inode(struct walk *w, const char *path, uint32_t number, mode_t *ret_mode, struct error *err)
{
	CLEANUP(strings_done) struct strings attributes = { 0 };
	struct ext4_inode inode;
	char *link = NULL;

	if (ext4_stat(w->image->root, number, &inode, err) < 0 ||
	    ext4_xattrs(w->image->root, number, image_attribute, &attributes, err) < 0)
		return -1;
	if (S_ISLNK(inode.mode) && read_link(w, number, inode.size, &link, err) < 0)
		return -1;
	*ret_mode = inode.mode;
	return image_index_add(&w->image->index,
			       (struct image_node){ .entry = { .path = xstrdup(path),
							       .mode = inode.mode,
							       .uid = inode.uid,
							       .gid = inode.gid,
							       .size = inode.size,
							       .mtime = inode.mtime,
							       .link = link,
							       .attributes = image_attributes(&attributes) },
						    .handle = number },
			       err);
}

static int walk_entry(void *context, const char *name, uint32_t number, struct error *err)
{
	struct walk *w = context;
	size_t here = w->path.len;
	mode_t mode;
	int rc;

	if (!*name || strchr(name, '/'))
		return error_set(err, ERROR_FAILED, "the root file system has an invalid name in %s",
				 here ? w->path.data : "/");
	text_addf(&w->path, "/%s", name);
	rc = add_inode(w, w->path.data, number, &mode, err);
	if (rc == 0 && S_ISDIR(mode))
		rc = walk_directory(w, number, err);
	w->path.len = here;
	w->path.data[here] = '\0';
	return rc;
}

static int walk_directory(struct walk *w, uint32_t number, struct error *err)
{
	int rc;

	if (++w->depth > DEPTH_MAX)
		return error_set(err, ERROR_FAILED, "the root file system's directories are nested more than %d deep",
				 DEPTH_MAX);
	rc = ext4_list(w->image->root, number, walk_entry, w, err);
	w->depth--;
	return rc;
}

static int walk_root(struct image *image, struct error *err)
{
	CLEANUP(text_done) struct text path = { 0 };
	struct walk w = { .image = image };
	mode_t mode;
	int rc = add_inode(&w, "/", EXT4_ROOT, &mode, err);

	if (rc == 0)
		rc = walk_directory(&w, EXT4_ROOT, err);
	path = w.path;
	return rc;
}

int image_disk_load(struct image *image, bool qcow2, struct error *err)
{
	const struct image_partition *root;

	if ((qcow2 ? load_qcow2 : load_raw)(image, err) < 0 ||
	    partitions_read(image->content, &image->partitions, err) < 0)
		return -1;
	root = partitions_root(&image->partitions);
	if (!root)
		return error_set(err, ERROR_FAILED, "no partition of this disk has an ext4 file system");
	if (ext4_open(image->content, root->start, false, &image->root, err) < 0)
		return -1;
	if (walk_root(image, err) < 0)
		return -1;
	image_index_sort(&image->index);
	return 0;
}

int image_disk_read(struct image *image, const struct image_node *node, uint64_t from, size_t len, struct text *ret,
		    struct error *err)
{
	return ext4_read(image->root, (uint32_t)node->handle, from, len, ret, err);
}
