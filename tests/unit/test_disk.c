/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "builder/disk/disk.h"
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

static const char *refused(const struct recipe *recipe)
{
	static struct error err;
	struct disk_plan plan;

	err = (struct error){ 0 };
	if (disk_plan(recipe, "seed", &plan, &err) == 0)
		return "accepted";
	return err.class == ERROR_INPUT ? err.text : "of the wrong class";
}

TEST(disk_plan_partitions_are_adjacent)
{
	struct recipe recipe = recipe_of(10240 * MIB);
	struct error err = { 0 };
	struct disk_plan plan;
	uint64_t end = MIB;

	CHECK(disk_plan(&recipe, "seed", &plan, &err) == 0);
	for (size_t i = 0; i < DISK_PARTITIONS; i++) {
		CHECK(plan.partition[i].start == end && plan.partition[i].size % MIB == 0);
		end += plan.partition[i].size;
	}
	CHECK(end == plan.size - MIB);
	CHECK(plan.partition[DISK_BIOS].number == 14 && plan.partition[DISK_ESP].number == 15 &&
	      plan.partition[DISK_ROOT].number == 1);
}

static int is_uuid8(const char *uuid)
{
	for (size_t i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23 ? uuid[i] != '-' : !isxdigit((unsigned char)uuid[i]))
			return 0;
	}
	return uuid[36] == '\0' && uuid[14] == '8' && strchr("89ab", uuid[19]);
}

TEST(disk_plan_identifiers_come_from_the_seed)
{
	struct recipe small = recipe_of(1024 * MIB), large = recipe_of(2048 * MIB);
	struct disk_plan a, b, c;
	struct error err = { 0 };

	CHECK(disk_plan(&small, "seed", &a, &err) == 0 && disk_plan(&large, "seed", &b, &err) == 0 &&
	      disk_plan(&small, "other", &c, &err) == 0);
	CHECK(is_uuid8(a.uuid) && is_uuid8(a.root_uuid) && is_uuid8(a.hash_seed) &&
	      is_uuid8(a.partition[DISK_ESP].uuid));
	CHECK_STR(a.root_uuid, b.root_uuid);
	CHECK(strcmp(a.root_uuid, c.root_uuid) != 0 && a.esp_serial != c.esp_serial);
	CHECK(strcmp(a.uuid, a.root_uuid) != 0 && strcmp(a.partition[DISK_BIOS].uuid, a.partition[DISK_ESP].uuid) != 0);
}

TEST(disk_plan_refuses_impossible_disks)
{
	struct recipe recipe = recipe_of(10 * MIB);

	CHECK(strstr(refused(&recipe), "disk.size 10 MiB"));
	recipe = recipe_of(1024 * MIB + 512);
	CHECK(strstr(refused(&recipe), "multiple of 1 MiB"));
	recipe = recipe_of(1024 * MIB);
	recipe.architecture = "riscv64";
	CHECK(strstr(refused(&recipe), "riscv64"));
	recipe = recipe_of(1024 * MIB);
	recipe.disk.filesystem = "xfs";
	CHECK(strstr(refused(&recipe), "use ext4"));
	recipe = recipe_of(1024 * MIB);
	recipe.disk.bios = recipe.disk.uefi = false;
	CHECK(strstr(refused(&recipe), "nothing can boot it"));
}
