/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What GRUB needs on a disk, as bytes and text; no I/O. The boot code is what grub-bios-setup --no-rs-codes would write
 * (a test compares), and grub.cfg is one that the guest's own update-grub replaces at its first kernel upgrade.
 */
#include <stddef.h>
#include <stdint.h>

#include "builder/disk/disk.h"
#include "lib/text.h"

#define GRUB_SECTOR 512u
#define GRUB_CORE_MAX (448u << 10) /* core.img is loaded below 512 KiB, so it has to be less than that */

/* Lets core.img find its other sectors: it starts at first_lba and lies in one piece. len is its length in bytes. */
int grub_code_patch_core(uint8_t *core, size_t len, uint64_t first_lba, struct error *err) MUST_CHECK;
/* Puts boot.img into sector 0: code that loads first_lba. What the partition table and a BPB have there stays. */
void grub_code_patch_mbr(uint8_t mbr[GRUB_SECTOR], const uint8_t boot[GRUB_SECTOR], uint64_t first_lba);

/* release: of the kernel to boot, "6.1.0-1-amd64". */
void grub_code_config(const struct disk_plan *plan, const char *release, struct text *ret);
/* The stub on the ESP that leads to the real one. */
void grub_code_esp_config(const struct disk_plan *plan, struct text *ret);
/* /etc/default/grub.d: makes update-grub say the same. */
extern const char grub_code_defaults[];
/* An empty GRUB environment block, for /boot/grub/grubenv. */
void grub_code_environment(struct text *ret);
