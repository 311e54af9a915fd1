/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_exposed.h"
#include "lib/process.h"
#include "tests/unit/fake_root.h"

static bool exposed(const char *path, const char *name)
{
	CLEANUP(free_p) char *file = xasprintf("%s/%s", path, name);

	return seed_is_exposed(file);
}

TEST(seed_exposed_without_a_work_tree)
{
	FAKE_ROOT();
	CHECK(!exposed(path, "lab.secrets"));
	FAKE_ROOT_END();
}

TEST(seed_exposed_unless_git_ignores_it)
{
	if (!process_exists("git"))
		SKIP("needs git");
	FAKE_ROOT();
	CLEANUP(text_done) struct text out = { 0 };
	char *init[] = { (char *)"git", (char *)"init", (char *)"-q", path, NULL };
	CHECK(process_capture(init, &out, &err) == 0);
	fake_put(path, "/deep/er/file", "");
	CHECK(exposed(path, "lab.secrets") && exposed(path, "deep/er/lab.secrets"));
	fake_put(path, "/.gitignore", "*.secrets\n");
	CHECK(!exposed(path, "lab.secrets") && !exposed(path, "deep/er/lab.secrets"));
	CHECK(exposed(path, "lab.yaml"));
	FAKE_ROOT_END();
}

/* What looks like a work tree but is none that git reads. */
TEST(seed_exposed_where_git_cannot_tell)
{
	FAKE_ROOT();
	fake_put(path, "/.git", "gitdir: /nonexistent\n");
	CHECK(exposed(path, "lab.secrets"));
	FAKE_ROOT_END();
}
