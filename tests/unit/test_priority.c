/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lowering and restoring a job that has a thread and a child. All three sleep before they are lowered: no test waits for
 * a SCHED_IDLE task to run, which may take very long on a busy machine.
 */
#include "builder/job/priority.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lib/job.h"
#include "tests/unit/check.h"
#include "tests/unit/idle_allowed.h"

#define SECONDS_MAX 60 /* ends the program where a job does not */
#define OTHER_USER 65534

/* Shared with the job, which is complete when child is set. */
struct family {
	int nice;     /* the job begins with it, when it is larger than its own */
	bool lowered; /* as a user without the right to come back, by itself */
	_Atomic pid_t thread, child;
};

static struct family *family_new(void)
{
	void *shared = mmap(NULL, sizeof(struct family), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		abort();
	alarm(SECONDS_MAX);
	return shared;
}

static void *thread_main(void *family)
{
	((struct family *)family)->thread = gettid();
	pause();
	return NULL;
}

static int lower_for_good(struct error *err)
{
	if (setrlimit(RLIMIT_NICE, &(struct rlimit){ 0, 0 }) < 0 || setuid(OTHER_USER) < 0)
		return error_errno(err, errno, "drop the rights of root");
	priority_lower(getpid());
	return 0;
}

static int family_main(void *family, struct error *err)
{
	struct family *f = family;
	pthread_t thread;

	if (f->nice > getpriority(PRIO_PROCESS, 0) && setpriority(PRIO_PROCESS, 0, f->nice) < 0)
		return error_errno(err, errno, "become nicer");
	if (f->lowered && lower_for_good(err) < 0)
		return -1;
	if (pthread_create(&thread, NULL, thread_main, f) != 0)
		return error_set(err, ERROR_FAILED, "no thread");
	while (!f->thread)
		usleep(1000);
	pid_t job = getpid(), child = fork();
	if (child < 0)
		return error_errno(err, errno, "fork");
	alarm(SECONDS_MAX); /* fork(2) does not pass it on */
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != job)
			_exit(0); /* the job ended first, and no signal will come */
	} else {
		f->child = child;
	}
	pause();
	return 0;
}

/* False when the job ended instead, and why. */
static bool family_start(struct family *f, struct job *job, struct error *err)
{
	if (job_start(job, family_main, f, err) < 0)
		return false;
	struct pollfd result = { .fd = job->result, .events = POLLIN };
	while (!f->child)
		if (poll(&result, 1, 1) > 0)
			return job_wait(job, err) == 0 && f->child;
	return true;
}

static void check_lowered_and_restored(int nice)
{
	CLEANUP(job_stop) struct job job = { 0 };
	struct family *f = family_new();
	struct error err = { 0 };
	int own = sched_getscheduler(0);

	f->nice = nice;
	CHECK(family_start(f, &job, &err));
	int before = getpriority(PRIO_PROCESS, (id_t)job.pid);
	priority_lower(job.pid);
	priority_lower(f->thread);
	priority_lower(f->child);
	CHECK(sched_getscheduler(job.pid) == SCHED_IDLE);
	CHECK(sched_getscheduler(f->thread) == SCHED_IDLE);
	CHECK(sched_getscheduler(f->child) == SCHED_IDLE);
	CHECK(sched_getscheduler(0) == own);
	priority_restore(job.pid);
	CHECK(sched_getscheduler(job.pid) == own);
	CHECK(sched_getscheduler(f->thread) == own);
	CHECK(sched_getscheduler(f->child) == own);
	CHECK(getpriority(PRIO_PROCESS, (id_t)job.pid) == before);
}

TEST(priority_restore_reverts_lower)
{
	if (!idle_allowed())
		SKIP(IDLE_REFUSED);
	check_lowered_and_restored(0);
}

/* A build under `nice -n 10`, and even the nicest one. */
TEST(priority_lower_of_a_nice_build)
{
	if (!idle_allowed())
		SKIP(IDLE_REFUSED);
	check_lowered_and_restored(10);
	if (!check_failed)
		check_lowered_and_restored(19);
}

/* The nice value of a job that may not leave SCHED_IDLE, after it was lowered; -1 when that failed. */
static int nice_of_lowered(int nice)
{
	CLEANUP(job_stop) struct job job = { 0 };
	struct family *f = family_new();
	struct error err = { 0 };

	f->nice = nice;
	f->lowered = true;
	if (!family_start(f, &job, &err) || sched_getscheduler(job.pid) != sched_getscheduler(0))
		return -1;
	return getpriority(PRIO_PROCESS, (id_t)job.pid);
}

TEST(priority_lower_without_a_way_back_only_makes_nicer)
{
	int own = getpriority(PRIO_PROCESS, 0), from = own > 12 ? own : 12;

	if (geteuid() != 0)
		SKIP("needs root, to become another user");
	CHECK(nice_of_lowered(own) == (own < 9 ? own + 10 : 19));
	CHECK(from == 19 || nice_of_lowered(from) == 19);
}

TEST(priority_lower_ignores_an_ended_process)
{
	pid_t ended = fork();

	if (ended == 0)
		_exit(0);
	waitpid(ended, NULL, 0);
	int own = sched_getscheduler(0), nice = getpriority(PRIO_PROCESS, 0);
	priority_lower(ended);
	priority_restore(ended);
	CHECK(!priority_idle_allowed(ended));
	CHECK(sched_getscheduler(0) == own);
	CHECK(getpriority(PRIO_PROCESS, 0) == nice);
}
