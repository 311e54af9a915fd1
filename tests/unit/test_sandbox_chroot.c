/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/sandbox/sandbox_chroot.h"
#include "lib/file.h"
#include "tests/unit/check_job.h"
#include "tests/unit/restricted.h"

#define OLD 1000 /* a time */

/* A tree without programs: functions of this test run inside. */
struct fixture {
	char path[32], work[48];
	int root;
	struct sandbox sandbox;
};

static void put(int fd, const char *name, const char *text)
{
	struct error err = { 0 };

	if (file_write_in(fd, name, text, strlen(text), 0755, &err) < 0)
		abort();
}

static void date(int fd, const char *name)
{
	if (utimensat(fd, name, (const struct timespec[]){ { .tv_sec = OLD }, { .tv_sec = OLD } }, 0) < 0)
		abort();
}

static bool fixture_open(struct fixture *f)
{
	struct error err = { 0 };

	*f = (struct fixture){ .root = -1 };
	if (geteuid() != 0)
		return false;
	strcpy(f->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(f->path))
		abort();
	snprintf(f->work, sizeof f->work, "%s.work", f->path);
	f->root = dir_open(AT_FDCWD, f->path, &err);
	if (f->root < 0 || mkdir(f->work, 0700) < 0)
		abort();
	put(f->root, "usr/sbin/loud", "loud");
	put(f->root, "run/theirs", "");
	date(f->root, "usr/sbin");
	date(f->root, ".");
	f->sandbox.root = f->path;
	strings_add(&f->sandbox.stubbed, "/usr/sbin/loud");
	strings_add(&f->sandbox.stubbed, "/usr/sbin/missing");
	sandbox_binds_add(&f->sandbox.binds, f->work, "/build");
	return true;
}

static void fixture_done(struct fixture *f)
{
	struct error err = { 0 };

	sandbox_done(&f->sandbox);
	close_p(&f->root);
	if (f->path[0] && (tree_remove(AT_FDCWD, f->path, &err) < 0 || tree_remove(AT_FDCWD, f->work, &err) < 0))
		printf("# %s\n", err.text);
}

/* Runs fn inside, as sandbox_call() would. */
struct visit {
	const struct fixture *fixture;
	int (*fn)(struct error *err);
};

static int enter(void *visit, struct error *err)
{
	const struct visit *v = visit;

	if (sandbox_chroot_enter(&v->fixture->sandbox, err) < 0)
		return -1;
	return v->fn(err);
}

static const char *visit(const struct fixture *f, int (*fn)(struct error *err))
{
	struct visit v = { f, fn };

	return check_job(enter, &v);
}

static bool is_in(const char *path, const char *want)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	return file_read(AT_FDCWD, path, 4096, &text, &err) == 0 && !strcmp(text.data, want);
}

static int look_around(struct error *err)
{
	CLEANUP(close_p) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char byte;

	EXPECT(null >= 0 && write(null, "x", 1) == 1 && read(null, &byte, 1) == 0);
	EXPECT(access("/run/theirs", F_OK) < 0);
	EXPECT(!is_in("/usr/sbin/loud", "loud"));
	EXPECT(sandbox_chroot_release("/usr/sbin/loud", err) == 0 && is_in("/usr/sbin/loud", "loud"));
	EXPECT(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT);
	EXPECT(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
	EXPECT(mkdir("/build/made", 0755) == 0 && mkdir("/tmp/left", 0755) == 0);
	return 0;
}

TEST(sandbox_chroot_restores_tree)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };
	struct stat st;

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK_STR(visit(&f, look_around), "");
	CHECK(sandbox_chroot_check(&f.sandbox, &err) == 0);
	CHECK(file_exists_in(f.root, "run/theirs") && !file_exists_in(f.root, "dev/null"));
	CHECK(!file_exists_in(f.root, "tmp/left") && !file_exists_in(f.root, "build"));
	CHECK(fstatat(f.root, "usr/sbin", &st, 0) == 0 && st.st_mtime == OLD);
	CHECK(fstatat(f.root, "usr/sbin/loud", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode));
	CHECK(fstat(f.root, &st) == 0 && st.st_mtime == OLD);
	CLEANUP(free_p) char *made = xasprintf("%s/made", f.work);
	CHECK(access(made, F_OK) == 0);
	CHECK_STR(visit(&f, look_around), "false: mkdir(\"/build/made\", 0755) == 0 && "
					  "mkdir(\"/tmp/left\", 0755) == 0");
}

