/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "builder/cache/digest.h"
#include "lib/file.h"
#include "tests/unit/check.h"

/* A small source tree: a file, an executable, a link. */
static int fill(int root, const char *content, mode_t mode, const char *link)
{
	struct error err = { 0 };

	return file_write_in(root, "a/file", content, strlen(content), 0644, &err) < 0 ||
			       file_write_in(root, "a/run", "x", 1, mode, &err) < 0 ||
			       (unlinkat(root, "a/link", 0), symlinkat(link, root, "a/link")) < 0
		       ? -1
		       : 0;
}

static int digest(const char *path, char hex[SHA256_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	struct error err = { 0 };

	if (digest_directory(h, path, &err) < 0)
		return -1;
	hash_hex(h, hex);
	return 0;
}

TEST(digest_directory_ignores_times)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX", first[SHA256_HEX], again[SHA256_HEX], other[SHA256_HEX];
	struct error err = { 0 };

	CHECK(mkdtemp(path));
	CLEANUP(close_p) int root = dir_open(AT_FDCWD, path, &err);
	CHECK(fill(root, "one", 0755, "file") == 0 && digest(path, first) == 0);
	CHECK(utimensat(root, "a/file", (struct timespec[]){ { 1, 0 }, { 1, 0 } }, 0) == 0);
	CHECK(digest(path, again) == 0);
	CHECK_STR(again, first);
	CHECK(fill(root, "two", 0755, "file") == 0 && digest(path, other) == 0 && strcmp(other, first));
	CHECK(fill(root, "one", 0644, "file") == 0 && digest(path, other) == 0 && strcmp(other, first));
	CHECK(fill(root, "one", 0700, "file") == 0 && digest(path, other) == 0 && strcmp(other, first));
	CHECK(fill(root, "one", 0755, "run") == 0 && digest(path, other) == 0 && strcmp(other, first));
	CHECK(fill(root, "one", 0755, "file") == 0 && digest(path, again) == 0);
	CHECK_STR(again, first);
	CHECK(tree_remove(AT_FDCWD, path, &err) == 0);
}

TEST(digest_directory_refuses_special_files)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX", hex[SHA256_HEX];
	struct error err = { 0 };

	CHECK(mkdtemp(path));
	CLEANUP(close_p) int root = dir_open(AT_FDCWD, path, &err);
	CHECK(mkfifoat(root, "pipe", 0600) == 0);
	CHECK(digest(path, hex) < 0);
	CHECK(tree_remove(AT_FDCWD, path, &err) == 0);
}
