/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/disk/gpt.h"

#include <errno.h>

#include <libfdisk/libfdisk.h>

#include "lib/error.h"

static int fail(struct error *err, int rc, const char *what)
{
	return error_errno(err, -rc, "partition table: %s", what);
}

static void context_done(struct fdisk_context **context)
{
	fdisk_unref_context(*context);
}

static void partition_done(struct fdisk_partition **partition)
{
	fdisk_unref_partition(*partition);
}

static int add_partition(struct fdisk_context *context, const struct disk_partition *p, struct error *err)
{
	CLEANUP(partition_done) struct fdisk_partition *partition = fdisk_new_partition();
	struct fdisk_parttype *type = fdisk_label_get_parttype_from_string(fdisk_get_label(context, NULL), p->type);
	int rc = !partition || !type ? -ENOMEM : 0;

	if (rc == 0)
		rc = fdisk_partition_set_type(partition, type);
	fdisk_unref_parttype(type);
	if (rc == 0)
		rc = fdisk_partition_set_partno(partition, p->number - 1);
	if (rc == 0)
		rc = fdisk_partition_set_start(partition, p->start / GPT_SECTOR);
	if (rc == 0)
		rc = fdisk_partition_set_size(partition, p->size / GPT_SECTOR);
	if (rc == 0)
		rc = fdisk_partition_set_name(partition, p->name);
	if (rc == 0)
		rc = fdisk_partition_set_uuid(partition, p->uuid);
	if (rc == 0)
		rc = fdisk_add_partition(context, partition, NULL);
	if (rc < 0)
		return fail(err, rc, p->name);
	return 0;
}

int gpt_write(const struct disk_plan *plan, int fd, struct error *err)
{
	CLEANUP(context_done) struct fdisk_context *context = fdisk_new_context();
	int rc;

	if (!context)
		return fail(err, -ENOMEM, "start");
	fdisk_disable_dialogs(context, 1);
	rc = fdisk_save_user_sector_size(context, GPT_SECTOR, GPT_SECTOR);
	if (rc == 0)
		rc = fdisk_assign_device_by_fd(context, fd, "disk", 0);
	if (rc == 0)
		rc = fdisk_create_disklabel(context, "gpt");
	if (rc == 0)
		rc = fdisk_set_disklabel_id_from_string(context, plan->uuid);
	if (rc < 0)
		return fail(err, rc, "create");
	for (size_t i = 0; i < DISK_PARTITIONS; i++) {
		if (add_partition(context, &plan->partition[i], err) < 0)
			return -1;
	}
	rc = fdisk_write_disklabel(context);
	if (rc < 0)
		return fail(err, rc, "write");
	return 0;
}
