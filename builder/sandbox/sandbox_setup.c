/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/sandbox_setup.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "builder/sandbox/mount.h"
#include "lib/alloc.h"
#include "lib/file.h"

/* Mounted in this order. An entry without a type is a bind mount of the target onto itself. */
struct mount_entry {
	const char *target, *source, *type, *options;
};
static const struct mount_entry mount_table[] = {
	{ "proc", "proc", "proc", "nosuid,nodev,noexec" },
	/* Read-only, because the kernel's settings belong to the host: those of which the modes let user 0 write, whatever
	 * its capabilities are. */
	{ "proc/acpi", "proc/acpi", NULL, "bind,ro" },
	{ "proc/asound", "proc/asound", NULL, "bind,ro" },
	{ "proc/bus", "proc/bus", NULL, "bind,ro" },
	{ "proc/driver", "proc/driver", NULL, "bind,ro" },
	{ "proc/dynamic_debug", "proc/dynamic_debug", NULL, "bind,ro" },
	{ "proc/fs", "proc/fs", NULL, "bind,ro" },
	{ "proc/irq", "proc/irq", NULL, "bind,ro" },
	{ "proc/latency_stats", "proc/latency_stats", NULL, "bind,ro" },
	{ "proc/mtrr", "proc/mtrr", NULL, "bind,ro" },
	{ "proc/scsi", "proc/scsi", NULL, "bind,ro" },
	{ "proc/sys", "proc/sys", NULL, "bind,ro" },
	{ "proc/sysrq-trigger", "proc/sysrq-trigger", NULL, "bind,ro" },
	{ "dev", "dev", "tmpfs", "nosuid,nodev,mode=755,size=4m" },
	{ "dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=666,mode=620" },
	{ "dev/shm", "shm", "tmpfs", "nosuid,nodev,mode=1777" },
	{ "run", "run", "tmpfs", "nosuid,nodev,mode=755" },
	{ "tmp", "tmp", "tmpfs", "nosuid,nodev,mode=1777" },
};

static const char *const devices[] = { "null", "zero", "full", "random", "urandom", "tty" };

static const struct {
	const char *name, *target;
} links[] = {
	{ "ptmx", "pts/ptmx" },          { "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
};

/* The stubs: programs that replace others. They are in the sandbox's own /dev and disappear with it. */
#define STUB "dev/.stub"
#define CALLED "dev/.called-"
static const struct {
	const char *name, *text;
} stubs[] = {
	{ SANDBOX_FORBID, "#!/bin/sh\nexit 101\n" }, /* policy-rc.d's "not allowed" */
	{ STUB, "#!/bin/sh\n: >\"/" CALLED "${0##*/}\"\n" },
	{ STUB ".py", "# stub\n" },
};

char *sandbox_setup_real_path(int fd)
{
	CLEANUP(free_p) char *link = xasprintf("/proc/self/fd/%d", fd);
	char path[PATH_MAX];
	ssize_t n = readlink(link, path, sizeof path);

	if (n == sizeof path)
		errno = ENAMETOOLONG;
	return n < 0 || n == sizeof path ? NULL : xstrndup(path, (size_t)n);
}

/* Makes a mount point in the tree and returns its absolute path for mount(2). A symbolic link is refused: it
 * would lead the mount elsewhere. */
static int make_mount_point(const struct sandbox *s, int rootfd, const char *name, bool directory, char **ret,
			    struct error *err)
{
	struct stat st;
	const char *base;
	CLEANUP(close_p) int parent = file_open_parent_in(rootfd, name, true, &base);

	if (parent < 0)
		return error_errno(err, errno, "open the directory of %s/%s", s->root, name);
	if (directory && mkdirat(parent, base, 0755) < 0 && errno != EEXIST)
		return error_errno(err, errno, "create %s/%s", s->root, name);
	if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at %s/%s", s->root, name);
	if (S_ISLNK(st.st_mode))
		return error_set(err, ERROR_COMMAND, "%s/%s is a symbolic link; nothing can be mounted there", s->root,
				 name);
	CLEANUP(free_p) char *directory_path = sandbox_setup_real_path(parent);
	if (!directory_path)
		return error_errno(err, errno, "find the path of %s/%s", s->root, name);
	*ret = xasprintf("%s/%s", directory_path, base);
	return 0;
}

/* *ret_path, owned by the caller: where it is mounted. */
static int bind_at(const struct sandbox *s, int rootfd, const char *source, const char *target, const char *options,
		   char **ret_path, struct error *err)
{
	struct stat st;

	if (stat(source, &st) < 0)
		return error_errno(err, errno, "look at %s", source);
	if (!S_ISDIR(st.st_mode)) {
		const char *base;
		CLEANUP(close_p) int parent = file_open_parent_in(rootfd, target, true, &base);
		CLEANUP(close_p)
		int fd = parent < 0 ? -1
				    : file_open_in(rootfd, target, O_RDONLY | O_CREAT | O_NOCTTY | O_NONBLOCK, 0644);
		if (fd < 0)
			return error_errno(err, errno, "create %s/%s", s->root, target);
	}
	if (make_mount_point(s, rootfd, target, S_ISDIR(st.st_mode), ret_path, err) < 0)
		return -1;
	return mount_attach(source, *ret_path, NULL, options, err);
}

static int bind_into(const struct sandbox *s, int rootfd, const char *source, const char *target, const char *options,
		     struct error *err)
{
	CLEANUP(free_p) char *path = NULL;

	return bind_at(s, rootfd, source, target, options, &path, err);
}

static int mount_one(const struct sandbox *s, int rootfd, const struct mount_entry *m, struct error *err)
{
	CLEANUP(free_p) char *path = NULL;

	/* Kernels differ in the files below /proc. */
	if (!m->type && !file_exists_in(rootfd, m->target))
		return 0;
	if (make_mount_point(s, rootfd, m->target, m->type != NULL, &path, err) < 0)
		return -1;
	return mount_attach(m->type ? m->source : path, path, m->type, m->options, err);
}

int sandbox_setup_links(int rootfd, struct error *err)
{
	CLEANUP(close_p) int dev = file_open_in(rootfd, "dev", O_RDONLY | O_DIRECTORY, 0);

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i].target, dev, links[i].name) < 0)
			return error_errno(err, errno, "create /dev/%s in the sandbox", links[i].name);
	return 0;
}

