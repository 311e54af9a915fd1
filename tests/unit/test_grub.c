/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/disk/grub_code.h"
#include "tests/unit/check.h"

static const struct disk_plan plan = { .root_uuid = "01234567-89ab-8def-8123-456789abcdef",
				       .partition = { [DISK_ROOT] = { .number = 1 } } };

/* The offsets are GRUB's (boot.S, diskboot.S); that the whole is what grub-bios-setup writes, tests/e2e/disk compares.
 */
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
	CHECK(mbr[0x5c] == 0x08 && mbr[0x63] == 0x01); /* where core.img is */
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
