/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that need each other: their order and priority, and what a failure does. */
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/job/job_graph.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "tests/unit/check.h"
#include "tests/unit/idle_allowed.h"

#define SECONDS_MAX 60 /* ends the program where a job does not end */

/* Shared with the jobs: the order in which they began and ended. */
struct journal {
	_Atomic bool lowered;
	_Atomic unsigned clock;
	_Atomic unsigned began[4], ended[4];
};

static struct journal *journal_new(void)
{
	void *shared = mmap(NULL, sizeof(struct journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		abort();
	alarm(SECONDS_MAX);
	return shared;
}

static int work(void *context, unsigned what, struct error *err UNUSED)
{
	struct journal *j = context;

	j->began[what] = ++j->clock;
	usleep(20000);
	j->ended[what] = ++j->clock;
	return 0;
}

static int fails(void *context UNUSED, unsigned what UNUSED, struct error *err)
{
	return error_set(err, ERROR_SPACE, "disk full");
}

static int sleeps(void *context, unsigned what, struct error *err)
{
	pause();
	return work(context, what, err);
}

TEST(job_graph_runs_needed_jobs_first)
{
	/* 2 needs 1 needs 0, through a job with nothing to do; the order of the table does not matter. */
	const struct graph_job plan[] = { { work, 2, JOB(1), false },
					  { NULL, 0, JOB(2), false },
					  { work, 1, JOB(3), false },
					  { work, 0, 0, false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) == 0);
	CHECK(j->began[0] && j->ended[0] < j->began[1] && j->ended[1] < j->began[2]);
}

/* Each of the two jobs waits until the other has begun: one after the other they would never end. */
static int meet(void *context, unsigned what, struct error *err UNUSED)
{
	struct journal *j = context;

	j->began[what] = ++j->clock;
	while (!j->began[!what])
		usleep(1000);
	return 0;
}

TEST(job_graph_runs_independent_jobs_in_parallel)
{
	const struct graph_job plan[] = { { meet, 0, 0, false }, { meet, 1, 0, false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) == 0);
}

/* A background job that ends once it has been lowered and restored. While it is SCHED_IDLE it need not run at all. */
static int background(void *context, unsigned what, struct error *err UNUSED)
{
	struct journal *j = context;

	while (!j->lowered || sched_getscheduler(0) == SCHED_IDLE)
		usleep(1000);
	j->ended[what] = ++j->clock;
	return 0;
}

static bool sibling_is_idle(void)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/%d/task/%d/children", (int)getppid(), (int)getppid());
	CLEANUP(text_done) struct text pids = { 0 };
	struct error ignored = { 0 };
	char *end;

	if (file_read(AT_FDCWD, path, 4096, &pids, &ignored) < 0)
		return false;
	for (const char *at = pids.data; strtol(at, &end, 10) > 0; at = end)
		if (sched_getscheduler((pid_t)strtol(at, NULL, 10)) == SCHED_IDLE)
			return true;
	return false;
}

static int until_sibling_is_idle(void *context, unsigned what UNUSED, struct error *err UNUSED)
{
	struct journal *j = context;

	while (!sibling_is_idle())
		usleep(1000);
	j->lowered = true;
	return 0;
}

static int until_other_began(void *context, unsigned what, struct error *err UNUSED)
{
	struct journal *j = context;

	while (!j->began[what])
		usleep(1000);
	return 0;
}

TEST(job_graph_restores_a_background_job_that_is_the_last)
{
	const struct graph_job plan[] = { { background, 0, 0, true }, { until_sibling_is_idle, 0, 0, false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	if (!idle_allowed())
		SKIP(IDLE_REFUSED);
	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) == 0);
	CHECK(j->ended[0]);
}

/* The first job runs until the last begins, which needs the background job and the third, in the end the former alone. */
TEST(job_graph_restores_a_background_job_that_is_needed)
{
	const struct graph_job plan[] = { { until_other_began, 1, 0, false },
					  { background, 0, 0, true },
					  { until_sibling_is_idle, 0, 0, false },
					  { work, 1, JOB(1) | JOB(2), false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	if (!idle_allowed())
		SKIP(IDLE_REFUSED);
	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) == 0);
	CHECK(j->ended[0] < j->began[1]);
}

TEST(job_graph_ends_all_jobs_after_a_failure)
{
	const struct graph_job plan[] = { { sleeps, 3, 0, false }, { fails, 0, 0, false }, { work, 0, JOB(1), false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) < 0);
	CHECK(err.class == ERROR_SPACE);
	CHECK_STR(err.text, "disk full");
	CHECK(!j->began[0] && !j->began[3]);
}

TEST(job_graph_refuses_a_cycle)
{
	const struct graph_job plan[] = { { work, 0, JOB(1), false }, { work, 1, JOB(0), false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) < 0);
	CHECK_STR(err.text, "jobs wait for each other");
	CHECK(j->clock == 0);
}
