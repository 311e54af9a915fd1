/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "builder/sandbox/sandbox_chroot.h"
#include "builder/sandbox/sandbox_setup.h"
#include "lib/file.h"

/* Suffix of a stubbed program's own file. It stays in its directory, since the process that moves it back may
 * be inside the chroot and cannot see ROOT.aside. */
#define STUBBED_SUFFIX ".nodekiln-stubbed"

/* The directories that are moved aside, and the modes of the new ones in their places. */
static const struct {
	const char *name;
	mode_t mode;
} moved_aside[] = { { "dev", 0755 }, { "proc", 0555 }, { "run", 0755 }, { "tmp", 01777 } };
static const char *const empty_directories[] = { "dev/pts", "dev/shm" };

static const struct {
	const char *name;
	unsigned major, minor;
} devices[] = {
	{ "dev/null", 1, 3 },   { "dev/zero", 1, 5 },    { "dev/full", 1, 7 },
	{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
};

/* Restores a directory's times when the scope ends: moving entries aside must not show in them. */
struct kept_times {
	int fd; /* borrowed */
	struct timespec times[2];
};

static struct kept_times keep_times(int fd)
{
	struct stat st = { 0 };

	return fstat(fd, &st) < 0 ? (struct kept_times){ .fd = -1 }
				  : (struct kept_times){ fd, { st.st_atim, st.st_mtim } };
}

static void kept_times_restore(struct kept_times *u)
{
	if (u->fd >= 0)
		futimens(u->fd, u->times);
}

static int open_aside(const char *root, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s.aside", root);

	return dir_open(AT_FDCWD, path, err);
}

static int make_aside(const char *root, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s.aside", root);

	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return error_errno(err, errno, "create %s", path);
	return error_set(err, ERROR_FAILED,
			 "%s exists: a sandbox is running in %s, or was killed there; if it was killed, remove both",
			 path, root);
}

/* The files of /proc that an installation reads. The supervisor emulates /proc/self; there is nothing else. */
static int populate_files(int rootfd, struct error *err)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "proc/mounts", "rootfs / rootfs rw 0 0\n" },
		{ "proc/filesystems", "nodev\ttmpfs\n\text4\n" },
		{ "proc/cmdline", "\n" },
		{ "proc/sys/kernel/hostname", SANDBOX_HOSTNAME "\n" },
		/* systemd-tmpfiles fails without it. A constant, since it may end up in an image. */
		{ "proc/sys/kernel/random/boot_id", "6e6f6465-6b69-4c6e-8000-000000000001\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (file_write_in(rootfd, files[i].name, files[i].text, strlen(files[i].text), 0444, err) < 0)
			return -1;
	return 0;
}

static int populate_devices(int rootfd, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(empty_directories); i++)
		if (dir_make_in(rootfd, empty_directories[i], 0755, err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (mknodat(rootfd, devices[i].name, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)) < 0 ||
		    fchmodat(rootfd, devices[i].name, 0666, 0) < 0)
			return error_errno(
				err, errno,
				"make the device node /%s in the sandbox; for a container: --cap-add MKNOD, or "
				"--cap-add SYS_ADMIN",
				devices[i].name);
	return 0;
}

static int move_aside(const struct sandbox *s, int rootfd, int asidefd, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(moved_aside); i++) {
		CLEANUP(kept_times_restore) UNUSED struct kept_times root = keep_times(rootfd);
		if (renameat(rootfd, moved_aside[i].name, asidefd, moved_aside[i].name) < 0 &&
		    (errno != ENOENT || mkdirat(asidefd, moved_aside[i].name, 0755) < 0))
			return error_errno(err, errno, "move %s/%s aside", s->root, moved_aside[i].name);
		if (mkdirat(rootfd, moved_aside[i].name, 0755) < 0 ||
		    fchmodat(rootfd, moved_aside[i].name, moved_aside[i].mode, 0) < 0)
			return error_errno(err, errno, "create %s/%s", s->root, moved_aside[i].name);
	}
	return 0;
}

static int move_back(int rootfd, int asidefd)
{
	struct error ignored = { 0 };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(moved_aside); i++) {
		CLEANUP(kept_times_restore) UNUSED struct kept_times root = keep_times(rootfd);
		if (faccessat(asidefd, moved_aside[i].name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
		    tree_remove(rootfd, moved_aside[i].name, &ignored) == 0)
			rc |= renameat(asidefd, moved_aside[i].name, rootfd, moved_aside[i].name);
	}
	return rc;
}

static int stub_program(int rootfd, const char *program, const char *stub, struct error *err)
{
	const char *base;

	if (!file_exists_in(rootfd, program))
		return 0;
	CLEANUP(close_p) int parent = file_open_parent_in(rootfd, program, false, &base);
	CLEANUP(free_p) char *stubbed = xasprintf("%s" STUBBED_SUFFIX, base);
	CLEANUP(kept_times_restore) UNUSED struct kept_times directory = keep_times(parent);
	if (parent < 0 || renameat(parent, base, parent, stubbed) < 0 || symlinkat(stub, parent, base) < 0)
		return error_errno(err, errno, "stub %s", program);
	return 0;
}

