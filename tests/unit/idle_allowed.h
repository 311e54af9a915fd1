/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Whether jobs of this test may leave SCHED_IDLE again: priority_idle_allowed() of a child, since it may make it nicer. */
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/job/priority.h"

#define IDLE_REFUSED "needs CAP_SYS_NICE or RLIMIT_NICE"

static inline bool idle_allowed(void)
{
	int status = 0;
	pid_t trial = fork();

	if (trial == 0)
		_exit(priority_idle_allowed(getpid()));
	waitpid(trial, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}
