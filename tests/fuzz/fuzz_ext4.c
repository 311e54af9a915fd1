/* SPDX-License-Identifier: Apache-2.0 */
/* The content of an ext4 file system, of an image that anybody made: directories, files, links and extended attributes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/disk/ext4.h"
#include "lib/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENTRIES_MAX 400
#define DEPTH_MAX 4
#define READ_BYTES (1 << 16)

struct walk {
	struct ext4 *fs;
	int depth, entries;
};

static void touch(void *context, const char *name, const void *value, size_t len)
{
	volatile unsigned *sum = context;

	*sum += (unsigned)strlen(name);
	for (size_t i = 0; i < len; i++)
		*sum += ((const unsigned char *)value)[i];
}

static int visit(void *context, const char *name, uint32_t number, struct error *err)
{
	struct walk *w = context;
	CLEANUP(text_done) struct text text = { 0 };
	struct ext4_inode inode;
	struct error ignored = { 0 };
	unsigned sum = 0;

	if (++w->entries > ENTRIES_MAX)
		return error_set(err, ERROR_FAILED, "enough");
	if (ext4_stat(w->fs, number, &inode, &ignored) < 0 || ext4_xattrs(w->fs, number, touch, &sum, &ignored) < 0)
		return 0;
	if ((S_ISLNK(inode.mode) || S_ISREG(inode.mode)) &&
	    ext4_read(w->fs, number, 0, READ_BYTES, &text, &ignored) < 0)
		return 0;
	if (!S_ISDIR(inode.mode) || w->depth >= DEPTH_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return 0;
	w->depth++;
	int rc = ext4_list(w->fs, number, visit, w, &ignored);
	w->depth--;
	return rc < 0 && w->entries > ENTRIES_MAX ? error_set(err, ERROR_FAILED, "enough") : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(close_p) int fd = memfd_create("ext4", MFD_CLOEXEC);
	CLEANUP(ext4_discard_p) struct ext4 *fs = NULL;
	struct error err = { 0 };

	if (fd < 0 || write_all(fd, data, size) < 0)
		abort();
	if (ext4_open(fd, 0, false, &fs, &err) < 0)
		return 0;
	struct walk walk = { .fs = fs };
	if (ext4_list(fs, EXT4_ROOT, visit, &walk, &err) < 0 && !*err.text)
		abort();
	return 0;
}
