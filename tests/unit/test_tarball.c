/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "builder/archive/tarball.h"
#include "tests/unit/deb_maker.h"

struct trees {
	char path[32];
	int dir, in, out;
};

static void trees_open(struct trees *t)
{
	struct error err = { 0 };

	strcpy(t->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(t->path))
		abort();
	t->dir = dir_open(AT_FDCWD, t->path, &err);
	if (mkdirat(t->dir, "in", 0755) < 0 || mkdirat(t->dir, "out", 0755) < 0)
		abort();
	t->in = dir_open(t->dir, "in", &err);
	t->out = dir_open(t->dir, "out", &err);
}

static void trees_done(struct trees *t)
{
	struct error err = { 0 };

	close_p(&t->in);
	close_p(&t->out);
	close_p(&t->dir);
	if (tree_remove(AT_FDCWD, t->path, &err) < 0)
		printf("# %s\n", err.text);
}

static void put(int root, const char *path, const char *text, mode_t mode)
{
	struct error err = { 0 };

	if (file_write_in(root, path, text, strlen(text), mode, &err) < 0)
		abort();
}

static void date(int root, const char *path, time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds, .tv_nsec = 5 } };

	if (utimensat(root, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		abort();
}

/* A bit of everything. */
static void fill(int root)
{
	put(root, "b/file", "content", 0640);
	put(root, "a", "first name", 04755);
	put(root, "F\xc5\x91tan\xc3\xbas\xc3\xadtv\xc3\xa1ny.crt", "utf-8", 0644);
	put(root, "latin\xe9", "no utf-8", 0644);
	if (linkat(root, "a", root, "b/again", 0) < 0 || symlinkat("../a", root, "b/link") < 0 ||
	    mkdirat(root, "b/closed", 0) < 0 || mkfifoat(root, "pipe", 0600) < 0)
		abort();
	CLEANUP(close_p) int fd = openat(root, "a", O_RDONLY);
	fsetxattr(fd, "user.note", "x\0y", 3, 0); /* a file system without them is fine */
	date(root, "b/file", 1000);
	date(root, "b/closed", 2000);
	date(root, "b", 3000);
}

static int write_to(const struct tarball *t, struct text *ret, struct error *err)
{
	CLEANUP(close_p) int fd = memfd_create("tar", MFD_CLOEXEC);
	char chunk[4096];
	ssize_t n;

	if (tarball_write(t, fd, NULL, err) < 0)
		return -1;
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		text_addn(ret, chunk, (size_t)n);
	return 0;
}

static int unpack_from(const struct text *tar, int root, struct error *err)
{
	CLEANUP(close_p) int fd = memfd_create("tar", MFD_CLOEXEC);

	if (write_all(fd, tar->data, tar->len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return tarball_unpack(fd, "tar", root, err);
}

static const enum compression compressions[] = { COMPRESSION_NONE, COMPRESSION_ZLIB, COMPRESSION_ZSTD };

/* Packed, unpacked and packed again it is the same, so nothing was lost. */
TEST(tarball_round_trip)
{
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++) {
		CLEANUP(trees_done) struct trees t;
		CLEANUP(text_done) struct text first = { 0 }, second = { 0 };
		struct error err = { 0 };
		struct stat a, again;
		trees_open(&t);
		fill(t.in);
		CHECK(write_to(&(struct tarball){ .rootfd = t.in, .compression = compressions[i] }, &first, &err) == 0);
		CHECK(unpack_from(&first, t.out, &err) == 0);
		CHECK(write_to(&(struct tarball){ .rootfd = t.out, .compression = compressions[i] }, &second, &err) ==
		      0);
		CHECK(first.len == second.len && !memcmp(first.data, second.data, first.len));
		CHECK(fstatat(t.out, "a", &a, 0) == 0 && fstatat(t.out, "b/again", &again, 0) == 0);
		CHECK(a.st_ino == again.st_ino && (a.st_mode & 07777) == 04755);
		CHECK(fstatat(t.out, "b", &a, 0) == 0 && a.st_mtime == 3000 && a.st_mtim.tv_nsec == 0);
		CHECK(fstatat(t.out, "latin\xe9", &a, 0) == 0);
	}
}

static void names_of(const struct text *tar, struct strings *ret)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	const struct tar_entry *e;
	struct error err = { 0 };

	if (tar_read_memory(tar->data, tar->len, "tar", &r, &err) < 0)
		abort();
	while (tar_read_next(r, &e, &err) > 0)
		strings_addf(ret, "%s %ld", e->path, (long)e->mtime);
}

TEST(tarball_sorted_and_clamped)
{
	static const char *const leave_out[] = { "b/out", "gone", NULL };
	CLEANUP(trees_done) struct trees t;
	CLEANUP(text_done) struct text tar = { 0 };
	CLEANUP(strings_done) struct strings names = { 0 };
	struct error err = { 0 };

	trees_open(&t);
	put(t.in, "z", "", 0644);
	put(t.in, "b/out/x", "", 0644);
	put(t.in, "b/old", "", 0644);
	put(t.in, "b.txt", "", 0644);
	date(t.in, "b/old", 7);
	CHECK(write_to(
		      &(struct tarball){
			      .rootfd = t.in, .compression = COMPRESSION_NONE, .newest = 1000, .leave_out = leave_out },
		      &tar, &err) == 0);
	names_of(&tar, &names);
	CHECK(names.n == 5);
	CHECK_STR(names.at[0], "./ 1000");
	CHECK_STR(names.at[1], "./b/ 1000");
	CHECK_STR(names.at[2], "./b/old 7");
	CHECK_STR(names.at[3], "./b.txt 1000");
	CHECK_STR(names.at[4], "./z 1000");
}

TEST(tarball_template_rules)
{
	CLEANUP(trees_done) struct trees t;
	CLEANUP(text_done) struct text tar = { 0 };
	struct error err = { 0 };
	struct tarball strict = { .compression = COMPRESSION_NONE, .strict = true };

	trees_open(&t);
	strict.rootfd = t.in;
	put(t.in, "dev/x", "", 0644);
	CHECK(write_to(&strict, &tar, &err) == 0);
}

TEST(tarball_template_refuses_owners_and_devices)
{
	CLEANUP(trees_done) struct trees t;
	CLEANUP(text_done) struct text tar = { 0 };
	struct error err = { 0 };
	struct tarball strict = { .compression = COMPRESSION_NONE, .strict = true };

	if (geteuid() != 0)
		SKIP("needs root");
	trees_open(&t);
	strict.rootfd = t.in;
	put(t.in, "dev/x", "", 0644);
	CHECK(fchownat(t.in, "dev/x", 65536, 0, 0) == 0);
	CHECK(write_to(&strict, &tar, &err) < 0 && err.class == ERROR_VERIFY);
	CHECK(strstr(err.text, "./dev/x belongs to 65536:0"));
	CHECK(fchownat(t.in, "dev/x", 65535, 65535, 0) == 0);
	CHECK(write_to(&strict, &tar, &err) == 0);
	if (mknodat(t.in, "dev/null", S_IFCHR | 0666, 0x103) < 0)
		SKIP("needs CAP_MKNOD");
	CHECK(write_to(&strict, &tar, &err) < 0);
	CHECK(strstr(err.text, "./dev/null is a device node"));
	strict.strict = false;
	CHECK(write_to(&strict, &tar, &err) == 0);
}

TEST(tarball_leaves_sockets_out)
{
	CLEANUP(trees_done) struct trees t;
	CLEANUP(text_done) struct text tar = { 0 };
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(close_p) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct error err = { 0 };

	trees_open(&t);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/in/socket", t.path);
	CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	CHECK(write_to(&(struct tarball){ .rootfd = t.in, .compression = COMPRESSION_NONE }, &tar, &err) == 0);
	names_of(&tar, &names);
	CHECK(names.n == 1);
}

/* Archives that want out of the tree, or to put something in a directory's place. */
static const struct {
	struct maker_member member[3];
	const char *says; /* NULL: goes well, inside the tree */
} hostile[] = {
	{ { { .path = "../outside", .content = "x" } }, "a name with '..'" },
	{ { { .path = "/outside", .content = "x" } }, "absolute" },
	{ { { .path = "out", .target = "../.." }, { .path = "out/outside", .content = "x" } }, NULL },
	{ { { .path = "dir/file", .content = "x" }, { .path = "dir", .target = "/tmp" } }, "replace dir" },
	{ { { .path = "hard", .original = "../in" } }, "a name with '..'" },
	{ { { .path = "file", .content = "x" }, { .path = "file/below", .content = "x" } }, "directory of file/below" },
};

TEST(tarball_unpack_refuses_hostile_members)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		CLEANUP(trees_done) struct trees t;
		CLEANUP(text_done) struct text tar = { 0 };
		struct error err = { 0 };
		trees_open(&t);
		maker_tar(hostile[i].member, COMPRESSION_NONE, &tar);
		int rc = unpack_from(&tar, t.out, &err);
		CHECK(hostile[i].says ? rc < 0 && strstr(err.text, hostile[i].says) : rc == 0);
		CHECK(faccessat(t.dir, "outside", F_OK, AT_SYMLINK_NOFOLLOW) < 0);
	}
}

