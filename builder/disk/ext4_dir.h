/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Encodes the blocks of a new ext4 directory; no I/O. Linear, without a hash index: the kernel reads both, and e2fsck
 * -D builds an index where it pays. The last 12 bytes of each block are reserved for its checksum.
 */
#include <stdint.h>
#include <sys/types.h>

#include "lib/text.h"

struct ext4_dir {
	struct text blocks; /* owned */
	size_t last;        /* offset of the last entry: it extends to the end of its block */
	uint32_t subdirs;   /* each one's `..` counts as a link to the directory */
};

void ext4_dir_start(struct ext4_dir *dir, uint32_t number, uint32_t parent);
void ext4_dir_add(struct ext4_dir *dir, const char *name, uint32_t number, mode_t mode);
void ext4_dir_end(struct ext4_dir *dir);
void ext4_dir_done(struct ext4_dir *dir);