static int look_at_proc(struct error *err)
{
	CLEANUP(close_p) int fd = open("/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CLEANUP(free_p) char *path = xasprintf("/proc/self/fd/%d", fd);
	CLEANUP(close_p) int again = open(path, O_RDONLY | O_CLOEXEC);
	char target[64] = "";
	struct stat one, other;
	struct statfs fs;

	EXPECT(fd >= 0 && again >= 0);
	EXPECT(fstat(fd, &one) == 0 && stat(path, &other) == 0 && one.st_ino == other.st_ino);
	EXPECT(readlink(path, target, sizeof target - 1) == 5 && !strcmp(target, "/file"));
	EXPECT(chmod(path, 0640) == 0 && fstat(fd, &one) == 0 && (one.st_mode & 0777) == 0640);
	EXPECT(statfs("/proc/", &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC);
	EXPECT(readlink("/proc/self/root", target, sizeof target) == 1 && *target == '/');
	EXPECT(access("/proc/self/cwd/..", F_OK) < 0 && access("/proc/self/root/file", F_OK) < 0);
	EXPECT(access("/proc/self/../1", F_OK) < 0 && access("/proc/self//fd/", F_OK) == 0);
	EXPECT(access("/proc/1", F_OK) < 0 && access("/proc/self/nonsense", F_OK) < 0 && errno == ENOENT);
	EXPECT(gethostname(target, sizeof target) == 0 && !strcmp(target, "localhost"));
	EXPECT(access("/dev/stdin", F_OK) == 0 && access("/dev/stdinx", F_OK) < 0);
	return 0;
}

TEST(sandbox_chroot_proc_self)
{
	CLEANUP(fixture_done) struct fixture f;

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK_STR(visit(&f, look_at_proc), "");
}

/* Leaves a daemon, and its number in a file. */
static int leave_daemon(struct error *err)
{
	if (fork() == 0) {
		if (setsid() < 0 || fork() != 0)
			_exit(1);
		CLEANUP(free_p) char *number = xasprintf("%d", (int)getpid());
		if (file_write(AT_FDCWD, "/daemon", number, strlen(number), 0644, err) == 0)
			pause();
		_exit(1);
	}
	while (access("/daemon", F_OK) < 0)
		usleep(10000);
	return 0;
}

TEST(sandbox_chroot_kills_orphans)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(text_done) struct text number = { 0 };
	struct error err = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK_STR(visit(&f, leave_daemon), "");
	CHECK(file_read(f.root, "daemon", 64, &number, &err) == 0);
	CHECK(kill((pid_t)strtol(number.data, NULL, 10), 0) < 0 && errno == ESRCH);
}

static unsigned open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static unsigned files_outside;

static int count_files(void *fixture, struct error *err)
{
	const struct fixture *f = fixture;

	files_outside = open_files();
	if (sandbox_chroot_enter(&f->sandbox, err) < 0)
		return -1;
	EXPECT(open_files() == files_outside);
	return 0;
}

/* The program inside inherits neither the listener nor the socket that carried it. */
TEST(sandbox_chroot_leaves_no_descriptors_open)
{
	CLEANUP(fixture_done) struct fixture f;

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK_STR(check_job(count_files, &f), "");
}

static int remove_bind(struct error *err)
{
	EXPECT(rmdir("/build") == 0);
	return 0;
}

TEST(sandbox_chroot_reports_what_cannot_be_moved_back)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK_STR(visit(&f, remove_bind), "");
	CHECK(sandbox_chroot_check(&f.sandbox, &err) < 0);
	CHECK(file_exists_in(f.root, "run/theirs")); /* all else is */
	CLEANUP(free_p) char *aside = xasprintf("%s.aside", f.path);
	CHECK(rmdir(aside) == 0);
}

