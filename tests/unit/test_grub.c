/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include "builder/disk/grub.h"
#include "builder/disk/grub_code.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/image_maker.h"

static const struct disk_plan plan = { .root_uuid = "01234567-89ab-8def-8123-456789abcdef",
				       .partition = { [DISK_ROOT] = { .number = 1 } } };

/* The offsets are GRUB's (boot.S, diskboot.S); tests/e2e/disk compares the whole with what grub-bios-setup writes. */
TEST(grub_code_core_block_list)
{
	static const uint8_t list[] = { 0x01, 0x08, 0, 0, 0, 0, 0, 0, 0x02, 0x00, 0x20, 0x08 };
	uint8_t core[1100] = { 0 };
	struct error err = { 0 };

	CHECK(grub_code_patch_core(core, sizeof core, 2048, &err) == 0);
	CHECK(memcmp(core + 500, list, sizeof list) == 0);
	CHECK(core[499] == 0 && core[512] == 0);
}

TEST(grub_code_core_size_limits)
{
	static uint8_t core[GRUB_CORE_MAX + 1];
	struct error err = { 0 };

	CHECK(grub_code_patch_core(core, 512, 2048, &err) < 0);
	CHECK(grub_code_patch_core(core, sizeof core, 2048, &err) < 0);
	CHECK(grub_code_patch_core(core, GRUB_CORE_MAX, 2048, &err) == 0);
}

TEST(grub_code_mbr_keeps_the_partition_table)
{
	uint8_t mbr[GRUB_SECTOR], boot[GRUB_SECTOR];

	memset(mbr, 0x11, sizeof mbr);
	memset(boot, 0x22, sizeof boot);
	grub_code_patch_mbr(mbr, boot, 0x0102030405060708);
	CHECK(mbr[0] == 0x22 && mbr[2] == 0x22);
	CHECK(mbr[3] == 0x11 && mbr[0x59] == 0x11); /* BPB */
	CHECK(mbr[0x5a] == 0x22);
	CHECK(mbr[0x5c] == 0x08 && mbr[0x63] == 0x01); /* core.img's first sector */
	CHECK(mbr[0x66] == 0x90 && mbr[0x67] == 0x90);
	CHECK(mbr[0x1b7] == 0x22 && mbr[0x1b8] == 0x11 && mbr[0x1fd] == 0x11 && mbr[0x1fe] == 0x22);
}

TEST(grub_code_config_boots_from_the_root)
{
	CLEANUP(text_done) struct text config = { 0 };

	grub_code_config(&plan, "6.1.0-9-cloud-amd64", &config);
	CHECK(strstr(config.data, "--set=root 01234567-89ab-8def-8123-456789abcdef\n"));
	CHECK(strstr(config.data,
		     "linux /boot/vmlinuz-6.1.0-9-cloud-amd64 root=UUID=01234567-89ab-8def-8123-456789abcdef ro "
		     "console=tty0 console=ttyS0,115200 tsc=nowatchdog oops=panic panic=10\n"));
	CHECK(strstr(config.data, "initrd /boot/initrd.img-6.1.0-9-cloud-amd64\n"));
	CHECK(strstr(grub_code_defaults,
		     "GRUB_CMDLINE_LINUX=\"console=tty0 console=ttyS0,115200 tsc=nowatchdog oops=panic panic=10\"\n"));
}

TEST(grub_code_esp_config_equals_grub_install)
{
	CLEANUP(text_done) struct text config = { 0 };

	grub_code_esp_config(&plan, &config);
	CHECK_STR(config.data, "search.fs_uuid 01234567-89ab-8def-8123-456789abcdef root hd0,gpt1\n"
			       "set prefix=($root)'/boot/grub'\n"
			       "configfile $prefix/grub.cfg\n");
}

TEST(grub_code_environment_is_one_block)
{
	CLEANUP(text_done) struct text block = { 0 };

	grub_code_environment(&block);
	CHECK(block.len == 1024);
	CHECK(strncmp(block.data, "# GRUB Environment Block\n", 25) == 0 && block.data[1023] == '#');
}

