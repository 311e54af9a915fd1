/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs a table of jobs that depend on each other. Each row is a job (lib/job.h) that starts as soon as the
 * jobs it needs are done; jobs run in parallel. The first that fails ends them all.
 */
#include <stdbool.h>

#include "lib/job.h"

#define JOB_GRAPH_MAX 32 /* each job is one bit of needs */
#define JOB(number) (1u << (number))

struct graph_job {
	int (*run)(void *context, unsigned what, struct error *err); /* NULL = nothing to do */
	unsigned what;                                               /* passed to run */
	unsigned needs;                                              /* JOB() of each job that must be done before */
	bool background; /* runs at a lower priority (priority.h) until another job, or the caller, waits for it */
};

/* n: at most JOB_GRAPH_MAX. A cycle is ERROR_FAILED. Jobs are processes: each works on its own copy of context. */
int job_graph_run(const struct graph_job *jobs, size_t n, void *context, struct error *err) MUST_CHECK;
