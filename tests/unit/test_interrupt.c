/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cmd/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/progress/progress.h"
#include "lib/leftover.h"
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
	fake_put(context, "/tidying", "x");
	usleep(300000);
	fake_put(context, "/tidied", "x");
	return 0;
}

static int fail_to_tidy(void *context UNUSED, struct error *err)
{
	return error_set(err, ERROR_FAILED, "no");
}

static int succeed(void *context, struct error *err UNUSED)
{
	fake_put(context, "/done", "x");
	return 0;
}

static int run_in_job(const char *root)
{
	struct error err = { 0 };

	return interrupt_run(work, fake_has(root, "/failing") ? fail_to_tidy : tidy, (char *)root, "nothing is left",
			     &err);
}

static int say(const char *root)
{
	CLEANUP(free_p) char *empty = xasprintf("%s/empty", root);

	fake_put(root, "/empty", "");
	leftover_set(empty);
	interrupt_say("what is there stays");
	pid_t child = fork(); /* which has the handler, and nothing to say */
	if (child == 0)
		pause();
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	fake_put(root, "/begun", "x");
	pause();
	return 0;
}

/* With two phases on a terminal. */
static int say_below_bars(const char *root)
{
	setenv("TERM", "xterm", 1);
	unsetenv("CI");
	progress_open(PROGRESS_BAR);
	progress_begin("one", "%s", "1");
	progress_begin("two", "%s", "2");
	return say(root);
}

static void wait_for(const char *root, const char *name)
{
	for (int i = 0; i < 500 && !fake_has(root, name); i++)
		usleep(10000);
}

/* Starts a program that does it, whose stderr goes to said; returns as soon as it has begun. first: it is process 1 of a namespace. */
static pid_t start(const char *root, int (*what)(const char *root), bool first, int said)
{
	CLEANUP(free_p) char *begun = xasprintf("%s/begun", root), *tidying = xasprintf("%s/tidying", root);

	unlink(begun);
	unlink(tidying);
	pid_t pid = first && unshare(CLONE_NEWPID) < 0 ? -1 : fork();
	if (pid == 0) {
		dup2(said, STDERR_FILENO);
		signal(SIGINT, SIG_DFL); /* a shell's background jobs ignore it */
		signal(SIGHUP, SIG_IGN);
		what(root);
		_exit(99);
	}
	wait_for(root, "/begun");
	return pid;
}

static ssize_t drain(int fd, char *ret, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;
	ssize_t got;

	while (n < size - 1 && poll(&p, 1, 500) > 0 && (got = read(fd, ret + n, size - 1 - n)) > 0)
		n += (size_t)got;
	ret[n] = '\0';
	return (ssize_t)n;
}

/* The signal that ended the program. said: what it wrote. */
static int interrupted(const char *root, int (*what)(const char *root), int signal, char *said, size_t size)
{
	int ends[2], status = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = start(root, what, false, ends[1]);
	close(ends[1]);
	kill(pid, SIGHUP); /* ignored, as it was */
	kill(pid, signal);
	waitpid(pid, &status, 0);
	drain(ends[0], said, size);
	close(ends[0]);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(interrupt_run_tidies_up)
{
	FAKE_ROOT();
	char said[256];

	CHECK(interrupted(path, run_in_job, SIGINT, said, sizeof said) == SIGINT && fake_has(path, "/tidied"));
	CHECK_STR(said, "interrupted: nothing is left\n");
	CHECK(interrupted(path, run_in_job, SIGTERM, said, sizeof said) == SIGTERM);
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

	CHECK(interrupted(path, say, SIGTERM, said, sizeof said) == SIGTERM);
	CHECK_STR(said, "interrupted: what is there stays\n");
	CHECK(fake_has(path, "/begun") && !fake_has(path, "/empty"));
	FAKE_ROOT_END();
}

TEST(interrupt_run_says_when_something_is_left)
{
	FAKE_ROOT();
	char said[256];

	fake_put(path, "/failing", "x");
	CHECK(interrupted(path, run_in_job, SIGINT, said, sizeof said) == SIGINT);
	CHECK_STR(said, "interrupted: what is left is removed when the command runs again\n");
	FAKE_ROOT_END();
}

TEST(interrupt_run_tidies_up_when_interrupted_twice)
{
	FAKE_ROOT();
	int status = 0;
	pid_t pid = start(path, run_in_job, false, open("/dev/null", O_WRONLY | O_CLOEXEC));

	CHECK(pid > 0 && kill(pid, SIGINT) == 0);
	wait_for(path, "/tidying");
	CHECK(kill(pid, SIGINT) == 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && fake_has(path, "/tidied"));
	FAKE_ROOT_END();
}

/* The exit status of process 1 of a PID namespace. */
static int ended(const char *root, int (*what)(const char *root))
{
	int status = 0;
	pid_t outer = fork();

	if (outer == 0) {
		pid_t pid = start(root, what, true, open("/dev/null", O_WRONLY | O_CLOEXEC));
		for (int i = 0; i < 200 && kill(pid, SIGTERM) == 0 && waitpid(pid, &status, WNOHANG) == 0; i++)
			usleep(10000);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	waitpid(outer, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(interrupt_ends_process_1_of_a_container)
{
	FAKE_ROOT();
	if (geteuid() != 0)
		SKIP("needs root");
	CHECK(ended(path, say) == 128 + SIGTERM);
	CHECK(ended(path, run_in_job) == 128 + SIGTERM && fake_has(path, "/tidied"));
	FAKE_ROOT_END();
}

TEST(interrupt_say_below_what_was_drawn)
{
	FAKE_ROOT();
	char said[4096];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	CLEANUP(close_p) int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(slave >= 0);
	pid_t pid = start(path, say_below_bars, false, slave);
	CHECK(kill(pid, SIGINT) == 0 && waitpid(pid, NULL, 0) == pid);
	CHECK(drain(master, said, sizeof said) > 0);
	/* On a line of its own, and nothing erases it. */
	CHECK(text_ends(said, "\r\ninterrupted: what is there stays\r\n"));
	close(master);
	FAKE_ROOT_END();
}
