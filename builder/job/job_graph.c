/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/job/job_graph.h"

#include <errno.h>
#include <poll.h>

#include "builder/job/priority.h"

struct graph_run {
	const struct graph_job *jobs; /* borrowed; n of them */
	size_t n;
	void *context;
	struct job job[JOB_GRAPH_MAX];
	unsigned started, done;
};

/* The context of a job. */
struct graph_start {
	const struct graph_job *job;
	void *context;
};

static int start_main(void *start, struct error *err)
{
	const struct graph_start *s = start;

	return s->job->run(s->context, s->job->what, err);
}

/* Starts every job whose needs are done. A job with nothing to do is done at once, so the search begins again
 * after it. */
static int start_ready(struct graph_run *r, struct error *err)
{
	for (size_t i = 0; i < r->n; i++) {
		struct graph_start start = { &r->jobs[i], r->context };
		if (r->started & JOB(i) || r->jobs[i].needs & ~r->done)
			continue;
		r->started |= JOB(i);
		if (r->jobs[i].run) {
			if (job_start(&r->job[i], start_main, &start, err) < 0)
				return -1;
			if (r->jobs[i].background)
				priority_lower(r->job[i].pid);
			continue;
		}
		r->done |= JOB(i);
		i = (size_t)-1; /* begin again */
	}
	return 0;
}

static unsigned running(const struct graph_run *r, bool background)
{
	unsigned ret = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->job[i].pid && r->jobs[i].background == background)
			ret |= JOB(i);
	return ret;
}

/* The running background jobs that are waited for: all of them when no foreground job runs, else those that
 * alone hold up a foreground job. */
static unsigned awaited(const struct graph_run *r)
{
	unsigned background = running(r, true), ret = running(r, false) ? 0 : background;

	for (size_t i = 0; i < r->n; i++) {
		unsigned missing = r->jobs[i].needs & ~r->done;
		if (!(r->started & JOB(i)) && !r->jobs[i].background && !(missing & ~background))
			ret |= missing;
	}
	return ret;
}

static void restore_awaited(const struct graph_run *r)
{
	unsigned restore = awaited(r);

	for (size_t i = 0; i < r->n; i++)
		if (restore & JOB(i))
			priority_restore(r->job[i].pid);
}

/* Waits until a job ends. */
static int wait_any(struct graph_run *r, struct error *err)
{
	struct pollfd result[JOB_GRAPH_MAX];

	restore_awaited(r);
	for (size_t i = 0; i < r->n; i++)
		result[i] = (struct pollfd){ .fd = r->job[i].pid ? r->job[i].result : -1, .events = POLLIN };
	while (poll(result, r->n, -1) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "wait for jobs");
	for (size_t i = 0; i < r->n; i++) {
		if (!result[i].revents)
			continue;
		if (job_wait(&r->job[i], err) < 0)
			return -1;
		r->done |= JOB(i);
	}
	return 0;
}

static void run_stop(struct graph_run *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->job[i].pid)
			priority_restore(r->job[i].pid); /* ending takes CPU time, too */
		job_stop(&r->job[i]);
	}
}

int job_graph_run(const struct graph_job *jobs, size_t n, void *context, struct error *err)
{
	CLEANUP(run_stop) struct graph_run r = { .jobs = jobs, .n = n, .context = context };
	unsigned all = n == JOB_GRAPH_MAX ? ~0u : JOB(n) - 1;

	while (r.done != all) {
		if (start_ready(&r, err) < 0)
			return -1;
		if (r.started == r.done && r.done != all)
			return error_set(err, ERROR_FAILED, "jobs wait for each other");
		if (r.done != all && wait_any(&r, err) < 0)
			return -1;
	}
	return 0;
}
