/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/macro.h"
#include "lib/process.h"
#include "tests/unit/check.h"

static char *script(const char *text)
{
	return (char *)text;
}

#define SH(text) ((char *[]){ (char *)"sh", (char *)"-c", script(text), NULL })

TEST(process_capture_collects_stdout)
{
	CLEANUP(text_done) struct text out = { 0 };
	struct error err = { 0 };

	CHECK(process_capture(SH("echo one; echo two >&2; echo three"), &out, &err) == 0);
	CHECK_STR(out.data, "one\nthree\n");
}

TEST(process_run_failure_has_the_last_lines)
{
	struct error err = { 0 };

	CHECK(process_run(&(struct process){ .argv = SH("echo a; echo b >&2; exit 3"),
					     .name = "tool",
					     .failure = ERROR_COMMAND },
			  &err) < 0);
	CHECK_STR(err.text, "tool: exit status 3");
	CHECK_STR(err.private.text, "a | b");
	CHECK(err.class == ERROR_COMMAND);
	CHECK(process_run(&(struct process){ .argv = SH("kill -9 $$"), .name = "tool" }, &err) < 0);
	CHECK_STR(err.text, "tool: killed by signal 9 (Killed)");
}

TEST(process_run_missing_program)
{
	struct error err = { 0 };

	CHECK(process_run(&(struct process){ .argv = (char *[]){ (char *)"no-such-program", NULL } }, &err) < 0);
	CHECK(err.class == ERROR_HOST);
	CHECK(strstr(err.text, "no-such-program: no such program"));
}

TEST(process_run_input)
{
	CLEANUP(text_done) struct text out = { 0 };
	struct error err = { 0 };
	char *argv[] = { (char *)"cat", NULL };

	CHECK(process_run(&(struct process){ .argv = argv, .input = "hello", .input_len = 5, .output = &out }, &err) ==
	      0);
	CHECK_STR(out.data, "hello");
}

TEST(process_stop_kills)
{
	struct error err = { 0 };
	pid_t pid = process_start(&(struct process){ .argv = SH("trap '' TERM; while :; do sleep 1; done") }, -1, &err);

	CHECK(pid > 0);
	CHECK(process_wait(pid, 50, NULL) == 0);
	process_stop(pid, 100);
	CHECK(kill(pid, 0) < 0);
}

static void collect_line(void *context, const char *line)
{
	text_addf(context, "<%s>", line);
}

TEST(process_run_passes_lines)
{
	CLEANUP(text_done) struct text lines = { 0 };
	struct error err = { 0 };

	CHECK(process_run(&(struct process){ .argv = SH("echo a; echo; printf b >&2"),
					     .line = collect_line,
					     .context = &lines },
			  &err) == 0);
	CHECK_STR(lines.data, "<a><><b>");
}

TEST(process_run_keeps_the_last_lines)
{
	struct error err = { 0 };

	CHECK(process_run(&(struct process){ .argv = SH("for i in 1 2 3 4 5 6 7 8; do echo $i; echo; done; exit 1"),
					     .name = "tool" },
			  &err) == -1);
	CHECK_STR(err.text, "tool: exit status 1");
	CHECK_STR(err.private.text, "3 | 4 | 5 | 6 | 7 | 8");
}

/* A daemon that keeps stdout, silent or not: the program's end is the end, and what it wrote before is complete. */
TEST(process_run_ends_with_the_program)
{
	static const char *const left[] = { "exec sleep 20", "trap '' TERM HUP PIPE; while :; do echo noise; done" };

	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		CLEANUP(text_done) struct text lines = { 0 };
		struct error err = { 0 };
		double before = clock_seconds();
		CLEANUP(free_p) char *text = xasprintf("echo first; (%s) & echo $!; exit 7", left[i]);
		CHECK(process_run(&(struct process){ .argv = SH(text), .line = collect_line, .context = &lines },
				  &err) == -1);
		CHECK(strstr(err.text, "exit status 7") && text_starts(lines.data, "<first>"));
		CHECK(clock_seconds() - before < 10);
		const char *number = strchr(lines.data + 1, '<');
		while (number && !(number[1] >= '0' && number[1] <= '9'))
			number = strchr(number + 1, '<');
		CHECK(number && kill(atoi(number + 1), SIGKILL) == 0);
	}
}

