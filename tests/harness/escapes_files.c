/* SPDX-License-Identifier: Apache-2.0 */
/* Files: devices, mounts, settings of the kernel, and the host's own. */
#include "escapes.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ROOT_INODE 2 /* of ext4 */
#define INO32_GEN 1  /* its kind of handle */

/* Without opening it: a host may keep its own root from that. */
static bool makes_node(const char *path, mode_t kind, dev_t device)
{
	unlink(path);
	bool made = mknod(path, kind | 0600, device) == 0;
	int why = errno;

	unlink(path);
	errno = why;
	return made;
}

static dev_t host_device(void)
{
	unsigned major = 0, minor = 0;

	sscanf(host[DEVICE], "%u:%u", &major, &minor);
	return makedev(major, minor);
}

static bool block_device(void)
{
	return makes_node("/root/hd", S_IFBLK, host_device());
}

static bool block_device_in_dev(void)
{
	return makes_node("/dev/hd", S_IFBLK, host_device());
}

static bool log_device(void)
{
	return makes_node("/root/kmsg", S_IFCHR, makedev(1, 11));
}

static bool core_pattern(void)
{
	return opens("/proc/sys/kernel/core_pattern", O_WRONLY);
}

static bool core_pattern_after_remount(void)
{
	return mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL) == 0 && core_pattern();
}

static bool core_pattern_below(void)
{
	return umount2("/proc/sys", MNT_DETACH) == 0 && core_pattern();
}

static bool mounts(const char *type, const char *options)
{
	mkdir("/run/m", 0755);
	if (mount("none", "/run/m", type, 0, options) < 0)
		return false;
	umount2("/run/m", MNT_DETACH);
	return true;
}

static bool new_proc(void)
{
	return mounts("proc", NULL);
}

static bool new_sysfs(void)
{
	return mounts("sysfs", NULL);
}

static bool new_cgroup2(void)
{
	return mounts("cgroup2", NULL);
}

static bool new_cgroup1(void)
{
	return mounts("cgroup", "none,name=nodekiln");
}

static bool new_tmpfs(void)
{
	return mounts("tmpfs", NULL);
}

static bool stub_removed(void)
{
	return umount2("/usr/sbin/policy-rc.d", MNT_DETACH) == 0;
}

static bool interrupts(void)
{
	return opens("/proc/irq/default_smp_affinity", O_WRONLY);
}

static bool sysrq(void)
{
	return opens("/proc/sysrq-trigger", O_WRONLY);
}

/* Files of processes are their own business; every user may wait for pressure. */
static int look_at_setting(const char *path, const struct stat *st, int type, struct FTW *where)
{
	const char *name = path + where->base;

	if (where->level == 1 && ((*name >= '0' && *name <= '9') || !strcmp(name, "pressure")))
		return FTW_SKIP_SUBTREE;
	return type == FTW_F && st->st_mode & 0222 && access(path, W_OK) == 0 ? FTW_STOP : FTW_CONTINUE;
}

static bool settings(void)
{
	return nftw("/proc", look_at_setting, 16, FTW_PHYS | FTW_ACTIONRETVAL) == FTW_STOP;
}

static bool kernel_memory(void)
{
	return opens("/proc/kcore", O_RDONLY);
}

static bool host_files_by_handle(void)
{
	struct {
		struct file_handle head;
		unsigned inode, generation;
	} handle = { .head = { .handle_bytes = 8, .handle_type = INO32_GEN }, .inode = ROOT_INODE };
	int below = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int root = open_by_handle_at(below, &handle.head, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* In a memory file system the inode is another. */
	return root >= 0 || errno == ESTALE;
}

static bool host_files_above_chroot(void)
{
	mkdir("/run/x", 0755);
	if (chroot("/run/x") < 0)
		return false;
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			return false;
	return access(host[CANARY] + 1, F_OK) == 0;
}

static bool host_files_by_proc(void)
{
	char path[4096];

	snprintf(path, sizeof path, "/proc/1/root%s", host[CANARY]);
	return access(path, F_OK) == 0 || access(host[CANARY], F_OK) == 0;
}

/* Upwards from a directory that any process inside has open. */
static bool host_files_by_descriptor(void)
{
	char path[4096];

	for (int pid = 1; pid < 1000; pid++)
		for (int fd = 0; fd < 64; fd++) {
			snprintf(path, sizeof path, "/proc/%d/fd/%d/../../../../../../../../..%s", pid, fd,
				 host[CANARY]);
			if (access(path, F_OK) == 0)
				return true;
		}
	return false;
}

static bool init_process(void)
{
	return access("/proc/1/root/", F_OK) == 0;
}

const struct way file_ways[] = {
	{ "a block device of the host", block_device },
	{ "a block device in /dev", block_device_in_dev },
	{ "the device of the kernel's log", log_device },
	{ "core_pattern", core_pattern },
	{ "core_pattern, after remounting", core_pattern_after_remount },
	{ "core_pattern, below the read-only mount", core_pattern_below },
	{ "a new /proc", new_proc },
	{ "a new /sys", new_sysfs },
	{ "the cgroups", new_cgroup2 },
	{ "cgroups of version 1", new_cgroup1 },
	{ "a new mount", new_tmpfs },
	{ "a mount of the sandbox removed", stub_removed },
	{ "the interrupts", interrupts },
	{ "sysrq", sysrq },
	{ "any setting of the kernel", settings },
	{ "the kernel's memory", kernel_memory },
	{ "the host's files by their handles", host_files_by_handle },
	{ "the host's files by /proc", host_files_by_proc },
	{ "the host's files by a descriptor", host_files_by_descriptor },
	{ "the sandbox's init process", init_process },
	{ "the host's files above a chroot", host_files_above_chroot },
	{ 0 },
};
