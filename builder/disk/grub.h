/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * GRUB for both firmwares, from the tree's own packages (grub-cloud-amd64 brings them: grub-pc-bin,
 * grub-efi-amd64-signed, shim-signed). grub-cloud's trigger runs grub-install whenever one of them is upgraded in the
 * guest, because /etc/grub.d/enable_cloud tells it that this is an image of the kind it is made for.
 */
#include "builder/disk/disk.h"

/* /boot/grub and the settings below /etc; runs grub-mkimage in the sandbox. */
int grub_prepare(const struct disk_plan *plan, const char *root, int rootfd, struct error *err) MUST_CHECK;
/* Boot code into sector 0 and the BIOS boot partition; the partition table must be there already. */
int grub_write_bios(const struct disk_plan *plan, int rootfd, int fd, struct error *err) MUST_CHECK;
