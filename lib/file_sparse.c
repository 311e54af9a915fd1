/* SPDX-License-Identifier: Apache-2.0 */
/* Files with holes: found by content in blocks of one size, so that they do not depend on the file system that a file is on. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"

#define READ_BYTES (16 * FILE_BLOCK)

static bool is_zero(const char *bytes, size_t n)
{
	return !*bytes && !memcmp(bytes, bytes + 1, n - 1);
}

/* The number of bytes at the beginning, in whole blocks or to the end, that are zero or not. */
static size_t run_length(const char *bytes, size_t n, bool zero)
{
	size_t at = 0, block;

	for (; at < n; at += block) {
		block = n - at < FILE_BLOCK ? n - at : FILE_BLOCK;
		if (is_zero(bytes + at, block) != zero)
			break;
	}
	return at;
}

/* The beginning of the block in which the file system has something. */
static off_t skip_hole(int fd, off_t from)
{
	off_t data = lseek(fd, from, SEEK_DATA);

	if (data < 0 && errno != ENXIO)
		data = from; /* it knows no holes */
	return data < 0 ? -1 : data / FILE_BLOCK * FILE_BLOCK;
}

int file_next_data(int fd, off_t from, off_t *ret_start, off_t *ret_end)
{
	char bytes[READ_BYTES];
	bool found = false;

	for (;;) {
		if (!found && (from = skip_hole(fd, from)) < 0)
			return 0;
		ssize_t n = pread(fd, bytes, sizeof bytes, from);
		if (n <= 0)
			return n < 0 ? -1 : found;
		size_t skip = found ? 0 : run_length(bytes, (size_t)n, true);
		if (!found && skip < (size_t)n)
			found = true, *ret_start = from + (off_t)skip;
		size_t data = run_length(bytes + skip, (size_t)n - skip, false);
		if (found)
			*ret_end = from + (off_t)(skip + data);
		if (found && skip + data < (size_t)n)
			return 1;
		from += n;
	}
}

static int copy_part(int in, int out, off_t from, off_t end)
{
	char bytes[READ_BYTES];

	for (size_t n; from < end; from += (off_t)n) {
		n = end - from < (off_t)sizeof bytes ? (size_t)(end - from) : sizeof bytes;
		if (pread_all(in, bytes, n, from) < 0 || pwrite_all(out, bytes, n, from) < 0)
			return -1;
	}
	return 0;
}

bool file_is_sparse(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_blocks * 512 < st->st_size;
}

int copy_sparse(int in, int out, struct error *err)
{
	struct stat st;
	off_t start, end = 0;
	int rc;

	if (fstat(in, &st) < 0)
		return error_errno(err, errno, "look at a file");
	if (!file_is_sparse(&st))
		return copy_all(in, out, err);
	while ((rc = file_next_data(in, end, &start, &end)) > 0)
		if (copy_part(in, out, start, end) < 0)
			return error_errno(err, errno, "copy a sparse file");
	return rc < 0 || ftruncate(out, st.st_size) < 0 ? error_errno(err, errno, "copy a sparse file") : 0;
}
