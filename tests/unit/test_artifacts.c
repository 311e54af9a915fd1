/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The artifacts are all old or all new, whatever happens. This program has its own versions of the calls that change
 * directories: they kill the process, or fail, at the n-th call, and every n is tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "builder/artifacts/artifacts.h"
#include "builder/artifacts/sha256sums.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "tests/unit/check.h"

#define KILLED 77

static enum { QUIET, KILL, FAIL } mischief;
static int countdown;

/* True when the call at hand is the one to fail. */
static bool disturbed(void)
{
	if (mischief == QUIET || --countdown != 0)
		return false;
	if (mischief == KILL)
		_exit(KILLED);
	errno = EIO;
	return true;
}

int renameat(int from, const char *old, int to, const char *new)
{
	return disturbed() ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
	return disturbed() ? -1 : (int)syscall(SYS_linkat, from, old, to, new, flags);
}

int unlinkat(int dirfd, const char *name, int flags)
{
	return disturbed() ? -1 : (int)syscall(SYS_unlinkat, dirfd, name, flags);
}

/* No power fails here: without the disk, the test takes no time. */
int fsync(int fd UNUSED)
{
	return disturbed() ? -1 : 0;
}

/* A lock that is held stays held while this process waits for it. */
int nanosleep(const struct timespec *pause UNUSED, struct timespec *ret_left UNUSED)
{
	return 0;
}

static char directory[PATH_MAX];

