/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "lib/job.h"
#include "lib/process.h"
#include "tests/unit/check.h"

static char *script(const char *text)
{
	return (char *)text;
}

#define SH(text) ((char *[]){ (char *)"sh", (char *)"-c", script(text), NULL })

TEST(process_output_is_collected)
{
	CLEANUP(text_done) struct text out = { 0 };
	struct error err = { 0 };

	CHECK(process_capture(SH("echo one; echo two >&2; echo three"), &out, &err) == 0);
	CHECK_STR(out.data, "one\nthree\n");
}

TEST(process_failure_is_a_sentence_with_its_last_lines)
{
	struct error err = { 0 };

	CHECK(process_run(&(struct process){ .argv = SH("echo a; echo b >&2; exit 3"),
					     .name = "tool",
					     .failure = ERROR_COMMAND },
			  &err) < 0);
	CHECK_STR(err.text, "tool: exit status 3: a | b");
	CHECK(err.class == ERROR_COMMAND);
	CHECK(process_run(&(struct process){ .argv = SH("kill -9 $$"), .name = "tool" }, &err) < 0);
	CHECK_STR(err.text, "tool: killed by signal 9 (Killed)");
}

TEST(process_missing_program_names_the_remedy)
{
	struct error err = { 0 };

	CHECK(process_run(&(struct process){ .argv = (char *[]){ (char *)"no-such-program", NULL } }, &err) < 0);
	CHECK(err.class == ERROR_HOST);
	CHECK(strstr(err.text, "no-such-program: no such program"));
}

TEST(process_reads_its_input)
{
	CLEANUP(text_done) struct text out = { 0 };
	struct error err = { 0 };
	char *argv[] = { (char *)"cat", NULL };

	CHECK(process_run(&(struct process){ .argv = argv, .input = "hello", .input_len = 5, .output = &out }, &err) ==
	      0);
	CHECK_STR(out.data, "hello");
}

TEST(process_stop_ends_what_ignores_sigterm)
{
	struct error err = { 0 };
	pid_t pid = process_start(&(struct process){ .argv = SH("trap '' TERM; while :; do sleep 1; done") }, -1, &err);

	CHECK(pid > 0);
	CHECK(process_wait(pid, 50, NULL) == 0);
	process_stop(pid, 100);
	CHECK(kill(pid, 0) < 0);
}

static int job_fails(void *context, struct error *err)
{
	return error_set(err, ERROR_TRUST, "%s is wrong", (const char *)context);
}

static int job_dies(void *context UNUSED, struct error *err UNUSED)
{
	abort();
}

static int job_works(void *context UNUSED, struct error *err UNUSED)
{
	return 0;
}

TEST(job_hands_back_its_result)
{
	struct job a = { 0 }, b = { 0 }, c = { 0 };
	struct error err = { 0 };

	CHECK(job_start(&a, job_fails, (void *)"it", &err) == 0);
	CHECK(job_start(&b, job_dies, NULL, &err) == 0);
	CHECK(job_start(&c, job_works, NULL, &err) == 0);
	CHECK(job_wait(&a, &err) < 0);
	CHECK_STR(err.text, "it is wrong");
	CHECK(err.class == ERROR_TRUST);
	CHECK(job_wait(&b, &err) < 0);
	CHECK(job_wait(&c, &err) == 0);
}
