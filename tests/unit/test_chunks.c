/* SPDX-License-Identifier: Apache-2.0 */
/* Content that is compressed once: whatever is made of a tree has the same bytes with and without its chunks. */
#include <sys/mman.h>
#include <unistd.h>

#include "builder/archive/chunks.h"
#include "builder/archive/tarball.h"
#include "builder/disk/ext4.h"
#include "builder/disk/qcow2.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define LEVEL 3
#define DISK (64u << 20)
#define START (1u << 20)

struct tree {
	char path[64];
	int fd;
};

static void put(const struct tree *t, const char *name, size_t len, bool zero)
{
	CLEANUP(close_p) int fd = openat(t->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CLEANUP(free_p) char *bytes = xcalloc(len + 1, 1);
	uint32_t state = (uint32_t)len;

	for (size_t i = 0; i < len && !zero; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = "chunk of it"[state >> 28 & 7];
	}
	if (fd < 0 || write_all(fd, bytes, len) < 0)
		abort();
}

static void tree_open(struct tree *t)
{
	snprintf(t->path, sizeof t->path, "/tmp/test_chunks.XXXXXX");
	if (!mkdtemp(t->path))
		abort();
	t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(t->fd, "d", 0755);
	put(t, "small", 1000, false);
	put(t, "large", 300000, false);
	put(t, "d/even", 2 * CHUNK, false);
	put(t, "d/zero", 3 * CHUNK + 5, true);
	put(t, "d/many", 2000000, false);
	put(t, "d/one", CHUNK + 1, false);
	usleep(120000); /* until they are settled */
}

static void tree_done(struct tree *t)
{
	struct error err = { 0 };

	close_p(&t->fd);
	if (tree_remove(AT_FDCWD, t->path, &err) < 0)
		abort();
}

static struct chunks *chunks_of(const struct tree *t, struct error *err)
{
	CLEANUP(close_p) int fd = memfd_create("chunks", MFD_CLOEXEC);
	struct chunks *chunks = NULL;

	return chunks_make(t->path, LEVEL, fd, err) < 0 || chunks_open(fd, &chunks, err) < 0 ? NULL : chunks;
}

static bool same(int a, int b)
{
	CLEANUP(text_done) struct text x = { 0 }, y = { 0 };
	CLEANUP(free_p) char *one = xasprintf("/proc/self/fd/%d", a), *two = xasprintf("/proc/self/fd/%d", b);
	struct error err = { 0 };

	return file_read(AT_FDCWD, one, 1 << 30, &x, &err) == 0 && file_read(AT_FDCWD, two, 1 << 30, &y, &err) == 0 &&
	       x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
}

static int tarball_of(const struct tree *t, const struct chunks *chunks, struct chunks_index *index, struct error *err)
{
	int fd = memfd_create("tar", MFD_CLOEXEC);
	struct tarball tarball = {
		.rootfd = t->fd, .compression = COMPRESSION_ZSTD, .level = LEVEL, .chunks = chunks, .index = index
	};

	return tarball_write(&tarball, fd, NULL, err) < 0 ? -1 : fd;
}

static int qcow2_of(const struct tree *t, const struct chunks *chunks, size_t *ret_mapped, struct error *err)
{
	CLEANUP(free_p) struct chunks_piece *cluster = xcalloc(DISK / CHUNK, sizeof *cluster);
	CLEANUP(close_p) int raw = memfd_create("raw", MFD_CLOEXEC);
	const struct chunks_map map = { chunks, cluster };
	const struct ext4_make make = { .fd = raw,
					.offset = START,
					.size = DISK - START,
					.uuid = "01234567-89ab-cdef-0123-456789abcdef",
					.hash_seed = "01234567-89ab-cdef-0123-456789abcdef",
					.epoch = 1700000000,
					.map = &map };
	const struct qcow2_options options = { .compression = COMPRESSION_ZSTD, .level = LEVEL, .map = &map };
	int out = memfd_create("qcow2", MFD_CLOEXEC);

	if (ftruncate(raw, DISK) < 0 || ext4_write(&make, t->path, err) < 0 || qcow2_write(raw, out, &options, err) < 0)
		return -1;
	for (size_t i = 0; i < DISK / CHUNK; i++)
		*ret_mapped += cluster[i].len != 0;
	return out;
}

TEST(chunks_tarball_same_with_and_without)
{
	CLEANUP(tree_done) struct tree t;
	struct error err = { 0 };

	tree_open(&t);
	CLEANUP(chunks_close_p) struct chunks *chunks = chunks_of(&t, &err);
	CHECK(chunks);
	CLEANUP(close_p) int with = tarball_of(&t, chunks, NULL, &err), without = tarball_of(&t, NULL, NULL, &err);
	CHECK(with >= 0 && without >= 0 && same(with, without));
}

TEST(chunks_disk_same_with_and_without)
{
	CLEANUP(tree_done) struct tree t;
	struct error err = { 0 };
	size_t mapped = 0, none = 0;

	tree_open(&t);
	CLEANUP(chunks_close_p) struct chunks *chunks = chunks_of(&t, &err);
	CLEANUP(close_p) int with = qcow2_of(&t, chunks, &mapped, &err), without = qcow2_of(&t, NULL, &none, &err);
	CHECK(with >= 0 && without >= 0 && same(with, without));
	/* 4 of large, 2 of even, 30 of many, 1 of one. */
	CHECK(mapped == 37 && none == 0);
}

TEST(chunks_of_a_layer)
{
	CLEANUP(tree_done) struct tree t, loaded;
	CLEANUP(chunks_index_done) struct chunks_index index = { .level = LEVEL };
	CLEANUP(chunks_close_p) struct chunks *chunks = NULL;
	struct error err = { 0 };
	size_t mapped = 0, none = 0;

	tree_open(&t);
	tree_open(&loaded);
	CLEANUP(close_p) int layer = tarball_of(&t, NULL, &index, &err);
	CHECK(layer >= 0 && chunks_index_write(&index, layer, &err) == 0 && lseek(layer, 0, SEEK_SET) == 0);
	CHECK(tarball_unpack(layer, "layer", loaded.fd, &err) == 0);
	CHECK(chunks_open(layer, &chunks, &err) == 0 && chunks_level(chunks) == LEVEL);
	chunks_locate(chunks, loaded.fd);
	CLEANUP(close_p) int with = qcow2_of(&loaded, chunks, &mapped, &err), without = qcow2_of(&t, NULL, &none, &err);
	CHECK(same(with, without) && mapped == 37);
}

/* A file that changed meanwhile has its own bytes in everything. */
TEST(chunks_find_ignores_changed_files)
{
	CLEANUP(tree_done) struct tree t;
	struct error err = { 0 };
	struct stat st;

	tree_open(&t);
	CLEANUP(chunks_close_p) struct chunks *chunks = chunks_of(&t, &err);
	CHECK(fstatat(t.fd, "large", &st, 0) == 0 && chunks_find(chunks, &st));
	CHECK(fstatat(t.fd, "small", &st, 0) == 0 && !chunks_find(chunks, &st));
	put(&t, "large", 300000, true);
	CHECK(fstatat(t.fd, "large", &st, 0) == 0 && !chunks_find(chunks, &st));
}

TEST(chunks_open_refuses_damaged_index)
{
	CLEANUP(tree_done) struct tree t;
	CLEANUP(close_p) int fd = memfd_create("chunks", MFD_CLOEXEC);
	struct error err = { 0 };
	off_t size;

	tree_open(&t);
	CHECK(chunks_make(t.path, LEVEL, fd, &err) == 0);
	size = lseek(fd, 0, SEEK_END);
	/* Its last 40 bytes are the trailer: every one of them made wrong is noticed, except for the level's. */
	for (off_t i = 1; i <= 40; i++) {
		CLEANUP(chunks_close_p) struct chunks *chunks = NULL;
		unsigned char byte;
		bool level = i > 8 && i <= 16;
		CHECK(pread_all(fd, &byte, 1, size - i) == 0);
		byte ^= 0x80;
		CHECK(pwrite_all(fd, &byte, 1, size - i) == 0);
		CHECK((chunks_open(fd, &chunks, &err) < 0) != level);
		byte ^= 0x80;
		CHECK(pwrite_all(fd, &byte, 1, size - i) == 0);
	}
	CHECK(ftruncate(fd, 3) == 0);
	CLEANUP(chunks_close_p) struct chunks *chunks = NULL;
	CHECK(chunks_open(fd, &chunks, &err) < 0);
}