static void empty_out(struct trees *t)
{
	struct error err = { 0 };

	close_p(&t->out);
	if (tree_remove(t->dir, "out", &err) < 0 || mkdirat(t->dir, "out", 0755) < 0)
		abort();
	t->out = dir_open(t->dir, "out", &err);
}

/* Few bytes may be others and mean the same: which of two equal pieces is repeated. */
static bool damage_shows(struct trees *t, const struct text *damaged, const struct text *whole)
{
	CLEANUP(text_done) struct text again = { 0 };
	struct error err = { 0 };

	empty_out(t);
	return unpack_from(damaged, t->out, &err) < 0 ||
	       (write_to(&(struct tarball){ .rootfd = t->out, .compression = COMPRESSION_ZSTD }, &again, &err) == 0 &&
		again.len == whole->len && memcmp(again.data, whole->data, whole->len) == 0);
}

TEST(tarball_unpack_refuses_damage)
{
	CLEANUP(trees_done) struct trees t;
	CLEANUP(text_done) struct text tar = { 0 }, whole = { 0 };
	struct error err = { 0 };
	size_t missed = 0;

	trees_open(&t);
	fill(t.in);
	CHECK(write_to(&(struct tarball){ .rootfd = t.in, .compression = COMPRESSION_ZSTD }, &tar, &err) == 0);
	text_addn(&whole, tar.data, tar.len);
	for (size_t i = 0; i < tar.len; i++) {
		tar.data[i] ^= 0x55;
		missed += !damage_shows(&t, &tar, &whole);
		tar.data[i] ^= 0x55;
	}
	CHECK(missed == 0);
	tar.len /= 2;
	CHECK(unpack_from(&tar, t.out, &err) < 0);
}
