/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/disk/ext4_dir.h"

#include <endian.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/disk/ext4.h"

#define NAME_MAX_LEN 255u
#define TAIL_TYPE 0xde /* makes the checksum look like an unused entry to readers that do not know it */

struct entry {
	uint32_t number;
	uint16_t length;
	uint8_t name_length, type;
};

struct checksum_entry {
	uint32_t number;
	uint16_t length;
	uint8_t name_length, type;
	uint32_t checksum;
};
_Static_assert(sizeof(struct checksum_entry) == 12, "the on-disk size");

static uint8_t type_of(mode_t mode)
{
	static const struct {
		mode_t mode;
		uint8_t type;
	} types[] = { { S_IFREG, 1 }, { S_IFDIR, 2 },  { S_IFCHR, 3 }, { S_IFBLK, 4 },
		      { S_IFIFO, 5 }, { S_IFSOCK, 6 }, { S_IFLNK, 7 } };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if ((mode & S_IFMT) == types[i].mode)
			return types[i].type;
	}
	return 0;
}

/* Extends the last entry up to the checksum's place and adds the checksum's entry. */
static void block_end(struct ext4_dir *dir)
{
	struct checksum_entry tail = { .length = htole16(sizeof tail), .type = TAIL_TYPE };
	static const char zeros[EXT4_BLOCK];
	size_t end = (dir->last / EXT4_BLOCK + 1) * EXT4_BLOCK - sizeof tail;
	struct entry entry;

	memcpy(&entry, dir->blocks.data + dir->last, sizeof entry);
	entry.length = htole16((uint16_t)(end - dir->last));
	memcpy(dir->blocks.data + dir->last, &entry, sizeof entry);
	text_addn(&dir->blocks, zeros, end - dir->blocks.len);
	text_addn(&dir->blocks, &tail, sizeof tail);
}

void ext4_dir_add(struct ext4_dir *dir, const char *name, uint32_t number, mode_t mode)
{
	size_t name_length = strnlen(name, NAME_MAX_LEN),
	       length = (sizeof(struct entry) + name_length + 3) & ~(size_t)3;
	struct entry entry = { htole32(number), htole16((uint16_t)length), (uint8_t)name_length, type_of(mode) };

	if (dir->blocks.len % EXT4_BLOCK + length > EXT4_BLOCK - sizeof(struct checksum_entry))
		block_end(dir);
	dir->last = dir->blocks.len;
	dir->subdirs += S_ISDIR(mode);
	text_addn(&dir->blocks, &entry, sizeof entry);
	text_addn(&dir->blocks, name, name_length);
	text_addn(&dir->blocks, "\0\0\0", length - sizeof entry - name_length);
}

void ext4_dir_start(struct ext4_dir *dir, uint32_t number, uint32_t parent)
{
	*dir = (struct ext4_dir){ 0 };
	ext4_dir_add(dir, ".", number, S_IFDIR);
	ext4_dir_add(dir, "..", parent, S_IFDIR);
	dir->subdirs = 0;
}

void ext4_dir_end(struct ext4_dir *dir)
{
	block_end(dir);
}

void ext4_dir_done(struct ext4_dir *dir)
{
	text_done(&dir->blocks);
}
