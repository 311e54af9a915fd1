/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Small images, made by the project's own writers: a .tar.zst of members, and a raw or qcow2 disk with an ext4 root.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/archive/tar.h"
#include "builder/disk/disk.h"
#include "builder/disk/ext4.h"
#include "builder/disk/gpt.h"
#include "builder/disk/qcow2.h"
#include "builder/image/image_reader.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define MAKER_MIB (1ull << 20)
#define MAKER_EPOCH 1700000000
#define MAKER_DISK (32 * MAKER_MIB)

struct member {
	const char *path, *target, *original, *content;
	mode_t mode;
	struct tar_xattr xattr[2];
	unsigned uid;
};

#define MEMBER_DIRECTORY(name)                                                                                         \
	{                                                                                                              \
		.path = name, .mode = S_IFDIR | 0755                                                                   \
	}
#define MEMBER_FILE(name, text)                                                                                        \
	{                                                                                                              \
		.path = name, .content = text, .mode = S_IFREG | 0644                                                  \
	}
#define MEMBER_PROGRAM(name)                                                                                           \
	{                                                                                                              \
		.path = name, .content = "program", .mode = S_IFREG | 0755                                             \
	}
#define MEMBER_LINK(name, to)                                                                                          \
	{                                                                                                              \
		.path = name, .target = to, .mode = S_IFLNK | 0777                                                     \
	}

/* Writes one member. */
UNUSED static int maker_add(struct tar_writer *writer, const struct member *m, struct error *err)
{
	size_t size = m->content ? strlen(m->content) : 0;
	struct tar_entry e = { .path = m->path,
			       .target = m->target,
			       .original = m->original,
			       .mode = m->mode,
			       .size = size,
			       .uid = m->uid,
			       .mtime = MAKER_EPOCH,
			       .xattr = m->xattr,
			       .xattrs = !!m->xattr[0].name + !!m->xattr[1].name };

	if (tar_write_entry(writer, &e, err) < 0)
		return -1;
	if (!size)
		return 0;
	return tar_write_data(writer, m->content, size, err);
}

/* The directories above member i that no earlier one is in. */
UNUSED static int maker_add_parents(struct tar_writer *writer, const struct member *m, size_t i, struct error *err)
{
	for (const char *slash = strchr(m[i].path, '/'); slash && slash[1]; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash + 1 - m[i].path);
		CLEANUP(free_p) char *parent = xstrndup(m[i].path, len);
		struct member directory = MEMBER_DIRECTORY(parent);
		bool known = strstr(m[i].path, "..") != NULL;
		for (size_t k = 0; k < i && !known; k++)
			known = strncmp(m[k].path, parent, len) == 0;
		if (!known && maker_add(writer, &directory, err) < 0)
			return -1;
	}
	return 0;
}

/* A zstd archive of the members at path, which is replaced. */
UNUSED static int maker_tarball(const char *path, const struct member *m, size_t n, struct error *err)
{
	CLEANUP(tar_writer_free_p) struct tar_writer *writer = NULL;
	CLEANUP(close_p) int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (tar_write_fd(fd, COMPRESSION_ZSTD, 0, &writer, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (maker_add_parents(writer, m, i, err) < 0 || maker_add(writer, &m[i], err) < 0)
			return -1;
	}
	return tar_write_end(writer, err);
}

/* The layout of disk_plan(), with smaller partitions. */
UNUSED static struct disk_plan maker_plan(void)
{
	return (struct disk_plan){
		.size = MAKER_DISK,
		.uuid = "01234567-89ab-8def-8123-000000000000",
		.root_uuid = "01234567-89ab-8def-8123-456789abcdef",
		.hash_seed = "01234567-89ab-8def-8123-456789abcdee",
		.bios = true,
		.partition = {
			[DISK_BIOS] = { "bios", "21686148-6449-6E6F-744E-656564454649",
					"01234567-89ab-8def-8123-000000000014", 14, 1 * MAKER_MIB, 1 * MAKER_MIB },
			[DISK_ESP] = { "esp", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
				       "01234567-89ab-8def-8123-000000000015", 15, 2 * MAKER_MIB, 2 * MAKER_MIB },
			[DISK_ROOT] = { "root", "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
					"01234567-89ab-8def-8123-000000000001", 1, 4 * MAKER_MIB, 27 * MAKER_MIB },
		},
	};
}

/* A raw disk in fd, an empty file: partitions, "boot code" in the first one, and the tree at root. */
UNUSED static int maker_disk(const struct disk_plan *plan, const char *root, int fd, struct error *err)
{
	const struct ext4_make make = { .fd = fd,
					.offset = plan->partition[DISK_ROOT].start,
					.size = plan->partition[DISK_ROOT].size,
					.uuid = plan->root_uuid,
					.hash_seed = plan->hash_seed,
					.epoch = MAKER_EPOCH };

	if (ftruncate(fd, (off_t)plan->size) < 0 ||
	    pwrite_all(fd, "boot code", 9, (off_t)plan->partition[DISK_BIOS].start) < 0)
		return error_errno(err, errno, "make the disk");
	if (gpt_write(plan, fd, err) < 0)
		return -1;
	return ext4_write(&make, root, err);
}

UNUSED static int maker_qcow2(int raw, const char *path, struct error *err)
{
	const struct qcow2_options options = { .compression = COMPRESSION_ZSTD, .threads = 1 };
	CLEANUP(close_p) int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return qcow2_write(raw, fd, &options, err);
}

UNUSED static enum image_want maker_wants_all(const struct image_entry *e UNUSED)
{
	return IMAGE_KEEP;
}

/* Opens and loads an image with all contents. */
UNUSED static int image_of(const char *path, struct image **ret, struct error *err)
{
	CLEANUP(image_close_p) struct image *image = NULL;

	if (image_open(path, &image, err) < 0 || image_load(image, maker_wants_all, err) < 0)
		return -1;
	*ret = TAKE(image);
	return 0;
}
