/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/log.h"
#include "lib/macro.h"
#include "tests/unit/check.h"

static void before(void)
{
	if (write_all(STDERR_FILENO, "<", 1) < 0)
		abort();
}

static void after(void)
{
	if (write_all(STDERR_FILENO, ">", 1) < 0)
		abort();
}

static void log_each(void)
{
	log_debug("d%d", 1);
	log_info("i%d", 2);
	log_warning("w%d", 3);
	log_error("e%d", 4);
}

/* What log() writes to stderr, into ret. */
static void capture(void (*log)(void), struct text *ret)
{
	int saved = dup(STDERR_FILENO), fd = memfd_create("stderr", MFD_CLOEXEC);
	char buffer[512];

	dup2(fd, STDERR_FILENO);
	log();
	dup2(saved, STDERR_FILENO);
	close(saved);
	ssize_t n = pread(fd, buffer, sizeof buffer, 0);
	text_addn(ret, buffer, n > 0 ? (size_t)n : 0);
	close(fd);
}

TEST(log_levels)
{
	CLEANUP(text_done) struct text quiet = { 0 }, verbose = { 0 };

	CHECK(!log_verbose());
	capture(log_each, &quiet);
	CHECK_STR(quiet.data, "i2\nwarning: w3\nerror: e4\n");
	log_set_verbose(true);
	CHECK(log_verbose());
	capture(log_each, &verbose);
	log_set_verbose(false);
	CHECK_STR(verbose.data, "debug: d1\ni2\nwarning: w3\nerror: e4\n");
}

TEST(log_hooks_surround_lines)
{
	CLEANUP(text_done) struct text t = { 0 };

	log_set_hooks(before, after);
	capture(log_each, &t);
	log_set_hooks(NULL, NULL);
	CHECK_STR(t.data, "<i2\n><warning: w3\n><error: e4\n>");
}

static int kept_errno;

static void log_without_stderr(void)
{
	close(STDERR_FILENO);
	errno = EXDEV;
	log_error("lost");
	kept_errno = errno;
}

TEST(log_keeps_errno)
{
	CLEANUP(text_done) struct text t = { 0 };

	capture(log_without_stderr, &t);
	CHECK(t.len == 0 && kept_errno == EXDEV);
}
