/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check.h"

/* A directory of the test's own, removed at the end. */
static int scratch(char path[32])
{
	struct error err = { 0 };

	strcpy(path, "/tmp/nodekiln-test.XXXXXX");
	return mkdtemp(path) ? dir_open(AT_FDCWD, path, &err) : -1;
}

#define SCRATCH()                                                                                                      \
	char path[32];                                                                                                 \
	CLEANUP(close_p) int root = scratch(path);                                                                     \
	struct error err = { 0 };                                                                                      \
	CHECK(root >= 0)
#define SCRATCH_END() CHECK(tree_remove(AT_FDCWD, path, &err) == 0)

TEST(file_write_replaces)
{
	CLEANUP(text_done) struct text t = { 0 };
	SCRATCH();

	CHECK(file_write(root, "a", "one", 3, 0644, &err) == 0);
	CHECK(file_write(root, "a", "two!", 4, 0600, &err) == 0);
	CHECK(file_read(root, "a", 100, &t, &err) == 0);
	CHECK_STR(t.data, "two!");
	SCRATCH_END();
}

TEST(file_read_limit)
{
	CLEANUP(text_done) struct text t = { 0 };
	SCRATCH();

	CHECK(file_write(root, "a", "12345", 5, 0644, &err) == 0);
	CHECK(file_read(root, "a", 4, &t, &err) < 0);
	CHECK(strstr(err.text, "limit of 4 B"));
	SCRATCH_END();
}

TEST(file_open_in_stays_in_the_root)
{
	SCRATCH();

	CHECK(symlinkat("/", root, "up") == 0);
	CHECK(symlinkat("../../../..", root, "dots") == 0);
	CHECK(file_write_in(root, "up/x/y", "1", 1, 0644, &err) == 0);
	CHECK(file_write_in(root, "dots/z", "1", 1, 0644, &err) == 0);
	CHECK(file_write_in(root, "/abs", "1", 1, 0644, &err) == 0);
	CHECK(file_exists_in(root, "x/y"));
	CHECK(file_exists_in(root, "z"));
	CHECK(file_exists_in(root, "abs"));
	CHECK(faccessat(root, "x/y", F_OK, 0) == 0);
	SCRATCH_END();
}

TEST(file_write_in_replaces_a_symlink)
{
	CLEANUP(text_done) struct text t = { 0 };
	SCRATCH();

	CHECK(file_write_in(root, "target", "old", 3, 0644, &err) == 0);
	CHECK(symlinkat("target", root, "link") == 0);
	CHECK(file_write_in(root, "link", "new", 3, 0644, &err) == 0);
	CHECK(file_read_in(root, "target", 100, &t, &err) == 0);
	CHECK_STR(t.data, "old");
	SCRATCH_END();
}

TEST(dir_make_creates_parents)
{
	SCRATCH();

	CHECK(dir_make(root, "a/b/c", 0755, &err) == 0);
	CHECK(dir_make(root, "a/b/c", 0755, &err) == 0);
	CHECK(dir_make_in(root, "/a/d/e", 0755, &err) == 0);
	CHECK(faccessat(root, "a/b/c", F_OK, 0) == 0);
	CHECK(faccessat(root, "a/d/e", F_OK, 0) == 0);
	SCRATCH_END();
}

TEST(tree_remove_follows_no_symlinks)
{
	SCRATCH();

	CHECK(dir_make(root, "keep", 0755, &err) == 0);
	CHECK(dir_make(root, "gone/deep", 0755, &err) == 0);
	CHECK(symlinkat("../keep", root, "gone/link") == 0);
	CHECK(tree_remove(root, "gone", &err) == 0);
	CHECK(tree_remove(root, "gone", &err) == 0);
	CHECK(faccessat(root, "keep", F_OK, 0) == 0);
	CHECK(faccessat(root, "gone", F_OK, 0) < 0 && errno == ENOENT);
	SCRATCH_END();
}

TEST(tree_size_follows_no_symlinks)
{
	uint64_t bytes = 5;
	SCRATCH();

	CHECK(dir_make(root, "tree/deep", 0755, &err) == 0);
	CHECK(file_write(root, "tree/one", "12345", 5, 0644, &err) == 0);
	CHECK(file_write(root, "tree/deep/two", "1234567", 7, 0644, &err) == 0);
	CHECK(symlinkat("one", root, "tree/link") == 0);
	CHECK(symlinkat("/", root, "tree/deep/root") == 0);
	CHECK(tree_size(root, "tree", &bytes, &err) == 0 && bytes == 5 + 12);
	CHECK(tree_size(root, "none", &bytes, &err) < 0);
	SCRATCH_END();
}
