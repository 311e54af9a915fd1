/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/disk/ext4.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <et/com_err.h>
#include <ext2fs/ext2fs.h>

#include "builder/disk/ext4_inode.h"
#include "lib/alloc.h"

#define EXTENT_BLOCKS_MAX 32768u /* of an initialised extent */

struct ext4 {
	ext2_filsys fs;
	uint64_t offset; /* of the file system in fd */
	blk64_t next;    /* where the search for free blocks starts, so that files follow each other as written */
	int64_t now;
};

static int fail(struct error *err, errcode_t code, const char *what, uint32_t number)
{
	bool full = code == EXT2_ET_BLOCK_ALLOC_FAIL || code == EXT2_ET_INODE_ALLOC_FAIL || code == ENOSPC;

	return error_set(err, full ? ERROR_SPACE : ERROR_FAILED, "ext4: %s (inode %u): %s", what, number,
			 error_message(code));
}

static int checked(struct error *err, errcode_t code, const char *what, uint32_t number)
{
	if (code)
		return fail(err, code, what, number);
	return 0;
}

int ext4_open(int fd, uint64_t offset, bool writable, struct ext4 **ret, struct error *err)
{
	struct ext4 *fs = xcalloc(1, sizeof *fs);
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	char name[16], options[48];
	errcode_t code;

	initialize_ext2_error_table();
	snprintf(name, sizeof name, "%d", own);
	snprintf(options, sizeof options, "offset=%llu", (unsigned long long)offset);
	if (own < 0)
		code = errno;
	else
		code = ext2fs_open2(name, options, (writable ? EXT2_FLAG_RW : 0) | EXT2_FLAG_64BITS, 0, 0,
				    unixfd_io_manager, &fs->fs);
	if (!code && writable)
		code = ext2fs_read_bitmaps(fs->fs);
	fs->offset = offset;
	if (code) {
		ext4_discard_p(&fs);
		return error_set(err, ERROR_FAILED, "ext4: open the file system at byte %llu: %s",
				 (unsigned long long)offset, error_message(code));
	}
	*ret = fs;
	return 0;
}

int ext4_close(struct ext4 **fs, struct error *err)
{
	errcode_t code = ext2fs_close_free(&(*fs)->fs);

	ext4_discard_p(fs);
	if (code)
		return error_set(err, code == ENOSPC ? ERROR_SPACE : ERROR_FAILED, "ext4: write the file system: %s",
				 error_message(code));
	return 0;
}

void ext4_discard_p(struct ext4 **fs)
{
	if (!*fs)
		return;
	if ((*fs)->fs)
		ext2fs_free((*fs)->fs);
	free(*fs);
	*fs = NULL;
}

void ext4_set_time(struct ext4 *fs, int64_t now)
{
	fs->now = now;
	fs->fs->now = (time_t)now;
}

int ext4_new(struct ext4 *fs, uint32_t parent, mode_t mode, uint32_t *ret_number, struct error *err)
{
	ext2_ino_t number;
	errcode_t code = ext2fs_new_inode(fs->fs, parent, (int)mode, NULL, &number);

	if (code)
		return fail(err, code, "find a free inode", parent);
	ext2fs_inode_alloc_stats2(fs->fs, number, +1, S_ISDIR(mode));
	*ret_number = number;
	return 0;
}

/* The first block at or after `from` whose offset within a chunk of the disk equals the offset of the file's block
 * lblk within a chunk of the file. */
static blk64_t align(const struct ext4 *fs, blk64_t from, blk64_t lblk)
{
	return from + (lblk - from - fs->offset / EXT4_BLOCK) % (CHUNK / EXT4_BLOCK);
}

/* Allocates the next free blocks after the cursor: as many as requested, or fewer where a group's own tables are in
 * the way. A file with chunks searches once more, behind those tables, for an aligned place. */
static errcode_t allocate(struct ext4 *fs, const struct ext4_inode *inode, struct ext4_span span, blk64_t *ret_first,
			  blk64_t *ret_count)
{
	blk64_t goal = inode->chunks ? align(fs, fs->next, span.start) : fs->next;
	errcode_t code = ext2fs_new_range(fs->fs, 0, goal, span.count, NULL, ret_first, ret_count);

	if (!code && inode->chunks && align(fs, *ret_first, span.start) != *ret_first)
		code = ext2fs_new_range(fs->fs, 0, align(fs, *ret_first, span.start), span.count, NULL, ret_first,
					ret_count);
	if (code)
		return code;
	if (*ret_count > EXTENT_BLOCKS_MAX)
		*ret_count = EXTENT_BLOCKS_MAX;
	ext2fs_block_alloc_stats_range(fs->fs, *ret_first, *ret_count, +1);
	fs->next = *ret_first + *ret_count;
	if (fs->next >= ext2fs_blocks_count(fs->fs->super))
		fs->next = 0;
	return 0;
}