static int directory_new(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(directory, sizeof directory, "%s/outputs.XXXXXX", base ? base : "/tmp");
	return mkdtemp(directory) ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static void directory_remove(int *fd)
{
	struct error err = { 0 };

	mischief = QUIET;
	close(*fd);
	if (tree_remove(AT_FDCWD, directory, &err) < 0)
		printf("# %s\n", err.text);
}

static int put(const struct artifacts *o, const char *suffix, const char *content, struct error *err)
{
	CLEANUP(close_p) int fd = artifacts_file(o, suffix, err);

	return fd < 0 ? -1 : write_all(fd, content, strlen(content));
}

/* A build that makes NAME.qcow2 and, unless tarball is NULL, NAME.tar.zst, with these contents. */
static int build(const char *name, const char *qcow2, const char *tarball, struct error *err)
{
	CLEANUP(artifacts_close) struct artifacts o = { .dirfd = -1, .stagefd = -1 };

	if (artifacts_open(directory, name, &o, err) < 0 || put(&o, "qcow2", qcow2, err) < 0 ||
	    (tarball && put(&o, "tar.zst", tarball, err) < 0))
		return -1;
	return artifacts_publish(&o, err);
}

static bool has(int dirfd, const char *name, const char *content)
{
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	if (!content)
		return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	return file_read(dirfd, name, 4096, &t, &err) == 0 && !strcmp(t.data, content);
}

/* True when every line of SHA256SUMS is right, and there are as many as expected. */
static bool sums_true(int dirfd, size_t expected)
{
	CLEANUP(text_done) struct text t = { 0 };
	CLEANUP(sha256sums_done) struct sha256sums sums = { 0 };
	struct error err = { 0 };
	char hex[65];

	if (file_read(dirfd, ARTIFACTS_SUMS, 4096, &t, &err) < 0)
		return false;
	sha256sums_parse(t.data, &sums);
	for (size_t i = 0; i < sums.line.n; i++) {
		CLEANUP(close_p) int fd = openat(dirfd, sums.line.at[i].name, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || sha256_fd(fd, hex, &err) < 0 || strcmp(hex, sums.line.at[i].sha256))
			return false;
	}
	return sums.line.n == expected;
}

static bool shows(int dirfd, const char *qcow2, const char *tarball, size_t lines)
{
	return has(dirfd, "a.qcow2", qcow2) && has(dirfd, "a.tar.zst", tarball) && sums_true(dirfd, lines);
}

static bool is_state(int dirfd, const char *qcow2, const char *tarball, size_t lines)
{
	return shows(dirfd, qcow2, tarball, lines) && has(dirfd, ".a.stage", NULL);
}

/* Opens and drops: what the next build of the name does first. */
static int recover(struct error *err)
{
	struct artifacts o = { .dirfd = -1, .stagefd = -1 };

	if (artifacts_open(directory, "a", &o, err) < 0)
		return -1;
	artifacts_close(&o);
	return 0;
}

TEST(artifacts_publish_updates_sha256sums)
{
	CLEANUP(directory_remove) int dirfd = directory_new();
	struct error err = { 0 };

	CHECK(build("b", "other", "other tar", &err) == 0);
	CHECK(build("a", "one", "one tar", &err) == 0);
	CHECK(is_state(dirfd, "one", "one tar", 4));
	CHECK(build("a", "two", "two tar", &err) == 0);
	CHECK(is_state(dirfd, "two", "two tar", 4));
	CHECK(has(dirfd, "b.qcow2", "other"));
}

TEST(artifacts_publish_retires_old)
{
	CLEANUP(directory_remove) int dirfd = directory_new();
	struct error err = { 0 };

	CHECK(build("a", "one", "one tar", &err) == 0);
	CHECK(build("a", "two", NULL, &err) == 0);
	CHECK(is_state(dirfd, "two", NULL, 1));
}

TEST(artifacts_close_removes_staging)
{
	CLEANUP(directory_remove) int dirfd = directory_new();
	struct artifacts o;
	struct error err = { 0 };

	CHECK(artifacts_open(directory, "a", &o, &err) == 0);
	CHECK(put(&o, "qcow2", "half", &err) == 0);
	artifacts_close(&o);
	CHECK(has(dirfd, "a.qcow2", NULL) && has(dirfd, ".a.stage", NULL));
}

/* In a child that is killed at its n-th change: 0 = it got through, 1 = it was killed, -1 = neither. */
static int killed_build(int n, const char *qcow2, const char *tarball)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct error err = { 0 };
		mischief = KILL;
		countdown = n;
		_exit(build("a", qcow2, tarball, &err) == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return status == 0 ? 0 : WIFEXITED(status) && WEXITSTATUS(status) == KILLED ? 1 : -1;
}

/* new_tarball may be NULL: then the old one is retired. */
static void killed_everywhere(const char *new_tarball)
{
	struct error err = { 0 };
	int old_states = 0, new_states = 0, killed = 1;

	for (int n = 1; killed; n++) {
		CLEANUP(directory_remove) int dirfd = directory_new();
		CHECK(build("b", "other", NULL, &err) == 0);
		CHECK(build("a", "old", "old tar", &err) == 0);
		killed = killed_build(n, "new", new_tarball);
		CHECK(killed >= 0);
		CHECK(recover(&err) == 0);
		bool old = is_state(dirfd, "old", "old tar", 3);
		bool new = is_state(dirfd, "new", new_tarball, new_tarball ? 3 : 2);
		CHECK(old != new);
		CHECK(killed || new);
		old_states += old;
		new_states += new;
	}
	CHECK(old_states > 2 && new_states > 5); /* kills on both sides of the point of no return */
}

TEST(artifacts_survive_kill_at_every_step)
{
	killed_everywhere("new tar");
}

TEST(artifacts_survive_kill_while_retiring)
{
	killed_everywhere(NULL);
}

TEST(artifacts_failure_restores_old)
{
	struct error err = { 0 };
	int failures = 0;

	for (bool spent = true; spent;) {
		CLEANUP(directory_remove) int dirfd = directory_new();
		static int n;
		CHECK(build("a", "old", NULL, &err) == 0);
		mischief = FAIL;
		countdown = ++n;
		bool new = build("a", "new", "new tar", &err) == 0;
		spent = countdown <= 0;
		mischief = QUIET;
		failures += !new;
		CHECK(new || err.class == ERROR_FAILED);
		CHECK(shows(dirfd, new ? "new" : "old", new ? "new tar" : NULL, new ? 2 : 1));
		CHECK(recover(&err) == 0);
		CHECK(is_state(dirfd, new ? "new" : "old", new ? "new tar" : NULL, new ? 2 : 1));
	}
	CHECK(failures > 5);
}

TEST(artifacts_survive_kill_while_recovering)
{
	struct error err = { 0 };

	for (int n = 1; n < 12; n++) {
		CLEANUP(directory_remove) int dirfd = directory_new();
		int status;
		CHECK(build("a", "old", "old tar", &err) == 0);
		CHECK(killed_build(9, "new", "new tar") == 1);
		pid_t pid = fork();
		if (pid == 0) {
			mischief = KILL;
			countdown = n;
			_exit(recover(&err) == 0 ? 0 : 1);
		}
		waitpid(pid, &status, 0);
		CHECK(recover(&err) == 0);
		CHECK(is_state(dirfd, "old", "old tar", 2) || is_state(dirfd, "new", "new tar", 2));
	}
}

TEST(artifacts_open_refuses_second_build)
{
	CLEANUP(directory_remove) int dirfd = directory_new();
	CLEANUP(artifacts_close) struct artifacts first = { .dirfd = -1, .stagefd = -1 };
	struct artifacts second, other;
	struct error err = { 0 };

	CHECK(dirfd >= 0);
	CHECK(artifacts_open(directory, "a", &first, &err) == 0);
	CHECK(artifacts_open(directory, "a", &second, &err) < 0);
	CHECK(strstr(err.text, "another build is writing a in"));
	CHECK(artifacts_open(directory, "b", &other, &err) == 0);
	artifacts_close(&other);
	CHECK(put(&first, "qcow2", "still mine", &err) == 0);
	CHECK(artifacts_publish(&first, &err) == 0);
	CHECK(has(dirfd, "a.qcow2", "still mine"));
}

TEST(artifacts_publish_refuses_directory)
{
	CLEANUP(directory_remove) int dirfd = directory_new();
	struct error err = { 0 };

	CHECK(mkdirat(dirfd, "a.qcow2", 0755) == 0);
	CHECK(build("a", "new", "new tar", &err) < 0);
	CHECK(strstr(err.text, "a.qcow2 exists and is not a file"));
	CHECK(has(dirfd, "a.tar.zst", NULL) && has(dirfd, ".a.stage", NULL));
}

TEST(artifacts_open_refuses_names)
{
	struct artifacts o;
	struct error err = { 0 };

	CHECK(artifacts_open("/nonexistent", "", &o, &err) < 0 && err.class == ERROR_USAGE);
	CHECK(artifacts_open("/nonexistent", "../x", &o, &err) < 0 && err.class == ERROR_USAGE);
	CHECK(artifacts_open("/nonexistent", ".x", &o, &err) < 0 && err.class == ERROR_USAGE);
}

TEST(artifacts_open_refuses_directories_of_others)
{
	CLEANUP(directory_remove) int dirfd = directory_new();
	struct artifacts o;
	struct error err = { 0 };

	CHECK(fchmod(dirfd, 0777) == 0);
	CHECK(artifacts_open(directory, "a", &o, &err) < 0 && err.class == ERROR_TRUST &&
	      strstr(err.text, "chmod o-w"));
	CHECK(fchmod(dirfd, 0755) == 0);
	CHECK(mkdirat(dirfd, ".a.stage", 0755) == 0 && fchmodat(dirfd, ".a.stage", 0777, 0) == 0);
	CHECK(artifacts_open(directory, "a", &o, &err) < 0 && err.class == ERROR_TRUST);
	CHECK(fchmodat(dirfd, ".a.stage", 0755, 0) == 0);
	if (geteuid())
		SKIP("the rest needs root");
	CHECK(fchownat(dirfd, ".a.stage", 12345, 12345, 0) == 0);
	CHECK(artifacts_open(directory, "a", &o, &err) < 0 && strstr(err.text, "another user"));
	CHECK(fchown(dirfd, 12345, 12345) == 0);
	CHECK(artifacts_open(directory, "a", &o, &err) < 0 && strstr(err.text, "another user"));
	CHECK(fchown(dirfd, 0, 0) == 0 && fchownat(dirfd, ".a.stage", 0, 0, 0) == 0);
}

/* As one left in a directory that was copied: a journal, and a link where the list of sums is written. */
TEST(artifacts_open_follows_no_link_when_it_recovers)
{
	CLEANUP(directory_remove) int dirfd = directory_new();
	CLEANUP(free_p) char *victim = xasprintf("%s/victim", directory);
	CLEANUP(artifacts_close) struct artifacts o = { .dirfd = -1, .stagefd = -1 };
	struct error err = { 0 };

	CHECK(file_write(dirfd, "victim", "precious", 8, 0644, &err) == 0 && mkdirat(dirfd, ".a.stage", 0755) == 0);
	CHECK(file_write(dirfd, ".a.stage/commit", "", 0, 0644, &err) == 0);
	CHECK(symlinkat(victim, dirfd, ".a.stage/sums.new") == 0);
	CHECK(artifacts_open(directory, "a", &o, &err) == 0);
	CHECK(has(dirfd, "victim", "precious"));
}
