/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/disk/ext4_inode.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define GOOD_OLD_SIZE 128 /* of ext2's inode */
#define EXTENTS 0x80000u  /* a flag: block[] is the root of a tree of extents */
#define EPOCH_MASK 3      /* seconds beyond 32 bits; the upper 30 bits count nanoseconds */

static void set_time(uint32_t *seconds, uint32_t *extra, int64_t time)
{
	*seconds = (uint32_t)time;
	*extra = (uint32_t)((time - (int32_t)time) >> 32) & EPOCH_MASK;
}

int64_t ext4_inode_time(uint32_t seconds, uint32_t extra)
{
	return (int32_t)seconds + ((int64_t)(extra & EPOCH_MASK) << 32);
}

static void set_device(struct ext4_raw *raw, dev_t device)
{
	unsigned major = major(device), minor = minor(device);

	if (major < 256 && minor < 256)
		raw->block[0] = major << 8 | minor;
	else
		raw->block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

void ext4_inode_encode(const struct ext4_inode *inode, struct ext4_raw *ret)
{
	*ret = (struct ext4_raw){
		.mode = (uint16_t)inode->mode,
		.uid = (uint16_t)inode->uid,
		.gid = (uint16_t)inode->gid,
		.uid_high = (uint16_t)(inode->uid >> 16),
		.gid_high = (uint16_t)(inode->gid >> 16),
		.links = inode->links > EXT4_LINKS_MAX ? 1 : (uint16_t)inode->links,
		.size = (uint32_t)inode->size,
		.size_high = (uint32_t)(inode->size >> 32),
		.extra_isize = sizeof *ret - GOOD_OLD_SIZE,
	};
	set_time(&ret->mtime, &ret->mtime_extra, inode->mtime);
	set_time(&ret->atime, &ret->atime_extra, inode->mtime);
	set_time(&ret->ctime, &ret->ctime_extra, inode->mtime);
	set_time(&ret->crtime, &ret->crtime_extra, inode->mtime);
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		set_device(ret, inode->device);
	else if (S_ISREG(inode->mode) || S_ISDIR(inode->mode) || inode->spans)
		ret->flags = EXTENTS;
	else if (S_ISLNK(inode->mode))
		memcpy(ret->block, inode->link, inode->size);
}
