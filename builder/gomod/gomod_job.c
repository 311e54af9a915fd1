/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/gomod_internal.h"
#include "lib/job.h"
#include "lib/macro.h"

struct tree_job {
	const struct gomod *g;
	const struct lock *lock;
	gomod_work *work;
};

static int run(void *context, struct error *err)
{
	const struct tree_job *j = context;
	struct go_tree t = { .toolchain = { .lock = j->lock,
					    .cache = j->g->cache,
					    .line = j->g->line,
					    .line_context = j->g->context } };

	if (go_tree_open(&t, GOMOD_NEED, err) < 0)
		return -1;
	int rc = j->work(j->g, j->lock, &t, err);
	go_tree_close(&t);
	return rc;
}

int gomod_in_tree(const struct gomod *g, const struct lock *lock, gomod_work *work, struct error *err)
{
	CLEANUP(job_stop) struct job job = { 0 };
	struct tree_job j = { g, lock, work };

	return job_start(&job, run, &j, err) < 0 ? -1 : job_wait(&job, err);
}
