/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outputs are all old or all new, whatever happens. The calls that change directories are ours in this program: they
 * can be told to kill the process, or to fail, at the n-th of them, and every n is tried.
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
#include <unistd.h>

#include "builder/artifacts/artifacts.h"
#include "builder/artifacts/rename_journal.h"
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

int fsync(int fd)
{
	return disturbed() ? -1 : (int)syscall(SYS_fsync, fd);
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

/* A build that makes NAME.qcow2 and, as told, NAME.tar.zst, with these contents. */
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

/* The lines of SHA256SUMS are true, and one for each file that is there (expected: how many). */
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

TEST(published_with_sums_of_all)
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

TEST(an_artifact_not_made_any_more_goes)
{
	CLEANUP(directory_remove) int dirfd = directory_new();
	struct error err = { 0 };

	CHECK(build("a", "one", "one tar", &err) == 0);
	CHECK(build("a", "two", NULL, &err) == 0);
	CHECK(is_state(dirfd, "two", NULL, 1));
}

TEST(dropped_without_a_trace)
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
	int olds = 0, news = 0, killed = 1;

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
		olds += old;
		news += new;
	}
	CHECK(olds > 2 && news > 5); /* both sides of the commit were met */
}

TEST(killed_at_every_step)
{
	killed_everywhere("new tar");
}

TEST(killed_at_every_step_of_a_retiring_build)
{
	killed_everywhere(NULL);
}

TEST(failed_at_every_step_leaves_the_old)
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

TEST(killed_while_recovering)
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

TEST(a_second_build_of_the_name_is_refused)
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

TEST(a_directory_in_the_way_is_not_touched)
{
	CLEANUP(directory_remove) int dirfd = directory_new();
	struct error err = { 0 };

	CHECK(mkdirat(dirfd, "a.qcow2", 0755) == 0);
	CHECK(build("a", "new", "new tar", &err) < 0);
	CHECK(strstr(err.text, "a.qcow2 exists and is not a file"));
	CHECK(has(dirfd, "a.tar.zst", NULL) && has(dirfd, ".a.stage", NULL));
}

TEST(names_that_are_none)
{
	struct artifacts o;
	struct error err = { 0 };

	CHECK(artifacts_open("/nonexistent", "", &o, &err) < 0 && err.class == ERROR_USAGE);
	CHECK(artifacts_open("/nonexistent", "../x", &o, &err) < 0 && err.class == ERROR_USAGE);
	CHECK(artifacts_open("/nonexistent", ".x", &o, &err) < 0 && err.class == ERROR_USAGE);
}

TEST(a_commit_survives_as_text)
{
	CLEANUP(rename_journal_done) struct rename_journal c = { 0 }, back = { 0 };
	CLEANUP(text_done) struct text first = { 0 }, second = { 0 };
	struct error err = { 0 };
	char hex[65];

	memset(hex, 'a', 64);
	hex[64] = '\0';
	rename_journal_add(&c, RENAME_JOURNAL_ADD, hex, "a.qcow2");
	rename_journal_add(&c, RENAME_JOURNAL_REPLACE, hex, "a name.tar.zst");
	rename_journal_add(&c, RENAME_JOURNAL_RETIRE, "", "a.tar");
	rename_journal_print(&c, &first);
	CHECK(rename_journal_parse(first.data, &back, &err) == 0);
	rename_journal_print(&back, &second);
	CHECK_STR(second.data, first.data);
}

TEST(a_broken_commit_is_refused)
{
	static const char *const broken[] = {
		"add",
		"add x",
		"add - a.qcow2",
		"move - a.qcow2",
		"retire - ../a",
		"retire - ",
		"retire - .hidden",
		"add aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa a.qcow2",
	};
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		CLEANUP(rename_journal_done) struct rename_journal c = { 0 };
		CHECK(rename_journal_parse(broken[i], &c, &err) < 0);
	}
}

TEST(sha256sums_keep_what_is_a_line)
{
	CLEANUP(sha256sums_done) struct sha256sums s = { 0 };
	CLEANUP(text_done) struct text t = { 0 };
	char text[512], hex[65];

	memset(hex, 'b', 64);
	hex[64] = '\0';
	snprintf(text, sizeof text, "# a remark\n%s  z.qcow2\n%s *binary\n%s\n\n%.63s  short\n%s  z.qcow2\n", hex, hex,
		 hex, hex, hex);
	sha256sums_parse(text, &s);
	sha256sums_set(&s, "a.tar", hex);
	sha256sums_drop(&s, "nothing");
	sha256sums_print(&s, &t);
	snprintf(text, sizeof text, "%s  a.tar\n%s  binary\n%s  z.qcow2\n", hex, hex, hex);
	CHECK_STR(t.data, text);
	CHECK(!sha256sums_find(&s, "short"));
}
