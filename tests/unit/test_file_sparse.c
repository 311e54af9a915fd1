/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check.h"

#define MIB (1 << 20)

static int sparse_file(off_t size, const off_t *bytes, size_t n)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || unlink(path) < 0 || ftruncate(fd, size) < 0)
		abort();
	for (size_t i = 0; i < n; i++)
		if (pwrite(fd, "x", 1, bytes[i]) != 1)
			abort();
	return fd;
}

/* The parts as text: "FROM-END FROM-END", in blocks. */
static void parts(int fd, char text[256])
{
	off_t start, end = 0;
	size_t n = 0;

	*text = '\0';
	while (file_next_data(fd, end, &start, &end) > 0)
		n += (size_t)snprintf(text + n, 256 - n, "%s%g-%g", n ? " " : "", (double)start / FILE_BLOCK,
				      (double)end / FILE_BLOCK);
}

TEST(file_sparse_finds_data)
{
	static const struct {
		off_t size, bytes[3];
		size_t n;
		const char *want;
	} cases[] = {
		{ 0, { 0 }, 0, "" },
		{ MIB, { 0 }, 0, "" },
		{ MIB, { 0 }, 1, "0-1" },
		{ MIB, { MIB - 1 }, 1, "255-256" },
		{ MIB + 1024, { MIB }, 1, "256-256.25" }, /* the last part ends with the file */
		{ MIB, { 1, FILE_BLOCK, 3 * FILE_BLOCK }, 3, "0-2 3-4" },
		{ 64 * MIB, { 5 * MIB + 1, 40 * MIB, 64 * MIB - 1 }, 3, "1280-1281 10240-10241 16383-16384" },
	};
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(close_p) int fd = sparse_file(cases[i].size, cases[i].bytes, cases[i].n);
		parts(fd, text);
		CHECK_STR(text, cases[i].want);
	}
}

/* Zeros that the file system keeps are holes, too: the same content is the same everywhere. */
TEST(file_sparse_is_by_content)
{
	static const char zeros[8 * FILE_BLOCK];
	CLEANUP(close_p) int fd = sparse_file(MIB, (off_t[]){ 9 * FILE_BLOCK }, 1);
	char text[256];

	CHECK(pwrite(fd, zeros, sizeof zeros, 0) == sizeof zeros);
	parts(fd, text);
	CHECK_STR(text, "9-10");
}

/* A run that is longer than what is read at once. */
TEST(file_sparse_joins_runs)
{
	static char bytes[40 * FILE_BLOCK];
	CLEANUP(close_p) int fd = sparse_file(MIB, NULL, 0);
	char text[256];

	memset(bytes, 'x', sizeof bytes);
	CHECK(pwrite(fd, bytes, sizeof bytes, 3 * FILE_BLOCK) == sizeof bytes);
	parts(fd, text);
	CHECK_STR(text, "3-43");
}

TEST(file_sparse_is_copied)
{
	CLEANUP(close_p) int in = sparse_file(64 * MIB + 7, (off_t[]){ 3 * MIB, 64 * MIB + 6 }, 2);
	CLEANUP(close_p) int out = sparse_file(0, NULL, 0);
	struct error err = { 0 };
	struct stat st;

	CHECK(copy_sparse(in, out, &err) == 0 && fstat(out, &st) == 0);
	CHECK(st.st_size == 64 * MIB + 7);
	struct stat from;
	CHECK(fstat(in, &from) == 0 && (!file_is_sparse(&from) || st.st_blocks <= from.st_blocks));
	char *a = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, in, 0),
	     *b = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, out, 0);
	bool same = a != MAP_FAILED && b != MAP_FAILED && !memcmp(a, b, (size_t)st.st_size);
	munmap(a, (size_t)st.st_size), munmap(b, (size_t)st.st_size);
	CHECK(same);
}
