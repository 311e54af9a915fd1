/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An ext4 file system inside a file, at an offset, without a mount. This is the only user of libext2fs.
 *
 * ext4_write() makes one from a tree. The other functions are its parts, and the readers that image_reader.c uses:
 * those check everything, as an image may come from anywhere.
 */
#include <stdint.h>
#include <sys/types.h>

#include "builder/archive/chunks.h"
#include "lib/error.h"
#include "lib/text.h"

struct ext4; /* opaque: an open file system */

struct ext4_make {
	int fd;                       /* borrowed; holds zeros at offset .. offset + size */
	uint64_t offset, size;        /* bytes; multiples of EXT4_BLOCK */
	const char *uuid, *hash_seed; /* borrowed; UUIDs */
	int64_t epoch;                /* time stamps of the file system itself */
	const struct chunks_map *map; /* borrowed; receives the chunks that need not be written; may be NULL */
};
#define EXT4_BLOCK 4096u

/* Makes an empty file system and fills it with everything below root, sorted by name, so that equal trees give
 * equal bytes. Access, change and birth times are set to the modification time, because the other times of a tree
 * have no meaning. */
int ext4_write(const struct ext4_make *make, const char *root, struct error *err) MUST_CHECK;

/* An inode to be written, or one that was read. */
struct ext4_inode {
	uint32_t number;
	mode_t mode;
	uint32_t uid, gid, links;
	uint64_t size;
	int64_t mtime;
	dev_t device;
	const char *link;        /* borrowed; target of a symlink to be written */
	const struct ext4_span { /* borrowed; the parts that have blocks, ascending, not overlapping; in blocks */
		uint64_t start, count;
	} * span;
	size_t spans;
	bool chunks; /* place its blocks so that its chunks (chunks.h) coincide with chunks of the disk */
};

int ext4_open(int fd, uint64_t offset, bool writable, struct ext4 **ret, struct error *err) MUST_CHECK;
/* Writes the changes that are still in memory; *fs is NULL afterwards, also on failure. */
int ext4_close(struct ext4 **fs, struct error *err) MUST_CHECK;
/* Closes without writing: changes that are still in memory are lost. */
void ext4_discard_p(struct ext4 **fs);

#define EXT4_ROOT 2u
/* ------ writing; ERROR_SPACE when the file system is full. Times are set from `now`, the epoch. */
void ext4_set_time(struct ext4 *fs, int64_t now);
/* Reserves an inode number near the parent's. */
int ext4_new(struct ext4 *fs, uint32_t parent, mode_t mode, uint32_t *ret_number, struct error *err) MUST_CHECK;
/* Writes the inode. Allocates the spans' blocks in one piece where possible, and calls data for each piece (from:
 * bytes from the file's start; offset: byte offset in fd). */
typedef int ext4_data_fn(void *context, uint64_t from, uint64_t offset, uint64_t len, struct error *err);
int ext4_put(struct ext4 *fs, const struct ext4_inode *inode, ext4_data_fn *data, void *context, struct error *err)
	MUST_CHECK;
/* Puts a directory whose blocks come from ext4_dir.h; their checksums are computed here. The root's old blocks are
 * freed first. */
int ext4_put_directory(struct ext4 *fs, const struct ext4_inode *inode, struct text *blocks, struct error *err)
	MUST_CHECK;
int ext4_put_xattr(struct ext4 *fs, uint32_t number, const char *name, const void *value, size_t len, struct error *err)
	MUST_CHECK;
/* Increments the link count of an inode that was put. */
int ext4_link(struct ext4 *fs, uint32_t number, struct error *err) MUST_CHECK;
/* The inode number of a name in the root directory, 0 when there is none. */
uint32_t ext4_root_entry(struct ext4 *fs, const char *name);

/* ------ reading */
int ext4_stat(struct ext4 *fs, uint32_t number, struct ext4_inode *ret, struct error *err) MUST_CHECK;
/* Calls fn for each extended attribute, in no particular order; name and value are valid only during the call. */
typedef void ext4_xattr_fn(void *context, const char *name, const void *value, size_t len);
int ext4_xattrs(struct ext4 *fs, uint32_t number, ext4_xattr_fn *fn, void *context, struct error *err) MUST_CHECK;
/* The content of a regular file or a symlink from byte `from` on: len bytes, fewer where it ends. */
int ext4_read(struct ext4 *fs, uint32_t number, uint64_t from, uint64_t len, struct text *ret, struct error *err)
	MUST_CHECK;
/* Calls entry for each entry except `.` and `..`; stops when it returns -1. */
typedef int ext4_entry_fn(void *context, const char *name, uint32_t number, struct error *err);
int ext4_list(struct ext4 *fs, uint32_t number, ext4_entry_fn *entry, void *context, struct error *err) MUST_CHECK;
