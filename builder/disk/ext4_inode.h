/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An inode as ext4 stores it on disk (kernel documentation, "Index Nodes"), in host byte order, as libext2fs takes it.
 */
#include <stdint.h>

#include "builder/disk/ext4.h"

#define EXT4_LINKS_MAX 64998u /* a directory with more has a link count of 1 (dir_nlink) */

struct ext4_raw {
	uint16_t mode, uid;
	uint32_t size, atime, ctime, mtime, dtime;
	uint16_t gid, links;
	uint32_t blocks, flags, version, block[15], generation, file_acl, size_high, fragment;
	uint16_t blocks_high, file_acl_high, uid_high, gid_high, checksum, reserved;
	/* added after ext2: extra_isize bytes */
	uint16_t extra_isize, checksum_high;
	uint32_t ctime_extra, mtime_extra, atime_extra, crtime, crtime_extra, version_high, project;
};
_Static_assert(sizeof(struct ext4_raw) == 160, "the on-disk size");

/* Encodes everything except the extents. */
void ext4_inode_encode(const struct ext4_inode *inode, struct ext4_raw *ret);
/* A time from its two words: seconds since 1970 up to the year 2446. extra is 0 in an inode that has no such word. */
int64_t ext4_inode_time(uint32_t seconds, uint32_t extra);
