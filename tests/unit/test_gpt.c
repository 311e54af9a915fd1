/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/disk/disk.h"
#include "builder/disk/gpt.h"
#include "builder/image/partition.h"
#include "tests/unit/check.h"

#define MIB (1ull << 20)

static struct recipe recipe_of(unsigned long long size)
{
	struct recipe recipe = { .architecture = "amd64" };

	recipe.disk.size = size;
	recipe.disk.filesystem = "ext4";
	recipe.disk.bios = recipe.disk.uefi = true;
	return recipe;
}

TEST(gpt_write_is_read_by_libblkid)
{
	CLEANUP(close_p) int fd = memfd_create("disk", MFD_CLOEXEC);
	CLEANUP(partitions_done) struct partitions found = { 0 };
	struct recipe recipe = recipe_of(1024 * MIB);
	struct error err = { 0 };
	struct disk_plan plan;

	CHECK(disk_plan(&recipe, "seed", &plan, &err) == 0 && ftruncate(fd, (off_t)plan.size) == 0);
	CHECK(gpt_write(&plan, fd, &err) == 0);
	CHECK(partitions_read(fd, &found, &err) == 0);
	CHECK(found.n == DISK_PARTITIONS);
	for (size_t i = 0; i < found.n; i++) {
		CHECK(found.at[i].number == plan.partition[i].number && found.at[i].start == plan.partition[i].start &&
		      found.at[i].size == plan.partition[i].size);
		CHECK_STR(found.at[i].uuid, plan.partition[i].uuid);
		CHECK_STR(found.at[i].name, plan.partition[i].name);
		CHECK(strcasecmp(found.at[i].type, plan.partition[i].type) == 0);
	}
}
