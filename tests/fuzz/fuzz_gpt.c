/* SPDX-License-Identifier: Apache-2.0 */
/* The first sectors of a disk image: the partition table, then the file system of the root. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/disk/ext4.h"
#include "builder/image/partition.h"
#include "lib/file.h"

#define DISK_SIZE (512l << 20) /* what the headers in the corpus say */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(close_p) int fd = memfd_create("disk", MFD_CLOEXEC);
	CLEANUP(partitions_done) struct partitions partitions = { 0 };
	CLEANUP(ext4_discard_p) struct ext4 *fs = NULL;
	const struct image_partition *root;
	struct error err = { 0 };

	if (fd < 0 || write_all(fd, data, size) < 0 || ftruncate(fd, DISK_SIZE) < 0)
		return 0;
	if (partitions_read(fd, &partitions, &err) < 0)
		return 0;
	for (size_t i = 0; i < partitions.n; i++) {
		if (partitions.at[i].start + partitions.at[i].size > DISK_SIZE)
			__builtin_trap();
	}
	root = partitions_root(&partitions);
	if (root && ext4_open(fd, root->start, false, &fs, &err) < 0 && !err.text[0])
		__builtin_trap();
	return 0;
}
