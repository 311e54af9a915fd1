/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries what runc does before it starts a container. Since the fix of CVE-2025-52881 (1.2.8, 1.3.3, 1.4) it sets a
 * pod's sysctls through a procfs that is mounted nowhere. AppArmor knows its files by their names there, such as
 * /sys/net/ipv4/..., and profiles of older lxc-pve refuse to write what seems to be in /sys (opencontainers/runc,
 * issue 4968). The order of the trials is that of github.com/cyphar/filepath-securejoin, which runc uses.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/facts_internal.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/job.h"
#include "lib/process.h"

#define SYSCTL "sys/net/ipv4/ip_unprivileged_port_start" /* containerd 2 and Docker set it in every pod */

/* The root of a new procfs, or -1: the kernel is older than 5.2, or the host does not allow it. */
static int new_proc(void)
{
	CLEANUP(close_p) int context = fsopen("proc", FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID);
}

/* The same of a copy of /proc, with what is mounted in it only when that cannot be left out. */
static int copied_proc(void)
{
	int fd = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	return fd >= 0 ? fd : open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

/* In a network namespace of its own, as that of a pod; nothing is written. ERROR_HOST when it is refused. What else
 * goes wrong says nothing about AppArmor: without a procfs of its own, runc uses /proc. */
static int open_sysctl(void *context UNUSED, struct error *err)
{
	CLEANUP(close_p) int proc = new_proc();

	if (proc < 0)
		proc = copied_proc();
	if (proc < 0 || unshare(CLONE_NEWNET) < 0)
		return 0;
	CLEANUP(close_p) int handle = openat(proc, SYSCTL, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(free_p) char *again = xasprintf("self/fd/%d", handle);
	CLEANUP(close_p) int fd = handle >= 0 ? openat(proc, again, O_WRONLY | O_CLOEXEC) : -1;

	if (handle >= 0 && fd < 0 && errno == EACCES)
		return error_set(err, ERROR_HOST, "open " SYSCTL);
	return 0;
}

/* "runc version 1.3.3-0ubuntu1", in the first of several lines. */
static char *read_version(void)
{
	char *const argv[] = { "runc", "--version", NULL };
	CLEANUP(text_done) struct text out = { 0 };
	struct error ignored = { 0 };
	char version[32];

	if (process_capture(argv, &out, &ignored) < 0 || !out.data ||
	    sscanf(out.data, "runc version %31s", version) != 1)
		return NULL;
	return xstrdup(version);
}

void facts_runc(struct facts *m)
{
	struct error err = { 0 };
	CLEANUP(job_stop) struct job job = { 0 };

	if (!m->container || job_start(&job, open_sysctl, NULL, &err) < 0)
		return;
	m->sysctls_refused = job_wait(&job, &err) < 0 && err.class == ERROR_HOST;
	if (m->sysctls_refused)
		m->runc_version = read_version();
}
