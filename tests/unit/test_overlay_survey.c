/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "builder/tree/overlay_survey.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "tests/unit/check.h"

struct fixture {
	char path[32];
	int dir; /* owned */
};

static void fixture_open(struct fixture *f)
{
	struct error err = { 0 };

	*f = (struct fixture){ .path = "/tmp/nodekiln-test.XXXXXX" };
	if (!mkdtemp(f->path) || (f->dir = dir_open(AT_FDCWD, f->path, &err)) < 0)
		abort();
}

static void fixture_done(struct fixture *f)
{
	struct error err = { 0 };

	close_p(&f->dir);
	if (tree_remove(AT_FDCWD, f->path, &err) < 0)
		abort();
}

static void put(const struct fixture *f, const char *name, mode_t mode)
{
	struct error err = { 0 };

	if (file_write_in(f->dir, name, name, strlen(name), 0644, &err) < 0 || fchmodat(f->dir, name, mode, 0) < 0)
		abort();
}

static void digest(const struct fixture *f, char hex[SHA256_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	struct error err = { 0 };

	if (overlay_survey_digest(h, f->path, &err) < 0)
		abort();
	hash_hex(h, hex);
}

TEST(overlay_survey_links)
{
	static const struct {
		const char *name, *target;
		bool odd;
	} cases[] = {
		{ "up", "../x", true },
		{ "a/up", "../x", false },
		{ "a/higher", "../../etc/passwd", true },
		{ "a/b/c/deep", "./.././../up", false },
		{ "a/b/c/back", "../../../a/../../x", true },
		{ "to-home", "/home/someuser", true },
		{ "to-tmp", "/tmp/build/x", true },
		{ "to-work", "/work//x", true },
		{ "own", "/a/up", false },
		{ "usr", "/usr/bin/env", false },
		{ "twice", "//usr/bin/env", false },
		{ "root", "/", false },
		{ "null", "/dev/null", false },
		{ "self", ".", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(fixture_done) struct fixture f;
		CLEANUP(strings_done) struct strings odd = { 0 };
		struct error err = { 0 };
		fixture_open(&f);
		CHECK(dir_make(f.dir, "a/b/c", 0755, &err) == 0 &&
		      symlinkat(cases[i].target, f.dir, cases[i].name) == 0);
		CHECK(overlay_survey_odd(f.path, &odd, &err) == 0);
		CHECK(odd.n == cases[i].odd);
		CHECK(!odd.n || (strstr(odd.at[0], cases[i].target) && strstr(odd.at[0], "no guest has")));
	}
}

/* A sentence for each kind, with the first paths. */
TEST(overlay_survey_rights)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(strings_done) struct strings odd = { 0 };
	struct error err = { 0 };

	fixture_open(&f);
	put(&f, "plain", 0755);
	put(&f, "group", 0664); /* depends on the umask at checkout */
	for (const char *const *name = (const char *const[]){ "e", "c", "d", "a", "b", NULL }; *name; name++)
		put(&f, *name, 0666);
	put(&f, "suid", 04755);
	put(&f, "sgid", 02755);
	CHECK(mkdirat(f.dir, "box", 0) == 0 && fchmodat(f.dir, "box", 01777, 0) == 0);
	CHECK(mkdirat(f.dir, "team", 0) == 0 && fchmodat(f.dir, "team", 02775, 0) == 0);
	CHECK(overlay_survey_odd(f.path, &odd, &err) == 0 && odd.n == 2);
	CHECK(text_starts(odd.at[0], "sgid, suid (set-user-ID"));
	CHECK(text_starts(odd.at[1], "a, b, box and 3 more (every user may write"));
}

TEST(overlay_survey_digest_of_nothing_more)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(fixture_done) struct fixture other;
	char one[SHA256_HEX], two[SHA256_HEX];

	fixture_open(&f), fixture_open(&other);
	put(&f, "plain", 0755);
	digest(&f, one), digest(&other, two);
	CHECK_STR(one, two);
}

TEST(overlay_survey_digest_of_links)
{
	CLEANUP(fixture_done) struct fixture f;
	char one[SHA256_HEX], two[SHA256_HEX], three[SHA256_HEX];

	fixture_open(&f);
	put(&f, "a", 0644);
	digest(&f, one);
	CHECK(linkat(f.dir, "a", f.dir, "b", 0) == 0);
	digest(&f, two);
	CHECK(linkat(f.dir, "a", f.dir, "c", 0) == 0);
	digest(&f, three);
	CHECK(strcmp(one, two) && strcmp(two, three));
}

TEST(overlay_survey_digest_of_attributes)
{
	CLEANUP(fixture_done) struct fixture f;
	char one[SHA256_HEX], two[SHA256_HEX], three[SHA256_HEX];

	fixture_open(&f);
	put(&f, "a", 0644);
	CLEANUP(free_p) char *path = xasprintf("%s/a", f.path);
	digest(&f, one);
	if (setxattr(path, "user.note", "1", 1, 0) < 0)
		SKIP("needs extended attributes in /tmp");
	digest(&f, two);
	CHECK(setxattr(path, "user.note", "2", 1, 0) == 0);
	digest(&f, three);
	CHECK(strcmp(one, two) && strcmp(two, three));
}
