/* SPDX-License-Identifier: Apache-2.0 */
/* Subordinate ids, and what a process may do after rootless_enter(): in jobs, since that happens once. */
#include "builder/sandbox/rootless.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check_job.h"
#include "tests/unit/restricted.h"

TEST(rootless_range_of_user)
{
	static const char text[] =
		"root:1:65536\nkil:5:65536\nkiln2:6:65536\nkiln:100:10\nkiln:200000:65536\n1001:300000:65535\n";
	struct id_range range = { 0 };

	CHECK(rootless_range(text, "kiln", 1000, &range) && range.start == 200000 && range.count == 65536);
	CHECK(rootless_range(text, "other", 1001, &range) && range.start == 300000 && range.count == 65535);
	CHECK(rootless_range(text, NULL, 1001, &range) && range.start == 300000);
	CHECK(!rootless_range(text, "kilnx", 1002, &range));
}

TEST(rootless_range_skips_other_lines)
{
	static const char *const none[] = {
		"",         "kiln",           "kiln:",        "kiln:1",
		"kiln::",   "kiln:0:65536",   "kiln:x:65536", "kiln:100000:65534",
		"kiln:1:y", "# kiln:1:65536",
	};
	struct id_range range;

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		CHECK(!rootless_range(none[i], "kiln", 1000, &range));
}

static int as_root(void *context UNUSED, struct error *err)
{
	if (rootless_enter(err) < 0)
		return -1;
	EXPECT(!rootless() && !rootless_restricted() && rootless_caller() == geteuid());
	EXPECT(rootless_subordinate(err));
	return 0;
}

TEST(rootless_enter_does_nothing_for_root)
{
	if (geteuid() != 0)
		SKIP("needs root");
	CHECK_STR(check_job(as_root, NULL), "");
}

static int restricted(void *context UNUSED, struct error *err)
{
	if (restricted_enter(err) < 0)
		return -1;
	EXPECT(!rootless() && rootless_caller() == 0);
	return 0;
}

TEST(rootless_enter_is_restricted_without_namespaces)
{
	if (geteuid() != 0)
		SKIP("needs root");
	CHECK_STR(check_job(restricted, NULL), "");
}

static int too_few(void *context UNUSED, struct error *err)
{
	unsigned long long dropped = 1ull << CAP_SYS_ADMIN | 1ull << CAP_SETFCAP | 1ull << CAP_MKNOD;

	if (restricted_refuse_namespaces(err) < 0 || restricted_drop(dropped, err) < 0)
		return -1;
	EXPECT(rootless_enter(err) < 0 && err->class == ERROR_HOST && !rootless_restricted());
	return error_set(err, ERROR_FAILED, "%s", strstr(err->text, "for a container:"));
}

TEST(rootless_enter_names_missing_capabilities)
{
	if (geteuid() != 0)
		SKIP("needs root");
	CHECK_STR(check_job(too_few, NULL), "for a container: --cap-add SETFCAP --cap-add MKNOD");
}

/* Root without CAP_SYS_ADMIN maps its own ids. */
static int in_namespace(void *context UNUSED, struct error *err)
{
	CLEANUP(text_done) struct text map = { 0 };
	unsigned inside, outside, count;

	if (restricted_drop(CAP_TO_MASK(CAP_SYS_ADMIN), err) < 0 || rootless_enter(err) < 0)
		return -1;
	if (rootless_restricted())
		return error_set(err, ERROR_FAILED, "no namespaces");
	EXPECT(rootless() && rootless_caller() == 0 && geteuid() == 0);
	int end = 0;
	EXPECT(prctl(PR_GET_PDEATHSIG, &end) == 0 && end == SIGKILL);
	if (file_read(AT_FDCWD, "/proc/self/uid_map", 4096, &map, err) < 0)
		return -1;
	EXPECT(sscanf(map.data, "%u %u %u", &inside, &outside, &count) == 3);
	EXPECT(inside == 0 && outside == 0 && count == ROOTLESS_IDS);
	EXPECT(unshare(CLONE_NEWNS) == 0);
	return 0;
}

TEST(rootless_enter_makes_a_namespace)
{
	if (geteuid() != 0)
		SKIP("needs root");
	const char *got = check_job(in_namespace, NULL);
	if (!strcmp(got, "no namespaces"))
		SKIP("needs user namespaces");
	CHECK_STR(got, "");
}

static int without_ids(void *context UNUSED, struct error *err)
{
	if (geteuid() == 0 && setresuid(4000000, 4000000, 4000000) < 0)
		return error_errno(err, errno, "setresuid");
	EXPECT(!rootless_subordinate(err) && err->class == ERROR_HOST);
	EXPECT(strstr(err->text, "/etc/subuid") && strstr(err->text, "usermod --add-subuids 100000-165535 USER"));
	EXPECT(rootless_enter(err) < 0 && err->class == ERROR_HOST && !rootless());
	return 0;
}

TEST(rootless_enter_names_missing_subordinate_ids)
{
	if (geteuid() != 0)
		SKIP("needs root, to become a user without subordinate ids");
	CHECK_STR(check_job(without_ids, NULL), "");
}
