/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include "builder/image/partition.h"
#include "tests/unit/image_maker.h"

#define LINUX_ROOT "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
#define LINUX_DATA "0fc63daf-8483-4772-8e79-3d69d8477de4"

static const struct image_partition data = { .number = 1, .size = 10, .type = LINUX_DATA, .filesystem = "ext4" };

TEST(partition_root_is_found_by_type)
{
	struct image_partition all[] = { data, data, data };
	const struct partitions p = { .at = all, .n = ARRAY_SIZE(all) };

	all[0].size = 100;
	strcpy(all[2].type, LINUX_ROOT);
	CHECK(partitions_root(&p) == &all[2]);
	strcpy(all[2].filesystem, "xfs"); /* the type alone is not enough */
	CHECK(partitions_root(&p) == &all[0]);
}

TEST(partition_root_is_the_largest_ext4)
{
	struct image_partition all[] = { data, data, data };
	const struct partitions p = { .at = all, .n = ARRAY_SIZE(all) }, none = { 0 };

	all[1].size = 100;
	CHECK(partitions_root(&p) == &all[1]);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		*all[i].filesystem = '\0';
	CHECK(!partitions_root(&p) && !partitions_root(&none));
}

TEST(partition_read_without_a_table)
{
	CLEANUP(close_p) int fd = memfd_create("disk", MFD_CLOEXEC);
	CLEANUP(partitions_done) struct partitions found = { 0 };
	struct error err = { 0 };

	CHECK(ftruncate(fd, MAKER_MIB) == 0);
	CHECK(partitions_read(fd, &found, &err) == 0 && found.n == 0);
}

/* A disk that was cut off: libblkid still sees the table, but its root lies beyond the end. */
TEST(partition_beyond_the_disk_is_left_out)
{
	CLEANUP(close_p) int fd = memfd_create("disk", MFD_CLOEXEC);
	CLEANUP(partitions_done) struct partitions found = { 0 };
	struct disk_plan plan = maker_plan();
	struct error err = { 0 };

	CHECK(ftruncate(fd, (off_t)plan.size) == 0 && gpt_write(&plan, fd, &err) == 0);
	CHECK(ftruncate(fd, 3 * MAKER_MIB) == 0);
	CHECK(partitions_read(fd, &found, &err) == 0);
	for (size_t i = 0; i < found.n; i++)
		CHECK(found.at[i].start + found.at[i].size <= 3 * MAKER_MIB);
}
