/* SPDX-License-Identifier: Apache-2.0 */
/* Populating the root of a sandbox. test_sandbox runs programs in it. */
#include "builder/sandbox/sandbox_setup.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check_job.h"

struct fixture {
	char path[64];
	int root;
	struct sandbox sandbox;
};

static void fixture_open(struct fixture *f)
{
	struct error err = { 0 };

	*f = (struct fixture){ .path = "/tmp/nodekiln-test.XXXXXX" };
	if (!mkdtemp(f->path))
		abort();
	f->root = dir_open(AT_FDCWD, f->path, &err);
	f->sandbox.root = f->path;
}

static void fixture_done(struct fixture *f)
{
	struct error err = { 0 };

	sandbox_done(&f->sandbox);
	close_p(&f->root);
	if (tree_remove(AT_FDCWD, f->path, &err) < 0)
		printf("# %s\n", err.text);
}

TEST(sandbox_setup_links_and_stubs)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(text_done) struct text stub = { 0 };
	struct error err = { 0 };
	char target[64] = "";
	struct stat st;

	fixture_open(&f);
	CHECK(mkdirat(f.root, "dev", 0755) == 0);
	CHECK(sandbox_setup_links(f.root, &err) == 0 && sandbox_setup_stubs(f.root, &err) == 0);
	CHECK(readlinkat(f.root, "dev/stdout", target, sizeof target - 1) > 0);
	CHECK_STR(target, "/proc/self/fd/1");
	CHECK(fstatat(f.root, SANDBOX_FORBID, &st, 0) == 0 && (st.st_mode & 0777) == 0755);
	CHECK(file_read_in(f.root, SANDBOX_FORBID, 100, &stub, &err) == 0);
	CHECK_STR(stub.data, "#!/bin/sh\nexit 101\n");
	CHECK(file_exists_in(f.root, sandbox_setup_stub("/usr/bin/x") + 1));
	CHECK(file_exists_in(f.root, sandbox_setup_stub("/usr/bin/x.py") + 1));
	CHECK(strcmp(sandbox_setup_stub("/usr/bin/x.py"), sandbox_setup_stub("/usr/bin/x")) != 0);
	CHECK(sandbox_setup_links(f.root, &err) < 0);
	CHECK(strstr(err.text, "create /dev/ptmx"));
}

TEST(sandbox_setup_policy_is_made_and_removed)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };

	fixture_open(&f);
	CHECK(!sandbox_setup_open_policy(f.path)); /* without a usr/sbin */
	CHECK(dir_make(f.root, "usr/sbin", 0755, &err) == 0);
	CHECK(sandbox_setup_open_policy(f.path) && file_exists_in(f.root, SANDBOX_POLICY));
	CHECK(!sandbox_setup_open_policy(f.path)); /* there is one */
	sandbox_setup_close_policy(f.path);
	CHECK(!file_exists_in(f.root, SANDBOX_POLICY));
}

static int enter(void *fixture, struct error *err)
{
	const struct fixture *f = fixture;

	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID) < 0)
		return error_errno(err, errno, "unshare");
	return sandbox_setup_enter(&f->sandbox, err);
}

/* Everything is mounted in its order until the last entry fails. */
TEST(sandbox_setup_enter_reports_a_bad_bind)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };

	if (geteuid() != 0)
		SKIP("needs root");
	fixture_open(&f);
	CHECK(file_write_in(f.root, "opt/program", "x", 1, 0755, &err) == 0);
	CHECK(file_write_in(f.root, SANDBOX_POLICY, "x", 1, 0755, &err) == 0);
	f.sandbox.forbid_services = true;
	strings_add(&f.sandbox.stubbed, "/opt/program");
	strings_add(&f.sandbox.stubbed, "/opt/missing");
	sandbox_binds_add(&f.sandbox.binds, "/usr", "/a/deep/directory");
	sandbox_binds_add(&f.sandbox.binds, "/etc/hostname", "/another/deep/file");
	sandbox_binds_add(&f.sandbox.binds, "/no/such/source", "/x");
	const char *got = check_job(enter, &f);
	if (strstr(got, "mount ") && strstr(got, "/proc"))
		SKIP("needs a kernel that mounts /proc here");
	CHECK_STR(got, "look at /no/such/source: No such file or directory");
	/* The mount points were made in the tree. */
	CHECK(file_exists_in(f.root, "a/deep/directory") && file_exists_in(f.root, "another/deep/file"));
}
