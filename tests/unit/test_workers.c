/* SPDX-License-Identifier: Apache-2.0 */
/* The number of threads, and that all of them work. */
#include "builder/job/workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "tests/unit/check.h"

TEST(workers_size_is_limited)
{
	cpu_set_t usable;

	CHECK(workers_size(3) == 3 && workers_size(1000000) == 64);
	CHECK(sched_getaffinity(0, sizeof usable, &usable) == 0);
	unsigned cores = (unsigned)CPU_COUNT(&usable);
	CHECK(workers_size(0) == (cores > 64 ? 64 : cores));
}

/* Each thread waits for all the others, so that fewer than four could not end. */
static pthread_barrier_t all;
static atomic_uint calls;

static void work(void *context)
{
	pthread_barrier_wait(&all);
	atomic_fetch_add((atomic_uint *)context, 1);
}

TEST(workers_run_in_as_many_threads)
{
	CHECK(pthread_barrier_init(&all, NULL, 4) == 0);
	workers_run(4, work, &calls);
	CHECK(atomic_load(&calls) == 4);
}