/* UEFI only: the signed image needs no grub-mkimage. */
TEST(grub_prepare_signed_uefi)
{
	FAKE_ROOT();
	CLEANUP(close_p) int rootfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct disk_plan uefi = maker_plan();

	uefi.bios = false;
	uefi.uefi = true;
	fake_put(path, "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "grub");
	fake_put(path, "/boot/vmlinuz-6.1.0-9-amd64", "old");
	CHECK(grub_prepare(&uefi, path, rootfd, &err) == 0);
	fake_put(path, "/boot/vmlinuz-6.1.0-10-amd64", "new"); /* newer, though it sorts before */
	CHECK(grub_prepare(&uefi, path, rootfd, &err) == 0);
	CLEANUP(free_p) char *config = fake_get(path, "/boot/grub/grub.cfg");
	CLEANUP(free_p) char *defaults = fake_get(path, "/etc/default/grub.d/50_nodekiln.cfg");
	CHECK(strstr(config, "linux /boot/vmlinuz-6.1.0-10-amd64 root=UUID=01234567-89ab-8def-8123-456789abcdef"));
	CHECK_STR(defaults, grub_code_defaults);
	CHECK(fake_has(path, "/boot/grub/grubenv") && fake_has(path, "/etc/grub.d/enable_cloud"));
	FAKE_ROOT_END();
}

TEST(grub_prepare_names_what_is_missing)
{
	FAKE_ROOT();
	CLEANUP(close_p) int rootfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct disk_plan both = maker_plan();

	CHECK(grub_prepare(&both, path, rootfd, &err) < 0);
	CHECK_STR(err.text, "the tree has no /usr/lib/grub/i386-pc/boot.img; add the package grub-cloud-amd64 to "
			    "packages.vm");
	both.bios = false;
	both.uefi = true;
	CHECK(grub_prepare(&both, path, rootfd, &err) < 0 &&
	      strstr(err.text, "has no /usr/lib/grub/x86_64-efi-signed"));
	fake_put(path, "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "grub");
	fake_put(path, "/boot/initrd.img-1", "initrd");
	CHECK(grub_prepare(&both, path, rootfd, &err) < 0 && strstr(err.text, "the tree has no kernel in /boot"));
	CHECK(err.class == ERROR_INPUT);
	FAKE_ROOT_END();
}

TEST(grub_write_bios_places_both_parts)
{
	FAKE_ROOT();
	CLEANUP(close_p) int rootfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(close_p) int fd = memfd_create("disk", MFD_CLOEXEC);
	struct disk_plan bios = maker_plan();
	uint8_t boot[GRUB_SECTOR], core[1100], got[1100];

	memset(boot, 0x22, sizeof boot);
	boot[510] = 0x55, boot[511] = 0xaa;
	memset(core, 0x33, sizeof core);
	fake_putn(path, "/boot/grub/i386-pc/boot.img", boot, sizeof boot);
	fake_putn(path, "/boot/grub/i386-pc/core.img", core, sizeof core);
	CHECK(ftruncate(fd, (off_t)bios.size) == 0 && gpt_write(&bios, fd, &err) == 0);
	CHECK(grub_write_bios(&bios, rootfd, fd, &err) == 0);
	CHECK(pread_all(fd, got, GRUB_SECTOR, 0) == 0 && got[0] == 0x22 && got[510] == 0x55 && got[511] == 0xaa);
	CHECK(got[0x5c] == 0x00 && got[0x5d] == 0x08); /* sector 2048 */
	CHECK(pread_all(fd, got, sizeof got, MAKER_MIB) == 0 && got[0] == 0x33 && got[1099] == 0x33);
	CHECK(got[500] == 0x01 && got[501] == 0x08); /* its block list */
	fake_putn(path, "/boot/grub/i386-pc/boot.img", boot, 100);
	CHECK(grub_write_bios(&bios, rootfd, fd, &err) < 0 &&
	      strstr(err.text, "boot.img has 100 bytes instead of 512"));
	FAKE_ROOT_END();
}
