/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/job.h"
#include "lib/macro.h"
#include "tests/unit/check.h"

static int job_fails(void *context, struct error *err)
{
	return error_set(err, ERROR_TRUST, "%s is wrong", (const char *)context);
}

static int job_fails_silently(void *context UNUSED, struct error *err UNUSED)
{
	return -1;
}

static int job_dies(void *context UNUSED, struct error *err UNUSED)
{
	raise(SIGKILL);
	return 0;
}

static int job_exits(void *context UNUSED, struct error *err UNUSED)
{
	_exit(0);
}

static int job_works(void *context UNUSED, struct error *err)
{
	/* An error that was handled. */
	error_set(err, ERROR_FAILED, "ignored");
	return 0;
}

static int job_hangs(void *context UNUSED, struct error *err UNUSED)
{
	pause();
	return 0;
}

TEST(job_wait_returns_the_result)
{
	static const struct {
		job_fn *run;
		int rc;
		enum error_class class;
		const char *text;
	} cases[] = {
		{ job_works, 0, ERROR_NONE, "" },
		{ job_fails, -1, ERROR_TRUST, "it is wrong" },
		{ job_fails_silently, -1, ERROR_FAILED, "a job failed without an error" },
		{ job_exits, -1, ERROR_FAILED, "a job ended without a result; run the command again" },
		{ job_dies, -1, ERROR_FAILED,
		  "a job ended without a result (killed by a signal; out of memory?); run the command again" },
	};
	struct job jobs[ARRAY_SIZE(cases)] = { 0 };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK(job_start(&jobs[i], cases[i].run, (void *)"it", &err) == 0 && jobs[i].pid > 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error result = { 0 };
		CHECK(job_wait(&jobs[i], &result) == cases[i].rc && result.class == cases[i].class);
		CHECK_STR(result.text, cases[i].text);
		CHECK(!jobs[i].pid);
	}
	CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

TEST(job_stop_kills_and_reaps)
{
	struct job job = { 0 };
	struct error err = { 0 };

	job_stop(&job);
	CHECK(job_start(&job, job_hangs, NULL, &err) == 0);
	pid_t pid = job.pid;
	job_stop(&job);
	CHECK(!job.pid && kill(pid, 0) == -1 && errno == ESRCH);
}

TEST(job_start_without_descriptors)
{
	struct job job = { 0 };
	struct error err = { 0 };
	struct rlimit old, few;

	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	int rc = job_start(&job, job_works, NULL, &err);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK(rc == -1 && !job.pid);
	CHECK_STR(err.text, "make a pipe: Too many open files");
}
