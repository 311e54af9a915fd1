/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Work that depends on other work, as a table: each errand is a job (lib/job.h) that starts as soon as those it needs are done,
 * beside whatever else runs. The first that fails ends them all.
 */
#include <stdbool.h>

#include "lib/job.h"

#define JOB_GRAPH_MAX 32 /* they are numbered by the bits of needs */
#define JOB(number) (1u << (number))

struct graph_job {
	int (*run)(void *context, unsigned what, struct error *err); /* NULL = nothing to do */
	unsigned what;                                               /* run gets it */
	unsigned needs;                                              /* JOB() of each that must be done before */
	bool background; /* nobody waits for it soon: it gives way (priority.h) until somebody does */
};

/* n at most JOB_GRAPH_MAX, no circles. Every job gets its own copy of context. */
int job_graph_run(const struct graph_job *errand, size_t n, void *context, struct error *err) MUST_CHECK;
