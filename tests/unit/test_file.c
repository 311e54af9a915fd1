/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"
#include "tests/unit/check.h"

/* A directory of the test's own, removed at the end. */
static int scratch(char path[32])
{
	struct error err = { 0 };

	strcpy(path, "/tmp/nodekiln-test.XXXXXX");
	return mkdtemp(path) ? dir_open(AT_FDCWD, path, &err) : -1;
}

static int copy_errno; /* of copy_file_range(2); 0 = the system call */

/* Takes the place of libc's function in this program. */
ssize_t copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n, unsigned flags)
{
	ssize_t (*copy)(int, off64_t *, int, off64_t *, size_t, unsigned) = dlsym(RTLD_NEXT, "copy_file_range");

	if (!copy_errno)
		return copy(in, in_offset, out, out_offset, n, flags);
	errno = copy_errno;
	return -1;
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

TEST(file_read_replaces_a_text)
{
	CLEANUP(text_done) struct text t = { 0 };
	SCRATCH();

	text_add(&t, "a text of before");
	CHECK(file_write(root, "a", "now", 3, 0644, &err) == 0);
	CHECK(file_read(root, "a", 3, &t, &err) == 0);
	CHECK_STR(t.data, "now");
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

TEST(dir_make_parent_is_a_directory)
{
	struct error err = { 0 };
	char path[32];
	CLEANUP(close_p) int root = scratch(path);
	CLEANUP(free_p) char *below = xasprintf("%s/a/b/c", path), *file = xasprintf("%s/file", path);
	CLEANUP(free_p)
	char *in_file = xasprintf("%s/x", file), *sentence = xasprintf("write %s: Not a directory", in_file);

	CHECK(dir_make_parent(below, 0755, &err) == 0 && faccessat(root, "a/b", F_OK, 0) == 0);
	CHECK(dir_make_parent(below, 0755, &err) == 0);
	CHECK(file_write(root, "file", "", 0, 0600, &err) == 0 && dir_make_parent(file, 0755, &err) == 0);
	CHECK(dir_make_parent(in_file, 0755, &err) < 0);
	CHECK_STR(err.text, sentence);
	CHECK(dir_make_parent("x", 0755, &err) == 0);
	CHECK(tree_remove(AT_FDCWD, path, &err) == 0);
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

TEST(file_read_reports_what_failed)
{
	CLEANUP(text_done) struct text t = { 0 };
	SCRATCH();

	CHECK(file_read(root, "none", 9, &t, &err) == -1);
	CHECK_STR(err.text, "open none: No such file or directory");
	CHECK(file_read_in(root, "none", 9, &t, &err) == -1);
	CHECK_STR(err.text, "open none: No such file or directory");
	CHECK(file_read(root, ".", 9, &t, &err) == -1);
	CHECK_STR(err.text, "read .: Is a directory");
	CHECK(dir_open(root, "none", &err) == -1);
	CHECK_STR(err.text, "open directory none: No such file or directory");
	CHECK(!file_exists_in(root, "none"));
	SCRATCH_END();
}

TEST(file_write_durable_replaces)
{
	CLEANUP(text_done) struct text t = { 0 };
	SCRATCH();
	CLEANUP(free_p) char *name = xasprintf("%s/a", path), *none = xasprintf("%s/none/a", path);

	CHECK(file_write_durable(name, "one", 3, 0644, &err) == 0);
	CHECK(file_write_durable(name, "two", 3, 0600, &err) == 0);
	CHECK(file_read(root, "a", 9, &t, &err) == 0);
	CHECK_STR(t.data, "two");
	struct stat st;
	CHECK(fstatat(root, "a", &st, 0) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(file_write_durable(none, "x", 1, 0644, &err) == -1);
	SCRATCH_END();
}

/* A write beyond RLIMIT_FSIZE fails as on a full disk, with EFBIG. */
TEST(file_write_error_keeps_the_old_file)
{
	CLEANUP(text_done) struct text t = { 0 };
	struct rlimit old, small;
	SCRATCH();

	CHECK(file_write(root, "a", "old", 3, 0644, &err) == 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 4;
	setrlimit(RLIMIT_FSIZE, &small);
	int rc = file_write(root, "a", "longer", 6, 0644, &err);
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK(rc == -1);
	CHECK_STR(err.text, "write a: File too large");
	CHECK(file_read(root, "a", 9, &t, &err) == 0);
	CHECK_STR(t.data, "old");
	CHECK(unlinkat(root, "a", 0) == 0 && rmdir(path) == 0); /* no temporary file is left */
}

TEST(file_write_in_refuses_directories)
{
	static const char *const names[] = { "", "/", "a/", ".", "a/..", ".." };
	SCRATCH();

	CHECK(file_write_in(root, "file", "x", 1, 0644, &err) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK(file_write_in(root, names[i], "x", 1, 0644, &err) == -1 && strstr(err.text, "Invalid argument"));
	CHECK(file_write_in(root, "file/below", "x", 1, 0644, &err) == -1);
	CHECK(dir_make(root, "file/below", 0755, &err) == -1 && dir_make_in(root, "file/below", 0755, &err) == -1);
	CHECK(dir_make(root, "file/below/deep", 0755, &err) == -1);
	const char *base;
	CHECK(file_open_parent_in(root, "none/x", false, &base) == -1 && errno == ENOENT);
	SCRATCH_END();
}

TEST(file_still_there_notices_a_replacement)
{
	SCRATCH();

	CHECK(file_write(root, "a", "1", 1, 0644, &err) == 0);
	CLEANUP(close_p) int fd = openat(root, "a", O_RDONLY | O_CLOEXEC);
	CHECK(file_still_there(root, "a", fd));
	CHECK(file_write(root, "a", "2", 1, 0644, &err) == 0);
	CHECK(!file_still_there(root, "a", fd));
	CHECK(unlinkat(root, "a", 0) == 0 && !file_still_there(root, "a", fd));
	SCRATCH_END();
}

TEST(file_pread_all_is_exact)
{
	CLEANUP(close_p) int fd = memfd_create("x", MFD_CLOEXEC);
	char buffer[8] = "";

	CHECK(pwrite_all(fd, "01234", 5, 2) == 0);
	CHECK(pread_all(fd, buffer, 5, 2) == 0);
	CHECK_STR(buffer, "01234");
	CHECK(pread_all(fd, buffer, 6, 2) == -1 && errno == ENODATA);
	CHECK(pread_all(-1, buffer, 1, 0) == -1 && errno == EBADF);
	CHECK(pwrite_all(-1, "x", 1, 0) == -1 && write_all(-1, "x", 1) == -1);
	CHECK(file_free_space(fd) > 0 && file_free_space(-1) == UINT64_MAX);
}

TEST(file_copy_all_by_any_way)
{
	static const struct {
		int number; /* of copy_file_range(2) */
		int rc;
		enum error_class class;
	} cases[] = {
		{ 0, 0, 0 }, { EXDEV, 0, 0 }, { ENOSYS, 0, 0 }, { EIO, -1, ERROR_FAILED }, { ENOSPC, -1, ERROR_SPACE }
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(close_p) int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
		struct error err = { 0 };
		char buffer[8] = "";
		CHECK(pwrite_all(in, "01234", 5, 0) == 0);
		copy_errno = cases[i].number;
		int rc = copy_all(in, out, &err);
		copy_errno = 0;
		CHECK(rc == cases[i].rc && err.class == cases[i].class);
		CHECK(rc < 0 || pread_all(out, buffer, 5, 0) == 0);
		CHECK_STR(buffer, rc < 0 ? "" : "01234");
	}
	struct error err = { 0 };
	CLEANUP(close_p) int in = memfd_create("in", MFD_CLOEXEC);
	CHECK(pwrite_all(in, "x", 1, 0) == 0);
	copy_errno = EXDEV;
	CHECK(copy_all(-1, in, &err) == -1);
	CHECK_STR(err.text, "read while copying: Bad file descriptor");
	CHECK(copy_all(in, -1, &err) == -1);
	copy_errno = 0;
	CHECK_STR(err.text, "write while copying: Bad file descriptor");
}

TEST(tree_remove_of_a_file_and_below_a_file)
{
	SCRATCH();

	CHECK(file_write(root, "a", "x", 1, 0644, &err) == 0);
	CHECK(tree_remove(root, "a/b", &err) == -1);
	CHECK_STR(err.text, "look at a/b: Not a directory");
	CHECK(tree_remove(root, "a", &err) == 0 && faccessat(root, "a", F_OK, 0) == -1);
	SCRATCH_END();
}
