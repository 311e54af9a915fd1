/* SPDX-License-Identifier: Apache-2.0 */
/* A tree whose dpkg and other programs are shell scripts that log what they are asked to do. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "builder/sandbox/sandbox.h"
#include "builder/tree/tree.h"
#include "lib/clock.h"
#include "tests/unit/tiny_guest.h"

struct guest {
	char path[32];
	int root; /* owned */
	struct tiny_guest tiny;
	int lines; /* owned; what tree_configure() passed on, from processes of its own */
};

static void put(const struct guest *g, const char *name, const char *text, mode_t mode)
{
	struct error err = { 0 };

	if (file_write_in(g->root, name, text, strlen(text), mode, &err) < 0)
		abort();
}

static void put_script(const struct guest *g, const char *name, const char *commands)
{
	CLEANUP(free_p) char *text = xasprintf("#!/bin/sh\n%s\n", commands);

	put(g, name, text, 0755);
}

/* The counters of a coverage build are written by their absolute path: show their directory in the tree. */
static void show_counters(const struct guest *g UNUSED)
{
#ifdef COVERAGE_OBJECTS
	static bool is_private;
	struct error err = { 0 };
	CLEANUP(close_p) int rootfd = open(g->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if ((!is_private && sandbox_private_mounts(&err) < 0) ||
	    dir_make_in(rootfd, COVERAGE_OBJECTS, 0755, &err) < 0 ||
	    sandbox_mount_bind_in(COVERAGE_OBJECTS, rootfd, COVERAGE_OBJECTS, &err) < 0)
		abort();
	is_private = true;
#endif
}

static void hide_counters(const struct guest *g UNUSED)
{
#ifdef COVERAGE_OBJECTS
	CLEANUP(free_p) char *inside = xasprintf("%s%s", g->path, COVERAGE_OBJECTS);

	umount2(inside, MNT_DETACH);
#endif
}

static bool guest_open(struct guest *g)
{
	static const char *const links[] = { "bin", "sbin", "lib", "lib64" };
	struct error err = { 0 };

	*g = (struct guest){ .path = "/tmp/nodekiln-test.XXXXXX",
			     .root = -1,
			     .lines = memfd_create("lines", MFD_CLOEXEC) };
	if (!mkdtemp(g->path) || (g->root = dir_open(AT_FDCWD, g->path, &err)) < 0)
		abort();
	if (!tiny_guest_find(&g->tiny))
		return false;
	show_counters(g);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		CLEANUP(free_p) char *target = xasprintf("usr/%s", links[i]);
		if (symlinkat(target, g->root, links[i]) < 0)
			abort();
	}
	for (size_t i = 0; i < ARRAY_SIZE(g->tiny.file); i++) {
		CLEANUP(text_done) struct text bytes = { 0 };
		tiny_guest_read(&g->tiny.file[i], &bytes);
		if (file_write_in(g->root, g->tiny.file[i].guest, bytes.data, bytes.len, 0755, &err) < 0)
			abort();
	}
	put(g, "log", "", 0644);
	put_script(g, "usr/bin/dpkg", "echo dpkg $* >>/log; echo date $SOURCE_DATE_EPOCH");
	return true;
}

static void guest_done(struct guest *g)
{
	struct error err = { 0 };

	hide_counters(g);
	tiny_guest_done(&g->tiny);
	close_p(&g->lines);
	close_p(&g->root);
	if (tree_remove(AT_FDCWD, g->path, &err) < 0)
		printf("# %s\n", err.text);
}

static void add_line(void *guest, const char *line)
{
	const struct guest *g = guest;

	dprintf(g->lines, "%s\n", line);
}

static char *lines(const struct guest *g)
{
	char text[4096] = { 0 };

	return pread(g->lines, text, sizeof text - 1, 0) < 0 ? NULL : xstrdup(text);
}

static int configure(struct guest *g, enum tree_initramfs initramfs, struct error *err)
{
	return tree_configure(
		&(struct tree_configure){ .root = g->path, .initramfs = initramfs, .line = add_line, .context = g },
		err);
}

#define CHECK_LOG(g, want)                                                                                             \
	do {                                                                                                           \
		CLEANUP(text_done) struct text log_ = { 0 };                                                           \
		struct error err_ = { 0 };                                                                             \
		CHECK(file_read_in((g)->root, "log", 1 << 20, &log_, &err_) == 0);                                     \
		CHECK_STR(log_.data, want);                                                                            \
	} while (0)

#define DPKG_LINE "dpkg --configure -a --force-unsafe-io --force-confnew --force-confmiss\n"
#define NEEDS "needs root, and the libraries of Debian amd64"

