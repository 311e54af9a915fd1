/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by image_reader.c and the two readers.
 */
#include "builder/cache/spool.h"
#include "builder/disk/ext4.h"
#include "builder/image/image_index.h"
#include "builder/image/image_reader.h"
#include "builder/image/partition.h"

struct image {
	enum image_kind kind;
	char *path; /* owned; for messages */
	struct image_index index;
	int fd;                       /* owned; the image's file */
	int content;                  /* borrowed; the raw disk, or the members' contents one after the other */
	struct spool spool;           /* owned; the contents, or the disk of a qcow2 file */
	uint64_t held;                /* bytes of a tar archive's content so far */
	uint64_t size;                /* of the disk */
	struct partitions partitions; /* of the disk */
	struct ext4 *root;            /* owned; of the disk */
};

int image_disk_load(struct image *image, bool qcow2, struct error *err) MUST_CHECK;
/* Both read a part of a regular file, which has it. */
int image_disk_read(struct image *image, const struct image_node *node, uint64_t from, size_t len, struct text *ret,
		    struct error *err) MUST_CHECK;
int image_tar_load(struct image *image, image_want_fn *want, struct error *err) MUST_CHECK;
int image_tar_read(struct image *image, const struct image_node *node, uint64_t from, size_t len, struct text *ret,
		   struct error *err) MUST_CHECK;
