/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The EFI system partition: FAT32, written directly to its place in the disk by mkfs.vfat and mtools. Debian's signed
 * shim and GRUB go both to the path that firmware tries without a boot entry (EFI/BOOT) and to Debian's own
 * (EFI/debian), as grub-install does.
 */
#include "builder/disk/disk.h"

int esp_write(const struct disk_plan *plan, int rootfd, int fd, int64_t epoch, struct error *err) MUST_CHECK;
