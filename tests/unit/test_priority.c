/* SPDX-License-Identifier: Apache-2.0 */
/* Who gives way, and how it comes back: a job with a thread and a process of its own. */
#include "builder/priority.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/job.h"
#include "tests/unit/check.h"

/* Shared with the job, which is all there when child is set. */
struct family {
	bool unprivileged;
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

static int lowered(void *family, struct error *err)
{
	struct family *f = family;
	pthread_t thread;

	if (f->unprivileged && (setrlimit(RLIMIT_NICE, &(struct rlimit){ 0, 0 }) < 0 || setuid(65534) < 0))
		return error_errno(err, errno, "become nobody");
	priority_lower();
	if (pthread_create(&thread, NULL, thread_main, f) != 0)
		return error_set(err, ERROR_FAILED, "no thread");
	while (!f->thread)
		usleep(1000);
	pid_t child = fork();
	if (child != 0)
		f->child = child;
	pause();
	return 0;
}

static void family_wait(const struct family *f)
{
	while (!f->child)
		usleep(1000);
}

TEST(priority_comes_back)
{
	CLEANUP(job_stop) struct job job = { 0 };
	struct family *f = family_new();
	struct error err = { 0 };

	if (geteuid() != 0) {
		printf("# not root: it would only be nice\n");
		return;
	}
	alarm(60);
	CHECK(job_start(&job, lowered, f, &err) == 0);
	family_wait(f);
	CHECK(sched_getscheduler(job.pid) == SCHED_IDLE);
	CHECK(sched_getscheduler(f->thread) == SCHED_IDLE);
	CHECK(sched_getscheduler(f->child) == SCHED_IDLE);
	CHECK(sched_getscheduler(0) == SCHED_OTHER);
	priority_restore(job.pid);
	CHECK(sched_getscheduler(job.pid) == SCHED_OTHER);
	CHECK(sched_getscheduler(f->thread) == SCHED_OTHER);
	CHECK(sched_getscheduler(f->child) == SCHED_OTHER);
	CHECK(getpriority(PRIO_PROCESS, (id_t)job.pid) == getpriority(PRIO_PROCESS, 0));
	kill(f->child, SIGKILL);
	alarm(0);
}

/* SCHED_IDLE would be for ever. */
TEST(priority_is_nice_without_a_way_back)
{
	CLEANUP(job_stop) struct job job = { 0 };
	struct family *f = family_new();
	struct error err = { 0 };

	if (geteuid() != 0) {
		printf("# not root: cannot become nobody\n");
		return;
	}
	alarm(60);
	f->unprivileged = true;
	CHECK(job_start(&job, lowered, f, &err) == 0);
	family_wait(f);
	CHECK(sched_getscheduler(job.pid) == SCHED_OTHER);
	CHECK(getpriority(PRIO_PROCESS, (id_t)job.pid) > getpriority(PRIO_PROCESS, 0));
	kill(f->child, SIGKILL);
	alarm(0);
}

TEST(priority_of_nobody)
{
	pid_t gone = fork();

	if (gone == 0)
		_exit(0);
	waitpid(gone, NULL, 0);
	priority_restore(gone);
	CHECK(sched_getscheduler(0) == SCHED_OTHER);
}
