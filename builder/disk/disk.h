/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From a tree to a bootable disk, without a mount or a loop device.
 *
 * The layout is a plan (disk_plan, pure arithmetic): GPT; 1 BIOS boot (GRUB core), 2 ESP (FAT), 3 root (ext4, to the
 * end, so that it can grow). One disk boots under SeaBIOS and OVMF. Partition numbers as in Debian's cloud images (root
 * = 1, BIOS boot = 14, ESP = 15), physical order 14, 15, 1.
 */
#include <stdbool.h>
#include <stdint.h>

#include "builder/archive/chunks.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"

struct disk_partition {
	const char *name; /* GPT name */
	const char *type; /* GPT type UUID */
	char uuid[37];
	unsigned number;
	uint64_t start, size; /* bytes, multiples of 1 MiB */
};

enum { DISK_BIOS, DISK_ESP, DISK_ROOT, DISK_PARTITIONS };

struct disk_plan {
	uint64_t size;       /* bytes */
	char uuid[37];       /* disk GUID */
	char root_uuid[37];  /* of the ext4 file system; the kernel command line and fstab name it */
	char hash_seed[37];  /* of its directory hashes */
	uint32_t esp_serial; /* FAT volume id */
	bool bios, uefi;     /* the firmware types that it boots under */
	struct disk_partition partition[DISK_PARTITIONS];
};

/* All identifiers are derived from seed (the lock's digest), so that equal builds are equal. ERROR_INPUT: the recipe
 * asks for a disk that cannot be made. */
int disk_plan(const struct recipe *recipe, const char *seed, struct disk_plan *ret, struct error *err) MUST_CHECK;
struct json *disk_plan_json(const struct disk_plan *plan) MUST_CHECK;

/* Runs before sysprep: writes /etc/fstab, grub.cfg and /boot for the plan; root is the merged vm tree. Runs
 * grub-mkimage in the sandbox. The result is a normal Debian GRUB set-up that later kernel upgrades and
 * grub-install work with. */
int disk_prepare(const struct disk_plan *plan, const char *root, struct error *err) MUST_CHECK;
/* Writes the raw disk into the (sparse, empty) file fd: GPT, boot code, ESP, ext4 from the tree. A tree that does not
 * fit is ERROR_SPACE with both sizes. epoch: time stamp for file system metadata. map: receives the chunks that are
 * not written here because qcow2_write() takes them from it; may be NULL. */
int disk_write(const struct disk_plan *plan, const char *root, int fd, int64_t epoch, const struct chunks_map *map,
	       struct error *err) MUST_CHECK;