static const char status[] =
	"Package: late\nStatus: install ok unpacked\nVersion: 1\nArchitecture: all\n\n"
	"Package: first\nStatus: install ok unpacked\nVersion: 2\nArchitecture: amd64\n"
	"Essential: yes\nMulti-Arch: same\n\n"
	"Package: old\nStatus: install ok unpacked\nConfig-Version: 0\nVersion: 1\nArchitecture: all\n\n"
	"Package: done\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n";

/* Essential packages come first; what was configured before has no preinst. The environment is dpkg's. */
TEST(tree_configure_runs_preinsts_then_dpkg)
{
	CLEANUP(guest_done) struct guest g;
	struct error err = { 0 };

	if (!guest_open(&g))
		SKIP(NEEDS);
	put(&g, "var/lib/dpkg/status", status, 0644);
	put_script(&g, "var/lib/dpkg/info/late.preinst",
		   "echo late $1 $0 $DPKG_MAINTSCRIPT_PACKAGE >>/log; echo hello\n"
		   "while read -r line; do echo $line >>/log; done </var/lib/dpkg/tmp.ci/control");
	put_script(&g, "var/lib/dpkg/info/first:amd64.preinst", "echo first $DPKG_MAINTSCRIPT_ARCH >>/log");
	put_script(&g, "var/lib/dpkg/info/old.preinst", "echo old >>/log");
	put_script(&g, "var/lib/dpkg/info/done.preinst", "echo done >>/log");
	CHECK_STR(configure(&g, INITRAMFS_ASKED, &err) < 0 ? err.text : "", "");
	CHECK_LOG(&g, "first amd64\nlate install /var/lib/dpkg/tmp.ci/preinst late\n"
		      "Package: late\nVersion: 1\nArchitecture: all\n" DPKG_LINE);
	CLEANUP(free_p) char *got = lines(&g);
	CHECK_STR(got, "hello\ndate 1577836800\n");
	CHECK(!file_exists_in(g.root, "var/lib/dpkg/tmp.ci"));
}

TEST(tree_configure_reports_a_preinst)
{
	CLEANUP(guest_done) struct guest g;
	struct error err = { 0 };

	if (!guest_open(&g))
		SKIP(NEEDS);
	put(&g, "var/lib/dpkg/status", status, 0644);
	put_script(&g, "var/lib/dpkg/info/late.preinst", "echo why; exit 3");
	CHECK(configure(&g, INITRAMFS_NEVER, &err) < 0 && err.class == ERROR_COMMAND);
	CHECK(strstr(err.text, "the preinst script of late"));
	CHECK_LOG(&g, "");
}

TEST(tree_configure_reports_dpkgs_first_error)
{
	CLEANUP(guest_done) struct guest g;
	struct error err = { 0 };

	if (!guest_open(&g))
		SKIP(NEEDS);
	put(&g, "var/lib/dpkg/status", "", 0644);
	put_script(&g, "usr/bin/dpkg", "echo the reason; echo 'dpkg: error processing package x'; echo next; exit 1");
	CHECK(configure(&g, INITRAMFS_NEVER, &err) < 0 && err.class == ERROR_COMMAND);
	CHECK_STR(err.text, "dpkg --configure: the reason | dpkg: error processing package x | next");
	put_script(&g, "usr/bin/dpkg", "exit 1");
	CHECK(configure(&g, INITRAMFS_NEVER, &err) < 0 && strstr(err.text, "dpkg"));
	put(&g, "var/lib/dpkg/status", "Status: install ok unpacked\n", 0644);
	CHECK(configure(&g, INITRAMFS_NEVER, &err) < 0 && strstr(err.text, "dpkg's status: "));
}

/* dpkg's end is the end: what scripts leave is killed before the next programs run, noisy or silent. */
TEST(tree_configure_kills_what_scripts_leave)
{
	CLEANUP(guest_done) struct guest g;
	struct error err = { 0 };

	if (!guest_open(&g))
		SKIP(NEEDS);
	put(&g, "var/lib/dpkg/status", status, 0644);
	put_script(&g, "var/lib/dpkg/info/late.preinst",
		   "(trap '' TERM HUP PIPE; while :; do echo noise; done) & echo $! >/left0");
	put_script(&g, "usr/bin/dpkg", "( (while :; do :; done) & echo $! >/left1); echo dpkg >>/log");
	put(&g, "boot/vmlinuz-1", "", 0644);
	put_script(&g, "usr/sbin/update-initramfs",
		   "for n in 0 1; do read -r pid </left$n; kill -0 $pid && echo $n runs >>/log || echo $n ended "
		   ">>/log; done");
	double before = clock_seconds();
	CHECK_STR(configure(&g, INITRAMFS_ALWAYS, &err) < 0 ? err.text : "", "");
	CHECK(clock_seconds() - before < 20);
	CHECK_LOG(&g, "dpkg\n0 ended\n1 ended\n");
}

