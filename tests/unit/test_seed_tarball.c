/* SPDX-License-Identifier: Apache-2.0 */
/* A seed in a tarball, as readers of tar and zstd see it; tests/e2e/seed.py runs GNU tar with Proxmox VE's options. */
#include <sys/mman.h>
#include <unistd.h>

#include "builder/archive/tar.h"
#include "builder/seed/seed_tarball.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define NODE "cluster: lab\nrole: init\n"

static bool add_file(struct tar_writer *w, const char *path, const char *content, struct error *err)
{
	struct tar_entry e = { .path = path, .mode = S_IFREG | 0644, .size = strlen(content) };

	return tar_write_entry(w, &e, err) == 0 && tar_write_data(w, content, strlen(content), err) == 0;
}

/* A tarball of two files. */
static int make_base(enum compression compression)
{
	CLEANUP(close_p) int fd = memfd_create("base", MFD_CLOEXEC);
	CLEANUP(tar_writer_free_p) struct tar_writer *w = NULL;
	struct error err = { 0 };

	if (tar_write_fd(fd, compression, 0, &w, &err) < 0 || !add_file(w, "./a", "first", &err) ||
	    !add_file(w, "./b", "second", &err) || tar_write_end(w, &err) < 0)
		abort();
	return TAKE_FD(fd);
}

static int seed(int base, int out, struct error *err)
{
	const struct text node = { .data = (char *)NODE, .len = strlen(NODE) };

	*err = (struct error){ 0 };
	return seed_tarball(base, "base.tar.zst", &node, out, err);
}

/* "PATH MODE OWNER SIZE" of each member. */
static void members(int fd, struct strings *ret)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	const struct tar_entry *e;
	struct error err = { 0 };

	if (lseek(fd, 0, SEEK_SET) < 0 || tar_read_fd(fd, "seed", &r, &err) < 0)
		abort();
	while (tar_read_next(r, &e, &err) > 0)
		strings_addf(ret, "%s %o %u:%u %zu", e->path, e->mode, e->uid, e->gid, (size_t)e->size);
	if (*err.text)
		strings_add(ret, err.text);
}

TEST(seed_tarball_adds_one_member)
{
	CLEANUP(close_p) int base = make_base(COMPRESSION_ZSTD), out = memfd_create("out", MFD_CLOEXEC);
	CLEANUP(strings_done) struct strings found = { 0 };
	struct error err;

	CHECK_STR(seed(base, out, &err) < 0 ? err.text : "", "");
	members(out, &found);
	CHECK(found.n == 3);
	CHECK_STR(found.at[0], "./a 100644 0:0 5");
	CHECK_STR(found.at[1], "./b 100644 0:0 6");
	CHECK_STR(found.at[2], "./etc/nodekiln/node.yaml 100600 0:0 24");
}

/* Nothing of the base is compressed again: its bytes up to the end marker are the same. */
TEST(seed_tarball_keeps_the_base)
{
	CLEANUP(close_p) int base = make_base(COMPRESSION_ZSTD), out = memfd_create("out", MFD_CLOEXEC);
	char a[4096], b[4096];
	struct error err;
	struct stat st;

	CHECK(seed(base, out, &err) == 0 && fstat(base, &st) == 0 && st.st_size > TAR_END_SIZE);
	size_t n = (size_t)st.st_size - TAR_END_SIZE;
	CHECK(n <= sizeof a && pread_all(base, a, n, 0) == 0 && pread_all(out, b, n, 0) == 0 && !memcmp(a, b, n));
	CHECK(pread_all(base, a, TAR_END_SIZE, (off_t)n) == 0 && !memcmp(a, tar_zstd_end, TAR_END_SIZE));
}

TEST(seed_tarball_refuses_a_seed)
{
	CLEANUP(close_p) int base = make_base(COMPRESSION_ZSTD), out = memfd_create("out", MFD_CLOEXEC);
	CLEANUP(close_p) int again = memfd_create("again", MFD_CLOEXEC);
	struct error err;

	CHECK(seed(base, out, &err) == 0);
	CHECK(seed(out, again, &err) < 0);
	CHECK_STR(err.text, "base.tar.zst is a node's seed already; start from the image that it was made from");
}

TEST(seed_tarball_refuses_other_tarballs)
{
	static const char says[] =
		"base.tar.zst does not end as a .tar.zst of nodekiln does (the archive's end in a frame of its "
		"own), so nothing can be added to it; build the image again";
	CLEANUP(close_p) int plain = make_base(COMPRESSION_NONE), gzip = make_base(COMPRESSION_ZLIB);
	CLEANUP(close_p) int empty = memfd_create("empty", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	struct error err;

	CHECK(seed(plain, out, &err) < 0);
	CHECK_STR(err.text, says);
	CHECK(seed(gzip, out, &err) < 0);
	CHECK_STR(err.text, says);
	CHECK(seed(empty, out, &err) < 0);
	CHECK_STR(err.text, says);
	CHECK(err.class == ERROR_INPUT);
}
