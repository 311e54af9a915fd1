/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cidata.h"

#include <blkid/blkid.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/file.h"

#define LABEL "cidata"
#define DEVICES "sys/class/block" /* disks and partitions, by name */
#define FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* The file systems that a seed may have; the kernel mounts no other. */
static const char *const types[] = { "iso9660", "vfat" };

static void probe_p(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

static const char *lookup(blkid_probe probe, const char *name)
{
	const char *value;

	return blkid_probe_lookup_value(probe, name, &value, NULL) == 0 ? value : "";
}

int cidata_probe(const char *device, const char **ret_type)
{
	CLEANUP(probe_p) blkid_probe probe = blkid_new_probe_from_filename(device);

	/* An empty CD drive cannot be opened. */
	if (!probe)
		return 0;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_LABEL | BLKID_SUBLKS_TYPE);
	if (blkid_do_safeprobe(probe) != 0 || strcasecmp(lookup(probe, "LABEL"), LABEL))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(lookup(probe, "TYPE"), types[i]))
			continue;
		*ret_type = types[i];
		return 1;
	}
	return 0;
}

/* Sorted by name. */
static int list_devices(int rootfd, struct strings *ret, struct error *err)
{
	int fd = openat(rootfd, DEVICES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (!dir) {
		error_errno(err, errno, "list the block devices");
		close_p(&fd);
		return -1;
	}
	for (const struct dirent *e; (e = readdir(dir));)
		if (e->d_name[0] != '.')
			strings_add(ret, e->d_name);
	strings_sort(ret);
	return 0;
}

/* mount(2) itself: libmount would map three libraries into an agent whose node has no such volume. */
static int attach(const char *device, const char *type, const char *target, struct error *err)
{
	if (mount(device, target, type, FLAGS, NULL) < 0)
		return error_errno(err, errno, "mount the volume " LABEL " (%s)", device);
	return 0;
}

static int detach(const char *device, const char *target, struct error *err)
{
	if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return error_errno(err, errno, "unmount the volume " LABEL " (%s)", device);
	return 0;
}

/* When both calls fail, the first error is the one returned. */
static int open_attached(const char *device, const char *target, struct error *err)
{
	struct error later = { 0 };
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, target, err);

	if (detach(device, target, fd < 0 ? &later : err) < 0)
		return -1;
	return TAKE_FD(fd);
}

static int open_device(const char *root, const char *device, const char *type, struct error *err)
{
	CLEANUP(free_p) char *target = xasprintf("%s/run/nodekiln-seed-XXXXXX", root);
	int fd = -1;

	if (!mkdtemp(target))
		return error_errno(err, errno, "make %s", target);
	if (attach(device, type, target, err) == 0)
		fd = open_attached(device, target, err);
	rmdir(target); /* empty, since nothing is mounted on it any more */
	return fd;
}

int cidata_list(const char *root, struct strings *ret, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, *root ? root : "/", err);
	const char *type;

	if (rootfd < 0 || list_devices(rootfd, &names, err) < 0)
		return -1;
	/* As cloud-init does (DataSourceNoCloud.py sorts the devices in reverse), so that both take the same of two. */
	for (size_t i = names.n; i-- > 0;) {
		CLEANUP(free_p) char *device = xasprintf("%s/dev/%s", root, names.at[i]);
		if (cidata_probe(device, &type))
			strings_add(ret, names.at[i]);
	}
	return 0;
}

int cidata_open(const char *root, int *ret_directory, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(close_p) int first = -1;
	const char *type;

	if (cidata_list(root, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP(free_p) char *device = xasprintf("%s/dev/%s", root, names.at[i]);
		CLEANUP(close_p) int fd = -1;
		if (!cidata_probe(device, &type))
			continue;
		fd = open_device(root, device, type, err);
		if (fd < 0)
			return -1;
		if (file_exists_in(fd, "meta-data") && file_exists_in(fd, "user-data")) {
			*ret_directory = TAKE_FD(fd);
			return 1;
		}
		if (first < 0)
			first = TAKE_FD(fd);
	}
	*ret_directory = TAKE_FD(first);
	return *ret_directory >= 0;
}
