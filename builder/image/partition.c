/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/partition.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include <blkid/blkid.h>

#include "lib/error.h"
#include "lib/text.h"
#include "lib/vec.h"

#define SECTOR 512u /* the unit of blkid_partition_get_start(), whatever the disk's sector size */

static const char root_type[] = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"; /* Linux root (x86-64) */

static void probe_done(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

static void take(char *ret, size_t size, const char *value)
{
	snprintf(ret, size, "%s", value ? value : "");
}

static void take_tag(blkid_probe probe, const char *tag, char *ret, size_t size)
{
	const char *value = NULL;

	take(ret, size, blkid_probe_lookup_value(probe, tag, &value, NULL) == 0 ? value : NULL);
}

/* Probes the file system in a partition; one that libblkid does not know has no name. */
static void probe_content(int fd, struct image_partition *p)
{
	CLEANUP(probe_done) blkid_probe probe = blkid_new_probe();

	if (!probe || blkid_probe_set_device(probe, fd, (blkid_loff_t)p->start, (blkid_loff_t)p->size) != 0)
		return;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID);
	if (blkid_do_safeprobe(probe) != 0)
		return;
	take_tag(probe, "TYPE", p->filesystem, sizeof p->filesystem);
	take_tag(probe, "LABEL", p->label, sizeof p->label);
	take_tag(probe, "UUID", p->filesystem_uuid, sizeof p->filesystem_uuid);
}

static void add(blkid_partition partition, uint64_t disk, struct partitions *ret)
{
	struct image_partition p = { .number = (unsigned)blkid_partition_get_partno(partition) };
	uint64_t start = (uint64_t)blkid_partition_get_start(partition),
		 size = (uint64_t)blkid_partition_get_size(partition);

	/* A partition that reaches beyond the disk is a mistake, or an attack. */
	if (start > disk / SECTOR || size > disk / SECTOR - start)
		return;
	p.start = start * SECTOR;
	p.size = size * SECTOR;
	take(p.name, sizeof p.name, blkid_partition_get_name(partition));
	take(p.type, sizeof p.type, blkid_partition_get_type_string(partition));
	take(p.uuid, sizeof p.uuid, blkid_partition_get_uuid(partition));
	vec_push(ret, p);
}

static int compare_start(const void *a, const void *b)
{
	const struct image_partition *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

int partitions_read(int fd, struct partitions *ret, struct error *err)
{
	CLEANUP(probe_done) blkid_probe probe = blkid_new_probe();
	blkid_partlist list;
	int n;

	*ret = (struct partitions){ 0 };
	if (!probe || blkid_probe_set_device(probe, fd, 0, 0) != 0)
		return error_set(err, ERROR_FAILED, "libblkid cannot read the disk");
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
	list = blkid_probe_get_partitions(probe);
	n = list ? blkid_partlist_numof_partitions(list) : 0;
	for (int i = 0; i < n && i < PARTITIONS_MAX; i++)
		add(blkid_partlist_get_partition(list, i), (uint64_t)blkid_probe_get_size(probe), ret);
	for (size_t i = 0; i < ret->n; i++)
		probe_content(fd, &ret->at[i]);
	if (ret->n)
		qsort(ret->at, ret->n, sizeof *ret->at, compare_start);
	return 0;
}

void partitions_done(struct partitions *p)
{
	vec_done(p);
}

const struct image_partition *partitions_root(const struct partitions *p)
{
	const struct image_partition *root = NULL;

	for (size_t i = 0; i < p->n; i++) {
		const struct image_partition *q = &p->at[i];
		if (!text_same(q->filesystem, "ext4"))
			continue;
		if (strcasecmp(q->type, root_type) == 0)
			return q;
		if (!root || q->size > root->size)
			root = q;
	}
	return root;
}
