/* SPDX-License-Identifier: Apache-2.0 */
/* Members as they are written and read back, and what readers refuse. test_tarball does whole trees. */
#include "builder/archive/tar.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define TIME 1234567890

static void content_of(int fd, struct text *ret)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/self/fd/%d", fd);
	struct error err = { 0 };

	if (file_read(AT_FDCWD, path, 64 << 20, ret, &err) < 0)
		abort();
}

/* One archive of the given members; the data of a regular file is its path's. */
static int write_all_members(const struct tar_entry *e, size_t n, enum compression compression, struct text *ret,
			     struct error *err)
{
	CLEANUP(close_p) int fd = memfd_create("tar", MFD_CLOEXEC);
	CLEANUP(tar_writer_free_p) struct tar_writer *w = NULL;

	if (tar_write_fd(fd, compression, 1, &w, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (tar_write_entry(w, &e[i], err) < 0 ||
		    (e[i].size && tar_write_data(w, e[i].path, e[i].size, err) < 0))
			return -1;
	if (tar_write_end(w, err) < 0)
		return -1;
	content_of(fd, ret);
	return 0;
}

#define LONG_NAME                                                                                                      \
	"./a/name/that/is/longer/than/a/ustar/header/can/hold/in/its/hundred/bytes/of/name/and/which/has/"             \
	"bytes/that/are/not/ascii/F\xc5\x91tan\xc3\xbas\xc3\xadtv\xc3\xa1ny.crt"

static const struct tar_xattr xattr = { "user.x", "a\0b", 3 };
static const struct tar_entry members[] = {
	{ .path = "./", .mode = S_IFDIR | 01777, .uid = 1, .gid = 2, .mtime = TIME },
	{ .path = LONG_NAME,
	  .mode = S_IFREG | 04711,
	  .uid = 70000,
	  .size = sizeof LONG_NAME - 1,
	  .mtime = TIME,
	  .xattr = &xattr,
	  .xattrs = 1 },
	{ .path = "./hard", .original = LONG_NAME, .mode = S_IFREG | 04711, .mtime = TIME },
	{ .path = "./soft", .target = "/F\xc5\x91", .mode = S_IFLNK | 0777, .mtime = TIME },
	{ .path = "./null", .mode = S_IFCHR | 0666, .device = 0x103, .mtime = TIME },
};

static void check_member(const struct tar_entry *got, const struct tar_entry *want)
{
	CHECK_STR(got->path, want->path);
	CHECK(got->uid == want->uid && got->gid == want->gid && got->mtime == want->mtime);
	CHECK(got->size == want->size && got->device == want->device && got->xattrs == want->xattrs);
	CHECK(want->original || got->mode == want->mode);
	CHECK(!got->original == !want->original && !got->target == !want->target);
	CHECK_STR(got->original ? got->original : "", want->original ? want->original : "");
	CHECK_STR(got->target ? got->target : "", want->target ? want->target : "");
	if (got->xattrs)
		CHECK(got->xattr->size == 3 && !memcmp(got->xattr->value, "a\0b", 3));
}

static void round_trip(enum compression compression)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	CLEANUP(text_done) struct text tar = { 0 };
	const struct tar_entry *e;
	struct error err = { 0 };
	const void *block;
	size_t n;
	off_t offset;

	CHECK(write_all_members(members, ARRAY_SIZE(members), compression, &tar, &err) == 0);
	CHECK(tar_read_memory(tar.data, tar.len, "it", &r, &err) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		CHECK(tar_read_next(r, &e, &err) == 1);
		check_member(e, &members[i]);
		if (check_failed)
			return;
		if (e->size) {
			CHECK(tar_read_data(r, &block, &n, &offset, &err) == 1 && offset == 0 && n == e->size);
			CHECK(!memcmp(block, members[i].path, n));
		}
		CHECK(tar_read_data(r, &block, &n, &offset, &err) == 0);
	}
	CHECK(tar_read_next(r, &e, &err) == 0);
}

TEST(tar_round_trip)
{
	static const enum compression all[] = { COMPRESSION_NONE, COMPRESSION_ZLIB, COMPRESSION_ZSTD };

	for (size_t i = 0; i < ARRAY_SIZE(all) && !check_failed; i++)
		round_trip(all[i]);
}

TEST(tar_zstd_end_is_the_last_frame)
{
	CLEANUP(text_done) struct text tar = { 0 }, plain = { 0 }, zeros = { 0 };
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	struct error err = { 0 };
	const void *block;
	size_t n;
	off_t offset;

	CHECK(write_all_members(members, 1, COMPRESSION_ZSTD, &tar, &err) == 0);
	CHECK(write_all_members(members, 1, COMPRESSION_NONE, &plain, &err) == 0);
	CHECK(!memcmp(tar.data + tar.len - TAR_END_SIZE, tar_zstd_end, TAR_END_SIZE));
	CHECK(tar_read_unpacked(tar_zstd_end, TAR_END_SIZE, "end", &r, &err) == 0);
	while (tar_read_data(r, &block, &n, &offset, &err) > 0)
		text_addn(&zeros, block, n);
	CHECK(zeros.len == 1024 && !memcmp(zeros.data, plain.data + plain.len - 1024, 1024));
}

TEST(tar_read_refuses_limits)
{
	CLEANUP(text_done) struct text many = { 0 };
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	struct tar_xattr xattrs[TAR_XATTR_MAX + 1];
	char names[TAR_XATTR_MAX + 1][16];
	const struct tar_entry *e;
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(xattrs); i++) {
		snprintf(names[i], sizeof names[i], "user.%zu", i);
		xattrs[i] = (struct tar_xattr){ names[i], "x", 1 };
	}
	struct tar_entry entry = { .path = "./x", .mode = S_IFREG, .xattr = xattrs, .xattrs = ARRAY_SIZE(xattrs) };
	CHECK(write_all_members(&entry, 1, COMPRESSION_NONE, &many, &err) == 0);
	CHECK(tar_read_memory(many.data, many.len, "it", &r, &err) == 0 && tar_read_next(r, &e, &err) < 0);
	CHECK_STR(err.text, "read it: ./x has more than the limit of 64 extended attributes");
}

