/* SPDX-License-Identifier: Apache-2.0 */
/* The journal as text, and its steps forward and back. test_artifacts kills them everywhere. */
#include "builder/artifacts/rename_journal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check.h"

TEST(rename_journal_print_and_parse)
{
	CLEANUP(rename_journal_done) struct rename_journal j = { 0 }, back = { 0 };
	CLEANUP(text_done) struct text first = { 0 }, second = { 0 };
	struct error err = { 0 };
	char hex[65];

	memset(hex, 'a', 64);
	hex[64] = '\0';
	rename_journal_add(&j, RENAME_JOURNAL_ADD, hex, "a.qcow2");
	rename_journal_add(&j, RENAME_JOURNAL_REPLACE, hex, "a name.tar.zst");
	rename_journal_add(&j, RENAME_JOURNAL_RETIRE, "", "a.tar");
	rename_journal_print(&j, &first);
	CHECK(rename_journal_parse(first.data, &back, &err) == 0);
	rename_journal_print(&back, &second);
	CHECK_STR(second.data, first.data);
}

TEST(rename_journal_parse_refuses_damage)
{
	static const char *const broken[] = {
		"add",
		"add x",
		"add - a.qcow2",
		"move - a.qcow2",
		"retire - ../a",
		"retire - ",
		"retire - .hidden",
		"add aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa a.qcow2",
	};
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		CLEANUP(rename_journal_done) struct rename_journal j = { 0 };
		CHECK(rename_journal_parse(broken[i], &j, &err) < 0);
	}
}

/* A directory with a staging directory in it. */
struct fixture {
	char path[64];
	int dir, stage;
};

static void put(int dirfd, const char *name, const char *content)
{
	struct error err = { 0 };

	if (file_write(dirfd, name, content, strlen(content), 0644, &err) < 0)
		abort();
}

static void fixture_open(struct fixture *f)
{
	struct error err = { 0 };

	strcpy(f->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(f->path))
		abort();
	f->dir = dir_open(AT_FDCWD, f->path, &err);
	if (dir_make(f->dir, "stage", 0755, &err) < 0)
		abort();
	f->stage = dir_open(f->dir, "stage", &err);
	put(f->dir, "replaced", "old");
	put(f->dir, "retired", "old");
	put(f->stage, "added", "new");
	put(f->stage, "replaced", "new");
}

static void fixture_done(struct fixture *f)
{
	struct error err = { 0 };

	close_p(&f->dir);
	close_p(&f->stage);
	if (tree_remove(AT_FDCWD, f->path, &err) < 0)
		printf("# %s\n", err.text);
}

static bool has(int dirfd, const char *name, const char *content)
{
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	if (!content)
		return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	return file_read(dirfd, name, 100, &t, &err) == 0 && !strcmp(t.data, content);
}

static bool is_old(const struct fixture *f)
{
	return has(f->dir, "added", NULL) && has(f->dir, "replaced", "old") && has(f->dir, "retired", "old");
}

static bool is_new(const struct fixture *f)
{
	return has(f->dir, "added", "new") && has(f->dir, "replaced", "new") && has(f->dir, "retired", NULL);
}

static struct rename_journal journal(void)
{
	struct rename_journal j = { 0 };

	rename_journal_add(&j, RENAME_JOURNAL_ADD, "", "added");
	rename_journal_add(&j, RENAME_JOURNAL_REPLACE, "", "replaced");
	rename_journal_add(&j, RENAME_JOURNAL_RETIRE, "", "retired");
	return j;
}

TEST(rename_journal_forward_may_be_repeated)
{
	CLEANUP(rename_journal_done) struct rename_journal j = journal();
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };

	fixture_open(&f);
	CHECK(rename_journal_forward(&j, f.dir, f.stage, &err) == 0 && is_new(&f));
	CHECK(rename_journal_forward(&j, f.dir, f.stage, &err) == 0 && is_new(&f));
	CHECK(has(f.stage, "old/replaced", "old") && has(f.stage, "old/retired", "old"));
}

TEST(rename_journal_back_reverts_and_may_be_repeated)
{
	CLEANUP(rename_journal_done) struct rename_journal j = journal();
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };

	fixture_open(&f);
	CHECK(rename_journal_back(&j, f.dir, f.stage, &err) == 0 && is_old(&f));
	CHECK(rename_journal_forward(&j, f.dir, f.stage, &err) == 0);
	CHECK(rename_journal_back(&j, f.dir, f.stage, &err) == 0 && is_old(&f));
	CHECK(rename_journal_back(&j, f.dir, f.stage, &err) == 0 && is_old(&f));
}

TEST(rename_journal_errors_name_the_file)
{
	CLEANUP(rename_journal_done) struct rename_journal j = journal();
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };

	fixture_open(&f);
	CHECK(mkdirat(f.dir, "added", 0755) == 0); /* a file cannot replace it */
	CHECK(rename_journal_forward(&j, f.dir, f.stage, &err) < 0);
	CHECK(strstr(err.text, "added"));
	CHECK(unlinkat(f.stage, "added", 0) == 0);
	CHECK(rename_journal_back(&j, f.dir, f.stage, &err) < 0); /* nor is it removed as one */
	CHECK(strstr(err.text, "added"));
}

TEST(rename_journal_parse_limits_steps)
{
	CLEANUP(text_done) struct text t = { 0 };
	CLEANUP(rename_journal_done) struct rename_journal most = { 0 }, more = { 0 };
	struct error err = { 0 };

	for (int i = 0; i < RENAME_JOURNAL_STEPS_MAX; i++)
		text_addf(&t, "retire - %d\n", i);
	CHECK(rename_journal_parse(t.data, &most, &err) == 0 && most.step.n == RENAME_JOURNAL_STEPS_MAX);
	text_add(&t, "retire - more\n");
	CHECK(rename_journal_parse(t.data, &more, &err) < 0);
}
