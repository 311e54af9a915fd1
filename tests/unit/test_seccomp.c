/* SPDX-License-Identifier: Apache-2.0 */
/* Installing a filter, in a child that it then binds. */
#include "builder/sandbox/seccomp.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/check.h"

static const struct sock_filter no_getppid[] = {
	FILTER_LOOK_AT(arch),         FILTER_IS(FILTER_NATIVE, 0, 3),          FILTER_LOOK_AT(nr),
	FILTER_IS(SYS_getppid, 0, 1), FILTER_ANSWER(SECCOMP_RET_ERRNO | EDOM), FILTER_ANSWER(SECCOMP_RET_ALLOW),
};

static int exit_of(int (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int filtered(void)
{
	struct error err = { 0 };

	if (seccomp_install(no_getppid, ARRAY_SIZE(no_getppid), 0, &err) != 0)
		return 2;
	if (syscall(SYS_getppid) >= 0 || errno != EDOM)
		return 3;
	return getpid() > 0 ? 0 : 4;
}

static int refused(void)
{
	struct error err = { 0 };

	if (seccomp_install(no_getppid, 0, 0, &err) >= 0)
		return 2;
	return err.class == ERROR_HOST && strstr(err.text, "seccomp") ? 0 : 3;
}

TEST(seccomp_install_filters_calls)
{
	CHECK(exit_of(filtered) == 0);
}

TEST(seccomp_install_reports_refusal)
{
	CHECK(exit_of(refused) == 0);
}
