/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/disk/disk.h"

#include <errno.h>
#include <unistd.h>

#include "builder/disk/esp.h"
#include "builder/disk/ext4.h"
#include "builder/disk/gpt.h"
#include "builder/disk/grub.h"
#include "lib/file.h"
#include "lib/text.h"

/* systemd-repart grows the root partition with the disk, and x-systemd.growfs the file system with its partition. The
 * ESP is mounted on first access (grub-install): no boot waits for it, and a slow machine that finds it late does not
 * end in emergency mode. */
static void fstab(const struct disk_plan *plan, struct text *ret)
{
	text_addf(ret, "UUID=%s / ext4 errors=remount-ro,x-systemd.growfs 0 1\n", plan->root_uuid);
	if (plan->uefi)
		text_addf(ret, "UUID=%04X-%04X /boot/efi vfat umask=0077,noauto,nofail,x-systemd.automount 0 0\n",
			  plan->esp_serial >> 16, plan->esp_serial & 0xffff);
}

int disk_prepare(const struct disk_plan *plan, const char *root, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, err);
	CLEANUP(text_done) struct text table = { 0 };

	if (rootfd < 0)
		return -1;
	fstab(plan, &table);
	if (file_write_in(rootfd, "/etc/fstab", table.data, table.len, 0644, err) < 0)
		return -1;
	if (plan->uefi && dir_make_in(rootfd, "/boot/efi", 0700, err) < 0)
		return -1;
	return grub_prepare(plan, root, rootfd, err);
}

int disk_write(const struct disk_plan *plan, const char *root, int fd, int64_t epoch, const struct chunks_map *map,
	       struct error *err)
{
	const struct disk_partition *p = &plan->partition[DISK_ROOT];
	const struct ext4_make make = { .fd = fd,
					.offset = p->start,
					.size = p->size,
					.uuid = plan->root_uuid,
					.hash_seed = plan->hash_seed,
					.epoch = epoch,
					.map = map };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, err);

	if (rootfd < 0)
		return -1;
	if (ftruncate(fd, (off_t)plan->size) < 0)
		return error_errno(err, errno, "resize the disk to %s", text_bytes(plan->size));
	if (gpt_write(plan, fd, err) < 0)
		return -1;
	/* After gpt_write(): the protective MBR and the boot code share sector 0. */
	if (plan->bios && grub_write_bios(plan, rootfd, fd, err) < 0)
		return -1;
	if (plan->uefi && esp_write(plan, rootfd, fd, epoch, err) < 0)
		return -1;
	return ext4_write(&make, root, err);
}