TEST(tar_read_refuses_long_names)
{
	CLEANUP(text_done) struct text tar = { 0 };
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	CLEANUP(free_p) char *name = xcalloc(1, TAR_PATH_MAX + 2);
	struct tar_entry entry = { .path = memset(name, 'x', TAR_PATH_MAX + 1), .mode = S_IFREG };
	const struct tar_entry *e;
	struct error err = { 0 };

	CHECK(write_all_members(&entry, 1, COMPRESSION_NONE, &tar, &err) == 0);
	CHECK(tar_read_memory(tar.data, tar.len, "it", &r, &err) == 0 && tar_read_next(r, &e, &err) < 0);
	CHECK_STR(err.text, "read it: a name is longer than the limit of 4095 bytes");
}

TEST(tar_read_names_a_damaged_archive)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL, *raw = NULL;
	static const char garbage[] = "\x28\xb5\x2f\xfd, and then nothing that zstd would write";
	const struct tar_entry *e;
	struct error err = { 0 };

	CHECK(tar_read_memory(garbage, sizeof garbage, "it", &r, &err) < 0 || tar_read_next(r, &e, &err) < 0);
	CHECK(text_starts(err.text, "read it: the archive is damaged: "));
	CHECK(tar_read_unpacked("", 0, "nothing", &raw, &err) < 0);
}

TEST(tar_write_reports_a_failed_write)
{
	CLEANUP(close_p) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	static const enum compression all[] = { COMPRESSION_NONE, COMPRESSION_ZSTD };

	if (fd < 0)
		SKIP("needs /dev/full");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		CLEANUP(tar_writer_free_p) struct tar_writer *w = NULL;
		struct error err = { 0 };
		CHECK(tar_write_fd(fd, all[i], 1, &w, &err) == 0);
		CHECK(tar_write_entry(w, &members[0], &err) < 0 || tar_write_end(w, &err) < 0);
		CHECK(err.class == ERROR_SPACE);
	}
}
