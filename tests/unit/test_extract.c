/* SPDX-License-Identifier: Apache-2.0 */
/* Extracting single members. This program has its own futimens(2), which fails on demand. */
#include "builder/archive/extract.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check.h"

#define TIME 1000

static bool times_fail;

int futimens(int fd, const struct timespec times[2])
{
	if (!times_fail)
		return (int)syscall(SYS_utimensat, fd, NULL, times, 0);
	errno = EIO;
	return -1;
}

struct fixture {
	char path[64];
	int root;
	struct extract x;
};

static void fixture_open(struct fixture *f)
{
	struct error err = { 0 };

	times_fail = false;
	strcpy(f->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(f->path))
		abort();
	f->root = dir_open(AT_FDCWD, f->path, &err);
	f->x = (struct extract){ .rootfd = f->root, .parentfd = -1 };
}

static void fixture_done(struct fixture *f)
{
	struct error err = { 0 };

	extract_done(&f->x);
	close_p(&f->root);
	if (tree_remove(AT_FDCWD, f->path, &err) < 0)
		printf("# %s\n", err.text);
}

static struct tar_entry entry(mode_t mode)
{
	return (struct tar_entry){ .mode = mode, .uid = getuid(), .gid = getgid(), .mtime = TIME };
}

TEST(extract_path_normalizes)
{
	static const char *const paths[][2] = {
		{ "./usr/bin/", "usr/bin" },
		{ "./", "" },
		{ "", "" },
		{ "a//b/./c", "a/b/c" },
		{ "..a/b..", "..a/b.." },
		{ ".hidden", ".hidden" },
		{ "...", "..." },
	};
	char got[TAR_PATH_MAX + 1];
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		CHECK(extract_path(paths[i][0], got, &err) == 0);
		CHECK_STR(got, paths[i][1]);
	}
}

TEST(extract_path_refuses_names)
{
	char got[TAR_PATH_MAX + 1], *name = xmalloc(TAR_PATH_MAX + 3);
	struct error err = { 0 };

	CHECK(extract_path("/etc", got, &err) < 0 && extract_path("a/../b", got, &err) < 0);
	CHECK(extract_path("..", got, &err) < 0);
	memset(name, 'x', TAR_PATH_MAX + 2);
	name[TAR_PATH_MAX] = '\0';
	CHECK(extract_path(name, got, &err) < 0);
	CHECK(strstr(err.text, "longer than the limit of 4095 bytes"));
	name[TAR_PATH_MAX - 1] = '\0';
	CHECK(extract_path(name, got, &err) == 0);
	free(name);
}

/* The time of a directory is that of its member, although another member is put into it. */
TEST(extract_finish_sets_times_of_directories)
{
	CLEANUP(fixture_done) struct fixture f;
	struct tar_entry dir = entry(S_IFDIR | 0750), link = entry(S_IFLNK | 0777);
	struct error err = { 0 };
	struct stat st;

	fixture_open(&f);
	link.target = "nowhere";
	CHECK(extract_entry(&f.x, NULL, &dir, "dir", NULL, &err) == 0);
	CHECK(extract_entry(&f.x, NULL, &link, "dir/link", NULL, &err) == 0);
	CHECK(fstatat(f.root, "dir", &st, 0) == 0 && st.st_mtime != TIME);
	CHECK(extract_finish(&f.x, &err) == 0);
	CHECK(fstatat(f.root, "dir", &st, 0) == 0 && st.st_mtime == TIME && (st.st_mode & 07777) == 0750);
	CHECK(fstatat(f.root, "dir/link", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime == TIME);
}

TEST(extract_finish_reports_a_failure)
{
	CLEANUP(fixture_done) struct fixture f;
	struct tar_entry dir = entry(S_IFDIR | 0755);
	struct error err = { 0 };

	fixture_open(&f);
	CHECK(extract_entry(&f.x, NULL, &dir, "dir", NULL, &err) == 0);
	times_fail = true;
	CHECK(extract_finish(&f.x, &err) < 0);
	CHECK_STR(err.text, "set the time of dir: Input/output error");
	CHECK(extract_stamp(&f.x, "dir", &dir, &err) < 0);
}

TEST(extract_directory_keeps_a_link_to_a_directory)
{
	CLEANUP(fixture_done) struct fixture f;
	struct tar_entry dir = entry(S_IFDIR | 0700);
	struct error err = { 0 };
	struct stat st;

	fixture_open(&f);
	CHECK(mkdirat(f.root, "usr", 0755) == 0 && symlinkat("usr", f.root, "lib") == 0);
	CHECK(symlinkat("nowhere", f.root, "dangling") == 0);
	CHECK(extract_directory(&f.x, "", &err) == 0);
	CHECK(extract_entry(&f.x, NULL, &dir, "lib", NULL, &err) == 0 && extract_finish(&f.x, &err) == 0);
	CHECK(fstatat(f.root, "lib", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode));
	CHECK(fstatat(f.root, "usr", &st, 0) == 0 && (st.st_mode & 07777) == 0755);
	CHECK(extract_directory(&f.x, "lib/deep/er", &err) == 0 && faccessat(f.root, "usr/deep/er", F_OK, 0) == 0);
	CHECK(extract_directory(&f.x, "dangling", &err) < 0);
	CHECK(strstr(err.text, "use dangling as a directory"));
}

TEST(extract_entry_makes_special_files)
{
	CLEANUP(fixture_done) struct fixture f;
	struct tar_entry pipe = entry(S_IFIFO | 0620), socket = entry(S_IFSOCK | 0600);
	struct error err = { 0 };
	struct stat st;

	fixture_open(&f);
	CHECK(extract_entry(&f.x, NULL, &pipe, "a/pipe", NULL, &err) == 0);
	CHECK(fstatat(f.root, "a/pipe", &st, 0) == 0 && S_ISFIFO(st.st_mode));
	CHECK((st.st_mode & 07777) == 0620 && st.st_mtime == TIME);
	CHECK(extract_entry(&f.x, NULL, &socket, "a/socket", NULL, &err) == 0);
	CHECK(faccessat(f.root, "a/socket", F_OK, 0) < 0);
	struct tar_entry link = entry(S_IFREG | 0644);
	link.original = "missing";
	CHECK(extract_entry(&f.x, NULL, &link, "a/link", NULL, &err) < 0);
	CHECK(strstr(err.text, "link a/link to missing"));
}