/* Nothing can be mounted there, and what is moved in can be written. */
TEST(sandbox_chroot_refuses_read_only_binds)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	sandbox_binds_add_read_only(&f.sandbox.binds, f.work, "/archive");
	CHECK(sandbox_chroot_populate(&f.sandbox, &err) == -1 && err.class == ERROR_HOST);
	CHECK(strstr(err.text, f.work) && strstr(err.text, " must be read-only in the sandbox"));
	CHECK(file_exists_in(f.root, "run/theirs") && sandbox_chroot_check(&f.sandbox, &err) == 0);
}

static int interrupt_supervisor(struct error *err)
{
	EXPECT(kill(getppid(), SIGINT) == 0);
	return 0;
}

/* Ctrl-C at a terminal sends SIGINT to all. */
TEST(sandbox_chroot_restores_after_interrupt)
{
	CLEANUP(fixture_done) struct fixture f;

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK_STR(visit(&f, interrupt_supervisor), "");
	CHECK(file_exists_in(f.root, "run/theirs") && !file_exists_in(f.root, "dev/null"));
}

static int stay(struct error *err)
{
	if (leave_daemon(err) == 0)
		pause();
	return 0;
}

static int build(void *fixture, struct error *err)
{
	const char *why = visit(fixture, stay);

	return *why ? error_set(err, ERROR_FAILED, "%s", why) : 0;
}

TEST(sandbox_chroot_restores_after_kill)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(text_done) struct text number = { 0 };
	struct error err = { 0 };
	struct job job = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK(job_start(&job, build, &f, &err) == 0);
	while (!file_exists_in(f.root, "daemon"))
		usleep(10000);
	job_stop(&job);
	CLEANUP(free_p) char *aside = xasprintf("%s.aside", f.path);
	for (int i = 0; i < 500 && access(aside, F_OK) == 0; i++)
		usleep(10000);
	CHECK(access(aside, F_OK) < 0);
	CHECK(file_exists_in(f.root, "run/theirs") && !file_exists_in(f.root, "dev/null"));
	CHECK(file_read(f.root, "daemon", 64, &number, &err) == 0);
	CHECK(kill((pid_t)strtol(number.data, NULL, 10), 0) < 0 && errno == ESRCH);
}

/* ---- as sandbox.h has it in a restricted build ---- */

static int inside(void *context UNUSED, struct error *err)
{
	bool called;

	EXPECT(access("/run/theirs", F_OK) < 0 && access("/build", F_OK) == 0);
	EXPECT(sandbox_release("/usr/sbin/loud", &called, err) == 0 && !called && is_in("/usr/sbin/loud", "loud"));
	EXPECT(sandbox_release("/usr/sbin/missing", &called, err) == 0 && !called);
	return 0;
}

static int restricted_build(void *fixture, struct error *err)
{
	const struct fixture *f = fixture;

	if (restricted_enter(err) < 0)
		return -1;
	EXPECT(sandbox_private_mounts(err) == 0);
	if (sandbox_call(&f->sandbox, inside, NULL, err) < 0)
		return -1;
	char *const missing[] = { (char *)"/no/such/program", NULL };
	EXPECT(sandbox_run(&f->sandbox, &(struct process){ .argv = missing }, err) < 0);
	EXPECT(strstr(err->text, "/no/such/program"));
	EXPECT(sandbox_no_network(err) == 0);
	EXPECT(socket(AF_INET6, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT);
	return 0;
}

TEST(sandbox_chroot_is_the_sandbox_of_a_restricted_build)
{
	CLEANUP(fixture_done) struct fixture f;

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK_STR(check_job(restricted_build, &f), "");
	CHECK(file_exists_in(f.root, "run/theirs") && !file_exists_in(f.root, "build"));
}
