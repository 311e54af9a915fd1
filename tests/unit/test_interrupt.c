/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cmd/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/fake_root.h"

static int work(void *context, struct error *err)
{
	const char *root = context;

	fake_put(root, "/begun", "x");
	pause();
	return error_set(err, ERROR_FAILED, "a signal reached the job");
}

static int tidy(void *context, struct error *err UNUSED)
{
	fake_put(context, "/tidied", "x");
	return 0;
}

static int succeed(void *context, struct error *err UNUSED)
{
	fake_put(context, "/done", "x");
	return 0;
}

/* A program whose stderr goes to said. */
static pid_t start(const char *root, bool job, int said)
{
	CLEANUP(free_p) char *begun = xasprintf("%s/begun", root);

	unlink(begun);
	pid_t pid = fork();

	if (pid == 0) {
		struct error err = { 0 };

		dup2(said, STDERR_FILENO);
		signal(SIGHUP, SIG_IGN);
		if (job) {
			(void)!interrupt_run(work, tidy, (char *)root, "nothing is left", &err);
		} else {
			interrupt_say("what is there stays");
			pid_t child = fork(); /* which has the handler, and nothing to say */
			if (child == 0)
				pause();
			kill(child, SIGTERM);
			waitpid(child, NULL, 0);
			fake_put(root, "/begun", "x");
			pause();
		}
		_exit(99);
	}
	for (int i = 0; i < 500 && access(begun, F_OK) < 0; i++)
		usleep(10000);
	return pid;
}

/* The signal that ended the program. said: what it wrote. */
static int interrupted(const char *root, bool job, int signal, char *said, size_t size)
{
	int ends[2], status = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = start(root, job, ends[1]);
	close(ends[1]);
	kill(pid, SIGHUP); /* ignored, as it was */
	kill(pid, signal);
	waitpid(pid, &status, 0);
	ssize_t n = read(ends[0], said, size - 1);
	said[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(interrupt_run_tidies_up)
{
	FAKE_ROOT();
	char said[256];

	CHECK(interrupted(path, true, SIGINT, said, sizeof said) == SIGINT && fake_has(path, "/tidied"));
	CHECK_STR(said, "interrupted: nothing is left\n");
	CHECK(interrupted(path, true, SIGTERM, said, sizeof said) == SIGTERM);
	FAKE_ROOT_END();
}

TEST(interrupt_run_without_a_signal)
{
	FAKE_ROOT();
	CHECK(interrupt_run(succeed, tidy, path, "nothing", &err) == 0 && fake_has(path, "/done"));
	CHECK(!fake_has(path, "/tidied"));
	FAKE_ROOT_END();
}

TEST(interrupt_say_what_stays)
{
	FAKE_ROOT();
	char said[256];

	CHECK(interrupted(path, false, SIGTERM, said, sizeof said) == SIGTERM);
	CHECK_STR(said, "interrupted: what is there stays\n");
	FAKE_ROOT_END();
}
