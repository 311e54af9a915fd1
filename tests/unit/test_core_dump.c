/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/core_dump.h"

#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/check.h"

/* In a child: a sanitizer's report of this program itself still needs its own memory. */
TEST(core_dump_disabled_leaves_none)
{
	pid_t pid = fork();
	int status = -1;

	CHECK(pid >= 0);
	if (pid == 0) {
		struct rlimit limit = { 1, 1 };
		core_dump_disable();
		bool none = prctl(PR_GET_DUMPABLE) == 0 && getrlimit(RLIMIT_CORE, &limit) == 0 && !limit.rlim_cur &&
			    !limit.rlim_max;
		_exit(none ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}
