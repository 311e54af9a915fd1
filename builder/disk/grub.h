/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * GRUB for both firmware types, from the tree's own packages (grub-cloud-amd64 depends on them: grub-pc-bin,
 * grub-efi-amd64-signed, shim-signed). In the guest, grub-cloud's trigger runs grub-install whenever one of them is
 * upgraded, because /etc/grub.d/enable_cloud marks the image as one that it is made for.
 */
#include "builder/disk/disk.h"

/* Writes /boot/grub and the settings below /etc; runs grub-mkimage in the sandbox. */
int grub_prepare(const struct disk_plan *plan, const char *root, int rootfd, struct error *err) MUST_CHECK;
/* Writes boot code into sector 0 and the BIOS boot partition; the partition table must exist already. */
int grub_write_bios(const struct disk_plan *plan, int rootfd, int fd, struct error *err) MUST_CHECK;
