/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/macro.h"

/* The child's side. It reports a struct error whose class is ERROR_NONE on success. */
NORETURN static void job_run(job_fn *fn, void *context, int result)
{
	struct error err = { 0 };

	if (fn(context, &err) == 0)
		err = (struct error){ 0 };
	else if (err.class == ERROR_NONE)
		error_set(&err, ERROR_FAILED, "a job failed without an error");
	_exit(write(result, &err, sizeof err) == sizeof err ? 0 : 1);
}

int job_start(struct job *job, job_fn *fn, void *context, struct error *err)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		job_run(fn, context, ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		error_errno(err, errno, "start a job");
		close(ends[0]);
		return -1;
	}
	*job = (struct job){ .pid = pid, .result = ends[0] };
	return 0;
}

static void job_reap(struct job *job, int *status)
{
	while (waitpid(job->pid, status, 0) < 0 && errno == EINTR)
		;
	close(job->result);
	*job = (struct job){ 0 };
}

int job_wait(struct job *job, struct error *err)
{
	struct error reported;
	int status = 0;
	ssize_t n;

	do
		n = read(job->result, &reported, sizeof reported);
	while (n < 0 && errno == EINTR);
	job_reap(job, &status);
	if (n != sizeof reported)
		return error_set(err, ERROR_FAILED, "a job ended without a result%s; run the command again",
				 WIFSIGNALED(status) ? " (killed by a signal; out of memory?)" : "");
	if (reported.class == ERROR_NONE)
		return 0;
	*err = reported;
	return -1;
}

void job_stop(struct job *job)
{
	int status;

	if (!job->pid)
		return;
	kill(job->pid, SIGKILL);
	job_reap(job, &status);
}
