/* SPDX-License-Identifier: Apache-2.0 */
/* What a process gives up, in jobs that do. */
#include "builder/sandbox/sandbox_restrict.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "lib/file.h"
#include "tests/unit/check_job.h"
#include "tests/unit/restricted.h"

struct trial {
	struct sandbox sandbox;
};

static bool can(unsigned capability)
{
	return prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1;
}

static bool has(unsigned capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 &&
	       data[CAP_TO_INDEX(capability)].permitted & CAP_TO_MASK(capability);
}

static int give_up(void *trial, struct error *err)
{
	const struct trial *t = trial;
	enum sandbox_rights rights = t->sandbox.rights;

	if (sandbox_restrict(&t->sandbox, err) < 0)
		return -1;
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	EXPECT(has(CAP_DAC_OVERRIDE) && has(CAP_CHOWN) == !t->sandbox.unprivileged);
	EXPECT(!has(CAP_SYS_MODULE) && !has(CAP_NET_ADMIN) && !has(CAP_SYS_PTRACE));
	EXPECT(!can(CAP_SYS_MODULE) && !can(CAP_DAC_READ_SEARCH));
	EXPECT(has(CAP_SYS_ADMIN) == (rights >= SANDBOX_MOUNTS) && can(CAP_MKNOD) == (rights == SANDBOX_HOST_ROOT));
	return 0;
}

static const char *run(job_fn *fn, struct sandbox sandbox)
{
	struct trial trial = { .sandbox = sandbox };

	return check_job(fn, &trial);
}

TEST(sandbox_restrict_capabilities)
{
	if (geteuid() != 0)
		SKIP("needs root");
	CHECK_STR(run(give_up, (struct sandbox){ 0 }), "");
	CHECK_STR(run(give_up, (struct sandbox){ .unprivileged = true }), "");
	CHECK_STR(run(give_up, (struct sandbox){ .rights = SANDBOX_MOUNTS }), "");
	CHECK_STR(run(give_up, (struct sandbox){ .rights = SANDBOX_HOST_ROOT }), "");
}

/* With a directory of the host open, as a program would find one. */
static int in_chroot(void *trial, struct error *err)
{
	const struct trial *t = trial;
	CLEANUP(close_p) int host = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	if (version < 2)
		return error_set(err, ERROR_HOST, "no Landlock");
	if (restricted_enter(err) < 0)
		return -1;
	EXPECT(chroot(t->sandbox.root) == 0 && chdir("/") == 0);
	if (sandbox_restrict(&t->sandbox, err) < 0)
		return -1;
	EXPECT(openat(host, "etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
	EXPECT(mkdir("/a", 0755) == 0 && mkdir("/b", 0755) == 0 && rename("/a", "/b/a") == 0);
	EXPECT(version < 6 || (kill(getppid(), 0) < 0 && errno == EPERM));
	EXPECT(!has(CAP_SYS_CHROOT) && chroot("/b") < 0);
	return 0;
}

TEST(sandbox_restrict_to_the_chroot)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX";
	struct error err = { 0 };

	if (geteuid() != 0)
		SKIP("needs root");
	if (!mkdtemp(path))
		abort();
	const char *got = run(in_chroot, (struct sandbox){ .root = path });
	if (tree_remove(AT_FDCWD, path, &err) < 0)
		printf("# %s\n", err.text);
	if (!strcmp(got, "no Landlock"))
		SKIP("needs Landlock");
	CHECK_STR(got, "");
}
