/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Work side by side, as forked processes: a job shares no memory with its starter, dies with it, and hands back 0 or an
 * error. What it makes, it makes in files.
 *
 *	struct job tar = { 0 };
 *	if (job_start(&tar, make_tarball, &plan, &err) < 0) ...
 *	... other work ...
 *	if (job_wait(&tar, &err) < 0) ...
 */
#include <sys/types.h>

#include "lib/error.h"

struct job {
	pid_t pid;  /* 0 = not running */
	int result; /* read end of the pipe that carries its struct error */
};

typedef int job_fn(void *context, struct error *err);

int job_start(struct job *job, job_fn *fn, void *context, struct error *err) MUST_CHECK;
int job_wait(struct job *job, struct error *err) MUST_CHECK;
/* Kills and reaps a job that still runs; accepts a zeroed job. For CLEANUP(). */
void job_stop(struct job *job);