/* Programs that packages run again and again are stubbed; those that were called run once, at the end. */
TEST(tree_configure_defers_programs)
{
	CLEANUP(guest_done) struct guest g;
	struct error err = { 0 };

	if (!guest_open(&g))
		SKIP(NEEDS);
	put(&g, "var/lib/dpkg/status", "", 0644);
	put(&g, "boot/vmlinuz-6.1", "", 0644);
	put(&g, "boot/vmlinuz-5.10", "", 0644);
	put_script(&g, "usr/sbin/update-ca-certificates", "echo certificates >>/log");
	put_script(&g, "usr/bin/systemd-hwdb", "echo hwdb $* >>/log");
	put_script(&g, "usr/sbin/update-initramfs", "echo initramfs $* >>/log");
	put_script(&g, "usr/bin/ssh-keygen", "echo keys >>/log");
	put_script(&g, "usr/bin/dpkg",
		   "update-ca-certificates; update-ca-certificates; ssh-keygen -A; [ -z \"$(update-initramfs -u)\" ]");
	CHECK_STR(configure(&g, INITRAMFS_NEVER, &err) < 0 ? err.text : "", "");
	CHECK_LOG(&g, "certificates\n");
	CHECK_STR(configure(&g, INITRAMFS_ASKED, &err) < 0 ? err.text : "", "");
	CHECK_LOG(&g, "certificates\ncertificates\ninitramfs -c -k 5.10\ninitramfs -c -k 6.1\n");
	put_script(&g, "usr/bin/dpkg", "systemd-hwdb update");
	CHECK_STR(configure(&g, INITRAMFS_ASKED, &err) < 0 ? err.text : "", "");
	CHECK_LOG(&g, "certificates\ncertificates\ninitramfs -c -k 5.10\ninitramfs -c -k 6.1\nhwdb --usr update\n");
	put(&g, "log", "", 0644);
	put_script(&g, "usr/bin/dpkg", "");
	CHECK_STR(configure(&g, INITRAMFS_ALWAYS, &err) < 0 ? err.text : "", "");
	CHECK_LOG(&g, "initramfs -c -k 5.10\ninitramfs -c -k 6.1\n");
	put_script(&g, "usr/sbin/update-initramfs", "exit 1");
	CHECK(configure(&g, INITRAMFS_ALWAYS, &err) < 0 && strstr(err.text, "update-initramfs"));
	put_script(&g, "usr/bin/dpkg", "update-ca-certificates");
	put_script(&g, "usr/sbin/update-ca-certificates", "exit 7");
	CHECK(configure(&g, INITRAMFS_NEVER, &err) < 0 && strstr(err.text, "update-ca-certificates"));
}

/* A file that does not compile is reported and no error. */
TEST(tree_configure_compiles_python)
{
	CLEANUP(guest_done) struct guest g;
	struct error err = { 0 };

	if (!guest_open(&g))
		SKIP(NEEDS);
	put(&g, "var/lib/dpkg/status", "Package: py\nStatus: install ok unpacked\nVersion: 1\nArchitecture: all\n",
	    0644);
	put(&g, "var/lib/dpkg/info/py.list",
	    "/usr/lib/python3/dist-packages/a.py\n/usr/lib/python3/dist-packages/missing.py\n/usr/share/py/b.py\n",
	    0644);
	put(&g, "var/lib/dpkg/info/py.postinst", "py3compile -p py /usr/share/py\n", 0644);
	put(&g, "usr/lib/python3/dist-packages/a.py", "", 0644);
	put(&g, "usr/share/py/b.py", "", 0644);
	/* One interpreter for each share of the files. */
	put_script(&g, "usr/bin/python3", "echo bad; exit 1");
	CHECK_STR(configure(&g, INITRAMFS_NEVER, &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *got = lines(&g);
	CHECK(strstr(got, "bad\n"));
	CHECK_LOG(&g, DPKG_LINE);
	put_script(&g, "usr/bin/python3", "while read -r file; do echo $5 >$file; done");
	CHECK_STR(configure(&g, INITRAMFS_NEVER, &err) < 0 ? err.text : "", "");
	for (int i = 0; i < 2; i++) {
		CLEANUP(text_done) struct text text = { 0 };
		CHECK(file_read_in(g.root, i ? "usr/share/py/b.py" : "usr/lib/python3/dist-packages/a.py", 100, &text,
				   &err) == 0);
		CHECK_STR(text.data, "-q\n");
	}
	CHECK(!file_exists_in(g.root, "usr/lib/python3/dist-packages/missing.py"));
}
