/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include <sys/mman.h>

#include "builder/disk/disk.h"
#include "builder/image/image_reader.h"
#include "lib/json.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/image_maker.h"

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

TEST(disk_plan_json_has_every_partition)
{
	struct recipe recipe = recipe_of(1024 * MIB);
	struct error err = { 0 };
	struct disk_plan plan;
	int64_t size;

	CHECK(disk_plan(&recipe, "seed", &plan, &err) == 0);
	CLEANUP(json_free_p) struct json *json = disk_plan_json(&plan);
	const struct json *root = json_at(json_get(json, "partitions"), DISK_ROOT);
	CHECK(json_count(json_get(json, "partitions")) == DISK_PARTITIONS);
	CHECK(json_get_int(json, "size", &size) && size == (int64_t)(1024 * MIB));
	CHECK(json_get_int(root, "size", &size) && size == (int64_t)(895 * MIB));
	CHECK_STR(json_get_string(json, "root_uuid"), plan.root_uuid);
	CHECK_STR(json_get_string(root, "uuid"), plan.partition[DISK_ROOT].uuid);
}

TEST(disk_prepare_writes_fstab)
{
	FAKE_ROOT();
	struct disk_plan plan = maker_plan();

	plan.bios = false;
	plan.uefi = true;
	plan.esp_serial = 0x1234abcd;
	fake_put(path, "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "grub");
	fake_put(path, "/boot/vmlinuz-6.1.0-9-amd64", "kernel");
	CHECK(disk_prepare(&plan, path, &err) == 0);
	CLEANUP(free_p) char *fstab = fake_get(path, "/etc/fstab");
	CHECK_STR(fstab, "UUID=01234567-89ab-8def-8123-456789abcdef / ext4 errors=remount-ro,x-systemd.growfs 0 1\n"
			 "UUID=1234-ABCD /boot/efi vfat umask=0077,noauto,nofail,x-systemd.automount 0 0\n");
	CHECK(fake_has(path, "/boot/efi") && fake_has(path, "/boot/grub/grub.cfg"));
	CHECK(disk_prepare(&plan, "/nonexistent", &err) < 0);
	FAKE_ROOT_END();
}

TEST(disk_write_makes_a_disk_with_boot_code)
{
	FAKE_ROOT();
	CLEANUP(image_close_p) struct image *image = NULL;
	CLEANUP(free_p) char *raw = xasprintf("%s.raw", path);
	CLEANUP(close_p) int fd = open(raw, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct disk_plan plan = maker_plan();
	const struct image_entry *e;
	char boot[512], core[1100], got[1100];

	memset(boot, 'b', sizeof boot);
	boot[510] = 0x55, boot[511] = (char)0xaa;
	memset(core, 'c', sizeof core);
	fake_putn(path, "/boot/grub/i386-pc/boot.img", boot, sizeof boot);
	fake_putn(path, "/boot/grub/i386-pc/core.img", core, sizeof core);
	CHECK(disk_write(&plan, path, fd, MAKER_EPOCH, NULL, &err) == 0);
	CHECK(pread_all(fd, got, 512, 0) == 0 && got[0] == 'b');
	CHECK(pread_all(fd, got, sizeof got, MAKER_MIB) == 0 && got[0] == 'c');
	CHECK(image_of(raw, &image, &err) == 0);
	unlink(raw);
	CHECK(image_stat(image, "/boot/grub/i386-pc/core.img", &e, &err) == 1 && e->size == sizeof core);
	FAKE_ROOT_END();
}
