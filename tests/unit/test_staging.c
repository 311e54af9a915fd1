/* SPDX-License-Identifier: Apache-2.0 */
/* Entering a staging directory: new, left by another process, or held by one. */
#include "builder/artifacts/staging.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check.h"

struct fixture {
	char path[64];
	int dir;
};

static void fixture_open(struct fixture *f)
{
	struct error err = { 0 };

	strcpy(f->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(f->path))
		abort();
	f->dir = dir_open(AT_FDCWD, f->path, &err);
}

static void fixture_done(struct fixture *f)
{
	struct error err = { 0 };

	close_p(&f->dir);
	if (tree_remove(AT_FDCWD, f->path, &err) < 0)
		printf("# %s\n", err.text);
}

TEST(staging_enter_makes_the_directory)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };
	bool made = false, busy = true;

	fixture_open(&f);
	CLEANUP(close_p) int fd = staging_enter(f.dir, "stage", &made, &busy, &err);
	CHECK(fd >= 0 && made && !busy);
	CLEANUP(close_p) int other = openat(f.dir, "stage", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(flock(other, LOCK_EX | LOCK_NB) < 0);
}

TEST(staging_enter_finds_what_was_left)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };
	bool made = true, busy = true;

	fixture_open(&f);
	CHECK(dir_make(f.dir, "stage/half", 0755, &err) == 0);
	CLEANUP(close_p) int fd = staging_enter(f.dir, "stage", &made, &busy, &err);
	CHECK(fd >= 0 && !made && !busy);
	CHECK(faccessat(fd, "half", F_OK, 0) == 0);
}

TEST(staging_enter_refuses_what_is_no_directory)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };
	bool made, busy;

	fixture_open(&f);
	CHECK(symlinkat("/tmp", f.dir, "link") == 0);
	CHECK(staging_enter(f.dir, "link", &made, &busy, &err) < 0 && !busy);
	CHECK(strstr(err.text, "open directory link"));
	CHECK(staging_enter(f.dir, "missing/stage", &made, &busy, &err) < 0 && !busy);
	CHECK(strstr(err.text, "create directory missing/stage"));
}

/* The holder removes the directory and lets go of its lock: the next one must not enter what no longer has a name. */
TEST(staging_enter_does_not_enter_a_removed_directory)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };
	bool made = false, busy;

	fixture_open(&f);
	int held = staging_enter(f.dir, "stage", &made, &busy, &err);
	CHECK(held >= 0);
	pid_t pid = fork();
	if (pid == 0) {
		usleep(100000);
		_exit(unlinkat(f.dir, "stage", AT_REMOVEDIR) < 0);
	}
	close(held);
	CLEANUP(close_p) int fd = -1;
	int status = 1;
	waitpid(pid, &status, 0); /* the child held the lock until it had removed the directory */
	fd = staging_enter(f.dir, "stage", &made, &busy, &err);
	CHECK(status == 0 && fd >= 0 && made);
	CHECK(file_still_there(f.dir, "stage", fd));
}
