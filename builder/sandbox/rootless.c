/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/rootless.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/sandbox/mount.h"
#include "lib/file.h"
#include "lib/job.h"
#include "lib/process.h"

#define SUBID_MAX (16u << 20)

static bool entered, restricted;
static uid_t caller_uid;

bool rootless(void)
{
	return entered;
}

bool rootless_restricted(void)
{
	return restricted;
}

uid_t rootless_caller(void)
{
	return entered ? caller_uid : geteuid();
}

static bool has_capability(unsigned capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 &&
	       data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

/* Parses "USER:START:COUNT"; cuts up line in place. */
static bool read_line(char *line, const char *name, const char *number, struct id_range *ret)
{
	char *user = strsep(&line, ":"), *start = strsep(&line, ":"), *count = line, *end;

	if (!count || (strcmp(user, number) && (!name || strcmp(user, name))))
		return false;
	*ret = (struct id_range){ .start = (unsigned)strtoul(start, NULL, 10),
				  .count = (unsigned)strtoul(count, &end, 10) };
	return end != count && ret->start > 0 && ret->count >= ROOTLESS_IDS - 1;
}

bool rootless_range(const char *text, const char *name, uid_t uid, struct id_range *ret)
{
	CLEANUP(free_p) char *copy = xstrdup(text), *number = xasprintf("%u", uid);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		if (read_line(line, name, number, ret))
			return true;
	return false;
}

/* How the ids of one kind are mapped into a namespace. */
struct id_mapping {
	const char *program, *file, *proc, *option;
};
static const struct id_mapping mappings[] = {
	{ "newuidmap", "/etc/subuid", "uid_map", "--add-subuids" },
	{ "newgidmap", "/etc/subgid", "gid_map", "--add-subgids" },
};

/* The input of the helper process, which stays outside the namespace. */
struct id_mapper {
	int wake; /* pipe; a byte arrives once the namespace exists */
	pid_t pid;
	uid_t uid;
	gid_t gid;
	struct id_range range[ARRAY_SIZE(mappings)];
};

static int find_range(const struct id_mapping *m, uid_t uid, struct id_range *ret, struct error *err)
{
	const struct passwd *user = getpwuid(uid);
	CLEANUP(text_done) struct text text = { 0 };
	struct error ignored = { 0 };

	if (file_read(AT_FDCWD, m->file, SUBID_MAX, &text, &ignored) == 0 && text.data &&
	    rootless_range(text.data, user ? user->pw_name : NULL, uid, ret))
		return 0;
	return error_set(err, ERROR_HOST,
			 "a build without root needs %u ids for this user in %s; as root: usermod %s 100000-165535 %s",
			 ROOTLESS_IDS - 1, m->file, m->option, user ? user->pw_name : "USER");
}

static int map_subordinate(const struct id_mapper *o, size_t i, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text ignored = { 0 };

	strings_addf(&argv, "%s", mappings[i].program);
	strings_addf(&argv, "%d", (int)o->pid);
	strings_add(&argv, "0");
	strings_addf(&argv, "%u", i ? o->gid : o->uid);
	strings_add_all(&argv, "1", "1", NULL);
	strings_addf(&argv, "%u", o->range[i].start);
	strings_addf(&argv, "%u", ROOTLESS_IDS - 1);
	return process_capture(strings_argv(&argv), &ignored, err);
}

/* Maps root's own ids to themselves. The kernel takes the whole map in one write(2). */
static int map_own(const struct id_mapper *o, size_t i, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/%d/%s", (int)o->pid, mappings[i].proc);
	CLEANUP(free_p) char *line = xasprintf("0 0 %u\n", ROOTLESS_IDS);
	CLEANUP(close_p) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		return error_errno(err, errno, "write %s", path);
	return 0;
}

/* The helper is a job that stays outside the namespace, because the maps may only be written from there. */
static int map_from_outside(void *mapper, struct error *err)
{
	const struct id_mapper *o = mapper;
	char byte;

	if (read(o->wake, &byte, 1) != 1)
		return error_set(err, ERROR_HOST, "no user namespace has been made");
	for (size_t i = 0; i < ARRAY_SIZE(mappings); i++)
		if ((o->uid ? map_subordinate : map_own)(o, i, err) < 0) {
			err->class = ERROR_HOST;
			return -1;
		}
	return 0;
}

static int make_namespace(struct error *err)
{
	if (unshare(CLONE_NEWUSER) == 0)
		return 0;
	error_errno(err, errno,
		    "make a user namespace; a build needs root with CAP_SYS_ADMIN, or user namespaces: sysctl "
		    "kernel.unprivileged_userns_clone=1 and user.max_user_namespaces, or for a container --cap-add "
		    "SYS_ADMIN");
	err->class = ERROR_HOST;
	return -1;
}

static int become_root(struct id_mapper *o, int wakefd, struct error *err)
{
	CLEANUP(job_stop) struct job helper = { 0 };

	o->pid = getpid();
	if (job_start(&helper, map_from_outside, o, err) < 0 || make_namespace(err) < 0)
		return -1;
	if (write(wakefd, "", 1) != 1)
		return error_errno(err, errno, "wake the helper that maps the ids");
	if (job_wait(&helper, err) < 0)
		return -1;
	if (setresgid(0, 0, 0) < 0 || setgroups(0, NULL) < 0 || setresuid(0, 0, 0) < 0)
		return error_errno(err, errno, "become root of the user namespace");
	return 0;
}

static int find_ranges(struct id_mapper *o, struct error *err)
{
	for (size_t i = 0; o->uid && i < ARRAY_SIZE(mappings); i++)
		if (find_range(&mappings[i], o->uid, &o->range[i], err) < 0)
			return -1;
	return 0;
}

bool rootless_subordinate(struct error *err)
{
	struct id_mapper o = { .uid = geteuid() };

	return find_ranges(&o, err) == 0;
}

static int enter_namespace(struct id_mapper *o, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	o->wake = ends[0];
	int rc = become_root(o, ends[1], err);
	close(ends[0]);
	close(ends[1]);
	return rc;
}

/* Tries everything that a build does in a user namespace and that a container may forbid. Runs in a job:
 * when it ends, nothing is left. */
static int try_namespace(void *mapper, struct error *err)
{
	int status = -1;

	if (enter_namespace(mapper, err) < 0)
		return -1;
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
		return error_errno(err, errno, "make namespaces");
	/* Not a job: a job checks that its parent is alive, and the parent is not visible in the new namespace. */
	pid_t pid = fork();
	if (pid == 0)
		_exit(mount_attach("proc", "/proc", "proc", NULL, err) < 0);
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status ? error_set(err, ERROR_HOST, "/proc cannot be mounted in a user namespace") : 0;
}

static bool can_make_namespace(struct id_mapper *o)
{
	CLEANUP(job_stop) struct job trial = { 0 };
	struct error ignored = { 0 };

	return job_start(&trial, try_namespace, o, &ignored) == 0 && job_wait(&trial, &ignored) == 0;
}

/* The capabilities that the installation of packages needs. Containers have them by default, except MKNOD
 * with podman. */
static const struct {
	unsigned number;
	const char *name;
} needed[] = {
	{ CAP_CHOWN, "CHOWN" },   { CAP_DAC_OVERRIDE, "DAC_OVERRIDE" },
	{ CAP_FOWNER, "FOWNER" }, { CAP_FSETID, "FSETID" },
	{ CAP_KILL, "KILL" },     { CAP_SETGID, "SETGID" },
	{ CAP_SETUID, "SETUID" }, { CAP_SETFCAP, "SETFCAP" },
	{ CAP_MKNOD, "MKNOD" },   { CAP_SYS_CHROOT, "SYS_CHROOT" },
};

static int restrict_build(struct error *err)
{
	CLEANUP(text_done) struct text options = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!has_capability(needed[i].number))
			text_addf(&options, " --cap-add %s", needed[i].name);
	if (options.len)
		return error_set(err, ERROR_HOST,
				 "root cannot make user namespaces here and has too few capabilities to build in a "
				 "chroot; for a container:%s",
				 options.data);
	restricted = true;
	return 0;
}

int rootless_enter(struct error *err)
{
	struct id_mapper o = { .uid = geteuid(), .gid = getegid() };

	if (o.uid == 0 && has_capability(CAP_SYS_ADMIN))
		return 0;
	if (o.uid == 0 && !can_make_namespace(&o))
		return restrict_build(err);
	if (find_ranges(&o, err) < 0 || enter_namespace(&o, err) < 0)
		return -1;
	caller_uid = o.uid;
	entered = true;
	return 0;
}
