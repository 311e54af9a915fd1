/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/volume.h"

#include <blkid/blkid.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/file.h"

#define LABEL "cidata"
#define DEVICES "sys/class/block" /* disks and partitions, by name */
#define ATTRIBUTES (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* The file systems that a seed may have; nothing else is handed to the kernel. */
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

int volume_probe(const char *device, const char **ret_type)
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

/* In the order of their names, so that with two volumes every boot takes the same. */
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

/* Attached nowhere: the returned directory alone keeps it. */
static int open_device(const char *device, const char *type, struct error *err)
{
	CLEANUP(close_p) int fs = fsopen(type, FSOPEN_CLOEXEC);
	CLEANUP(close_p) int mount = -1;

	if (fs >= 0 && fsconfig(fs, FSCONFIG_SET_STRING, "source", device, 0) == 0 &&
	    fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) == 0 &&
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = fsmount(fs, FSMOUNT_CLOEXEC, ATTRIBUTES);
	if (mount < 0)
		return error_errno(err, errno, "mount the volume " LABEL " (%s, %s)", device, type);
	return dir_open(mount, ".", err);
}

int volume_open(const char *root, int *ret_directory, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, *root ? root : "/", err);

	if (rootfd < 0 || list_devices(rootfd, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP(free_p) char *device = xasprintf("%s/dev/%s", root, names.at[i]);
		const char *type;

		if (!volume_probe(device, &type))
			continue;
		*ret_directory = open_device(device, type, err);
		return *ret_directory < 0 ? -1 : 1;
	}
	return 0;
}
