/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that need each other: the order they run in, and what a failure does. */
#include <sys/mman.h>
#include <unistd.h>

#include "builder/errand.h"
#include "tests/unit/check.h"

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

static int work(struct journal *j, unsigned i)
{
	j->began[i] = ++j->clock;
	usleep(20000);
	j->ended[i] = ++j->clock;
	return 0;
}

static int zero(void *context, struct error *err UNUSED)
{
	return work(context, 0);
}

static int one(void *context, struct error *err UNUSED)
{
	return work(context, 1);
}

static int two(void *context, struct error *err UNUSED)
{
	return work(context, 2);
}

static int fails(void *context UNUSED, struct error *err)
{
	return error_set(err, ERROR_SPACE, "no room");
}

static int for_ever(void *context, struct error *err UNUSED)
{
	pause();
	return work(context, 3);
}

TEST(what_is_needed_comes_before)
{
	/* 2 needs 1 needs 0, by way of one that has nothing to do; the table's order does not matter. */
	const struct errand plan[] = {
		{ two, ERRAND(1), 0 }, { NULL, ERRAND(2), 0 }, { one, ERRAND(3), 0 }, { zero, 0, 0 }
	};
	struct journal *j = journal_new();
	struct error err = { 0 };

	CHECK(errands_run(plan, ARRAY_SIZE(plan), j, &err) == 0);
	CHECK(j->began[0] && j->ended[0] < j->began[1] && j->ended[1] < j->began[2]);
}

/* Each waits for the other, however late the scheduler lets it begin: one after the other they would wait for ever. */
static int meet(struct journal *j, unsigned i, unsigned other)
{
	j->began[i] = ++j->clock;
	while (!j->began[other])
		usleep(1000);
	return 0;
}

static int zero_meets_one(void *context, struct error *err UNUSED)
{
	return meet(context, 0, 1);
}

static int one_meets_zero(void *context, struct error *err UNUSED)
{
	return meet(context, 1, 0);
}

TEST(what_needs_nothing_runs_beside)
{
	const struct errand plan[] = { { zero_meets_one, 0, 0 }, { one_meets_zero, 0, 0 } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	alarm(60);
	CHECK(errands_run(plan, ARRAY_SIZE(plan), j, &err) == 0);
	alarm(0);
}

TEST(a_failure_ends_the_others)
{
	const struct errand plan[] = { { for_ever, 0, 0 }, { fails, 0, 0 }, { zero, ERRAND(1), 0 } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	alarm(10);
	CHECK(errands_run(plan, ARRAY_SIZE(plan), j, &err) < 0);
	alarm(0);
	CHECK(err.class == ERROR_SPACE);
	CHECK_STR(err.text, "no room");
	CHECK(!j->began[0] && !j->began[3]);
}

TEST(a_circle_is_an_error)
{
	const struct errand plan[] = { { zero, ERRAND(1), 0 }, { one, ERRAND(0), 0 } };
	struct journal *j = journal_new();
	struct error err = { 0 };

	CHECK(errands_run(plan, ARRAY_SIZE(plan), j, &err) < 0);
}
