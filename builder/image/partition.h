/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The partitions of a raw disk, and the file systems in them. This is the only user of libblkid in
 * the builder.
 */
#include "builder/image/image_reader.h"

#define PARTITIONS_MAX 128 /* the size of an ordinary GPT */

struct partitions {
	struct image_partition *at; /* owned */
	size_t n, max;
};

/* A disk without a partition table has none. The disk may come from anywhere. */
int partitions_read(int fd, struct partitions *ret, struct error *err) MUST_CHECK;
void partitions_done(struct partitions *p);
/* The one with the guest's root: by its type, else the largest with ext4; NULL when there is none. */
const struct image_partition *partitions_root(const struct partitions *p);
