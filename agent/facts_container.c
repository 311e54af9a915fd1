/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out what the host lets a container do. Where nothing but a trial can show that, the trial
 * runs in its own mount namespace. */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/facts_internal.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/job.h"

#define TRIAL ".nodekiln-trial"

/* kubelet sets these when it starts, and exits if it cannot (pkg/kubelet/cm, setupKernelTunables). */
static const struct {
	const char *path, *name, *value;
} wanted[] = {
	{ "proc/sys/vm/overcommit_memory", "vm.overcommit_memory", "1" },
	{ "proc/sys/vm/panic_on_oom", "vm.panic_on_oom", "0" },
	{ "proc/sys/kernel/panic", "kernel.panic", "10" },
	{ "proc/sys/kernel/panic_on_oops", "kernel.panic_on_oops", "1" },
	{ "proc/sys/kernel/keys/root_maxkeys", "kernel.keys.root_maxkeys", "1000000" },
	{ "proc/sys/kernel/keys/root_maxbytes", "kernel.keys.root_maxbytes", "25000000" },
};

static bool can_write(int rootfd, const char *path)
{
	CLEANUP(close_p) int fd = file_open_in(rootfd, path, O_WRONLY, 0);

	return fd >= 0;
}

static void read_sysctls(int rootfd, struct facts *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		CLEANUP(free_p) char *value = guest_word(rootfd, wanted[i].path);
		if (value && strcmp(value, wanted[i].value) != 0 && !can_write(rootfd, wanted[i].path))
			strings_addf(&m->sysctls, "%s=%s", wanted[i].name, wanted[i].value);
	}
}

static int enter(struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno(err, errno, "make a mount namespace");
	return 0;
}

/* The directory of the trials, by name: a descriptor refers to the namespace that it was opened in, where
 * mounting is not possible. */
struct trial {
	char place[PATH_MAX];
};

static bool find_place(int fd, struct trial *ret)
{
	CLEANUP(free_p) char *link = xasprintf("/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, ret->place, sizeof ret->place - 1);

	return n > 0;
}

/* The first mount that runc makes in every container; without nesting AppArmor or the kernel refuses it. */
static int mount_proc(void *context, struct error *err)
{
	const struct trial *t = context;
	CLEANUP(free_p) char *target = xasprintf("%s/merged", t->place);

	if (enter(err) < 0)
		return -1;
	return mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0
		       ? 0
		       : error_errno(err, errno, "mount a proc");
}

static int mount_overlay(void *context, struct error *err)
{
	const struct trial *t = context;
	CLEANUP(free_p) char *target = xasprintf("%s/merged", t->place);
	CLEANUP(free_p)
	char *options = xasprintf("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", t->place, t->place, t->place);

	if (enter(err) < 0)
		return -1;
	return mount("overlay", target, "overlay", 0, options) == 0 ? 0 : error_errno(err, errno, "mount an overlay");
}

static bool works(job_fn *trial, struct trial *t)
{
	struct error ignored = { 0 };
	CLEANUP(job_stop) struct job job = { 0 };

	return job_start(&job, trial, t, &ignored) == 0 && job_wait(&job, &ignored) == 0;
}

/* The directory of the runtime's layers: it may be on another volume than the root. */
static const char *store_of(const struct facts *m)
{
	bool docker = m->runtime == FACTS_RUNTIME_DOCKERSHIM || m->runtime == FACTS_RUNTIME_CRI_DOCKERD;

	return docker ? "var/lib/docker" : "var/lib/containerd";
}

static void try_mounts(int rootfd, struct facts *m)
{
	static const char *const directories[] = { "lower", "upper", "work", "merged" };
	CLEANUP(free_p) char *place = xasprintf("%s/" TRIAL, store_of(m));
	struct error ignored = { 0 };

	if (dir_make_in(rootfd, place, 0700, &ignored) < 0)
		return;
	CLEANUP(close_p) int fd = file_open_in(rootfd, place, O_RDONLY | O_DIRECTORY, 0);
	struct trial trial = { 0 };
	bool made = fd >= 0 && find_place(fd, &trial);

	for (size_t i = 0; i < ARRAY_SIZE(directories) && made; i++)
		made = mkdirat(fd, directories[i], 0700) == 0 || errno == EEXIST;
	m->mounts = made && works(mount_proc, &trial);
	m->overlays = made && works(mount_overlay, &trial);
	if (tree_remove(rootfd, place, &ignored) < 0)
		return;
}

static void read_controllers(int rootfd, struct facts *m)
{
	static const char *const needed[] = { "cpu", "memory", "pids" };
	CLEANUP(free_p) char *list = guest_word(rootfd, "sys/fs/cgroup/cgroup.controllers");
	CLEANUP(free_p) char *words = xasprintf(" %s ", list ? list : "");

	for (size_t i = 0; i < ARRAY_SIZE(needed) && m->cgroup2; i++) {
		CLEANUP(free_p) char *word = xasprintf(" %s ", needed[i]);
		if (!strstr(words, word))
			strings_add(&m->lacks_controllers, needed[i]);
	}
}

void facts_container(int rootfd, struct facts *m)
{
	if (!m->container)
		return;
	read_sysctls(rootfd, m);
	read_controllers(rootfd, m);
	try_mounts(rootfd, m);
	m->overlay |= m->overlays; /* the kernel loads the module at the first mount */
}