static int populate_devices(const struct sandbox *s, int rootfd, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		/* Bind mounts, since device nodes cannot be made in a user namespace. */
		CLEANUP(free_p) char *source = xasprintf("/dev/%s", devices[i]);
		if (bind_into(s, rootfd, source, source + 1, "bind", err) < 0)
			return -1;
	}
	return sandbox_setup_links(rootfd, err);
}

int sandbox_setup_stubs(int rootfd, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(stubs); i++)
		if (file_write_in(rootfd, stubs[i].name, stubs[i].text, strlen(stubs[i].text), 0755, err) < 0)
			return -1;
	return 0;
}

const char *sandbox_setup_stub(const char *program)
{
	return text_ends(program, ".py") ? "/" STUB ".py" : "/" STUB;
}

bool sandbox_setup_called(const char *program)
{
	CLEANUP(free_p) char *called = xasprintf("/" CALLED "%s", strrchr(program, '/') + 1);

	return access(called, F_OK) == 0;
}

static int stub_program(const struct sandbox *s, int rootfd, const char *program, struct error *err)
{
	CLEANUP(free_p) char *source = xasprintf("%s%s", s->root, sandbox_setup_stub(program));

	if (!file_exists_in(rootfd, program))
		return 0;
	return bind_into(s, rootfd, source, program, "bind", err);
}

static int stub_all(const struct sandbox *s, int rootfd, struct error *err)
{
	CLEANUP(free_p) char *forbid = xasprintf("%s/" SANDBOX_FORBID, s->root);

	if (sandbox_setup_stubs(rootfd, err) < 0)
		return -1;
	if (s->forbid_services && file_exists_in(rootfd, SANDBOX_POLICY) &&
	    bind_into(s, rootfd, forbid, SANDBOX_POLICY, "bind", err) < 0)
		return -1;
	for (size_t i = 0; i < s->stubbed.n; i++)
		if (stub_program(s, rootfd, s->stubbed.at[i], err) < 0)
			return -1;
	return 0;
}

static int populate_binds(const struct sandbox *s, int rootfd, struct error *err)
{
	for (size_t i = 0; i < s->binds.list.n; i++) {
		const struct sandbox_bind *b = &s->binds.list.at[i];
		CLEANUP(free_p) char *path = NULL;
		if (bind_at(s, rootfd, b->source, b->target, "rbind", &path, err) < 0 ||
		    mount_no_devices(path, err) < 0 || (b->read_only && mount_read_only(path, err) < 0))
			return -1;
	}
	return 0;
}

static int populate(const struct sandbox *s, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, s->root, err);

	if (rootfd < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(mount_table); i++)
		if (mount_one(s, rootfd, &mount_table[i], err) < 0)
			return -1;
	if (populate_devices(s, rootfd, err) < 0 || stub_all(s, rootfd, err) < 0)
		return -1;
	return populate_binds(s, rootfd, err);
}

/* Makes the tree / and unmounts the host's root, so that not even a process that breaks out of a chroot
 * finds it. Only here and in sandbox_chroot.c does nodekiln change its working directory: this process
 * exists only for the sandbox. */
static int become_root(const char *root, struct error *err)
{
	if (chdir(root) < 0)
		return error_errno(err, errno, "enter %s", root);
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return error_errno(err, errno, "make %s the root", root);
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return error_errno(err, errno, "leave the host's root");
	return 0;
}

static int loopback_up(struct error *err)
{
	CLEANUP(close_p) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	/* Best effort: packages are configured on a kernel without IPv4 too. */
	if (fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) < 0 && errno != ENODEV)
		return error_errno(err, errno, "bring up the sandbox's loopback");
	return 0;
}

int sandbox_setup_enter(const struct sandbox *sandbox, struct error *err)
{
	/* The first mount stops propagation to the host. The second makes the root a mount point,
	 * which pivot_root(2) requires. */
	if (mount_attach("none", "/", NULL, "rprivate", err) < 0 ||
	    mount_attach(sandbox->root, sandbox->root, NULL, "rbind", err) < 0 ||
	    mount_no_devices(sandbox->root, err) < 0 || populate(sandbox, err) < 0 ||
	    become_root(sandbox->root, err) < 0 || (!sandbox->network && loopback_up(err) < 0))
		return -1;
	if (sethostname(SANDBOX_HOSTNAME, strlen(SANDBOX_HOSTNAME)) < 0)
		return error_errno(err, errno, "set the sandbox's host name");
	return 0;
}

bool sandbox_setup_open_policy(const char *root)
{
	CLEANUP(close_p) int rootfd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(close_p)
	int fd = rootfd < 0 ? -1 : file_open_in(rootfd, SANDBOX_POLICY, O_RDONLY | O_CREAT | O_EXCL, 0755);

	return fd >= 0;
}

void sandbox_setup_close_policy(const char *root)
{
	const char *base;
	CLEANUP(close_p) int rootfd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(close_p) int parent = rootfd < 0 ? -1 : file_open_parent_in(rootfd, SANDBOX_POLICY, false, &base);

	if (parent >= 0)
		unlinkat(parent, base, 0);
}