static int put_span(struct ext4 *fs, const struct ext4_inode *inode, struct ext2_inode_large *raw,
		    ext2_extent_handle_t handle, struct ext4_span span, ext4_data_fn *data, void *context,
		    struct error *err)
{
	uint32_t number = inode->number;

	while (span.count) {
		struct ext2fs_extent extent = { .e_lblk = span.start };
		blk64_t first, count;
		errcode_t code = allocate(fs, inode, span, &first, &count);

		if (code)
			return fail(err, code, "allocate blocks", number);
		extent.e_pblk = first;
		extent.e_len = (uint32_t)count;
		code = ext2fs_extent_insert(handle, EXT2_EXTENT_INSERT_AFTER, &extent);
		if (!code)
			code = ext2fs_iblk_add_blocks(fs->fs, (struct ext2_inode *)raw, count);
		if (code)
			return fail(err, code, "add an extent", number);
		if (data(context, span.start * EXT4_BLOCK, fs->offset + first * EXT4_BLOCK, count * EXT4_BLOCK, err) <
		    0)
			return -1;
		span.start += count;
		span.count -= count;
	}
	return 0;
}

/* The extent functions write the inode themselves, so it must be on disk before they run; its block count is written
 * after them. */
static int put_spans(struct ext4 *fs, const struct ext4_inode *inode, struct ext2_inode_large *raw, ext4_data_fn *data,
		     void *context, struct error *err)
{
	ext2_extent_handle_t handle;
	errcode_t code = ext2fs_extent_open2(fs->fs, inode->number, (struct ext2_inode *)raw, &handle);
	int rc = 0;

	if (code)
		return fail(err, code, "start its extents", inode->number);
	for (size_t i = 0; rc == 0 && i < inode->spans; i++)
		rc = put_span(fs, inode, raw, handle, inode->span[i], data, context, err);
	ext2fs_extent_free(handle);
	return rc;
}

int ext4_put(struct ext4 *fs, const struct ext4_inode *inode, ext4_data_fn *data, void *context, struct error *err)
{
	union {
		struct ext4_raw encoded;
		struct ext2_inode_large known;
	} both;
	_Static_assert(sizeof both.encoded == sizeof both.known, "the size in libext2fs");
	struct ext2_inode_large raw;
	errcode_t code;

	ext4_inode_encode(inode, &both.encoded);
	raw = both.known;
	code = ext2fs_write_inode_full(fs->fs, inode->number, (struct ext2_inode *)&raw, sizeof raw);
	if (code)
		return fail(err, code, "write an inode", inode->number);
	if (!(raw.i_flags & EXT4_EXTENTS_FL))
		return 0;
	if (put_spans(fs, inode, &raw, data, context, err) < 0)
		return -1;
	code = ext2fs_write_inode_full(fs->fs, inode->number, (struct ext2_inode *)&raw, sizeof raw);
	return checked(err, code, "write an inode", inode->number);
}

struct ext4_blocks {
	struct ext4 *fs;
	uint32_t number;
	struct text *blocks;
};

static int put_directory_blocks(void *context, uint64_t from, uint64_t offset, uint64_t len, struct error *err)
{
	struct ext4_blocks *d = context;

	for (uint64_t done = 0; done < len; done += EXT4_BLOCK) {
		blk64_t block = (offset - d->fs->offset + done) / EXT4_BLOCK;
		errcode_t code = ext2fs_write_dir_block4(d->fs->fs, block, d->blocks->data + from + done, 0, d->number);
		if (code)
			return fail(err, code, "write a directory block", d->number);
	}
	return 0;
}

int ext4_put_directory(struct ext4 *fs, const struct ext4_inode *inode, struct text *blocks, struct error *err)
{
	struct ext4_blocks d = { fs, inode->number, blocks };
	struct ext4_span span = { 0, blocks->len / EXT4_BLOCK };
	struct ext4_inode with = *inode;
	errcode_t code;

	if (inode->number == EXT4_ROOT) {
		code = ext2fs_punch(fs->fs, EXT4_ROOT, NULL, NULL, 0, ~0ull);
		if (code)
			return fail(err, code, "empty the root directory", inode->number);
	}
	with.size = blocks->len;
	with.span = &span;
	with.spans = 1;
	return ext4_put(fs, &with, put_directory_blocks, &d, err);
}

int ext4_put_xattr(struct ext4 *fs, uint32_t number, const char *name, const void *value, size_t len, struct error *err)
{
	struct ext2_xattr_handle *handle;
	errcode_t code = ext2fs_xattrs_open(fs->fs, number, &handle);

	if (!code) {
		code = ext2fs_xattrs_read(handle);
		if (!code)
			code = ext2fs_xattr_set(handle, name, value, len);
		ext2fs_xattrs_close(&handle);
	}
	return checked(err, code, name, number);
}

struct attributes {
	ext4_xattr_fn *fn;
	void *context;
};

static int one_attribute(char *name, char *value, size_t len, void *attributes)
{
	const struct attributes *a = attributes;

	a->fn(a->context, name, value, len);
	return 0;
}

