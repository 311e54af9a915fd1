/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "builder/sandbox/sandbox_orphans.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/job.h"
#include "lib/process.h"
#include "tests/unit/check.h"

static void note(void *text, const char *program, const char *value)
{
	text_addf(text, "%s of %s\n", program ? program : "?", value ? value : "?");
}

/* Runs the shell's commands, then looks for what they left; the error's text is what was found. In a job of its own, since all
 * children are killed. */
static int look(void *commands, struct error *err)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", commands, NULL };
	CLEANUP(text_done) struct text found = { 0 };

	if (sandbox_orphans_inherit(err) < 0 || process_run(&(struct process){ .argv = argv }, err) < 0)
		return -1;
	sandbox_orphans_kill("OWNER", note, &found);
	return error_set(err, ERROR_FAILED, "%s", found.len ? found.data : "none");
}

static void find(const char *commands, struct error *ret)
{
	CLEANUP(job_stop) struct job job = { 0 };

	*ret = (struct error){ 0 };
	if (job_start(&job, look, (void *)commands, ret) < 0 || job_wait(&job, ret) == 0)
		abort();
}

TEST(sandbox_orphans_are_named)
{
	struct error err;

	find("OWNER=first sleep 600 & (OWNER=second setsid sleep 600 &); exit 0", &err);
	CHECK(strstr(err.text, "sleep of first") && strstr(err.text, "sleep of second"));
	find("exec env -i sleep 600 & exit 0", &err);
	CHECK(text_starts(err.text, "sleep of ?"));
}

/* As of any user. */
TEST(sandbox_orphans_of_another_user)
{
	struct error err;

	if (geteuid() != 0 || !process_exists("setpriv"))
		SKIP("needs root and setpriv");
	find("OWNER=third setpriv --reuid=65534 --regid=65534 --clear-groups sleep 600 & exit 0", &err);
	CHECK(text_starts(err.text, "sleep of third"));
}

TEST(sandbox_orphans_that_end_are_not_told)
{
	struct error err;

	find("exit 0", &err);
	CHECK_STR(err.text, "none");
	find("OWNER=short sleep 0.05 & exit 0", &err);
	CHECK_STR(err.text, "none");
}

/* Children of what is killed are found, too. */
TEST(sandbox_orphans_are_killed_to_the_last)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(path);
	CLEANUP(text_done) struct text pids = { 0 };
	struct error err;
	int n = 0;

	CLEANUP(free_p)
	char *commands =
		xasprintf("(trap '' TERM HUP; (sleep 600 & echo $! >>%s; wait) & echo $! >>%s; wait) & exec sleep 0.5",
			  path, path);
	find(commands, &err);
	CHECK(fd >= 0 && file_read_fd(fd, path, 1024, &pids, &err) == 0 && unlink(path) == 0);
	for (char *at = pids.data, *end; at && strtol(at, &end, 10) > 0; at = end, n++)
		CHECK(kill((pid_t)strtol(at, NULL, 10), 0) < 0 && errno == ESRCH);
	CHECK(n == 2);
}