/* Moves a stubbed program back. A program that is not stubbed is no error. */
static int unstub_program(int rootfd, const char *program)
{
	const char *base;
	CLEANUP(close_p) int parent = file_open_parent_in(rootfd, program, false, &base);

	if (parent < 0)
		return errno == ENOENT ? 0 : -1;
	CLEANUP(free_p) char *stubbed = xasprintf("%s" STUBBED_SUFFIX, base);
	CLEANUP(kept_times_restore) UNUSED struct kept_times directory = keep_times(parent);
	return renameat(parent, stubbed, parent, base) < 0 && errno != ENOENT ? -1 : 0;
}

int sandbox_chroot_release(const char *program, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, "/", err);

	if (rootfd < 0)
		return -1;
	return unstub_program(rootfd, program) < 0 ? error_errno(err, errno, "move %s back", program) : 0;
}

static int stub_all(const struct sandbox *s, int rootfd, struct error *err)
{
	if (sandbox_setup_stubs(rootfd, err) < 0 ||
	    (s->forbid_services && stub_program(rootfd, SANDBOX_POLICY, "/" SANDBOX_FORBID, err) < 0))
		return -1;
	for (size_t i = 0; i < s->stubbed.n; i++)
		if (stub_program(rootfd, s->stubbed.at[i], sandbox_setup_stub(s->stubbed.at[i]), err) < 0)
			return -1;
	return 0;
}

/* Moves the source of a bind to its target in the tree, or back. */
static int move_bind(int rootfd, const struct sandbox_bind *b, bool in, struct error *err)
{
	struct stat st;
	const char *base;
	CLEANUP(close_p) int parent = file_open_parent_in(rootfd, b->target, true, &base);

	if (parent < 0)
		return error_errno(err, errno, "open the directory of %s in the sandbox", b->target);
	CLEANUP(kept_times_restore) UNUSED struct kept_times directory = keep_times(parent);
	/* What ran in the tree may have put a link there, which the caller would follow. */
	if (!in && (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISLNK(st.st_mode)))
		return error_set(err, ERROR_COMMAND, "a program in the sandbox has replaced /%s", b->target);
	if (in ? renameat(AT_FDCWD, b->source, parent, base) < 0 : renameat(parent, base, AT_FDCWD, b->source) < 0)
		return error_errno(err, errno, "move %s %s the sandbox", b->source, in ? "into" : "out of");
	return 0;
}

/* What is moved into the tree can be written there. */
static int refuse_read_only(const struct sandbox *s, struct error *err)
{
	for (size_t i = 0; i < s->binds.list.n; i++)
		if (s->binds.list.at[i].read_only)
			return error_set(err, ERROR_HOST,
					 "%s must be read-only in the sandbox; this environment can mount nothing: run "
					 "nodekiln as root, or where users have namespaces",
					 s->binds.list.at[i].source);
	return 0;
}

static int populate(const struct sandbox *s, int rootfd, int asidefd, struct error *err)
{
	if (move_aside(s, rootfd, asidefd, err) < 0 || populate_files(rootfd, err) < 0 ||
	    populate_devices(rootfd, err) < 0 || sandbox_setup_links(rootfd, err) < 0 || stub_all(s, rootfd, err) < 0)
		return -1;
	for (size_t i = 0; i < s->binds.list.n; i++)
		if (move_bind(rootfd, &s->binds.list.at[i], true, err) < 0)
			return -1;
	return 0;
}

int sandbox_chroot_populate(const struct sandbox *s, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, s->root, err);

	if (rootfd < 0 || refuse_read_only(s, err) < 0 || make_aside(s->root, err) < 0)
		return -1;
	CLEANUP(close_p) int asidefd = open_aside(s->root, err);
	if (asidefd >= 0 && populate(s, rootfd, asidefd, err) == 0)
		return 0;
	sandbox_chroot_clear(s);
	return -1;
}

int sandbox_chroot_check(const struct sandbox *s, struct error *err)
{
	CLEANUP(free_p) char *aside = xasprintf("%s.aside", s->root);

	if (access(aside, F_OK) < 0)
		return 0;
	return error_set(err, ERROR_COMMAND,
			 "%s, which the sandbox in %s had moved aside, could not be moved back; run the command again",
			 aside, s->root);
}

void sandbox_chroot_clear(const struct sandbox *s)
{
	struct error ignored = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, s->root, &ignored);
	CLEANUP(close_p) int asidefd = rootfd < 0 ? -1 : open_aside(s->root, &ignored);
	CLEANUP(free_p) char *aside = xasprintf("%s.aside", s->root);
	int failed = 0;

	if (asidefd < 0)
		return;
	for (size_t i = s->binds.list.n; i-- > 0;)
		failed |= move_bind(rootfd, &s->binds.list.at[i], false, &ignored);
	for (size_t i = 0; i < s->stubbed.n; i++)
		failed |= unstub_program(rootfd, s->stubbed.at[i]);
	failed |= unstub_program(rootfd, SANDBOX_POLICY) | move_back(rootfd, asidefd);
	if (failed == 0)
		rmdir(aside);
}