int ext4_xattrs(struct ext4 *fs, uint32_t number, ext4_xattr_fn *fn, void *context, struct error *err)
{
	struct attributes a = { fn, context };
	struct ext2_xattr_handle *handle;
	errcode_t code = ext2fs_xattrs_open(fs->fs, number, &handle);

	if (!code) {
		code = ext2fs_xattrs_read(handle);
		if (!code)
			code = ext2fs_xattrs_iterate(handle, one_attribute, &a);
		ext2fs_xattrs_close(&handle);
	}
	return checked(err, code, "read its extended attributes", number);
}

int ext4_link(struct ext4 *fs, uint32_t number, struct error *err)
{
	struct ext2_inode raw;
	errcode_t code = ext2fs_read_inode(fs->fs, number, &raw);

	if (!code && raw.i_links_count >= EXT4_LINKS_MAX)
		code = EMLINK;
	if (!code) {
		raw.i_links_count++;
		code = ext2fs_write_inode(fs->fs, number, &raw);
	}
	return checked(err, code, "add a hard link", number);
}

uint32_t ext4_root_entry(struct ext4 *fs, const char *name)
{
	ext2_ino_t number;

	return ext2fs_lookup(fs->fs, EXT2_ROOT_INO, name, (int)strlen(name), NULL, &number) ? 0 : number;
}

int ext4_stat(struct ext4 *fs, uint32_t number, struct ext4_inode *ret, struct error *err)
{
	struct ext2_inode_large raw = { 0 };
	errcode_t code = ext2fs_read_inode_full(fs->fs, number, (struct ext2_inode *)&raw, sizeof raw);

	if (code)
		return fail(err, code, "read an inode", number);
	/* An inode of ext2's 128 bytes has no word with the upper bits of a date after 2038. */
	bool has_extra = EXT2_GOOD_OLD_INODE_SIZE + (size_t)raw.i_extra_isize >=
			 offsetof(struct ext2_inode_large, i_mtime_extra) + sizeof raw.i_mtime_extra;
	*ret = (struct ext4_inode){
		.number = number,
		.mode = raw.i_mode,
		.uid = inode_uid(raw),
		.gid = inode_gid(raw),
		.links = raw.i_links_count,
		.size = EXT2_I_SIZE(&raw),
		.mtime = ext4_inode_time(raw.i_mtime, has_extra ? raw.i_mtime_extra : 0),
	};
	return 0;
}

static errcode_t read_blocks(struct ext4 *fs, uint32_t number, uint64_t from, uint64_t len, struct text *ret)
{
	ext2_file_t file;
	errcode_t code = ext2fs_file_open(fs->fs, number, 0, &file);
	char buffer[16 * EXT4_BLOCK];
	unsigned got = 1;

	if (code)
		return code;
	code = ext2fs_file_llseek(file, from, EXT2_SEEK_SET, NULL);
	for (; !code && got && len; len -= got) {
		code = ext2fs_file_read(file, buffer, len < sizeof buffer ? (unsigned)len : sizeof buffer, &got);
		if (!code)
			text_addn(ret, buffer, got);
	}
	ext2fs_file_close(file);
	return code;
}

int ext4_read(struct ext4 *fs, uint32_t number, uint64_t from, uint64_t len, struct text *ret, struct error *err)
{
	struct ext2_inode raw;
	errcode_t code = ext2fs_read_inode(fs->fs, number, &raw);

	if (code)
		return fail(err, code, "read an inode", number);
	/* A short symlink is stored in the inode itself. */
	if (LINUX_S_ISLNK(raw.i_mode) && ext2fs_is_fast_symlink(&raw)) {
		text_addn(ret, (const char *)raw.i_block, strnlen((const char *)raw.i_block, sizeof raw.i_block - 1));
		return 0;
	}
	code = read_blocks(fs, number, from, len, ret);
	return checked(err, code, "read its content", number);
}

struct ext4_listing {
	ext4_entry_fn *entry;
	void *context;
	struct error *err;
	int result;
};

static int list_one(ext2_ino_t dir, int kind, struct ext2_dir_entry *entry, int offset, int blocksize, char *buffer,
		    void *context)
{
	struct ext4_listing *l = context;
	char name[EXT2_NAME_LEN + 1];
	int len = ext2fs_dirent_name_len(entry);

	(void)dir, (void)offset, (void)blocksize, (void)buffer;
	if (kind != DIRENT_OTHER_FILE)
		return 0;
	memcpy(name, entry->name, (size_t)len);
	name[len] = '\0';
	l->result = l->entry(l->context, name, entry->inode, l->err);
	return l->result < 0 ? DIRENT_ABORT : 0;
}

int ext4_list(struct ext4 *fs, uint32_t number, ext4_entry_fn *entry, void *context, struct error *err)
{
	struct ext4_listing l = { .entry = entry, .context = context, .err = err };
	errcode_t code = ext2fs_dir_iterate2(fs->fs, number, 0, NULL, list_one, &l);

	if (l.result < 0)
		return -1;
	return checked(err, code, "read a directory", number);
}
