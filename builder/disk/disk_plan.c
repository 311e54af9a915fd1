/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/disk/disk.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/text.h"

#define MIB (1ull << 20)
#define DISK_SIZE_MIN (512 * MIB)   /* no guest boots from less */
#define DISK_SIZE_MAX (16ull << 40) /* the maximum of ext4 with 4 KiB blocks and 32-bit block numbers */

/* Physical order. The ends are those of Debian's cloud images; root begins at a round 128 MiB. */
static const struct {
	unsigned number;
	const char *name, *type;
	uint64_t start, end; /* 0: up to the backup GPT */
} layout[DISK_PARTITIONS] = {
	[DISK_BIOS] = { 14, "bios", "21686148-6449-6E6F-744E-656564454649", 1 * MIB, 4 * MIB },
	[DISK_ESP] = { 15, "esp", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", 4 * MIB, 128 * MIB },
	/* "Linux root (x86-64)": systemd-repart finds it by this type and lets it grow. */
	[DISK_ROOT] = { 1, "root", "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", 128 * MIB, 0 },
};

static void digest(const char *seed, const char *what, char ret_hex[SHA256_HEX])
{
	struct hash *hash = hash_new();

	hash_field(hash, "disk", what);
	hash_field(hash, "seed", seed);
	hash_hex(hash, ret_hex);
	hash_free(hash);
}

/* RFC 9562 version 8: a UUID with vendor-specific bits, here those of a digest. */
static void derive_uuid(const char *seed, const char *what, char ret[37])
{
	static const char variant[] = "89ab";
	char hex[SHA256_HEX];

	digest(seed, what, hex);
	hex[12] = '8';
	hex[16] = variant[strtoul((char[]){ hex[16], '\0' }, NULL, 16) & 3];
	snprintf(ret, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static uint32_t derive_serial(const char *seed)
{
	char hex[SHA256_HEX];

	digest(seed, "esp serial", hex);
	hex[8] = '\0';
	return (uint32_t)strtoul(hex, NULL, 16);
}

static int check(const struct recipe *recipe, struct error *err)
{
	if (!text_same(recipe->architecture, "amd64"))
		return error_set(
			err, ERROR_INPUT,
			"architecture '%s': bootable disks are made for amd64 only; set outputs.qcow2.enabled: false",
			recipe->architecture);
	if (!text_same(recipe->disk.filesystem, "ext4"))
		return error_set(err, ERROR_INPUT, "disk.filesystem '%s' is not known; use ext4",
				 recipe->disk.filesystem);
	if (!recipe->disk.bios && !recipe->disk.uefi)
		return error_set(err, ERROR_INPUT, "disk: enable bios, uefi, or both; otherwise nothing can boot it");
	if (recipe->disk.size < DISK_SIZE_MIN || recipe->disk.size > DISK_SIZE_MAX)
		return error_set(err, ERROR_INPUT, "disk.size %s: give a size from %s to %s",
				 text_bytes(recipe->disk.size), text_bytes(DISK_SIZE_MIN), text_bytes(DISK_SIZE_MAX));
	if (recipe->disk.size % MIB)
		return error_set(err, ERROR_INPUT, "disk.size %llu: give a multiple of 1 MiB", recipe->disk.size);
	return 0;
}

int disk_plan(const struct recipe *recipe, const char *seed, struct disk_plan *ret, struct error *err)
{
	struct disk_plan plan = { .size = recipe->disk.size, .bios = recipe->disk.bios, .uefi = recipe->disk.uefi };

	if (check(recipe, err) < 0)
		return -1;
	for (size_t i = 0; i < DISK_PARTITIONS; i++) {
		struct disk_partition *p = &plan.partition[i];
		uint64_t end = layout[i].end ? layout[i].end : plan.size - 1 * MIB;
		*p = (struct disk_partition){ .name = layout[i].name,
					      .type = layout[i].type,
					      .number = layout[i].number,
					      .start = layout[i].start,
					      .size = end - layout[i].start };
		derive_uuid(seed, layout[i].name, p->uuid);
	}
	derive_uuid(seed, "disk", plan.uuid);
	derive_uuid(seed, "root file system", plan.root_uuid);
	derive_uuid(seed, "directory hashes", plan.hash_seed);
	plan.esp_serial = derive_serial(seed);
	*ret = plan;
	return 0;
}

struct json *disk_plan_json(const struct disk_plan *plan)
{
	struct json *disk = json_object(), *partitions = json_array();

	json_put_int(disk, "size", (int64_t)plan->size);
	json_put_string(disk, "uuid", plan->uuid);
	json_put_string(disk, "root_uuid", plan->root_uuid);
	json_put_bool(disk, "bios", plan->bios);
	json_put_bool(disk, "uefi", plan->uefi);
	for (size_t i = 0; i < DISK_PARTITIONS; i++) {
		const struct disk_partition *p = &plan->partition[i];
		struct json *partition = json_object();
		json_put_int(partition, "number", p->number);
		json_put_string(partition, "name", p->name);
		json_put_string(partition, "type", p->type);
		json_put_string(partition, "uuid", p->uuid);
		json_put_int(partition, "start", (int64_t)p->start);
		json_put_int(partition, "size", (int64_t)p->size);
		json_push(partitions, partition);
	}
	json_put(disk, "partitions", partitions);
	return disk;
}
