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
#include "lib/job.h"
#include "tests/unit/check.h"

#define OLD 1000 /* a time */

/* A tree with nothing to run in it: what we do inside, we do ourselves. */
struct room {
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

static bool room_open(struct room *r)
{
	struct error err = { 0 };

	*r = (struct room){ .root = -1 };
	if (geteuid() != 0) {
		printf("# a cell needs root\n");
		return false;
	}
	strcpy(r->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(r->path))
		abort();
	snprintf(r->work, sizeof r->work, "%s.work", r->path);
	r->root = dir_open(AT_FDCWD, r->path, &err);
	if (r->root < 0 || mkdir(r->work, 0700) < 0)
		abort();
	put(r->root, "usr/sbin/loud", "loud");
	put(r->root, "run/theirs", "");
	date(r->root, "usr/sbin");
	date(r->root, ".");
	r->sandbox.root = r->path;
	strings_add(&r->sandbox.stubbed, "/usr/sbin/loud");
	strings_add(&r->sandbox.stubbed, "/usr/sbin/missing");
	strings_addf(&r->sandbox.binds, "%s:/build", r->work);
	return true;
}

static void room_done(struct room *r)
{
	struct error err = { 0 };

	sandbox_done(&r->sandbox);
	close_p(&r->root);
	if (r->path[0] && (tree_remove(AT_FDCWD, r->path, &err) < 0 || tree_remove(AT_FDCWD, r->work, &err) < 0))
		printf("# %s\n", err.text);
}

/* Runs fn inside, as sandbox_call() would. */
struct visit {
	const struct room *room;
	int (*fn)(struct error *err);
};

static int enter(void *visit, struct error *err)
{
	const struct visit *v = visit;

	return sandbox_chroot_enter(&v->room->sandbox, err) < 0 ? -1 : v->fn(err);
}

static const char *visit(const struct room *r, int (*fn)(struct error *err), struct error *err)
{
	struct visit v = { r, fn };
	struct job job = { 0 };

	if (job_start(&job, enter, &v, err) < 0 || job_wait(&job, err) < 0)
		return err->text;
	return "";
}

#define EXPECT(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			return error_set(err, ERROR_FAILED, "not so inside: %s", #condition);                          \
	} while (0)

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

TEST(a_chroot_is_populated_and_left_as_it_was)
{
	CLEANUP(room_done) struct room r;
	struct error err = { 0 };
	struct stat st;

	if (!room_open(&r))
		return;
	CHECK_STR(visit(&r, look_around, &err), "");
	CHECK(sandbox_chroot_check(&r.sandbox, &err) == 0);
	CHECK(file_exists_in(r.root, "run/theirs") && !file_exists_in(r.root, "dev/null"));
	CHECK(!file_exists_in(r.root, "tmp/left") && !file_exists_in(r.root, "build"));
	CHECK(fstatat(r.root, "usr/sbin", &st, 0) == 0 && st.st_mtime == OLD);
	CHECK(fstatat(r.root, "usr/sbin/loud", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode));
	CHECK(fstat(r.root, &st) == 0 && st.st_mtime == OLD);
	CLEANUP(free_p) char *made = xasprintf("%s/made", r.work);
	CHECK(access(made, F_OK) == 0);
	CHECK_STR(visit(&r, look_around, &err), "not so inside: mkdir(\"/build/made\", 0755) == 0 && "
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

TEST(a_process_finds_itself_in_proc)
{
	CLEANUP(room_done) struct room r;
	struct error err = { 0 };

	if (room_open(&r))
		CHECK_STR(visit(&r, look_at_proc, &err), "");
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

TEST(nobody_is_left_in_a_cell)
{
	CLEANUP(room_done) struct room r;
	CLEANUP(text_done) struct text number = { 0 };
	struct error err = { 0 };

	if (!room_open(&r))
		return;
	CHECK_STR(visit(&r, leave_daemon, &err), "");
	CHECK(file_read(r.root, "daemon", 64, &number, &err) == 0);
	CHECK(kill((pid_t)strtol(number.data, NULL, 10), 0) < 0 && errno == ESRCH);
}

static int remove_bind(struct error *err)
{
	EXPECT(rmdir("/build") == 0);
	return 0;
}

TEST(what_cannot_be_put_back_is_told)
{
	CLEANUP(room_done) struct room r;
	struct error err = { 0 };

	if (!room_open(&r))
		return;
	CHECK_STR(visit(&r, remove_bind, &err), "");
	CHECK(sandbox_chroot_check(&r.sandbox, &err) < 0);
	CHECK(file_exists_in(r.root, "run/theirs")); /* all else is */
	CLEANUP(free_p) char *aside = xasprintf("%s.aside", r.path);
	CHECK(rmdir(aside) == 0);
}

static int interrupt_supervisor(struct error *err)
{
	EXPECT(kill(getppid(), SIGINT) == 0);
	return 0;
}

/* A terminal sends Ctrl-C to all. */
TEST(an_interrupt_leaves_the_room_in_order)
{
	CLEANUP(room_done) struct room r;
	struct error err = { 0 };

	if (!room_open(&r))
		return;
	CHECK_STR(visit(&r, interrupt_supervisor, &err), "");
	CHECK(file_exists_in(r.root, "run/theirs") && !file_exists_in(r.root, "dev/null"));
}

static int stay(struct error *err)
{
	if (leave_daemon(err) == 0)
		pause();
	return 0;
}

static int build(void *room, struct error *err)
{
	return *visit(room, stay, err) ? -1 : 0;
}

TEST(a_cell_is_cleared_when_its_builder_is_killed)
{
	CLEANUP(room_done) struct room r;
	CLEANUP(text_done) struct text number = { 0 };
	struct error err = { 0 };
	struct job job = { 0 };

	if (!room_open(&r))
		return;
	CHECK(job_start(&job, build, &r, &err) == 0);
	while (!file_exists_in(r.root, "daemon"))
		usleep(10000);
	job_stop(&job);
	for (int i = 0; i < 500 && !file_exists_in(r.root, "run/theirs"); i++)
		usleep(10000);
	CHECK(file_exists_in(r.root, "run/theirs") && !file_exists_in(r.root, "dev/null"));
	CHECK(file_read(r.root, "daemon", 64, &number, &err) == 0);
	CHECK(kill((pid_t)strtol(number.data, NULL, 10), 0) < 0 && errno == ESRCH);
}
