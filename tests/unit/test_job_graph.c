/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that need each other: the order they run in, and what a failure does. */
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/job/job_graph.h"
#include "tests/unit/check.h"
#include "tests/unit/idle_allowed.h"

/* Shared with the jobs: who was when. */
struct journal {
	_Atomic unsigned clock;
	_Atomic unsigned began[4], ended[4];
};

static struct journal *journal_new(void)
{
	void *shared = mmap(NULL, sizeof(struct journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		abort();
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
	return error_set(err, ERROR_SPACE, "no room");
}

static int for_ever(void *context, unsigned what, struct error *err)
{
	pause();
	return work(context, what, err);
}

TEST(what_is_needed_comes_before)
{
	/* 2 needs 1 needs 0, by way of one that has nothing to do; the table's order does not matter. */
	const struct graph_job plan[] = { { work, 2, JOB(1), false },
					  { NULL, 0, JOB(2), false },
					  { work, 1, JOB(3), false },
					  { work, 0, 0, false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) == 0);
	CHECK(j->began[0] && j->ended[0] < j->began[1] && j->ended[1] < j->began[2]);
}

/* Each of the two waits for the other, however late the scheduler lets it begin: one after the other they would wait for ever. */
static int meet(void *context, unsigned what, struct error *err UNUSED)
{
	struct journal *j = context;

	j->began[what] = ++j->clock;
	while (!j->began[!what])
		usleep(1000);
	return 0;
}

TEST(what_needs_nothing_runs_beside)
{
	const struct graph_job plan[] = { { meet, 0, 0, false }, { meet, 1, 0, false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	alarm(60);
	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) == 0);
	alarm(0);
}

/* Until it gave way, and came back. */
static int gives_way(void *context, unsigned what, struct error *err UNUSED)
{
	struct journal *j = context;

	while (sched_getscheduler(0) != SCHED_IDLE)
		usleep(1000);
	j->began[what] = ++j->clock;
	while (sched_getscheduler(0) == SCHED_IDLE)
		usleep(1000);
	j->ended[what] = ++j->clock;
	return 0;
}

static int until_other_began(void *context, unsigned what, struct error *err UNUSED)
{
	struct journal *j = context;

	while (!j->began[what])
		usleep(1000);
	return 0;
}

TEST(beside_comes_back_when_it_is_the_last)
{
	const struct graph_job plan[] = { { gives_way, 0, 0, true }, { until_other_began, 0, 0, false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	if (!idle_allowed())
		return;
	alarm(60);
	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) == 0);
	alarm(0);
	CHECK(j->ended[0]);
}

/* The first runs until the last does, which waits for the one beside, in the end for that alone. */
TEST(beside_comes_back_when_it_holds_up)
{
	const struct graph_job plan[] = { { until_other_began, 1, 0, false },
					  { gives_way, 0, 0, true },
					  { until_other_began, 0, 0, false },
					  { work, 1, JOB(1) | JOB(2), false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	if (!idle_allowed())
		return;
	alarm(60);
	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) == 0);
	alarm(0);
	CHECK(j->ended[0] < j->began[1]);
}

TEST(a_failure_ends_the_others)
{
	const struct graph_job plan[] = { { for_ever, 3, 0, false },
					  { fails, 0, 0, false },
					  { work, 0, JOB(1), false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	alarm(10);
	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) < 0);
	alarm(0);
	CHECK(err.class == ERROR_SPACE);
	CHECK_STR(err.text, "no room");
	CHECK(!j->began[0] && !j->began[3]);
}

TEST(a_circle_is_an_error)
{
	const struct graph_job plan[] = { { work, 0, JOB(1), false }, { work, 1, JOB(0), false } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	CHECK(job_graph_run(plan, ARRAY_SIZE(plan), j, &err) < 0);
}
