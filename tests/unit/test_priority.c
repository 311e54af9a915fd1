/* SPDX-License-Identifier: Apache-2.0 */
/* Who gives way, and how it comes back: a job with a thread and a process of its own. */
#include "builder/job/priority.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "lib/job.h"
#include "tests/unit/check.h"
#include "tests/unit/idle_allowed.h"

/* Shared with the job, which is all there when child is set. */
struct family {
	bool unprivileged;
	_Atomic bool lowered;
	_Atomic pid_t thread;
	_Atomic pid_t child;
};

static struct family *family_new(void)
{
	void *shared = mmap(NULL, sizeof(struct family), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		abort();
	return shared;
}

static void *thread_main(void *family)
{
	((struct family *)family)->thread = gettid();
	pause();
	return NULL;
}

static int family_main(void *family, struct error *err)
{
	struct family *f = family;
	pthread_t thread;

	if (f->unprivileged) {
		if (setrlimit(RLIMIT_NICE, &(struct rlimit){ 0, 0 }) < 0 || setuid(65534) < 0)
			return error_errno(err, errno, "become nobody");
		priority_lower(getpid());
		f->lowered = true;
	}
	while (!f->lowered)
		usleep(1000);
	if (pthread_create(&thread, NULL, thread_main, f) != 0)
		return error_set(err, ERROR_FAILED, "no thread");
	while (!f->thread)
		usleep(1000);
	pid_t child = fork();
	if (child < 0)
		return error_errno(err, errno, "fork");
	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	else
		f->child = child;
	pause();
	return 0;
}

/* False when the job ended instead, and why. */
static bool family_wait(const struct family *f, struct job *job, struct error *err)
{
	struct pollfd said = { .fd = job->result, .events = POLLIN };

	while (!f->child)
		if (poll(&said, 1, 1) > 0)
			return job_wait(job, err) == 0 && f->child;
	return true;
}

TEST(priority_comes_back)
{
	CLEANUP(job_stop) struct job job = { 0 };
	struct family *f = family_new();
	struct error err = { 0 };
	int own = sched_getscheduler(0);

	if (!idle_allowed())
		return;
	CHECK(job_start(&job, family_main, f, &err) == 0);
	priority_lower(job.pid);
	f->lowered = true;
	CHECK(family_wait(f, &job, &err));
	CHECK(sched_getscheduler(job.pid) == SCHED_IDLE);
	CHECK(sched_getscheduler(f->thread) == SCHED_IDLE);
	CHECK(sched_getscheduler(f->child) == SCHED_IDLE);
	CHECK(sched_getscheduler(0) == own);
	priority_restore(job.pid);
	CHECK(sched_getscheduler(job.pid) == own);
	CHECK(sched_getscheduler(f->thread) == own);
	CHECK(sched_getscheduler(f->child) == own);
	CHECK(getpriority(PRIO_PROCESS, (id_t)job.pid) == getpriority(PRIO_PROCESS, 0));
}

/* SCHED_IDLE would be for ever. */
TEST(priority_is_nice_without_a_way_back)
{
	CLEANUP(job_stop) struct job job = { 0 };
	struct family *f = family_new();
	struct error err = { 0 };
	int own = sched_getscheduler(0);

	if (!idle_allowed())
		return;
	f->unprivileged = true;
	CHECK(job_start(&job, family_main, f, &err) == 0);
	CHECK(family_wait(f, &job, &err));
	CHECK(sched_getscheduler(job.pid) == own);
	CHECK(getpriority(PRIO_PROCESS, (id_t)job.pid) > getpriority(PRIO_PROCESS, 0));
}

TEST(priority_of_nobody)
{
	pid_t gone = fork();

	if (gone == 0)
		_exit(0);
	waitpid(gone, NULL, 0);
	int own = sched_getscheduler(0);
	priority_lower(gone);
	priority_restore(gone);
	CHECK(sched_getscheduler(0) == own);
}
