/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Checks of what binds a process for good: a filter of system calls, namespaces, a chroot. They run in a job (lib/job.h),
 * whose sentence is what the test compares:
 *
 *	static int bound(void *context, struct error *err)
 *	{
 *		EXPECT(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 && errno == EPERM);
 *		return 0;
 *	}
 *	CHECK_STR(check_job(bound, NULL), "");
 */
#include "lib/error.h"
#include "lib/job.h"
#include "tests/unit/check.h"

/* Ends the job, or the function that runs in a sandbox, with the condition as its sentence. */
#define EXPECT(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			return error_set(err, ERROR_FAILED, "false: %s", #condition);                                  \
	} while (0)

/* "" when the job ends without an error, else its sentence, which lasts until the next call. */
UNUSED static const char *check_job(job_fn *fn, void *context)
{
	static struct error err;
	struct job job = { 0 };

	err = (struct error){ 0 };
	if (job_start(&job, fn, context, &err) == 0 && job_wait(&job, &err) == 0)
		return "";
	return err.text;
}
