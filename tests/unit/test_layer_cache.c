/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>
#include <unistd.h>

#include "builder/tree/layer_cache.h"
#include "tests/unit/own_cache.h"

#define OLD 1000000000 /* a file's mtime: that of its package */
#define STARTED 1700000000
#define BIG (CHUNK * 3 + 5)

/* A tree with a large file, one of a package and one that the build made, at TOP/tree. */
static void make_tree(const struct own_cache *w, char ret_path[128])
{
	CLEANUP(text_done) struct text big = { 0 };
	struct error err = { 0 };

	snprintf(ret_path, 128, "%s/tree", w->top);
	if (dir_make(AT_FDCWD, ret_path, 0755, &err) < 0)
		abort();
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, ret_path, &err);
	for (unsigned i = 0; big.len < BIG; i++)
		text_addf(&big, "%u ", i / 7);
	if (file_write_in(fd, "usr/big", big.data, BIG, 0644, &err) < 0 ||
	    file_write_in(fd, "usr/old", "old", 3, 04755, &err) < 0 ||
	    file_write_in(fd, "etc/made", "made", 4, 0600, &err) < 0)
		abort();
	const struct timespec old[2] = { { .tv_sec = OLD }, { .tv_sec = OLD } };
	if (utimensat(fd, "usr/old", old, 0) < 0 || utimensat(fd, "usr/big", old, 0) < 0)
		abort();
}

static char *new_directory(const struct own_cache *w, const char *name)
{
	char *path = xasprintf("%s/%s", w->top, name);

	return mkdir(path, 0755) == 0 ? path : NULL;
}

TEST(layer_cache_load_what_was_saved)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(chunks_close_p) struct chunks *chunks = NULL;
	struct error err = { 0 };
	char tree[128];
	struct stat st;

	CHECK(own_cache_open(&w) == 0);
	make_tree(&w, tree);
	CHECK(layer_cache_save(&w.cache, "key", tree, STARTED, 3, NULL, &err) == 0);
	CLEANUP(free_p) char *copy = new_directory(&w, "copy");
	CHECK(layer_cache_load(&w.cache, "key", copy, &chunks, &err) == 1);
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, copy, &err);
	CHECK(fstatat(fd, "usr/old", &st, 0) == 0 && (st.st_mode & 07777) == 04755 && st.st_mtime == OLD);
	/* What the build made has the date that every artifact replaces. */
	CHECK(fstatat(fd, "etc/made", &st, 0) == 0 && st.st_mtime == INT32_MAX);
	/* The chunks are found by the file that was unpacked. */
	CHECK(fstatat(fd, "usr/big", &st, 0) == 0 && st.st_size == BIG);
	struct chunks_piece piece;
	const struct chunks_file *file = chunks_find(chunks, &st);
	CHECK(chunks_level(chunks) == 3 && file && chunks_get(chunks, file, 2, &piece) && piece.len > 0);
	CHECK(!chunks_get(chunks, file, 3, &piece));
	/* Nothing is left in the scratch directory. */
	CHECK(unlinkat(w.cache.fd, "tmp", AT_REMOVEDIR) == 0);
}

TEST(layer_cache_load_missing)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	CHECK(layer_cache_load(&w.cache, "key", "/nonexistent", NULL, &err) == 0);
	CHECK(layer_cache_save(&w.cache, "key", "/nonexistent", STARTED, 3, NULL, &err) < 0);
	CHECK(!cache_has(&w.cache, "trees", "key.tar.zst"));
}

/* A layer that is damaged, in the archive or in the index, counts as missing and is replaced. */
TEST(layer_cache_replaces_damaged)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(chunks_close_p) struct chunks *chunks = NULL;
	char tree[128];
	struct stat st;

	CHECK(own_cache_open(&w) == 0);
	make_tree(&w, tree);
	for (int part = 0; part < 2; part++) {
		struct error err = { 0 };
		CLEANUP(free_p) char *copy = new_directory(&w, part ? "one" : "two");
		CHECK(tree_remove(w.cache.fd, "trees", &err) == 0 && mkdirat(w.cache.fd, "trees", 0755) == 0);
		CHECK(layer_cache_save(&w.cache, "key", tree, STARTED, 3, NULL, &err) == 0);
		CLEANUP(close_p) int file = openat(w.cache.fd, "trees/key.tar.zst", O_RDWR | O_CLOEXEC);
		CHECK(fstat(file, &st) == 0);
		CHECK(ftruncate(file, part ? st.st_size - 1 : st.st_size / 2) == 0);
		CHECK(layer_cache_load(&w.cache, "key", copy, &chunks, &err) == 0 && !chunks);
		CHECK(layer_cache_save(&w.cache, "key", tree, STARTED, 3, NULL, &err) == 0);
		CHECK(layer_cache_load(&w.cache, "key", copy, &chunks, &err) == 1 && chunks);
		chunks_close_p(&chunks);
		cache_close(&w.cache); /* which has found it good */
		CHECK(cache_open(&w.cache, &err) == 0);
	}
}
