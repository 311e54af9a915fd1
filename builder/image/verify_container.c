/* SPDX-License-Identifier: Apache-2.0 */
/* Checks what contains the guest: a disk that can boot and grow, or a tarball that pve-container can unpack. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "builder/archive/tar.h"
#include "builder/disk/qcow2.h"
#include "builder/image/verify.h"
#include "lib/text.h"

/* An unprivileged container maps ids 0..65535 and cannot have others. */
#define LXC_ID_MAX 65535

#define TYPE_BIOS "21686148-6449-6E6F-744E-656564454649"
#define TYPE_ESP "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
#define TYPE_ROOT "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709" /* systemd-repart grows the partition of this type */

static const struct image_partition *partition_of_type(const struct image *image, const char *type)
{
	const struct image_partition *p;
	size_t n = image_partitions(image, &p);

	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(p[i].type, type))
			return &p[i];
	return NULL;
}

static void check_filesystem(struct verify *v, const struct image_partition *p, const char *what, const char *want)
{
	if (p && strcmp(p->filesystem, want) != 0)
		faults_add(&v->faults, FAULT_PACKING, NULL, "partition %u (%s) holds %s, not %s", p->number, what,
			   *p->filesystem ? p->filesystem : "no file system", want);
}

static void check_partitions(struct verify *v)
{
	const struct image_partition *bios = partition_of_type(v->image, TYPE_BIOS);
	const struct image_partition *esp = partition_of_type(v->image, TYPE_ESP);
	const struct image_partition *root = partition_of_type(v->image, TYPE_ROOT), *p;
	size_t n = image_partitions(v->image, &p);

	if (!bios && !esp)
		faults_add(&v->faults, FAULT_PACKING, NULL,
			   "there is neither a BIOS boot nor an EFI system partition; no firmware can boot it");
	if (!root)
		faults_add(&v->faults, FAULT_PACKING, NULL,
			   "there is no partition of type root (x86-64); the root cannot grow with the disk");
	for (size_t i = 0; root && i < n; i++)
		if (p[i].start > root->start)
			faults_add(&v->faults, FAULT_PACKING, NULL,
				   "partition %u is after the root, which then cannot grow", p[i].number);
	check_filesystem(v, esp, "EFI system", "vfat");
	check_filesystem(v, root, "root", "ext4");
}

int verify_disk(struct verify *v, struct error *err UNUSED)
{
	struct qcow2_info info;
	struct error broken = { 0 };

	if (text_ends(v->path, ".qcow2") && qcow2_info(image_fd(v->image), &info, &broken) < 0)
		faults_add(&v->faults, FAULT_PACKING, NULL, "%s", broken.text);
	check_partitions(v);
	return 0;
}

/* Why pve-container's tar command would fail at a member, or do something unwanted with it; NULL when it is fine. */
static const char *member_fault(const struct tar_entry *e)
{
	if (strcmp(e->path, ".") != 0 && !text_starts(e->path, "./"))
		return "is not below ./";
	if (strstr(e->path, "/../") || text_ends(e->path, "/.."))
		return "leads out of the tree";
	if (e->original && !text_starts(e->original, "./"))
		return "is a hard link to something that is not below ./";
	if (S_ISCHR(e->mode) || S_ISBLK(e->mode))
		return "is a device node, which an unprivileged container cannot create";
	if (e->uid > LXC_ID_MAX || e->gid > LXC_ID_MAX)
		return "belongs to an id beyond 65535, which no container maps";
	return NULL;
}

static int check_members(struct verify *v, struct tar_reader *reader, struct error *err)
{
	const struct tar_entry *e;
	int rc;

	while ((rc = tar_read_next(reader, &e, err)) > 0) {
		const char *fault = member_fault(e);
		if (fault)
			faults_add(&v->faults, FAULT_PACKING, text_starts(e->path, "./") ? e->path + 1 : e->path,
				   "member %s %s", e->path, fault);
	}
	return rc;
}

/* Proxmox VE reads these to detect the distribution; without them `pct create` fails. */
static int check_marker_files(struct verify *v, struct error *err)
{
	static const char *const files[] = { "/etc/debian_version", "/etc/os-release", "/sbin/init", "/bin/sh" };
	const struct image_entry *e;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int found = image_stat(v->image, files[i], &e, err);
		if (found < 0)
			return -1;
		if (!found)
			faults_add(&v->faults, FAULT_PACKING, files[i],
				   "%s is missing; Proxmox VE needs it to create a container", files[i]);
	}
	return 0;
}

int verify_tarball(struct verify *v, struct error *err)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *reader = NULL;
	int fd = image_fd(v->image);

	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, errno, "read %s", v->path);
	if (tar_read_fd(fd, v->path, &reader, err) < 0 || check_members(v, reader, err) < 0)
		return -1;
	return check_marker_files(v, err);
}
