/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Parallel work in forked processes: a job shares no memory with its parent, is killed when the parent ends, and returns 0 or
 * an error. Its results are files.
 *
 *	struct job tar = { 0 };
 *	if (job_start(&tar, make_tarball, &plan, &err) < 0) ...
 *	... other work ...
 *	if (job_wait(&tar, &err) < 0) ...
 */
#include <sys/types.h>

#include "lib/error.h"
#include "lib/macro.h"

struct job {
	pid_t pid;  /* 0 = not running */
	int result; /* read end of the pipe for its struct error */
};

typedef int job_fn(void *context, struct error *err);

/* Runs fn(context, err) in a child. */
int job_start(struct job *job, job_fn *fn, void *context, struct error *err) MUST_CHECK;
/* Reaps the child; -1 with its error, or ERROR_FAILED when it ended without reporting. */
int job_wait(struct job *job, struct error *err) MUST_CHECK;
/* Kills and reaps a job that still runs; a zeroed job is fine. For CLEANUP(). */
void job_stop(struct job *job);
