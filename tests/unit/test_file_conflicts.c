/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "builder/tree/file_conflicts.h"
#include "tests/unit/check.h"

static bool add(struct file_conflicts *c, const char *path, unsigned owner, mode_t mode)
{
	return file_conflicts_add(c, path, owner, &(struct tar_entry){ .mode = mode });
}

TEST(file_conflicts_first_owner_wins)
{
	CLEANUP(file_conflicts_free_p) struct file_conflicts *c = file_conflicts_new();
	const struct file_conflict *found;

	CHECK(add(c, "usr/b", 2, S_IFREG) && add(c, "usr/a", 1, S_IFREG));
	CHECK(!add(c, "usr/b", 3, S_IFREG) && !add(c, "usr/a", 7, S_IFLNK) && !add(c, "usr/a", 5, S_IFREG));
	CHECK(!add(c, "usr/a", 6, S_IFDIR));
	CHECK(file_conflicts_find(c, &found) == 4);
	/* by path, then by rival */
	CHECK_STR(found[0].path, "usr/a");
	CHECK(found[0].owner == 1 && found[0].rival == 5 && !found[0].kinds_differ);
	CHECK(found[1].rival == 6 && found[1].kinds_differ && found[2].rival == 7);
	CHECK_STR(found[3].path, "usr/b");
	CHECK(found[3].owner == 2 && found[3].rival == 3);
}

TEST(file_conflicts_path_twice_in_a_package)
{
	CLEANUP(file_conflicts_free_p) struct file_conflicts *c = file_conflicts_new();
	const struct file_conflict *found;

	CHECK(add(c, "x", 4, S_IFREG) && add(c, "x", 4, S_IFLNK));
	CHECK(file_conflicts_find(c, &found) == 0);
	CHECK(!add(c, "x", 4, S_IFDIR));
	CHECK(file_conflicts_find(c, &found) == 1 && found[0].kinds_differ);
}

/* So many that the table grows. */
#define PATHS 40000

struct tally {
	unsigned directories;
	uint64_t wrong;
};

static int count_directory(void *context, const struct file_conflicts_entry *entry, struct error *err UNUSED)
{
	struct tally *t = context;
	unsigned number = (unsigned)strtoul(entry->path, NULL, 10);

	t->directories++;
	t->wrong += number % 2 != 0 || entry->owner != number % 5 || entry->stamp.mode != (S_IFDIR | number % 5);
	return 0;
}

TEST(file_conflicts_lowest_number_defines_directory)
{
	CLEANUP(file_conflicts_free_p) struct file_conflicts *c = file_conflicts_new();
	const struct file_conflict *found;
	struct tally tally = { 0 };
	struct error err = { 0 };

	for (int round = 0; round < 3; round++)
		for (unsigned i = 0; i < PATHS; i++) {
			CLEANUP(free_p) char *path = xasprintf("%u", i);
			unsigned owner = i % 5 + (round == 1 ? 0 : 9 + (unsigned)round);
			if (i % 2 == 0)
				CHECK(add(c, path, owner, S_IFDIR | owner));
			else if (round == 0)
				CHECK(add(c, path, owner, S_IFREG));
		}
	CHECK(file_conflicts_each_directory(c, count_directory, &tally, &err) == 0);
	CHECK(tally.directories == PATHS / 2 && tally.wrong == 0);
	CHECK(file_conflicts_find(c, &found) == 0);
}

static int refuse(void *context UNUSED, const struct file_conflicts_entry *entry, struct error *err)
{
	return error_set(err, ERROR_FAILED, "no %s", entry->path);
}

TEST(file_conflicts_visit_can_fail)
{
	CLEANUP(file_conflicts_free_p) struct file_conflicts *c = file_conflicts_new();
	struct error err = { 0 };

	CHECK(add(c, "file", 1, S_IFREG));
	CHECK(file_conflicts_each_directory(c, refuse, NULL, &err) == 0);
	CHECK(add(c, "dir", 1, S_IFDIR));
	CHECK(file_conflicts_each_directory(c, refuse, NULL, &err) < 0);
	CHECK_STR(err.text, "no dir");
}
