/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/text.h"
#include "tests/unit/check.h"
#include "tests/unit/wiped.h"

/* The exit status of a child that runs fn, and what it writes to stderr. */
static int status_of(void (*fn)(void), struct text *ret)
{
	int ends[2], status = -1;
	char buffer[512];

	if (pipe(ends) < 0)
		abort();
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(STDOUT_FILENO);
		fn();
		_exit(0);
	}
	close(ends[1]);
	ssize_t n = read(ends[0], buffer, sizeof buffer);
	text_addn(ret, buffer, n > 0 ? (size_t)n : 0);
	close(ends[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void overflow(void)
{
	free(xrealloc(NULL, SIZE_MAX / 2, 3));
}

TEST(alloc_failure_ends_the_program)
{
	CLEANUP(text_done) struct text t = { 0 };

	CHECK(status_of(overflow, &t) == 1);
	CHECK_STR(t.data, "error: out of memory; nothing was published; free some memory and run the command again\n");
}

TEST(alloc_of_nothing_is_valid)
{
	CLEANUP(free_p) char *a = xmalloc(0), *b = xcalloc(0, 8), *c = xrealloc(NULL, 0, 8);

	CHECK(a && b && c);
}

TEST(alloc_wipe_overwrites)
{
	char *secret = xstrdup("a secret");

	wipe_free(NULL);
	wiped_n = 0;
	wipe_p(&secret);
	CHECK(!secret && wiped_n == strlen("a secret") && wiped_times("a secret") == 1);
	wipe_p(&secret);
}

TEST(alloc_strings)
{
	CLEANUP(free_p) char *copy = xstrdup("abc"), *part = xstrndup("abc", 2), *whole = xstrndup("abc", 9);
	CLEANUP(free_p) char *printed = xasprintf("%s-%d", "x", 7);

	CHECK_STR(copy, "abc");
	CHECK_STR(part, "ab");
	CHECK_STR(whole, "abc");
	CHECK_STR(printed, "x-7");
}
