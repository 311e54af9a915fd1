/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/input.h"

#include <errno.h>
#include <string.h>

#include "lib/file.h"

static int open_file(const char *path, struct error *err)
{
	CLEANUP(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "open %s", path);
	if (S_ISDIR(st.st_mode))
		return error_set(err, ERROR_INPUT, "%s is a directory; name a file", path);
	return TAKE_FD(fd);
}

int input_open(const char *path, struct error *err)
{
	int fd = open_file(path, err);

	if (fd < 0)
		err->class = ERROR_INPUT;
	return fd;
}

static void drop_mark(struct text *text)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t n = sizeof mark - 1;

	if (text->len < n || memcmp(text->data, mark, n) != 0)
		return;
	text->len -= n;
	memmove(text->data, text->data + n, text->len + 1);
}

int input_read(const char *path, size_t limit, struct text *ret, struct error *err)
{
	CLEANUP(close_p) int fd = input_open(path, err);

	if (fd < 0 || file_read_fd(fd, path, limit, ret, err) < 0) {
		err->class = ERROR_INPUT;
		return -1;
	}
	drop_mark(ret);
	return 0;
}
