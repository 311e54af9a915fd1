/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Whether builder/job/priority.h means SCHED_IDLE here, or, for who could not leave that again, being nice. Says so if not. */
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static inline bool idle_allowed(void)
{
	int status = 0;
	pid_t trial = fork();

	if (trial == 0) {
		int before = getpriority(PRIO_PROCESS, 0);
		_exit(before < 19 && setpriority(PRIO_PROCESS, 0, 19) == 0 &&
		      setpriority(PRIO_PROCESS, 0, before) == 0);
	}
	waitpid(trial, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return true;
	printf("# no CAP_SYS_NICE: only nice\n");
	return false;
}
