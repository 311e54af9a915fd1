/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * GRUB's boot code and configuration, as bytes and text; no I/O. The boot code equals what grub-bios-setup
 * --no-rs-codes would write (a test compares), and the guest's own update-grub replaces grub.cfg at its first kernel
 * upgrade.
 */
#include <stddef.h>
#include <stdint.h>

#include "builder/disk/disk.h"
#include "lib/text.h"

#define GRUB_SECTOR 512u
#define GRUB_CORE_MAX (448u << 10) /* core.img is loaded below 512 KiB, so it must be smaller than that */

/* Writes core.img's block list: it starts at first_lba and is contiguous. len: its length in bytes. */
int grub_code_patch_core(uint8_t *core, size_t len, uint64_t first_lba, struct error *err) MUST_CHECK;
/* Puts boot.img into sector 0, as code that loads first_lba. The partition table and the BPB in it are kept. */
void grub_code_patch_mbr(uint8_t mbr[GRUB_SECTOR], const uint8_t boot[GRUB_SECTOR], uint64_t first_lba);

/* release: of the kernel to boot, "6.1.0-1-amd64". */
void grub_code_config(const struct disk_plan *plan, const char *release, struct text *ret);
/* The configuration on the ESP, which loads the one on the root. */
void grub_code_esp_config(const struct disk_plan *plan, struct text *ret);
/* /etc/default/grub.d: makes update-grub write the same settings. */
extern const char grub_code_defaults[];
/* An empty GRUB environment block, for /boot/grub/grubenv. */
void grub_code_environment(struct text *ret);