/* More than a pipe can hold. */
TEST(process_run_output_is_complete)
{
	CLEANUP(text_done) struct text out = { 0 };
	struct error err = { 0 };

	CHECK(process_capture(SH("head -c 3000000 /dev/zero; printf end"), &out, &err) == 0);
	CHECK(out.len == 3000003 && text_ends(out.data + 3000000, "end"));
}

TEST(process_run_environment)
{
	CLEANUP(text_done) struct text out = { 0 };
	struct error err = { 0 };
	char *env[] = { (char *)"PATH=/usr/bin:/bin", (char *)"GREETING=hello", NULL };

	CHECK(process_run(&(struct process){ .argv = SH("echo $GREETING$HOME"), .env = env, .output = &out }, &err) ==
	      0);
	CHECK_STR(out.data, "hello\n");
}

static int setup_fails(void *context, struct error *err)
{
	return error_set(err, ERROR_HOST, "no %s here", (const char *)context);
}

TEST(process_run_reports_setup)
{
	struct error err = { 0 };
	const struct process p = { .argv = SH("exit 0"), .setup = setup_fails, .context = (void *)"namespace" };

	CHECK(process_run(&p, &err) == -1 && err.class == ERROR_HOST);
	CHECK_STR(err.text, "no namespace here");
	CHECK(process_start(&p, -1, &err) == -1);
	CHECK_STR(err.text, "no namespace here");
	CHECK(waitpid(-1, NULL, WNOHANG) == -1); /* reaped */
}

TEST(process_run_reports_exec)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(path);
	struct error err = { 0 };

	CHECK(fd >= 0 && process_run(&(struct process){ .argv = (char *[]){ path, NULL } }, &err) == -1);
	CHECK(unlink(path) == 0 && err.class == ERROR_FAILED);
	CHECK(text_starts(err.text, "run /tmp/") && text_ends(err.text, ": Permission denied"));
}

/* Runs or starts p when at most `more` further descriptors can be opened. */
static int with_descriptors(const struct process *p, bool wait, int more, struct error *err)
{
	struct rlimit old, few;
	int lowest = dup(0);

	close(lowest);
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = (rlim_t)(lowest + more);
	setrlimit(RLIMIT_NOFILE, &few);
	int rc = wait ? process_run(p, err) : process_start(p, -1, err);
	setrlimit(RLIMIT_NOFILE, &old);
	return rc;
}

TEST(process_run_without_descriptors)
{
	CLEANUP(text_done) struct text out = { 0 };
	const struct process p = { .argv = SH("exit 0"), .output = &out };
	struct error err = { 0 };

	for (int more = 0; more < 7; more++) {
		CHECK(with_descriptors(&p, true, more, &err) == -1);
		CHECK(text_starts(err.text, more < 6 ? "make a pipe: " : "prepare stdin of sh: "));
	}
	CHECK(with_descriptors(&p, true, 8, &err) == 0);
}

TEST(process_start_without_descriptors)
{
	const struct process p = { .argv = SH("exit 0") };
	struct error err = { 0 };

	for (int more = 1; more < 4; more++) {
		CHECK(with_descriptors(&p, false, more, &err) == -1);
		CHECK(text_starts(err.text, more < 3 ? "make a pipe: " : "prepare stdin of sh: "));
	}
	CHECK(waitpid(-1, NULL, WNOHANG) == -1);
}

TEST(process_start_leaves_no_zombie)
{
	CLEANUP(close_p) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct error err = { 0 };
	int status = -1;
	pid_t pid = process_start(&(struct process){ .argv = SH("exit 3") }, null, &err);

	CHECK(pid > 0 && process_wait(pid, 5000, &status) == 1);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	CHECK(waitpid(pid, NULL, WNOHANG) == -1);
	CHECK(process_start(&(struct process){ .argv = (char *[]){ (char *)"no-such-program", NULL } }, -1, &err) ==
	      -1);
	CHECK(err.class == ERROR_HOST);
}

TEST(process_exists_searches_path)
{
	CHECK(process_exists("sh") && !process_exists("no-such-program"));
	CLEANUP(free_p) char *path = xstrdup(getenv("PATH"));
	unsetenv("PATH");
	bool found = process_exists("sh");
	setenv("PATH", path, 1);
	CHECK(found);
}
